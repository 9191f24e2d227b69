//! One small feeder, and what people, meters, telemetry and the control room may say about it.

use std::sync::Arc;

use relight_grid::infer::{
    Change, Engine, Evidence, Incident, IncidentKey, Refusal, Switched, Weights, What,
};
use relight_grid::{Bus, Device, DeviceIx, DeviceKind, End, Grid, Load, LoadIx, Network, Source};
use uuid::Uuid;

/// Two feeders with a tie between their ends. Feeder `a`: breaker, then three fused transformers of ten
/// customers each; a switch stands before the third. Feeder `b` is alike.
fn network() -> Network {
    let mut network = Network {
        name: "two feeders".to_owned(),
        ..Network::default()
    };
    for side in ["a", "b"] {
        network.sources.push(Source {
            bus: format!("{side}0"),
            phases: None,
        });
        add(
            &mut network,
            &format!("{side}-cb"),
            DeviceKind::Breaker,
            &format!("{side}0"),
            &format!("{side}1"),
        );
        add(
            &mut network,
            &format!("{side}-sw"),
            DeviceKind::Switch,
            &format!("{side}1"),
            &format!("{side}2"),
        );
        for (n, at) in [(1, 1), (2, 1), (3, 2)] {
            let [from, mid, low] = [
                format!("{side}{at}"),
                format!("{side}{n}-h"),
                format!("{side}{n}-l"),
            ];
            add(
                &mut network,
                &format!("{side}-f{n}"),
                DeviceKind::Fuse,
                &from,
                &mid,
            );
            add(
                &mut network,
                &format!("{side}-t{n}"),
                DeviceKind::Transformer,
                &mid,
                &low,
            );
            network.loads.extend((0..10).map(|k| Load {
                id: format!("{side}{n}.{k}"),
                bus: low.clone(),
                phases: "1".parse().expect("a phase"),
                customers: 1,
                in_service: true,
            }));
        }
    }
    add(&mut network, "tie", DeviceKind::Switch, "a2", "b2");
    network.devices.last_mut().expect("the tie").open = true;
    let mut buses: Vec<String> = network
        .devices
        .iter()
        .flat_map(|device| device.ends.iter().map(|end| end.bus.clone()))
        .collect();
    buses.sort();
    buses.dedup();
    network.buses = buses.into_iter().map(|id| Bus { id, position: None }).collect();
    network
}

fn add(network: &mut Network, id: &str, kind: DeviceKind, from: &str, to: &str) {
    let end = |bus: &str| End {
        bus: bus.to_owned(),
        phases: "1".parse().expect("a phase"),
    };
    network.devices.push(Device {
        id: id.to_owned(),
        kind,
        ends: vec![end(from), end(to)],
        in_service: true,
        open: false,
        length_m: None,
    });
}

/// An engine with the words tests use; times are minutes.
struct Desk(Engine);

impl Desk {
    fn new() -> Desk {
        let grid = network().grid(Uuid::nil()).expect("a good network");
        Desk(Engine::new(Arc::new(grid), &[], Weights::default()))
    }

    fn grid(&self) -> &Grid {
        self.0.grid()
    }

    fn device(&self, id: &str) -> DeviceIx {
        self.grid().device(id).expect("a known device")
    }

    fn load(&self, id: &str) -> LoadIx {
        self.grid().load(id).expect("a known load")
    }

    fn hear(&mut self, min: i64, what: What) -> bool {
        self.0.accept(Evidence::new(min * 60_000, what))
    }

    /// Calls of these loads, one a minute from `min` on.
    fn calls(&mut self, min: i64, loads: &[&str]) {
        for (after, id) in (0..).zip(loads) {
            let load = self.load(id);
            self.hear(min + after, What::Call(load));
        }
    }

    fn decide(&mut self, min: i64) -> Vec<Change> {
        self.0.decide(min * 60_000)
    }

