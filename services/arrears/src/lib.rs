//! Arrears: what billing says is owed, the life of each debt from overdue to reconnection, notices and releases to cut.
//!
//! ```text
//! feed (billing) ──┐
//! rpc (people) ────┼─> desk (lock, domain::transition, save, tell, timers) ──> store
//! timers, mender ──┤        └─> domain::law asks the policy pack what is lawful
//! consumer ────────┘ (notify: what became of messages)
//! ```
//!
//! Promise: no supply is cut for a debt without a proven notice, the whole lawful time, a last warning, a fresh balance
//! and a release at most five minutes old for that one meter; and never where somebody's life depends on it.

pub mod config;
pub mod consumer;
pub mod desk;
pub mod domain;
pub mod error;
pub mod outside;
pub mod rpc;
pub mod store;
pub mod timers;

use std::sync::Arc;

use relight_common::service::Host;
use relight_proto::arrears::v1::{
    arrears_alarms_server::ArrearsAlarmsServer, arrears_breaches_server::ArrearsBreachesServer,
    arrears_server::ArrearsServer, case_photos_server::CasePhotosServer,
    notice_text_batches_server::NoticeTextBatchesServer, notice_texts_server::NoticeTextsServer,
    unplaced_payments_server::UnplacedPaymentsServer,
};
use tokio::net::TcpListener;

/// Name of the service and of its schema.
pub const NAME: &str = "arrears";
/// Its tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Starts the service on `listener`; what it started stops with `host`.
///
/// # Errors
/// When Postgres is away, its schema is older than this program, or the configuration or the policy pack is wrong.
pub async fn run(host: &Host, listener: TcpListener) -> anyhow::Result<()> {
    let house = config::house()?;
    let room = host.room(NAME, &MIGRATIONS).await?;
    let outside = Arc::new(outside::Services::new(&room.peers));
    let timers = timers::Timers {
        house: house.clone(),
        outside: Arc::clone(&outside),
    };
    room.fire_timers(Arc::new(timers));
    room.keep_house(timers::Mender {
        house: house.clone(),
        outside: Arc::clone(&outside),
    })?;
    let reader = consumer::FromNotify::new(&room.db, house.clone(), Arc::clone(&outside));
    room.read("notify", Arc::new(reader));
    let api = rpc::Api::new(&room.db, &host.secrets, host.clock.clone(), house, outside);
    room.serve(listener, |routes, guard| {
        routes.add_service(NoticeTextsServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(ArrearsBreachesServer::with_interceptor(
            api.clone(),
            guard.clone(),
        ));
        routes.add_service(UnplacedPaymentsServer::with_interceptor(
            api.clone(),
            guard.clone(),
        ));
        routes.add_service(CasePhotosServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(NoticeTextBatchesServer::with_interceptor(
            api.clone(),
            guard.clone(),
        ));
        routes.add_service(ArrearsAlarmsServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(ArrearsServer::with_interceptor(api, guard));
    })
    .await
}
