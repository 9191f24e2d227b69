//! What intake tells, and what becomes of the orders.

use prost::Message;
use relight_common::{reader::apply_batch, wire::timestamp};
use relight_dispatch::{consumer::FromIntake, store::incident::Standing};
use relight_proto::events::v1::{Event, IncidentChanged};
use tokio_util::sync::CancellationToken;

use crate::{given::*, then};

fn changed(seq: u64, version: u64, change: impl FnOnce(&mut IncidentChanged)) -> Event {
    let mut told = IncidentChanged {
        incident_id: incident(1).to_string(),
        state: "open".to_owned(),
        accepted_at: Some(timestamp(t0())),
        affected_count: 7,
        zone: "Asia/Shanghai".to_owned(),
        ..Default::default()
    };
    change(&mut told);
    Event {
        id: uuid::Uuid::now_v7().to_string(),
        r#type: "incident.changed".to_owned(),
        subject: incident(1).to_string(),
        org_path: format!("{CITY}/station1"),
        version,
        seq,
        data: told.encode_to_vec(),
        ..Default::default()
    }
}

async fn read(house: &House, events: Vec<Event>) -> anyhow::Result<i64> {
    let consumer = FromIntake::new(house.pack.clone());
    Ok(apply_batch(
        &house.db,
        "intake",
        0,
        events,
        &consumer,
        &CancellationToken::new(),
    )
    .await?)
}

#[tokio::test]
async fn events_open_one_order_and_keep_it_up_to_date_also_doubled_late_or_unknown() -> anyhow::Result<()> {
    let house = house().await?;
    let unknown = Event {
        r#type: "incident.sang".to_owned(),
        ..changed(3, 9, |_| {})
    };
    let events = vec![
        changed(1, 2, |told| told.affected_count = 9),
        changed(2, 1, |_| {}),
        unknown,
    ];
    assert_eq!(read(&house, events.clone()).await?, 3);
    assert_eq!(read(&house, events).await?, 3);
    let order = house.view(order(1)).await?;
    assert_eq!(
        (order.state.as_str(), order.affected_count),
        ("triaged", 9),
        "the later version stays"
    );
    assert_eq!(then::words(&house.db).await?, ["opened"]);
    Ok(())
}

#[tokio::test]
async fn a_damaged_event_is_parked_with_its_aggregate_and_the_others_go_on() -> anyhow::Result<()> {
    let house = house().await?;
    let broken = changed(1, 1, |told| told.state = "wet".to_owned());
    let mut other = changed(2, 1, |told| told.incident_id = incident(2).to_string());
    other.subject = incident(2).to_string();
    assert_eq!(read(&house, vec![broken, other]).await?, 2);
    assert_eq!(
        then::count(
            &house.db,
            "select count(*) from dead_letter where reason like 'state: must be open%'"
        )
        .await?,
        1
    );
    assert_eq!(house.view(order(2)).await?.state, "triaged");
    Ok(())
}

#[tokio::test]
async fn orders_number_from_one_each_local_day() -> anyhow::Result<()> {
    let house = house().await?;
    house.opened(1).await?;
    house.opened(2).await?;
    house.clock.advance(minutes(15 * 60));
    // 17:00 UTC is one o'clock of the next day in Shanghai.
    house.opened(3).await?;
    let numbers: Vec<String> = sqlx::query_scalar("select number from work_order order by opened_at, number")
        .fetch_all(house.db.pool())
        .await?;
    assert_eq!(numbers, ["W-20260301-0001", "W-20260301-0002", "W-20260302-0001"]);
    Ok(())
}

