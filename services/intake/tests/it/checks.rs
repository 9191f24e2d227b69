//! After a restoration: who is asked, by meter or text, what their answers do, and that none of it is done twice.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use prost::Message;
use relight_common::{reader::apply_batch, timer::fire_due, wire::timestamp};
use relight_intake::{
    check::Timers,
    consumer::{FromDispatch, FromNotify},
    reconcile::Mender,
};
use relight_proto::{
    events::v1::{RestorationAnswer, RestorationQuestion, WorkOrderStep, restoration_question::Asked},
    intake::v1::{self as pb, inferences_server::Inferences, restoration_checks_server::RestorationChecks},
};
use tokio_util::sync::CancellationToken;

use crate::{
    given::{House, by_account, customer, customer_id, dispatcher, from, house_with_network},
    inference::{a_feeder_calls, event, restored},
    signals::{scada, send, signal},
    then,
};

pub const STEPS: [&str; 2] = ["section", "rest"];

/// Feeder 1 called; the section of T1-1 (with one on life-support and an important one) is known as a set.
pub async fn dark() -> anyhow::Result<(House, String)> {
    let house = house_with_network().await?;
    let parent = a_feeder_calls(&house, 12).await?;
    house.later(TimeDelta::hours(1));
    house.others.say(|script| {
        script.members.insert(STEPS[0].to_owned(), points(1));
    });
    Ok((house, parent))
}

fn points(transformer: u32) -> Vec<String> {
    let point = |c| {
        let name = format!("point A-1-{transformer}-{c}");
        relight_common::ids::derived_from_name(&name).to_string()
    };
    (1..=4).map(point).collect()
}

pub async fn questions(house: &House) -> anyhow::Result<Vec<RestorationQuestion>> {
    then::told(&house.db, "restoration.question").await
}

pub async fn asked(house: &House) -> anyhow::Result<Vec<Asked>> {
    Ok(questions(house)
        .await?
        .into_iter()
        .flat_map(|one| one.asked)
        .collect())
}

pub async fn said(house: &House, seq: u64, of: &Asked, said: &str) -> anyhow::Result<()> {
    let answer = RestorationAnswer {
        asked_id: of.asked_id.clone(),
        said: said.to_owned(),
        at: Some(timestamp(house.clock.now())),
        ..Default::default()
    };
    let events = vec![event(seq, "restoration.answer", answer.encode_to_vec())];
    let consumer = FromNotify::new(house.desk.clone());
    apply_batch(
        &house.db,
        "notify",
        0,
        events,
        &consumer,
        &CancellationToken::new(),
    )
    .await?;
    house.group().await?;
    Ok(())
}

pub async fn counted(house: &House, incident: &str) -> anyhow::Result<pb::RestorationCheck> {
    let request = pb::RestorationChecksRequest {
        incident_id: incident.to_owned(),
    };
    let reply = house.api.of(from(dispatcher(), request)).await?.into_inner();
    Ok(reply.total.unwrap_or_default())
}

/// (yes, no, silent, waiting)
pub fn answers(one: &pb::RestorationCheck) -> (u32, u32, u32, u32) {
    (one.yes, one.no, one.silent, one.waiting)
}

async fn pings(house: &House) -> anyhow::Result<BTreeSet<String>> {
    let reply = house
        .api
        .pings_wanted(from(scada(), pb::PingsWantedRequest {}))
        .await?;
    let pings = reply.into_inner().pings.into_iter();
    Ok(pings
        .filter(|ping| ping.why == "restored")
        .map(|ping| ping.load_id)
        .collect())
}

pub async fn fire(house: &House) -> anyhow::Result<usize> {
    let timers = Timers::new(house.desk.clone());
    Ok(fire_due(&house.db, house.clock.now(), &timers).await?)
}

pub async fn children(house: &House, parent: &str) -> anyhow::Result<Vec<pb::Incident>> {
    let mut open = then::open(house).await?;
    open.retain(|one| one.parent_id == parent);
    Ok(open)
}

