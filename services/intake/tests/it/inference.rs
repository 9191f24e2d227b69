//! What is believed, why, replayed, restarted, switched, and on a new network.

use chrono::TimeDelta;
use prost::Message;
use relight_common::{reader::apply_batch, wire::timestamp};
use relight_intake::{
    consumer::{FromDispatch, FromRegistry},
    worker::Worker,
};
use relight_proto::{
    events::v1::{Event, GridSwitched, WorkOrderStep},
    intake::v1::{self as pb, inferences_server::Inferences},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    given::{House, by_account, dispatcher, from, house_with_network, now},
    signals::{scada, send, signal},
    then,
};

/// Calls all over SW1, one every 20 seconds.
pub async fn a_feeder_calls(house: &House, calls: u32) -> anyhow::Result<String> {
    for n in 0..calls {
        house
            .accept(by_account(&format!("A-1-{}-{}", n % 10 + 1, n / 10 + 1)))
            .await?;
        house.later(TimeDelta::seconds(20));
    }
    house.group().await?;
    Ok(then::open(house).await?.remove(0).incident_id)
}

pub fn event(seq: u64, kind: &str, data: Vec<u8>) -> Event {
    Event {
        id: Uuid::now_v7().to_string(),
        r#type: kind.to_owned(),
        subject: Uuid::now_v7().to_string(),
        version: 1,
        seq,
        data,
        ..Default::default()
    }
}

pub async fn restored(house: &House, seq: u64, incident: &str, set: &str, all: bool) -> anyhow::Result<()> {
    let step = WorkOrderStep {
        incident_id: incident.to_owned(),
        step: if all { "restored" } else { "section_restored" }.to_owned(),
        at: Some(timestamp(house.clock.now())),
        restored_set_id: set.to_owned(),
        all,
        ..Default::default()
    };
    let events = vec![event(seq, "workorder.step", step.encode_to_vec())];
    let consumer = FromDispatch::new(house.desk.clone());
    apply_batch(
        &house.db,
        "dispatch",
        0,
        events,
        &consumer,
        &CancellationToken::new(),
    )
    .await?;
    let parked: Vec<String> = sqlx::query_scalar("select reason from dead_letter")
        .fetch_all(house.db.pool())
        .await?;
    assert!(parked.is_empty(), "{parked:?}");
    house.group().await?;
    Ok(())
}

#[tokio::test]
async fn a_guess_comes_with_candidates_a_reason_in_both_languages_and_a_ping() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let id = a_feeder_calls(&house, 4).await?;
    let ask = pb::GetInferenceRequest {
        incident_id: id.clone(),
    };
    let told = house.api.get(from(dispatcher(), ask)).await?.into_inner();
    assert_eq!(told.candidates[0].device_id, "SW1");
    assert!(told.candidates.len() > 1 && told.confidence > 0.3, "{told:?}");
    let why = told.explanation.expect("a reason");
    assert!(
        why.en.contains("switch SW1") && why.zh.contains("开关 SW1"),
        "{why:?}"
    );
    let pings = house
        .api
        .pings_wanted(from(scada(), pb::PingsWantedRequest {}))
        .await?
        .into_inner();
    let ping = pings
        .pings
        .iter()
        .find(|ping| ping.incident_id == id)
        .expect("a ping is wanted");
    assert!(
        ping.load_id.starts_with("L2-"),
        "who hangs below the one and not below the other: {ping:?}"
    );
    assert_eq!(ping.device_ids.len(), 2);
    // The answer settles it: below the breaker but not below the switch there is supply.
    let before = told.confidence;
    send(
        &house,
        vec![signal("1", "ping_on", &ping.load_id, house.clock.now())],
    )
    .await?;
    house.group().await?;
    let ask = pb::GetInferenceRequest { incident_id: id };
    let told = house.api.get(from(dispatcher(), ask)).await?.into_inner();
    assert!(told.confidence > before, "{} then {}", before, told.confidence);
    assert_eq!(told.candidates[0].device_id, "SW1");
    Ok(())
}

#[tokio::test]
async fn a_decision_can_be_replayed_from_stored_evidence() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let id = a_feeder_calls(&house, 12).await?;
    let ask = pb::ReplayRequest {
        incident_id: id.clone(),
    };
    let again = house.api.replay(from(dispatcher(), ask)).await?.into_inner();
    assert!(
        again.same && again.device_id == "SW1" && !again.decisions.is_empty(),
        "{again:?}"
    );
    let ask = pb::EvidenceRequest { incident_id: id };
    let told = house.api.evidence(from(dispatcher(), ask)).await?.into_inner();
    assert_eq!(told.evidence.len(), 12);
    assert!(
        told.evidence
            .iter()
            .all(|piece| piece.kind == "call" && !piece.report_id.is_empty())
    );
    assert!(told.decisions.iter().any(|decision| decision.device_id == "SW1"));
    Ok(())
}

