//! Messages to the customer: ordered of notify, and what their delivery does to the case.

use chrono::TimeDelta;
use relight_common::{Work, ids::derived};
use relight_proto::events::v1::ArrearsNotice;
use serde_json::json;
use uuid::Uuid;

use super::{
    fired::{Spot, WARN, wake},
    step::{House, step},
};
use crate::{
    domain::{
        Event, Facts, Instant, Site,
        message::{Kind, check_order, next_warning},
    },
    error::Error,
    store::{
        case::{self, Stored},
        message::{self, Became},
    },
};

/// Longest lead of a last warning: one ordered earlier is not about this stop.
const WARNED_BEFORE: TimeDelta = TimeDelta::minutes(90);

/// Orders a message. What is owed is not in it: notify asks when it writes the text.
pub(super) async fn order(work: &mut Work, stored: &Stored, kind: Kind) -> Result<(), Error> {
    let at = work.at();
    let id = derived(stored.id, &format!("{}:{}:{at}", kind.word(), stored.version));
    message::insert(work.conn(), (id, stored.id), kind, at).await?;
    let told = ArrearsNotice {
        notice_id: id.to_string(),
        case_id: stored.id.to_string(),
        number: stored.number.clone(),
        customer_id: stored.customer_id.to_string(),
        kind: kind.word().to_owned(),
        zone: stored.doc.zone.name().to_owned(),
    };
    work.tell(
        "arrears.notice",
        stored.id,
        stored.version,
        &stored.org_path,
        &told,
    );
    Ok(())
}

/// The desk orders one.
pub(super) async fn ordered(
    work: &mut Work,
    stored: &Stored,
    kind: Kind,
    facts: &Facts<'_>,
) -> Result<(), Error> {
    check_order(kind, &stored.doc, facts, work.at())?;
    let detail = json!({ "kind": kind.word() });
    work.audit("arrears.message_ordered", stored.id, detail);
    order(work, stored, kind).await
}

/// The timer orders the last warning once the balance is fresh, nothing is locked there and the premises have supply, and
/// else looks again while it is in time.
pub(super) async fn warn(work: &mut Work, stored: &Stored, facts: &Facts<'_>) -> Result<(), Error> {
    let now = work.at();
    if message::is_ordered(work.conn(), stored.id, Kind::PreNotice, now - WARNED_BEFORE).await? {
        return Ok(());
    }
    match check_order(Kind::PreNotice, &stored.doc, facts, now) {
        Ok(()) => order(work, stored, Kind::PreNotice).await,
        Err(refusal) => {
            tracing::info!(case.id = %stored.id, %refusal, "the last warning waits");
            set_warning(work, stored, facts, now).await
        }
    }
}

/// Sets the moment of the last warning, or takes it back.
pub(super) async fn set_warning(
    work: &mut Work,
    stored: &Stored,
    facts: &Facts<'_>,
    now: Instant,
) -> Result<(), Error> {
    let lead = TimeDelta::minutes(facts.terms.warn_before_min.into());
    match next_warning(&stored.doc, lead, now) {
        Some(at) => work.set_timer(WARN, stored.id, at, stored.version).await?,
        None => work.clear_timer(WARN, stored.id).await?,
    }
    Ok(())
}

/// Takes what became of a message. A delivered reminder is evidence of reminding, a delivered last warning is the last
/// warning; no message is ever service. One that does not fit the case any more is kept and does nothing. What reached
/// somebody else proves nothing any more, whatever it proved before (operations.md O15).
///
/// # Errors
/// [`Error::Common`], [`Error::Stored`].
pub async fn take_result(
    work: &mut Work,
    house: &House,
    (id, kind): (Uuid, Kind),
    (channel, result, at): (&str, &str, Instant),
    site: &Site,
) -> Result<(), Error> {
    let Some((case_id, became)) = message::finish(work.conn(), id, (channel, result), at).await? else {
        return Ok(());
    };
    let record = id.to_string();
    let event = match became {
        Became::Proof => kind.delivered(channel, at, record),
        Became::Less { stands_at } => kind.is_proof().then_some(Event::Disprove { record, stands_at }),
    };
    let Some(event) = event else {
        return Ok(());
    };
    let Some(mut stored) = case::lock(work.conn(), case_id).await? else {
        return Ok(());
    };
    let facts = house.facts(site, None);
    match step(work, &mut stored, &event, &facts).await {
        Ok(_) if matches!(event, Event::Disprove { .. }) => fell_away(work, &mut stored, kind).await,
        Ok(_) => Ok(()),
        Err(Error::Refused(refusal)) => {
            tracing::info!(case.id = %case_id, kind = kind.word(), %refusal, "a delivered message moves nothing");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// That a proof fell away is written down; where supply is off already, people have to look whether that was right.
async fn fell_away(work: &mut Work, stored: &mut Stored, kind: Kind) -> Result<(), Error> {
    let detail = json!({ "kind": kind.word(), "state": stored.doc.state.word() });
    work.audit("arrears.proof_fell_away", stored.id, detail);
    if stored.doc.state.off_since().is_none() {
        return Ok(());
    }
    let now = work.at();
    wake(work, stored, "wrong_person", now, Spot::default()).await
}
