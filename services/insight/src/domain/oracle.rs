//! The ledger's decisions against a brute-force count: one cell per customer and minute, painted by every claim.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    class::Class,
    opening::{Act, Back, Incident},
    record::{self, Closed, CustomerId, IncidentId, Instant, Open, RecordId, StepId, Waiting},
    restoring::{Restoration, Who},
};

const CUSTOMERS: u128 = 5;
const INCIDENTS: u128 = 4;

fn at(minute: i64) -> Instant {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn customer(n: u128) -> CustomerId {
    CustomerId::from_uuid(Uuid::from_u128(n))
}

fn incident(n: u128) -> IncidentId {
    IncidentId::from_uuid(Uuid::from_u128(1_000 + n))
}

/// Everything the tables would hold.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Ledger {
    open: BTreeMap<CustomerId, Open>,
    waiting: BTreeMap<(CustomerId, IncidentId), Waiting>,
    closed: Vec<Closed>,
}

impl Ledger {
    fn back(&self, id: IncidentId) -> BTreeMap<CustomerId, Back> {
        let mut back = BTreeMap::<CustomerId, Back>::new();
        for closed in &self.closed {
            let claim = &closed.open.claim;
            let here = (claim.origin == id).then_some(closed.on_at);
            let entry = back.entry(claim.customer).or_insert(Back {
                any_at: closed.on_at,
                here_at: None,
            });
            entry.any_at = entry.any_at.max(closed.on_at);
            entry.here_at = entry.here_at.max(here);
        }
        back
    }

    fn apply(&mut self, incident: &Incident) {
        let (back, concerned) = (self.back(incident.id), incident.concerned());
        let acts = incident.acts(&concerned, &self.open, &back);
        // What the store leaves out beforehand would do nothing.
        let settled = |(customer, reported_at): &(CustomerId, Option<Instant>)| {
            let held = self.open.get(customer).map(|open| &open.claim);
            held.is_some_and(|claim| claim.incident == incident.holder && claim.reported_at >= *reported_at)
        };
        let unsettled = incident.latest().into_iter().filter(|one| !settled(one));
        let unsettled: BTreeSet<CustomerId> = unsettled.map(|(customer, _)| customer).collect();
        assert_eq!(acts, incident.acts(&unsettled, &self.open, &back));
        for act in acts {
            match act {
                Act::Open(claim) => {
                    let opened_by = StepId::from_uuid(Uuid::nil());
                    self.open.insert(
                        claim.customer,
                        Open {
                            id: RecordId::from_uuid(Uuid::nil()),
                            claim,
                            opened_by,
                        },
                    );
                }
                Act::Wait(claim) => {
                    let held = self.open.get_mut(&claim.customer).unwrap();
                    held.claim.off_at = held.claim.pulled_back(claim.off_at);
                    let key = (claim.customer, claim.incident);
                    self.waiting.entry(key).or_insert(Waiting { claim, on_at: None });
                }
                Act::Note(customer, reported_at) => {
                    self.open.get_mut(&customer).unwrap().claim.reported_at = Some(reported_at);
                }
            }
        }
    }

    fn restore(&mut self, id: IncidentId, step: &Restoration) {
        for waiting in self
            .waiting
            .values_mut()
            .filter(|w| w.claim.incident == id && w.on_at.is_none())
        {
            if step.ends(&waiting.claim) {
                waiting.on_at = Some(step.at.max(waiting.claim.off_at));
            }
        }
        let ended: Vec<Open> = self
            .open
            .values()
            .filter(|open| open.claim.incident == id && step.ends(&open.claim))
            .cloned()
            .collect();
        for open in ended {
            let customer = open.claim.customer;
            self.open.remove(&customer);
            let keys: Vec<_> = self
                .waiting
                .keys()
                .filter(|key| key.0 == customer)
                .copied()
                .collect();
            let waiting = keys.iter().filter_map(|key| self.waiting.remove(key)).collect();
            let by = StepId::from_uuid(Uuid::nil());
            let ending = record::end(open, step.at, waiting, by, |_| RecordId::from_uuid(Uuid::nil()));
            self.closed.extend(ending.closed);
            self.open.extend(ending.open.map(|open| (customer, open)));
            self.waiting.extend(
                ending
                    .waiting
                    .into_iter()
                    .map(|w| ((customer, w.claim.incident), w)),
            );
        }
    }

