//! Bodies that are JSON and yet wrong, over every write of both edges.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    house::House,
    people,
    wire::{Case, with, without},
};

/// All cases.
pub fn cases(house: &House) -> Vec<Case> {
    [
        reports(house),
        incidents(house),
        orders(house),
        events(house),
        crews(house),
        people::cases(house),
    ]
    .concat()
}

/// `base` with one place changed, and the field the refusal names.
pub(super) type Change = (&'static str, Value, &'static str);

pub(super) fn changed(base: &Value, changes: Vec<Change>, make: impl Fn(&Value) -> Case) -> Vec<Case> {
    let case = |(at, value, field): Change| make(&with(base, at, value)).field(field);
    changes.into_iter().map(case).collect()
}

pub(super) fn long(characters: usize) -> Value {
    "x".repeat(characters).into()
}

/// Texts that are no time.
pub(super) fn no_times(at: &'static str, field: &'static str) -> Vec<Change> {
    [
        json!("yesterday"),
        json!("2026-02-30T00:00:00Z"),
        json!("2026-01-01 10:00"),
        json!(1_795_000_000),
        json!(""),
        json!([2026, 11, 22]),
    ]
    .map(|value| (at, value, field))
    .to_vec()
}

/// As well as times no calendar of ours has.
pub(super) fn times(at: &'static str, field: &'static str) -> Vec<Change> {
    let years = [
        "+262000-01-01T00:00:00Z",
        "-0044-03-15T12:00:00Z",
        "0000-01-01T00:00:00Z",
    ];
    let years = years.map(|time| (at, json!(time), field));
    [no_times(at, field), years.to_vec()].concat()
}

fn reports(house: &House) -> Vec<Case> {
    let agent = |body: &Value| Case::post("agent", "/api/v1/reports", body);
    let public = |body: &Value| Case::post("", "/api/v1/reports", body);
    let base = json!({ "danger": false, "reporter_name": "Li Na", "reporter_phone": "+8613900009999",
        "address": "1 Road", "channel": "hotline", "position": { "lon": 120.0, "lat": 30.0 } });
    let now = Utc::now();
    let mut cases = changed(&base, places("/position", "position"), agent);
    cases.extend(changed(&base, times("/reported_at", "reported_at"), agent));
    let out_of_reach: Vec<Change> = [
        now + TimeDelta::hours(1),
        now - TimeDelta::days(8),
        DateTime::<Utc>::UNIX_EPOCH,
        "0001-01-01T00:00:00Z".parse().expect("a time"),
        "9999-12-31T23:59:59Z".parse().expect("a time"),
    ]
    .map(|at| ("/reported_at", json!(at), "reported_at"))
    .to_vec();
    cases.extend(changed(&base, out_of_reach, agent));
    let changes = vec![
        ("/danger", json!("no"), "danger"),
        ("/danger", Value::Null, "danger"),
        ("/danger", json!(0), "danger"),
        ("/danger_note", long(501), "danger_note"),
        ("/account", long(65), "account"),
        ("/account", json!("S\u{0}1"), "account"),
        ("/account", json!(7), "account"),
        ("/reporter_name", long(101), "reporter_name"),
        ("/reporter_name", json!("Li\u{7}"), "reporter_name"),
        ("/reporter_name", json!(""), "reporter_name"),
        ("/reporter_name", json!("\u{3000}"), "reporter_name"),
        ("/reporter_phone", json!("12"), "reporter_phone"),
        ("/reporter_phone", json!("call me"), "reporter_phone"),
        ("/reporter_phone", json!("+999123456789"), "reporter_phone"),
        ("/reporter_phone", json!(""), "reporter_phone"),
        ("/reporter_phone", json!("1\u{0}3"), "reporter_phone"),
        ("/reporter_phone", long(31), "reporter_phone"),
        ("/reporter_phone", json!(13_900_000_001_i64), "reporter_phone"),
        ("/address", long(301), "address"),
        ("/address", json!("1 Road\u{0}"), "address"),
        ("/address", json!({ "street": "Road" }), "address"),
        ("/channel", json!("pigeon"), "channel"),
        ("/channel", json!(""), "channel"),
        ("/channel", Value::Null, "channel"),
        ("/note", long(1_001), "note"),
        ("/note", json!("\u{1b}[2J"), "note"),
        ("/language", json!("fr"), "language"),
        ("/colour", json!("red"), "colour"),
        ("/report_id", json!(Uuid::now_v7()), "report_id"),
    ];
    cases.extend(changed(&base, changes, agent));
    let nameless = |key| without(&base, key);
    let nowhere = without(&nameless("position"), "address");
    cases.extend([
        agent(&json!({})).field("danger"),
        agent(&nameless("danger")).field("danger"),
        agent(&nameless("reporter_name")).field("reporter_name"),
        agent(&nameless("reporter_phone")).field("reporter_phone"),
        agent(&nowhere).field("address"),
        agent(&json!({ "danger": false, "account": "NOBODY-1" })).field("account"),
        public(&base).field("channel"),
        public(&json!({ "danger": false, "account": "S-3", "reported_at": now })).field("reported_at"),
        Case::post(
            "customer",
            "/api/v1/reports",
            &json!({ "danger": false, "account": "S-4" }),
        )
        .status(403),
    ]);
    let urge = |who, id: &str| Case::post(who, format!("/api/v1/reports/{id}/urge"), &json!({}));
    let report = &house.report;
    cases.extend([
        urge("agent", "none").field("id"),
        urge("agent", &Uuid::now_v7().to_string()).status(404),
        urge("customer", report).status(404),
        urge("elsewhere", report).status(404),
        urge("crew", report).status(403),
        urge("", report).status(401),
    ]);
    cases
}

