//! Customers with several supplies: which of them are left as the network is switched.

use relight_common::{Claims, Role};
use relight_grid::Pack;
use relight_proto::registry::v1::{
    CustomerSupply, SuppliesNowRequest, customer_supplies_server::CustomerSupplies as _,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::given::{self, Registry};

/// The hospital has a second supply, below the tie.
fn pack() -> Pack {
    let mut pack = given::small_pack();
    pack.service_points
        .push(given::point("p6", "L2", "1", "A-2", "demo/city/west"));
    pack
}

async fn ask(registry: &Registry, sets: &[&str], customers: &[&str]) -> Result<Vec<CustomerSupply>, Status> {
    let message = SuppliesNowRequest {
        set_ids: sets.iter().map(|id| (*id).to_owned()).collect(),
        customer_ids: customers.iter().map(|id| (*id).to_owned()).collect(),
    };
    let reply = registry
        .api
        .now(given::from(&Claims::service("planner"), message))
        .await?;
    Ok(reply.into_inner().customers)
}

/// (point, normally, now, feeder now), by the point.
fn points(one: &CustomerSupply) -> Vec<(&str, bool, bool, &str)> {
    let mut all: Vec<_> = one
        .points
        .iter()
        .map(|point| {
            let id = point.service_point.as_ref().expect("named").external_id.as_str();
            (id, point.normally, point.now, point.feeder.as_str())
        })
        .collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn who_loses_one_of_two_supplies_is_found_by_the_switching() -> anyhow::Result<()> {
    let registry = given::with(pack()).await?;
    let done = registry.switch("SW2", false, "safety").await?;
    let lost = done.lost_set_id.as_str();
    let all = ask(&registry, &[lost], &[]).await?;
    assert_eq!(all.len(), 1, "p3 has one supply and is not important");
    assert!(all[0].important);
    let left = points(&all[0]);
    assert_eq!(left, [("p2", true, true, "SW1"), ("p6", true, false, "")]);

    // Fed from the other side: both have supply, by ways of their own.
    registry.switch("TIE", true, "safety").await?;
    let customer = all[0].customer_id.as_str();
    let back = ask(&registry, &[], &[customer]).await?;
    let back = points(&back[0]);
    assert_eq!(back, [("p2", true, true, "SW1"), ("p6", true, true, "TIE")]);
    Ok(())
}

#[tokio::test]
async fn who_has_one_supply_or_is_unknown_is_left_out_and_only_planner_may_ask() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let done = registry.switch("SW1", false, "safety").await?;
    let nobody = Uuid::now_v7().to_string();
    assert_eq!(ask(&registry, &[&done.lost_set_id], &[&nobody]).await?, []);
    let many = [nobody.as_str(); 3];
    let refused = ask(&registry, &many, &[]).await.expect_err("three sets");
    assert_eq!(refused.code(), Code::InvalidArgument);
    for claims in [Claims::service("notify"), given::person(Role::Planner, "demo")] {
        let message = given::from(&claims, SuppliesNowRequest::default());
        let refused = registry.api.now(message).await.expect_err("not theirs");
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    Ok(())
}
