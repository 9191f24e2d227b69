//! The end always comes: what hangs is left behind.

use std::time::Duration;

use relight_common::{Clock, grpc, secrets::Secrets, service::Host};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::world::settings;

#[tokio::test]
async fn a_task_that_never_ends_does_not_keep_the_process() -> anyhow::Result<()> {
    let host = Host::new(settings("", 1)?, Secrets::ephemeral(), Clock::System, "test")?;
    host.tasks.spawn(std::future::pending::<()>());
    tokio::time::timeout(Duration::from_secs(60), host.shut_down()).await?;
    Ok(())
}

/// A health watch is a call without an end.
#[tokio::test]
async fn a_stream_that_stays_open_does_not_keep_a_server() -> anyhow::Result<()> {
    let (listener, stop) = (TcpListener::bind("127.0.0.1:0").await?, CancellationToken::new());
    let address = format!("http://{}", listener.local_addr()?);
    let routes = grpc::routes().await.routes();
    let server = tokio::spawn(grpc::serve(listener, routes, None, stop.clone()));
    let channel = tonic::transport::Endpoint::from_shared(address)?
        .connect()
        .await?;
    let mut watch = HealthClient::new(channel)
        .watch(HealthCheckRequest::default())
        .await?
        .into_inner();
    assert!(watch.message().await?.is_some(), "the watch is open");
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(60), server).await???;
    Ok(())
}