/// Places that are none on this earth.
pub(super) fn places(at: &'static str, field: &'static str) -> Vec<Change> {
    let name = |part: &str| -> &'static str { format!("{field}.{part}").leak() };
    vec![
        (at, json!({ "lon": 180.001, "lat": 30.0 }), field),
        (at, json!({ "lon": 120.0, "lat": -90.5 }), field),
        (at, json!({ "lon": 1e308, "lat": 30.0 }), field),
        (at, json!({ "lon": "NaN", "lat": 30.0 }), name("lon")),
        (at, json!({ "lon": "120.0", "lat": 30.0 }), name("lon")),
        (at, json!({ "lon": 120.0, "lat": null }), name("lat")),
        (at, json!({ "lon": 120.0 }), name("lat")),
        (at, json!({ "lon": 120.0, "lat": 30.0, "alt": 5 }), name("alt")),
        (at, json!("120,30"), field),
        (at, json!(true), field),
    ]
}

fn incidents(house: &House) -> Vec<Case> {
    let path = |id: &str| format!("/api/v1/incidents/{id}/confirm");
    let own = path(&house.incident);
    let confirm = |body: &Value| Case::post("dispatcher", own.as_str(), body);
    let right = json!({ "device_id": "T1" });
    let changes = vec![
        ("/device_id", json!(""), "device_id"),
        ("/device_id", long(101), "device_id"),
        ("/device_id", json!("T\u{0}"), "device_id"),
        ("/device_id", json!(1), "device_id"),
        ("/device_id", Value::Null, "device_id"),
        ("/device_id", json!("NO-SUCH-DEVICE"), "device_id"),
        ("/sure", json!(true), "sure"),
    ];
    let mut cases = changed(&right, changes, confirm);
    cases.extend([
        confirm(&json!({})).field("device_id"),
        Case::post("dispatcher", path("none"), &right).field("id"),
        Case::post("dispatcher", path(&Uuid::now_v7().to_string()), &right).status(404),
        Case::post("agent", own.as_str(), &right).status(403),
        Case::post("elsewhere", own.as_str(), &right).status(404),
        Case::post("customer", own.as_str(), &right).status(403),
    ]);
    cases
}

fn orders(house: &House) -> Vec<Case> {
    let path = format!("/api/v1/orders/{}/alarms/acknowledge", house.order);
    let acknowledge = |body: &Value| Case::post("dispatcher", path.as_str(), body);
    let right = json!({ "clock": "arrival", "level": "watch" });
    let changes = vec![
        ("/clock", json!(""), "clock"),
        ("/clock", json!("sun"), "clock"),
        ("/clock", long(51), "clock"),
        ("/level", json!(""), "level"),
        ("/level", json!("panic"), "level"),
        ("/level", Value::Null, "level"),
        ("/why", json!(1), "why"),
    ];
    let mut cases = changed(&right, changes, acknowledge);
    cases.extend([
        acknowledge(&right).status(409),
        Case::post("agent", path.as_str(), &right).status(403),
        Case::post("elsewhere", path.as_str(), &right).status(403),
        Case::post("dispatcher", "/api/v1/orders/none/alarms/acknowledge", &right).field("id"),
    ]);
    cases
}

