//! The mind on a small town, with evidence in any order, restarts, and what people decide.

mod by_hand;
pub(in crate::domain) mod house;
mod switched;

use proptest::prelude::*;

use super::*;
use crate::domain::incident::State;
use house::*;

#[test]
fn callers_all_over_a_feeder_are_one_incident_at_its_switch_with_reasons() {
    let mut house = House::new();
    for (n, call) in feeder(1, 8, 0).into_iter().enumerate() {
        house.round(20 * n as i64 + 1, vec![call], vec![], vec![]);
    }
    house.round(400, vec![], vec![], vec![]);
    assert_eq!(house.devices(), [("SW1".to_owned(), 8)]);
    let open = house.open()[0];
    assert_eq!(open.accepted_at, at(0), "the earliest rules");
    let belief = &house.beliefs[&open.id];
    assert_eq!(belief.candidates[0].0, "SW1");
    assert!(
        belief.confidence > 0.5 && belief.candidates.len() > 1,
        "{belief:?}"
    );
    assert!(
        belief.why.1.contains("6 of 6 transformers below switch SW1"),
        "{}",
        belief.why.1
    );
    assert!(
        belief.why.0.contains("开关 SW1 下 6 台变压器中有 6 台报修"),
        "{}",
        belief.why.0
    );
    assert_eq!(belief.customers, TRANSFORMERS * CUSTOMERS);
    // Nobody is lost, and what merged says where to.
    for merged in house.incidents.values() {
        assert!(
            matches!(merged.state, State::Open | State::Merged(_)),
            "{merged:?}"
        );
    }
}

#[test]
fn one_wrong_report_among_many_moves_nothing() {
    let mut house = House::new();
    house.round(600, feeder(1, 30, 0), vec![], vec![]);
    let before = house.devices();
    house.round(630, vec![call(9000, 610, "L3-4-1")], vec![], vec![]);
    let after = house.devices();
    assert_eq!(after.len(), 2);
    assert!(
        before.iter().all(|one| after.contains(one)),
        "{before:?} {after:?}"
    );
}

#[test]
fn a_confirmed_device_is_never_moved_and_takes_what_is_below() {
    let mut house = House::new();
    house.round(5, vec![call(1, 0, "L1-1-1")], vec![], vec![]);
    let id = house.open()[0].id;
    house.confirm(id, "CB");
    // A whole feeder calls: below CB all of it belongs to the confirmed outage.
    house.round(300, feeder(2, 12, 10), vec![], vec![]);
    assert_eq!(house.devices(), [("CB".to_owned(), 13)]);
    assert!(house.open()[0].confirmed.is_some());
    house.restart();
    house.round(330, vec![call(7000, 310, "L3-1-1")], vec![], vec![]);
    assert_eq!(house.devices(), [("CB".to_owned(), 14)]);
}

#[test]
fn calls_outside_of_a_confirmed_device_are_another_incident() {
    let mut house = House::new();
    house.round(200, feeder(1, 8, 0), vec![], vec![]);
    let id = house.open()[0].id;
    house.confirm(id, "T1-1");
    house.round(230, vec![], vec![], vec![]);
    let devices = house.devices();
    assert!(devices.contains(&("T1-1".to_owned(), 2)), "{devices:?}");
    let total: u32 = devices.iter().map(|(_, reports)| reports).sum();
    assert_eq!(total, 8);
}

#[test]
fn meters_alone_open_an_incident_when_they_agree_and_make_it_sure() {
    let mut house = House::new();
    house.round(10, vec![], vec![signal(1, 0, Heard::LastGasp, "L1-1-1")], vec![]);
    assert_eq!(
        (house.open().len(), house.lone),
        (0, 1),
        "one meter may be anything"
    );
    let more = (2..=8_u32).map(|c| signal(c.into(), 1, Heard::LastGasp, &format!("L1-1-{c}")));
    house.round(20, vec![], more.collect(), vec![]);
    assert_eq!(house.devices(), [("T1-1".to_owned(), 0)]);
    let open = house.open()[0];
    assert_eq!((open.signal_at, open.accepted_at), (Some(at(0)), at(0)));
    assert_eq!(house.sure.last(), Some(&(open.id, "T1-1".to_owned())));
    // A call later joins it and does not move the clock to later.
    house.round(60, vec![call(1, 50, "L1-1-3")], vec![], vec![]);
    assert_eq!(house.devices(), [("T1-1".to_owned(), 1)]);
    assert_eq!(house.open()[0].accepted_at, at(0));
}

