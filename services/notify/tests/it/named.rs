//! Notices for named customers: they are asked for by name, not found by going through everybody in the set.

use relight_proto::{common::v1::Language::ZhCn, events::v1::OutageNotice, registry::v1::Member};
use uuid::Uuid;

use crate::{
    orders::{member, outage},
    world::{MORNING, World},
};

/// A notice for a few of a large set asks for those few, and still knows who of them is important.
#[tokio::test]
async fn named_customers_are_asked_for_by_name() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customers: Vec<Uuid> = (10..40)
        .map(|n| world.customer(&[(format!("+86199000000{n}").as_str(), ZhCn)], false))
        .collect();
    let members = customers.iter().map(|one| Member {
        important: *one == customers[29],
        ..member(*one)
    });
    let set = world.set(members.collect());
    let named = OutageNotice {
        customer_ids: [customers[3], customers[29]].map(|one| one.to_string()).to_vec(),
        ..outage("notice", Uuid::now_v7(), set)
    };
    world.notify(&[&named]).await?;
    world.wait_for_states("outage_notice", &["queued"; 2]).await?;
    assert_eq!(world.town.known().among, [2]);
    let templates: Vec<String> = sqlx::query_scalar("select distinct template from message order by 1")
        .fetch_all(world.db.pool())
        .await?;
    assert_eq!(templates, ["IMPORTANT", "PLANNED_NOTICE"]);
    Ok(())
}
