//! Random lives of an order, judged by a checker that knows the invariants of domain.md 5.1 and nothing of the machine:
//! it only sees which events were accepted and what the state showed.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{
    table::{WORK, context, crew, events, safe_work, t0, unit},
    *,
};
use crate::domain::{ids::CrewId, place::Place};

/// What the checker remembers of one life.
#[derive(Default)]
struct Judge {
    last_at: Option<DateTime<Utc>>,
    /// Crew that holds the order, and whether it arrived and made the work safe since it got it.
    holder: Option<CrewId>,
    arrived: bool,
    safe: bool,
    restored: bool,
    replied: bool,
    called_back: bool,
    returns: u32,
}

impl Judge {
    fn accept(&mut self, event: &Event, context: &Context, now: DateTime<Utc>) {
        assert!(self.last_at.is_none_or(|last| last <= now), "times run backwards");
        self.last_at = Some(now);
        match event {
            Event::Assign { crew } => {
                assert!(self.holder.is_none(), "assigned while another crew has it");
                self.give(*crew);
            }
            Event::Reassign { crew } => {
                assert!(
                    self.holder.is_some_and(|had| had != *crew),
                    "reassigned without a crew to relieve"
                );
                self.give(*crew);
            }
            Event::LapseCrew | Event::Suspend { .. } => self.free(),
            Event::Take | Event::Leave { .. } | Event::Survey(_) => assert!(self.holder.is_some()),
            Event::Arrive(arrival) => {
                let near = arrival
                    .position
                    .is_some_and(|here| WORK.distance_m(here) <= 200.0);
                assert!(near || arrival.explained.is_some(), "arrived elsewhere");
                self.arrived = true;
            }
            Event::Repair(work) => {
                assert!(
                    self.arrived && work.people >= 2 && work.steps == SafeStep::ALL,
                    "unsafe work"
                );
                self.safe = true;
            }
            Event::Restore(section) => {
                assert!(self.arrived && self.safe, "restored before arrival or safe work");
                if matches!(section, Section::All { .. }) {
                    self.restored = true;
                    self.holder = None;
                }
            }
            Event::Reply(reply) => {
                assert!(
                    self.restored && !reply.cause_code.is_empty(),
                    "replied too early or without a cause"
                );
                self.replied = true;
            }
            Event::CallBack { result } => {
                assert!(
                    self.replied && !context.is_closing_crew,
                    "called back by the wrong one"
                );
                self.called_back = true;
                if *result == CallBackResult::StillOff {
                    let returns = self.returns;
                    *self = Judge {
                        last_at: self.last_at,
                        returns,
                        ..Judge::default()
                    };
                }
            }
            Event::Archive { no_call_back_reason } => {
                let reason = no_call_back_reason
                    .as_ref()
                    .is_some_and(|reason| !reason.is_empty());
                assert!(
                    self.replied && (self.called_back || reason),
                    "filed without call-back or reason"
                );
            }
            Event::Return { .. } => {
                assert!(self.returns == 0 || context.may_force, "returned twice by units");
                self.returns += 1;
            }
            Event::Merge { .. } | Event::Withdraw => {
                assert!(
                    self.holder.is_none() && !self.restored,
                    "taken away from under a crew"
                )
            }
            Event::Subject(Course::Works) => assert!(self.arrived, "worked before arrival"),
            Event::Subject(_) => self.free(),
            Event::Dispatch { .. } | Event::TakeUnit | Event::LapseUnit | Event::Resume | Event::Reopen => {}
        }
    }

    fn give(&mut self, crew: CrewId) {
        self.free();
        self.holder = Some(crew);
    }

    fn free(&mut self) {
        (self.holder, self.arrived, self.safe) = (None, false, false);
    }

    fn judge_state(&self, state: &State) {
        assert_eq!(
            state.occupied_crew(),
            self.holder,
            "{} shows another crew",
            state.word()
        );
    }
}

/// Events that often fit and sometimes do not.
fn event() -> impl Strategy<Value = Event> {
    let any_of_the_table = (0..events().len()).prop_map(|n| events().remove(n));
    let crews = (1u128..4).prop_map(crew);
    let far = (-0.004..0.004).prop_map(|d| Place {
        lat: WORK.lat + d,
        ..WORK
    });
    prop_oneof![
        4 => any_of_the_table,
        2 => (1u128..3).prop_map(|n| Event::Dispatch { unit: unit(n) }),
        2 => crews.clone().prop_map(|crew| Event::Assign { crew }),
        1 => crews.prop_map(|crew| Event::Reassign { crew }),
        2 => far.prop_map(|here| Event::Arrive(Arrival { position: Some(here), explained: None })),
        1 => (0u32..4, 0usize..5).prop_map(|(people, steps)| {
            let steps = SafeStep::ALL.into_iter().take(steps).collect();
            Event::Repair(SafeWork { people, steps, ..safe_work() })
        }),
        1 => Just(Event::Reply(Reply { cause_code: String::new(), owner: Owner::Utility })),
        1 => Just(Event::Archive { no_call_back_reason: None }),
    ]
}