#[test]
fn telemetry_names_its_device_at_once() {
    let mut house = House::new();
    house.round(5, vec![], vec![signal(1, 0, Heard::ScadaOpen, "SW2")], vec![]);
    let open = house.open();
    assert_eq!(house.devices(), [("SW2".to_owned(), 0)]);
    assert_eq!(house.sure, [(open[0].id, "SW2".to_owned())]);
}

#[test]
fn who_is_still_off_after_a_restoration_is_a_child_with_its_own_clock() {
    let mut house = House::new();
    house.round(200, feeder(1, 12, 0), vec![], vec![]);
    let id = house.open()[0].id;
    let back = everyone().filter(|(s, ..)| *s == 1).map(|(s, t, c)| Piece {
        incident: Some(id),
        ..signal(
            (s * 100 + t * 10 + c).into(),
            3600,
            Heard::Restored,
            &format!("L{s}-{t}-{c}"),
        )
    });
    let closed = house.incidents.get_mut(&id).expect("it exists");
    closed.state = State::Closed("restored".to_owned());
    house.round(3600, vec![], back.collect(), vec![]);
    assert!(house.open().is_empty());
    // One who had called before, and one who had not.
    house.round(
        4300,
        vec![call(5000, 4200, "L1-1-1"), call(5001, 4290, "L1-4-8")],
        vec![],
        vec![],
    );
    let open = house.open();
    assert!(!open.is_empty());
    for child in open {
        assert_eq!(child.parent, Some(id));
        assert!(child.accepted_at >= at(4200));
    }
    assert_eq!(house.incidents[&id].report_count, 12, "history stays");
}

#[test]
fn a_last_gasp_that_comes_when_the_outage_is_over_is_explained_by_it() {
    let (mut house, _) = restored(TRANSFORMERS);
    assert!(house.open().is_empty());
    house.round(
        3700,
        vec![],
        vec![signal(9000, 100, Heard::LastGasp, "L1-4-8")],
        vec![],
    );
    assert_eq!(
        (house.open().len(), house.lone),
        (0, 0),
        "it was off by that outage"
    );
    house.round(
        90_000,
        vec![],
        vec![signal(9001, 89_990, Heard::LastGasp, "L1-4-8")],
        vec![],
    );
    assert_eq!(house.lone, 1, "this is another one");
}

/// Feeder 1 called and was restored as a whole or up to its third transformer.
fn restored(up_to: u32) -> (House, IncidentId) {
    let mut house = House::new();
    house.round(200, feeder(1, 12, 0), vec![], vec![]);
    let id = house.open()[0].id;
    let back = everyone()
        .filter(|(s, t, _)| *s == 1 && *t <= up_to)
        .map(|(s, t, c)| Piece {
            incident: Some(id),
            ..signal(
                (s * 100 + t * 10 + c).into(),
                3600,
                Heard::Restored,
                &format!("L{s}-{t}-{c}"),
            )
        });
    if up_to >= TRANSFORMERS {
        house.incidents.get_mut(&id).expect("it exists").state = State::Closed("restored".to_owned());
    }
    house.round(3600, vec![], back.collect(), vec![]);
    (house, id)
}

