//! A number that calls reached turns out to be somebody else's (operations.md O15): every proof by a call to it falls, the
//! service of the notice among them.

use uuid::Uuid;

use super::{
    Effect, Facts, Instant, State,
    call::Call,
    case::{Case, Served},
    disprove::disprove,
    money::call_back,
    proof::Proof,
    service::rest_on,
};

/// Takes back what rests on calls to `contact`: the case goes back to where the next proof is given. A cut that was done
/// stays as it is: whether it was wrong is for people to find.
pub(super) fn stranger(
    mut case: Case,
    contact: Uuid,
    facts: &Facts<'_>,
    now: Instant,
) -> (Case, Vec<Effect>) {
    let reached = |call: Option<&Call>| call.is_some_and(|call| call.contact == contact);
    let mut effects = Vec::new();
    let told = case.reminders.iter().filter(|one| reached(one.call.as_ref()));
    let records: Vec<String> = told.map(|one| one.record.clone()).collect();
    for record in records {
        let (next, follows) = disprove(case, (&record, None), facts, now);
        case = next;
        effects.extend(follows);
    }
    if let State::PreNoticed { pre_notice, .. } = &case.state
        && reached(pre_notice.call.as_ref())
    {
        effects.extend(call_back(&mut case));
    }
    if let State::WindowOpen { unused, .. } = &mut case.state {
        unused.take_if(|warning| reached(warning.call.as_ref()));
    }
    if case.state.is_before_cut()
        && let Some(served) = case.state.served().cloned()
    {
        let stands = |proof: &Proof| !reached(proof.call.as_ref());
        effects.extend(rest_on(&mut case, served, stands, now));
    }
    effects.dedup();
    (case, effects)
}

/// Whether a proof of the case rests on a call to `contact`.
pub fn rests_on(case: &Case, contact: Uuid) -> bool {
    let reached = |call: &Option<Call>| call.as_ref().is_some_and(|call| call.contact == contact);
    let warned = match &case.state {
        State::PreNoticed { pre_notice, .. } => reached(&pre_notice.call),
        State::WindowOpen { unused, .. } => unused.as_ref().is_some_and(|warning| reached(&warning.call)),
        _ => false,
    };
    let proofs = case.state.served().map(Served::proofs).unwrap_or_default();
    let served = proofs.iter().any(|one| reached(&one.proof.call));
    warned || served || case.reminders.iter().any(|one| reached(&one.call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Event, Locks, Premises,
        given::{TERMS, apply, call, in_state, law},
        proof::Method,
    };

    fn without(case: &Case, contact: Uuid, at: Instant) -> (Case, Vec<Effect>) {
        let law = law();
        let facts = Facts {
            law: &law,
            terms: &TERMS,
            premises: Premises::Supplied,
            locks: &Locks::Free,
            release: None,
        };
        apply(case, &Event::Stranger { contact }, &facts, at).expect("may be found at any time")
    }

    /// Served by a recorded call to the contact of [`call`]; reminded and warned otherwise.
    fn served_by_call(state: &str) -> (Case, Instant) {
        let (mut case, at) = in_state(state);
        case.reminders.iter_mut().for_each(|one| one.call = None);
        match &mut case.state {
            State::NoticeServed { served }
            | State::WindowOpen { served, .. }
            | State::Disconnected { served, .. } => {
                by_call(served);
            }
            State::PreNoticed { served, pre_notice } => {
                by_call(served);
                pre_notice.call = None;
            }
            _ => {}
        }
        (case, at)
    }

    fn by_call(served: &mut Served) {
        served.proof.method = Method::RecordedCall;
        served.proof.call = Some(call());
        served.basis.reminder.call = None;
    }

    #[test]
    fn a_service_by_a_call_to_a_stranger_is_none() {
        for state in ["notice_served", "window_open", "pre_noticed"] {
            let (case, at) = served_by_call(state);
            let (other, effects) = without(&case, Uuid::nil(), at);
            assert_eq!((other.state.word(), effects), (state, Vec::new()));
            assert!(rests_on(&case, call().contact));
            let (after, effects) = without(&case, call().contact, at);
            // Where the time to serve it has passed, it has lapsed at once.
            let word = if state == "notice_served" {
                "notice_issued"
            } else {
                "expired"
            };
            assert_eq!(after.state.word(), word, "{state}");
            assert!(effects.contains(&Effect::StopCrew), "{state}");
            assert!(after.state.served().is_none() && !rests_on(&after, call().contact));
        }
    }

    #[test]
    fn a_reminder_and_a_warning_by_such_a_call_fall_too() {
        let (reminded, at) = in_state("eligible");
        assert_eq!(without(&reminded, call().contact, at).0.state, State::Overdue);
        let (mut warned, at) = in_state("pre_noticed");
        warned.reminders.iter_mut().for_each(|one| one.call = None);
        let (after, effects) = without(&warned, call().contact, at);
        assert_eq!(
            (after.state.word(), effects),
            ("window_open", vec![Effect::StopCrew])
        );
    }

    #[test]
    fn what_is_off_stays_for_people_to_judge() {
        let (off, at) = served_by_call("disconnected");
        let (after, effects) = without(&off, call().contact, at);
        assert_eq!((after.state.word(), effects), ("disconnected", Vec::new()));
        assert!(rests_on(&after, call().contact));
    }
}
