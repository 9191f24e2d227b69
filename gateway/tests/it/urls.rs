//! Nothing personal in addresses of requests: proxies, browsers and logs keep them.

use axum::body::Body;

use crate::given;

/// Every word a path or a query may have. Ids, spoken numbers, words of a machine, and the page: a name, an account, a
/// phone number, an address or a search travels in a body.
const ALLOWED: [&str; 22] = [
    "after",
    "archived",
    "case_id",
    "crew_id",
    "cursor",
    "customer_id",
    "id",
    "incident_id",
    "k",
    "limit",
    "month",
    "number",
    "open",
    "order_id",
    "outage_id",
    "refused",
    "sha256",
    "standing",
    "state",
    "text",
    "unit_id",
    "which",
];

/// The search for a device is the one free text: what it looks through has no customer in it.
const FREE_TEXT: &str = "get /api/v1/devices";

#[tokio::test]
async fn no_address_asks_for_anything_personal() -> anyhow::Result<()> {
    let gateway = given::gateway().await?;
    let request = given::request("GET", "/api/v1/openapi.json").body(Body::empty())?;
    let document: serde_json::Value = serde_json::from_str(&given::send(&gateway, request).await.text)?;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "header" {
                    continue;
                }
                let (name, operation) = (parameter["name"].as_str().unwrap(), format!("{method} {path}"));
                assert!(ALLOWED.contains(&name), "{operation} has {name} in its address");
                assert!(
                    name != "text" || operation == FREE_TEXT,
                    "{operation} searches in its address"
                );
            }
        }
    }
    Ok(())
}