#[tokio::test]
async fn a_restored_section_is_asked_once_and_still_off_is_a_child_with_its_own_clock() -> anyhow::Result<()>
{
    let (house, parent) = dark().await?;
    restored(&house, 1, &parent, STEPS[0], false).await?;
    let first = asked(&house).await?;
    assert_eq!(first.len(), 3, "the least, of four: {first:?}");
    let customers: BTreeSet<&str> = first.iter().map(|one| one.customer_id.as_str()).collect();
    for account in ["A-1-1-4", "A-1-1-3"] {
        let id = customer_id(account).to_string();
        assert!(customers.contains(id.as_str()), "{account} comes first");
    }
    let by_night = |account: &str| {
        let id = customer_id(account).to_string();
        first
            .iter()
            .find(|one| one.customer_id == id)
            .is_some_and(|one| one.night)
    };
    assert!(by_night("A-1-1-4"), "life-support");
    assert!(!by_night("A-1-1-3"), "neither reported nor on life-support");
    let question = questions(&house).await?.remove(0);
    assert_eq!(
        question.not_before,
        Some(timestamp(house.clock.now() + TimeDelta::minutes(10)))
    );

    // The step once more, under an id of its own: nobody is asked twice about one incident.
    restored(&house, 2, &parent, STEPS[0], false).await?;
    let again: BTreeSet<String> = asked(&house)
        .await?
        .into_iter()
        .map(|one| one.customer_id)
        .collect();
    assert_eq!(again.len(), asked(&house).await?.len());

    let still_off = first
        .iter()
        .find(|one| one.customer_id == customer_id("A-1-1-4").to_string());
    let still_off = still_off.expect("asked");
    house.later(TimeDelta::minutes(20));
    let said_at = house.clock.now();
    said(&house, 1, still_off, "still_off").await?;
    let children_now = children(&house, &parent).await?;
    assert_eq!(children_now.len(), 1);
    let child = &children_now[0];
    assert_eq!(
        (child.report_count, child.accepted_at),
        (1, Some(timestamp(said_at)))
    );
    let told = then::incidents_told(&house.db).await?;
    let told = told
        .iter()
        .rev()
        .find(|told| told.incident_id == child.incident_id)
        .expect("told");
    assert_eq!(
        told.supply_points,
        [crate::given::position(1, 1, 4)],
        "O28: where they are supplied"
    );
    let channel: String =
        sqlx::query_scalar("select channel from intake.report order by received_at desc limit 1")
            .fetch_one(house.db.pool())
            .await?;
    assert_eq!(channel, "sms");

    // Told twice: one report.
    let reports = then::count(&house.db, "report").await?;
    said(&house, 2, still_off, "still_off").await?;
    assert_eq!(then::count(&house.db, "report").await?, reports);
    assert_eq!(counted(&house, &parent).await?.no, 1);
    Ok(())
}

#[tokio::test]
async fn back_is_evidence_and_opens_nothing() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    restored(&house, 1, &parent, STEPS[0], false).await?;
    let asked = asked(&house).await?;
    house.later(TimeDelta::minutes(15));
    said(&house, 1, &asked[0], "back").await?;
    said(&house, 2, &asked[1], "unreached").await?;
    assert!(children(&house, &parent).await?.is_empty());
    let evidence: Vec<(String, String)> =
        sqlx::query_as("select kind, external_id from intake.evidence where source = 'answer'")
            .fetch_all(house.db.pool())
            .await?;
    assert_eq!(
        evidence,
        [("ping_on".to_owned(), format!("{}/back", asked[0].asked_id))]
    );
    let total = counted(&house, &parent).await?;
    assert_eq!(
        (total.restored, total.pinged, total.texted, answers(&total)),
        (4, 0, 3, (1, 0, 1, 1))
    );
    house.later(TimeDelta::hours(13));
    assert_eq!(fire(&house).await?, 1);
    assert_eq!(answers(&counted(&house, &parent).await?), (1, 0, 2, 0));
    assert_eq!(fire(&house).await?, 0);
    // An answer that comes late still counts.
    said(&house, 3, &asked[2], "still_off").await?;
    assert_eq!(answers(&counted(&house, &parent).await?), (1, 1, 1, 0));
    Ok(())
}

/// Meters of T1-1 that have spoken before.
async fn with_meters(house: &House, customers: &[u32]) -> anyhow::Result<()> {
    let at = house.clock.now() - TimeDelta::days(2);
    let old = customers
        .iter()
        .map(|c| signal(&format!("old{c}"), "ping_on", &format!("L1-1-{c}"), at));
    send(house, old.collect()).await?;
    house.group().await?;
    Ok(())
}

