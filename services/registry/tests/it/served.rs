//! The whole service on a port, called as the others call it.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use relight_common::{
    Claims, Clock, Role,
    config::{Settings, figment},
    secrets::Secrets,
    service::Host,
};
use relight_grid::OnBad;
use relight_proto::registry::v1::{
    CreateAffectedSetRequest, GetCustomerRequest, get_customer_request, registry_client::RegistryClient,
};
use relight_registry::{Holder, MIGRATIONS, NAME, import, run};
use relight_testkit::{TestDb, outside};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use uuid::Uuid;

use crate::{given, golden, then};

const PATIENCE: Duration = Duration::from_secs(20);

fn settings(db: &TestDb, address: std::net::SocketAddr) -> anyhow::Result<Settings> {
    let mut settings: Settings = figment().extract()?;
    settings.database.url = db.url();
    settings.database.pool_size = 4;
    settings.redis.namespace = format!("t-{}", Uuid::now_v7().simple());
    settings.grpc.tls = false;
    settings
        .grpc
        .peers
        .insert(NAME.to_owned(), format!("http://{address}"));
    if let Ok(redis) = std::env::var("RELIGHT_TEST_REDIS_URL") {
        settings.redis.url = redis;
    }
    Ok(settings)
}

/// A whole service that listens; plain HTTP addresses with TLS off: the defaults of the other peers are never called.
async fn serve(db: &TestDb, secrets: &Secrets) -> anyhow::Result<Host> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let settings = settings(db, listener.local_addr()?)?;
    let host = Host::new(settings, secrets.clone(), Clock::System, NAME)?;
    run(&host, listener).await?;
    Ok(host)
}

/// Another process imports while the service runs: it answers from the new network, to callers with a token only.
#[tokio::test]
async fn an_import_by_another_process_is_answered_from_at_once() -> anyhow::Result<()> {
    let db = relight_testkit::database(NAME, &MIGRATIONS).await?;
    let secrets = Secrets::ephemeral();
    let host = serve(&db, &secrets).await?;

    let mut intake = RegistryClient::new(host.peers.acting_as("intake").to(NAME));
    let ask = CreateAffectedSetRequest {
        device_ids: vec!["SW2".to_owned()],
        ..Default::default()
    };
    let before = intake.create_affected_set(ask.clone()).await;
    assert_eq!(
        before.err().map(|status| status.code()),
        Some(Code::FailedPrecondition)
    );

    let another = db.another().await?;
    import(
        &another,
        &secrets,
        given::small_pack(),
        &given::options(OnBad::Refuse),
    )
    .await?;
    let set = intake.create_affected_set(ask.clone()).await?.into_inner();
    assert_eq!(set.count, 1);

    let mut edge = RegistryClient::new(host.peers.acting_as("gateway").to(NAME));
    let by = Some(get_customer_request::By::Account("A-1".to_owned()));
    let agent = host.peers.request(
        GetCustomerRequest { by: by.clone() },
        &given::person(Role::Agent, "demo"),
    );
    assert_eq!(edge.get_customer(agent).await?.into_inner().name, "李伟");
    let public = host.peers.request(GetCustomerRequest { by }, &Claims::anybody());
    let refused = edge.get_customer(public).await;
    assert_eq!(
        refused.err().map(|status| status.code()),
        Some(Code::PermissionDenied)
    );

    timeout(PATIENCE, host.shut_down())
        .await
        .context("it stops when told to")?;
    Ok(())
}

/// A real feeder comes in and every known outage of it comes out, over the wire.
#[tokio::test]
async fn the_13_node_feeder_is_served_as_its_known_outages_say() -> anyhow::Result<()> {
    let Some(networks) = outside("networks") else {
        return Ok(());
    };
    let (db, secrets) = (
        relight_testkit::database(NAME, &MIGRATIONS).await?,
        Secrets::ephemeral(),
    );
    let host = serve(&db, &secrets).await?;
    let pack = golden::graph(&networks, "ieee13")?;
    let report = import(&db, &secrets, pack, &given::options(OnBad::Refuse)).await?;
    assert_eq!(
        report.findings.without_position.count, 17,
        "it has no place on the earth"
    );

    let outages = golden::outages(&networks, "ieee13")?;
    assert_eq!(report.customers.added, outages.total_customers);
    let mut intake = RegistryClient::new(host.peers.acting_as("intake").to(NAME));
    for case in &outages.cases {
        let ask = CreateAffectedSetRequest {
            device_ids: vec![case.open.clone()],
            ..Default::default()
        };
        let set = intake.create_affected_set(ask).await?.into_inner();
        assert_eq!(
            then::members(&db, &set.set_id).await?,
            case.dead(),
            "open {}",
            case.open
        );
    }
    timeout(PATIENCE, host.shut_down())
        .await
        .context("it stops when told to")?;
    Ok(())
}

/// Nobody asks, and still the new version is ready.
#[tokio::test]
async fn the_watcher_swaps_the_network_by_itself() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let holder = Arc::new(Holder::new(registry.db.clone()));
    let stop = CancellationToken::new();
    let watcher = tokio::spawn(holder.clone().watch(stop.clone()));
    let mut swaps = holder.swaps();
    for closed in [true, false] {
        let mut pack = given::small_pack();
        pack.network.devices[1].open = !closed;
        let version = registry.import(pack).await?.grid_version;
        let swapped = swaps.wait_for(|held| held.as_ref().is_some_and(|held| held.grid.version() == version));
        timeout(PATIENCE, swapped).await.context("the watcher swaps")??;
    }
    stop.cancel();
    timeout(PATIENCE, watcher).await.context("the watcher stops")??;
    Ok(())
}
