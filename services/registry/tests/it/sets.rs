//! Affected sets: the same question the same answer, who is in, what is summed up.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Claims, wire};
use relight_grid::{Pack, demo};
use relight_proto::{
    common::v1::{AreaClass, Point},
    registry::v1::{
        AffectedSet, CreateAffectedSetRequest, GetAffectedSetRequest, MembersRequest,
        registry_server::Registry as _,
    },
};

use crate::{
    given::{self, Registry},
    then,
};

impl Registry {
    pub async fn set(
        &self,
        devices: &[&str],
        within: &str,
        points: &[&str],
    ) -> Result<AffectedSet, tonic::Status> {
        let own = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
        let message = CreateAffectedSetRequest {
            device_ids: own(devices),
            within_set_id: within.to_owned(),
            service_point_external_ids: own(points),
            nobody: false,
        };
        let reply = self
            .api
            .create_affected_set(given::from(&Claims::service("intake"), message))
            .await?;
        Ok(reply.into_inner())
    }
}

#[tokio::test]
async fn a_set_has_who_loses_supply_and_their_sums() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let set = registry.set(&["sw1"], "", &[]).await?;
    assert_eq!(
        then::members(&registry.db, &set.set_id).await?,
        ["p1", "p2", "p3", "p4"],
        "p5 was dead before"
    );
    assert_eq!(
        (set.count, set.important, set.life_support, set.own_generation),
        (4, 1, 1, 1)
    );
    assert_eq!(set.device_ids, ["SW1"]);
    assert_eq!(set.org_path, "demo/city");
    assert_eq!(set.zone, "Asia/Shanghai");
    assert_eq!(set.zones, ["Asia/Shanghai"]);
    assert_eq!(set.feeders, ["SW1"], "the uppermost switching device above it");
    assert_eq!(set.area_class, i32::from(AreaClass::Urban));
    let Some(Point { lon, lat }) = set.position else {
        anyhow::bail!("no position")
    };
    assert!((lon - 120.0).abs() < 1e-9 && (lat - 30.0).abs() < 1e-9);

    let west = registry.set(&["SW2"], "", &[]).await?;
    assert_eq!((west.count, west.org_path.as_str()), (1, "demo/city/west"));
    assert_eq!(west.feeders, ["SW1"]);
    assert_eq!(west.area_class, i32::from(AreaClass::Rural));
    Ok(())
}

#[tokio::test]
async fn the_same_question_gives_the_same_set_and_stores_it_once() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let first = registry.set(&["T1", "SW2"], "", &[]).await?;
    let again = registry.set(&["sw2", "t1", "T1"], "", &[]).await?;
    assert_eq!(first, again);
    let (one, two) = tokio::join!(registry.set(&["T2"], "", &[]), registry.set(&["T2"], "", &[]));
    assert_eq!(one?, two?);
    assert_eq!(
        then::count(&registry.db, "select count(*) from registry.affected_set").await?,
        2
    );
    let audited = then::audited(&registry.db, "affected_set.created").await?;
    assert_eq!(audited.len(), 2);
    assert_eq!(audited[0], ("service:intake".to_owned(), first.set_id.clone()));

    let stored = GetAffectedSetRequest {
        set_id: first.set_id.clone(),
    };
    let stored = registry
        .api
        .get_affected_set(given::from(&Claims::service("dispatch"), stored))
        .await?;
    assert_eq!(stored.into_inner(), first);
    Ok(())
}

#[tokio::test]
async fn a_service_point_that_keeps_one_phase_is_counted_but_no_member() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let set = registry.set(&["F1"], "", &[]).await?;
    assert_eq!(set.count, 0);
    let Some(Point { lon, .. }) = set.position else {
        anyhow::bail!("the device's own place")
    };
    assert!((lon - 120.1).abs() < 1e-9);
    let partly: i64 = sqlx::query_scalar(
        "select (detail->>'partly_dead')::bigint from audit where action = 'affected_set.created'",
    )
    .fetch_one(registry.db.pool())
    .await?;
    assert_eq!(partly, 1);
    let both = registry.set(&["F1", "F2"], "", &[]).await?;
    assert_eq!(then::members(&registry.db, &both.set_id).await?, ["p4"]);
    Ok(())
}

/// Everybody of an outage is fed another way: the set of it has no member, and is one.
#[tokio::test]
async fn the_set_without_members_is_asked_for_by_that_and_by_nothing_else() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let ask = |devices: &[&str], nobody| CreateAffectedSetRequest {
        device_ids: devices.iter().map(|id| (*id).to_owned()).collect(),
        nobody,
        ..CreateAffectedSetRequest::default()
    };
    let intake = || Claims::service("intake");
    let made = registry
        .api
        .create_affected_set(given::from(&intake(), ask(&[], true)))
        .await?
        .into_inner();
    assert_eq!((made.count, made.position), (0, None));
    assert!(then::members(&registry.db, &made.set_id).await?.is_empty());
    let both = registry
        .api
        .create_affected_set(given::from(&intake(), ask(&["SW1"], true)))
        .await;
    assert_eq!(both.expect_err("who then?").code(), tonic::Code::InvalidArgument);
    Ok(())
}

