//! Reports become incidents, in the small network and on the real feeder.

use chrono::TimeDelta;
use relight_common::wire::timestamp;
use relight_proto::{common::v1::AreaClass, intake::v1::intake_server::Intake};
use tonic::Status;

use crate::{
    given::{by_account, dispatcher, from, house, house_with_network, now},
    then,
};

#[tokio::test]
async fn neighbours_become_one_incident_at_their_transformer_without_a_network() -> anyhow::Result<()> {
    let house = house().await?;
    for customer in 1..=3 {
        house.accept(by_account(&format!("A-1-1-{customer}"))).await?;
        house.later(TimeDelta::seconds(20));
    }
    house.accept(by_account("A-2-1-1")).await?;
    assert_eq!(house.group().await?, 4);
    let open = then::open(&house).await?;
    let seen: Vec<_> = open
        .iter()
        .map(|i| (i.device_id.as_str(), i.report_count))
        .collect();
    assert_eq!(seen, [("T2-1", 1), ("T1-1", 3)]);
    assert_eq!(open[1].accepted_at, Some(timestamp(now())));
    assert!(open[1].important && !open[1].life_support && !open[1].confirmed);
    Ok(())
}

#[tokio::test]
async fn forty_customers_below_one_switch_over_ten_minutes_are_one_incident_there() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    for n in 0..40 {
        // The transformers take turns, each customer once.
        house
            .accept(by_account(&format!("A-1-{}-{}", n * 7 % 10 + 1, n / 10 + 1)))
            .await?;
        house.later(TimeDelta::seconds(15));
        if n % 3 == 0 {
            house.group().await?;
        }
    }
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!(open.len(), 1);
    assert_eq!(
        (open[0].device_id.as_str(), open[0].device_kind.as_str()),
        ("SW1", "switch")
    );
    assert_eq!(
        (open[0].report_count, open[0].accepted_at),
        (40, Some(timestamp(now())))
    );
    assert_eq!(
        (open[0].area_class(), open[0].life_support),
        (AreaClass::Urban, true)
    );
    assert_eq!(open[0].org_path, "demo/east");

    // What was told ends there as well: one open incident with every reporter once, the others merged into it.
    let told = then::incidents_told(&house.db).await?;
    let last = |id: &str| told.iter().rfind(|told| told.incident_id == id).unwrap();
    let final_one = last(&open[0].incident_id);
    assert_eq!(
        (final_one.state.as_str(), final_one.reporters.len()),
        ("open", 40)
    );
    assert_eq!(final_one.zone, "Asia/Shanghai");
    let merged = then::in_state(&house, "merged").await?;
    for gone in &merged {
        assert_eq!(gone.merged_into, open[0].incident_id);
        assert_eq!(
            (
                last(&gone.incident_id).state.as_str(),
                last(&gone.incident_id).reporters.len()
            ),
            ("merged", 0)
        );
    }
    let ids: std::collections::BTreeSet<_> = told.iter().map(|told| &told.incident_id).collect();
    assert_eq!(ids.len(), merged.len() + 1, "nothing else was ever told");
    let links: i64 =
        sqlx::query_scalar("select count(*) from intake.report_link where incident_id = $1::uuid")
            .bind(uuid::Uuid::parse_str(&open[0].incident_id)?)
            .fetch_one(house.db.pool())
            .await?;
    assert_eq!(links, 40);
    Ok(())
}

#[tokio::test]
async fn a_lone_fault_beside_a_large_one_stays_its_own() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    for t in 1..=6 {
        house.accept(by_account(&format!("A-1-{t}-1"))).await?;
    }
    house.later(TimeDelta::minutes(45));
    house.accept(by_account("A-2-9-1")).await?;
    house.group().await?;
    let devices: Vec<_> = then::open(&house)
        .await?
        .into_iter()
        .map(|i| i.device_id)
        .collect();
    assert_eq!(devices, ["T2-9", "SW1"]);
    Ok(())
}

#[tokio::test]
async fn a_network_that_comes_late_brings_incidents_together() -> anyhow::Result<()> {
    let house = house().await?;
    for t in 1..=5 {
        house.accept(by_account(&format!("A-1-{t}-1"))).await?;
    }
    house.group().await?;
    assert_eq!(then::open(&house).await?.len(), 5);
    house.desk.atlas.load().await?;
    let worker = relight_intake::worker::Worker::new(house.desk.clone());
    worker.pass(None, house.desk.atlas.town().as_ref(), true).await?;
    let open = then::open(&house).await?;
    assert_eq!(
        (open.len(), open[0].device_id.as_str(), open[0].report_count),
        (1, "SW1", 5)
    );
    Ok(())
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_stores_nothing() -> anyhow::Result<()> {
    let house = house().await?;
    house.accept(by_account("A-1-1-1")).await?;
    let (one, other) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
    let take = |holder, ttl| relight_common::lease::take(house.db.pool(), "grouping", holder, ttl);
    let old = take(one, std::time::Duration::from_millis(1)).await?.unwrap();
    let new = loop {
        if let Some(lease) = take(other, relight_common::lease::TTL).await? {
            break lease;
        }
    };
    let worker = relight_intake::worker::Worker::new(house.desk.clone());
    assert!(worker.pass(Some(&old), None, false).await.is_err());
    assert_eq!(then::count(&house.db, "incident").await?, 0);
    assert_eq!(worker.pass(Some(&new), None, false).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_network_is_loaded_once_per_version_and_a_broken_one_is_refused() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let before = house.desk.atlas.town().unwrap();
    house.desk.atlas.load().await?;
    assert_eq!(
        house.others.asked("list_service_points"),
        1,
        "nothing new, nothing fetched"
    );
    house
        .others
        .say(|script| script.network = Some((uuid::Uuid::now_v7().to_string(), b"not a grid".to_vec())));
    assert!(house.desk.atlas.load().await.is_err());
    house
        .others
        .say(|script| script.failure = Some(Status::unavailable("away")));
    assert!(house.desk.atlas.load().await.is_err());
    assert_eq!(
        house.desk.atlas.town().unwrap().version(),
        before.version(),
        "the old one stays"
    );
    Ok(())
}

#[tokio::test]
async fn urges_of_many_are_counted_on_the_incident_and_told_once() -> anyhow::Result<()> {
    let house = house().await?;
    let report = house.accept(by_account("A-1-1-1")).await?;
    house.accept(by_account("A-1-1-2")).await?;
    house.group().await?;
    let told = then::incidents_told(&house.db).await?.len();
    house.accept(by_account("A-1-1-1")).await?;
    house.accept(by_account("A-1-1-2")).await?;
    let urge = relight_proto::intake::v1::UrgeRequest {
        command_id: uuid::Uuid::now_v7().to_string(),
        report_id: report.report_id,
    };
    let reply = house
        .api
        .urge(from(dispatcher(), urge.clone()))
        .await?
        .into_inner();
    assert_eq!((reply.triage.as_str(), reply.urge_count), ("urge", 2));
    let again = house.api.urge(from(dispatcher(), urge)).await?.into_inner();
    assert_eq!(again, reply);
    house.group().await?;
    let all = then::incidents_told(&house.db).await?;
    assert_eq!((all.len(), all[told].urge_count), (told + 1, 3));
    assert_eq!(house.group().await?, 0);
    assert_eq!(then::incidents_told(&house.db).await?.len(), told + 1);
    Ok(())
}
