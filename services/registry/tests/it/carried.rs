//! A new version of the network while devices are switched: how it is switched is told of the new one too.

use crate::given;

/// The same pack with one supply in or out of service: another network.
fn changed_pack() -> relight_grid::Pack {
    let mut pack = given::small_pack();
    pack.service_points[0].in_service = !pack.service_points[0].in_service;
    pack
}

#[tokio::test]
async fn a_new_version_is_told_how_it_is_switched() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    registry.switch("SW2", false, "safety").await?;
    let before = registry.switched().await?;
    let report = registry.import(changed_pack()).await?;
    let told = registry.switched().await?;
    assert_eq!(told.len(), before.len() + 1);
    let (was, is) = (&before[0], &told[1]);
    assert_eq!(is.grid_version, report.grid_version.to_string());
    assert_eq!(
        (is.state_no, &is.opened, &is.closed),
        (1, &was.opened, &was.closed)
    );
    assert_eq!(is.at, was.at, "it is switched like that since then");
    assert_eq!((is.device_id.as_str(), is.lost_set_id.as_str()), ("", ""));
    let state = registry.state().await?;
    assert_eq!((state.grid_version, state.state_no), (is.grid_version.clone(), 1));
    // The next switching goes on from there, and the same pack again tells nothing.
    registry.import(changed_pack()).await?;
    registry.switch("SW2", true, "safety").await?;
    let told = registry.switched().await?;
    assert_eq!(told.len(), 3);
    assert_eq!((told[2].state_no, told[2].opened.len()), (2, 0));
    Ok(())
}

#[tokio::test]
async fn where_nothing_is_switched_a_new_version_tells_nothing_of_it() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    registry.import(changed_pack()).await?;
    assert!(registry.switched().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_switched_device_that_is_gone_from_a_new_version_is_told_to_be_gone() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    registry.switch("SW2", false, "safety").await?;
    let mut pack = given::small_pack();
    pack.network.devices.retain(|device| device.id != "SW2");
    registry.import(pack).await?;
    let told = registry.switched().await?;
    assert_eq!(told.len(), 2);
    assert!(told[1].opened.is_empty(), "{told:?}");
    assert!(registry.state().await?.opened.is_empty());
    Ok(())
}
