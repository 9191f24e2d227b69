//! The whole service on a port, called as the others call it.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use futures_util::stream;
use relight_common::{
    Claims, Clock, Role,
    config::{Settings, figment},
    secrets::Secrets,
    service::Host,
};
use relight_grid::{OnBad, pack::ServicePoint};
use relight_proto::registry::v1::{
    CreateAffectedSetRequest, GetCustomerRequest, PointsOfSet, get_customer_request,
    listed_sets_client::ListedSetsClient, registry_client::RegistryClient,
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

/// A list longer than a message comes in parts, and is the set that the same list makes in one.
#[tokio::test]
async fn a_set_of_more_than_twenty_thousand_points_is_made_in_parts() -> anyhow::Result<()> {
    let (db, secrets) = (
        relight_testkit::database(NAME, &MIGRATIONS).await?,
        Secrets::ephemeral(),
    );
    let host = serve(&db, &secrets).await?;
    let mut pack = given::small_pack();
    let like = pack.service_points[0].clone();
    let more = (0..20_100).map(|n| ServicePoint {
        id: format!("more-{n}"),
        ..like.clone()
    });
    pack.service_points.extend(more);
    let all: Vec<String> = pack.service_points.iter().map(|point| point.id.clone()).collect();
    import(&db, &secrets, pack, &given::options(OnBad::Refuse)).await?;

    let mut intake = ListedSetsClient::new(host.peers.acting_as("intake").patient(NAME));
    let parts = |lists: &[&[String]], within: &str| -> Vec<PointsOfSet> {
        let part = |list: &&[String]| PointsOfSet {
            within_set_id: within.to_owned(),
            service_point_external_ids: list.to_vec(),
        };
        lists.iter().map(part).collect()
    };
    let whole = intake
        .create(stream::iter(parts(&[&all[..20_000], &all[20_000..]], "")))
        .await?;
    let whole = whole.into_inner();
    assert_eq!(whole.count, 20_105);
    let again = intake
        .create(stream::iter(parts(&[&all[20_000..], &all[..20_000]], "")))
        .await?;
    assert_eq!(again.into_inner(), whole, "in whatever order");

    let mut one = RegistryClient::new(host.peers.acting_as("intake").to(NAME));
    let ask = CreateAffectedSetRequest {
        within_set_id: whole.set_id.clone(),
        service_point_external_ids: all[..3].to_vec(),
        ..Default::default()
    };
    let in_one = one.create_affected_set(ask).await?.into_inner();
    let few = intake
        .create(stream::iter(parts(&[&all[..3]], &whole.set_id)))
        .await?;
    assert_eq!(few.into_inner(), in_one);

    for (bad, field) in [
        (parts(&[], ""), "service_point_external_ids"),
        (parts(&[&all[..20_001]], ""), "service_point_external_ids"),
        (parts(&[&["nobody".to_owned()]], ""), "service_point_external_ids"),
        (parts(&[&all[..1], &all[1..2]], &whole.set_id), "within_set_id"),
        (parts(&[&all[..1]], "42"), "within_set_id"),
    ] {
        let refused = intake.create(stream::iter(bad)).await.expect_err(field);
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(field), "{}", refused.message());
    }
    let mut dispatch = ListedSetsClient::new(host.peers.acting_as("dispatch").to(NAME));
    let refused = dispatch.create(stream::iter(parts(&[&all[..1]], ""))).await;
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
