//! The whole service: events pulled from their owner, messages, a real provider, receipts, an orderly stop.

use std::time::Duration;

use anyhow::Context;
use relight_common::{
    Clock,
    config::{Database, Grpc, LogFormat, Redis, Settings, Telemetry},
    secrets::Secrets,
    service::Host,
};
use relight_notify::config::{Config, Mail, Sms};
use relight_proto::common::v1::Language::ZhCn;
use relight_testkit::{smsc::Smsc, smtp::SmtpSink};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::world::{MORNING, World, house};

fn settings(world: &World, peer: &str) -> anyhow::Result<Settings> {
    let names = ["intake", "dispatch", "insight", "registry", "planner", "arrears"];
    Ok(Settings {
        data_dir: std::env::temp_dir(),
        secrets_dir: std::env::temp_dir(),
        database: Database {
            url: world.db.url(),
            pool_size: 6,
            passwords: None,
        },
        redis: Redis {
            url: std::env::var("RELIGHT_TEST_REDIS_URL").context("run the tests with `cargo xtask test`")?,
            namespace: format!("t{}", Uuid::now_v7().simple()),
        },
        grpc: Grpc {
            tls: false,
            listen: Default::default(),
            peers: names
                .iter()
                .map(|name| ((*name).to_owned(), peer.to_owned()))
                .collect(),
        },
        telemetry: Telemetry {
            log: "warn".into(),
            format: LogFormat::Text,
            otlp: None,
            metrics_listen: String::new(),
        },
    })
}

fn config(smsc: &Smsc, sink: &SmtpSink) -> Config {
    Config {
        sms: Sms {
            address: smsc.addr().to_string(),
            system_id: "relight".into(),
            password_file: String::new(),
            source: "95598".into(),
            window: 8,
            per_second: 1_000,
        },
        mail: Mail {
            address: sink.addr().to_string(),
            security: "none".into(),
            username: String::new(),
            password_file: String::new(),
            from: "Relight <outage@example.org>".into(),
            concurrency: 2,
        },
        house: house(),
        zone: chrono_tz::Asia::Shanghai,
    }
}

/// Five readers apply every event (each source is the same town): people still hear it once.
#[tokio::test]
async fn news_of_the_others_reach_people_once() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let (smsc, sink) = (Smsc::start().await?, SmtpSink::start().await?);
    let customer = world.customer(&[("+8619900000001", ZhCn), ("reader@example.org", ZhCn)], true);
    let events = vec![
        world.incident_changed(),
        world.accepted(Uuid::now_v7(), Some(customer)),
        world.step("en_route", 4),
    ];
    world.town.known().events = events;

    // The town behind a host with other keys: its guard knows the host's.
    let town = TcpListener::bind("127.0.0.1:0").await?;
    let settings = settings(&world, &format!("http://{}", town.local_addr()?))?;
    let host = Host::new(settings, Secrets::ephemeral(), Clock::System, "test")?;
    let (serving, guard, stop) = (world.town.clone(), host.peers.guard(), world.stop.clone());
    tokio::spawn(async move { serving.serve(town, guard, stop).await });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    relight_notify::run_with(&host, listener, config(&smsc, &sink)).await?;

    let texts = smsc.texts().wait_for_count(2).await?;
    let mails = sink.mails().wait_for_count(2).await?;
    world
        .wait_for_states("accepted", &["submitted", "delivered"])
        .await?;
    world
        .wait_for_states("crew_en_route", &["submitted", "delivered"])
        .await?;
    wait_for_positions(&world).await?;
    assert_eq!((texts.len(), mails.len()), (2, 2));
    tokio::time::timeout(Duration::from_secs(20), host.shut_down())
        .await
        .context("notify does not stop")?;
    assert_eq!((smsc.texts().all().len(), sink.mails().all().len()), (2, 2));
    assert_eq!(smsc.unbinds().all().len(), 1, "the provider was told goodbye");
    Ok(())
}

/// Until all five readers have applied all three events.
async fn wait_for_positions(world: &World) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..1_000 {
        let sum: Option<i64> = sqlx::query_scalar("select sum(seq)::int8 from reader_position")
            .fetch_one(world.db.pool())
            .await?;
        if sum == Some(15) {
            return Ok(());
        }
        ticks.tick().await;
    }
    anyhow::bail!("the readers do not come to the end")
}
