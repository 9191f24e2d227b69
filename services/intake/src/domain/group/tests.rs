//! Grouping checked on trees drawn at random, with calls in any order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use relight_policy::{AreaClass, Pack};
use uuid::Uuid;

use super::*;
use crate::domain::incident::{Affected, Confirmation, Confirmer, Device, State};

/// A tree of devices: `parent[i]` above device i; leaves are transformers, the rest switches.
#[derive(Debug)]
struct Tree {
    parent: Vec<Option<usize>>,
    leaf: Vec<bool>,
}

impl Tree {
    /// One breaker, `feeders` switches below it, `each` transformers below every switch.
    fn comb(feeders: usize, each: usize) -> Self {
        let mut parent = vec![None];
        parent.extend(vec![Some(0); feeders]);
        for feeder in 1..=feeders {
            parent.extend(vec![Some(feeder); each]);
        }
        Self::of(parent)
    }

    fn of(parent: Vec<Option<usize>>) -> Self {
        let mut leaf = vec![true; parent.len()];
        parent.iter().flatten().for_each(|above| leaf[*above] = false);
        Self { parent, leaf }
    }

    fn ix(id: &str) -> usize {
        id[1..].parse().expect("a test's own id")
    }

    fn id(&self, ix: usize) -> DeviceId {
        format!("{}{ix}", if self.leaf[ix] { 'T' } else { 'S' }).into()
    }

    fn leaves(&self) -> Vec<usize> {
        (0..self.parent.len()).filter(|ix| self.leaf[*ix]).collect()
    }

    fn way(&self, from: usize) -> Vec<usize> {
        std::iter::successors(Some(from), |ix| self.parent[*ix]).collect()
    }
}

impl Topology for Tree {
    fn way_of_place(&self, _: Option<&str>, transformer: Option<&str>) -> Arc<[DeviceId]> {
        transformer.map_or_else(|| Arc::from([]), |id| self.way_of_device(id))
    }
    fn way_of_device(&self, device: &str) -> Arc<[DeviceId]> {
        self.way(Self::ix(device))
            .into_iter()
            .map(|ix| self.id(ix))
            .collect()
    }
    fn is_candidate(&self, _: &str) -> bool {
        true
    }
    fn kind(&self, device: &str) -> &'static str {
        if device.starts_with('T') {
            "transformer"
        } else {
            "switch"
        }
    }
    fn position(&self, _: &str) -> Option<Position> {
        None
    }
}

fn at(second: i64) -> DateTime<Utc> {
    "2026-11-22T10:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(second)
}

fn limits() -> ArrivalLimits {
    ArrivalLimits::of(&Pack::load("CN-SGCC").unwrap(), at(0)).unwrap()
}

fn call(n: u128, second: i64, transformer: Option<DeviceId>) -> Call {
    Call {
        report: ReportId::from_uuid(Uuid::from_u128(n + 1)),
        accepted_at: at(second),
        place: Place {
            transformer_id: transformer.map(|id| id.to_string()),
            area: Some(AreaClass::Rural),
            org_path: "demo".to_owned(),
            ..Place::default()
        },
        danger: false,
        hint: None,
    }
}

const WINDOW: TimeDelta = TimeDelta::minutes(30);

/// The worker's part: keeps incidents between batches the way the tables do.
#[derive(Default)]
struct Store {
    incidents: BTreeMap<IncidentId, Incident>,
    links: BTreeMap<ReportId, (IncidentId, DateTime<Utc>)>,
}

impl Store {
    fn run(&mut self, tree: &Tree, calls: Vec<Call>) {
        let open = self.open().into_iter().cloned().collect();
        let plan = group(open, calls.clone(), tree, &limits(), Some(WINDOW));
        assert_eq!(plan.joins.len(), calls.len(), "each report once");
        for mut incident in plan.changed {
            incident.version += 1;
            if let State::Merged(into) = incident.state {
                self.links
                    .values_mut()
                    .filter(|link| link.0 == incident.id)
                    .for_each(|link| link.0 = into);
            }
            self.incidents.insert(incident.id, incident);
        }
        for (report, incident) in plan.joins {
            let call = calls
                .iter()
                .find(|call| call.report == report)
                .expect("a report of the batch");
            let before = self.links.insert(report, (incident, call.accepted_at));
            assert!(before.is_none(), "a report is linked once");
        }
    }

    fn open(&self) -> Vec<&Incident> {
        self.incidents
            .values()
            .filter(|incident| incident.state == State::Open)
            .collect()
    }

    /// What must hold after any batches.
    fn check(&self) {
        for (report, (incident, ..)) in &self.links {
            assert_eq!(
                self.incidents[incident].state,
                State::Open,
                "{report} is in an incident that lives"
            );
        }
        for incident in self.open() {
            let mine: Vec<_> = self
                .links
                .values()
                .filter(|(id, ..)| *id == incident.id)
                .collect();
            assert_eq!(incident.report_count as usize, mine.len());
            assert_eq!(Some(incident.accepted_at), mine.iter().map(|(_, at)| *at).min());
            assert_eq!(
                Some(incident.last_report_at),
                mine.iter().map(|(_, at)| *at).max()
            );
        }
        for incident in self.incidents.values() {
            if let State::Merged(into) = &incident.state {
                assert_ne!(*into, incident.id);
                assert!(self.incidents.contains_key(into), "merged into one that exists");
            }
        }
    }
}

#[test]
fn neighbours_under_one_transformer_are_one_incident_at_it() {
    let tree = Tree::comb(3, 20);
    let mut store = Store::default();
    store.run(
        &tree,
        (0..5)
            .map(|n| call(n, 60 * n as i64, Some("T10".into())))
            .collect(),
    );
    store.check();
    let open = store.open();
    assert_eq!(open.len(), 1);
    assert_eq!(
        open[0].device,
        Some(Device {
            id: "T10".to_owned(),
            kind: "transformer".to_owned()
        })
    );
    assert_eq!((open[0].report_count, open[0].accepted_at), (5, at(0)));
}

