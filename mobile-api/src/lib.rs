//! The edge for crews' phones: log in, one sync call, batches of positions, photos.
//!
//! Translates and never decides. Operations carry the phone's own ids, which become command ids: a phone that lost an
//! answer sends again and nothing happens twice. Positions go to a Redis stream that may be lost; the next fix replaces them.

pub mod app;
mod arrears;
mod outages;
mod photos;
mod positions;
mod session;
mod sync;

use axum::{Json, Router, routing::get};
use relight_common::{
    edge::{complete, dress, serve, system_routes, with_fallbacks},
    service::Host,
};
use tokio::net::TcpListener;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use app::App;

#[derive(OpenApi)]
#[openapi(info(
    title = "Relight crew edge",
    description = "What a crew's phone talks to. JSON in snake_case, RFC 3339 times, WGS84 degrees; refusals are \
            RFC 9457 problems. The token of `POST /m/v1/session` goes into `Authorization: Bearer TOKEN`."
))]
struct Document;

/// Starts the crew edge on `listener`; everything it runs lives in `host.tasks`.
///
/// # Errors
/// When the section `mobile` of the configuration or the URL of Redis is wrong.
pub async fn run(host: &Host, listener: TcpListener) -> anyhow::Result<()> {
    let mut host = host.clone();
    host.peers = host.peers.acting_as("mobile-api");
    let app = App::new(&host)?;
    let router = router(&host, app);
    serve(&host, "mobile-api", listener, router);
    Ok(())
}

/// Every route of the crew edge.
pub fn router(host: &Host, app: App) -> Router {
    let body_max = app.body_max();
    let (api, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .merge(session::routes())
        .merge(sync::routes())
        .merge(positions::routes())
        .merge(arrears::routes())
        .merge(outages::routes())
        .merge(photos::routes(app.photos()))
        .split_for_parts();
    complete(&mut document);
    let routes = Router::new()
        .merge(api)
        .route("/m/v1/openapi.json", get(async move || Json(document.clone())))
        .merge(system_routes(host, &["access", "dispatch"]));
    dress(with_fallbacks(routes).with_state(app), body_max)
}
