//! Arrears: cases from overdue to reconnection, leave to cut, and notices.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Anyone, Body, Caller, CommandKey, Params, Problem, Segment, at, parse},
    wire::{ACCOUNT_MAX, text_required, uuid},
};
use relight_proto::arrears::v1::{
    ApplyRequest, Case as WireCase, GetCaseRequest, ListCasesRequest, Message as WireMessage, NoticeRequest,
    ReleaseRequest, Service as WireService, apply_request::Event, get_case_request::By,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    arrears_event::CaseEvent,
    arrears_notice::{ArrearsNotice, NoticeCheck},
    list::{List, page},
};
use crate::app::App;

/// The arrears desk, its managers, and crews on site.
const ARREARS: [Role; 5] = [
    Role::Agent,
    Role::Manager,
    Role::Admin,
    Role::Crew,
    Role::Dispatcher,
];
const DESK: [Role; 3] = [Role::Agent, Role::Manager, Role::Admin];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(search))
        .routes(routes!(get))
        .routes(routes!(act))
        .routes(routes!(release))
        .routes(routes!(notice))
        .routes(routes!(check))
}

/// Something that stands in the way of a disconnection.
#[derive(Debug, Serialize, ToSchema)]
pub struct Held {
    /// `dispute`, `plan`, `protected`, `lock`, `payment`
    pub kind: String,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// When it ends by itself.
    pub until: Option<DateTime<Utc>>,
    /// Why.
    pub reason: String,
    /// A dispute about this part of the debt only, hundredths of the currency; 0: all of it is held.
    pub amount_cents: i64,
}

/// What happened to a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseStep {
    /// What.
    pub event: String,
    /// The state after it.
    pub state: String,
    /// When.
    pub at: Option<DateTime<Utc>>,
    /// Who.
    pub actor: String,
}

/// A message ordered for the customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseMessage {
    /// `reminder`, `disconnection`, `pre_notice`, `disconnected`, `payment_received`, `reconnected`, `withdrawn`,
    /// `apology`
    pub kind: String,
    /// When it was ordered.
    pub ordered_at: Option<DateTime<Utc>>,
    /// `sms`, `email`; empty while nothing is known.
    pub channel: String,
    /// `delivered`, `failed`, `wrong_person` (it reached somebody else and proves nothing); empty while nothing is known.
    pub result: String,
    /// When that was.
    pub result_at: Option<DateTime<Utc>>,
}

/// One proof that the notice was served.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseService {
    /// `e_signature`, `signed_receipt`, `recorded_call`, `registered_mail`, `posted_with_witness`
    pub method: String,
    /// When the customer got it.
    pub served_at: Option<DateTime<Utc>>,
    /// Who served it.
    pub server: String,
}

/// One debt of one account, from overdue to its end.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArrearsCase {
    /// Id.
    pub case_id: String,
    /// Spoken number.
    pub number: String,
    /// Account.
    pub account: String,
    /// Whose it is.
    pub customer_id: String,
    /// `overdue`, `reminded`, `eligible`, `approved`, `notice_issued`, `notice_served`, `window_open`, `pre_noticed`,
    /// `expired`, `disconnected`, `paid`, `reconnect_ordered`, `wrongful`, `reconnected`, `closed`, `settled_before`,
    /// `withdrawn`
    pub state: String,
    /// Grows with every change; send it as `expected_version`.
    pub version: u64,
    /// `ordinary`, `important`, `hospital`, `school`, `public_service`, `hazardous`, `vulnerable`, `shared`, `life_support`
    pub class: String,
    /// What the class asks of a cut beside what everybody is owed: `manager`, `filing` (copy at the authority), `occupants`,
    /// `visit`, `safe_shutdown`, `exception`, `never`
    pub needs: Vec<String>,
    /// The class by what registry last said; the case's own is lowered by a manager only. Empty: not asked yet.
    pub registry_class: String,
    /// Place in the organisation.
    pub org_path: String,
    /// IANA zone of the place.
    pub zone: String,
    /// Day on which the oldest unpaid bill was due.
    pub due_on: String,
    /// The most that was owed, hundredths of the currency.
    pub debt_cents: i64,
    /// Owed now, hundredths of the currency.
    pub balance_cents: i64,
    /// The moment billing spoke of.
    pub balance_at: Option<DateTime<Utc>>,
    /// What stands in the way.
    pub holds: Vec<Held>,
    /// Who asked for the disconnection.
    pub author: String,
    /// Who allowed it.
    pub approver: String,
    /// Number of the notice that holds.
    pub notice_number: String,
    /// When supply is to stop.
    pub stop_at: Option<DateTime<Utc>>,
    /// Last useful moment of serving the notice.
    pub serve_by: Option<DateTime<Utc>>,
    /// When it was first served: the days count from then.
    pub served_at: Option<DateTime<Utc>>,
    /// Every proof of service that stands, by rank: the first one is the proof.
    pub services: Vec<CaseService>,
    /// Begin of the lawful window.
    pub window_opens_at: Option<DateTime<Utc>>,
    /// Its end.
    pub window_ends_at: Option<DateTime<Utc>>,
    /// When the last warning reached the customer.
    pub pre_noticed_at: Option<DateTime<Utc>>,
    /// When supply was cut.
    pub off_at: Option<DateTime<Utc>>,
    /// When it was paid after that.
    pub paid_at: Option<DateTime<Utc>>,
    /// By when supply has to be back.
    pub reconnect_by: Option<DateTime<Utc>>,
    /// When it was.
    pub on_at: Option<DateTime<Utc>>,
    /// Cut without right.
    pub wrongful: bool,
    /// When the case was opened.
    pub opened_at: Option<DateTime<Utc>>,
    /// Version of the policy pack that rules it.
    pub policy_version: String,
    /// Only with the answer to a cut: `wrong_meter`, another meter was cut and supply has to come back there at once.
    pub warning: String,
    /// What happened, oldest first; only with one case.
    pub steps: Vec<CaseStep>,
    /// Messages to the customer, oldest first; only with one case.
    pub messages: Vec<CaseMessage>,
}

