//! The control room's seat. Switching is recorded here, never granted; what is set by hand takes two people.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, Segment, at},
    wire::{timestamp, uuid},
};
use relight_proto::registry::v1::{
    self as w, AdvanceSwitchingRequest, GetSwitchingRequest, ListSwitchingsRequest, RecordTelemetryRequest,
    RequestSwitchingRequest, advance_switching_request::Act,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::list::{List, page};
use crate::app::App;

const SEAT: [Role; 2] = [Role::ControlRoom, Role::Dispatcher];
const SEE: [Role; 3] = [Role::ControlRoom, Role::Dispatcher, Role::Manager];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(request, list))
        .routes(routes!(get))
        .routes(routes!(advance))
        .routes(routes!(telemetry))
}

/// What telemetry says of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Telemetry {
    device_id: String,
    closed: bool,
    at: Option<DateTime<Utc>>,
}

impl From<w::Telemetry> for Telemetry {
    fn from(told: w::Telemetry) -> Self {
        Self {
            device_id: told.device_id,
            closed: told.closed,
            at: at(told.at),
        }
    }
}

/// Something that happened to a switching.
#[derive(Debug, Serialize, ToSchema)]
struct Mark {
    /// `request`, `acknowledge`, `permit`, `execute`, `confirm`, `telemetry`, `return`, `refuse`, `withdraw`
    what: String,
    at: Option<DateTime<Utc>>,
    /// Person id.
    actor: String,
    /// Who gave the permission.
    name: String,
    permit_no: String,
    read_back: bool,
    note: String,
}

/// One switching of one device.
#[derive(Debug, Serialize, ToSchema)]
struct Switching {
    switching_id: String,
    /// Spoken number.
    number: String,
    device_id: String,
    close: bool,
    /// `requested`, `acknowledged`, `permitted`, `executed` (a second person has still to confirm), `done`, `returned`,
    /// `refused`, `withdrawn`
    state: String,
    /// `incident`, `outage`, `safety`, `customer_request`; empty: nobody loses supply by it.
    basis_kind: String,
    basis_id: String,
    reason: String,
    org_path: String,
    version: u64,
    requested_at: Option<DateTime<Utc>>,
    marks: Vec<Mark>,
    telemetry: Option<Telemetry>,
    /// Telemetry contradicts what was set by hand. Shown, not resolved.
    conflict: bool,
    /// Empty until it is done, as all below.
    grid_version: String,
    state_no: u64,
    lost_set_id: String,
    restored_set_id: String,
    /// Service points that lost supply.
    lost: u32,
    /// Service points that got supply.
    restored: u32,
}

impl From<w::Switching> for Switching {
    fn from(one: w::Switching) -> Self {
        let mark = |mark: w::SwitchingMark| Mark {
            what: mark.what,
            at: at(mark.at),
            actor: mark.actor,
            name: mark.name,
            permit_no: mark.permit_no,
            read_back: mark.read_back,
            note: mark.note,
        };
        Self {
            switching_id: one.switching_id,
            number: one.number,
            device_id: one.device_id,
            close: one.close,
            state: one.state,
            basis_kind: one.basis_kind,
            basis_id: one.basis_id,
            reason: one.reason,
            org_path: one.org_path,
            version: one.version,
            requested_at: at(one.requested_at),
            marks: one.marks.into_iter().map(mark).collect(),
            telemetry: one.telemetry.map(Telemetry::from),
            conflict: one.conflict,
            grid_version: one.grid_version,
            state_no: one.state_no,
            lost_set_id: one.lost_set_id,
            restored_set_id: one.restored_set_id,
            lost: one.lost,
            restored: one.restored,
        }
    }
}

/// What is to be switched.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSwitching {
    /// Chosen by the sender.
    switching_id: Uuid,
    /// External id.
    device_id: String,
    /// True closes it, false opens it.
    close: bool,
    /// What it is for: `incident`, `outage`, `safety`, `customer_request`. Needed when somebody loses supply.
    #[serde(default)]
    basis_kind: String,
    /// The incident or planned outage.
    basis_id: Option<Uuid>,
    /// Why.
    reason: String,
}

/// Asks for a switching.
#[utoipa::path(post, path = "/api/v1/switching", tag = "switching", security(("session" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = NewSwitching, responses((status = 201, description = "The switching", body = Switching)))]
async fn request(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Body(body): Body<NewSwitching>,
) -> Result<(StatusCode, Json<Switching>), Problem> {
    let claims = caller.need(&SEAT)?;
    let message = RequestSwitchingRequest {
        command_id: key.to_string(),
        switching_id: body.switching_id.to_string(),
        device_id: body.device_id,
        close: body.close,
        basis_kind: body.basis_kind,
        basis_id: body.basis_id.map(|id| id.to_string()).unwrap_or_default(),
        reason: body.reason,
    };
    let one = ask!(
        app.edge(),
        claims,
        app.to().switchings,
        request_switching,
        message
    )
    .await?;
    Ok((StatusCode::CREATED, Json(one.into())))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Only those not yet handed back, refused or withdrawn.
    #[serde(default)]
    open: bool,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Switchings, the latest first.
#[utoipa::path(get, path = "/api/v1/switching", tag = "switching", params(ListParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<Switching>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<List<Switching>>, Problem> {
    let claims = caller.need(&SEE)?;
    let message = ListSwitchingsRequest {
        open: params.open,
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().switchings, list_switchings, message).await?;
    Ok(Json(List::of(reply.switchings, reply.next_cursor)))
}