#[tokio::test]
async fn a_meter_is_pinged_first_and_without_its_answer_the_customer_is_asked() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    with_meters(&house, &[3, 4]).await?;
    restored(&house, 1, &parent, STEPS[0], false).await?;
    assert_eq!(
        pings(&house).await?,
        ["L1-1-3", "L1-1-4"].map(str::to_owned).into()
    );
    assert_eq!(asked(&house).await?.len(), 1, "whose meter is silent");
    house.later(TimeDelta::minutes(2));
    send(&house, vec![signal("1", "ping_on", "L1-1-3", house.clock.now())]).await?;
    house.group().await?;
    assert_eq!(pings(&house).await?, ["L1-1-4".to_owned()].into());
    house.later(TimeDelta::minutes(9));
    fire(&house).await?;
    assert!(pings(&house).await?.is_empty());
    let texts = asked(&house).await?;
    assert_eq!(texts.len(), 2);
    assert_eq!(texts[1].customer_id, customer_id("A-1-1-4").to_string());
    // The meter answers after all: what was not sent is taken back.
    send(&house, vec![signal("2", "ping_on", "L1-1-4", house.clock.now())]).await?;
    house.group().await?;
    let settled: Vec<String> = questions(&house)
        .await?
        .into_iter()
        .flat_map(|one| one.settled_ids)
        .collect();
    assert_eq!(settled, [texts[1].asked_id.clone()]);
    let total = counted(&house, &parent).await?;
    assert_eq!(
        (total.pinged, total.texted, answers(&total)),
        (2, 2, (2, 0, 0, 1))
    );
    Ok(())
}

#[tokio::test]
async fn a_meter_that_is_off_has_its_neighbours_asked_and_two_of_them_open_a_child() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    with_meters(&house, &[1, 2, 3, 4]).await?;
    restored(&house, 1, &parent, STEPS[0], false).await?;
    let sample = pings(&house).await?;
    assert_eq!((sample.len(), asked(&house).await?.len()), (3, 0));
    house.later(TimeDelta::minutes(2));
    let off_at = house.clock.now();
    send(&house, vec![signal("1", "ping_off", "L1-1-4", off_at)]).await?;
    house.group().await?;
    assert!(
        children(&house, &parent).await?.is_empty(),
        "one meter may be wrong"
    );
    assert_eq!(
        asked(&house).await?[0].customer_id,
        customer_id("A-1-1-4").to_string()
    );
    // All but the one that answered, the one that was not in the sample included.
    assert_eq!(pings(&house).await?.len(), 3);
    house.later(TimeDelta::minutes(1));
    send(&house, vec![signal("2", "ping_off", "L1-1-3", house.clock.now())]).await?;
    house.group().await?;
    let opened = children(&house, &parent).await?;
    assert_eq!(opened.len(), 1);
    assert_eq!(
        (
            opened[0].report_count,
            opened[0].device_id.as_str(),
            opened[0].accepted_at
        ),
        (0, "T1-1", Some(timestamp(off_at)))
    );
    let total = counted(&house, &parent).await?;
    assert_eq!(answers(&total), (0, 2, 0, 2));
    Ok(())
}

#[tokio::test]
async fn who_reports_by_themselves_is_not_asked_any_more() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    restored(&house, 1, &parent, STEPS[0], false).await?;
    let asked = asked(&house).await?;
    house.later(TimeDelta::minutes(5));
    // They had reported the whole outage an hour ago, which goes on elsewhere: still off is no mere urge.
    let report = house.accept(by_account("A-1-1-1")).await?;
    assert_eq!(report.triage, "new");
    house.accept(by_account("A-1-1-4")).await?;
    house.group().await?;
    assert_eq!(children(&house, &parent).await?.len(), 1);
    let settled: Vec<String> = questions(&house)
        .await?
        .into_iter()
        .flat_map(|one| one.settled_ids)
        .collect();
    let theirs = |account: &str| {
        asked
            .iter()
            .find(|one| one.customer_id == customer_id(account).to_string())
    };
    assert!(settled.contains(&theirs("A-1-1-4").expect("asked").asked_id));
    assert!(counted(&house, &parent).await?.no >= 1);
    Ok(())
}

