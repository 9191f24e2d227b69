//! Incidents: what reports have in common.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{
        Body, Caller, CommandKey, Params, Problem, Segment, at,
        order::{AreaClass, Place},
    },
    wire::{text_required, uuid},
};
use relight_proto::intake::v1::{
    ConfirmDeviceRequest, GetIncidentRequest, Incident as WireIncident, ListIncidentsRequest,
    ListReportsRequest, get_incident_request::By,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    STAFF,
    list::{List, PageParams, page},
    reports::Report,
};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(reports))
        .routes(routes!(confirm))
}

/// One incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Incident {
    /// UUID.
    pub incident_id: String,
    /// Spoken number.
    pub number: String,
    /// `open`, `merged`, `closed`
    pub state: String,
    /// Probable or confirmed device; empty: not known.
    pub device_id: String,
    /// Kind of the device.
    pub device_kind: String,
    /// Whether the device is confirmed.
    pub confirmed: bool,
    /// `dispatcher`, `crew`, `meter`; empty: a guess.
    pub confirmed_by: String,
    /// Immutable set of service points without supply.
    pub affected_set_id: String,
    /// Their count.
    pub affected_count: u32,
    /// Reports in it.
    pub report_count: u32,
    /// Earliest acceptance of its reports.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When supply is taken to have ended.
    pub off_at: Option<DateTime<Utc>>,
    /// Rules the arrival limit.
    pub area_class: AreaClass,
    /// Danger was reported.
    pub danger: bool,
    /// Somebody affected depends on life-support.
    pub life_support: bool,
    /// An important customer is affected.
    pub important: bool,
    /// How often customers urged.
    pub urge_count: u32,
    /// Where the work probably is.
    pub position: Option<Place>,
    /// Where in the organisation.
    pub org_path: String,
    /// Grows with every change.
    pub version: u64,
    /// Set when merged: the incident it became part of.
    pub merged_into: String,
    /// Its customers were still off after that incident was restored.
    pub parent_id: String,
}

impl From<WireIncident> for Incident {
    fn from(incident: WireIncident) -> Self {
        let area_class = incident.area_class().into();
        Self {
            incident_id: incident.incident_id,
            number: incident.number,
            state: incident.state,
            device_id: incident.device_id,
            device_kind: incident.device_kind,
            confirmed: incident.confirmed,
            confirmed_by: incident.confirmed_by,
            affected_set_id: incident.affected_set_id,
            affected_count: incident.affected_count,
            report_count: incident.report_count,
            accepted_at: at(incident.accepted_at),
            off_at: at(incident.off_at),
            area_class,
            danger: incident.danger,
            life_support: incident.life_support,
            important: incident.important,
            urge_count: incident.urge_count,
            position: incident.position.map(Place::from),
            org_path: incident.org_path,
            version: incident.version,
            merged_into: incident.merged_into,
            parent_id: incident.parent_id,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// `open` (also when left out) or `closed`
    #[serde(default)]
    state: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Incidents of the caller's area.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(ListParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<Incident>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<List<Incident>>, Problem> {
    let claims = caller.need(&STAFF)?;
    if !["", "open", "closed"].contains(&params.state.as_str()) {
        return Err(Problem::field("state", "must be open or closed"));
    }
    let message = ListIncidentsRequest {
        state: params.state,
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().intake, list_incidents, message).await?;
    Ok(Json(List::of(reply.incidents, reply.next_cursor)))
}

/// One incident by id or spoken number.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", security(("session" = [])),
    params(("id" = String, Path, description = "Incident id (UUID) or number")),
    responses((status = 200, description = "The incident", body = Incident)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<Incident>, Problem> {
    let claims = caller.need(&STAFF)?;
    let by = if Uuid::parse_str(&id).is_ok() {
        By::IncidentId(id)
    } else {
        By::Number(id)
    };
    let message = GetIncidentRequest { by: Some(by) };
    let incident = ask!(app.edge(), claims, app.to().intake, get_incident, message).await?;
    Ok(Json(incident.into()))
}

/// The reports of an incident.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/reports", tag = "incidents", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Incident id"), PageParams),
    responses((status = 200, description = "A page", body = List<Report>)))]
async fn reports(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Report>>, Problem> {
    let claims = caller.need(&[Role::Dispatcher, Role::Agent])?;
    let message = ListReportsRequest {
        incident_id: uuid("id", &id)?.to_string(),
        customer_id: String::new(),
        page: Some(params.into_wire()?),
    };
    let reply = ask!(app.edge(), claims, app.to().intake, list_reports, message).await?;
    Ok(Json(List::of(reply.reports, reply.next_cursor)))
}

/// The device that is out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirm {
    /// External id of the device.
    #[schema(max_length = 100)]
    device_id: String,
}

/// Confirms the device: from now on everybody below it counts as off and is told.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/confirm", tag = "incidents", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Incident id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Confirm, responses((status = 200, description = "The incident", body = Incident)))]
async fn confirm(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Confirm>,
) -> Result<Json<Incident>, Problem> {
    let claims = caller.need(&[Role::Dispatcher])?;
    let message = ConfirmDeviceRequest {
        command_id: key.to_string(),
        incident_id: uuid("id", &id)?.to_string(),
        device_id: text_required("device_id", &body.device_id, 100)?,
        confirmed_by: "dispatcher".to_owned(),
    };
    let incident = ask!(app.edge(), claims, app.to().intake, confirm_device, message).await?;
    Ok(Json(incident.into()))
}
