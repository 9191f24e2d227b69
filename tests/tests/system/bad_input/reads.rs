//! Reads with ids that are none, cursors of other lists, sizes out of bounds, and of others' things.

use serde_json::json;
use uuid::Uuid;

use super::{house::House, wire::Case};

/// All cases.
///
/// # Errors
/// When a list cannot be read to get a cursor from.
pub async fn cases(house: &House) -> anyhow::Result<Vec<Case>> {
    let mut cases = pages(house);
    cases.extend(foreign_cursors(house).await?);
    cases.extend(filters());
    cases.extend(things(house));
    cases.extend(searches());
    cases.extend(searches_of_cases());
    Ok(cases)
}

/// Every list: who reads it, and its path.
fn lists(house: &House) -> Vec<(&'static str, String)> {
    let someone = Uuid::now_v7();
    vec![
        ("dispatcher", "/api/v1/orders".to_owned()),
        ("dispatcher", "/api/v1/incidents".to_owned()),
        (
            "dispatcher",
            format!("/api/v1/incidents/{}/reports", house.incident),
        ),
        ("dispatcher", "/api/v1/crews".to_owned()),
        ("dispatcher", "/api/v1/units".to_owned()),
        ("dispatcher", "/api/v1/devices".to_owned()),
        ("admin", "/api/v1/accounts".to_owned()),
        ("agent", format!("/api/v1/customers/{someone}/interruptions")),
        ("agent", format!("/api/v1/customers/{someone}/messages")),
    ]
}