/// The way to the end, so that random steps start from every depth.
fn usual_way() -> Vec<Event> {
    let find = |word: &str| {
        events()
            .into_iter()
            .find(|event| event.word() == word)
            .expect("in the table")
    };
    [
        "dispatch",
        "unit_take",
        "assign",
        "take",
        "leave",
        "arrive",
        "survey",
        "repair",
    ]
    .into_iter()
    .map(find)
    .chain([
        Event::Restore(Section::All {
            verified_by: Verification::Meter,
        }),
        find("reply"),
        find("call_back"),
    ])
    .collect()
}

#[derive(Debug, Clone)]
struct Act {
    event: Event,
    after_s: i64,
    may_force: bool,
    is_closing_crew: bool,
}

fn act() -> impl Strategy<Value = Act> {
    (event(), -30i64..120, any::<bool>(), prop::bool::weighted(0.2)).prop_map(
        |(event, after_s, may_force, is_closing_crew)| Act {
            event,
            after_s,
            may_force,
            is_closing_crew,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_life_of_an_order_breaks_an_invariant(depth in 0usize..12, acts in prop::collection::vec(act(), 0..40)) {
        let mut state = State::Triaged { back: None };
        let mut judge = Judge::default();
        let mut now = t0();
        let prefix = usual_way().into_iter().take(depth).map(|event| Act { event, after_s: 5, may_force: false, is_closing_crew: false });
        for act in prefix.chain(acts) {
            let at = now + TimeDelta::seconds(act.after_s);
            let context = Context {
                last_step_at: now,
                returns: judge.returns,
                may_force: act.may_force,
                is_closing_crew: act.is_closing_crew,
                ..context()
            };
            if let Ok(after) = transition(&state, &act.event, &context, at) {
                if after != state {
                    judge.accept(&act.event, &context, at);
                    now = at;
                }
                let again = transition(&after, &act.event, &context, at + TimeDelta::seconds(1));
                prop_assert_eq!(again, Ok(after.clone()), "a repeat changed something");
                state = after;
            }
            judge.judge_state(&state);
            if let State::Archived { .. } = state {
                prop_assert!(judge.replied);
            }
        }
    }

    /// An order that follows a subject: its crew is what the checker thinks, work is begun at the work only, and as long
    /// as nothing is restored the subject can always call everybody off at once.
    #[test]
    fn a_subject_leads_its_order_and_always_frees_the_crew(
        kind in 1usize..4, depth in 0usize..7, acts in prop::collection::vec(act(), 0..40),
    ) {
        let mut state = State::Triaged { back: None };
        let mut judge = Judge::default();
        let mut now = t0();
        let prefix = usual_way().into_iter().take(depth).map(|event| Act { event, after_s: 5, may_force: false, is_closing_crew: false });
        for act in prefix.chain(acts) {
            let at = now + TimeDelta::seconds(act.after_s);
            let context = Context {
                kind: Kind::ALL[kind],
                last_step_at: now,
                returns: judge.returns,
                may_force: act.may_force,
                ..context()
            };
            if let Ok(after) = transition(&state, &act.event, &context, at) {
                if after != state {
                    judge.accept(&act.event, &context, at);
                    now = at;
                }
                state = after;
            }
            judge.judge_state(&state);
            let ended = Event::Subject(Course::Ended { because: "paid".to_owned() });
            if state.is_before_restored() {
                let after = transition(&state, &ended, &Context { last_step_at: now, ..context }, now);
                prop_assert_eq!(after, Ok(State::Withdrawn { because: "paid".to_owned() }));
            }
        }
    }

    #[test]
    fn a_state_survives_being_stored(n in 0usize..16) {
        let state = super::table::states().remove(n);
        let stored = serde_json::to_value(&state).expect("plain data");
        prop_assert_eq!(stored["state"].as_str(), Some(state.word()));
        prop_assert_eq!(serde_json::from_value::<State>(stored).expect("its own form"), state);
    }
}
