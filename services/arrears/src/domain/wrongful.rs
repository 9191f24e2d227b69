//! Off without right: supply has to be back at once, the customer gets an apology, the list of such cuts an entry. A case
//! whose supply is back already keeps its state and says so.

use chrono::TimeDelta;

use super::{Case, Effect, Instant, Refusal, State, case::Back, event::Event, transition::Moved};

/// The clock of a phone and ours tell one cut this far apart: a report that close to what is known is the same outage.
const SAME: TimeDelta = TimeDelta::minutes(5);

/// The supply is off, and should not be.
pub(super) fn wrongful(mut case: Case, off_at: Instant, reason: &str, now: Instant) -> (Case, Vec<Effect>) {
    case.state = State::Wrongful {
        off_at,
        found_at: now,
        reason: reason.to_owned(),
    };
    (case, vec![Effect::StopCrew, Effect::Report])
}

/// Supply is, or was, off without a release.
pub(super) fn found_off(case: Case, event: &Event, (off_at, reason): (Instant, &str), now: Instant) -> Moved {
    if off_at > now {
        return Err(Refusal::Field {
            field: "off_at",
            must: "must not lie ahead",
        });
    }
    // Paid or given up, and cut all the same: that is the worst of them.
    let is_settled = matches!(case.state, State::SettledBefore { .. } | State::Withdrawn { .. });
    if case.state.off_since().is_some_and(|known| known - SAME <= off_at) {
        return Ok((case, Vec::new()));
    }
    match case.state.was_off() {
        _ if case.state.is_before_cut() || is_settled || case.state.off_since().is_some() => {
            Ok(wrongful(case, off_at, reason, now))
        }
        // The outage that is known already, told once more.
        Some((Some(known), Some(on_at))) if (known - SAME..=on_at).contains(&off_at) => {
            Ok((case, Vec::new()))
        }
        Some((_, Some(on_at))) if off_at < on_at => Ok(was_wrongful(case, Some(off_at), reason, now)),
        // Off again after supply was back: that is a case of its own, since nobody is reconnected twice on one.
        _ => Err(Refusal::NotAllowed {
            state: case.state.word(),
            event: event.word(),
        }),
    }
}

/// Supply is back, and should not have been off, from `off_at` on if that is known better now.
pub(super) fn was_wrongful(
    mut case: Case,
    off_at: Option<Instant>,
    reason: &str,
    now: Instant,
) -> (Case, Vec<Effect>) {
    let effects = match case.state.is_wrongful() {
        true => Vec::new(),
        false => vec![Effect::Report],
    };
    match &mut case.state {
        State::Reconnected {
            off_at: known, back, ..
        } => {
            *known = off_at.unwrap_or(*known);
            if !matches!(back, Back::Wrongful { .. }) {
                *back = Back::Wrongful {
                    found_at: now,
                    reason: reason.to_owned(),
                };
            }
        }
        State::Closed {
            wrongful,
            off_at: known,
            ..
        } => {
            *known = off_at.or(*known);
            *wrongful = true;
        }
        _ => {}
    }
    (case, effects)
}