impl From<WireCase> for ArrearsCase {
    fn from(case: WireCase) -> Self {
        let held = case.holds.into_iter().map(|held| Held {
            kind: held.kind,
            since: at(held.since),
            until: at(held.until),
            reason: held.reason,
            amount_cents: held.amount_cents,
        });
        let steps = case.steps.into_iter().map(|step| CaseStep {
            event: step.event,
            state: step.state,
            at: at(step.at),
            actor: step.actor,
        });
        Self {
            case_id: case.case_id,
            number: case.number,
            account: case.account,
            customer_id: case.customer_id,
            state: case.state,
            version: case.version,
            class: case.class,
            needs: case.needs,
            registry_class: case.registry_class,
            org_path: case.org_path,
            zone: case.zone,
            due_on: case.due_on,
            debt_cents: case.debt_cents,
            balance_cents: case.balance_cents,
            balance_at: at(case.balance_at),
            holds: held.collect(),
            author: case.author,
            approver: case.approver,
            notice_number: case.notice_number,
            stop_at: at(case.stop_at),
            serve_by: at(case.serve_by),
            served_at: at(case.served_at),
            services: case.services.into_iter().map(CaseService::from).collect(),
            window_opens_at: at(case.window_opens_at),
            window_ends_at: at(case.window_ends_at),
            pre_noticed_at: at(case.pre_noticed_at),
            off_at: at(case.off_at),
            paid_at: at(case.paid_at),
            reconnect_by: at(case.reconnect_by),
            on_at: at(case.on_at),
            wrongful: case.wrongful,
            opened_at: at(case.opened_at),
            policy_version: case.policy_version,
            warning: case.warning,
            steps: steps.collect(),
            messages: case.messages.into_iter().map(CaseMessage::from).collect(),
        }
    }
}

impl From<WireService> for CaseService {
    fn from(service: WireService) -> Self {
        Self {
            method: service.method,
            served_at: at(service.served_at),
            server: service.server,
        }
    }
}

