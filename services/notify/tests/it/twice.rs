//! Notices of two outages in a row.

use chrono::TimeDelta;
use relight_common::wire;
use relight_proto::{
    common::v1::Language::{En, ZhCn},
    events::v1::OutageNotice,
};
use relight_testkit::smsc::Smsc;
use uuid::Uuid;

use crate::{
    orders::{ON, member, outage},
    outages::got,
    world::{MORNING, World, at},
};

const PHONE: &str = "+8619900000001";
const OTHER: &str = "+8619900000002";
const THIRD: &str = "+8619900000003";

/// Two outages in a row: who is in both is told both windows, who is in one hears of that one (domain.md 5.5 no. 27).
#[tokio::test]
async fn who_is_off_twice_in_a_row_is_told_both_windows() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let smsc = Smsc::start().await?;
    let (both, one) = (
        world.customer(&[(PHONE, ZhCn)], false),
        world.customer(&[(OTHER, En)], false),
    );
    let third = world.customer(&[(THIRD, En)], false);
    let set = world.set(vec![member(both), member(one), member(third)]);
    let other = world.set(vec![member(both), member(third)]);
    let notice = OutageNotice {
        also_affected_set_id: other.to_string(),
        also_off_at: Some(wire::timestamp(at(ON) + TimeDelta::minutes(30))),
        also_on_at: Some(wire::timestamp(at(ON) + TimeDelta::hours(2))),
        ..outage("notice", Uuid::now_v7(), set)
    };
    world.notify(&[&notice]).await?;
    let texts = world.texts(&smsc).await?;
    world.round(&texts.sender).await?;
    world.wait_for_states("outage_notice", &["delivered"; 3]).await?;
    let seen = smsc.texts().all();
    assert!(
        got(&seen, PHONE)[0].contains("另于11月30日17:30至19:00停电"),
        "{seen:?}"
    );
    assert!(
        got(&seen, THIRD)[0].contains("also off 30 Nov 17:30 to 19:00"),
        "{seen:?}"
    );
    assert!(!got(&seen, OTHER)[0].contains("also off"), "{seen:?}");
    texts.stop().await?;
    Ok(())
}
