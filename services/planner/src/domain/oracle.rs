//! Looks for a way to `Off` that should not exist: random people do random things at random times, and whenever supply
//! goes off a check of its own, made from the raw record of who was told when, has to agree. It asks no policy pack.

use std::{borrow::Cow, sync::LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use relight_policy::Pack;

use super::{
    event::{Effect, Event, Kind},
    facts::{Coverage, Facts},
    ids::PermitId,
    law::Law,
    outage::{Class, Mark, Outage, State},
    transition::transition,
    window::{Instant, Window},
};

/// Read once: a walk asks it at every step.
static PACK: LazyLock<Pack> = LazyLock::new(|| Pack::load("CN-SGCC").unwrap());
const ZONE: Tz = chrono_tz::Asia::Shanghai;
const PEOPLE: [&str; 2] = ["author", "boss"];
const CUSTOMERS: usize = 3;

/// One customer: the first two have to be told individually, the first is important.
#[derive(Debug, Clone, Copy, Default)]
struct Customer {
    served_at: Option<Instant>,
    answered: bool,
    told_late: bool,
}

/// Everything that really happened.
#[derive(Debug)]
struct World {
    outage: Outage,
    customers: [Customer; CUSTOMERS],
    /// (who approved, the window approved)
    approved: Option<(String, Window)>,
    published_at: Option<Instant>,
    permit_at: Option<Instant>,
    now: Instant,
}

#[derive(Debug, Clone)]
enum Act {
    Wait(i64),
    Do(usize, usize),
    Move(usize, i64),
    Serve(usize),
    Answer(usize),
    TellLate(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => prop_oneof![Just(1_i64), Just(4), Just(29), Just(60), Just(1_440), Just(9_000), 1_i64..12_000].prop_map(Act::Wait),
        10 => (0..PEOPLE.len(), 0..18_usize).prop_map(|(who, what)| Act::Do(who, what)),
        1 => (0..PEOPLE.len(), -600_i64..30_000).prop_map(|(who, by)| Act::Move(who, by)),
        3 => (0..CUSTOMERS).prop_map(Act::Serve),
        1 => (0..CUSTOMERS).prop_map(Act::Answer),
        1 => (0..CUSTOMERS).prop_map(Act::TellLate),
    ];
    prop::collection::vec(act, 1..60)
}

impl World {
    fn new(lead_min: i64) -> Self {
        let now: Instant = "2026-02-20T01:00:00Z".parse().unwrap();
        let off_at = now + TimeDelta::minutes(lead_min);
        let window = Window {
            off_at,
            on_at: off_at + TimeDelta::hours(6),
        };
        Self {
            outage: Outage::draft("author".to_owned(), window),
            customers: [Customer::default(); CUSTOMERS],
            approved: None,
            published_at: None,
            permit_at: None,
            now,
        }
    }

    fn facts(&self) -> Facts {
        let required = &self.customers[..2];
        let told: Vec<_> = required.iter().filter_map(|one| one.served_at).collect();
        Facts {
            coverage: Coverage {
                required: 2,
                served: u32::try_from(told.len()).unwrap(),
                individual_at: told.iter().max().copied(),
                late_joiners: 0,
                unacknowledged: u32::from(!self.customers[0].answered),
                unreached: count(&self.customers, |one| one.served_at.is_none()),
                told_late_start: count(required, |one| one.told_late),
            },
            leaders: 1,
            ..Facts::default()
        }
    }

    fn event(&self, what: usize) -> Event {
        let permit = PermitId::from_uuid(uuid::Uuid::from_u128(7));
        let text = String::from("for a reason");
        match what {
            0 => Event::Submit,
            1 => Event::Balance { justification: text },
            2 => Event::Negotiate,
            3 => Event::Approve { justification: text },
            4 => Event::Announce,
            5 => Event::Notice,
            6 => Event::Remind,
            7 => Event::Gate,
            8 | 9 => Event::Permit {
                id: permit,
                number: text,
                read_back: what == 8,
                at: None,
            },
            10 | 11 => Event::SwitchOff { permit, at: None },
            12 => Event::StartLate {
                off_at: self.now + TimeDelta::minutes(30),
            },
            13 => Event::Convert { why: text },
            14 => Event::Work,
            // Written down and entered later: a record, or leave while the permit lasts.
            16 | 17 => Event::SwitchOff {
                permit,
                at: Some(self.now - TimeDelta::minutes(if what == 16 { 1 } else { 20 })),
            },
            _ => Event::StartRestoring,
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Wait(minutes) => self.now += TimeDelta::minutes(minutes),
            Act::Do(who, what) => self.take(&self.event(what), PEOPLE[who]),
            Act::Move(who, by) => {
                let by = TimeDelta::minutes(by);
                let old = self.outage.window;
                let window = Window {
                    off_at: old.off_at + by,
                    on_at: old.on_at + by,
                };
                let justification = String::new();
                self.take(
                    &Event::Move {
                        window,
                        justification,
                    },
                    PEOPLE[who],
                );
            }
            // Nobody is told before there is anything to tell.
            Act::Serve(who) if self.published_at.is_some() => {
                self.customers[who].served_at.get_or_insert(self.now);
            }
            Act::Answer(who) if self.customers[who].served_at.is_some() => {
                self.customers[who].answered = true
            }
            Act::TellLate(who) => self.customers[who].told_late = true,
            _ => {}
        }
    }

    fn take(&mut self, event: &Event, by: &str) {
        let law = Law {
            pack: Cow::Borrowed(&PACK),
            zone: ZONE,
            others: Vec::new(),
            ruled_at: self.outage.ruled_at(),
        };
        let Ok((after, effects)) = transition(&self.outage, event, by, &self.facts(), &law, self.now) else {
            return;
        };
        if let Event::Approve { .. } | Event::Move { .. } = event {
            self.approved = Some((by.to_owned(), after.window));
        }
        if let Event::Permit { .. } = event {
            self.permit_at = after.permit.as_ref().map(|permit| permit.at);
        }
        for effect in &effects {
            match effect {
                Effect::Publish => self.published_at = Some(self.now),
                // What was told of a plan that ended tells nothing of the next.
                Effect::EndPlan { .. } => {
                    self.published_at = None;
                    self.permit_at = None;
                    self.customers = [Customer::default(); CUSTOMERS];
                }
                Effect::Tell {
                    kind: Kind::LateStart,
                    ..
                } => self.permit_at = None,
                _ => {}
            }
        }
        self.outage = after;
        if self.outage.state == State::Off && *event != Event::Work {
            self.judge();
        }
    }

    /// Was it lawful? From the record alone.
    fn judge(&self) {
        let window = self.outage.window;
        let (approver, approved) = self.approved.clone().expect("nobody approved");
        assert_ne!(approver, "author", "approved by the author");
        assert_eq!(approved, window, "another window than the one approved");
        let published_at = self.published_at.expect("not announced");
        let told: Vec<_> = self.customers[..2]
            .iter()
            .map(|one| one.served_at.expect("not told"))
            .collect();
        let last = told.into_iter().chain([published_at]).max().unwrap();
        // A move later on the same day keeps the notice; it was complete for an earlier moment of that day.
        let lead = window.off_at - last;
        if self.outage.class == Class::Planned {
            assert!(lead >= TimeDelta::hours(168), "{lead}");
            assert!((day(window.off_at) - day(last)).num_days() >= 7);
        } else {
            assert!(lead >= TimeDelta::hours(24), "{lead}");
        }
        assert!(self.customers[0].answered, "the important customer is silent");
        assert!(
            self.customers.iter().all(|one| one.served_at.is_some()),
            "somebody was reached by no channel"
        );
        let off_at = self.outage.switched_off_at.expect("not off");
        let age = off_at - self.permit_at.expect("no permit");
        assert!(age >= TimeDelta::zero(), "before the permit");
        if self.outage.marks.contains(&Mark::OutsidePermit) {
            assert!(off_at < self.now, "without leave, and not as a record");
            assert!(
                self.now - self.permit_at.expect("no permit") > TimeDelta::minutes(5),
                "leave was not asked"
            );
            return;
        }
        assert!(age <= TimeDelta::minutes(5), "a permit of {age}");
        assert!(off_at >= window.off_at, "earlier than told");
        assert!(off_at < window.on_at, "after the announced end");
    }
}

fn count(customers: &[Customer], is: impl Fn(&Customer) -> bool) -> u32 {
    u32::try_from(customers.iter().filter(|one| is(one)).count()).unwrap()
}

fn day(at: DateTime<Utc>) -> chrono::NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

/// The lawful way in order, so that the random walks below reach its end often enough to be worth anything.
fn lawful() -> Vec<Act> {
    let mut acts = vec![Act::Do(0, 0), Act::Do(0, 1), Act::Do(1, 3), Act::Do(0, 4)];
    acts.extend((0..CUSTOMERS).map(Act::Serve));
    acts.extend([
        Act::Answer(0),
        Act::Do(0, 5),
        Act::Wait(11_000),
        Act::Do(0, 6),
        Act::Do(0, 7),
    ]);
    acts.extend([Act::Wait(520), Act::Do(1, 8), Act::Do(1, 10)]);
    acts
}

#[test]
fn the_lawful_way_leads_to_off() {
    let mut world = World::new(11_520);
    for act in lawful() {
        world.act(&act);
    }
    assert_eq!(world.outage.state, State::Off);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_walk_reaches_off_unlawfully(acts in acts(), lead_min in prop_oneof![Just(10_080_i64), 600_i64..30_000]) {
        let mut world = World::new(lead_min);
        for act in &acts {
            world.act(act);
        }
    }

    /// Walks that follow the lawful way with steps left out, doubled, and others mixed in.
    #[test]
    fn no_detour_from_the_lawful_way_is_unlawful(
        extra in acts(),
        places in prop::collection::vec(0..20_usize, 0..6),
        left_out in prop::collection::vec(0..20_usize, 0..2),
        lead_min in 11_500_i64..11_540,
    ) {
        let mut acts = lawful();
        for place in left_out {
            if place < acts.len() {
                acts.remove(place);
            }
        }
        for (place, act) in places.into_iter().zip(extra) {
            acts.insert(place.min(acts.len()), act);
        }
        let mut world = World::new(lead_min);
        for act in &acts {
            world.act(act);
        }
    }
}
