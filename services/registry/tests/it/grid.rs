//! The network as others get it: streamed, and listed for people.

use relight_common::{Claims, Role};
use relight_grid::{demo, pack::ServicePoint, snapshot};
use relight_proto::{
    common::v1::PageRequest,
    registry::v1::{GridSnapshotRequest, ListDevicesRequest, registry_server::Registry as _},
};
use tokio_stream::StreamExt;
use tonic::Code;
use uuid::Uuid;

use crate::given;

#[tokio::test]
async fn the_streamed_network_is_the_imported_one() -> anyhow::Result<()> {
    let mut pack = demo::town(7);
    // Twice the town, so that it does not fit one piece.
    let twins = pack.service_points.iter().map(|point| ServicePoint {
        id: format!("{}-twin", point.id),
        ..point.clone()
    });
    pack.service_points.extend(twins.collect::<Vec<_>>());
    let registry = given::empty().await?;
    let version = registry.import(pack.clone()).await?.grid_version;
    let message = GridSnapshotRequest {
        grid_version: String::new(),
    };
    let mut stream = registry
        .api
        .grid_snapshot(given::from(&Claims::service("intake"), message))
        .await?
        .into_inner();
    let mut bytes = Vec::new();
    let mut pieces = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        assert_eq!(piece.grid_version, version.to_string());
        assert!(piece.data.len() <= 256 << 10);
        bytes.extend(piece.data);
        pieces += 1;
    }
    assert!(pieces > 1, "only {} bytes", bytes.len());
    let (got, sent) = (snapshot::read(&bytes)?, pack.network());
    assert_eq!((got.buses, got.loads), (sent.buses, sent.loads));
    assert_eq!(got.devices.len(), sent.devices.len());
    Ok(())
}

#[tokio::test]
async fn an_old_version_can_still_be_had_and_an_unknown_one_not() -> anyhow::Result<()> {
    let registry = given::empty().await?;
    let intake = Claims::service("intake");
    let none = registry
        .api
        .grid_snapshot(given::from(&intake, GridSnapshotRequest::default()))
        .await;
    assert_eq!(
        none.err().map(|status| status.code()),
        Some(Code::FailedPrecondition)
    );

    let old = registry
        .import(given::small_pack())
        .await?
        .grid_version
        .to_string();
    let mut pack = given::small_pack();
    pack.network.devices[1].open = true;
    registry.import(pack).await?;
    let message = GridSnapshotRequest {
        grid_version: old.clone(),
    };
    let mut stream = registry
        .api
        .grid_snapshot(given::from(&intake, message))
        .await?
        .into_inner();
    assert_eq!(
        stream.next().await.transpose()?.map(|piece| piece.grid_version),
        Some(old)
    );

    let message = GridSnapshotRequest {
        grid_version: Uuid::now_v7().to_string(),
    };
    let unknown = registry.api.grid_snapshot(given::from(&intake, message)).await;
    assert_eq!(unknown.err().map(|status| status.code()), Some(Code::NotFound));
    Ok(())
}

#[tokio::test]
async fn devices_are_listed_by_id_in_pages_and_found_by_a_part() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let dispatcher = given::person(Role::Dispatcher, "demo");
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = Some(PageRequest { cursor, size: 3 });
        let message = ListDevicesRequest {
            text: String::new(),
            page,
        };
        let reply = registry
            .api
            .list_devices(given::from(&dispatcher, message))
            .await?
            .into_inner();
        seen.extend(
            reply
                .devices
                .into_iter()
                .map(|device| (device.device_id, device.kind, device.closed)),
        );
        cursor = reply.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    let ids: Vec<&str> = seen.iter().map(|(id, _, _)| id.as_str()).collect();
    assert_eq!(ids, ["F1", "F2", "SW1", "SW2", "T1", "T2", "TIE"]);
    assert_eq!(seen[2].1, "breaker");
    assert!(!seen[6].2, "a tie is open in the normal state");

    let message = ListDevicesRequest {
        text: "Sw".to_owned(),
        page: None,
    };
    let found = registry
        .api
        .list_devices(given::from(&dispatcher, message))
        .await?
        .into_inner();
    assert_eq!(found.devices.len(), 2);
    assert!(found.devices[0].position.is_some());
    Ok(())
}