impl From<WireMessage> for CaseMessage {
    fn from(message: WireMessage) -> Self {
        Self {
            kind: message.kind,
            ordered_at: at(message.ordered_at),
            channel: message.channel,
            result: message.result,
            result_at: at(message.result_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// One state; left out: every case that is not over.
    #[serde(default)]
    state: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Arrears cases of the caller's area, the newest first.
#[utoipa::path(get, path = "/api/v1/arrears/cases", tag = "arrears", params(ListParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<ArrearsCase>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<List<ArrearsCase>>, Problem> {
    let claims = caller.need(&ARREARS)?;
    let message = ListCasesRequest {
        state: params.state,
        page: Some(page(params.cursor, params.limit)?),
        ..ListCasesRequest::default()
    };
    let reply = ask!(app.edge(), claims, app.to().arrears, list_cases, message).await?;
    Ok(Json(List::of(reply.cases, reply.next_cursor)))
}

/// Whose cases.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CaseSearch {
    /// Account, whole.
    account: String,
    /// One state; left out: every case that is not over.
    #[serde(default)]
    state: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// The cases of one account in the caller's area. An account travels in a body, never in an address. Reads only, so no
/// Idempotency-Key.
#[utoipa::path(post, path = "/api/v1/arrears/cases/search", tag = "arrears", security(("session" = [])),
    request_body = CaseSearch, responses((status = 200, description = "A page", body = List<ArrearsCase>)))]
async fn search(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<CaseSearch>,
) -> Result<Json<List<ArrearsCase>>, Problem> {
    let claims = caller.need(&ARREARS)?;
    let message = ListCasesRequest {
        state: body.state,
        account: text_required("account", &body.account, ACCOUNT_MAX)?,
        page: Some(page(body.cursor, body.limit)?),
        to_serve: false,
    };
    let reply = ask!(app.edge(), claims, app.to().arrears, list_cases, message).await?;
    Ok(Json(List::of(reply.cases, reply.next_cursor)))
}

/// One case by id or spoken number, with its steps and messages.
#[utoipa::path(get, path = "/api/v1/arrears/cases/{id}", tag = "arrears", security(("session" = [])),
    params(("id" = String, Path, description = "Case id (UUID) or number")),
    responses((status = 200, description = "The case", body = ArrearsCase)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<ArrearsCase>, Problem> {
    let claims = caller.need(&ARREARS)?;
    let by = if Uuid::parse_str(&id).is_ok() {
        By::CaseId(id)
    } else {
        By::Number(text_required("id", &id, 40)?)
    };
    let message = GetCaseRequest { by: Some(by) };
    let case = ask!(app.edge(), claims, app.to().arrears, get_case, message).await?;
    Ok(Json(case.into()))
}

/// A step on a case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CaseAct {
    /// The version that was looked at; left out: whatever it is now.
    #[serde(default)]
    expected_version: u64,
    /// What happens.
    #[schema(value_type = CaseEvent)]
    event: serde_json::Value,
}

/// Something happens to a case: 409 when another officer was faster, 422 when it is not lawful or not possible now.
#[utoipa::path(post, path = "/api/v1/arrears/cases/{id}/events", tag = "arrears", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Case id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = CaseAct, responses((status = 200, description = "The case after it", body = ArrearsCase)))]
async fn act(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
    key: CommandKey,
    Body(body): Body<CaseAct>,
) -> Result<Json<ArrearsCase>, Problem> {
    let claims = caller.need(&ARREARS)?;
    uuid("id", &id)?;
    let event: CaseEvent = parse("event", body.event)?;
    let event: Event = event.into();
    let photo = match &event {
        Event::Remind(remind) => remind.photo_sha256.as_str(),
        Event::Serve(serve) => serve.photo_sha256.as_str(),
        Event::PreNotice(warning) => warning.photo_sha256.as_str(),
        _ => "",
    };
    let message = ApplyRequest {
        command_id: key.to_string(),
        case_id: id,
        expected_version: body.expected_version,
        photos_stored: app.photos().stored([photo]),
        event: Some(event),
    };
    let case = ask!(app.edge(), claims, app.to().arrears, apply, message).await?;
    Ok(Json(case.into()))
}

/// What the crew reads from the meter and says on the phone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadOut {
    /// Number on the meter, as the crew reads it out.
    meter_no: String,
}

/// Leave to cut one meter now, to be read out.
#[derive(Debug, Serialize, ToSchema)]
struct Code {
    /// Ten digits; good once.
    code: String,
    /// Its end, at most five minutes ahead.
    expires_at: Option<DateTime<Utc>>,
}

/// For a crew without a signal: a code the desk reads out, for this one meter, good for five minutes and one cut.
#[utoipa::path(post, path = "/api/v1/arrears/cases/{id}/release-codes", tag = "arrears", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Case id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = ReadOut, responses((status = 201, description = "The code", body = Code)))]
async fn release(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
    key: CommandKey,
    Body(body): Body<ReadOut>,
) -> Result<(StatusCode, Json<Code>), Problem> {
    let claims = caller.need(&DESK)?;
    uuid("id", &id)?;
    let message = ReleaseRequest {
        command_id: key.to_string(),
        case_id: id,
        scanned_meter_no: body.meter_no,
        spoken: true,
    };
    let reply = ask!(app.edge(), claims, app.to().arrears, release, message).await?;
    let code = Code {
        code: reply.release,
        expires_at: at(reply.expires_at),
    };
    Ok((StatusCode::CREATED, Json(code)))
}

/// A notice of disconnection as it was printed: for staff and for the account holder; every view is recorded.
#[utoipa::path(get, path = "/api/v1/arrears/notices/{number}", tag = "arrears", security(("session" = [])),
    params(("number" = String, Path, description = "Number of the notice")),
    responses((status = 200, description = "The notice", body = ArrearsNotice)))]
async fn notice(
    State(app): State<App>,
    caller: Caller,
    Segment(number): Segment,
) -> Result<Json<ArrearsNotice>, Problem> {
    let claims = caller.need(&[
        Role::Agent,
        Role::Manager,
        Role::Admin,
        Role::Crew,
        Role::Customer,
    ])?;
    let message = NoticeRequest { number };
    let notice = ask!(app.edge(), claims, app.to().arrears, get_notice, message).await?;
    Ok(Json(notice.into()))
}

/// Whether a notice is genuine and still stands. Anybody may ask; nothing of the debt is told.
#[utoipa::path(get, path = "/api/v1/arrears/notices/{number}/check", tag = "arrears",
    params(("number" = String, Path, description = "Number of the notice")),
    responses((status = 200, description = "The answer", body = NoticeCheck)))]
async fn check(
    State(app): State<App>,
    anyone: Anyone,
    Segment(number): Segment,
) -> Result<Json<NoticeCheck>, Problem> {
    let message = NoticeRequest { number };
    let reply = ask!(
        app.edge(),
        &anyone.claims,
        app.to().arrears,
        check_notice,
        message
    )
    .await?;
    Ok(Json(reply.into()))
}
