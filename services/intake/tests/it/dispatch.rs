//! What dispatch and registry tell changes incidents and reports.

use prost::Message;
use relight_common::reader::apply_batch;
use relight_intake::consumer::{FromDispatch, FromRegistry};
use relight_proto::{
    events::v1::{CustomerChanged, Event, WorkOrderStep},
    intake::v1::{self as pb, intake_server::Intake},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    given::{House, by_account, customer_id, dispatcher, from, house},
    then,
};

fn event(seq: u64, kind: &str, data: Vec<u8>) -> Event {
    Event {
        id: Uuid::now_v7().to_string(),
        source: "dispatch".to_owned(),
        r#type: kind.to_owned(),
        subject: Uuid::now_v7().to_string(),
        version: 1,
        seq,
        data,
        ..Default::default()
    }
}

pub fn step(seq: u64, incident: &str, step: &str, change: impl FnOnce(&mut WorkOrderStep)) -> Event {
    let mut told = WorkOrderStep {
        incident_id: incident.to_owned(),
        step: step.to_owned(),
        ..Default::default()
    };
    change(&mut told);
    event(seq, "workorder.step", told.encode_to_vec())
}

pub async fn tell(house: &House, events: Vec<Event>) -> anyhow::Result<i64> {
    Ok(apply_batch(
        &house.db,
        "dispatch",
        0,
        events,
        &FromDispatch::new(house.desk.clone()),
        &CancellationToken::new(),
    )
    .await?)
}

#[tokio::test]
async fn an_incident_closes_when_all_are_restored_and_a_call_back_opens_it_again() -> anyhow::Result<()> {
    let house = house().await?;
    let report = house.accept(by_account("A-1-1-1")).await?;
    house.group().await?;
    let id = then::open(&house).await?.remove(0).incident_id;
    let part = step(1, &id, "section_restored", |_| ());
    tell(&house, vec![step(2, &id, "en_route", |_| ()), part]).await?;
    assert_eq!(then::open(&house).await?.len(), 1);
    let all = step(3, &id, "restored", |step| step.all = true);
    tell(&house, vec![all.clone(), step(4, &id, "archived", |_| ())]).await?;
    // The same events again: already read.
    tell(&house, vec![all]).await?;
    assert!(then::open(&house).await?.is_empty());
    let told = then::incidents_told(&house.db).await?;
    assert_eq!((told.len(), told[1].state.as_str()), (2, "closed"));

    // Urging what is over is refused, a new report is a new fault.
    let urge = pb::UrgeRequest {
        command_id: Uuid::now_v7().to_string(),
        report_id: report.report_id,
    };
    let refused = house.api.urge(from(dispatcher(), urge)).await.unwrap_err();
    assert_eq!(refused.code(), relight_common::Code::FailedPrecondition);
    assert_eq!(house.accept(by_account("A-1-1-1")).await?.triage, "new");

    let still_off = step(5, &id, "called_back", |step| {
        step.call_back_result = "still_off".to_owned()
    });
    tell(&house, vec![still_off]).await?;
    assert_eq!(then::open(&house).await?[0].incident_id, id);
    Ok(())
}

#[tokio::test]
async fn what_dispatch_says_of_strangers_or_in_the_future_is_passed_over() -> anyhow::Result<()> {
    let house = house().await?;
    let reached = tell(
        &house,
        vec![
            step(1, &Uuid::now_v7().to_string(), "restored", |_| ()),
            step(2, "not an id", "restored", |_| ()),
            event(3, "crew.changed", Vec::new()),
            event(4, "a.type.of.a.later.release", vec![1, 2, 3]),
            event(5, "workorder.step", vec![0xff, 0xff]),
            step(6, "", "archived", |_| ()),
        ],
    )
    .await?;
    assert_eq!(reached, 6);
    let parked: Vec<i64> = sqlx::query_scalar("select seq from dead_letter")
        .fetch_all(house.db.pool())
        .await?;
    assert_eq!(parked, [5], "only what cannot be read is parked");
    Ok(())
}

#[tokio::test]
async fn a_changed_customer_is_looked_up_again() -> anyhow::Result<()> {
    let house = house().await?;
    house.accept(by_account("A-1-1-1")).await?;
    let changed = CustomerChanged {
        customer_id: customer_id("A-1-1-1").to_string(),
    };
    let events = vec![
        event(1, "customer.changed", changed.encode_to_vec()),
        event(2, "grid.versioned", Vec::new()),
    ];
    let consumer = FromRegistry::new(house.desk.clone());
    apply_batch(
        &house.db,
        "registry",
        0,
        events,
        &consumer,
        &CancellationToken::new(),
    )
    .await?;
    house.accept(by_account("A-1-1-1")).await?;
    assert_eq!(house.others.asked("points_of_accounts"), 2);
    Ok(())
}
