//! Safety switch-offs: done because of danger, recorded afterwards, asked of no gate.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, Segment, at},
    wire::{timestamp, uuid},
};
use relight_proto::planner::v1::{
    GetSafetyRequest, ListSafetyRequest, RecordSafetyRequest, RestoreSafetyRequest, SafetySwitchOff,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::list::{List, PageParams};
use crate::app::App;

/// Who records them.
const RECORD: [Role; 3] = [Role::Dispatcher, Role::Manager, Role::ControlRoom];
/// Who sees them.
const SEE: [Role; 6] = [
    Role::Dispatcher,
    Role::Manager,
    Role::ControlRoom,
    Role::Planner,
    Role::Agent,
    Role::UnitDesk,
];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, record))
        .routes(routes!(get))
        .routes(routes!(restore))
}

/// Supply that was switched off because of danger.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Safety {
    /// UUID.
    safety_id: String,
    /// Spoken number.
    number: String,
    /// Where in the organisation.
    org_path: String,
    /// IANA zone of the place.
    zone: String,
    /// `off`, `restored`
    state: String,
    /// Grows with every change.
    version: u64,
    /// `fire`, `fallen_wire`, `person_trapped`, `flood`, `isolation`, `authority`
    danger: String,
    /// What was seen, who asked for it.
    basis: String,
    /// What is open.
    device_ids: Vec<String>,
    /// Immutable set of service points affected.
    affected_set_id: String,
    /// Its members.
    affected_count: u32,
    /// Who recorded it.
    recorded_by: String,
    /// When it was done.
    switched_off_at: Option<DateTime<Utc>>,
    /// When it was recorded, and with it everybody ordered to be told.
    recorded_at: Option<DateTime<Utc>>,
    /// That was later than 15 minutes after the switching.
    told_late: bool,
    /// Customers with proof that they were told.
    told_count: u32,
    /// When supply is expected back, where somebody knows.
    expected_on_at: Option<DateTime<Utc>>,
    /// When everybody had supply again.
    restored_at: Option<DateTime<Utc>>,
    /// Who said that the danger is over and people are out.
    cleared_by: String,
}

impl From<SafetySwitchOff> for Safety {
    fn from(one: SafetySwitchOff) -> Self {
        Self {
            safety_id: one.safety_id,
            number: one.number,
            org_path: one.org_path,
            zone: one.zone,
            state: one.state,
            version: one.version,
            danger: one.danger,
            basis: one.basis,
            device_ids: one.device_ids,
            affected_set_id: one.affected_set_id,
            affected_count: one.affected_count,
            recorded_by: one.recorded_by,
            switched_off_at: at(one.switched_off_at),
            recorded_at: at(one.recorded_at),
            told_late: one.told_late,
            told_count: one.told_count,
            expected_on_at: at(one.expected_on_at),
            restored_at: at(one.restored_at),
            cleared_by: one.cleared_by,
        }
    }
}

/// Safety switch-offs of the caller's area, the last one first.
#[utoipa::path(get, path = "/api/v1/safety-switch-offs", tag = "safety", params(PageParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<Safety>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Safety>>, Problem> {
    let claims = caller.need(&SEE)?;
    let message = ListSafetyRequest {
        page: Some(params.into_wire()?),
    };
    let reply = ask!(app.edge(), claims, app.to().safety, list, message).await?;
    Ok(Json(List::of(reply.switch_offs, reply.next_cursor)))
}

/// What was switched off, and why it could not wait.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Chosen by the sender.
    safety_id: Uuid,
    /// External ids of what is open, 1 to 500.
    device_ids: Vec<String>,
    /// `fire`, `fallen_wire`, `person_trapped`, `flood`, `isolation`, `authority`
    danger: String,
    /// What was seen, who asked for it, number of the authority's order.
    #[schema(max_length = 500)]
    basis: String,
    /// When it was done; not in the future, at most 24 h ago.
    switched_off_at: DateTime<Utc>,
    /// When supply is expected back; left out when nobody knows.
    #[serde(default)]
    expected_on_at: Option<DateTime<Utc>>,
}

/// Records a safety switch-off that was done; everybody it concerns is told at once.
#[utoipa::path(post, path = "/api/v1/safety-switch-offs", tag = "safety", security(("session" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Record, responses((status = 201, description = "The record", body = Safety)))]
async fn record(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Body(body): Body<Record>,
) -> Result<(StatusCode, Json<Safety>), Problem> {
    let claims = caller.need(&RECORD)?;
    let message = RecordSafetyRequest {
        command_id: key.to_string(),
        safety_id: body.safety_id.to_string(),
        device_ids: body.device_ids,
        danger: body.danger,
        basis: body.basis,
        switched_off_at: Some(timestamp(body.switched_off_at)),
        expected_on_at: body.expected_on_at.map(timestamp),
    };
    let one = ask!(app.edge(), claims, app.to().safety, record, message).await?;
    Ok((StatusCode::CREATED, Json(one.into())))
}

/// One safety switch-off.
#[utoipa::path(get, path = "/api/v1/safety-switch-offs/{id}", tag = "safety", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Id")),
    responses((status = 200, description = "The record", body = Safety)))]
async fn get(State(app): State<App>, caller: Caller, Segment(id): Segment) -> Result<Json<Safety>, Problem> {
    let claims = caller.need(&SEE)?;
    let message = GetSafetyRequest {
        safety_id: uuid("id", &id)?.to_string(),
    };
    let one = ask!(app.edge(), claims, app.to().safety, get, message).await?;
    Ok(Json(one.into()))
}

/// Who has supply again, and who said that it is safe.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Restore {
    /// Everybody still off.
    #[serde(default)]
    all: bool,
    /// Or what is below these devices.
    #[serde(default)]
    device_ids: Vec<String>,
    /// Name of who said: the danger is over, people are out, earths are off.
    #[schema(max_length = 100)]
    cleared_by: String,
}

/// Supply is back to a section or to all.
#[utoipa::path(post, path = "/api/v1/safety-switch-offs/{id}/restore", tag = "safety", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Restore, responses((status = 200, description = "The record after it", body = Safety)))]
async fn restore(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Restore>,
) -> Result<Json<Safety>, Problem> {
    let claims = caller.need(&RECORD)?;
    let message = RestoreSafetyRequest {
        command_id: key.to_string(),
        safety_id: uuid("id", &id)?.to_string(),
        all: body.all,
        device_ids: body.device_ids,
        cleared_by: body.cleared_by,
    };
    let one = ask!(app.edge(), claims, app.to().safety, restore, message).await?;
    Ok(Json(one.into()))
}
