//! What billing tells: balances and payments, in any order, each line once. A payment ends or stops a case in the same
//! transaction.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use relight_common::{Db, Work};
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use super::step::{House, step, tell};
use crate::{
    domain::{Case, Event, Instant, Premises, State, class::Class},
    error::Error,
    store::{
        account::{self, Account, Bill, Supply},
        case::{self, Step, Stored},
        feed::{Line, Written, paid_since, write},
        missed,
    },
};

/// How far ahead of our clock a line may lie: more would win over everything that comes later.
const AHEAD_MAX: TimeDelta = TimeDelta::seconds(60);

/// A line, read.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedLine {
    /// Its id at the source.
    pub external_id: String,
    /// Folded account.
    pub account_key: String,
    /// What it says.
    pub what: What,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// All that is owed at one moment.
    Balance {
        /// Fees included.
        cents: i64,
        /// The moment.
        as_of: Instant,
        /// Due day of the oldest unpaid bill.
        due_on: Option<NaiveDate>,
        /// Unpaid bills.
        bills: Vec<Bill>,
    },
    /// Money that came.
    Payment {
        /// How much.
        cents: i64,
        /// When.
        paid_at: Instant,
    },
}

impl What {
    fn at(&self) -> Instant {
        match self {
            What::Balance { as_of, .. } => *as_of,
            What::Payment { paid_at, .. } => *paid_at,
        }
    }
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It counts.
    Taken,
    /// It came before.
    Repeated,
    /// A balance before the last one.
    Older,
    /// It cannot be taken; in words why.
    Refused(String),
}

