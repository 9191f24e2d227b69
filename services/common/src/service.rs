//! A process that hosts one or more services, and the rooms of those services in it: everything that runs is owned
//! here, stops in order (accepting, working, telling), and is waited for.

use std::{sync::Arc, time::Duration};

use relight_proto::events::v1::events_server::EventsServer;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::RoutesBuilder;
use uuid::Uuid;

use crate::{
    audit,
    clock::Clock,
    config::Settings,
    db::{self, Db},
    error::chain,
    events::Owner,
    grpc::{self, Peers},
    reader::{self, Consumer, Source},
    reconcile::{self, Reconciler},
    relay,
    secrets::Secrets,
    timer::{self, Asking},
};

/// Longest wait for accepted work at the stop; servers give up their open requests before.
const FINISH_WITHIN: Duration = Duration::from_secs(15);
/// Longest wait for the relays behind it.
const TELL_WITHIN: Duration = Duration::from_secs(10);

/// What all services of one process share.
#[derive(Debug, Clone)]
pub struct Host {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The secrets.
    pub secrets: Arc<Secrets>,
    /// The clock.
    pub clock: Clock,
    /// The other roles.
    pub peers: Peers,
    /// Redis.
    pub redis: redis::Client,
    /// Identity of this process for leases.
    pub holder: Uuid,
    /// Fires when the process shall stop accepting and finish.
    pub stop: CancellationToken,
    /// Everything that stops on `stop`.
    pub tasks: TaskTracker,
    telling: CancellationToken,
    relays: TaskTracker,
}

impl Host {
    /// A host with these settings; starts nothing.
    ///
    /// # Errors
    /// When Redis' URL or a peer's address is wrong, or certificates are missing.
    pub fn new(settings: Settings, secrets: Secrets, clock: Clock, role: &str) -> anyhow::Result<Self> {
        Ok(Self {
            peers: Peers::new(&settings.grpc, &secrets, role)?,
            redis: redis::Client::open(settings.redis.url.as_str())?,
            settings: Arc::new(settings),
            secrets: Arc::new(secrets),
            clock,
            holder: Uuid::now_v7(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            telling: CancellationToken::new(),
            relays: TaskTracker::new(),
        })
    }

    /// Stops: no new requests; what was accepted is finished; what was committed is told. Waits for all of it, but not
    /// for ever: what hangs is left, since every fact is in Postgres or was never acknowledged.
    pub async fn shut_down(&self) {
        self.stop.cancel();
        ends_within(&self.tasks, FINISH_WITHIN, "accepted work").await;
        self.telling.cancel();
        ends_within(&self.relays, TELL_WITHIN, "relays").await;
    }

    /// A room for `service`: its pool, after checking that its schema is not older than this program.
    ///
    /// # Errors
    /// When Postgres cannot be reached or the schema is older.
    pub async fn room(&self, service: &'static str, migrations: &Migrator) -> anyhow::Result<Room> {
        let db = Db::connect(&self.settings.database, service)
            .await?
            .dated_by(self.clock.clone());
        check_schema(&db, migrations).await?;
        Ok(Room {
            host: self.clone(),
            peers: self.peers.acting_as(service),
            db,
        })
    }
}

/// One running service.
#[derive(Debug, Clone)]
pub struct Room {
    /// The process it lives in.
    pub host: Host,
    /// The other roles, called as this service.
    pub peers: Peers,
    /// Its database.
    pub db: Db,
}

impl Room {
    /// Runs what every service has: relay, audit sealer, reconciler and upkeep.
    ///
    /// # Errors
    /// When Redis' URL is wrong.
    pub fn keep_house<R: Reconciler>(&self, own: R) -> anyhow::Result<()> {
        let host = &self.host;
        let redis = redis::aio::ConnectionManager::new_lazy_with_config(
            host.redis.clone(),
            redis::aio::ConnectionManagerConfig::new()
                .set_response_timeout(Some(Duration::from_secs(3)))
                .set_number_of_retries(1),
        )?;
        let namespace = host.settings.redis.namespace.clone();
        host.relays.spawn(relay::run(
            self.db.clone(),
            redis,
            namespace,
            host.holder,
            host.telling.clone(),
        ));
        host.relays
            .spawn(audit::run(self.db.clone(), host.holder, host.telling.clone()));
        let every = Duration::from_secs(30);
        host.tasks.spawn(reconcile::run(
            self.db.clone(),
            host.clock.clone(),
            every,
            own,
            host.holder,
            host.stop.clone(),
        ));
        Ok(())
    }

    /// Reads the events of `source` into `consumer`.
    pub fn read<C: Consumer>(&self, source: &'static str, consumer: Arc<C>) {
        let source = Source {
            name: source,
            redis: self.host.redis.clone(),
            namespace: self.host.settings.redis.namespace.clone(),
            owner: self.peers.events_of(source),
        };
        self.host.tasks.spawn(reader::run(
            self.db.clone(),
            source,
            consumer,
            self.host.holder,
            self.host.stop.clone(),
        ));
    }

    /// Fires this service's timers.
    pub fn fire_timers<H: Asking>(&self, handler: Arc<H>) {
        self.host.tasks.spawn(timer::run(
            self.db.clone(),
            self.host.clock.clone(),
            handler,
            self.host.stop.clone(),
        ));
    }

    /// Serves gRPC on `listener`: what `add` adds, with `Events`, health and reflection.
    ///
    /// # Errors
    /// When certificates are missing.
    pub async fn serve(
        &self,
        listener: TcpListener,
        add: impl FnOnce(&mut RoutesBuilder, grpc::Guard),
    ) -> anyhow::Result<()> {
        let mut routes = grpc::routes().await;
        let guard = self.peers.guard();
        routes.add_service(EventsServer::with_interceptor(
            Owner::new(self.db.clone()),
            guard.clone(),
        ));
        add(&mut routes, guard);
        let tls = if self.host.settings.grpc.tls {
            Some(grpc::server_tls(&self.host.secrets, self.db.service())?)
        } else {
            None
        };
        let (service, stop) = (self.db.service(), self.host.stop.clone());
        self.host.tasks.spawn(async move {
            if let Err(error) = grpc::serve(listener, routes.routes(), tls, stop.clone()).await {
                tracing::error!(
                    service,
                    error = format!("{error:#}"),
                    "the gRPC server broke; stopping"
                );
                stop.cancel();
            }
        });
        Ok(())
    }
}

async fn ends_within(tasks: &TaskTracker, time: Duration, what: &str) {
    tasks.close();
    if tokio::time::timeout(time, tasks.wait()).await.is_err() {
        tracing::error!(left = tasks.len(), what, "did not end in time; leaving it");
    }
}

/// Refuses an older schema and accepts a newer one (N-1 and N run side by side).
async fn check_schema(db: &Db, migrations: &Migrator) -> anyhow::Result<()> {
    let service = db.service();
    let missing = db::missing_migrations(db, migrations).await.map_err(|error| {
        anyhow::anyhow!(
            "schema {service} is not there ({}): run `relight migrate`",
            chain(&error)
        )
    })?;
    anyhow::ensure!(
        missing.is_empty(),
        "schema {service} is older than this program, it lacks {missing:?}: run `relight migrate`"
    );
    Ok(())
}
