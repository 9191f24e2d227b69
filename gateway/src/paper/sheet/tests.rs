//! What is on paper, in both languages.

use relight_proto::{
    common::v1::Point,
    dispatch::v1::{Clock, Member, Unit},
    intake::v1::Incident,
    registry::v1::{Contact, Customer},
};

use super::*;
use crate::pages::Templates;

const ZONE: Tz = chrono_tz::Asia::Shanghai;

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn stamp(text: &str) -> Option<prost_types::Timestamp> {
    Some(relight_common::wire::timestamp(instant(text)))
}

fn order() -> Order {
    let clock = |name: &str, due_at: &str, stopped: bool| Clock {
        name: name.to_owned(),
        due_at: stamp(due_at),
        stopped_at: stamp("2026-11-27T11:30:00Z").filter(|_| stopped),
        ..Clock::default()
    };
    Order {
        order_id: "o-1".to_owned(),
        number: "W0000000017".to_owned(),
        kind: "fault".to_owned(),
        state: "en_route".to_owned(),
        unit_name: "North <unit>".to_owned(),
        crew_name: "N1".to_owned(),
        org_path: "demo/county/north".to_owned(),
        device_id: "FU-12".to_owned(),
        confirmed: true,
        position: Some(Point {
            lon: 120.5,
            lat: 30.25,
        }),
        affected_count: 40,
        restored_count: 15,
        danger: true,
        accepted_at: stamp("2026-11-26T10:00:00Z"),
        clocks: vec![
            clock("unit_take", "2026-11-27T11:03:00Z", true),
            clock("etr", "2026-11-27T14:00:00Z", false),
            clock("arrival", "2026-11-27T12:30:00Z", false),
        ],
        ..Order::default()
    }
}

fn crew() -> Crew {
    let member = |name: &str, leader| Member {
        name: name.to_owned(),
        leader,
        ..Member::default()
    };
    Crew {
        name: "N1".to_owned(),
        unit_id: "u-1".to_owned(),
        phone: "+8613900000042".to_owned(),
        members: vec![member("Wang", true), member("Zhao", false)],
        skills: vec!["fault_repair".to_owned(), "climbing".to_owned()],
        shift_start_at: stamp("2026-11-27T00:00:00Z"),
        shift_end_at: stamp("2026-11-27T12:00:00Z"),
        active_order_id: "o-1".to_owned(),
        ..Crew::default()
    }
}

fn person(account: &str, contacts: &[(&str, &str)]) -> LifeSupportCustomer {
    let contacts = contacts.iter().map(|(value, role)| Contact {
        value: (*value).to_owned(),
        role: (*role).to_owned(),
        ..Contact::default()
    });
    LifeSupportCustomer {
        customer: Some(Customer {
            account: account.to_owned(),
            name: "Chen".to_owned(),
            service_points: vec![ServicePoint {
                address_en: "9 Lake Road".to_owned(),
                transformer_id: "T-4".to_owned(),
                ..ServicePoint::default()
            }],
            ..Customer::default()
        }),
        contacts: contacts.collect(),
    }
}

fn page(language: Language, facts: &Facts) -> String {
    let now = instant("2026-11-27T11:45:00Z");
    let areas = Areas::load().unwrap();
    let sheet = Sheet::new(language, facts, &areas, (now, ZONE));
    Templates::new().unwrap().sheet(language, &sheet).unwrap()
}

fn facts() -> Facts {
    Facts {
        orders: vec![order()],
        incidents: Vec::new(),
        units: vec![Unit {
            unit_id: "u-1".to_owned(),
            name: "North <unit>".to_owned(),
            ..Unit::default()
        }],
        crews: vec![crew()],
        life_support: vec![
            person("A-9", &[("+8613900000001", ""), ("+8613900000002", "carer")]),
            person("A-10", &[]),
        ],
    }
}

#[test]
fn a_stranger_with_a_telephone_can_go_on_from_the_sheet() {
    let english = page(Language::En, &facts());
    for words in [
        "As of 2026-11-27 19:45",
        "W0000000017",
        "Danger",
        "North county",
        "FU-12",
        "30.25000, 120.50000",
        "on the way",
        "11-26 18:00",
        "arrive 20:30",
        ">25<",
        "+8613900000042",
        "Wang (leader), Zhao",
        "fault repair, climbing",
        "08:00 – 20:00",
        "W0000000017 on the way",
        "9 Lake Road",
        "T-4",
        "+8613900000002 (carer)",
        "no number: send somebody",
    ] {
        assert!(english.contains(words), "{words} is not in {english}");
    }
    let chinese = page(Language::ZhCn, &facts());
    for words in [
        "县北",
        "危险",
        "Wang（负责人）",
        "+8613900000002 (照护人)",
        "9 Lake Road",
    ] {
        assert!(chinese.contains(words), "{words} is not in {chinese}");
    }
}

#[test]
fn a_guess_is_called_one_and_until_it_is_confirmed_reports_are_counted() {
    let mut facts = facts();
    facts.orders[0].confirmed = false;
    facts.orders[0].affected_count = 0;
    facts.orders[0].incident_id = "i-1".to_owned();
    facts.incidents = vec![Incident {
        incident_id: "i-1".to_owned(),
        report_count: 7,
        ..Incident::default()
    }];
    let html = page(Language::En, &facts);
    assert!(
        html.contains("FU-12 (probable)") && html.contains("reported: 7"),
        "{html}"
    );
}

#[test]
fn the_sheet_stands_alone_and_escapes_what_people_typed() {
    let html = page(Language::En, &facts());
    assert!(html.contains("North &lt;unit&gt;") && !html.contains("<unit>"));
    for outside in ["<link", "<script", "src=", "href=", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn a_quiet_night_is_said_to_be_one() {
    for language in [Language::ZhCn, Language::En] {
        let html = page(language, &Facts::default());
        for key in ["paper.no_orders", "paper.no_crews", "paper.no_people"] {
            let words = words::say(language, key, &[]);
            assert!(html.contains(&words), "{words}");
        }
    }
}
