//! What is known of the customer and the supply changes while a case runs: the class, and the meter (operations.md O10, O12).

use super::{
    Effect, Instant, State,
    case::{Approval, Case, Held, HoldKind, Void},
    class::{Class, Needs},
    money::{call_back, hold},
    proof::Proof,
    service::rest_on,
    transition::class_served,
    wrongful::wrongful,
};

/// What registry says of the supply now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The class.
    pub class: Class,
    /// Number on the meter.
    pub meter_no: String,
    /// It is another supply than the one of the case.
    pub elsewhere: bool,
}

/// Takes over what registry says. Its class raises that of the case; it lowers none, except that it alone says when
/// nobody's life depends on the supply any more: all else a manager decides. A notice for another meter is void.
pub(super) fn registered(mut case: Case, known: &Known, now: Instant) -> (Case, Vec<Effect>) {
    let mut effects = Vec::new();
    if case.registered != Some(known.class) {
        (case, effects) = other_class(case, known.class, now);
    }
    let is_other = known.elsewhere || known.meter_no != case.meter_no;
    if is_other && case.state.is_before_cut() {
        case.meter_no.clone_from(&known.meter_no);
        effects.extend(void_notice(&mut case));
    }
    effects.dedup();
    (case, effects)
}

fn other_class(mut case: Case, class: Class, now: Instant) -> (Case, Vec<Effect>) {
    let before = case.registered.replace(class);
    let ends = before == Some(Class::LifeSupport) && case.class == Class::LifeSupport;
    if ends || class.covers(case.class) {
        return classify(case, class, now);
    }
    if case.class.covers(class) {
        return (case, Vec::new());
    }
    let reason = format!(
        "registry says {}, the case {}: neither has all that the other asks; a manager classifies the case and lifts this",
        class.word(),
        case.class.word()
    );
    let effects = hold(&mut case, HoldKind::Protected, Held::new(now, None, &reason));
    (case, effects)
}

fn void_notice(case: &mut Case) -> Vec<Effect> {
    let (Some(_), Some(basis)) = (case.state.notice(), case.state.basis().cloned()) else {
        return Vec::new();
    };
    case.state = State::Expired {
        basis,
        void: Void::SupplyChanged,
    };
    vec![Effect::StopCrew]
}

/// A life-support customer who was cut is switched on at once; before the cut, what was done for a class that asks less
/// is done again.
pub(super) fn classify(mut case: Case, class: Class, now: Instant) -> (Case, Vec<Effect>) {
    let changed = case.class != class;
    case.class = class;
    match (class, case.state.off_since()) {
        (Class::LifeSupport, Some(off_at)) if !matches!(case.state, State::Wrongful { .. }) => {
            wrongful(case, off_at, "somebody's life depends on this supply", now)
        }
        _ if changed => {
            let mut effects = call_back(&mut case);
            effects.extend(stand_down(&mut case, now));
            effects.dedup();
            (case, effects)
        }
        _ => (case, Vec::new()),
    }
}

/// An approval or a service that is not enough for the class carries nothing.
fn stand_down(case: &mut Case, now: Instant) -> Vec<Effect> {
    let (Some(needs), Some(basis), true) = (
        case.class.needs(),
        case.state.basis().cloned(),
        case.state.is_before_cut(),
    ) else {
        return Vec::new();
    };
    if !approves(&basis.approval, needs) {
        case.state = State::Eligible {
            reminder: basis.reminder,
            proposal: Some(basis.proposal),
        };
        return vec![Effect::StopCrew];
    }
    match case.state.served().cloned() {
        Some(served) => {
            let (is_filed, told) = (served.filing.is_some(), served.occupants.is_some());
            let stands = |proof: &Proof| class_served(needs, proof.method.is_visit(), is_filed, told).is_ok();
            rest_on(case, served, stands, now)
        }
        None => Vec::new(),
    }
}

