//! Every decision of the engine, made again with what was known when it was made.

use std::{collections::BTreeSet, sync::Arc};

use chrono::TimeDelta;
use prost::Message;
use relight_common::{Code, reader::apply_batch, secrets::Secrets, wire::timestamp};
use relight_intake::{consumer::FromRegistry, desk::Desk, numbers::Numbers, rpc::Api, worker::Worker};
use relight_policy::Pack;
use relight_proto::{
    events::v1::GridSwitched,
    intake::v1::{
        self as pb, inferences_server::Inferences, replays_server::Replays,
        report_closings_server::ReportClosings,
    },
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    given::{House, by_account, dispatcher, from, house_with_network, network, staff},
    inference::event,
    signals::{send, signal},
    then,
};

/// The decisions with a basis, oldest first: (id, word, made on).
async fn of_the_engine(house: &House) -> anyhow::Result<Vec<(Uuid, String, Uuid)>> {
    let rows = sqlx::query_as(
        "select id, what, grid_version from intake.decision where basis is not null order by pass, id",
    );
    Ok(rows.fetch_all(house.db.pool()).await?)
}

async fn again(api: &Api, id: Uuid) -> anyhow::Result<pb::ReplayDecisionReply> {
    let ask = pb::ReplayDecisionRequest {
        decision_id: id.to_string(),
    };
    Ok(api.decision(from(dispatcher(), ask)).await?.into_inner())
}

/// Every decision comes out as it was made.
async fn all_come_out_again(house: &House, api: &Api) -> anyhow::Result<Vec<pb::ReplayDecisionReply>> {
    let mut all = Vec::new();
    for (id, ..) in of_the_engine(house).await? {
        let reply = again(api, id).await?;
        assert!(reply.same, "{reply:#?}");
        all.push(reply);
    }
    Ok(all)
}

async fn called(house: &House, account: &str) -> anyhow::Result<()> {
    house.accept(by_account(account)).await?;
    house.later(TimeDelta::seconds(20));
    house.group().await?;
    Ok(())
}

async fn switched(house: &House, n: u8, version: u128, opened: &[&str]) -> anyhow::Result<()> {
    let switched = GridSwitched {
        grid_version: Uuid::from_u128(version).to_string(),
        state_no: n.into(),
        opened: opened.iter().map(|id| (*id).to_owned()).collect(),
        at: Some(timestamp(house.clock.now() - TimeDelta::seconds(45))),
        ..Default::default()
    };
    let events = vec![event(n.into(), "grid.switched", switched.encode_to_vec())];
    let (consumer, stop) = (FromRegistry::new(house.desk.clone()), CancellationToken::new());
    apply_batch(&house.db, "registry", 0, events, &consumer, &stop).await?;
    house.group().await?;
    Ok(())
}

async fn first_open(house: &House) -> anyhow::Result<String> {
    Ok(then::open(house).await?.remove(0).incident_id)
}

/// Meters that speak two minutes after what they saw, amid calls.
async fn late_meters(house: &House, ids: &str, loads: &[&str], kind: &str) -> anyhow::Result<()> {
    let at = house.clock.now() - TimeDelta::minutes(2);
    let said = loads
        .iter()
        .enumerate()
        .map(|(n, load)| signal(&format!("{ids}{n}"), kind, load, at));
    send(house, said.collect()).await?;
    house.group().await?;
    Ok(())
}