#[tokio::test]
async fn a_section_is_what_both_sets_have() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let whole = registry.set(&["T1"], "", &[]).await?;
    let section = registry.set(&["SW1"], &whole.set_id, &[]).await?;
    assert_eq!(then::members(&registry.db, &section.set_id).await?, ["p1", "p2"]);
    assert_ne!(section.set_id, registry.set(&["SW1"], "", &[]).await?.set_id);
    let listed = registry.set(&[], &whole.set_id, &["P2", "p3"]).await?;
    assert_eq!(then::members(&registry.db, &listed.set_id).await?, ["p2"]);
    Ok(())
}

#[tokio::test]
async fn a_new_version_answers_from_its_commit_on() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let before = registry.set(&["SW2"], "", &[]).await?;
    let mut pack = given::small_pack();
    pack.service_points[0].bus = "L2".to_owned();
    registry.import(pack).await?;
    let after = registry.set(&["SW2"], "", &[]).await?;
    assert_ne!(before.set_id, after.set_id);
    assert_ne!(before.grid_version, after.grid_version);
    assert_eq!(then::members(&registry.db, &after.set_id).await?, ["p1", "p3"]);
    assert_eq!(
        then::members(&registry.db, &before.set_id).await?,
        ["p3"],
        "a set never changes"
    );
    Ok(())
}

#[tokio::test]
async fn a_stored_set_cannot_be_changed_nor_deleted() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    registry.set(&["SW2"], "", &[]).await?;
    for statement in [
        "update registry.affected_set set count = 0",
        "delete from registry.affected_set_member",
        "update registry.affected_set_member set customer_id = customer_id",
    ] {
        let refused = sqlx::query(statement).execute(registry.db.pool()).await;
        assert!(
            refused.is_err_and(|error| error.to_string().contains("immutable")),
            "{statement}"
        );
    }
    Ok(())
}

/// What members name is there for ever, which no key of theirs has to look up a hundred thousand times.
#[tokio::test]
async fn whom_a_set_may_name_cannot_be_deleted() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    for statement in [
        "delete from registry.contact; delete from registry.service_point",
        "delete from registry.customer",
    ] {
        let refused = sqlx::raw_sql(statement).execute(registry.db.pool()).await;
        assert!(
            refused.is_err_and(|error| error.to_string().contains("stay")),
            "{statement}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn members_come_in_pages_by_service_point() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let set = registry.set(&["SW1"], "", &[]).await?;
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let message = MembersRequest {
            set_id: set.set_id.clone(),
            after,
            limit: 3,
            ..MembersRequest::default()
        };
        let page = registry
            .api
            .members(given::from(&Claims::service("notify"), message))
            .await?
            .into_inner();
        assert!(page.members.len() <= 3);
        seen.extend(page.members.into_iter().map(|member| member.service_point_id));
        after = page.next_after;
        if after.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 4);
    assert!(seen.is_sorted());
    Ok(())
}

/// The whole town goes dark: how long the answer takes is printed, that it is whole is checked.
#[tokio::test]
async fn a_set_of_a_whole_town_is_whole() -> anyhow::Result<()> {
    let pack: Pack = demo::town(7);
    let customers = pack
        .service_points
        .iter()
        .filter(|point| point.in_service)
        .count();
    let devices: Vec<String> = pack
        .network
        .devices
        .iter()
        .map(|device| device.id.clone())
        .collect();
    let ties: Vec<&str> = devices.iter().take(500).map(String::as_str).collect();
    let registry = given::with(pack).await?;
    registry.set(&[ties[0]], "", &[]).await?;
    let began = Instant::now();
    let set = registry.set(&ties, "", &[]).await?;
    println!(
        "{} of {customers} service points in {:?}",
        set.count,
        began.elapsed()
    );
    assert_eq!(
        then::members(&registry.db, &set.set_id).await?.len(),
        set.count as usize
    );
    Ok(())
}

