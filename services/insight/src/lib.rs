//! The interruption ledger: the one place that says who is off, since when and why, and who is back.
//!
//! [`domain`] decides (pure), `store` is all SQL, [`consumer`] takes the events of the others, [`rpc`] answers,
//! [`exceptions`] raises what is off for no reason, [`upkeep`] mends. A customer has at most one open record; time is counted once, whatever overlaps.

pub mod consumer;
pub mod domain;
pub mod error;
pub mod exceptions;
mod ledger;
pub mod members;
pub mod rpc;
mod store;
pub mod upkeep;

use std::sync::Arc;

use relight_common::service::Host;
use relight_proto::insight::v1::{
    books_server::BooksServer, insight_server::InsightServer, outage_rest_server::OutageRestServer,
    voltage_figures_server::VoltageFiguresServer,
};
use tokio::net::TcpListener;

/// Name of the service and of its schema.
pub const NAME: &str = "insight";
/// Tables of the ledger.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Runs the ledger on `listener` until the host stops.
///
/// # Errors
/// When Postgres cannot be reached, the schema is older than this program, or certificates are missing.
pub async fn run(host: &Host, listener: TcpListener) -> anyhow::Result<()> {
    let room = host.room(NAME, &MIGRATIONS).await?;
    let registry = members::Registry::new(room.peers.to("registry"));
    let ledger = Arc::new(consumer::Ledger::new(room.db.clone(), registry));
    room.keep_house(upkeep::Upkeep)?;
    room.read("intake", ledger.clone());
    room.read("dispatch", ledger.clone());
    room.read("planner", ledger.clone());
    room.read("arrears", ledger.clone());
    room.read("registry", ledger);
    room.fire_timers(Arc::new(exceptions::Timers));
    let api = rpc::Api::new(room.db.clone(), host.clock.clone(), &host.secrets.cursor_key);
    room.serve(listener, |routes, guard| {
        routes.add_service(BooksServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(OutageRestServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(VoltageFiguresServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(InsightServer::with_interceptor(api, guard));
    })
    .await
}
