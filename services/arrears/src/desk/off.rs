//! Supply that is off and should not be.

use relight_common::Work;
use serde_json::json;

use super::{
    open,
    step::{House, step},
};
use crate::{
    domain::{Event, Instant, NOT_ASKED, State},
    error::Error,
    store::case::{self, Stored},
};

/// What is off is off: it is written down, and supply has to come back at once (operations.md O9).
pub(super) async fn found_off(
    work: &mut Work,
    house: &House,
    stored: &mut Stored,
    off_at: Instant,
    reason: &str,
) -> Result<(), Error> {
    let detail = json!({ "off_at": off_at, "reason": reason });
    work.audit("arrears.found_off", stored.id, detail);
    let was_off = stored.doc.state.was_off();
    let again = was_off.is_some_and(|(_, on_at)| on_at.is_none_or(|on_at| on_at < off_at));
    if again || was_off.is_none() && stored.doc.state.is_over() {
        off_elsewhere(work, house, stored, again).await?;
    }
    let event = Event::FoundOff {
        off_at,
        reason: reason.to_owned(),
    };
    step(work, stored, &event, &house.facts(&NOT_ASKED, None))
        .await
        .map(drop)
}

/// The case it belongs to when this one is over: the account's open one, or, since nobody is reconnected twice on one case,
/// a new one.
async fn off_elsewhere(
    work: &mut Work,
    house: &House,
    stored: &mut Stored,
    again: bool,
) -> Result<(), Error> {
    if matches!(stored.doc.state, State::Reconnected { .. }) {
        step(work, stored, &Event::Close, &house.facts(&NOT_ASKED, None)).await?;
    }
    let open = case::lock_open(work.conn(), &[stored.account_id]).await?;
    match open.into_iter().next() {
        Some(open) => *stored = open,
        None if again => *stored = open::off_again(work, house, stored).await?,
        None => {}
    }
    Ok(())
}
