//! Command ids and sessions that are missing, damaged, over, or somebody else's.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{house::House, wire::Case};

/// All cases.
///
/// # Errors
/// When a session cannot be ended.
pub async fn cases(house: &House) -> anyhow::Result<Vec<Case>> {
    let mut cases = commands(house);
    cases.extend(sessions());
    cases.extend(ended(house).await?);
    Ok(cases)
}

/// Every write that carries a command id, right but for that.
fn commands(house: &House) -> Vec<Case> {
    let (order, incident, id) = (&house.order, &house.incident, Uuid::now_v7());
    let unit = json!({ "name": "East", "org_path": "test/city/east" });
    let writes = [
        Case::post(
            "agent",
            "/api/v1/reports",
            &json!({ "danger": false, "account": "S-3" }),
        ),
        Case::post(
            "agent",
            format!("/api/v1/reports/{}/urge", house.report),
            &json!({}),
        ),
        Case::post(
            "",
            "/api/v1/codes",
            &json!({ "account": "S-1", "phone": "+8613900000001" }),
        ),
        Case::post(
            "dispatcher",
            format!("/api/v1/incidents/{incident}/confirm"),
            &json!({ "device_id": "T1" }),
        ),
        Case::post(
            "dispatcher",
            format!("/api/v1/orders/{order}/events"),
            &json!({ "event": { "type": "dispatch", "unit_id": house.unit } }),
        ),
        Case::post(
            "dispatcher",
            format!("/api/v1/orders/{order}/alarms/acknowledge"),
            &json!({ "clock": "arrival", "level": "watch" }),
        ),
        Case::put("admin", format!("/api/v1/units/{id}"), &unit),
    ];
    let wrong = [
        "",
        "1",
        "none",
        "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c1",
        "'; drop table report; --",
    ];
    let cases = writes.iter().flat_map(|case| {
        let wrong = wrong
            .iter()
            .map(|key| case.clone().header("Idempotency-Key", key));
        wrong
            .chain([case.clone().without("Idempotency-Key")])
            .map(|case| case.field("Idempotency-Key"))
            .collect::<Vec<_>>()
    });
    cases.collect()
}

/// Tokens that are none; also where nobody has to sign in, a wrong token is told.
fn sessions() -> Vec<Case> {
    let long = format!("Bearer {}", "x".repeat(10_000));
    let wrong = [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer v4.public.AAAA",
        "Basic YTpi",
        "nonsense",
        &long,
    ];
    let paths = ["/api/v1/orders", "/api/v1/outages", "/api/v1/sessions/current"];
    let reads = paths.iter().flat_map(|path| {
        wrong
            .iter()
            .map(move |token| Case::get("", *path).header("Authorization", token).status(401))
    });
    let report = json!({ "danger": false, "account": "S-3" });
    let writes = wrong.iter().flat_map(|token| {
        [
            Case::post("", "/api/v1/reports", &report),
            Case::post("", "/m/v1/sync", &json!({ "device_now": "2026-01-01T00:00:00Z" })),
        ]
        .map(|case| case.header("Authorization", token).status(401))
    });
    reads.chain(writes).collect()
}

/// A session whose time is over, and one that was ended.
async fn ended(house: &House) -> anyhow::Result<Vec<Case>> {
    let log_in = json!({ "login": "agent", "password": relight_tests::system::PASSWORD });
    let token = |session: Value| session["token"].as_str().unwrap_or_default().to_owned();
    // Never used before it is over: an edge believes a session for ten seconds.
    let over = token(house.good(&Case::post("", "/api/v1/sessions", &log_in)).await?);
    sqlx::query(
        "update access.session set expires_at = now() - interval '1 minute'
         where created_at = (select max(created_at) from access.session)",
    )
    .execute(&mut house.system.database.connect().await?)
    .await?;
    let left = token(house.good(&Case::post("", "/api/v1/sessions", &log_in)).await?);
    let mut log_out =
        Case::get("", "/api/v1/sessions/current").header("Authorization", &format!("Bearer {left}"));
    log_out.method = reqwest::Method::DELETE;
    house.good(&log_out).await?;
    let report = json!({ "danger": false, "account": "S-3" });
    let cases = [over, left].into_iter().flat_map(|token| {
        [
            Case::get("", "/api/v1/orders"),
            Case::post("", "/api/v1/reports", &report),
        ]
        .map(|case| {
            case.header("Authorization", &format!("Bearer {token}"))
                .status(401)
        })
    });
    Ok(cases.collect())
}

/// A command id that came before: the same body gets the first answer, another body, or another caller, is refused.
///
/// # Errors
/// When it is otherwise.
pub async fn reused(house: &House) -> anyhow::Result<()> {
    let key = Uuid::now_v7().to_string();
    let path = format!("/api/v1/units/{}", house.unit);
    let name = |name: &str| json!({ "name": name, "org_path": "test/city/north", "area_org_paths": ["test/city/north"] });
    let put = |body: &Value| Case::put("admin", path.as_str(), body).header("Idempotency-Key", &key);
    let before = house.books().await?;
    let first = house.good(&put(&name("North unit"))).await?;
    let after = house.books().await?;
    anyhow::ensure!(before != after, "a right command leaves a trace");
    let again = house.good(&put(&name("North unit"))).await?;
    anyhow::ensure!(first == again, "the same command has the same answer");
    house
        .all_refused(&[put(&name("South unit")).field("Idempotency-Key")])
        .await?;
    house.same_books(&after).await
}
