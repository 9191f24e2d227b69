//! Money of accounts nobody knows: it is kept, and counts as soon as registry knows the account.

use relight_common::{Db, Work};
use serde_json::json;
use tracing::Span;
use uuid::Uuid;

use super::{
    feed::{Cause, FeedLine, Outcome, Touched, What, by_key, settle},
    step::House,
};
use crate::{
    domain::Instant,
    error::Error,
    outside::Outside,
    store::{
        account::{self, Supply},
        unplaced::{self, Row},
    },
};

/// Accounts registry is asked for in one pass.
const ASKED: i64 = 100;

/// Keeps a payment that has no account; a balance comes again with the next night.
pub(super) async fn keep(
    work: &mut Work,
    source: &str,
    line: &FeedLine,
    why: String,
) -> Result<Outcome, Error> {
    let What::Payment { cents, paid_at } = line.what else {
        return Ok(Outcome::Refused(why));
    };
    let row = Row {
        id: Uuid::now_v7(),
        external_id: line.external_id.clone(),
        source: source.to_owned(),
        account: line.account.clone(),
        account_key: line.account_key.clone(),
        amount_cents: cents,
        paid_at,
        received_at: work.at(),
        why: why.clone(),
    };
    if unplaced::keep(work.conn(), &row).await? {
        Ok(Outcome::Kept(why))
    } else {
        Ok(Outcome::Refused(
            "another line with this external_id came before".to_owned(),
        ))
    }
}

/// The folded accounts of these for which kept payments count from now on.
pub(super) async fn place(work: &mut Work, keys: &[String]) -> Result<Touched, Error> {
    let placed = unplaced::place(work.conn(), keys).await?;
    for one in &placed {
        let detail = json!({ "source": one.source, "external_id": one.external_id });
        work.audit("arrears.payment_placed", one.account_id, detail);
    }
    let cause = Cause {
        command: work.cause().to_owned(),
        span: Span::current(),
    };
    let touched = placed.into_iter().map(|one| (one.account_key, cause.clone()));
    Ok(touched.collect())
}

/// Asks registry for the accounts of kept payments once more; what is known by now counts. Returns how many accounts.
///
/// # Errors
/// [`Error::Common`]; payments that were not placed stay.
pub async fn place_known<O: Outside>(
    db: &Db,
    house: &House,
    outside: &O,
    now: Instant,
) -> Result<usize, Error> {
    let keys = unplaced::to_ask(db.pool(), ASKED).await?;
    if keys.is_empty() {
        return Ok(0);
    }
    let mut supplies = Vec::new();
    for key in &keys {
        supplies.extend(outside.supply(key).await?.ok());
    }
    let mut work = Work::internal(db, "reconciler", now).await?;
    unplaced::asked(work.conn(), &keys, now).await?;
    let placed = place_all(&mut work, house, &keys, &supplies).await?;
    work.done().await?;
    Ok(placed)
}

async fn place_all(
    work: &mut Work,
    house: &House,
    keys: &[String],
    supplies: &[Supply],
) -> Result<usize, Error> {
    for supply in supplies {
        account::add(work.conn(), supply).await?;
    }
    let mut accounts = by_key(account::lock(work.conn(), keys).await?);
    let touched = place(work, keys).await?;
    settle(work, house, &mut accounts, &touched).await?;
    Ok(touched.len())
}