fn events(house: &House) -> Vec<Case> {
    let path = format!("/api/v1/orders/{}/events", house.order);
    let apply = |event: Value| Case::post("dispatcher", path.as_str(), &json!({ "event": event }));
    let id = Uuid::now_v7();
    let soon = Utc::now() + TimeDelta::hours(1);
    // What serde cannot read is told with its place; the bounds of a field by its name.
    let far = "9999-01-01T00:00:00Z";
    let cases = [
        (json!({ "type": "explode" }), "event.type"),
        (json!({ "type": null }), "event.type"),
        (json!({}), "event.type"),
        (json!("take"), "event"),
        (Value::Null, "event"),
        (json!({ "type": "take", "speed": 3 }), "event.speed"),
        (json!({ "type": "dispatch" }), "event.unit_id"),
        (json!({ "type": "dispatch", "unit_id": "north" }), "event.unit_id"),
        (json!({ "type": "dispatch", "unit_id": null }), "event.unit_id"),
        (json!({ "type": "unit_return", "reason": "" }), "reason"),
        (json!({ "type": "unit_return", "reason": "bored" }), "reason"),
        (json!({ "type": "assign", "crew_id": "x" }), "event.crew_id"),
        (
            json!({ "type": "reassign", "crew_id": id, "reason": long(1_001) }),
            "reason",
        ),
        (json!({ "type": "leave", "eta_at": "soon" }), "event.eta_at"),
        (
            json!({ "type": "arrive", "position": { "lon": 200, "lat": 0 } }),
            "position",
        ),
        (
            json!({ "type": "arrive", "position": { "lon": 1, "lat": 0 }, "photo_sha256": "ab" }),
            "photo_sha256",
        ),
        (json!({ "type": "survey", "cause_code": "tree" }), "event.etr_at"),
        (
            json!({ "type": "survey", "cause_code": "tree", "etr_at": "0000-00-00" }),
            "event.etr_at",
        ),
        (
            json!({ "type": "survey", "cause_code": "tree", "etr_at": soon, "note": "\u{0}" }),
            "note",
        ),
        (
            json!({ "type": "repair", "permission_no": "1", "ticket_no": "2", "people": -1, "safe_steps": [] }),
            "event.people",
        ),
        (
            json!({ "type": "repair", "permission_no": "1", "ticket_no": "2", "people": 1e20, "safe_steps": [] }),
            "event.people",
        ),
        (
            json!({ "type": "repair", "permission_no": "1", "ticket_no": "2", "people": 2, "safe_steps": "off" }),
            "event.safe_steps",
        ),
        (
            json!({ "type": "repair", "permission_no": "1", "ticket_no": "2", "people": 2, "safe_steps": ["hope"] }),
            "safe_steps",
        ),
        (
            json!({ "type": "restore_section", "device_ids": vec!["T1"; 501] }),
            "device_ids",
        ),
        (json!({ "type": "restore_section", "all": "yes" }), "event.all"),
        (json!({ "type": "call_back", "result": "angry" }), "result"),
        (json!({ "type": "set_etr", "etr_at": far }), "etr_at"),
        (
            json!({ "type": "set_etr", "etr_at": "+99999-01-01T00:00:00Z" }),
            "etr_at",
        ),
    ];
    let mut cases: Vec<Case> = cases
        .into_iter()
        .map(|(event, field)| apply(event).field(field))
        .collect();
    let take = json!({ "event": { "type": "take" } });
    let right = json!({ "event": { "type": "dispatch", "unit_id": house.unit } });
    let nobodys = json!({ "event": { "type": "dispatch", "unit_id": id } });
    cases.extend([
        Case::post("dispatcher", path.as_str(), &nobodys)
            .status(404)
            .field("unit_id"),
        Case::post("dispatcher", path.as_str(), &json!({})).field("event"),
        Case::post(
            "dispatcher",
            path.as_str(),
            &json!({ "event": { "type": "take" }, "on_behalf": "me" }),
        )
        .field("on_behalf"),
        Case::post("dispatcher", path.as_str(), &take).status(403),
        Case::post("other-crew", path.as_str(), &take).status(403),
        Case::post(
            "other-desk",
            path.as_str(),
            &json!({ "event": { "type": "unit_take" } }),
        )
        .status(403),
        Case::post("elsewhere", path.as_str(), &right).status(403),
        Case::post("customer", path.as_str(), &right).status(403),
        Case::post("dispatcher", "/api/v1/orders/none/events", &right).field("id"),
        Case::post("dispatcher", format!("/api/v1/orders/{id}/events"), &right).status(404),
    ]);
    cases
}

