//! The edge for people and programs: REST with an OpenAPI document, a stream of events, and the server-rendered pages.
//!
//! Translates and never decides: roles are checked here and again by the owner of the fact. Map: [`api`] REST,
//! [`stream`] SSE, [`pages`] HTML, [`words`] both languages, [`streets`] names for the public list, [`paper`] the sheet
//! for when nothing else works, `datum` map coordinates, [`app`] what handlers share.

pub mod api;
pub mod app;
pub mod config;
mod datum;
pub mod pages;
pub mod paper;
pub mod stream;
pub mod streets;
pub mod words;

use axum::{Router, middleware};
use relight_common::{
    edge::{dress, serve, system_routes, with_fallbacks},
    service::Host,
};
use tokio::net::TcpListener;

use crate::app::App;

/// Starts the gateway on `listener`; everything it runs lives in `host.tasks`.
///
/// # Errors
/// When the sections `http`, `notices` or `areas` of the configuration are wrong.
pub async fn run(host: &Host, listener: TcpListener) -> anyhow::Result<()> {
    let mut host = host.clone();
    host.peers = host.peers.acting_as("gateway");
    let app = App::new(&host)?;
    stream::tail(&host, app.hub());
    paper::start(&host, &app)?;
    let router = router(&host, app);
    serve(&host, "gateway", listener, router);
    Ok(())
}

/// Every route of the gateway.
pub fn router(host: &Host, app: App) -> Router {
    let body_max = app.http().body_max;
    let (api, document) = api::routes(app.photos());
    let routes = Router::new()
        .merge(api)
        .merge(api::docs::routes(document))
        .merge(pages::routes())
        .merge(system_routes(host, &["access", "intake", "dispatch", "insight"]));
    let routes = with_fallbacks(routes)
        .layer(middleware::from_fn_with_state(app.clone(), pages::humane))
        .with_state(app);
    dress(routes, body_max)
}
