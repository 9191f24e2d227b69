//! Dispatch: units, crews, shifts, positions, work orders with their clocks, estimates.
//!
//! ```text
//! consumer (incidents, outages, arrears cases) ─┐
//! rpc (people, phones) ─────────────────────────┼─> desk (lock, domain::order::transition, save, tell, timers) ──> store
//! timers, reconcile ────────────────────────────┘
//! positions (stream) ──> live (domain::index, facts from Postgres) ──> domain::recommend <── wanted (orders, for a second)
//! ```
//!
//! Promises: every step goes through one pure transition; a crew has one active order, by the database; clocks never
//! stop on return, reassignment or merge; an alarm nobody acknowledges climbs. See README.md.

pub mod consumer;
pub mod desk;
pub mod domain;
pub mod error;
pub mod live;
pub mod positions;
pub mod reconcile;
pub mod rpc;
pub mod store;
pub mod timers;
pub mod wanted;

use std::sync::Arc;

use relight_common::service::Host;
use relight_proto::dispatch::v1::{dispatch_server::DispatchServer, order_photos_server::OrderPhotosServer};
use tokio::net::TcpListener;
use tonic::service::interceptor::InterceptedService;

use crate::{live::Live, rpc::Api};

/// Name of the service and of its schema.
pub const NAME: &str = "dispatch";
/// Its tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();
/// Largest request taken; every field has a bound far below.
const REQUEST_BYTES_MAX: usize = 256 * 1024;

/// Starts the service on `listener`; what it started stops with `host`.
///
/// # Errors
/// When Postgres is away, its schema is older than this program, or the policy pack does not load.
pub async fn run(host: &Host, listener: TcpListener) -> anyhow::Result<()> {
    let room = host.room(NAME, &MIGRATIONS).await?;
    let pack = rpc::pack()?;
    let live = Arc::new(Live::new(room.db.clone()));
    positions::load(&room.db, &live, host.clock.now()).await?;
    let source = positions::Source {
        redis: host.redis.clone(),
        namespace: host.settings.redis.namespace.clone(),
    };
    let (clock, stop) = (host.clock.clone(), host.stop.clone());
    host.tasks
        .spawn(positions::tail(source, live.clone(), clock.clone(), stop.clone()));
    host.tasks
        .spawn(positions::thin(room.db.clone(), live.clone(), host.holder, stop));
    room.keep_house(reconcile::Mender::new(pack.clone()))?;
    room.read("intake", Arc::new(consumer::FromIntake::new(pack.clone())));
    room.read("planner", Arc::new(consumer::FromPlanner::new(pack.clone())));
    let arrears = consumer::FromArrears::new(pack.clone(), room.db.clone(), &room.peers);
    room.read("arrears", Arc::new(arrears));
    room.fire_timers(Arc::new(timers::Timers::new(pack.clone())));
    let api = Api::new(&room.db, &room.peers, &host.secrets, clock, pack, live);
    let photos = OrderPhotosServer::new(api.clone());
    let api = DispatchServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX);
    room.serve(listener, |routes, guard| {
        routes.add_service(InterceptedService::new(photos, guard.clone()));
        routes.add_service(InterceptedService::new(api, guard));
    })
    .await
}
