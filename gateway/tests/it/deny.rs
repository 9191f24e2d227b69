//! Deny by default, over every operation of the document.

use axum::body::Body;

use crate::given;

/// Open to the public on purpose.
const PUBLIC: [&str; 7] = [
    "post /api/v1/sessions",
    "post /api/v1/codes",
    "post /api/v1/codes/confirm",
    "post /api/v1/reports",
    "get /api/v1/outages",
    "get /api/v1/announcements",
    "get /api/v1/arrears/notices/{number}/check",
];

#[tokio::test]
async fn every_operation_but_the_public_ones_needs_a_session_and_says_so() -> anyhow::Result<()> {
    let gateway = given::gateway().await?;
    let document = given::send(
        &gateway,
        given::request("GET", "/api/v1/openapi.json").body(Body::empty())?,
    )
    .await;
    let document: serde_json::Value = serde_json::from_str(&document.text)?;
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            let public = PUBLIC.contains(&name.as_str());
            assert_eq!(
                operation["security"].is_array(),
                !public,
                "{name} in the document"
            );
            if public {
                continue;
            }
            let uri = path.replace("{id}", "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11");
            let request = given::request(&method.to_uppercase(), &uri)
                .header("content-type", "application/json")
                .header("idempotency-key", "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c12")
                .body(Body::from("{}"))?;
            let answer = given::send(&gateway, request).await;
            assert_eq!(answer.status, 401, "{name}: {}", answer.text);
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            asked += 1;
        }
    }
    assert!(asked >= 25, "{asked}");
    Ok(())
}

/// A page's cookie may read; a write by cookie could come from another site.
#[tokio::test]
async fn the_cookie_of_a_page_does_not_write_through_the_api() -> anyhow::Result<()> {
    let gateway = given::gateway().await?;
    let with_cookie = |method: &str, path: &str| {
        given::request(method, path)
            .header("cookie", "relight_session=sometoken")
            .header("idempotency-key", "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11")
            .header("content-type", "application/json")
            .body(Body::from("{}"))
    };
    let id = "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11";
    let write = with_cookie("POST", &format!("/api/v1/orders/{id}/events"))?;
    assert_eq!(given::send(&gateway, write).await.status, 401);
    // Reading asks access, which is away here.
    let read = with_cookie("GET", &format!("/api/v1/orders/{id}"))?;
    assert_eq!(given::send(&gateway, read).await.status, 503);
    Ok(())
}
