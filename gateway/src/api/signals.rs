//! Signals of meters and telemetry, the pings that would help, and what follows from triage: self-help, calls to people
//! who depend on life-support, reports written on paper, a corrected transformer.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Problem, Segment, at},
    wire::{timestamp, uuid},
};
use relight_proto::intake::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::reports::{NewReport, Report};
use crate::app::App;

/// Who sends signals and asks for pings.
const SENDERS: [Role; 3] = [Role::Scada, Role::Dispatcher, Role::Admin];
const DESK: [Role; 2] = [Role::Agent, Role::Dispatcher];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(send))
        .routes(routes!(pings))
        .routes(routes!(calls))
        .routes(routes!(called))
        .routes(routes!(called_in_set))
        .routes(routes!(self_help))
        .routes(routes!(paper))
        .routes(routes!(correct))
}

/// One signal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Signal {
    /// Unique for its source: the same id again is the same signal.
    #[schema(max_length = 120)]
    external_id: String,
    /// `last_gasp`, `ping_off`, `ping_on`, `scada_open`, `scada_closed`, `relay_open`, `relay_closed`,
    /// `credit_out` (of a prepaid meter: used up), `credit_in`
    kind: String,
    /// Of a meter: its id in the grid file, or
    #[serde(default)]
    load_id: String,
    /// its account.
    #[serde(default)]
    account: String,
    /// Of telemetry: the device.
    #[serde(default)]
    device_id: String,
    /// When it happened. Late and out of order is fine.
    at: DateTime<Utc>,
}

/// Signals of one head-end or telemetry system.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignalBatch {
    /// Name of the system.
    #[schema(max_length = 40)]
    source: String,
    /// At most 1,000.
    #[schema(max_items = 1000)]
    signals: Vec<Signal>,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
struct SignalsTaken {
    /// New ones.
    taken: u32,
    /// Known before.
    repeated: u32,
    /// Not taken, each with why.
    faults: Vec<SignalFault>,
}

/// A signal that was not taken.
#[derive(Debug, Serialize, ToSchema)]
struct SignalFault {
    external_id: String,
    /// The field that is wrong.
    field: String,
    /// What is right.
    problem: String,
}

/// Takes signals. Each is remembered by source and id: sending a batch again is safe, also without the key. An adapter that runs with the
/// certificates of the house may stream the same batches by gRPC, `relight.intake.v1.Signals/Stream`: each is answered once it is stored
/// (`services/intake/examples/head_end.rs` is one that runs).
#[utoipa::path(post, path = "/api/v1/signals", tag = "signals", security(("session" = [])), request_body = SignalBatch,
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    responses((status = 200, description = "What became of them", body = SignalsTaken)))]
async fn send(
    State(app): State<App>,
    caller: Caller,
    _key: CommandKey,
    Body(body): Body<SignalBatch>,
) -> Result<Json<SignalsTaken>, Problem> {
    let claims = caller.need(&SENDERS)?;
    let signals = body.signals.into_iter().map(|signal| pb::Signal {
        external_id: signal.external_id,
        kind: signal.kind,
        load_id: signal.load_id,
        account: signal.account,
        device_id: signal.device_id,
        at: Some(timestamp(signal.at)),
    });
    let message = pb::SignalBatch {
        source: body.source,
        signals: signals.collect(),
    };
    let reply = ask!(app.edge(), claims, app.to().signals, send, message).await?;
    let faults = reply.faults.into_iter().map(|fault| SignalFault {
        external_id: fault.external_id,
        field: fault.field,
        problem: fault.problem,
    });
    Ok(Json(SignalsTaken {
        taken: reply.taken,
        repeated: reply.repeated,
        faults: faults.collect(),
    }))
}

/// A meter that should be asked.
#[derive(Debug, Serialize, ToSchema)]
struct Ping {
    /// The incident it tells about.
    incident_id: String,
    /// The meter, by its id in the grid file.
    load_id: String,
    /// The devices it would tell apart; none when supply was restored there.
    device_ids: Vec<String>,
    /// `candidates`: it tells devices apart; `restored`: is supply back there?
    why: String,
}