    /// What there is at `min`: (device, loads, restored), by first report.
    fn told(&mut self, min: i64) -> Vec<(String, usize, bool)> {
        self.decide(min);
        let incidents = self.0.incidents();
        let told = incidents.iter().map(|incident| {
            let device = incident
                .device
                .map_or("-", |device| self.grid().device_id(device));
            (
                device.to_owned(),
                incident.loads.len(),
                incident.restored_at_ms.is_some(),
            )
        });
        told.collect()
    }

    fn only(&mut self, min: i64) -> Incident {
        self.decide(min);
        let mut incidents = self.0.incidents();
        assert_eq!(incidents.len(), 1, "{incidents:?}");
        incidents.remove(0)
    }
}

fn told(rows: &[(&str, usize, bool)]) -> Vec<(String, usize, bool)> {
    rows.iter()
        .map(|&(device, loads, restored)| (device.to_owned(), loads, restored))
        .collect()
}

#[test]
fn calls_below_one_fuse_name_it_and_say_why() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a1.3", "a1.7"]);
    let incident = desk.only(10);
    let name = desk
        .grid()
        .device_id(incident.device.expect("a device"))
        .to_owned();
    assert!(["a-f1", "a-t1"].contains(&name.as_str()), "{name}");
    assert_eq!(
        incident.candidates[0].equal.len(),
        2,
        "fuse and transformer put out the same"
    );
    assert_eq!((incident.loads.len(), incident.customers), (10, 10));
    let why = desk.0.explain(&incident);
    assert!(why.contains("3 of 10 customers below"), "{why}");
}

#[test]
fn calls_below_several_transformers_go_up_to_what_they_share() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a2.3", "a3.7", "a1.5", "a2.1"]);
    assert_eq!(desk.told(12), told(&[("a-cb", 30, false)]));
    let incident = desk.only(12);
    let why = desk.0.explain(&incident);
    assert!(
        why.contains("3 of 3 transformers below breaker a-cb have reported"),
        "{why}"
    );
}

#[test]
fn an_outage_grows_as_calls_come_and_keeps_its_name() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a1.3"]);
    let first = desk.only(3);
    desk.calls(4, &["a2.0", "a3.3", "a2.7", "a3.1"]);
    let later = desk.only(12);
    assert_eq!(first.key, later.key);
    assert_eq!((first.loads.len(), later.loads.len()), (10, 30));
}

/// Two faults that look apart until the calls between them come are one; the later name goes into the earlier.
#[test]
fn two_incidents_that_turn_out_to_be_one_merge_into_the_earlier() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a1.3", "a1.5"]);
    desk.calls(60, &["a2.0", "a2.3", "a2.5", "a2.7"]);
    desk.decide(64);
    let before: Vec<IncidentKey> = desk.0.incidents().iter().map(|incident| incident.key).collect();
    assert_eq!(before.len(), 2);
    // These were made in between and arrive late.
    desk.calls(3, &["a3.1", "a2.2", "a3.4", "a2.9", "a3.6", "a2.8", "a3.8"]);
    desk.calls(30, &["a3.0"]);
    let changes = desk.decide(65);
    let merged = Change::Merged {
        key: before[1],
        into: before[0],
    };
    assert!(changes.contains(&merged), "{changes:?}");
    assert_eq!(desk.only(65).key, before[0]);
}

#[test]
fn a_lone_call_is_that_customers_own_trouble_first() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0"]);
    let incident = desk.only(15);
    assert!(incident.premise);
    assert_eq!(incident.loads, [desk.load("a1.0")]);
    assert!(desk.0.explain(&incident).contains("only load a1.0"));
}

#[test]
fn the_same_evidence_twice_is_one() {
    let mut desk = Desk::new();
    let load = desk.load("a1.0");
    assert!(desk.hear(0, What::Call(load)));
    assert!(!desk.hear(0, What::Call(load)));
    let once = desk.only(5);
    desk.hear(4, What::Call(load));
    assert_eq!(desk.only(5), once, "an urging customer is no news");
}

#[test]
fn telemetry_outweighs_silence() {
    let mut desk = Desk::new();
    let breaker = desk.device("a-cb");
    desk.hear(0, What::ScadaOpen(breaker));
    desk.calls(1, &["a1.0", "a1.3"]);
    let incident = desk.only(30);
    assert_eq!(incident.device, Some(breaker));
    assert!(incident.confidence > 0.99);
    assert!(desk.0.explain(&incident).contains("telemetry reports it open"));
}

