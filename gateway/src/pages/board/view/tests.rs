//! The board as it is shown.

use chrono::TimeDelta;
use relight_common::wire::timestamp;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-22T04:00:00Z".parse().unwrap()
}

fn clock(name: &str, due_s: i64, level: &str) -> Clock {
    Clock {
        name: name.to_owned(),
        due_at: Some(timestamp(now() + TimeDelta::seconds(due_s))),
        level: level.to_owned(),
        ..Clock::default()
    }
}

fn board(order: Order) -> Board {
    let known = Known {
        orders: Some(vec![order]),
        crews: Some(vec![]),
        incidents: Some(vec![]),
        alarms: Some(vec![]),
        arrears_alarms: Some(vec![]),
        calls: Some(vec![]),
        exceptions: Some(vec![]),
        conflicts: Some(vec![]),
        more: false,
        may_call: true,
        may_acknowledge: true,
    };
    Board::new(Language::En, known, &Areas::default(), now(), chrono_tz::UTC)
}

#[test]
fn the_clock_that_runs_out_first_counts_and_a_stopped_one_does_not() {
    let mut stopped = clock("unit_take", -600, "breach");
    stopped.stopped_at = Some(timestamp(now()));
    let order = Order {
        clocks: vec![
            clock("arrival", 900, "watch"),
            stopped,
            clock("crew_take", 90, "none"),
        ],
        ..Order::default()
    };
    let board = board(order);
    let due = board.rows[0].clock.as_ref().unwrap();
    assert_eq!((due.name.as_str(), due.left_min), ("crew_take", 1));
    assert_eq!(board.rows[0].level, Level::None);
    assert!(due.command_id.is_none(), "nothing to acknowledge");
}

#[test]
fn a_limit_that_passed_half_a_minute_ago_is_over() {
    let order = Order {
        clocks: vec![clock("arrival", -30, "breach")],
        ..Order::default()
    };
    let board = board(order);
    let due = board.rows[0].clock.as_ref().unwrap();
    assert_eq!((due.left_min, board.breaches), (-1, 1));
    assert!(due.command_id.is_some(), "it waits for an acknowledgement");
}

#[test]
fn while_nobody_knows_who_is_off_the_reports_count() {
    let order = |incident: &str, affected_count, restored_count| Order {
        incident_id: incident.to_owned(),
        affected_count,
        restored_count,
        ..Order::default()
    };
    let incident = Incident {
        incident_id: "guess".to_owned(),
        report_count: 7,
        ..Incident::default()
    };
    let known = Known {
        orders: Some(vec![order("guess", 0, 0), order("sure", 90, 40)]),
        incidents: Some(vec![incident]),
        ..Known::default()
    };
    let board = Board::new(Language::En, known, &Areas::default(), now(), chrono_tz::UTC);
    let off: Vec<_> = board.rows.iter().map(|row| (row.off, row.by_reports)).collect();
    assert_eq!((off, board.customers_off), (vec![(7, true), (50, false)], 57));
}

#[test]
fn planned_work_says_what_it_is_and_counts_customers_only_while_they_are_off() {
    let order = |state: &str| Order {
        kind: "planned".to_owned(),
        subject_number: "P-20261122-0001".to_owned(),
        line: "10 kV West".to_owned(),
        state: state.to_owned(),
        affected_count: 120,
        on_at: Some(timestamp(now() + TimeDelta::hours(2))),
        ..Order::default()
    };
    let (waits, works) = (board(order("en_route")), board(order("repairing")));
    assert_eq!((waits.customers_off, works.customers_off), (0, 120));
    assert_eq!((&waits.rows[0].etr, works.rows[0].etr.is_some()), (&None, true));
    let row = &works.rows[0];
    assert_eq!(row.about.as_deref(), Some("Planned outage P-20261122-0001"));
    assert_eq!(
        (row.device.as_str(), row.state.as_str()),
        ("10 kV West", "work under way")
    );
    let fault = board(Order {
        kind: "fault".to_owned(),
        ..Order::default()
    });
    assert_eq!(fault.rows[0].about, None);
}

#[test]
fn an_order_says_where_in_the_readers_language() {
    let order = Order {
        org_path: "demo/city/west".to_owned(),
        ..Order::default()
    };
    let areas = Areas::load().unwrap();
    for (language, name) in [(Language::ZhCn, "城西"), (Language::En, "West city")] {
        let known = Known {
            orders: Some(vec![order.clone()]),
            ..Known::default()
        };
        let board = Board::new(language, known, &areas, now(), chrono_tz::UTC);
        assert_eq!(board.rows[0].area.as_deref(), Some(name));
    }
}

#[test]
fn what_could_not_be_loaded_is_named() {
    let board = Board::new(
        Language::En,
        Known::default(),
        &Areas::default(),
        now(),
        chrono_tz::UTC,
    );
    assert_eq!(
        board.missing,
        [
            "Open orders",
            "Crews",
            "Map",
            "Alarms of outages",
            "Alarms of arrears cases",
            "Life support: call at once",
            "Off without a reason",
            "Telemetry sees it otherwise"
        ]
    );
}
