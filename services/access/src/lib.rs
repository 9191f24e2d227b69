//! People, sessions, roles by org path, customers' one-time codes. Deny by default.
//!
//! [`domain`] decides (pure), `store` is all SQL, [`rpc`] is the wire, [`secret`] hashes and derives, [`sender`] hands
//! codes to notify after their transaction, [`put_account`] is for the demo loader and the command line.

mod accounts;
pub mod domain;
pub mod error;
pub mod outside;
pub mod rpc;
pub mod secret;
pub mod sender;
mod store;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use relight_common::{Db, Error as Common, reconcile::Reconciler, service::Host};
use relight_proto::access::v1::access_server::AccessServer;
use tokio::{net::TcpListener, sync::Notify};

pub use accounts::put_account;
pub use domain::account::{Account, Language, PersonId};

/// Name of the service and of its schema.
pub const NAME: &str = "access";
/// Tables of access.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Runs access on `listener` until the host stops.
///
/// # Errors
/// When Postgres cannot be reached, the schema is older than this program, or certificates are missing.
pub async fn run(host: &Host, listener: TcpListener) -> anyhow::Result<()> {
    let room = host.room(NAME, &MIGRATIONS).await?;
    let (outside, bell) = (Arc::new(outside::Services::of(&room)), Arc::new(Notify::new()));
    let keyed = secret::Keyed::new(&host.secrets);
    room.keep_house(Upkeep)?;
    let sender = sender::Sender::new(room.db.clone(), outside.clone(), keyed.clone());
    host.tasks
        .spawn(sender.run(host.clock.clone(), bell.clone(), host.stop.clone()));
    let api = rpc::Api::new(rpc::Parts {
        db: room.db.clone(),
        clock: host.clock.clone(),
        outside,
        passwords: secret::Passwords::new().await?,
        keyed,
        cursor_key: host.secrets.cursor_key,
        bell,
        pace: rpc::PACE,
    });
    room.serve(listener, |routes, guard| {
        routes.add_service(AccessServer::with_interceptor(api, guard));
    })
    .await
}

/// Removes what is over; nothing here waits for events or timers.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep;

impl Reconciler for Upkeep {
    async fn pass(&self, db: &Db, now: DateTime<Utc>) -> Result<u64, Common> {
        store::attempts::purge(db.pool(), now).await?;
        Ok(0)
    }
}
