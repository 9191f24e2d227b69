//! No input gives a 500 or a panic; every refusal names the field.

use axum::body::Body;

use crate::given::{self, post};

#[tokio::test]
async fn a_bad_report_is_a_4xx_problem_that_names_the_field() -> anyhow::Result<()> {
    let gateway = given::gateway().await?;
    let long = format!(r#"{{"danger":false,"address":"{}"}}"#, "x".repeat(301));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let table: Vec<(Vec<u8>, u16, &str)> = vec![
        (b"".to_vec(), 400, "body"),
        (b"{".to_vec(), 400, "body"),
        (deep.into_bytes(), 400, "body"),
        (b"{\"danger\":false,\"note\":\"\xff\"}".to_vec(), 400, "body"),
        (b"{}".to_vec(), 400, "danger"),
        (br#"{"danger":"perhaps"}"#.to_vec(), 400, "danger"),
        (br#"{"danger":false,"colour":"red"}"#.to_vec(), 400, "colour"),
        (
            br#"{"danger":false,"channel":"telepathy"}"#.to_vec(),
            400,
            "channel",
        ),
        (br#"{"danger":false,"channel":"hall"}"#.to_vec(), 400, "channel"),
        (
            br#"{"danger":false,"reported_at":"2020-01-01T00:00:00Z"}"#.to_vec(),
            400,
            "reported_at",
        ),
        (
            br#"{"danger":false,"reported_at":"yesterday"}"#.to_vec(),
            400,
            "reported_at",
        ),
        (
            br#"{"danger":false,"position":{"lon":200,"lat":0}}"#.to_vec(),
            400,
            "position",
        ),
        (
            br#"{"danger":false,"position":{"lon":1e999,"lat":0}}"#.to_vec(),
            400,
            "position.lon",
        ),
        (
            br#"{"danger":false,"language":"klingon"}"#.to_vec(),
            400,
            "language",
        ),
        (long.into_bytes(), 400, "address"),
        (vec![b' '; 10 << 20], 413, ""),
    ];
    for (n, (body, status, field)) in table.into_iter().enumerate() {
        let answer = given::send(&gateway, post("/api/v1/reports", body)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.field().as_str()),
            (status, field),
            "{n}: {}",
            answer.text
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_write_without_a_command_id_is_told_so() -> anyhow::Result<()> {
    let gateway = given::gateway().await?;
    for key in [None, Some("42")] {
        let mut request = post("/api/v1/reports", r#"{"danger":false}"#);
        request.headers_mut().remove("idempotency-key");
        if let Some(key) = key {
            request.headers_mut().insert("idempotency-key", key.parse()?);
        }
        let answer = given::send(&gateway, request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.field().as_str()),
            (400, "Idempotency-Key")
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_json_no_method_or_no_address_is_a_problem_too() -> anyhow::Result<()> {
    let gateway = given::gateway().await?;
    let mut form = post("/api/v1/reports", "danger=no");
    form.headers_mut()
        .insert("content-type", "application/x-www-form-urlencoded".parse()?);
    let patch = given::request("PATCH", "/api/v1/reports").body(Body::empty())?;
    let nowhere = given::request("GET", "/api/v1/comets").body(Body::empty())?;
    let broken = given::request("GET", "/api/v1/outages?x=%ff").body(Body::empty())?;
    for (request, status) in [(form, 415), (patch, 405), (nowhere, 404)] {
        let answer = given::send(&gateway, request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem()["status"].as_u64()),
            (status, Some(u64::from(status)))
        );
    }
    assert_eq!(
        given::send(&gateway, broken).await.status,
        503,
        "insight is away; the query is not read"
    );
    Ok(())
}

#[tokio::test]
async fn a_service_that_is_away_is_a_503_with_a_time_to_come_back() -> anyhow::Result<()> {
    let gateway = given::gateway().await?;
    let answer = given::send(&gateway, post("/api/v1/reports", r#"{"danger":true}"#)).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(
        answer.problem()["detail"]
            .as_str()
            .unwrap()
            .contains("Idempotency-Key")
    );
    Ok(())
}

#[tokio::test]
async fn the_public_is_limited_by_address() -> anyhow::Result<()> {
    let gateway = given::gateway().await?;
    let mut limited = None;
    for _ in 0..40 {
        let answer = given::send(&gateway, post("/api/v1/reports", "{}")).await;
        if answer.status == 429 {
            limited = Some(answer);
            break;
        }
    }
    assert!(limited.unwrap().headers.contains_key("retry-after"));
    Ok(())
}
