//! Sums by any way are the same sum; what cannot be carried on is said to be unknown, never guessed.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::domain::place::Place;

fn id(n: usize) -> IncidentId {
    IncidentId::from_uuid(Uuid::from_u128(n as u128 + 1))
}

fn incident(n: usize, state: State, report_count: u32) -> Incident {
    let at = DateTime::UNIX_EPOCH;
    Incident {
        id: id(n),
        number: String::new(),
        state,
        device: None,
        confirmed: None,
        affected: None,
        report_count,
        urge_count: 0,
        accepted_at: at,
        last_report_at: at,
        off_at: at,
        area: AreaClass::Urban,
        danger: false,
        life_support: false,
        important: false,
        position: None,
        org_path: String::new(),
        zone: String::new(),
        version: 1,
        parent: None,
        signal_at: None,
        by_hand: false,
    }
}

/// The nth report; some are of one moment, of one customer, of nobody known, without a position.
fn report(n: usize, minute: i64) -> Call {
    let place = Place {
        customer_id: (n % 5 != 1).then(|| Uuid::from_u128(n as u128 % 7)),
        area: [
            None,
            Some(AreaClass::Urban),
            Some(AreaClass::Rural),
            Some(AreaClass::Remote),
        ][n % 4],
        important: n % 6 == 1,
        life_support: n % 7 == 1,
        position: (n % 3 != 1).then_some(Position {
            lon: n as f64 / 100.0,
            lat: 30.0,
        }),
        ..Place::default()
    };
    Call {
        report: ReportId::from_uuid(Uuid::from_u128(n as u128 * 7919 % 1009)),
        accepted_at: DateTime::UNIX_EPOCH + TimeDelta::minutes(minute),
        place,
        danger: n % 8 == 1,
        hint: None,
    }
}

fn sum<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Total {
    calls.into_iter().fold(Total::default(), |mut total, call| {
        total.add(Total::of(call));
        total
    })
}

/// Passes over a few incidents whose reports are known.
#[derive(Default)]
struct Story {
    totals: Totals,
    homes: BTreeMap<ReportId, (Call, usize)>,
    gone: BTreeMap<usize, usize>,
}

impl Story {
    fn end(&self, n: usize) -> usize {
        self.gone.get(&n).map_or(n, |into| self.end(*into))
    }

    fn right(&self, n: usize) -> Total {
        let theirs = self.homes.values().filter(|(_, home)| *home == n);
        sum(theirs.map(|(call, _)| call))
    }

    /// One pass: these reports come, these move, these incidents merge.
    fn pass(&mut self, came: Vec<(Call, usize)>, moved: Vec<(ReportId, usize)>, merged: Vec<(usize, usize)>) {
        let (mut changed, mut left, mut homes) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        let has_moved = !moved.is_empty();
        let mut gone = Vec::new();
        let new = came
            .iter()
            .map(|(call, _)| (call.report, Total::of(call)))
            .collect();
        for (from, into) in merged {
            let (from, into) = (self.end(from), self.end(into));
            if from != into {
                self.gone.insert(from, into);
                gone.push((from, into));
            }
        }
        for (report, to) in moved {
            let to = self.end(to);
            let Some((_, home)) = self.homes.get_mut(&report) else {
                continue;
            };
            left.insert(id(*home));
            changed.insert(*home, State::Open);
            *home = to;
            homes.push((report, id(to)));
        }
        for (call, to) in came {
            let to = self.end(to);
            homes.push((call.report, id(to)));
            self.homes.insert(call.report, (call, to));
        }
        changed.extend(
            (0..6)
                .filter(|n| !self.gone.contains_key(n))
                .map(|n| (n, State::Open)),
        );
        for (from, into) in gone {
            changed.insert(from, State::Merged(id(self.end(into))));
        }
        let ends: Vec<usize> = (0..6).map(|n| self.end(n)).collect();
        self.homes.values_mut().for_each(|(_, home)| *home = ends[*home]);
        let rows = changed
            .into_iter()
            .map(|(n, state)| (id(n), incident(n, state, 0)));
        let sums = self.totals.after(Moves {
            changed: &rows.collect(),
            homes,
            left: &left,
            new,
        });
        for n in (0..6).filter(|n| !self.gone.contains_key(n)) {
            let (right, sum) = (self.right(n), &sums[&id(n)]);
            assert!(
                sum.is_some() || has_moved,
                "what only came or merged is never read again"
            );
            assert!(sum.is_none() || sum.as_ref() == Some(&right), "{sum:?} {right:?}");
            self.totals.keep(id(n), right);
        }
    }
}

proptest! {
    /// However reports are put together, one by one or sum by sum: the same sum.
    #[test]
    fn a_sum_does_not_depend_on_order_or_grouping(
        minutes in prop::collection::vec(0..9_i64, 1..30),
        cut in any::<prop::sample::Index>(),
    ) {
        let calls: Vec<Call> = minutes.iter().enumerate().map(|(n, minute)| report(n, *minute)).collect();
        let (one, other) = calls.split_at(cut.index(calls.len()));
        let mut parts = sum(other);
        parts.add(sum(one));
        prop_assert_eq!(sum(&calls), sum(calls.iter().rev()));
        prop_assert_eq!(sum(&calls), parts);
    }

    /// What is carried on is what the reports say, or has to be asked: and it has not where reports only came.
    #[test]
    fn what_is_carried_on_is_what_the_reports_say(
        passes in prop::collection::vec((
            prop::collection::vec((0..9_i64, 0..6_usize), 0..6),
            prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize), 0..3),
            prop::collection::vec((0..6_usize, 0..6_usize), 0..2),
            any::<[bool; 2]>(),
        ), 1..12),
    ) {
        let (mut story, mut n) = (Story::default(), 0);
        for k in 0..6 {
            story.totals.keep(id(k), Total::default());
        }
        for (came, moved, merged, [moves, merges]) in passes {
            let known: Vec<ReportId> = story.homes.keys().copied().collect();
            let moved = moved.into_iter().filter(|_| moves && !known.is_empty())
                .map(|(report, to)| (known[report.index(known.len())], to)).collect();
            let came = came.into_iter().map(|(minute, to)| { n += 1; (report(n, minute), to) }).collect();
            story.pass(came, moved, merged.into_iter().filter(|_| merges).collect());
        }
    }
}

#[test]
fn a_total_that_does_not_agree_with_the_stored_count_is_forgotten_and_so_is_what_is_not_open() {
    let mut totals = Totals::default();
    for n in 0..3 {
        totals.keep(id(n), sum([&report(n, 0)]));
    }
    totals.check(&[incident(0, State::Open, 1), incident(1, State::Open, 2)]);
    let rows: BTreeMap<_, _> = (0..3).map(|n| (id(n), incident(n, State::Open, 1))).collect();
    let sums = totals.after(Moves {
        changed: &rows,
        homes: Vec::new(),
        left: &BTreeSet::new(),
        new: BTreeMap::new(),
    });
    let known: Vec<bool> = sums.values().map(Option::is_some).collect();
    assert_eq!(known, [true, false, false]);
}

#[test]
fn a_new_incident_begins_with_nothing() {
    let row = Incident {
        version: 0,
        ..incident(0, State::Open, 0)
    };
    let call = report(1, 0);
    let sums = Totals::default().after(Moves {
        changed: &BTreeMap::from([(row.id, row)]),
        homes: vec![(call.report, id(0))],
        left: &BTreeSet::new(),
        new: BTreeMap::from([(call.report, Total::of(&call))]),
    });
    assert_eq!(sums[&id(0)], Some(sum([&call])));
}