fn crews(house: &House) -> Vec<Case> {
    let id = Uuid::now_v7();
    let unit =
        json!({ "name": "East unit", "org_path": "test/city/east", "area_org_paths": ["test/city/east"] });
    let put_unit = |body: &Value| Case::put("admin", format!("/api/v1/units/{id}"), body);
    let changes = vec![
        ("/name", json!(""), "name"),
        ("/name", json!("a\u{0}b"), "name"),
        ("/name", long(101), "name"),
        ("/org_path", json!(""), "org_path"),
        ("/org_path", long(201), "org_path"),
        ("/area_org_paths", json!(vec!["a"; 101]), "area_org_paths"),
        ("/area_org_paths", json!([7]), "area_org_paths[0]"),
        ("/area_org_paths", json!("all"), "area_org_paths"),
        ("/unit_id", json!(id), "unit_id"),
    ];
    let mut cases = changed(&unit, changes, put_unit);
    let now = Utc::now();
    let member = json!({ "person_id": id, "name": "Wang", "leader": true,
        "qualifications": [{ "skill": "fault_repair", "valid_until": now }] });
    let crew = json!({ "name": "Crew", "unit_id": house.unit, "org_path": "test/city/north", "members": [member],
        "shift_start_at": now, "shift_end_at": now + TimeDelta::hours(8) });
    let put_crew = |body: &Value| Case::put("admin", format!("/api/v1/crews/{id}"), body);
    let changes = vec![
        ("/name", json!(" "), "name"),
        ("/unit_id", json!("north"), "unit_id"),
        ("/org_path", Value::Null, "org_path"),
        ("/skills", json!(vec!["s"; 101]), "skills"),
        ("/skills", json!([""]), "skills"),
        ("/members", json!(vec![member.clone(); 21]), "members"),
        ("/members/0/name", json!(""), "members.name"),
        ("/members/0/leader", json!("yes"), "members[0].leader"),
        (
            "/members/0/qualifications/0/skill",
            json!(""),
            "members.qualifications.skill",
        ),
        (
            "/members/0/qualifications/0/valid_until",
            json!("never"),
            "members[0].qualifications[0].valid_until",
        ),
        (
            "/members/0/qualifications/0/valid_until",
            Value::Null,
            "members.qualifications.valid_until",
        ),
        ("/shift_end_at", Value::Null, "shift_end_at"),
        ("/shift_end_at", json!(now - TimeDelta::hours(1)), "shift_end_at"),
        ("/phone", long(31), "phone"),
        ("/phone", json!("\u{0}"), "phone"),
    ];
    cases.extend(changed(&crew, changes, put_crew));
    cases.extend(changed(
        &crew,
        times("/shift_start_at", "shift_start_at"),
        put_crew,
    ));
    let nobodys = with(&crew, "/unit_id", json!(Uuid::now_v7()));
    cases.extend([
        put_crew(&nobodys).status(404).field("unit_id"),
        Case::put("admin", "/api/v1/units/none", &unit).field("id"),
        Case::put("admin", "/api/v1/crews/none", &crew).field("id"),
        Case::put("dispatcher", format!("/api/v1/units/{id}"), &unit).status(403),
        Case::put("other-desk", format!("/api/v1/crews/{}", house.crew), &crew).status(403),
        Case::put("crew", format!("/api/v1/crews/{}", house.crew), &crew).status(403),
    ]);
    cases
}