#[test]
fn meters_alone_open_a_child_after_a_restoration_in_part_or_as_a_whole() {
    for up_to in [3, TRANSFORMERS] {
        let (mut house, parent) = restored(up_to);
        let off = |n: u128, second, load: &str| signal(9_000 + n, second, Heard::PingOff, load);
        house.round(4000, vec![], vec![off(1, 3900, "L1-2-1")], vec![]);
        let children = |house: &House| -> Vec<Incident> {
            house
                .open()
                .into_iter()
                .filter(|one| one.parent == Some(parent))
                .cloned()
                .collect()
        };
        assert!(children(&house).is_empty(), "one meter may be wrong");
        house.round(4100, vec![], vec![off(2, 4050, "L1-2-2")], vec![]);
        let opened = children(&house);
        assert_eq!(opened.len(), 1, "{up_to}: {:?}", house.open());
        let child = &opened[0];
        assert_eq!(
            (child.signal_at, child.report_count),
            (Some(at(3900)), 0),
            "{up_to}"
        );
        assert_eq!(child.accepted_at, at(3900), "its own clock");
        assert_eq!(
            child.device.as_ref().map(|device| device.id.as_str()),
            Some("T1-2")
        );
        // More of them, a restart, and time: the same child.
        house.restart();
        house.round(4200, vec![], vec![off(3, 4150, "L1-2-3")], vec![]);
        house.round(4500, vec![], vec![], vec![]);
        let after = children(&house);
        assert_eq!(
            after.iter().map(|one| one.id).collect::<Vec<_>>(),
            [child.id],
            "{up_to}"
        );
        // A call from there joins it and keeps its clock.
        house.round(4600, vec![call(7000, 4590, "L1-2-4")], vec![], vec![]);
        let after = children(&house);
        assert_eq!(
            (after.len(), after[0].id, after[0].report_count),
            (1, child.id, 1),
            "{up_to}"
        );
    }
}

#[test]
fn a_child_of_meters_is_over_when_they_all_have_supply() {
    for up_to in [3, TRANSFORMERS] {
        let (mut house, parent) = restored(up_to);
        let word = |n: u128, second, heard, load: &str| signal(9_000 + n, second, heard, load);
        let off =
            ["L1-2-1", "L1-2-2"].map(|load| word(u128::from(load.as_bytes()[5]), 3900, Heard::PingOff, load));
        house.round(4000, vec![], off.to_vec(), vec![]);
        let count = |house: &House| {
            house
                .open()
                .iter()
                .filter(|one| one.parent == Some(parent))
                .count()
        };
        assert_eq!(count(&house), 1, "{up_to}");
        house.round(
            5000,
            vec![],
            vec![word(300, 4900, Heard::PingOn, "L1-2-1")],
            vec![],
        );
        assert_eq!(count(&house), 1, "{up_to}: one of two");
        house.round(
            5100,
            vec![],
            vec![word(301, 5050, Heard::PingOn, "L1-2-2")],
            vec![],
        );
        assert_eq!(count(&house), 0, "{up_to}: {:?}", house.open());
    }
}

/// The crew of the parent restored the rest of it, and names all of its loads: no word of those who were still off.
#[test]
fn a_crews_word_about_the_parent_does_not_end_a_child_and_that_of_its_reporters_does() {
    for restart in [false, true] {
        let (mut house, parent) = restored(3);
        house.round(4300, vec![call(5001, 4200, "L1-1-1")], vec![], vec![]);
        let is_open = |house: &House| house.open().iter().any(|one| one.parent == Some(parent));
        assert!(is_open(&house));
        let rest = Piece {
            incident: Some(parent),
            ..signal(1, 4400, Heard::Restored, "L1-1-1")
        };
        house.round(4410, vec![], vec![rest], vec![]);
        if restart {
            house.restart();
        }
        house.round(
            4420,
            vec![],
            vec![signal(2, 4100, Heard::PingOn, "L1-1-1")],
            vec![],
        );
        assert!(is_open(&house), "said before they reported");
        house.round(
            4510,
            vec![],
            vec![signal(3, 4500, Heard::PingOn, "L1-1-1")],
            vec![],
        );
        assert!(!is_open(&house), "{:?}", house.open());
    }
}

/// A wire on the ground is no less dangerous because there is supply.
#[test]
fn a_child_that_is_dangerous_is_ended_by_people_only() {
    let (mut house, parent) = restored(3);
    let danger = Call {
        danger: true,
        ..call(5001, 4200, "L1-1-1")
    };
    house.round(4300, vec![danger], vec![], vec![]);
    house.round(
        4510,
        vec![],
        vec![signal(3, 4500, Heard::PingOn, "L1-1-1")],
        vec![],
    );
    assert!(house.open().iter().any(|one| one.parent == Some(parent)));
}