#[test]
fn a_device_that_telemetry_says_is_closed_is_no_candidate() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a2.3", "a1.7", "a2.5"]);
    let breaker = desk.device("a-cb");
    assert_eq!(desk.told(12)[0].0, "a-cb");
    desk.0.telemetered_closed(breaker, true);
    assert!(
        desk.told(12).iter().all(|row| row.0 != "a-cb"),
        "{:?}",
        desk.told(12)
    );
    desk.0.telemetered_closed(breaker, false);
    assert_eq!(desk.told(12)[0].0, "a-cb");
}

#[test]
fn a_meter_that_answers_settles_what_was_asked() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a1.3", "a2.7"]);
    let unsure = desk.only(4);
    let ask = unsure.ask.expect("something would tell them apart");
    desk.hear(5, What::PingOff(ask));
    desk.hear(5, What::PingOff(desk.load("a3.1")));
    desk.hear(5, What::PingOff(desk.load("a3.2")));
    let surer = desk.only(6);
    assert_eq!(surer.device, Some(desk.device("a-cb")));
    assert!(surer.confidence > unsure.confidence);
}

#[test]
fn supply_found_again_ends_an_outage_and_what_is_still_out_is_another() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a2.3", "a3.7", "a1.5", "a2.1"]);
    for back in ["a1.0", "a2.3", "a1.5", "a2.1"] {
        let load = desk.load(back);
        desk.hear(60, What::PingOn(load));
    }
    assert_eq!(desk.told(61), told(&[("a-cb", 30, true)]));
    desk.calls(65, &["a3.1", "a3.2", "a3.5"]);
    let rows = desk.told(75);
    assert_eq!(rows[0], ("a-cb".to_owned(), 30, true));
    assert_eq!((rows.len(), rows[1].1, rows[1].2), (2, 10, false), "{rows:?}");
}

#[test]
fn a_dispatcher_overrules_and_takes_it_back() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a1.3", "a1.7"]);
    let guess = desk.only(10);
    let (switch, breaker, other) = (desk.device("a-sw"), desk.device("a-cb"), desk.device("b-cb"));
    assert_eq!(
        desk.0.overrule(guess.key, switch),
        Err(Refusal::NothingReportedBelow)
    );
    assert_eq!(
        desk.0.overrule(guess.key, other),
        Err(Refusal::NothingReportedBelow)
    );
    assert_eq!(
        desk.0.overrule(guess.key, desk.device("tie")),
        Err(Refusal::PutsNobodyOut)
    );
    desk.0
        .overrule(guess.key, breaker)
        .expect("calls lie below the breaker");
    let said = desk.only(10);
    assert_eq!(
        (said.device, said.overruled, said.loads.len()),
        (Some(breaker), true, 30)
    );
    assert_eq!(said.key, guess.key);
    desk.calls(11, &["a1.8", "a1.9"]);
    assert_eq!(
        desk.only(20).device,
        Some(breaker),
        "more calls do not change what a person said"
    );
    assert!(desk.0.undo_overrule(guess.key));
    assert!(!desk.0.undo_overrule(guess.key));
    assert_eq!(desk.only(20).loads.len(), 10);
    let nobody = IncidentKey {
        at_ms: 1,
        load: desk.load("b1.0"),
    };
    assert_eq!(desk.0.overrule(nobody, breaker), Err(Refusal::NoSuchIncident));
}

/// Two reports of the same half minute were named for one device; what was said by the other stands when one is taken back.
#[test]
fn a_name_stands_when_another_of_the_same_moment_is_taken_back() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a1.3", "a1.7"]);
    let seen = desk.only(10);
    let breaker = desk.device("a-cb");
    let other = IncidentKey {
        at_ms: seen.key.at_ms,
        load: desk.load("a1.3"),
    };
    desk.hear(0, What::Call(other.load));
    for by in [seen.key, other] {
        desk.0.overrule(by, breaker).expect("calls lie below the breaker");
    }
    assert!(desk.0.undo_overrule(other));
    let said = desk.only(10);
    assert_eq!((said.device, said.overruled), (Some(breaker), true));
}

