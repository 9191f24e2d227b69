//! What billing tells: balances and payments, in batches, in any order, each line once.

use axum::{Json, extract::State};
use chrono::{DateTime, NaiveDate, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Problem},
    wire::timestamp,
};
use relight_proto::arrears::v1::{
    Balance, Bill, FeedLine as WireLine, FeedRequest, FeedResult, Payment, feed_line::What,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(feed))
}

/// An unpaid bill, for the notice.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FeedBill {
    /// As billing names it: 2026-05.
    period: String,
    /// Without fees, hundredths of the currency.
    amount_cents: i64,
    /// As billing computed it, hundredths of the currency.
    #[serde(default)]
    late_fee_cents: i64,
    /// The day it was due.
    due_on: NaiveDate,
}

impl From<FeedBill> for Bill {
    fn from(bill: FeedBill) -> Self {
        Self {
            period: bill.period,
            amount_cents: bill.amount_cents,
            late_fee_cents: bill.late_fee_cents,
            due_on: bill.due_on.to_string(),
        }
    }
}

/// All that is owed at one moment, fees included.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FeedBalance {
    /// Hundredths of the currency; below zero: a credit.
    balance_cents: i64,
    /// The moment. A payment of this moment or later counts beside it.
    as_of: DateTime<Utc>,
    /// Due day of the oldest unpaid bill; needed when something is owed.
    #[serde(default)]
    due_on: Option<NaiveDate>,
    /// The unpaid bills, at most 60.
    #[serde(default)]
    bills: Vec<FeedBill>,
}

/// Money that came.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FeedPayment {
    /// Hundredths of the currency.
    amount_cents: i64,
    /// When.
    paid_at: DateTime<Utc>,
}

/// One line: a balance or a payment.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FeedLine {
    /// The source's id of it; the same line again changes nothing.
    external_id: String,
    /// Account.
    account: String,
    /// What is owed.
    balance: Option<FeedBalance>,
    /// What was paid.
    payment: Option<FeedPayment>,
}

impl FeedLine {
    fn into_wire(self, no: usize) -> Result<WireLine, Problem> {
        let what = match (self.balance, self.payment) {
            (Some(balance), None) => What::Balance(Balance {
                balance_cents: balance.balance_cents,
                as_of: Some(timestamp(balance.as_of)),
                due_on: balance.due_on.map(|day| day.to_string()).unwrap_or_default(),
                bills: balance.bills.into_iter().map(Bill::from).collect(),
            }),
            (None, Some(payment)) => What::Payment(Payment {
                amount_cents: payment.amount_cents,
                paid_at: Some(timestamp(payment.paid_at)),
            }),
            _ => {
                let field = format!("lines[{no}]");
                return Err(Problem::field(&field, "must have either balance or payment"));
            }
        };
        Ok(WireLine {
            external_id: self.external_id,
            account: self.account,
            what: Some(what),
        })
    }
}

/// A batch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Feed {
    /// System the lines come from.
    source: String,
    /// At most 1000.
    #[schema(max_items = 1000)]
    lines: Vec<FeedLine>,
}

/// What became of a line.
#[derive(Debug, Serialize, ToSchema)]
struct FeedOutcome {
    /// The source's id of it.
    external_id: String,
    /// `taken`, `repeated`, `older` (a balance before the last one: kept, not used), `kept` (a payment of an account nobody
    /// knows: it counts as soon as registry knows it), `refused`
    outcome: String,
    /// Why it was refused, with the field, or could only be kept.
    reason: String,
    /// What is owed now.
    balance_cents: i64,
    /// The open case of the account.
    case_id: Option<Uuid>,
    /// Where that stands.
    case_state: String,
}

impl From<FeedResult> for FeedOutcome {
    fn from(result: FeedResult) -> Self {
        Self {
            external_id: result.external_id,
            outcome: result.outcome,
            reason: result.reason,
            balance_cents: result.balance_cents,
            case_id: Uuid::parse_str(&result.case_id).ok(),
            case_state: result.case_state,
        }
    }
}

/// What became of all.
#[derive(Debug, Serialize, ToSchema)]
struct Fed {
    /// One per line, in their order.
    results: Vec<FeedOutcome>,
}

/// Balances and payments of billing. A wrong line is refused alone; a payment stops or ends its case before the answer.
#[utoipa::path(post, path = "/api/v1/arrears/feed", tag = "arrears", security(("session" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Feed, responses((status = 200, description = "What became of the lines", body = Fed)))]
async fn feed(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Body(body): Body<Feed>,
) -> Result<Json<Fed>, Problem> {
    let claims = caller.need(&[Role::Admin])?;
    let lines = body.lines.into_iter().enumerate();
    let lines: Result<Vec<WireLine>, Problem> = lines.map(|(no, line)| line.into_wire(no)).collect();
    let message = FeedRequest {
        command_id: key.to_string(),
        source: body.source,
        lines: lines?,
    };
    let reply = ask!(app.edge(), claims, app.to().arrears, feed, message).await?;
    let results = reply.results.into_iter().map(FeedOutcome::from).collect();
    Ok(Json(Fed { results }))
}
