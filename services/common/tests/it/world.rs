//! Two services in one database: `intake` tells, `dispatch` listens; and builders for what they tell.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use chrono::{TimeDelta, Utc};
use relight_common::{
    Claims, Clock, Code, Coded, Db, Work,
    command::Meta,
    config::{Database, Grpc, LogFormat, Settings, Telemetry},
    db,
    grpc::EventsOwner,
    reader::{self, Consumer, Outcome, Source},
    reconcile::Nothing,
    relay,
    secrets::Secrets,
    service::{Host, Room},
};
use relight_proto::events::v1::{Event, GridVersioned};
use relight_testkit::{TestDb, wait_until};
use sqlx::migrate::Migrator;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub static MIGRATIONS: Migrator = sqlx::migrate!("tests/migrations");
pub const TELLS: &str = "grid.versioned";

pub async fn owner() -> anyhow::Result<TestDb> {
    relight_testkit::database("intake", &MIGRATIONS).await
}

/// A running owner and a running reader in one process, on one database and one Redis namespace of their own.
pub struct World {
    pub owner_db: TestDb,
    pub reader_db: Db,
    pub host: Host,
    pub redis: redis::aio::MultiplexedConnection,
}

impl World {
    pub async fn start<C: Consumer>(consumer: C) -> anyhow::Result<Self> {
        let world = Self::build().await?;
        let owner = world.room("intake").await?;
        owner.keep_house(Nothing)?;
        world.listen(consumer).await?;
        Ok(world)
    }

    /// Everything but the relay and the reader; the owner serves its events.
    pub async fn build() -> anyhow::Result<Self> {
        Self::build_with(|_| ()).await
    }

    /// A world with other settings.
    pub async fn build_with(change: impl FnOnce(&mut Settings)) -> anyhow::Result<Self> {
        Self::build_as("test", Secrets::ephemeral(), change).await
    }

    /// A world with these secrets, whose process is `role`.
    pub async fn build_as(
        role: &str,
        secrets: Secrets,
        change: impl FnOnce(&mut Settings),
    ) -> anyhow::Result<Self> {
        Self::build_on(owner().await?, role, secrets, change).await
    }

    /// The same on this database.
    pub async fn build_on(
        owner_db: TestDb,
        role: &str,
        secrets: Secrets,
        change: impl FnOnce(&mut Settings),
    ) -> anyhow::Result<Self> {
        db::migrate(&owner_db.owner(), "dispatch", &MIGRATIONS).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut settings = settings(&owner_db.url(), listener.local_addr()?.port())?;
        let redis = redis::Client::open(settings.redis.url.as_str())?
            .get_multiplexed_async_connection()
            .await
            .context("the test Redis does not answer")?;
        change(&mut settings);
        let host = Host::new(settings, secrets, Clock::System, role)?;
        let reader_db = Db::connect(&host.settings.database, "dispatch").await?;
        let world = Self {
            owner_db,
            reader_db,
            host,
            redis,
        };
        world.room("intake").await?.serve(listener, |_, _| {}).await?;
        Ok(world)
    }

    pub async fn room(&self, service: &'static str) -> anyhow::Result<Room> {
        self.host.room(service, &MIGRATIONS).await
    }

    pub async fn listen<C: Consumer>(&self, consumer: C) -> anyhow::Result<()> {
        self.room("dispatch").await?.read("intake", Arc::new(consumer));
        Ok(())
    }

    /// A reader with its own stop, as a process that can be restarted; `owner`: whom it asks.
    pub fn read<C: Consumer>(
        &self,
        owner: EventsOwner,
        consumer: Arc<C>,
        stop: &CancellationToken,
    ) -> JoinHandle<()> {
        let source = Source {
            name: "intake",
            redis: self.host.redis.clone(),
            namespace: self.host.settings.redis.namespace.clone(),
            owner,
        };
        tokio::spawn(reader::run(
            self.reader_db.clone(),
            source,
            consumer,
            Uuid::now_v7(),
            stop.clone(),
        ))
    }

    /// A relay of the owner with its own stop, as a process that can be restarted; it publishes through `redis_url`
    /// under `namespace`.
    pub fn relay(
        &self,
        redis_url: &str,
        namespace: &str,
        stop: &CancellationToken,
    ) -> anyhow::Result<JoinHandle<()>> {
        let redis = redis::Client::open(redis_url)?.get_connection_manager_lazy(
            redis::aio::ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_secs(30))),
        )?;
        Ok(tokio::spawn(relay::run(
            Db::clone(&self.owner_db),
            redis,
            namespace.to_owned(),
            Uuid::now_v7(),
            stop.clone(),
        )))
    }

    pub fn stream(&self, partition: i16) -> String {
        relight_common::relay::stream_key(&self.host.settings.redis.namespace, "intake", partition)
    }

    /// Loses everything Redis has of us.
    pub async fn lose_redis(&mut self) -> anyhow::Result<()> {
        for partition in 0..db::PARTITIONS {
            let key = self.stream(partition);
            let _: i64 = redis::cmd("DEL").arg(key).query_async(&mut self.redis).await?;
        }
        Ok(())
    }

    /// Waits until the relay has published `count` events.
    pub async fn wait_published(&self, count: i64) -> anyhow::Result<()> {
        wait_until(&format!("{count} events are published"), async || {
            Ok(sqlx::query_scalar("select sum(published) = $1 from outbox_head")
                .bind(count)
                .fetch_one(self.owner_db.pool())
                .await?)
        })
        .await
    }

    /// Waits until the reader has applied `count` events.
    pub async fn wait_applied(&self, count: i64) -> anyhow::Result<()> {
        wait_until(&format!("{count} events are applied"), async || {
            Ok(applied(&self.reader_db).await? == count)
        })
        .await
    }
}

