//! The crew edge's routes without any service behind: what is refused, and how it is said.

#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use relight_common::{Clock, config, secrets::Secrets, service::Host};
use relight_mobile_api::{app::App, router};
use serde_json::Value;
use tower::ServiceExt;

/// Services at an address where nobody listens.
async fn edge() -> anyhow::Result<Router> {
    let mut settings: config::Settings = config::figment().extract()?;
    settings.grpc.tls = false;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    for peer in settings.grpc.peers.values_mut() {
        *peer = format!("http://{nobody}");
    }
    let host = Host::new(settings, Secrets::ephemeral(), Clock::System, "mobile-api")?;
    Ok(router(&host, App::new(&host)?))
}

async fn send(method: &str, path: &str, body: &'static str) -> anyhow::Result<(StatusCode, Value)> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from(body))?;
    let response = edge().await?.oneshot(request).await?;
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await?;
    Ok((status, serde_json::from_slice(&bytes)?))
}

#[tokio::test]
async fn every_operation_but_the_log_in_needs_a_session() -> anyhow::Result<()> {
    let (_, document) = send("GET", "/m/v1/openapi.json", "").await?;
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let log_in = method == "post" && path == "/m/v1/session";
            assert_eq!(operation["security"].is_array(), !log_in, "{method} {path}");
            assert!(operation["responses"]["default"].is_object(), "{method} {path}");
            if !log_in {
                let (status, problem) = send(&method.to_uppercase(), path, "{}").await?;
                assert_eq!(
                    (status, &problem["status"]),
                    (StatusCode::UNAUTHORIZED, &Value::from(401))
                );
                asked += 1;
            }
        }
    }
    assert!(asked >= 7, "{asked}");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_and_what_is_away_comes_back() -> anyhow::Result<()> {
    let table = [
        ("POST", "/m/v1/session", r#"{"login":"a"}"#, 400, "password"),
        (
            "POST",
            "/m/v1/session",
            r#"{"login":"a","password":"b","x":1}"#,
            400,
            "x",
        ),
        (
            "POST",
            "/m/v1/session",
            r#"{"login":"a","password":"b"}"#,
            503,
            "",
        ),
        ("PATCH", "/m/v1/session", "{}", 405, ""),
        ("GET", "/m/v1/comets", "", 404, ""),
    ];
    for (method, path, body, status, field) in table {
        let (answered, problem) = send(method, path, body).await?;
        assert_eq!(answered.as_u16(), status, "{method} {path} {body}: {problem}");
        assert_eq!(problem["errors"][0]["field"].as_str().unwrap_or_default(), field);
    }
    Ok(())
}