fn pages(house: &House) -> Vec<Case> {
    let wrong = [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=100000", "limit"),
        ("limit=-1", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=%F0%9F%98%80", "cursor"),
        ("colour=red", "colour"),
    ];
    let long = format!("cursor={}", "A".repeat(1_001));
    let too_long = (long.as_str(), "cursor");
    let lists = lists(house);
    let cases = lists.iter().flat_map(|(who, path)| {
        let wrong = wrong.iter().chain(std::iter::once(&too_long));
        wrong
            .map(|(query, field)| Case::get(who, format!("{path}?{query}")).field(field))
            .collect::<Vec<_>>()
    });
    let nobody = lists
        .iter()
        .map(|(_, path)| Case::get("", path.as_str()).status(401));
    cases.chain(nobody).collect()
}

/// A cursor goes with its own list and filter only.
async fn foreign_cursors(house: &House) -> anyhow::Result<Vec<Case>> {
    let page = house
        .good(&Case::get("dispatcher", "/api/v1/devices?limit=1"))
        .await?;
    let devices = page["next_cursor"].as_str().unwrap_or_default().to_owned();
    let page = house
        .good(&Case::get("admin", "/api/v1/accounts?limit=1"))
        .await?;
    let accounts = page["next_cursor"].as_str().unwrap_or_default().to_owned();
    anyhow::ensure!(
        !devices.is_empty() && !accounts.is_empty(),
        "both lists have more than one row"
    );
    let lists = lists(house);
    let others = lists.iter().filter(|(_, path)| path != "/api/v1/devices");
    let mut cases: Vec<Case> = others
        .map(|(who, path)| Case::get(who, format!("{path}?cursor={devices}")).field("cursor"))
        .collect();
    cases.push(Case::get("dispatcher", format!("/api/v1/devices?text=T&cursor={devices}")).field("cursor"));
    cases.push(Case::get("dispatcher", format!("/api/v1/devices?cursor={accounts}")).field("cursor"));
    Ok(cases)
}

fn filters() -> Vec<Case> {
    let long = "x".repeat(101);
    [
        ("/api/v1/incidents?state=weird", "state"),
        ("/api/v1/incidents?state=open&state=closed", "state"),
        ("/api/v1/orders?unit_id=north", "unit_id"),
        ("/api/v1/orders?crew_id=%00", "crew_id"),
        ("/api/v1/orders?archived=maybe", "archived"),
        ("/api/v1/crews?unit_id=1", "unit_id"),
        (&format!("/api/v1/devices?text={long}"), "text"),
        ("/api/v1/devices?text=%00", "text"),
        ("/api/v1/devices?text=%FF", "text"),
    ]
    .map(|(path, field)| Case::get("dispatcher", path).field(field))
    .to_vec()
}

fn things(house: &House) -> Vec<Case> {
    let (order, incident, report) = (&house.order, &house.incident, &house.report);
    let stranger = Uuid::now_v7();
    let recommend = format!("/api/v1/orders/{order}/recommendations");
    let mut cases = vec![
        Case::get("dispatcher", format!("{recommend}?k=0")).field("k"),
        Case::get("dispatcher", format!("{recommend}?k=21")).field("k"),
        Case::get("dispatcher", format!("{recommend}?refused=21")).field("refused"),
        Case::get("dispatcher", format!("{recommend}?k=NaN")).field("k"),
        Case::get("dispatcher", "/api/v1/orders/none/recommendations").field("id"),
        Case::get("dispatcher", format!("/api/v1/orders/{stranger}/recommendations")).status(404),
        Case::get("agent", recommend).status(403),
        Case::get("dispatcher", "/api/v1/incidents/none/reports").field("id"),
        Case::get("elsewhere", format!("/api/v1/orders/{order}")).status(403),
        Case::get("elsewhere", format!("/api/v1/incidents/{incident}")).status(404),
        Case::get("elsewhere", format!("/api/v1/reports/{report}")).status(404),
        Case::get("other-crew", format!("/api/v1/orders/{order}")).status(403),
        Case::get("customer", format!("/api/v1/reports/{report}")).status(404),
        Case::get("customer", format!("/api/v1/orders/{order}")).status(403),
        Case::get("customer", format!("/api/v1/customers/{stranger}")).status(403),
        Case::get("agent", format!("/api/v1/customers/{stranger}")).status(404),
        Case::get("agent", "/api/v1/customers/none").field("id"),
        Case::get("agent", "/api/v1/customers/none/why_off").field("id"),
        Case::get("dispatcher", "/api/v1/accounts").status(403),
        Case::get("dispatcher", "/api/v1/nowhere").status(404),
        Case::get("", "/m/v1/nowhere").status(404),
        Case::get("dispatcher", "/api/v1/sessions").status(405),
        Case::get("crew", "/m/v1/sync").status(405),
    ];
    for what in ["orders", "incidents", "reports"] {
        cases.push(Case::get("dispatcher", format!("/api/v1/{what}/{stranger}")).status(404));
        cases.push(Case::get("dispatcher", format!("/api/v1/{what}/W-00000000-0000")).status(404));
        cases.push(Case::get("dispatcher", format!("/api/v1/{what}/%F0%9F%94%8C")).status(404));
        for id in ["%00", "%FF", &"9".repeat(101)] {
            cases.push(Case::get("dispatcher", format!("/api/v1/{what}/{id}")));
        }
    }
    cases
}

fn searches() -> Vec<Case> {
    let search = |body| Case::post("agent", "/api/v1/customers/search", &body);
    vec![
        search(json!({})).field("text"),
        search(json!({ "text": "Li", "contact": "+8613900000001" })).field("text"),
        search(json!({ "text": "" })).field("text"),
        search(json!({ "text": "a" })).field("text"),
        search(json!({ "text": "x".repeat(101) })).field("text"),
        search(json!({ "text": "a\u{0}b" })).field("text"),
        search(json!({ "text": 7 })).field("text"),
        search(json!({ "contact": "" })).field("contact"),
        search(json!({ "contact": "not one" })).field("contact"),
        search(json!({ "contact": "x".repeat(201) })).field("contact"),
        search(json!({ "contact": "+8613911112222" })).status(404),
        search(json!({ "text": "Customer", "limit": 0 })).field("limit"),
        search(json!({ "text": "Customer", "limit": 100_000 })).field("limit"),
        search(json!({ "text": "Customer", "limit": "10" })).field("limit"),
        search(json!({ "text": "Customer", "cursor": "nonsense" })).field("cursor"),
        search(json!({ "text": "Customer", "sort": "name" })).field("sort"),
        Case::post("crew", "/api/v1/customers/search", &json!({ "text": "Customer" })).status(403),
    ]
}

fn searches_of_cases() -> Vec<Case> {
    let search = |body| Case::post("agent", "/api/v1/arrears/cases/search", &body);
    vec![
        search(json!({})).field("account"),
        search(json!({ "account": "" })).field("account"),
        search(json!({ "account": "x".repeat(65) })).field("account"),
        search(json!({ "account": "a\u{0}b" })).field("account"),
        search(json!({ "account": 7 })).field("account"),
        search(json!({ "account": "S-1", "state": "weird" })).field("state"),
        search(json!({ "account": "S-1", "limit": 0 })).field("limit"),
        search(json!({ "account": "S-1", "cursor": "nonsense" })).field("cursor"),
        Case::get("agent", "/api/v1/arrears/cases?account=S-1").field("account"),
        Case::post(
            "customer",
            "/api/v1/arrears/cases/search",
            &json!({ "account": "S-1" }),
        )
        .status(403),
    ]
}