/// The answer to a line.
#[derive(Debug, Clone)]
pub struct Told {
    /// What became of it.
    pub outcome: Outcome,
    /// What the account owes now.
    pub balance_cents: i64,
    /// Its open case, and where that stands.
    pub case: Option<(Uuid, &'static str)>,
}

/// Takes the lines of `source`. `supplies`: what registry says of accounts that are new here.
///
/// # Errors
/// [`Error::Common`]; nothing of the batch is taken then.
pub async fn feed(
    work: &mut Work,
    house: &House,
    source: &str,
    lines: &[FeedLine],
    supplies: &BTreeMap<String, Result<Supply, String>>,
) -> Result<Vec<Told>, Error> {
    for supply in supplies.values().flatten() {
        account::add(work.conn(), supply).await?;
    }
    let keys: BTreeSet<String> = lines.iter().map(|line| line.account_key.clone()).collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let accounts = account::lock(work.conn(), &keys).await?;
    let mut accounts: BTreeMap<String, Account> = accounts
        .into_iter()
        .map(|account| (account.account_key.clone(), account))
        .collect();
    let mut outcomes = Vec::with_capacity(lines.len());
    let mut touched = BTreeSet::new();
    for line in lines {
        let outcome = match accounts.get_mut(&line.account_key) {
            Some(account) => take(work, source, line, account).await?,
            None => Outcome::Refused(unknown(supplies.get(&line.account_key))),
        };
        if matches!(outcome, Outcome::Taken) {
            touched.insert(line.account_key.clone());
        }
        outcomes.push(outcome);
    }
    for key in touched {
        if let Some(account) = accounts.get_mut(&key) {
            settle(work, house, account).await?;
        }
    }
    let mut told = Vec::with_capacity(lines.len());
    for (line, outcome) in lines.iter().zip(outcomes) {
        let account = accounts.get(&line.account_key);
        let case = match account {
            Some(account) => case::lock_open(work.conn(), account.id).await?,
            None => None,
        };
        told.push(Told {
            outcome,
            balance_cents: account.map_or(0, |account| account.balance_cents),
            case: case.map(|case| (case.id, case.doc.state.word())),
        });
    }
    work.audit("arrears.feed", source, json!({ "lines": lines.len() }));
    Ok(told)
}

fn unknown(asked: Option<&Result<Supply, String>>) -> String {
    match asked {
        Some(Err(why)) => why.clone(),
        _ => "the account is not known".to_owned(),
    }
}

async fn take(
    work: &mut Work,
    source: &str,
    line: &FeedLine,
    account: &mut Account,
) -> Result<Outcome, Error> {
    let received_at = work.at();
    if line.what.at() > received_at + AHEAD_MAX {
        return Ok(Outcome::Refused("it is dated in the future".to_owned()));
    }
    let (kind, amount_cents) = match &line.what {
        What::Balance { cents, .. } => ("balance", *cents),
        What::Payment { cents, .. } => ("payment", *cents),
    };
    let row = Line {
        source,
        external_id: &line.external_id,
        account_id: account.id,
        kind,
        amount_cents,
        at: line.what.at(),
    };
    match write(work.conn(), &row, received_at).await? {
        Written::Repeated => return Ok(Outcome::Repeated),
        Written::Differs => {
            return Ok(Outcome::Refused(
                "another line with this external_id came before".to_owned(),
            ));
        }
        Written::New => {}
    }
    if let What::Balance {
        cents,
        as_of,
        due_on,
        bills,
    } = &line.what
    {
        if account.told_at.is_some_and(|told_at| *as_of < told_at) {
            return Ok(Outcome::Older);
        }
        account.told_cents = Some(*cents);
        account.told_at = Some(*as_of);
        account.due_on = *due_on;
        account.bills = Json(bills.clone());
    }
    Ok(Outcome::Taken)
}

/// What the account owes by now, and what that does to its case.
async fn settle(work: &mut Work, house: &House, account: &mut Account) -> Result<(), Error> {
    let (paid, last_at) = paid_since(work.conn(), account.id, account.told_at).await?;
    account.balance_cents = account.told_cents.unwrap_or(0).saturating_sub(paid);
    account.balance_at = account.told_at.max(last_at);
    account::save(work.conn(), account).await?;
    let Some(as_of) = account.balance_at else {
        return Ok(());
    };
    match case::lock_open(work.conn(), account.id).await? {
        Some(mut stored) => {
            let event = Event::Money {
                balance_cents: account.balance_cents,
                as_of,
            };
            let facts = house.facts(Premises::Unknown, None);
            step(work, &mut stored, &event, &facts).await.map(drop)
        }
        None => open(work, house, account).await,
    }
}

/// Opens a case when the due day has passed and enough is owed.
async fn open(work: &mut Work, house: &House, account: &Account) -> Result<(), Error> {
    let at = work.at();
    let zone: Tz = account.zone.parse().map_err(|_| Error::Stored("time zone"))?;
    let (Some(due_on), Some(balance_at)) = (account.due_on, account.balance_at) else {
        return Ok(());
    };
    let due_passed = due_on < at.with_timezone(&zone).date_naive();
    if !due_passed || account.balance_cents < house.terms.minimum_debt_cents {
        return Ok(());
    }
    let doc = Case {
        due_on,
        zone,
        opened_at: at,
        class: Class::parse(&account.class).ok_or(Error::Stored("class"))?,
        meter_no: account.meter_no.clone(),
        debt_cents: account.balance_cents,
        balance_cents: account.balance_cents,
        balance_at,
        holds: BTreeMap::new(),
        reminders: Vec::new(),
        state: State::Overdue,
    };
    let stored = Stored {
        id: Uuid::now_v7(),
        number: case::next_number(work.conn(), "A", zone, at).await?,
        account_id: account.id,
        account: account.account.clone(),
        customer_id: account.customer_id,
        service_point_id: account.service_point_id,
        org_path: account.org_path.clone(),
        policy_version: house.law.version(&doc),
        doc: Json(doc),
        version: 1,
        opened_at: at,
    };
    case::insert(work.conn(), &stored).await?;
    let step = Step {
        event: "open".to_owned(),
        state: stored.doc.state.word().to_owned(),
        at,
        actor: work.actor().to_owned(),
    };
    case::add_step(work.conn(), &stored, &step).await?;
    tell(work, &stored, false);
    Ok(())
}

/// Opens the cases of debts whose due day has passed since billing told of them. Returns how many.
///
/// # Errors
/// [`Error::Common`].
pub async fn open_missed(db: &Db, house: &House, now: Instant) -> Result<u64, Error> {
    let mut opened = 0;
    for id in missed::debts_without_case(db.pool(), house.terms.minimum_debt_cents, now).await? {
        let mut work = Work::internal(db, "reconciler", now).await?;
        if let Some(account) = account::lock_one(work.conn(), id).await?
            && case::lock_open(work.conn(), id).await?.is_none()
        {
            open(&mut work, house, &account).await?;
            opened += 1;
        }
        work.done().await?;
    }
    Ok(opened)
}