    /// The incident turned out never to have been, but for whom it restored: what else waits for it goes, what is open is taken back.
    fn withdraw(&mut self, id: IncidentId) {
        self.waiting
            .retain(|key, waiting| key.1 != id || waiting.on_at.is_some());
        let own: Vec<CustomerId> = self
            .open
            .values()
            .filter(|open| open.claim.incident == id)
            .map(|open| open.claim.customer)
            .collect();
        for customer in own {
            self.open.remove(&customer);
            let keys: Vec<_> = self
                .waiting
                .keys()
                .filter(|key| key.0 == customer)
                .copied()
                .collect();
            let waiting = keys.iter().filter_map(|key| self.waiting.remove(key)).collect();
            let by = StepId::from_uuid(Uuid::nil());
            let ending = record::never(waiting, by, |_| RecordId::from_uuid(Uuid::nil()));
            self.closed.extend(ending.closed);
            self.open.extend(ending.open.map(|open| (customer, open)));
            let rest = ending.waiting.into_iter();
            self.waiting
                .extend(rest.map(|one| ((customer, one.claim.incident), one)));
        }
    }

    fn minutes(&self) -> i64 {
        self.closed
            .iter()
            .map(|c| (c.on_at - c.open.claim.off_at).num_minutes())
            .sum()
    }

    fn no_overlap(&self) -> bool {
        let mut spans: Vec<_> = self
            .closed
            .iter()
            .map(|c| (c.open.claim.customer, c.open.claim.off_at, c.on_at))
            .filter(|(_, off, on)| on > off)
            .collect();
        spans.sort();
        spans.windows(2).all(|w| w[0].0 != w[1].0 || w[0].2 <= w[1].1)
    }
}

/// The plain count: a claim paints every minute from its begin to its restoration; nothing before the moment the
/// customer was last known to be back when the claim became known.
#[derive(Debug, Default)]
struct Painted {
    claims: BTreeMap<(u128, u128), (i64, Option<i64>)>,
    floor: BTreeMap<u128, i64>,
    cells: BTreeSet<(u128, i64)>,
}

impl Painted {
    fn open(&mut self, incident: u128, off: i64, members: &BTreeSet<u128>) {
        for who in members {
            let floor = self.floor.get(who).copied().unwrap_or(i64::MIN);
            self.claims
                .entry((*who, incident))
                .or_insert((off.max(floor), None));
        }
    }

    fn restore(&mut self, incident: u128, on: i64, among: &BTreeSet<u128>) {
        for who in among {
            let Some((off, end @ None)) = self.claims.get_mut(&(*who, incident)) else {
                continue;
            };
            let on = on.max(*off);
            *end = Some(on);
            self.cells.extend((*off..on).map(|minute| (*who, minute)));
            self.is_back(*who);
        }
    }

    /// Whoever has no claim left that goes on was last known to be back when the last one ended.
    fn is_back(&mut self, who: u128) {
        let of_customer = self.claims.range((who, 0)..(who, u128::MAX));
        let ends: Option<Vec<i64>> = of_customer.map(|(_, (_, end))| *end).collect();
        if let Some(last) = ends.and_then(|ends| ends.into_iter().max()) {
            self.floor.insert(who, last);
        }
    }

    /// What was not restored by then never was.
    fn withdraw(&mut self, incident: u128) {
        self.claims
            .retain(|(_, of), (_, end)| *of != incident || end.is_some());
        (0..CUSTOMERS).for_each(|who| self.is_back(who));
    }
}

#[derive(Debug, Clone)]
enum Event {
    /// The next incident becomes known, with everybody below its device.
    Known(BTreeSet<u128>),
    /// Supply came back to some or all because of one incident.
    Restored {
        incident: u128,
        on: i64,
        among: Option<BTreeSet<u128>>,
    },
    /// A guess that was none: whom it holds still was never off.
    Withdrawn(u128),
}

fn who() -> impl Strategy<Value = BTreeSet<u128>> {
    prop::collection::btree_set(0..CUSTOMERS, 0..=5)
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        who().prop_map(Event::Known),
        (0..INCIDENTS, 0_i64..90, prop::option::of(who()))
            .prop_map(|(incident, on, among)| Event::Restored { incident, on, among }),
        (0..INCIDENTS).prop_map(Event::Withdrawn),
    ]
}

/// Every incident of the game has a class of its own.
fn class(n: u128) -> Class {
    Class::ALL[usize::try_from(n).unwrap() % Class::ALL.len()]
}