#[tokio::test]
async fn old_answers_other_people_and_strangers_change_nothing() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    with_meters(&house, &[4]).await?;
    restored(&house, 1, &parent, STEPS[0], false).await?;
    let before = house.clock.now() - TimeDelta::minutes(30);
    send(&house, vec![signal("late", "ping_off", "L1-1-4", before)]).await?;
    house.group().await?;
    assert_eq!(
        pings(&house).await?,
        ["L1-1-4".to_owned()].into(),
        "said before supply came back"
    );
    let nobody = Asked {
        asked_id: uuid::Uuid::now_v7().to_string(),
        ..Default::default()
    };
    said(&house, 1, &nobody, "still_off").await?;
    said(&house, 2, &nobody, "perhaps").await?;
    let parked: Vec<i64> = sqlx::query_scalar("select seq from dead_letter")
        .fetch_all(house.db.pool())
        .await?;
    assert_eq!(parked, [2]);
    assert!(children(&house, &parent).await?.is_empty());
    let request = pb::RestorationChecksRequest { incident_id: parent };
    for claims in [customer("A-1-1-4"), relight_common::Claims::anybody()] {
        let refused = house.api.of(from(claims, request.clone())).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    }
    Ok(())
}

/// A crew that names too large a section brings nobody a question who was never off.
#[tokio::test]
async fn who_was_never_off_is_not_asked() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    let elsewhere =
        (1..=4).map(|c| relight_common::ids::derived_from_name(&format!("point A-2-1-{c}")).to_string());
    house.others.say(|script| {
        script.members.insert(
            STEPS[1].to_owned(),
            points(1).into_iter().chain(elsewhere).collect(),
        );
    });
    restored(&house, 1, &parent, STEPS[1], false).await?;
    let theirs: BTreeSet<String> = (1..=4)
        .map(|c| customer_id(&format!("A-1-1-{c}")).to_string())
        .collect();
    assert!(
        asked(&house)
            .await?
            .iter()
            .all(|one| theirs.contains(&one.customer_id))
    );
    assert_eq!(counted(&house, &parent).await?.restored, 4);
    Ok(())
}

/// Everything else comes back: those of the first section are not asked again, and what is told after the end asks nobody.
#[tokio::test]
async fn the_rest_is_a_check_of_its_own_and_the_end_told_twice_is_none() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    restored(&house, 1, &parent, STEPS[0], false).await?;
    house.later(TimeDelta::minutes(30));
    restored(&house, 2, &parent, "", true).await?;
    restored(&house, 3, &parent, "", true).await?;
    let all = asked(&house).await?;
    let customers: BTreeSet<&str> = all.iter().map(|one| one.customer_id.as_str()).collect();
    assert_eq!(customers.len(), all.len(), "nobody twice");
    // Nine transformers were left, and each has one.
    assert_eq!(all.len(), 3 + 9);
    let request = pb::RestorationChecksRequest { incident_id: parent };
    let reply = house.api.of(from(dispatcher(), request)).await?.into_inner();
    let restored: Vec<u32> = reply.checks.iter().map(|check| check.restored).collect();
    assert_eq!(restored, [36, 4]);
    Ok(())
}

#[tokio::test]
async fn a_timer_that_was_lost_is_set_again() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    restored(&house, 1, &parent, STEPS[0], false).await?;
    sqlx::query("delete from timer").execute(house.db.pool()).await?;
    house.later(TimeDelta::hours(13));
    let mender = Mender {
        self_help: TimeDelta::minutes(15),
        retention: house.desk.numbers_of.retention,
    };
    relight_common::reconcile::Reconciler::pass(&mender, &house.db, house.clock.now()).await?;
    assert_eq!(fire(&house).await?, 1);
    assert_eq!(answers(&counted(&house, &parent).await?), (0, 0, 3, 0));
    Ok(())
}

/// The same event again, from the start of the stream: as a reader does that lost its position.
#[tokio::test]
async fn a_restoration_told_twice_asks_once() -> anyhow::Result<()> {
    let (house, parent) = dark().await?;
    let step = WorkOrderStep {
        incident_id: parent,
        step: "section_restored".to_owned(),
        at: Some(timestamp(house.clock.now())),
        restored_set_id: STEPS[0].to_owned(),
        ..Default::default()
    };
    let told = event(1, "workorder.step", step.encode_to_vec());
    for seq in 1..=2 {
        let events = vec![relight_proto::events::v1::Event { seq, ..told.clone() }];
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
    }
    assert_eq!(asked(&house).await?.len(), 3);
    assert_eq!(then::count(&house.db, "restoration_check").await?, 1);
    Ok(())
}
