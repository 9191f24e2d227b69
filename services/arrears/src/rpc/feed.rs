//! Lines of billing.

use chrono::{DateTime, NaiveDate, Utc};
use relight_common::{Claims, Invalid, command::Meta, wire};
use relight_proto::arrears::v1::{self as w, FeedReply, FeedRequest, FeedResult, feed_line};
use tracing::Span;

use super::Api;
use crate::{
    desk::{Cause, FeedLine, Outcome, Told, What},
    domain::bill::sum,
    error::Error,
    outside::Outside,
    store::account::{self, Bill},
};

const LINES_MAX: usize = 1_000;
const BILLS_MAX: usize = 60;
/// Ten thousand million of the currency: more is a fault of the source.
const CENTS_MAX: i64 = 1_000_000_000_000;

/// Lines of a request that are taken with those of others; a batch of a night has company enough.
const TOGETHER_MAX: usize = 20;

/// A feed that is read.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) meta: Meta,
    pub(super) source: String,
    /// Of the request: news carries its trace.
    pub(super) span: Span,
    ask: FeedRequest,
    read: Vec<Result<FeedLine, Invalid>>,
}

impl Asked {
    fn read(claims: &Claims, ask: FeedRequest, now: DateTime<Utc>) -> Result<Self, Error> {
        let source = wire::text_required("source", &ask.source, 64)?;
        if ask.lines.len() > LINES_MAX {
            return Err(Invalid::new("lines", "must be at most 1000").into());
        }
        let meta = Meta::new(&ask.command_id, claims, &ask, now)?;
        let cause = Cause {
            command: meta.id.to_string(),
            span: Span::current(),
        };
        Ok(Self {
            meta,
            source,
            read: ask.lines.iter().map(|asked| line(asked, &cause)).collect(),
            span: cause.span,
            ask,
        })
    }

    /// Those of its lines that could be read.
    pub(super) fn lines(&self) -> impl Iterator<Item = FeedLine> {
        self.read.iter().flatten().cloned()
    }

    /// The reply: `told` of each of its lines that could be read, and what was wrong with the others.
    pub(super) fn answer(&self, told: &mut impl Iterator<Item = Told>) -> FeedReply {
        let results = self
            .ask
            .lines
            .iter()
            .zip(&self.read)
            .map(|(asked, read)| match read {
                Ok(_) => told.next().map(|told| shown(asked, told)).unwrap_or_default(),
                Err(invalid) => refused(asked, invalid.to_string()),
            });
        FeedReply {
            results: results.collect(),
        }
    }
}

impl<O: Outside> Api<O> {
    pub(super) async fn fed(&self, claims: &Claims, ask: FeedRequest) -> Result<FeedReply, Error> {
        let asked = Asked::read(claims, ask, self.clock.now())?;
        if asked.ask.lines.len() > TOGETHER_MAX {
            return self.till.alone(&asked).await;
        }
        self.feeding.ask(asked).await?
    }
}

fn line(asked: &w::FeedLine, cause: &Cause) -> Result<FeedLine, Invalid> {
    let what = match asked.what.as_ref() {
        Some(feed_line::What::Balance(balance)) => What::Balance {
            cents: cents("balance_cents", balance.balance_cents, -CENTS_MAX)?,
            as_of: wire::instant("as_of", balance.as_of)?,
            due_on: due_on(balance)?,
            bills: whole(bills(balance)?, balance.balance_cents)?,
        },
        Some(feed_line::What::Payment(payment)) => What::Payment {
            cents: cents("amount_cents", payment.amount_cents, 1)?,
            paid_at: wire::instant("paid_at", payment.paid_at)?,
        },
        None => return Err(Invalid::new("what", "must be a balance or a payment")),
    };
    let account = wire::text_required("account", &asked.account, wire::ACCOUNT_MAX)?;
    Ok(FeedLine {
        external_id: wire::text_required("external_id", &asked.external_id, 100)?,
        account_key: account::key(&account),
        account,
        what,
        cause: cause.clone(),
    })
}

fn cents(field: &'static str, value: i64, least: i64) -> Result<i64, Invalid> {
    if (least..=CENTS_MAX).contains(&value) {
        Ok(value)
    } else {
        Err(Invalid::new(
            field,
            format!("must be from {least} to {CENTS_MAX}"),
        ))
    }
}

fn day(field: &'static str, text: &str) -> Result<NaiveDate, Invalid> {
    text.parse()
        .map_err(|_| Invalid::new(field, "must be a date such as 2026-06-30"))
}

/// Somebody who owes has a day on which it was due.
fn due_on(balance: &w::Balance) -> Result<Option<NaiveDate>, Invalid> {
    if balance.balance_cents > 0 || !balance.due_on.is_empty() {
        day("due_on", &balance.due_on).map(Some)
    } else {
        Ok(None)
    }
}

fn bills(balance: &w::Balance) -> Result<Vec<Bill>, Invalid> {
    if balance.bills.len() > BILLS_MAX {
        return Err(Invalid::new("bills", "must be at most 60"));
    }
    let one = |bill: &w::Bill| {
        Ok(Bill {
            period: wire::text_required("bills.period", &bill.period, 32)?,
            amount_cents: cents("bills.amount_cents", bill.amount_cents, -CENTS_MAX)?,
            late_fee_cents: cents("bills.late_fee_cents", bill.late_fee_cents, 0)?,
            due_on: day("bills.due_on", &bill.due_on)?,
        })
    };
    balance.bills.iter().map(one).collect()
}

/// A notice lists the bills: where there are any, they are the balance.
fn whole(bills: Vec<Bill>, balance_cents: i64) -> Result<Vec<Bill>, Invalid> {
    let sum = sum(&bills);
    if bills.is_empty() || sum == balance_cents {
        return Ok(bills);
    }
    let must = format!(
        "must add up to balance_cents with their fees: they are {sum}, the balance is {balance_cents}"
    );
    Err(Invalid::new("bills", must))
}

fn refused(asked: &w::FeedLine, reason: String) -> FeedResult {
    FeedResult {
        external_id: asked.external_id.clone(),
        outcome: "refused".to_owned(),
        reason,
        ..FeedResult::default()
    }
}

fn shown(asked: &w::FeedLine, told: Told) -> FeedResult {
    let (outcome, reason) = match told.outcome {
        Outcome::Taken => ("taken", String::new()),
        Outcome::Repeated => ("repeated", String::new()),
        Outcome::Older => ("older", String::new()),
        Outcome::Kept(why) => ("kept", why),
        Outcome::Refused(why) => return refused(asked, why),
    };
    let (case_id, case_state) = told.case.unzip();
    FeedResult {
        external_id: asked.external_id.clone(),
        outcome: outcome.to_owned(),
        reason,
        balance_cents: told.balance_cents,
        case_id: case_id.map(|id| id.to_string()).unwrap_or_default(),
        case_state: case_state.unwrap_or_default().to_owned(),
    }
}