/// Five calls below one transformer, then the word of each meter that there is supply; what is open then.
fn after_meters_found_supply(danger: bool) -> usize {
    let mut house = House::new();
    let calls = (1..=5).map(|c| Call {
        danger: danger && c == 1,
        ..call(c, 10 * c as i64, &format!("L1-1-{c}"))
    });
    house.round(100, calls.collect(), vec![], vec![]);
    assert_eq!(house.devices(), [("T1-1".to_owned(), 5)]);
    let on = (1..=5).map(|c| signal(c, 900, Heard::PingOn, &format!("L1-1-{c}")));
    house.round(910, vec![], on.collect(), vec![]);
    house.open().len()
}

#[test]
fn meters_that_find_supply_close_a_guess_but_not_a_danger() {
    assert_eq!(after_meters_found_supply(false), 0);
    assert_eq!(after_meters_found_supply(true), 1);
}

#[test]
fn what_is_fed_another_way_is_over_and_what_a_person_merged_stays() {
    let mut house = House::new();
    house.round(200, feeder(1, 8, 0), vec![], vec![]);
    // The dispatcher opens SW1 himself: those below are dark by switching, the incident is held as it was.
    let opened = Switching {
        at: at(300),
        opened: vec!["SW1".to_owned()],
        closed: vec![],
    };
    house.round(300, vec![], vec![], vec![opened]);
    assert_eq!(house.devices(), [("SW1".to_owned(), 8)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the order in which evidence comes, in whatever batches, with restarts in between: the same incidents.
    #[test]
    fn the_incidents_do_not_depend_on_the_order_of_arrival(
        faults in prop::collection::vec((0..26_usize, 0..3600_i64), 1..4),
        callers in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..900_i64), 1..40),
        strays in prop::collection::vec((any::<prop::sample::Index>(), 0..5400_i64), 0..3),
        order in any::<u64>(),
        batch in 1..12_usize,
        restart in 0..5_usize,
    ) {
        let devices: Vec<String> = ["CB", "SW1", "SW2", "SW3"].map(str::to_owned).into_iter()
            .chain((1..=3).flat_map(|s| (1..=6).map(move |t| format!("T{s}-{t}")))).collect();
        let grid = town();
        let below: Vec<(Vec<LoadIx>, i64)> = faults.iter().map(|(n, began)| {
            let device = grid.device(&devices[n % devices.len()]).unwrap();
            (grid.affected(device).dead_loads, *began)
        }).collect();
        let loads: Vec<LoadIx> = grid.loads().collect();
        let mut calls: Vec<Call> = callers.iter().map(|(fault, load, after)| {
            let (loads, began) = &below[fault.index(below.len())];
            (loads[load.index(loads.len())], began + after)
        }).chain(strays.iter().map(|(load, second)| (loads[load.index(loads.len())], *second)))
            .enumerate()
            .map(|(n, (load, second))| call(n, second, grid.load_id(load)))
            .collect();
        let mut in_time = House::new();
        calls.sort_by_key(|call| (call.accepted_at, call.report));
        for call in calls.clone() {
            let now = (call.accepted_at - at(0)).num_seconds();
            in_time.round(now, vec![call], vec![], vec![]);
        }
        in_time.round(6000, vec![], vec![], vec![]);

        let mut shuffled = House::new();
        calls.sort_by_key(|call| call.report.uuid().as_u128().wrapping_mul(u128::from(order | 1)) % 1009);
        for (n, some) in calls.chunks(batch).enumerate() {
            if n == restart {
                shuffled.restart();
            }
            shuffled.round(6000, some.to_vec(), vec![], vec![]);
        }
        shuffled.round(6000, vec![], vec![], vec![]);
        prop_assert_eq!(in_time.links.len(), calls.len());
        prop_assert_eq!(in_time.seen(), shuffled.seen());

        // And a restart at the end changes nothing.
        shuffled.restart();
        let before = shuffled.seen();
        shuffled.round(6000, vec![], vec![], vec![]);
        prop_assert_eq!(before, shuffled.seen());
        for one in shuffled.open() {
            let first = shuffled.links.iter().filter(|(_, id)| **id == one.id)
                .map(|(report, _)| shuffled.calls[report].accepted_at).min();
            prop_assert_eq!(Some(one.accepted_at), first);
        }
    }
}
