//! Bodies that are JSON and yet wrong, over the writes about people, sessions and phones.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    house::House,
    wire::{Case, with},
    writes::{changed, long, no_times, times},
};

/// All cases.
pub fn cases(house: &House) -> Vec<Case> {
    [accounts(), sessions(), positions(), syncs(house)].concat()
}

fn accounts() -> Vec<Case> {
    let id = Uuid::now_v7();
    let right = json!({ "login": "new", "display_name": "New", "password": "a-long-enough-password",
        "grants": [{ "role": "agent", "org_path": "test/city" }] });
    let put = |body: &Value| Case::put("admin", format!("/api/v1/accounts/{id}"), body);
    let changes = vec![
        ("/login", json!(""), "login"),
        ("/login", json!("a b"), "login"),
        ("/login", json!("a\u{0}"), "login"),
        ("/login", long(101), "login"),
        ("/display_name", json!(""), "display_name"),
        ("/display_name", long(101), "display_name"),
        ("/password", json!("short"), "password"),
        ("/password", long(201), "password"),
        ("/grants", json!([]), "grants"),
        (
            "/grants",
            json!(vec![json!({ "role": "agent", "org_path": "" }); 51]),
            "grants",
        ),
        ("/grants", json!({ "role": "agent", "org_path": "" }), "grants"),
        ("/grants/0/role", json!("king"), "grants.role"),
        ("/grants/0/role", json!("service"), "grants.role"),
        ("/grants/0/role", json!("crew"), "crew_id"),
        ("/grants/0/org_path", json!("a//b"), "grants.org_path"),
        ("/grants/0/org_path", json!("../.."), "grants.org_path"),
        ("/grants/0/until", json!(1), "grants[0].until"),
        ("/crew_id", json!("x"), "crew_id"),
        ("/unit_id", json!("x"), "unit_id"),
        ("/language", json!("EN"), "language"),
        ("/disabled", json!("no"), "disabled"),
        ("/person_id", json!(id), "person_id"),
    ];
    let mut cases = changed(&right, changes, put);
    cases.extend([
        put(&with(&right, "/login", json!("agent")))
            .status(409)
            .field("login"),
        Case::put("admin", "/api/v1/accounts/none", &right).field("id"),
        Case::put("dispatcher", format!("/api/v1/accounts/{id}"), &right).status(403),
        Case::put("", format!("/api/v1/accounts/{id}"), &right).status(401),
    ]);
    cases
}

fn sessions() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in ["/api/v1/sessions", "/m/v1/session"] {
        let right = json!({ "login": "nobody-here", "password": "a-password" });
        let changes = vec![
            ("/login", json!(""), "login"),
            ("/login", json!("a\u{0}"), "login"),
            ("/login", long(101), "login"),
            ("/login", Value::Null, "login"),
            ("/password", json!(""), "password"),
            ("/password", long(201), "password"),
            ("/password", json!("a\u{0}b"), "password"),
            ("/password", json!(123_456), "password"),
            ("/remember", json!(true), "remember"),
        ];
        let post = |body: &Value| Case::post("", path, body);
        cases.extend(changed(&right, changes, post));
        cases.push(post(&json!({ "login": "nobody-here" })).field("password"));
        cases.push(post(&right).status(401));
    }
    let right = json!({ "account": "S-1", "phone": "+8613900000001" });
    let changes = vec![
        ("/account", json!(""), "account"),
        ("/account", long(65), "account"),
        ("/account", json!("\u{0}"), "account"),
        ("/phone", json!(""), "phone"),
        ("/phone", long(31), "phone"),
        ("/phone", json!(1), "phone"),
        ("/language", json!("de"), "language"),
        ("/code", json!("1"), "code"),
    ];
    cases.extend(changed(&right, changes, |body| {
        Case::post("", "/api/v1/codes", body)
    }));
    let right = json!({ "account": "S-5", "code": "123456" });
    let confirm = |body: &Value| Case::post("", "/api/v1/codes/confirm", body);
    let changes = vec![
        ("/account", json!(""), "account"),
        ("/code", json!(""), "code"),
        ("/code", json!("12345"), "code"),
        ("/code", json!("12345a"), "code"),
        (
            "/code",
            json!("\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}"),
            "code",
        ),
        ("/code", json!(123_456), "code"),
        ("/code", long(21), "code"),
    ];
    cases.extend(changed(&right, changes, confirm));
    cases.push(confirm(&right).status(401));
    cases
}