/// A set keeps its service points; who has them is asked for a moment.
#[tokio::test]
async fn members_of_a_moment_are_whoever_had_the_service_points_then() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let set = registry.set(&["SW1"], "", &[]).await?;
    let account = async |at: Option<DateTime<Utc>>| {
        let message = MembersRequest {
            set_id: set.set_id.clone(),
            at: at.map(wire::timestamp),
            ..MembersRequest::default()
        };
        let claims = Claims::service("notify");
        let page = registry
            .api
            .members(given::from(&claims, message))
            .await?
            .into_inner();
        then::accounts(&registry.db, &page.members).await
    };
    let mut pack = given::small_pack();
    pack.service_points[0].account = "A-5".into();
    pack.service_points.remove(1);
    registry
        .import_at(pack.clone(), given::now() + TimeDelta::hours(1))
        .await?;
    let (before, since) = (given::now(), given::now() + TimeDelta::hours(1));
    assert_eq!(
        account(None).await?,
        ["A-1", "A-2", "A-3", "A-4"],
        "as it was made"
    );
    assert_eq!(account(Some(before)).await?, ["A-1", "A-2", "A-3", "A-4"]);
    assert_eq!(
        account(Some(since)).await?,
        ["A-3", "A-4", "A-5"],
        "p2 is not in the network any more"
    );
    pack.service_points[0].account = "A-1".into();
    registry
        .import_at(pack, given::now() + TimeDelta::hours(2))
        .await?;
    assert_eq!(account(Some(before)).await?, ["A-1", "A-2", "A-3", "A-4"]);
    assert_eq!(account(Some(since)).await?, ["A-3", "A-4", "A-5"]);
    assert_eq!(
        account(Some(since + TimeDelta::hours(1))).await?,
        ["A-1", "A-3", "A-4"]
    );
    Ok(())
}

/// Those with own generation can be asked for alone.
#[tokio::test]
async fn members_with_own_generation_come_alone_when_asked() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let set = registry.set(&["SW1"], "", &[]).await?;
    for at in [None, Some(wire::timestamp(given::now()))] {
        let message = MembersRequest {
            set_id: set.set_id.clone(),
            own_generation: true,
            at,
            ..MembersRequest::default()
        };
        let claims = Claims::service("notify");
        let page = registry
            .api
            .members(given::from(&claims, message))
            .await?
            .into_inner();
        assert_eq!(then::accounts(&registry.db, &page.members).await?, ["A-2"]);
    }
    Ok(())
}

/// A member is told with the voltage it is supplied at, also after a pack says another one; none where no pack says it.
#[tokio::test]
async fn members_say_at_which_voltage_they_are_supplied() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let set = registry.set(&["sw1"], "", &[]).await?;
    let volts = async || -> anyhow::Result<Vec<u32>> {
        let ask = MembersRequest {
            set_id: set.set_id.clone(),
            ..MembersRequest::default()
        };
        let asked = given::from(&relight_common::Claims::service("planner"), ask);
        let members = registry.api.members(asked).await?.into_inner().members;
        let mut volts: Vec<u32> = members.iter().map(|one| one.voltage_v).collect();
        volts.sort_unstable();
        Ok(volts)
    };
    assert_eq!(volts().await?, [0, 0, 0, 0]);
    let mut pack = given::small_pack();
    pack.service_points[0].voltage_v = Some(35_000);
    pack.service_points[1].voltage_v = Some(400);
    let report = registry.import(pack).await?;
    assert!(!report.new_version, "the network is the same");
    assert_eq!(report.service_points.rows.changed, 2);
    assert_eq!(volts().await?, [0, 0, 400, 35_000]);
    Ok(())
}

/// Named customers are found without going through the set, and whoever has the point at that moment counts.
#[tokio::test]
async fn named_customers_are_found_among_the_members() -> anyhow::Result<()> {
    use relight_proto::registry::v1::{MembersAmongRequest, set_members_server::SetMembers as _};
    let registry = given::with(given::small_pack()).await?;
    let set = registry.set(&["sw1"], "", &[]).await?;
    let before = given::now();
    let mut ids = Vec::new();
    for account in ["A-2", "A-3", "A-5"] {
        ids.push(then::customer_id(&registry.db, account).await?);
    }
    // p3 changes hands: from.
    let mut pack = given::small_pack();
    pack.service_points[2].account = "A-2".to_owned();
    registry
        .import_at(pack, before + chrono::TimeDelta::hours(1))
        .await?;
    let among = async |hours: i64| -> anyhow::Result<Vec<String>> {
        let ask = MembersAmongRequest {
            set_id: set.set_id.clone(),
            customer_ids: ids.iter().map(uuid::Uuid::to_string).collect(),
            at: Some(relight_common::wire::timestamp(
                before + chrono::TimeDelta::hours(hours),
            )),
        };
        let asked = given::from(&relight_common::Claims::service("notify"), ask);
        let members = registry.api.among(asked).await?.into_inner().members;
        let accounts = then::accounts(&registry.db, &members).await?;
        Ok([accounts, vec![members.len().to_string()]].concat())
    };
    assert_eq!(among(0).await?, ["A-2", "A-3", "2"], "A-5 was dead before");
    assert_eq!(among(2).await?, ["A-2", "2"], "both points are theirs now");
    let missing = MembersAmongRequest {
        set_id: uuid::Uuid::nil().to_string(),
        at: Some(relight_common::wire::timestamp(before)),
        ..MembersAmongRequest::default()
    };
    let asked = given::from(&relight_common::Claims::service("notify"), missing);
    let missing = registry.api.among(asked).await.expect_err("no such set");
    assert_eq!(missing.code(), tonic::Code::NotFound);
    Ok(())
}