/// One switching.
#[utoipa::path(get, path = "/api/v1/switching/{id}", tag = "switching", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Switching id")),
    responses((status = 200, description = "The switching", body = Switching)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<Switching>, Problem> {
    let claims = caller.need(&SEE)?;
    let message = GetSwitchingRequest {
        switching_id: uuid("id", &id)?.to_string(),
    };
    let one = ask!(app.edge(), claims, app.to().switchings, get_switching, message).await?;
    Ok(Json(one.into()))
}

/// One step: which may follow which is the registry's decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum SwitchingEvent {
    /// The control room has seen it.
    Acknowledge {},
    /// The permission as it was spoken.
    Permit {
        /// Who gave it.
        name: String,
        /// Its number.
        number: String,
        /// Whether it was read back.
        read_back: bool,
    },
    /// It is done, says one person.
    Execute {
        /// When; left out: now.
        at: Option<DateTime<Utc>>,
    },
    /// Another person confirms it.
    Confirm {},
    /// The permission is handed back.
    Return {},
    /// The control room says no.
    Refuse {
        /// Why.
        reason: String,
    },
    /// Nobody wants it any more.
    Withdraw {
        /// Why.
        reason: String,
    },
}

impl From<SwitchingEvent> for Act {
    fn from(event: SwitchingEvent) -> Self {
        use w::advance_switching_request as r;
        match event {
            SwitchingEvent::Acknowledge {} => Act::Acknowledge(r::Acknowledge {}),
            SwitchingEvent::Permit {
                name,
                number,
                read_back,
            } => Act::Permit(r::Permit {
                name,
                number,
                read_back,
            }),
            SwitchingEvent::Execute { at } => Act::Execute(r::Execute {
                at: at.map(timestamp),
            }),
            SwitchingEvent::Confirm {} => Act::Confirm(r::Confirm {}),
            SwitchingEvent::Return {} => Act::Return(r::Return {}),
            SwitchingEvent::Refuse { reason } => Act::Refuse(r::Note { reason }),
            SwitchingEvent::Withdraw { reason } => Act::Withdraw(r::Note { reason }),
        }
    }
}

/// A step of a switching.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// Version of the switching the sender looked at; left out: not checked.
    #[serde(default)]
    expected_version: u64,
    /// The step.
    event: SwitchingEvent,
}

/// Takes a switching one step on.
#[utoipa::path(post, path = "/api/v1/switching/{id}/events", tag = "switching", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Switching id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Advance, responses((status = 200, description = "The switching", body = Switching)))]
async fn advance(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Advance>,
) -> Result<Json<Switching>, Problem> {
    let claims = caller.need(&SEAT)?;
    let message = AdvanceSwitchingRequest {
        command_id: key.to_string(),
        switching_id: uuid("id", &id)?.to_string(),
        expected_version: body.expected_version,
        act: Some(body.event.into()),
    };
    let one = ask!(
        app.edge(),
        claims,
        app.to().switchings,
        advance_switching,
        message
    )
    .await?;
    Ok(Json(one.into()))
}

/// What SCADA says of one device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// External id.
    device_id: String,
    /// Whether it is closed.
    closed: bool,
    /// Since when.
    at: DateTime<Utc>,
}

/// A batch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TelemetryBatch {
    /// 1 to 500, in any order.
    telemetry: Vec<Said>,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
struct TelemetryTaken {
    /// Rows newer than what was known.
    taken: u32,
    /// Devices whose state they changed.
    switched: Vec<String>,
    /// Devices set by hand that they contradict.
    conflicts: Vec<String>,
    /// Ids that are not in the network.
    unknown: Vec<String>,
}

/// Takes in what SCADA says.
#[utoipa::path(post, path = "/api/v1/switching/telemetry", tag = "switching", security(("session" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = TelemetryBatch, responses((status = 200, description = "What became of it", body = TelemetryTaken)))]
async fn telemetry(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Body(body): Body<TelemetryBatch>,
) -> Result<Json<TelemetryTaken>, Problem> {
    let claims = caller.need(&[Role::Scada])?;
    let told = body.telemetry.into_iter().map(|said| w::Telemetry {
        device_id: said.device_id,
        closed: said.closed,
        at: Some(timestamp(said.at)),
    });
    let message = RecordTelemetryRequest {
        command_id: key.to_string(),
        telemetry: told.collect(),
    };
    let reply = ask!(app.edge(), claims, app.to().switchings, record_telemetry, message).await?;
    Ok(Json(TelemetryTaken {
        taken: reply.taken,
        switched: reply.switched,
        conflicts: reply.conflicts,
        unknown: reply.unknown,
    }))
}