#[tokio::test]
async fn an_earlier_acceptance_moves_the_arrival_clock_and_a_later_one_does_not() -> anyhow::Result<()> {
    let house = house().await?;
    let mut told = an_incident(1);
    house.told(&told).await?;
    (told.version, told.accepted_at) = (2, t0() - minutes(10));
    house.told(&told).await?;
    (told.version, told.accepted_at) = (3, t0());
    house.told(&told).await?;
    let order = house.view(order(1)).await?;
    assert_eq!(order.accepted_at, Some(timestamp(t0() - minutes(10))));
    assert_eq!(
        then::clock(&order, "arrival").due_at,
        Some(timestamp(t0() + minutes(35)))
    );
    // 70 % of the moved clock, a long time before 70 % of the first one.
    house.later(minutes(21) + seconds(30)).await?;
    let levels: Vec<_> = then::alarms(&house.db)
        .await?
        .into_iter()
        .map(|(_, level, ..)| level)
        .collect();
    assert_eq!(levels, ["watch"], "the timer moved too");
    Ok(())
}

#[tokio::test]
async fn a_merged_incident_merges_its_order_and_the_parent_keeps_the_earliest_acceptance()
-> anyhow::Result<()> {
    let house = house().await?;
    let (mut child, parent) = (an_incident(1), an_incident(2));
    child.accepted_at = t0() - minutes(20);
    house.told(&child).await?;
    (child.version, child.standing) = (2, Standing::Merged { into: parent.id });
    // The parent's own news comes after the merge.
    house.told(&child).await?;
    house.told(&parent).await?;
    let merged = house.view(order(1)).await?;
    assert_eq!(
        (merged.state.as_str(), merged.merged_into),
        ("merged", order(2).to_string())
    );
    assert!(merged.clocks.iter().all(|clock| clock.stopped_at.is_some()));
    let kept = house.view(order(2)).await?;
    assert_eq!(kept.accepted_at, Some(timestamp(t0() - minutes(20))));
    assert_eq!(
        then::clock(&kept, "arrival").due_at,
        Some(timestamp(t0() + minutes(25)))
    );
    Ok(())
}

#[tokio::test]
async fn a_parent_that_is_there_already_takes_the_earlier_acceptance_over() -> anyhow::Result<()> {
    let house = house().await?;
    let mut child = an_incident(1);
    child.accepted_at = t0() - minutes(20);
    house.told(&an_incident(2)).await?;
    house.told(&child).await?;
    (child.version, child.standing) = (2, Standing::Merged { into: incident(2) });
    house.told(&child).await?;
    assert_eq!(
        house.view(order(2)).await?.accepted_at,
        Some(timestamp(t0() - minutes(20)))
    );
    (child.version, child.standing) = (3, Standing::Open);
    house.told(&child).await?;
    let again = house.view(order(1)).await?;
    assert_eq!(again.state, "triaged", "split off again");
    assert_eq!(
        then::clock(&again, "arrival").due_at,
        Some(timestamp(t0() + minutes(25))),
        "on its own acceptance"
    );
    Ok(())
}

#[tokio::test]
async fn a_closed_incident_withdraws_its_order_only_while_nobody_is_on_it() -> anyhow::Result<()> {
    let house = house().await?;
    let mut waiting = an_incident(2);
    house.told(&waiting).await?;
    house.act(dispatcher(), order(2), dispatch(1)).await?;
    (waiting.version, waiting.standing) = (2, Standing::Closed);
    house.told(&waiting).await?;
    assert_eq!(house.view(order(2)).await?.state, "withdrawn");
    let busy = house.brought_to("taken").await?;
    let closed = relight_dispatch::store::incident::Incident {
        version: 2,
        standing: Standing::Closed,
        ..an_incident(1)
    };
    house.told(&closed).await?;
    assert_eq!(house.view(busy).await?.state, "taken");
    house.later(minutes(5)).await?;
    assert!(
        then::alarms(&house.db).await?.is_empty(),
        "a withdrawn offer does not lapse"
    );
    Ok(())
}

#[tokio::test]
async fn what_the_customer_opened_again_is_not_the_incidents_to_end() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("replied").await?;
    house.act(agent(), order, call_back("still_off")).await?;
    let closed = relight_dispatch::store::incident::Incident {
        version: 2,
        standing: Standing::Closed,
        ..an_incident(1)
    };
    house.told(&closed).await?;
    assert_eq!(house.view(order).await?.state, "triaged");
    Ok(())
}
