//! Cases opened: when the due day has passed and enough is owed.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use relight_common::{Db, Work};
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    feed::{Touched, caused},
    step::{House, tell},
};
use crate::{
    domain::{
        Case, Instant, State,
        case::{Held, HoldKind},
        class::Class,
    },
    error::Error,
    store::{
        account::{self, Account, Supply},
        case::{self, Step, Stored},
        missed,
    },
};

/// Opens the cases of those of these accounts that owe enough for long enough. None of them has an open one; `touched` says
/// what each follows from.
pub(super) async fn open_many(
    work: &mut Work,
    house: &House,
    accounts: &[&Account],
    touched: &Touched,
) -> Result<Vec<Stored>, Error> {
    let at = work.at();
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.id).collect();
    let before = case::last_of(work.conn(), &ids).await?;
    let mut owing: BTreeMap<&str, Vec<(&Account, Case)>> = BTreeMap::new();
    for account in accounts {
        let before = before.get(&account.id);
        if before.is_some_and(|before| before.withdrawn_due_on >= account.due_on) {
            continue;
        }
        if let Some(mut doc) = overdue(house, account, at)? {
            doc.holds = before.map(|before| still_on(&before.doc, at)).unwrap_or_default();
            owing.entry(doc.zone.name()).or_default().push((account, doc));
        }
    }
    let mut opened = Vec::new();
    for debts in owing.into_values() {
        let numbers = case::next_numbers(work.conn(), "A", debts[0].1.zone, at, debts.len()).await?;
        for ((account, doc), number) in debts.into_iter().zip(numbers) {
            opened.push(stored(house, account, doc, number));
        }
    }
    insert(work, &opened, touched).await?;
    Ok(opened)
}

/// Writes new cases, and tells of them.
async fn insert(work: &mut Work, opened: &[Stored], touched: &Touched) -> Result<(), Error> {
    let step = Step {
        event: "open".to_owned(),
        state: State::Overdue.word().to_owned(),
        at: work.at(),
        actor: work.actor().to_owned(),
    };
    case::insert_all(work.conn(), opened, &step).await?;
    for stored in opened {
        let span = caused(work, touched, &account::key(&stored.account));
        span.in_scope(|| tell(work, stored, false));
    }
    Ok(())
}

/// The holds that go on with the next case: a protection and a lock whatever was paid, everything else (a plan, a dispute)
/// with a debt that was not.
fn still_on(last: &Case, at: Instant) -> BTreeMap<HoldKind, Held> {
    let goes_on = |kind| last.balance_cents > 0 || matches!(kind, HoldKind::Protected | HoldKind::Lock);
    let on = last
        .holds
        .iter()
        .filter(|(kind, held)| held.is_on(at) && goes_on(**kind));
    on.map(|(kind, held)| (*kind, held.clone())).collect()
}

/// The case of a supply that is off again after `last` was over: found so, without right.
pub(super) async fn off_again(work: &mut Work, house: &House, last: &Stored) -> Result<Stored, Error> {
    let at = work.at();
    let doc = Case {
        opened_at: at,
        reminders: Vec::new(),
        state: State::Overdue,
        ..last.doc.0.clone()
    };
    let opened = Stored {
        id: Uuid::now_v7(),
        number: case::next_number(work.conn(), "A", doc.zone, at).await?,
        policy_version: house.law.version(&doc),
        doc: Json(doc),
        version: 1,
        opened_at: at,
        ..last.clone()
    };
    insert(work, std::slice::from_ref(&opened), &Touched::new()).await?;
    Ok(opened)
}

/// A case of a supply that was cut although nothing stands against it: it begins overdue with what is owed, if anything, and
/// goes on at once.
pub(super) async fn open_for(
    work: &mut Work,
    house: &House,
    account: &Account,
    supply: &Supply,
) -> Result<Stored, Error> {
    let at = work.at();
    let zone: Tz = account.zone.parse().map_err(|_| Error::Stored("time zone"))?;
    let doc = Case {
        due_on: account
            .due_on
            .unwrap_or_else(|| at.with_timezone(&zone).date_naive()),
        meter_no: supply.meter_no.clone(),
        ..begun(house, account, zone, at)?
    };
    let number = case::next_number(work.conn(), "A", zone, at).await?;
    let stored = stored(house, account, doc, number);
    insert(work, std::slice::from_ref(&stored), &Touched::new()).await?;
    Ok(stored)
}

fn stored(house: &House, account: &Account, doc: Case, number: String) -> Stored {
    Stored {
        id: Uuid::now_v7(),
        number,
        account_id: account.id,
        account: account.account.clone(),
        customer_id: account.customer_id,
        service_point_id: account.service_point_id,
        org_path: account.org_path.clone(),
        policy_version: house.law.version(&doc),
        version: 1,
        opened_at: doc.opened_at,
        doc: Json(doc),
    }
}

/// The case this debt is, if it is one.
fn overdue(house: &House, account: &Account, at: Instant) -> Result<Option<Case>, Error> {
    let zone: Tz = account.zone.parse().map_err(|_| Error::Stored("time zone"))?;
    let (Some(due_on), Some(balance_at)) = (account.due_on, account.balance_at) else {
        return Ok(None);
    };
    let due_passed = due_on < at.with_timezone(&zone).date_naive();
    if !due_passed || account.balance_cents < house.terms.minimum_debt_cents {
        return Ok(None);
    }
    Ok(Some(Case {
        due_on,
        balance_at,
        ..begun(house, account, zone, at)?
    }))
}

/// What a case begins with.
fn begun(house: &House, account: &Account, zone: Tz, at: Instant) -> Result<Case, Error> {
    let class = Class::parse(&account.class).ok_or(Error::Stored("class"))?;
    Ok(Case {
        due_on: at.with_timezone(&zone).date_naive(),
        zone,
        opened_at: at,
        class,
        registered: Some(class),
        meter_no: account.meter_no.clone(),
        debt_cents: account.balance_cents,
        balance_cents: account.balance_cents,
        balance_at: account.balance_at.unwrap_or(at),
        currency: house.law.currency().to_owned(),
        holds: BTreeMap::new(),
        reminders: Vec::new(),
        state: State::Overdue,
    })
}

/// Opens the cases of debts whose due day has passed since billing told of them. Returns how many.
///
/// # Errors
/// [`Error::Common`].
pub async fn open_missed(db: &Db, house: &House, now: Instant) -> Result<usize, Error> {
    let mut opened = 0;
    let debts = missed::debts_without_case(db.pool(), house.terms.minimum_debt_cents, now).await?;
    for ids in debts.chunks(ROWS) {
        let mut work = Work::internal(db, "reconciler", now).await?;
        let accounts = account::lock_all(work.conn(), ids).await?;
        let busy = case::lock_open(work.conn(), ids).await?;
        let free: Vec<&Account> = accounts
            .iter()
            .filter(|account| busy.iter().all(|case| case.account_id != account.id))
            .collect();
        opened += open_many(&mut work, house, &free, &Touched::new()).await?.len();
        work.done().await?;
    }
    Ok(opened)
}

/// Accounts in one transaction.
const ROWS: usize = 500;
