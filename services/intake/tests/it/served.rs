//! The service as a process runs it: over gRPC, with its worker, relay and readers.

use relight_common::Claims;
use relight_proto::{
    common::v1::Point,
    intake::v1::{self as pb, intake_client::IntakeClient, intake_server::IntakeServer},
};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;

use crate::{
    given::{House, agent, by_account, by_address, house},
    then,
};

/// The API behind the caller check, on a port.
async fn served(house: &House, bytes_max: usize) -> anyhow::Result<IntakeClient<tonic::transport::Channel>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let uri = format!("http://{}", listener.local_addr()?);
    let api = IntakeServer::new(house.api.clone()).max_decoding_message_size(bytes_max);
    let guarded = tonic::service::interceptor::InterceptedService::new(api, house.peers.guard());
    let server = tonic::transport::Server::builder().add_service(guarded);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Ok(IntakeClient::connect(uri).await?)
}

#[tokio::test]
async fn a_caller_without_a_valid_token_is_refused() -> anyhow::Result<()> {
    let house = house().await?;
    let mut client = served(&house, 128 * 1024).await?;
    let bare = client.accept_report(by_account("A-1-1-1")).await.unwrap_err();
    assert_eq!(bare.code(), tonic::Code::Unauthenticated);
    let mut forged = tonic::Request::new(by_account("A-1-1-1"));
    forged
        .metadata_mut()
        .insert(relight_common::grpc::CALLER, "v4.public.AAAA".parse()?);
    assert_eq!(
        client.accept_report(forged).await.unwrap_err().code(),
        tonic::Code::Unauthenticated
    );
    let request = house.peers.request(by_account("A-1-1-1"), &agent());
    assert!(client.accept_report(request).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_ten_megabyte_note_is_refused_by_the_wire() -> anyhow::Result<()> {
    let house = house().await?;
    let mut client = served(&house, 128 * 1024).await?;
    let huge = pb::AcceptReportRequest {
        note: "x".repeat(10_000_000),
        ..by_address()
    };
    assert!(
        client
            .accept_report(house.peers.request(huge, &agent()))
            .await
            .is_err()
    );
    let odd = pb::AcceptReportRequest {
        position: Some(Point {
            lon: f64::NAN,
            lat: 0.0,
        }),
        ..by_address()
    };
    let refused = client
        .accept_report(house.peers.request(odd, &Claims::anybody()))
        .await
        .unwrap_err();
    assert_eq!(then::field(&refused), "position");
    assert_eq!(then::count(&house.db, "report").await?, 0);
    Ok(())
}

/// Accepted by one task while the worker runs: an incident comes of it without anybody asking.
#[tokio::test]
async fn the_worker_wakes_by_itself() -> anyhow::Result<()> {
    let house = house().await?;
    let stop = CancellationToken::new();
    let worker = relight_intake::worker::Worker::new(house.desk.clone());
    let keep = tokio::spawn(house.desk.atlas.clone().keep(
        (*house.db).clone(),
        house.clock.clone(),
        stop.clone(),
    ));
    let run = tokio::spawn(worker.run(uuid::Uuid::now_v7(), stop.clone()));
    let report = house.accept(by_account("A-1-1-1")).await?;
    let grouped = async {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(10));
        while then::count(&house.db, "report_link").await? == 0 {
            ticks.tick().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), grouped).await??;
    let told = then::incidents_told(&house.db).await?;
    assert_eq!(
        (told[0].device_id.as_str(), &told[0].reporters[0].report_id),
        ("T1-1", &report.report_id)
    );
    stop.cancel();
    run.await?;
    keep.await?;
    Ok(())
}
