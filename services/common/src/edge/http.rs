//! The HTTP server of an edge: one root span per request, request ids, security headers, limits on size and time,
//! problem answers for what no handler saw, and a shutdown that lets requests finish.

use std::{
    any::Any,
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use tokio::net::TcpListener;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, field::Empty};
use uuid::Uuid;

use super::{
    caller::RequestId,
    problem::{Kind, Problem},
};
use crate::{grpc, grpc::Peers, service::Host, telemetry};

/// A request that takes longer is given up; the stream's body is not counted.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Time for open requests after the stop.
const FINISH_WITHIN: Duration = Duration::from_secs(10);

/// Pages load nothing from elsewhere and run no script that is not a file of ours.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Problem answers for addresses and methods no route knows.
pub fn with_fallbacks<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .fallback(async || Problem::new(Kind::NotFound, "there is nothing at this address"))
        .method_not_allowed_fallback(async || {
            Problem::new(Kind::MethodNotAllowed, "this address does not know the method")
        })
}

/// Puts what every request needs around `router`. `body_max`: bytes.
pub fn dress(router: Router, body_max: usize) -> Router {
    router
        .layer(DefaultBodyLimit::max(body_max))
        .layer(middleware::from_fn(within_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(secure_headers))
        .layer(middleware::from_fn(root_span))
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new(Kind::Internal, "this is our fault; it was recorded").into_response()
}

async fn within_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            Kind::Unavailable,
            "this took too long; send the same request again with the same Idempotency-Key",
        )
        .into_response(),
    }
}

async fn secure_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // A photo brings a stricter one.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("permissions-policy"),
            "geolocation=(), camera=(), microphone=()",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// One span per request, in the caller's trace when there is one. The route is recorded, never the address with its
/// parameters.
async fn root_span(mut request: Request, next: Next) -> Response {
    let id = request_id(&request);
    request.extensions_mut().insert(RequestId(id));
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "http",
        otel.name = %format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
        request.id = %id,
    );
    telemetry::continue_from(&span, &grpc::Headers(request.headers()));
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    measure(&method, &route, response.status(), started);
    let value = HeaderValue::try_from(id.to_string()).expect("a UUID is ASCII");
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-request-id"), value);
    response
}

fn request_id(request: &Request) -> Uuid {
    let told = request.headers().get("x-request-id");
    told.and_then(|value| Uuid::parse_str(value.to_str().ok()?).ok())
        .unwrap_or_else(Uuid::now_v7)
}

fn measure(method: &axum::http::Method, route: &str, status: StatusCode, started: Instant) {
    let labels = [
        ("method", method.to_string()),
        ("route", route.to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::histogram!("relight_http_seconds", &labels).record(started.elapsed().as_secs_f64());
}

/// `/healthz` (the process runs), `/readyz` (the services named answer) and, unless they have a place of their own
/// ([`monitor`](crate::monitor)), `/metrics`.
pub fn system_routes<S: Clone + Send + Sync + 'static>(
    host: &Host,
    needs: &'static [&'static str],
) -> Router<S> {
    let (peers, stop) = (host.peers.clone(), host.stop.clone());
    let ready = move || {
        let (peers, stop) = (peers.clone(), stop.clone());
        async move {
            if stop.is_cancelled() {
                return Err(Problem::new(Kind::Unavailable, "stopping"));
            }
            for peer in needs {
                reached(&peers, peer).await?;
            }
            Ok("ready\n")
        }
    };
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready));
    if host.settings.telemetry.metrics_listen.is_empty() {
        return router.route("/metrics", get(async || telemetry::render_metrics()));
    }
    router
}

async fn reached(peers: &Peers, peer: &str) -> Result<(), Problem> {
    let mut health = HealthClient::new(peers.to(peer));
    let reply = health.check(HealthCheckRequest::default()).await;
    match reply {
        Ok(reply) if reply.get_ref().status() == ServingStatus::Serving => Ok(()),
        _ => Err(Problem::new(Kind::Unavailable, format!("{peer} does not answer"))),
    }
}

/// Serves until the host stops, then lets open requests finish.
pub fn serve(host: &Host, name: &'static str, listener: TcpListener, router: Router) {
    let stop = host.stop.clone();
    host.tasks.spawn(async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        // Without it an answer in two pieces waits some 40 ms for the acknowledgement of the first.
        let listener = listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its delay");
            }
        });
        let serving = axum::serve(listener, service)
            .with_graceful_shutdown(stop.clone().cancelled_owned())
            .into_future();
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(FINISH_WITHIN).await;
        };
        tokio::select! {
            served = serving => if let Err(error) = served {
                tracing::error!(name, %error, "the HTTP server broke; stopping");
                stop.cancel();
            },
            () = late => tracing::warn!(name, "some requests did not finish in time"),
        }
    });
}
