//! Intake: reports with their unmovable acceptance time, triage, and the incidents reports add up to.
//!
//! ```text
//! rpc::accept ──> report + report_waiting ──> worker ──> domain::group ──> incident, report_link ──> incident.changed
//!      │ look-ups (200 ms): peers                │ topology (the network in memory)
//! ```
//!
//! Promises: nothing blocks acceptance (a look-up that fails makes "undetermined"); t_accept never changes; each report is
//! in exactly one incident; danger is never swallowed; accepting never waits for grouping. See README.md.

pub mod check;
pub mod consumer;
pub mod credit;
pub mod desk;
pub mod domain;
pub mod error;
mod news;
pub mod numbers;
mod parse;
pub mod peers;
pub mod prune;
pub mod reconcile;
pub mod rpc;
pub mod store;
pub mod topology;
pub mod worker;

use std::sync::Arc;

use relight_common::{config, service::Host};
use relight_proto::intake::v1::{
    danger_tasks_server::DangerTasksServer, inferences_server::InferencesServer, intake_server::IntakeServer,
    replays_server::ReplaysServer, report_closings_server::ReportClosingsServer,
    report_owners_server::ReportOwnersServer, restoration_checks_server::RestorationChecksServer,
    signals_server::SignalsServer, triage_server::TriageServer,
};
use tokio::net::TcpListener;
use tonic::service::interceptor::InterceptedService;

use crate::{desk::Desk, numbers::Numbers, rpc::Api, worker::Worker};

/// Name of the service and of its schema.
pub const NAME: &str = "intake";
/// Its tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();
/// Largest request taken; every field has a bound far below.
const REQUEST_BYTES_MAX: usize = 128 * 1024;
/// A thousand signals with their longest names.
const SIGNALS_BYTES_MAX: usize = 1024 * 1024;

/// Starts the service on `listener`; what it started stops with `host`.
///
/// # Errors
/// When Postgres is away, its schema is older than this program, or the policy pack does not load.
pub async fn run(host: &Host, listener: TcpListener) -> anyhow::Result<()> {
    let room = host.room(NAME, &MIGRATIONS).await?;
    let pack = config::section::<relight_policy::Section>("policy")?.load()?;
    let desk = Arc::new(Desk::new(
        &room.db,
        &room.peers,
        &host.secrets,
        host.clock.clone(),
        pack,
        Numbers::new(&config::section("intake")?)?,
    ));
    let atlas = desk.atlas.clone();
    host.tasks
        .spawn(atlas.keep(room.db.clone(), host.clock.clone(), host.stop.clone()));
    host.tasks
        .spawn(Worker::new(desk.clone()).run(host.holder, host.stop.clone()));
    room.keep_house(reconcile::Mender {
        self_help: desk.numbers_of.self_help,
        retention: desk.numbers_of.retention,
    })?;
    room.read("registry", Arc::new(consumer::FromRegistry::new(desk.clone())));
    room.read("dispatch", Arc::new(consumer::FromDispatch::new(desk.clone())));
    room.read("notify", Arc::new(consumer::FromNotify::new(desk.clone())));
    room.fire_timers(Arc::new(check::Timers::new(desk.clone())));
    let api = Api::new(desk);
    room.serve(listener, |routes, guard| {
        let intake = IntakeServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX);
        let signals = SignalsServer::new(api.clone()).max_decoding_message_size(SIGNALS_BYTES_MAX);
        let triage = TriageServer::new(api.clone()).max_decoding_message_size(SIGNALS_BYTES_MAX);
        let checks = RestorationChecksServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX);
        let replays = ReplaysServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX);
        let closings = ReportClosingsServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX);
        let owners = ReportOwnersServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX);
        let danger = DangerTasksServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX);
        let inferences = InferencesServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX);
        routes
            .add_service(InterceptedService::new(intake, guard.clone()))
            .add_service(InterceptedService::new(signals, guard.clone()))
            .add_service(InterceptedService::new(triage, guard.clone()))
            .add_service(InterceptedService::new(checks, guard.clone()))
            .add_service(InterceptedService::new(replays, guard.clone()))
            .add_service(InterceptedService::new(closings, guard.clone()))
            .add_service(InterceptedService::new(danger, guard.clone()))
            .add_service(InterceptedService::new(owners, guard.clone()))
            .add_service(InterceptedService::new(inferences, guard));
    })
    .await
}
