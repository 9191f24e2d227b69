//! The ledger as a book: who was affected by what, the sums of a year, and what nobody can explain.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, Segment, at},
    wire::{timestamp, uuid},
};
use relight_proto::insight::v1::{
    self as w, AffectedRequest, ListExceptionsRequest, SettleExceptionRequest, YearRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::list::{List, page};
use crate::app::App;

const READ: [Role; 5] = [
    Role::Dispatcher,
    Role::Agent,
    Role::Planner,
    Role::Manager,
    Role::Admin,
];
const WATCH: [Role; 4] = [Role::Dispatcher, Role::ControlRoom, Role::Manager, Role::Admin];
const SETTLE: [Role; 3] = [Role::Dispatcher, Role::ControlRoom, Role::Manager];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(affected))
        .routes(routes!(totals))
        .routes(routes!(exceptions))
        .routes(routes!(settle))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AffectedParams {
    /// `next_after` of the page before.
    after: Option<Uuid>,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// One customer and what the reason did to them.
#[derive(Debug, Serialize, ToSchema)]
struct Affected {
    customer_id: String,
    off_at: Option<DateTime<Utc>>,
    /// Absent: still off because of it.
    on_at: Option<DateTime<Utc>>,
    /// They reported it.
    reporter: bool,
    /// Another reason had a part in it: time is counted once.
    shared: bool,
}

/// A page of those a reason affected.
#[derive(Debug, Serialize, ToSchema)]
struct AffectedPage {
    /// `FAULT`, `PLANNED`, `TEMPORARY`, `SAFETY`, `ARREARS`, `CUSTOMER_REQUEST`
    class: String,
    customers_off: u32,
    customers_restored: u32,
    items: Vec<Affected>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

/// Who was affected by an incident, a planned outage, an arrears case or a switching.
#[utoipa::path(get, path = "/api/v1/ledger/affected/{id}", tag = "ledger", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Id of the incident, outage, case or switching"), AffectedParams),
    responses((status = 200, description = "A page", body = AffectedPage)))]
async fn affected(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<AffectedParams>,
) -> Result<Json<AffectedPage>, Problem> {
    let claims = caller.need(&READ)?;
    let message = AffectedRequest {
        basis_id: uuid("id", &id)?.to_string(),
        after: params.after.map(|id| id.to_string()).unwrap_or_default(),
        limit: page(String::new(), params.limit)?.size,
    };
    let reply = ask!(app.edge(), claims, app.to().books, affected, message).await?;
    let one = |record: w::affected_reply::Record| Affected {
        customer_id: record.customer_id,
        off_at: at(record.off_at),
        on_at: at(record.on_at),
        reporter: record.reporter,
        shared: record.shared,
    };
    Ok(Json(AffectedPage {
        class: reply.class,
        customers_off: reply.customers_off,
        customers_restored: reply.customers_restored,
        items: reply.records.into_iter().map(one).collect(),
        next_after: Some(reply.next_after).filter(|after| !after.is_empty()),
    }))
}

/// Whose sums, over which time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Span {
    /// 1 to 500.
    customer_ids: Vec<Uuid>,
    /// Interruptions that began at or after.
    since: DateTime<Utc>,
    /// And before.
    until: DateTime<Utc>,
}

/// A customer's outages of one class.
#[derive(Debug, Serialize, ToSchema)]
struct Total {
    customer_id: String,
    class: String,
    /// An outage restored in steps counts once for its customer.
    count: u32,
    seconds: i64,
    /// Nominal voltage of the supply, volts; of several the highest; 0: not known.
    voltage_v: u32,
}

/// How often and how long customers were off, by class. Reads only, so no Idempotency-Key.
#[utoipa::path(post, path = "/api/v1/ledger/totals", tag = "ledger", security(("session" = [])),
    request_body = Span, responses((status = 200, description = "The sums", body = List<Total>)))]
async fn totals(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<Span>,
) -> Result<Json<List<Total>>, Problem> {
    let claims = caller.need(&[Role::Dispatcher, Role::Agent, Role::Admin, Role::Customer])?;
    let message = YearRequest {
        customer_ids: body.customer_ids.iter().map(Uuid::to_string).collect(),
        since: Some(timestamp(body.since)),
        until: Some(timestamp(body.until)),
    };
    let reply = ask!(app.edge(), claims, app.to().books, year, message).await?;
    let one = |total: w::year_reply::Total| Total {
        customer_id: total.customer_id,
        class: total.class,
        count: total.count,
        seconds: total.seconds,
        voltage_v: total.voltage_v,
    };
    Ok(Json(List {
        items: reply.totals.into_iter().map(one).collect(),
        next_cursor: None,
    }))
}

/// Somebody is off, or was switched off, and nothing says why.
#[derive(Debug, Serialize, ToSchema)]
struct Unexplained {
    exception_id: String,
    /// `switching`, `signal`, `relay` (a meter cut somebody off, and no case says why)
    kind: String,
    device_id: String,
    /// The meter, where nobody knows a customer of it.
    place: String,
    off_at: Option<DateTime<Utc>>,
    raised_at: Option<DateTime<Utc>>,
    customers: u32,
    org_path: String,
    /// `open`, `settled`
    state: String,
    settled_at: Option<DateTime<Utc>>,
    settled_by: String,
    note: String,
}

impl From<w::Exception> for Unexplained {
    fn from(one: w::Exception) -> Self {
        Self {
            exception_id: one.exception_id,
            kind: one.kind,
            device_id: one.device_id,
            place: one.place,
            off_at: at(one.off_at),
            raised_at: at(one.raised_at),
            customers: one.customers,
            org_path: one.org_path,
            state: one.state,
            settled_at: at(one.settled_at),
            settled_by: one.settled_by,
            note: one.note,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExceptionParams {
    /// Only those nobody has settled.
    #[serde(default)]
    open: bool,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// What is or was off without a reason, the latest first.
#[utoipa::path(get, path = "/api/v1/ledger/exceptions", tag = "ledger", params(ExceptionParams),
    security(("session" = [])), responses((status = 200, description = "A page", body = List<Unexplained>)))]
async fn exceptions(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ExceptionParams>,
) -> Result<Json<List<Unexplained>>, Problem> {
    let claims = caller.need(&WATCH)?;
    let message = ListExceptionsRequest {
        open: params.open,
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().books, list_exceptions, message).await?;
    Ok(Json(List::of(reply.exceptions, reply.next_cursor)))
}

/// What it turned out to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Settle {
    /// In words.
    note: String,
}

/// Says what an exception turned out to be.
#[utoipa::path(post, path = "/api/v1/ledger/exceptions/{id}/settle", tag = "ledger", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Exception id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Settle, responses((status = 200, description = "The exception", body = Unexplained)))]
async fn settle(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Settle>,
) -> Result<Json<Unexplained>, Problem> {
    let claims = caller.need(&SETTLE)?;
    let message = SettleExceptionRequest {
        command_id: key.to_string(),
        exception_id: uuid("id", &id)?.to_string(),
        note: body.note,
    };
    let one = ask!(app.edge(), claims, app.to().books, settle_exception, message).await?;
    Ok(Json(one.into()))
}