#[tokio::test]
async fn a_restart_in_the_middle_of_a_storm_changes_nothing() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    a_feeder_calls(&house, 15).await?;
    let before = then::open(&house).await?;
    let told = then::incidents_told(&house.db).await?.len();
    let other = Worker::new(house.desk.clone());
    other.pass(None, house.desk.atlas.town().as_ref(), true).await?;
    assert_eq!(then::open(&house).await?, before);
    assert_eq!(
        then::incidents_told(&house.db).await?.len(),
        told,
        "nothing new is told"
    );
    // It goes on where the first one stopped.
    house.accept(by_account("A-1-3-4")).await?;
    other.pass(None, house.desk.atlas.town().as_ref(), false).await?;
    let after = then::open(&house).await?;
    assert_eq!((after.len(), after[0].report_count), (1, 16));
    assert_eq!(after[0].incident_id, before[0].incident_id);
    Ok(())
}

#[tokio::test]
async fn somebody_still_off_in_a_restored_section_is_a_child_with_its_own_clock() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let parent = a_feeder_calls(&house, 12).await?;
    house.later(TimeDelta::hours(1));
    // The section of T1-1: its first customer had called, its last had not.
    let points =
        (1..=4).map(|c| relight_common::ids::derived_from_name(&format!("point A-1-1-{c}")).to_string());
    house.others.say(|script| {
        script.members.insert("section".to_owned(), points.collect());
    });
    restored(&house, 1, &parent, "section", false).await?;
    assert_eq!(then::open(&house).await?.len(), 1, "the others are still off");
    house.later(TimeDelta::minutes(10));
    let called_at = house.clock.now();
    let report = house.accept(by_account("A-1-1-4")).await?;
    assert_eq!(report.triage, "new");
    house.group().await?;
    let open = then::open(&house).await?;
    let child = open
        .iter()
        .find(|one| one.incident_id != parent)
        .expect("a child");
    assert_eq!(
        (child.parent_id.as_str(), child.report_count, child.accepted_at),
        (parent.as_str(), 1, Some(timestamp(called_at)))
    );
    let told = then::incidents_told(&house.db).await?;
    assert!(
        told.iter()
            .any(|told| told.incident_id == child.incident_id && told.parent_id == parent)
    );
    Ok(())
}

#[tokio::test]
async fn a_switching_is_weighed_and_a_new_network_keeps_the_history() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let id = a_feeder_calls(&house, 12).await?;
    let switched = GridSwitched {
        grid_version: Uuid::from_u128(7).to_string(),
        state_no: 1,
        opened: vec!["SW2".to_owned()],
        at: Some(timestamp(house.clock.now())),
        ..Default::default()
    };
    let events = vec![event(1, "grid.switched", switched.encode_to_vec())];
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
    // Meters below what was opened on purpose are no fault.
    let off = (1..=4).map(|c| {
        signal(
            &format!("{c}"),
            "last_gasp",
            &format!("L2-1-{c}"),
            house.clock.now(),
        )
    });
    send(&house, off.collect()).await?;
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].incident_id.as_str()), (1, id.as_str()));
    // With SW2 open the breaker puts out the same as SW1.
    assert!(["SW1", "CB"].contains(&open[0].device_id.as_str()), "{open:?}");

    // A new version without feeder 1's last transformer.
    let mut network = crate::given::network();
    network.devices.retain(|device| device.id != "T1-10");
    network.loads.retain(|load| load.bus != "low1-10");
    network.buses.retain(|bus| bus.id != "low1-10");
    let bytes = relight_grid::snapshot::write(&network)?;
    house
        .others
        .say(|script| script.network = Some((Uuid::from_u128(8).to_string(), bytes)));
    house.desk.atlas.load().await?;
    let switched = GridSwitched {
        grid_version: Uuid::from_u128(8).to_string(),
        ..switched
    };
    let events = vec![event(2, "grid.switched", switched.encode_to_vec())];
    apply_batch(
        &house.db,
        "registry",
        0,
        events,
        &consumer,
        &CancellationToken::new(),
    )
    .await?;
    house.accept(by_account("A-1-2-3")).await?;
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].incident_id.as_str()), (1, id.as_str()));
    assert_eq!(open[0].report_count, 13, "also those whose place is gone");
    // Who calls from a place that is gone is told so, and the report is kept.
    let left = house.accept(by_account("A-1-10-4")).await?;
    assert_eq!(left.triage, "left");
    assert!(left.say.expect("words").en.contains("has ended"));
    house.group().await?;
    let total: u32 = then::open(&house).await?.iter().map(|one| one.report_count).sum();
    assert_eq!(total, 14, "nothing is lost");
    assert!(now() < house.clock.now());
    Ok(())
}

