//! Timers: what time alone does to a case, and the alarms of a reconnection.

use relight_common::{Work, timer::Timer, wire::timestamp};
use relight_proto::events::v1::ArrearsAlarm;
use uuid::Uuid;

use super::{
    breach, message,
    step::{House, step},
};
use crate::{
    domain::{Case, Event, Facts, Instant, Site, State},
    error::Error,
    store::{
        alarm::{self, Alarm},
        case,
    },
};

/// Kind of the timer that looks at a case.
pub const LOOK: &str = "case.look";
/// Kind of the timer that orders the last warning.
pub const WARN: &str = "case.warn";
/// Kind of the timer that watches a reconnection.
pub const RECONNECT: &str = "reconnect.watch";

/// Carries a timer out; one whose case is over or gone is ignored. `site`: what is known of the premises at the notified
/// stop, for the last warning.
///
/// # Errors
/// [`Error::Stored`] for a kind this release does not know.
pub async fn fire(work: &mut Work, house: &House, timer: &Timer, site: &Site) -> Result<(), Error> {
    let Some(mut stored) = case::lock(work.conn(), timer.subject).await? else {
        return Ok(());
    };
    let facts = house.facts(site, None);
    match timer.kind.as_str() {
        LOOK => step(work, &mut stored, &Event::Look, &facts).await.map(drop),
        WARN => message::warn(work, &stored, &facts).await,
        RECONNECT => watch(work, &mut stored, &facts).await,
        _ => Err(Error::Stored("timer of a kind this release does not know")),
    }
}

/// What the reconnection's limit has reached by now, told; then the next mark.
async fn watch(work: &mut Work, stored: &mut case::Stored, facts: &Facts<'_>) -> Result<(), Error> {
    let now = work.at();
    let Some((due_at, marks)) = marks(&stored.doc, facts) else {
        return Ok(());
    };
    let reached = marks.iter().rev().find(|(at, _)| *at <= now);
    if let Some((_, level)) = reached {
        wake(work, stored, level, due_at, Spot::default()).await?;
        if let (State::ReconnectOrdered { cut, by, .. }, "breach") = (&stored.doc.state, *level) {
            breach::reconnected_late(work, stored, cut.at, *by).await?;
        }
    }
    // Strictly later: the mark of this very moment was just told, and would be told for ever.
    if let Some((at, _)) = marks.iter().find(|(at, _)| *at > now) {
        work.set_timer(RECONNECT, stored.id, *at, stored.version).await?;
    }
    Ok(())
}

/// A meter that was cut by mistake, and where; empty with other alarms.
#[derive(Debug, Clone, Default)]
pub(super) struct Spot {
    pub(super) meter_no: String,
    pub(super) address_zh: String,
    pub(super) address_en: String,
    pub(super) position: Option<(f64, f64)>,
}

/// Somebody has to look at the case now: it is on the desk's list until they say that they have seen it.
pub(super) async fn wake(
    work: &mut Work,
    stored: &mut case::Stored,
    level: &str,
    due_at: Instant,
    spot: Spot,
) -> Result<(), Error> {
    let one = Alarm {
        id: Uuid::now_v7(),
        case_id: stored.id,
        number: stored.number.clone(),
        org_path: stored.org_path.clone(),
        level: level.to_owned(),
        due_at,
        raised_at: work.at(),
        meter_no: spot.meter_no,
        address_zh: spot.address_zh,
        address_en: spot.address_en,
        lon: spot.position.map(|(lon, _)| lon),
        lat: spot.position.map(|(_, lat)| lat),
        acknowledged_at: None,
        acknowledged_by: None,
    };
    alarm::raise(work.conn(), &one).await?;
    let told = ArrearsAlarm {
        case_id: stored.id.to_string(),
        level: one.level,
        due_at: Some(timestamp(due_at)),
        number: one.number,
    };
    stored.version += 1;
    case::save(work.conn(), stored).await?;
    work.tell(
        "arrears.alarm",
        stored.id,
        stored.version,
        &stored.org_path,
        &told,
    );
    tracing::warn!(case.id = %stored.id, level, "somebody has to look at a case");
    Ok(())
}

/// Marks of a running reconnection limit, in order, and its end.
fn marks(case: &Case, facts: &Facts<'_>) -> Option<(Instant, Vec<(Instant, &'static str)>)> {
    match &case.state {
        State::ReconnectOrdered { paid_at, by, .. } => {
            let [watch, risk] = facts.law.alarms(*paid_at, *by).unwrap_or([*by, *by]);
            Some((*by, vec![(watch, "watch"), (risk, "at_risk"), (*by, "breach")]))
        }
        State::Wrongful { found_at, .. } => Some((*found_at, vec![(*found_at, "breach")])),
        _ => None,
    }
}

/// The next mark that was not reached at `now`. In a state just entered also one that was: a wrongful cut has its only one at
/// once, and a payment may be known late.
pub(super) fn next_alarm(
    case: &Case,
    facts: &Facts<'_>,
    (now, is_entered): (Instant, bool),
) -> Option<(Instant, &'static str)> {
    let (_, marks) = marks(case, facts)?;
    marks.into_iter().find(|(at, _)| *at > now || is_entered)
}
