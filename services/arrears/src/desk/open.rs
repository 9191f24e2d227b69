//! Cases opened: when the due day has passed and enough is owed.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use relight_common::{Db, Work};
use sqlx::types::Json;
use uuid::Uuid;

use super::step::{House, tell};
use crate::{
    domain::{Case, Instant, State, class::Class},
    error::Error,
    store::{
        account::{self, Account},
        case::{self, Step, Stored},
        missed,
    },
};

/// Opens the cases of those of these accounts that owe enough for long enough. None of them has an open one.
pub(super) async fn open_many(
    work: &mut Work,
    house: &House,
    accounts: &[&Account],
) -> Result<Vec<Stored>, Error> {
    let at = work.at();
    let mut owing: BTreeMap<&str, Vec<(&Account, Case)>> = BTreeMap::new();
    for account in accounts {
        if let Some(doc) = overdue(house, account, at)? {
            owing.entry(doc.zone.name()).or_default().push((account, doc));
        }
    }
    let mut opened = Vec::new();
    for debts in owing.into_values() {
        let (zone, policy_version) = (debts[0].1.zone, house.law.version(&debts[0].1));
        let numbers = case::next_numbers(work.conn(), "A", zone, at, debts.len()).await?;
        for ((account, doc), number) in debts.into_iter().zip(numbers) {
            opened.push(Stored {
                id: Uuid::now_v7(),
                number,
                account_id: account.id,
                account: account.account.clone(),
                customer_id: account.customer_id,
                service_point_id: account.service_point_id,
                org_path: account.org_path.clone(),
                // The same moment and zone: the same version of the pack.
                policy_version: policy_version.clone(),
                doc: Json(doc),
                version: 1,
                opened_at: at,
            });
        }
    }
    let step = Step {
        event: "open".to_owned(),
        state: State::Overdue.word().to_owned(),
        at,
        actor: work.actor().to_owned(),
    };
    case::insert_all(work.conn(), &opened, &step).await?;
    for stored in &opened {
        tell(work, stored, false);
    }
    Ok(opened)
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
    let class = Class::parse(&account.class).ok_or(Error::Stored("class"))?;
    Ok(Some(Case {
        due_on,
        zone,
        opened_at: at,
        class,
        registered: Some(class),
        meter_no: account.meter_no.clone(),
        debt_cents: account.balance_cents,
        balance_cents: account.balance_cents,
        balance_at,
        currency: house.law.currency().to_owned(),
        holds: BTreeMap::new(),
        reminders: Vec::new(),
        state: State::Overdue,
    }))
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
        opened += open_many(&mut work, house, &free).await?.len();
        work.done().await?;
    }
    Ok(opened)
}

/// Accounts in one transaction.
const ROWS: usize = 500;