#[tokio::test]
async fn every_decision_of_a_storm_can_be_made_again() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    for account in ["A-1-1-1", "A-1-2-1", "A-1-4-2", "A-2-3-1", "A-1-7-3"] {
        called(&house, account).await?;
    }
    late_meters(&house, "a", &["L1-5-1", "L1-6-1"], "last_gasp").await?;
    late_meters(&house, "b", &["L2-5-1", "L2-6-1"], "ping_on").await?;
    // A dispatcher names the breaker, more is heard, and it is taken back.
    let id = first_open(&house).await?;
    let name = pb::OverruleRequest {
        command_id: Uuid::now_v7().to_string(),
        incident_id: id.clone(),
        device_id: "CB".to_owned(),
    };
    house.api.overrule(from(dispatcher(), name)).await?;
    house.group().await?;
    for account in ["A-1-8-3", "A-1-9-1", "A-2-9-1"] {
        called(&house, account).await?;
    }
    let undo = pb::UndoOverruleRequest {
        command_id: Uuid::now_v7().to_string(),
        incident_id: id,
    };
    house.api.undo_overrule(from(dispatcher(), undo)).await?;
    house.group().await?;
    // The other feeder is switched off, which is heard of later, and what was said before comes later still.
    switched(&house, 1, 7, &["SW2"]).await?;
    late_meters(&house, "c", &["L2-1-1", "L1-2-2"], "last_gasp").await?;
    called(&house, "A-1-3-3").await?;
    switched(&house, 2, 7, &[]).await?;
    called(&house, "A-2-2-2").await?;
    called(&house, "A-2-2-3").await?;
    let told = all_come_out_again(&house, &house.api).await?;
    let named = told
        .iter()
        .filter(|reply| !reply.named_device_ids.is_empty())
        .count();
    assert!(
        told.len() > 8 && named > 0,
        "{} decisions, {named} around a name",
        told.len()
    );
    let known: BTreeSet<u32> = told.iter().map(|reply| reply.evidence).collect();
    assert!(known.len() > 5, "each with what was known by then: {known:?}");
    Ok(())
}

#[tokio::test]
async fn what_people_and_releases_changed_since_changes_no_old_decision() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    for account in ["A-1-1-1", "A-1-2-1", "A-1-4-2", "A-1-7-3", "A-1-8-1"] {
        called(&house, account).await?;
    }
    let before = of_the_engine(&house).await?.len();
    let reports: Vec<Uuid> = sqlx::query_scalar("select id from intake.report order by received_at, id")
        .fetch_all(house.db.pool())
        .await?;
    // One report is split off, another hangs elsewhere.
    let split = pb::SplitRequest {
        command_id: Uuid::now_v7().to_string(),
        report_ids: vec![reports[0].to_string()],
    };
    house.api.split(from(dispatcher(), split)).await?;
    let correct = pb::CorrectLinkRequest {
        command_id: Uuid::now_v7().to_string(),
        report_id: reports[1].to_string(),
        transformer_id: "T2-5".to_owned(),
    };
    house.api.correct_link(from(dispatcher(), correct)).await?;
    house.group().await?;
    called(&house, "A-1-9-1").await?;
    // A new network, and a release with other weights.
    let old = house
        .others
        .script
        .lock()
        .expect("no test panicked")
        .network
        .clone();
    let mut changed = network();
    changed.devices.retain(|device| device.id != "T1-10");
    changed.loads.retain(|load| load.bus != "low1-10");
    changed.buses.retain(|bus| bus.id != "low1-10");
    let bytes = relight_grid::snapshot::write(&changed)?;
    house.others.say(|script| {
        script.past.extend(old);
        script.network = Some((Uuid::from_u128(8).to_string(), bytes));
    });
    let mut numbers = Numbers::new(&relight_common::config::section("intake")?)?;
    numbers.weights.calls.half_min *= 3.0;
    let (pack, clock) = (Pack::load("CN-SGCC")?, house.clock.clone());
    let desk = Desk::new(
        &house.db,
        &house.peers,
        &Secrets::ephemeral(),
        clock,
        pack,
        numbers,
    );
    let desk = Arc::new(desk);
    desk.atlas.load().await?;
    let worker = Worker::new(desk.clone());
    for account in ["A-1-3-1", "A-1-5-1"] {
        house.accept(by_account(account)).await?;
        house.later(TimeDelta::minutes(2));
        worker.pass(None, desk.atlas.town().as_ref(), false).await?;
    }
    let versions: BTreeSet<Uuid> = of_the_engine(&house)
        .await?
        .into_iter()
        .map(|(.., on)| on)
        .collect();
    assert_eq!(versions.len(), 2, "decided on both networks");
    let told = all_come_out_again(&house, &Api::new(desk)).await?;
    assert!(told.len() > before && before > 2);
    Ok(())
}