pub fn settings(database_url: &str, port: u16) -> anyhow::Result<Settings> {
    let peers = [("intake".to_owned(), format!("http://127.0.0.1:{port}"))];
    Ok(Settings {
        data_dir: std::env::temp_dir(),
        secrets_dir: std::env::temp_dir(),
        database: Database {
            url: database_url.to_owned(),
            pool_size: 4,
            passwords: None,
        },
        redis: relight_testkit::redis::namespace()?,
        grpc: Grpc {
            tls: false,
            listen: Default::default(),
            peers: peers.into(),
        },
        telemetry: Telemetry {
            log: "warn".into(),
            format: LogFormat::Text,
            otlp: None,
            metrics_listen: String::new(),
        },
    })
}

pub async fn applied(db: &Db) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from effect")
        .fetch_one(db.pool())
        .await?)
}

pub fn meta(id: &str, body: &str) -> anyhow::Result<Meta> {
    Ok(Meta::new(
        id,
        &Claims::service("test"),
        &payload(body),
        Utc::now(),
    )?)
}

pub fn payload(text: &str) -> GridVersioned {
    GridVersioned {
        grid_version: text.to_owned(),
    }
}

/// Commits one event about `subject`.
pub async fn tell(db: &Db, subject: Uuid, version: i64) -> anyhow::Result<()> {
    tell_as(db, TELLS, subject, version, "fine").await
}

pub async fn tell_as(
    db: &Db,
    kind: &'static str,
    subject: Uuid,
    version: i64,
    text: &str,
) -> anyhow::Result<()> {
    let mut work = Work::internal(db, "test", Utc::now()).await?;
    work.tell(kind, subject, version, "demo", &payload(text));
    work.done().await?;
    Ok(())
}

/// An event as Redis or the owner would hand it over.
pub fn event(seq: u64, subject: Uuid, version: u64, kind: &str, text: &str) -> Event {
    Event {
        id: relight_common::ids::derived(subject, &format!("{seq}")).to_string(),
        source: "intake".into(),
        r#type: kind.into(),
        time: Some(relight_common::wire::timestamp(
            Utc::now() - TimeDelta::seconds(1),
        )),
        subject: subject.to_string(),
        version,
        seq,
        data: prost::Message::encode_to_vec(&payload(text)),
        ..Event::default()
    }
}

/// The text an event carries.
pub fn text_of(event: &Event) -> String {
    <GridVersioned as prost::Message>::decode(event.data.as_slice())
        .unwrap_or_default()
        .grid_version
}

/// Writes each event into `effect`; refuses the text "poison", fails once more often than told for "flaky".
#[derive(Debug, Default)]
pub struct Notes {
    pub flaky_left: std::sync::atomic::AtomicU32,
}

#[derive(Debug, thiserror::Error)]
pub enum NotesError {
    #[error("this event cannot be applied")]
    Poison,
    #[error("not now")]
    NotNow,
    #[error(transparent)]
    Common(#[from] relight_common::Error),
}

impl Coded for NotesError {
    fn code(&self) -> Code {
        match self {
            NotesError::Poison => Code::Internal,
            NotesError::NotNow => Code::Unavailable,
            NotesError::Common(error) => error.code(),
        }
    }
}

impl Consumer for Notes {
    type Prepared = ();
    type Error = NotesError;

    async fn prepare(&self, _event: &Event) -> Result<(), NotesError> {
        Ok(())
    }

    async fn apply(&self, work: &mut Work, event: &Event, (): ()) -> Result<Outcome, NotesError> {
        use std::sync::atomic::Ordering;
        if event.r#type != TELLS {
            return Ok(Outcome::Unknown);
        }
        sqlx::query("insert into effect (event_id, subject, version) values ($1, $2, $3)")
            .bind(&event.id)
            .bind(&event.subject)
            .bind(event.version.cast_signed())
            .execute(work.conn())
            .await
            .map_err(relight_common::Error::db("note an event"))?;
        match text_of(event).as_str() {
            "poison" => Err(NotesError::Poison),
            "panic" => panic!("a consumer with a bug"),
            "flaky" if self.flaky_left.load(Ordering::SeqCst) > 0 => {
                self.flaky_left.fetch_sub(1, Ordering::SeqCst);
                Err(NotesError::NotNow)
            }
            _ => Ok(Outcome::Applied),
        }
    }
}