/// Meters whose answer would tell the candidates of open incidents apart, the least sure incident first; then those of whom a
/// restoration wants to know whether supply is back. Answers are `ping_on` and `ping_off` signals.
#[utoipa::path(get, path = "/api/v1/pings-wanted", tag = "signals", security(("session" = [])),
    responses((status = 200, description = "At most 500", body = Vec<Ping>)))]
async fn pings(State(app): State<App>, caller: Caller) -> Result<Json<Vec<Ping>>, Problem> {
    let claims = caller.need(&SENDERS)?;
    let message = pb::PingsWantedRequest {};
    let reply = ask!(app.edge(), claims, app.to().inferences, pings_wanted, message).await?;
    let pings = reply.pings.into_iter().map(|ping| Ping {
        incident_id: ping.incident_id,
        load_id: ping.load_id,
        device_ids: ping.device_ids,
        why: ping.why,
    });
    Ok(Json(pings.collect()))
}

/// A call to somebody who depends on life-support.
#[derive(Debug, Serialize, ToSchema)]
struct WantedCall {
    /// Empty: they did not report, and lie in the set of the incident.
    report_id: String,
    /// Spoken number of the report, or else of the incident.
    number: String,
    customer_id: String,
    incident_id: String,
    /// Since when it is wanted.
    since: Option<DateTime<Utc>>,
    /// Their own supply ends then.
    backup_until: Option<DateTime<Utc>>,
    /// Who called last; empty: nobody yet.
    called_by: String,
    called_at: Option<DateTime<Utc>>,
    /// While nobody has called: when it climbs to the managers.
    climbs_at: Option<DateTime<Utc>>,
}

impl From<pb::CallWanted> for WantedCall {
    fn from(call: pb::CallWanted) -> Self {
        Self {
            report_id: call.report_id,
            number: call.number,
            customer_id: call.customer_id,
            incident_id: call.incident_id,
            since: at(call.since),
            backup_until: at(call.backup_until),
            called_by: call.called_by,
            called_at: at(call.called_at),
            climbs_at: at(call.climbs_at),
        }
    }
}

/// Who has to be called at once: life-support, and off. Not called yet first, then by when the own supply ends. Managers see those
/// nobody called within `intake.call_climb_min`.
#[utoipa::path(get, path = "/api/v1/calls-wanted", tag = "reports", security(("session" = [])),
    responses((status = 200, description = "At most 500", body = Vec<WantedCall>)))]
async fn calls(State(app): State<App>, caller: Caller) -> Result<Json<Vec<WantedCall>>, Problem> {
    let claims = caller.need(&[Role::Agent, Role::Dispatcher, Role::Manager])?;
    let message = pb::CallsWantedRequest {};
    let reply = ask!(app.edge(), claims, app.to().triage, calls_wanted, message).await?;
    Ok(Json(reply.calls.into_iter().map(WantedCall::from).collect()))
}

/// A call that was made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Called {
    /// Minutes their own supply lasts from now; left out: nobody answered, the call stays wanted.
    #[schema(maximum = 20160)]
    backup_min: Option<u32>,
}

/// Takes down a call to somebody who depends on life-support.
#[utoipa::path(post, path = "/api/v1/reports/{id}/called", tag = "reports", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Report id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Called, responses((status = 200, description = "The call", body = WantedCall)))]
async fn called(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Called>,
) -> Result<Json<WantedCall>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = pb::CalledRequest {
        command_id: key.to_string(),
        report_id: uuid("id", &id)?.to_string(),
        backup_min: body.backup_min,
        ..pb::CalledRequest::default()
    };
    let call = ask!(app.edge(), claims, app.to().triage, called, message).await?;
    Ok(Json(call.into()))
}

/// A call to somebody who did not report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CalledInSet {
    /// Whom, as the list has it.
    customer_id: String,
    /// Minutes their own supply lasts from now; left out: nobody answered, the call stays wanted.
    #[schema(maximum = 20160)]
    backup_min: Option<u32>,
}