fn positions() -> Vec<Case> {
    let now = Utc::now();
    let fix = json!({ "lon": 120.0, "lat": 30.0, "at": now });
    let base = json!({ "fixes": [fix, fix] });
    let post = |body: &Value| Case::post("crew", "/m/v1/positions", body);
    let changes = vec![
        ("/fixes", json!([]), "fixes"),
        ("/fixes", json!(vec![fix.clone(); 1_001]), "fixes"),
        ("/fixes", fix.clone(), "fixes"),
        ("/fixes/1/lon", json!(180.5), "fixes[1].lon"),
        ("/fixes/1/lat", json!(91), "fixes[1].lat"),
        ("/fixes/1/lat", json!("NaN"), "fixes[1].lat"),
        ("/fixes/1/lat", Value::Null, "fixes[1].lat"),
        ("/fixes/1/at", json!(now + TimeDelta::hours(1)), "fixes[1].at"),
        ("/fixes/1/at", json!(now - TimeDelta::days(2)), "fixes[1].at"),
        ("/fixes/1/at", json!("0001-01-01T00:00:00Z"), "fixes[1].at"),
        ("/fixes/1/at", json!("9999-12-31T23:59:59Z"), "fixes[1].at"),
        ("/fixes/1/heading_deg", json!(-1), "fixes[1].heading_deg"),
        ("/fixes/1/heading_deg", json!(361), "fixes[1].heading_deg"),
        ("/fixes/1/speed_mps", json!(1e300), "fixes[1].speed_mps"),
        ("/fixes/1/accuracy_m", json!("5m"), "fixes[1].accuracy_m"),
        ("/fixes/1/crew_id", json!(Uuid::now_v7()), "fixes[1].crew_id"),
    ];
    let mut cases = changed(&base, changes, post);
    cases.extend(changed(&base, times("/fixes/1/at", "fixes[1].at"), post));
    cases.extend([
        Case::post("dispatcher", "/m/v1/positions", &base).status(403),
        Case::post("", "/m/v1/positions", &base).status(401),
    ]);
    cases
}

fn syncs(house: &House) -> Vec<Case> {
    let now = Utc::now();
    let operation = json!({ "id": Uuid::now_v7(), "order_id": house.order, "event": { "type": "take" }, "device_at": now });
    let base = json!({ "cursor": "", "operations": [operation], "device_now": now });
    let post = |body: &Value| Case::post("crew", "/m/v1/sync", body);
    let changes = vec![
        ("/operations", json!(vec![operation.clone(); 501]), "operations"),
        ("/operations", json!("none"), "operations"),
        ("/operations/0/id", json!("1"), "operations[0].id"),
        ("/operations/0/order_id", json!(""), "operations[0].order_id"),
        ("/operations/0/order_id", Value::Null, "operations[0].order_id"),
        ("/operations/0/colour", json!(1), "operations[0].colour"),
        ("/device_now", Value::Null, "device_now"),
        ("/order", json!(1), "order"),
    ];
    let mut cases = changed(&base, changes, post);
    cases.extend(changed(&base, times("/device_now", "device_now"), post));
    cases.extend(changed(
        &base,
        no_times("/operations/0/device_at", "operations[0].device_at"),
        post,
    ));
    let idle = json!({ "operations": [], "device_now": now });
    let changes = vec![
        ("/cursor", json!("nonsense"), "cursor"),
        ("/cursor", json!("%%%"), "cursor"),
        ("/cursor", json!("\u{0}"), "cursor"),
        ("/cursor", long(201), "cursor"),
        ("/cursor", json!(7), "cursor"),
    ];
    cases.extend(changed(&idle, changes, post));
    cases.extend([
        post(&json!({ "operations": [] })).field("device_now"),
        Case::post("dispatcher", "/m/v1/sync", &idle).status(403),
    ]);
    cases
}