/// The report that the device was named by is a mere repeat once an earlier call of its customer is heard of.
#[test]
fn a_name_holds_when_an_earlier_call_of_the_same_customer_comes_late() {
    let mut desk = Desk::new();
    desk.calls(40, &["a1.0"]);
    let seen = desk.only(45);
    let breaker = desk.device("a-cb");
    desk.0
        .overrule(seen.key, breaker)
        .expect("it lies below the breaker");
    desk.calls(0, &["a1.0"]);
    let said = desk.only(50);
    assert_eq!((said.device, said.overruled), (Some(breaker), true));
}

/// An outage is held among loads that are dark by switching; a switching that changes nothing, and an earlier call that comes late and gives
/// it another name: whoever listens knows that one alone.
#[test]
fn what_is_held_under_another_name_is_told_also_after_a_switching_that_changed_nothing() {
    let mut desk = Desk::new();
    let mut known: Vec<IncidentKey> = Vec::new();
    let mut listen = |changes: Vec<Change>| {
        for change in changes {
            match change {
                Change::Now { key, .. } => known.push(key),
                Change::Merged { key, .. } | Change::Gone { key } => known.retain(|one| *one != key),
            }
        }
        known.sort();
        known.dedup();
        known.clone()
    };
    desk.calls(5, &["a1.0"]);
    listen(desk.decide(6));
    let opened = vec![desk.device("a-cb")];
    let dark = || Switched {
        opened: opened.clone(),
        closed: vec![],
    };
    desk.0.switch(30 * 60_000, dark());
    listen(desk.decide(31));
    desk.0.switch(60 * 60_000, dark());
    desk.calls(3, &["a1.0"]);
    let told = listen(desk.decide(61));
    let now: Vec<IncidentKey> = desk.0.incidents().iter().map(|incident| incident.key).collect();
    assert_eq!((told.len(), told), (1, now));
}

/// The breaker trips, the tie feeds the part behind the switch again: its loads are no longer in question.
#[test]
fn switching_takes_back_what_is_fed_another_way() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a2.3", "a3.7", "a3.5", "a2.1"]);
    let before = desk.only(10);
    assert_eq!(before.loads.len(), 30);
    let (breaker, switch, tie) = (desk.device("a-cb"), desk.device("a-sw"), desk.device("tie"));
    desk.0.switch(
        30 * 60_000,
        Switched {
            opened: vec![breaker, switch],
            closed: vec![tie],
        },
    );
    let after = desk.only(31);
    assert_eq!(after.key, before.key, "an open incident keeps its name");
    assert_eq!(
        after.loads.len(),
        20,
        "those behind the switch are fed by the other feeder"
    );
    // A new fault on the other feeder now puts these out too.
    desk.calls(40, &["b1.0", "b2.3", "a3.7", "a3.5", "b3.1"]);
    let rows = desk.told(55);
    assert!(rows.contains(&("b-cb".to_owned(), 40, false)), "{rows:?}");
    desk.0.switch(90 * 60_000, Switched::default());
    assert!(desk.told(91).iter().any(|row| row.0 == "b-cb"));
}

/// A storm's worth of states and evidence, told again from what was stored, gives the same decisions.
#[test]
fn stored_evidence_replays_to_the_same_decisions() {
    let mut desk = Desk::new();
    desk.calls(0, &["a1.0", "a2.3", "a3.7"]);
    desk.calls(200, &["b1.0", "b1.3", "b1.7"]);
    desk.hear(30, What::PingOn(desk.load("a2.3")));
    desk.decide(240);
    let stored: Vec<Evidence> = desk.0.evidence().copied().collect();
    let mut again = Desk::new();
    stored
        .iter()
        .rev()
        .for_each(|&piece| assert!(again.0.accept(piece)));
    again.decide(240);
    assert_eq!(again.0.incidents(), desk.0.incidents());
    again.0.forget();
    assert_eq!(again.0.incidents(), []);
}