fn approves(approval: &Approval, needs: Needs) -> bool {
    (approval.manager || !needs.manager) && (approval.exception.is_some() || !needs.exception)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Event, Facts, Locks, Premises,
        given::{METER, TERMS, apply, in_state, law},
    };

    fn after(case: &Case, event: &Event, at: Instant) -> (Case, Vec<Effect>) {
        let law = law();
        let facts = Facts {
            law: &law,
            terms: &TERMS,
            premises: Premises::Supplied,
            locks: &Locks::Free,
            release: None,
        };
        apply(case, event, &facts, at).expect("may be known at any time")
    }

    fn says(class: Class, meter_no: &str) -> Event {
        Event::Registry(Known {
            class,
            meter_no: meter_no.to_owned(),
            elsewhere: false,
        })
    }

    #[test]
    fn a_stricter_class_of_registry_takes_back_what_is_not_enough_for_it() {
        for state in [
            "approved",
            "notice_issued",
            "notice_served",
            "window_open",
            "pre_noticed",
        ] {
            let (case, at) = in_state(state);
            let (same, _) = after(&case, &says(Class::Ordinary, METER), at);
            assert_eq!(same.state, case.state, "{state}");
            let (raised, effects) = after(&case, &says(Class::Hospital, METER), at);
            assert_eq!(
                (raised.class, raised.state.word()),
                (Class::Hospital, "eligible"),
                "{state}"
            );
            assert_eq!(effects, [Effect::StopCrew], "{state}");
        }
    }

    #[test]
    fn a_manager_approved_it_but_the_service_was_not_by_the_rule_of_the_class() {
        for (class, word) in [
            (Class::Vulnerable, "notice_served"),
            (Class::School, "notice_issued"),
            (Class::Shared, "eligible"),
        ] {
            let (mut case, at) = in_state("notice_served");
            if let State::NoticeServed { served } = &mut case.state {
                served.basis.approval.manager = true;
            }
            let (raised, _) = after(&case, &says(class, METER), at);
            assert_eq!(raised.state.word(), word, "{class:?}");
        }
    }

    #[test]
    fn registry_lowers_nothing_but_the_end_of_life_support() {
        let (mut case, at) = in_state("eligible");
        (case.class, case.registered) = (Class::Hospital, Some(Class::Hospital));
        let (same, _) = after(&case, &says(Class::Ordinary, METER), at);
        assert_eq!(
            (same.class, same.registered),
            (Class::Hospital, Some(Class::Ordinary))
        );
        let (again, _) = after(&same, &says(Class::School, METER), at);
        assert_eq!(again.class, Class::School, "it asks as much");
        (case.class, case.registered) = (Class::LifeSupport, Some(Class::LifeSupport));
        assert_eq!(
            after(&case, &says(Class::Ordinary, METER), at).0.class,
            Class::Ordinary
        );
        // Said to the desk alone: registry never knew, so that it does not end there.
        case.registered = Some(Class::Ordinary);
        let (still, _) = after(&case, &says(Class::Important, METER), at);
        assert_eq!(still.class, Class::LifeSupport);
    }

    /// What a manager decided stands until registry says something new.
    #[test]
    fn the_same_answer_again_changes_nothing() {
        let (mut case, at) = in_state("eligible");
        case.registered = Some(Class::Shared);
        let (same, _) = after(&case, &says(Class::Shared, METER), at);
        assert_eq!(same.class, Class::Ordinary);
    }

    #[test]
    fn two_classes_that_ask_different_things_wait_for_a_manager() {
        let (mut case, at) = in_state("eligible");
        case.class = Class::Vulnerable;
        let (held, _) = after(&case, &says(Class::Hospital, METER), at);
        assert_eq!(held.class, Class::Vulnerable);
        assert!(held.holds.contains_key(&HoldKind::Protected));
    }

    #[test]
    fn another_meter_is_taken_over_and_a_notice_that_is_out_is_void() {
        let known = says(Class::Ordinary, "3300999");
        for state in ["overdue", "eligible", "approved"] {
            let (case, at) = in_state(state);
            let (next, effects) = after(&case, &known, at);
            assert_eq!((next.meter_no.as_str(), next.state.word()), ("3300999", state));
            assert!(effects.is_empty(), "{state}");
        }
        for state in ["notice_issued", "notice_served", "window_open", "pre_noticed"] {
            let (case, at) = in_state(state);
            let (next, effects) = after(&case, &known, at);
            assert!(
                matches!(
                    next.state,
                    State::Expired {
                        void: Void::SupplyChanged,
                        ..
                    }
                ),
                "{state}"
            );
            assert_eq!(effects, [Effect::StopCrew], "{state}");
        }
        let (off, at) = in_state("disconnected");
        assert_eq!(after(&off, &known, at).0.meter_no, METER, "that one was cut");
    }
}