/// The registry's telemetry saw a switch opening that nobody had asked for: that is a fault, and those below it are not dark on
/// purpose, also after the next switching.
#[tokio::test]
async fn a_switch_that_trips_is_a_fault_and_not_a_switching() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let consumer = FromRegistry::new(house.desk.clone());
    let told = async |n: u8, switched: GridSwitched| {
        let switched = GridSwitched {
            grid_version: Uuid::from_u128(7).to_string(),
            state_no: n.into(),
            at: Some(timestamp(house.clock.now())),
            ..switched
        };
        let events = vec![event(n.into(), "grid.switched", switched.encode_to_vec())];
        apply_batch(
            &house.db,
            "registry",
            0,
            events,
            &consumer,
            &CancellationToken::new(),
        )
        .await?;
        house.group().await
    };
    let trip = GridSwitched {
        opened: vec!["SW2".to_owned()],
        device_id: "SW2".to_owned(),
        seen_only: true,
        ..Default::default()
    };
    told(1, trip.clone()).await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].device_id.as_str()), (1, "SW2"), "{open:?}");
    // Another one by order, at the other feeder: the trip is still one.
    let order = GridSwitched {
        opened: vec!["SW1".to_owned(), "SW2".to_owned()],
        device_id: "SW1".to_owned(),
        ..Default::default()
    };
    told(2, order).await?;
    house.accept(by_account("A-2-1-1")).await?;
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].report_count), (1, 1), "{open:?}");
    Ok(())
}

/// The process ends while a switch is open: the one that takes over knows it before it decides anything.
#[tokio::test]
async fn a_restart_while_a_switch_is_open_knows_it_before_it_answers() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let switched = GridSwitched {
        grid_version: Uuid::from_u128(7).to_string(),
        state_no: 1,
        opened: vec!["SW2".to_owned()],
        at: Some(timestamp(house.clock.now())),
        ..Default::default()
    };
    let consumer = FromRegistry::new(house.desk.clone());
    let events = vec![event(1, "grid.switched", switched.encode_to_vec())];
    let stop = CancellationToken::new();
    apply_batch(&house.db, "registry", 0, events, &consumer, &stop).await?;
    // One process weighed it, and what comes next comes to another one, which loads the network itself.
    house.group().await?;
    house.later(TimeDelta::minutes(5));
    let off = (1..=4).map(|c| {
        let name = format!("L2-1-{c}");
        signal(&format!("{c}"), "last_gasp", &name, house.clock.now())
    });
    send(&house, off.collect()).await?;
    let other = house.restarted().await?;
    assert!(other.atlas.town().is_none());
    let worker = Worker::new(other.clone());
    other.atlas.load().await?;
    worker.pass(None, other.atlas.town().as_ref(), true).await?;
    assert_eq!(
        then::open(&house).await?,
        [],
        "dark by switching on purpose, which is no fault"
    );
    // What is not below the switch is one.
    let off = (1..=4).map(|c| {
        let name = format!("L1-1-{c}");
        signal(&format!("1{c}"), "last_gasp", &name, house.clock.now())
    });
    send(&house, off.collect()).await?;
    worker.pass(None, other.atlas.town().as_ref(), false).await?;
    assert_eq!(then::open(&house).await?.len(), 1);
    Ok(())
}

/// So many words of meters, one a second up to `ago`.
async fn meters_say_on(house: &House, count: i64, ago: TimeDelta) -> anyhow::Result<()> {
    sqlx::query(
        "insert into intake.evidence (id, source, external_id, kind, load_id, at, received_at)
         select gen_random_uuid(), 'scada', $3 || '/' || n, 'ping_on',
             'L' || n % 2 + 1 || '-' || n / 2 % 10 + 1 || '-' || n / 20 % 4 + 1, $1 - n * interval '1 second', $1
         from generate_series(0, $2 - 1) as n",
    )
    .bind(house.clock.now() - ago)
    .bind(count)
    .bind(Uuid::now_v7().to_string())
    .execute(house.db.pool())
    .await?;
    while house.group().await? > 0 {}
    Ok(())
}

/// Nothing waits for the hour at which everything is built again: the more is heard, the sooner the old is forgotten.
#[tokio::test]
async fn what_is_long_past_is_forgotten_while_much_is_heard() -> anyhow::Result<()> {
    let mut house = house_with_network().await?;
    house.worker = Worker::new(house.desk.clone()).growing_by(2_000);
    house.group().await?;
    let memory = house.desk.numbers_of.memory;
    meters_say_on(&house, 2_500, memory - TimeDelta::hours(2)).await?;
    assert_eq!(house.worker.heard().await, 2_500, "young enough to be needed");
    house.later(TimeDelta::hours(3));
    house.group().await?;
    assert_eq!(house.worker.heard().await, 2_500, "not worth while yet");
    meters_say_on(&house, 7_200, TimeDelta::zero()).await?;
    assert_eq!(house.worker.heard().await, 7_200, "the first ones are gone");
    Ok(())
}
