//! The list of what the supervisor is told of: cuts without right and supply that came back late (domain.md 1.3 A7).

use relight_common::Work;

use crate::{
    domain::{Event, Instant, State},
    error::Error,
    store::{
        breach::{self, Found, LATE, WRONGFUL},
        case::Stored,
    },
};

/// Supply was, or is, off without right.
pub(super) async fn wrongful(work: &mut Work, stored: &Stored, event: &Event) -> Result<(), Error> {
    let (at, actor) = (work.at(), work.actor().to_owned());
    let state = &stored.doc.state;
    let was_off = state.was_off().unwrap_or_default();
    let found = Found {
        case_id: stored.id,
        kind: WRONGFUL,
        off_at: state.off_since().or(was_off.0).unwrap_or(at),
        found_at: at,
        found_by: &actor,
        reason: why(event),
        due_at: at,
        on_at: was_off.1,
    };
    breach::insert(work.conn(), &found).await
}

fn why(event: &Event) -> &str {
    match event {
        Event::FoundOff { reason, .. } | Event::FindWrongful { reason } => reason,
        Event::Classify { .. } | Event::Registry(_) => "somebody's life depends on this supply",
        other => other.word(),
    }
}

/// Since when a supply was off that comes back by this step, and by when it should have been.
pub(super) fn late(before: &State, after: &State) -> Option<(Instant, Instant)> {
    match (before, after) {
        (State::ReconnectOrdered { cut, by, .. }, State::Reconnected { on_at, .. }) if on_at > by => {
            Some((cut.at, *by))
        }
        _ => None,
    }
}

/// Supply is not back in time.
pub(super) async fn reconnected_late(
    work: &mut Work,
    stored: &Stored,
    off_at: Instant,
    due_at: Instant,
) -> Result<(), Error> {
    let (at, actor) = (work.at(), work.actor().to_owned());
    let found = Found {
        case_id: stored.id,
        kind: LATE,
        off_at,
        found_at: at,
        found_by: &actor,
        reason: "",
        due_at,
        on_at: None,
    };
    breach::insert(work.conn(), &found).await
}
