//! A gateway whose services are all away, and requests to it.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use relight_common::{Clock, config, secrets::Secrets, service::Host};
use relight_gateway::{app::App, router};
use serde_json::Value;
use tower::ServiceExt;

/// The answer to one request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The problem this is.
    pub(crate) fn problem(&self) -> Value {
        let kind = self.headers["content-type"].to_str().unwrap();
        assert_eq!(kind, "application/problem+json", "{self:?}");
        serde_json::from_str(&self.text).unwrap()
    }

    /// The first wrong field.
    pub(crate) fn field(&self) -> String {
        self.problem()["errors"][0]["field"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// Services at an address where nobody listens.
pub(crate) async fn gateway() -> anyhow::Result<Router> {
    gateway_beside(&[]).await
}

/// As [`gateway`], with these services where they are.
pub(crate) async fn gateway_beside(there: &[(&str, String)]) -> anyhow::Result<Router> {
    let mut settings: config::Settings = config::figment().extract()?;
    settings.grpc.tls = false;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    for peer in settings.grpc.peers.values_mut() {
        *peer = format!("http://{nobody}");
    }
    let there = there.iter().map(|(name, uri)| ((*name).to_owned(), uri.clone()));
    settings.grpc.peers.extend(there);
    let host = Host::new(settings, Secrets::ephemeral(), Clock::System, "gateway")?;
    Ok(router(&host, App::new(&host)?))
}

pub(crate) async fn send(gateway: &Router, request: Request<Body>) -> Answer {
    let response = gateway.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 4 << 20).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

pub(crate) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path)
}

pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    request("POST", path)
        .header("content-type", "application/json")
        .header("idempotency-key", "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11")
        .body(body.into())
        .unwrap()
}