fn known(n: u128, off: i64, members: &BTreeSet<u128>) -> Incident {
    Incident {
        id: incident(n),
        holder: incident(n),
        confirmed: true,
        off_at: at(off),
        reporters: BTreeMap::new(),
        moved: None,
        members: Some(members.iter().copied().map(customer).collect()),
    }
}

/// Each incident begins ten minutes after the one before and becomes known in that order; restorations come anyhow.
fn play(events: &[Event], times: u8) -> (Ledger, Painted) {
    let (mut ledger, mut painted) = (Ledger::default(), Painted::default());
    let (mut n, mut off) = (0, 0);
    for event in events {
        match event {
            Event::Known(members) if n < INCIDENTS => {
                for _ in 0..times {
                    ledger.apply(&known(n, off, members));
                }
                painted.open(n, off, members);
                (n, off) = (n + 1, off + 10);
            }
            Event::Known(_) => {}
            Event::Withdrawn(of) => {
                (0..times).for_each(|_| ledger.withdraw(incident(*of)));
                painted.withdraw(*of);
            }
            Event::Restored {
                incident: of,
                on,
                among,
            } => {
                let who = match among {
                    Some(among) => Who::These(among.iter().copied().map(customer).collect()),
                    None => Who::All,
                };
                for _ in 0..times {
                    ledger.restore(incident(*of), &Restoration::new(at(*on), who.clone()));
                }
                painted.restore(
                    *of,
                    *on,
                    &among.clone().unwrap_or_else(|| (0..CUSTOMERS).collect()),
                );
            }
        }
    }
    (ledger, painted)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn minutes_equal_the_painted_cells(events in prop::collection::vec(event(), 0..14)) {
        let (mut ledger, mut painted) = play(&events, 1);
        prop_assert!(ledger.no_overlap(), "{ledger:#?}");
        for n in 0..INCIDENTS {
            ledger.restore(incident(n), &Restoration::new(at(120), Who::All));
            painted.restore(n, 120, &(0..CUSTOMERS).collect());
        }
        prop_assert!(ledger.open.is_empty() && ledger.waiting.is_empty(), "{ledger:#?}");
        prop_assert!(ledger.no_overlap(), "{ledger:#?}");
        prop_assert_eq!(ledger.minutes(), i64::try_from(painted.cells.len()).unwrap(), "{:#?}", ledger);
    }

    #[test]
    fn every_minute_is_charged_once_to_a_class_that_held_then(events in prop::collection::vec(event(), 0..14)) {
        let (mut ledger, mut painted) = play(&events, 1);
        for n in 0..INCIDENTS {
            ledger.restore(incident(n), &Restoration::new(at(120), Who::All));
            painted.restore(n, 120, &(0..CUSTOMERS).collect());
        }
        let (mut charged, mut held) = (BTreeMap::<Class, i64>::new(), BTreeMap::new());
        for closed in ledger.closed.iter().filter(|closed| closed.on_at > closed.open.claim.off_at) {
            let claim = &closed.open.claim;
            let (who, n) = (claim.customer.uuid().as_u128(), claim.origin.uuid().as_u128() - 1_000);
            let (off, end) = painted.claims[&(who, n)];
            prop_assert!(at(off) <= claim.off_at, "{closed:?} {off}");
            prop_assert!(end.is_some_and(|end| closed.on_at <= at(end)), "{closed:?} {end:?}");
            *charged.entry(class(n)).or_default() += (closed.on_at - claim.off_at).num_minutes();
        }
        // What only one class covers is charged to it; what several cover to one of them.
        for (&(who, n), &(off, end)) in &painted.claims {
            for minute in off..end.unwrap_or(off) {
                held.entry((who, minute)).or_insert_with(BTreeSet::new).insert(class(n));
            }
        }
        for class in Class::ALL {
            let with = |few: usize| {
                let cells = held.values().filter(|classes| classes.contains(&class) && classes.len() <= few);
                i64::try_from(cells.count()).unwrap()
            };
            let got = charged.get(&class).copied().unwrap_or(0);
            prop_assert!(with(1) <= got && got <= with(6), "{class:?}: {} {got} {}", with(1), with(6));
        }
    }

    #[test]
    fn everything_twice_is_everything_once(events in prop::collection::vec(event(), 0..14)) {
        prop_assert_eq!(play(&events, 2).0, play(&events, 1).0);
    }
}