#[test]
fn reports_nobody_can_place_each_open_an_incident() {
    let tree = Tree::comb(1, 4);
    let mut store = Store::default();
    store.run(&tree, vec![call(0, 0, None), call(1, 1, None)]);
    store.check();
    assert_eq!(store.open().len(), 2);
    assert!(store.open().iter().all(|incident| incident.device.is_none()));
}

#[test]
fn danger_and_the_strictest_class_mark_the_incident_they_join() {
    let tree = Tree::comb(1, 4);
    let mut store = Store::default();
    let mut danger = call(1, 5, Some("T2".into()));
    danger.danger = true;
    danger.place.area = None;
    store.run(&tree, vec![call(0, 0, Some("T2".into())), danger]);
    let open = store.open();
    assert_eq!(
        (open.len(), open[0].danger, open[0].area),
        (1, true, AreaClass::Urban)
    );
}

#[test]
fn a_confirmed_device_takes_in_what_is_below_and_is_never_moved() {
    let tree = Tree::comb(2, 100);
    let mut store = Store::default();
    store.run(
        &tree,
        vec![call(0, 0, Some(tree.id(3))), call(1, 60, Some(tree.id(80)))],
    );
    assert_eq!(store.open().len(), 2);
    let first = store.links[&ReportId::from_uuid(Uuid::from_u128(1))].0;
    let confirmed = store.incidents.get_mut(&first).expect("it exists");
    confirmed.device = Some(Device {
        id: "S1".to_owned(),
        kind: "switch".to_owned(),
    });
    confirmed.confirmed = Some(Confirmation {
        by: Confirmer::Dispatcher,
        at: at(100),
    });
    confirmed.affected = Some(Affected {
        set_id: "set".to_owned(),
        count: 100,
        followed: None,
    });
    // The next pass merges the other guess below it, and a whole other feeder calling does not move it.
    let others = (0..60).map(|n| call(10 + n, 200 + n as i64, Some(tree.id(3 + 100 + n as usize))));
    store.run(&tree, others.chain([call(5, 190, Some(tree.id(50)))]).collect());
    store.check();
    let devices: Vec<_> = store
        .open()
        .iter()
        .map(|i| (i.device.as_ref().unwrap().id.clone(), i.report_count))
        .collect();
    assert_eq!(devices.len(), 61, "{devices:?}");
    assert!(devices.contains(&("S1".to_owned(), 3)), "{devices:?}");
}

#[test]
fn a_hint_of_the_ledger_is_followed_also_after_a_merge() {
    let tree = Tree::comb(2, 100);
    let mut store = Store::default();
    store.run(&tree, vec![call(0, 0, Some(tree.id(3)))]);
    let only = store.open()[0].id;
    let mut hinted = call(1, 5, Some(tree.id(150)));
    hinted.hint = Some(only);
    let mut lost = call(2, 6, None);
    lost.hint = Some(IncidentId::new());
    store.run(&tree, vec![hinted, lost]);
    store.check();
    assert_eq!(store.incidents[&only].report_count, 2);
    assert_eq!(
        store.open().len(),
        2,
        "a hint to an incident that is not open is no reason to lose a report"
    );
}

/// Random trees: device 0 is the source breaker, every other hangs below an earlier one.
fn tree() -> impl Strategy<Value = Tree> {
    prop::collection::vec(any::<prop::sample::Index>(), 1..60).prop_map(|above| {
        let parents = above
            .iter()
            .enumerate()
            .map(|(ix, above)| Some(above.index(ix + 1)));
        Tree::of(std::iter::once(None).chain(parents).collect())
    })
}

proptest! {
    /// Whatever the order, the batches and the network: no report is lost or doubled, acceptance is the earliest.
    #[test]
    fn no_order_of_arrival_loses_a_report(
        tree in tree(),
        wants in prop::collection::vec((any::<prop::sample::Index>(), 0..4000_i64, 0..20_u8), 1..60),
        batch in 1..10_usize,
    ) {
        let leaves = tree.leaves();
        let calls: Vec<Call> = wants.iter().enumerate().map(|(n, (leaf, second, lost))| {
            let transformer = (*lost > 0).then(|| tree.id(leaves[leaf.index(leaves.len())]));
            call(n as u128, *second, transformer)
        }).collect();
        let mut store = Store::default();
        for batch in calls.chunks(batch) {
            store.run(&tree, batch.to_vec());
            store.check();
        }
        prop_assert_eq!(store.links.len(), calls.len());
        let total: u32 = store.open().iter().map(|incident| incident.report_count).sum();
        prop_assert_eq!(total as usize, calls.len());
    }

    /// The same reports in any order within one batch give the same incidents.
    #[test]
    fn one_batch_is_the_same_in_any_order(
        tree in tree(),
        wants in prop::collection::vec((any::<prop::sample::Index>(), 0..4000_i64), 1..40),
        turn in 0..40_usize,
    ) {
        let leaves = tree.leaves();
        let calls: Vec<Call> = wants.iter().enumerate()
            .map(|(n, (leaf, second))| call(n as u128, *second, Some(tree.id(leaves[leaf.index(leaves.len())]))))
            .collect();
        let mut turned = calls.clone();
        turned.rotate_left(turn % calls.len());
        let limits = limits();
        prop_assert_eq!(
            group(Vec::new(), calls, &tree, &limits, Some(WINDOW)),
            group(Vec::new(), turned, &tree, &limits, Some(WINDOW))
        );
    }
}