/// Takes down a call to somebody who depends on life-support and did not report, but lies in the set of an incident.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/called", tag = "reports", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Incident id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = CalledInSet, responses((status = 200, description = "The call", body = WantedCall)))]
async fn called_in_set(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<CalledInSet>,
) -> Result<Json<WantedCall>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = pb::CalledRequest {
        command_id: key.to_string(),
        incident_id: uuid("id", &id)?.to_string(),
        customer_id: uuid("customer_id", &body.customer_id)?.to_string(),
        backup_min: body.backup_min,
        ..pb::CalledRequest::default()
    };
    let call = ask!(app.edge(), claims, app.to().triage, called, message).await?;
    Ok(Json(call.into()))
}

/// How self-help went.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SelfHelp {
    /// `solved`, `failed`
    outcome: String,
    /// When solved, what it was: `breaker`, `own_wiring`, `meter_key`, `other`
    #[serde(default)]
    reason: String,
}

/// Closes a report that self-help solved, or sends a crew because it did not.
#[utoipa::path(post, path = "/api/v1/reports/{id}/self-help", tag = "reports", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Report id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = SelfHelp, responses((status = 200, description = "The report", body = Report)))]
async fn self_help(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<SelfHelp>,
) -> Result<Json<Report>, Problem> {
    let claims = caller.need(&[Role::Agent, Role::Dispatcher, Role::Customer])?;
    let message = pb::SelfHelpRequest {
        command_id: key.to_string(),
        report_id: uuid("id", &id)?.to_string(),
        outcome: body.outcome,
        reason: body.reason,
    };
    let report = ask!(app.edge(), claims, app.to().triage, self_helped, message).await?;
    Ok(Json(report.into()))
}

/// Reports written on paper while the system was away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Paper {
    /// Each with `reported_at`, the time on the paper, at most 90 days ago. At most 500.
    #[schema(max_items = 500)]
    lines: Vec<NewReport>,
}

/// What became of one line.
#[derive(Debug, Serialize, ToSchema)]
struct PaperLine {
    /// The report, when it was taken.
    report: Option<Report>,
    /// Else the field that is wrong,
    field: String,
    /// and what is right.
    problem: String,
    /// It may be sent again as it is.
    again: bool,
}

/// Takes a batch of reports written on paper. Each keeps its own time; the same key again takes none twice.
#[utoipa::path(post, path = "/api/v1/reports/paper", tag = "reports", security(("session" = [])), request_body = Paper,
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    responses((status = 200, description = "What became of each line", body = Vec<PaperLine>)))]
async fn paper(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Body(body): Body<Paper>,
) -> Result<Json<Vec<PaperLine>>, Problem> {
    let claims = caller.need(&[Role::Agent, Role::Dispatcher, Role::UnitDesk, Role::Admin])?;
    // Bounds are intake's to check, so that one bad line does not refuse the others.
    let message = pb::PaperBatch {
        command_id: key.to_string(),
        lines: body.lines.into_iter().map(NewReport::unchecked).collect(),
    };
    let reply = ask!(app.edge(), claims, app.to().triage, import_paper, message).await?;
    let lines = reply.lines.into_iter().map(|line| PaperLine {
        report: line.report.map(Report::from),
        field: line.field,
        problem: line.problem,
        again: line.again,
    });
    Ok(Json(lines.collect()))
}

/// Where a reporter really hangs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    /// The transformer, as found on the telephone or on site.
    #[schema(max_length = 200)]
    transformer_id: String,
}

/// Corrects the transformer of a report: what it means for incidents is weighed again.
#[utoipa::path(post, path = "/api/v1/reports/{id}/link", tag = "reports", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Report id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Link, responses((status = 200, description = "The report", body = Report)))]
async fn correct(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Link>,
) -> Result<Json<Report>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = pb::CorrectLinkRequest {
        command_id: key.to_string(),
        report_id: uuid("id", &id)?.to_string(),
        transformer_id: body.transformer_id,
    };
    let report = ask!(app.edge(), claims, app.to().inferences, correct_link, message).await?;
    Ok(Json(report.into()))
}
