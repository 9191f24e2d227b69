//! How the network is switched while outages go on, and a process that starts in between.

use super::house::*;
use crate::domain::mind::*;

/// What is opened and closed against the normal state from a second on.
fn switching(at_second: i64, opened: &[&str], closed: &[&str]) -> Switching {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Switching {
        at: at(at_second),
        opened: ids(opened),
        closed: ids(closed),
    }
}

fn switch(house: &mut House, at_second: i64, opened: &[&str], closed: &[&str]) {
    house.round(
        at_second,
        vec![],
        vec![],
        vec![switching(at_second, opened, closed)],
    );
    house.round(at_second + 30, vec![], vec![], vec![]);
}

fn calls(from: usize, second: i64, loads: &[&str]) -> Vec<Call> {
    let calls = loads.iter().enumerate();
    calls.map(|(n, load)| call(from + n, second, load)).collect()
}

/// A process starts, and the first it hears is that a switch was opened: those who are dark by it stay in their incident, as they do
/// for one that goes on.
#[test]
fn what_is_dark_by_switching_is_held_also_when_the_process_just_started() {
    let seen = |restart: bool| {
        let mut house = House::on(town_with_a_tie());
        house.round(10, calls(0, 0, &["L1-1-1", "L1-2-1", "L2-1-1"]), vec![], vec![]);
        assert_eq!(house.devices(), [("CB".to_owned(), 3)]);
        if restart {
            house.restart();
        }
        switch(&mut house, 900, &["SW1"], &[]);
        house.seen()
    };
    assert_eq!(seen(true), seen(false));
    assert_eq!(seen(false).len(), 2, "those who are dark, and the one who is not");
}

/// Feeder 1 is dark by switching, the others by the breaker. When feeder 1 is fed by the others again, the breaker keeps it out too.
#[test]
fn whom_an_outage_puts_out_follows_the_switching() {
    let mut house = House::on(town_with_a_tie());
    switch(&mut house, 0, &["SW1"], &[]);
    house.round(
        130,
        calls(0, 100, &["L2-1-1", "L2-2-1", "L3-1-1", "L3-2-1"]),
        vec![],
        vec![],
    );
    assert_eq!(house.devices(), [("CB".to_owned(), 4)]);
    let (id, feeder) = (house.open()[0].id, TRANSFORMERS * CUSTOMERS);
    assert_eq!(house.beliefs[&id].customers, 2 * feeder);
    switch(&mut house, 300, &["SW1"], &["TIE"]);
    assert_eq!(house.devices(), [("CB".to_owned(), 4)]);
    assert_eq!(house.beliefs[&id].customers, 3 * feeder);
}

/// An outage that was over because its customers were fed another way is part of a larger one when they are fed as before: that one
/// goes on, also when the process was started in between.
#[test]
fn what_was_fed_again_ends_nothing_when_it_comes_back() {
    let seen = |restart: bool| {
        let mut house = House::on(town_with_a_tie());
        house.round(30, calls(0, 0, &["L1-1-1", "L3-1-1"]), vec![], vec![]);
        switch(&mut house, 900, &["SW1"], &["TIE"]);
        let more = [
            "L2-1-1", "L2-3-2", "L2-4-1", "L3-2-1", "L3-4-4", "L3-5-6", "L3-6-2",
        ];
        house.round(1100, calls(10, 1000, &more), vec![], vec![]);
        if restart {
            house.restart();
        }
        switch(&mut house, 1800, &[], &[]);
        house.seen()
    };
    assert_eq!(seen(true), seen(false));
    assert!(!seen(true).is_empty());
}

/// Those of one transformer are fed another way, around the switch that is to blame, and one of them says that they are off nevertheless: a
/// child with a clock of its own, also when the process was started in between. The first report stays where it is. Switched back, it is
/// the old outage that goes on.
#[test]
fn who_is_still_off_after_being_fed_another_way_is_a_child_with_its_own_clock() {
    for restart in [false, true] {
        let mut house = House::on(town_with_a_low_tie());
        let loads = ["L1-1-1", "L1-2-1", "L1-3-1", "L1-1-2", "L1-4-1", "L1-5-1"];
        house.round(330, calls(0, 0, &loads), vec![], vec![]);
        assert_eq!(house.devices(), [("SW1".to_owned(), 6)]);
        let parent = house.open()[0].id;
        switch(&mut house, 900, &["T1-1"], &["TIE"]);
        if restart {
            house.restart();
        }
        house.round(1600, calls(100, 1500, &["L1-1-1"]), vec![], vec![]);
        let home = |house: &House, n: u128| house.links[&ReportId::from_uuid(Uuid::from_u128(n + 1))];
        let child = home(&house, 100);
        assert_ne!(child, parent);
        let row = &house.incidents[&child];
        assert_eq!(
            (row.parent, row.accepted_at, row.report_count),
            (Some(parent), at(1500), 1)
        );
        assert_eq!(home(&house, 0), parent);
        switch(&mut house, 1900, &[], &[]);
        house.round(2030, calls(200, 2000, &["L1-1-2"]), vec![], vec![]);
        assert_eq!(home(&house, 200), parent);
    }
}

/// The feeder is fed another way, and the transformer that is to blame hangs on it as before: nobody is back, the outage goes on with its
/// clock, and who calls next belongs to it.
#[test]
fn what_is_fed_another_way_as_far_as_the_fault_goes_on() {
    for restart in [false, true] {
        let mut house = House::on(town_with_a_tie());
        house.round(
            130,
            calls(0, 0, &["L1-1-1", "L1-1-2", "L1-1-3", "L1-1-4"]),
            vec![],
            vec![],
        );
        assert_eq!(house.devices(), [("T1-1".to_owned(), 4)]);
        let id = house.open()[0].id;
        switch(&mut house, 900, &["SW1"], &["TIE"]);
        assert_eq!(
            house.devices(),
            [("T1-1".to_owned(), 4)],
            "nothing leads around T1-1"
        );
        if restart {
            house.restart();
        }
        house.round(1600, calls(100, 1500, &["L1-1-5"]), vec![], vec![]);
        assert_eq!(house.devices(), [("T1-1".to_owned(), 5)]);
        assert_eq!((house.open()[0].id, house.open()[0].accepted_at), (id, at(0)));
    }
}
