//! The services this binary can run, by name.

use relight_common::{secrets::SERVICES, service::Host};
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;

/// Names of the two edges.
pub const EDGES: [&str; 2] = ["gateway", "mobile-api"];

/// The migrations of a service.
pub fn migrations(service: &str) -> &'static Migrator {
    match service {
        "access" => &relight_access::MIGRATIONS,
        "registry" => &relight_registry::MIGRATIONS,
        "intake" => &relight_intake::MIGRATIONS,
        "dispatch" => &relight_dispatch::MIGRATIONS,
        "notify" => &relight_notify::MIGRATIONS,
        "planner" => &relight_planner::MIGRATIONS,
        "arrears" => &relight_arrears::MIGRATIONS,
        "insight" => &relight_insight::MIGRATIONS,
        other => unreachable!("{other} is not in SERVICES"),
    }
}

/// Starts a role on its listener; returns once it serves.
///
/// # Errors
/// When its database, its configuration or its certificates are not in order.
pub async fn start(host: &Host, role: &str, listener: TcpListener) -> anyhow::Result<()> {
    match role {
        "access" => relight_access::run(host, listener).await,
        "registry" => relight_registry::run(host, listener).await,
        "intake" => relight_intake::run(host, listener).await,
        "dispatch" => relight_dispatch::run(host, listener).await,
        "notify" => relight_notify::run(host, listener).await,
        "planner" => relight_planner::run(host, listener).await,
        "arrears" => relight_arrears::run(host, listener).await,
        "insight" => relight_insight::run(host, listener).await,
        "gateway" => relight_gateway::run(host, listener).await,
        "mobile-api" => relight_mobile_api::run(host, listener).await,
        other => anyhow::bail!(
            "there is no role {other}; there are {} and {}",
            SERVICES.join(", "),
            EDGES.join(", ")
        ),
    }
}