/// Reports that were closed as no fault and opened again, one of them split off before: decisions of every stage come out as they were
/// made, with what counted then.
#[tokio::test]
async fn decisions_made_while_a_report_was_closed_come_out_without_it_when_it_is_open_again()
-> anyhow::Result<()> {
    let house = house_with_network().await?;
    let mut reports = Vec::new();
    for account in ["A-1-1-1", "A-1-1-2", "A-1-1-3", "A-1-2-1", "A-1-3-1"] {
        reports.push(house.accept(by_account(account)).await?.report_id);
        house.later(TimeDelta::seconds(20));
        house.group().await?;
    }
    let split = pb::SplitRequest {
        command_id: Uuid::now_v7().to_string(),
        report_ids: vec![reports[4].clone()],
    };
    house.api.split(from(dispatcher(), split)).await?;
    called(&house, "A-1-1-4").await?;
    for _ in 0..2 {
        for report in &reports[3..] {
            house.api.close(from(dispatcher(), no_fault(report))).await?;
            house.later(TimeDelta::seconds(20));
            house.group().await?;
        }
        for report in &reports[3..] {
            let reopen = pb::ReopenReportRequest {
                command_id: Uuid::now_v7().to_string(),
                report_id: report.clone(),
                note: "it was off after all".to_owned(),
            };
            house.api.reopen(from(dispatcher(), reopen)).await?;
            house.later(TimeDelta::seconds(20));
            house.group().await?;
        }
    }
    let told = all_come_out_again(&house, &house.api).await?;
    let devices: BTreeSet<&str> = told.iter().map(|reply| reply.device_id.as_str()).collect();
    assert!(
        devices.is_superset(&BTreeSet::from(["SW1", "T1-1"])),
        "the answer moved: {devices:?}"
    );
    Ok(())
}

fn no_fault(report: &str) -> pb::CloseReportRequest {
    pb::CloseReportRequest {
        command_id: Uuid::now_v7().to_string(),
        report_id: report.to_owned(),
        reason: "false_report".to_owned(),
        note: "a prank".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn only_what_the_engine_decided_can_be_made_again_and_only_by_who_may_see_it() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    called(&house, "A-1-1-1").await?;
    let id = first_open(&house).await?;
    let name = pb::OverruleRequest {
        command_id: Uuid::now_v7().to_string(),
        incident_id: id.clone(),
        device_id: "SW1".to_owned(),
    };
    house.api.overrule(from(dispatcher(), name)).await?;
    let ask = pb::EvidenceRequest { incident_id: id };
    let told = house.api.evidence(from(dispatcher(), ask)).await?.into_inner();
    let by_people = told
        .decisions
        .iter()
        .find(|decision| decision.what == "overruled")
        .expect("one");
    let ask = |id: &str| pb::ReplayDecisionRequest {
        decision_id: id.to_owned(),
    };
    let refused = house
        .api
        .decision(from(dispatcher(), ask(&by_people.decision_id)))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let (engines, ..) = of_the_engine(&house).await?.remove(0);
    let elsewhere = staff(relight_common::Role::Dispatcher, "demo/west");
    let refused = house
        .api
        .decision(from(elsewhere, ask(&engines.to_string())))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    for (id, code) in [
        ("nix", Code::InvalidArgument),
        ("0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11", Code::NotFound),
    ] {
        let refused = house.api.decision(from(dispatcher(), ask(id))).await.unwrap_err();
        assert_eq!(refused.code(), code, "{id}");
    }
    Ok(())
}
