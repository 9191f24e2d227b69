//! The planner: planned and temporary outages from the draft to the archive.
//!
//! ```text
//! rpc (people) ──────────────┐
//! consumer (the others) ─────┼─> desk (lock, domain::transition, save, tell, timers) ──> store
//! timers (as the pack says)   ┘        └─ asks relight_policy, computes no lead time itself
//! ```
//!
//! Promise: supply goes off only after approval by another person, a public announcement, proof of every individual
//! notice in lawful time, acknowledgement by important customers, nobody unreached, and under a permit at most five
//! minutes old. See README.md.

pub mod consumer;
pub mod desk;
pub mod domain;
pub mod error;
pub mod peers;
pub mod rpc;
pub mod store;

use std::sync::Arc;

use relight_common::{reconcile::Nothing, service::Host};
use relight_proto::planner::v1::{
    call_records_server::CallRecordsServer, notice_tasks_server::NoticeTasksServer,
    outage_alarms_server::OutageAlarmsServer, outage_photos_server::OutagePhotosServer,
    plan_accuracy_server::PlanAccuracyServer, plan_figures_server::PlanFiguresServer,
    plan_forms_server::PlanFormsServer, plan_records_server::PlanRecordsServer,
    planner_server::PlannerServer, reliability_warnings_server::ReliabilityWarningsServer,
    safety_switch_offs_server::SafetySwitchOffsServer, standing_locks_server::StandingLocksServer,
};
use tokio::net::TcpListener;

/// Name of the service and of its schema.
pub const NAME: &str = "planner";
/// Its tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Starts the service on `listener`; what it started stops with `host`.
///
/// # Errors
/// When Postgres is away, its schema is older than this program, or the policy pack does not load.
pub async fn run(host: &Host, listener: TcpListener) -> anyhow::Result<()> {
    let room = host.room(NAME, &MIGRATIONS).await?;
    let pack = rpc::pack()?;
    room.keep_house(Nothing)?;
    room.read("notify", Arc::new(consumer::FromNotify::new(pack.clone())));
    let others = peers::Others::new(&room.peers, host.clock.clone());
    let orders = consumer::FromDispatch::new(room.db.clone(), others.clone());
    room.read("dispatch", Arc::new(orders));
    let (db, clock) = (room.db.clone(), host.clock.clone());
    let faults = consumer::FromIntake::new(db, clock, others.clone(), pack.clone());
    room.read("intake", Arc::new(faults));
    let network = consumer::FromRegistry::new(room.db.clone(), others.clone(), pack.clone());
    room.read("registry", Arc::new(network));
    room.fire_timers(Arc::new(desk::alarm::Timers::new(pack.clone())));
    let api = rpc::Api::new(&room.db, host.clock.clone(), pack, others);
    room.serve(listener, |routes, guard| {
        routes.add_service(SafetySwitchOffsServer::with_interceptor(
            api.clone(),
            guard.clone(),
        ));
        routes.add_service(OutageAlarmsServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(OutagePhotosServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(CallRecordsServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(ReliabilityWarningsServer::with_interceptor(
            api.clone(),
            guard.clone(),
        ));
        routes.add_service(PlanFiguresServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(PlanRecordsServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(PlanAccuracyServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(NoticeTasksServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(PlanFormsServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(StandingLocksServer::with_interceptor(api.clone(), guard.clone()));
        routes.add_service(PlannerServer::with_interceptor(api, guard));
    })
    .await
}
