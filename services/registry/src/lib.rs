//! The registry: who is supplied where and how they are reached, the network they hang on, and who loses supply when a
//! device opens.
//!
//! ```text
//! rpc ──> sets, seat ──> held (the network in memory)   import, links (──> rows, one transaction)
//!   \        \                                            |
//!    \────────\──────────> store <────────────────────────/
//!             domain: contact forms, set ids and sums, findings, switchings (pure)
//! ```

mod config;
pub mod domain;
mod error;
mod held;
mod import;
mod links;
mod rpc;
pub mod seal;
mod seat;
mod sets;
mod store;

use std::sync::Arc;

use relight_common::{reconcile, service::Host};
use relight_proto::registry::v1::{
    accounts_server::AccountsServer, customer_areas_server::CustomerAreasServer,
    customer_contacts_server::CustomerContactsServer, customer_numbers_server::CustomerNumbersServer,
    customer_supplies_server::CustomerSuppliesServer,
    life_support_certificates_server::LifeSupportCertificatesServer, life_support_server::LifeSupportServer,
    links_server::LinksServer, listed_sets_server::ListedSetsServer,
    meter_supplies_server::MeterSuppliesServer, registry_server::RegistryServer,
    set_members_server::SetMembersServer, supplies_server::SuppliesServer,
    switchings_server::SwitchingsServer,
};
use tokio::net::TcpListener;

pub use config::Terms;
pub use error::Error;
pub use held::{Held, Holder};
pub use import::{
    ContactCounts, Counts, ImportError, ImportOptions, ImportReport, PointCounts, Progress, TOLD_MAX,
    correct_links, current_network, import, import_telling,
};
pub use rpc::Api;

/// Name of the service, its schema and its role.
pub const NAME: &str = "registry";

/// Migrations of its schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Starts the registry on `listener`; what it starts lives in `host`.
///
/// # Errors
/// When the configuration is wrong, Postgres cannot be reached, the schema is older than this program, or certificates are missing.
pub async fn run(host: &Host, listener: TcpListener) -> anyhow::Result<()> {
    let rules = (Terms::load()?, config::pack()?);
    let room = host.room(NAME, &MIGRATIONS).await?;
    // Everything told is written in the transaction of its fact, and nothing waits for a deadline: nothing to mend.
    room.keep_house(reconcile::Nothing)?;
    let holder = Arc::new(Holder::new(room.db.clone()));
    host.tasks.spawn(holder.clone().watch(host.stop.clone()));
    let api = Api::new(room.db.clone(), &host.secrets, host.clock.clone(), holder, rules);
    room.serve(listener, |routes, guard| {
        routes.add_service(MeterSuppliesServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(SuppliesServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(SwitchingsServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(AccountsServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(CustomerAreasServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(CustomerContactsServer::with_interceptor(
            api.clone(),
            guard.clone(),
        ));
        routes.add_service(CustomerNumbersServer::with_interceptor(
            api.clone(),
            guard.clone(),
        ));
        routes.add_service(CustomerSuppliesServer::with_interceptor(
            api.clone(),
            guard.clone(),
        ));
        routes.add_service(SetMembersServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(LifeSupportServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(LifeSupportCertificatesServer::with_interceptor(
            api.clone(),
            guard.clone(),
        ));
        routes.add_service(ListedSetsServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(LinksServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(RegistryServer::with_interceptor(api, guard));
    })
    .await
}
