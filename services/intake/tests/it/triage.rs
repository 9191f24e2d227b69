//! What a report is, what is said, and what follows.

use chrono::TimeDelta;
use relight_common::{Code, Role, reconcile::Reconciler, wire::timestamp};
use relight_intake::reconcile::Mender;
use relight_proto::{
    events::v1::SupplyOff,
    insight::v1::Interruption,
    intake::v1::{self as pb, intake_server::Intake, triage_server::Triage},
};
use tonic::Status;
use uuid::Uuid;

use crate::{
    given::{
        House, agent, by_account, by_address, customer_id, dispatcher, from, house_with_network, now, staff,
    },
    signals::{send, signal},
    then,
};

fn off(account: &str, class: &str) -> Interruption {
    Interruption {
        customer_id: customer_id(account).to_string(),
        class: class.to_owned(),
        off_at: Some(timestamp(now() - TimeDelta::hours(1))),
        etr_at: Some(timestamp(now() + TimeDelta::hours(1))),
        confirmed: true,
        ..Default::default()
    }
}

pub fn ledger(house: &House, account: &str, class: &str) {
    let record = off(account, class);
    house.others.say(|script| {
        script.off.insert(customer_id(account).to_string(), record);
    });
}

fn alone(account: &str) -> pb::AcceptReportRequest {
    pb::AcceptReportRequest {
        neighbours: "on".to_owned(),
        ..by_account(account)
    }
}

fn outcome(report: &pb::Report, outcome: &str) -> pb::SelfHelpRequest {
    pb::SelfHelpRequest {
        command_id: Uuid::now_v7().to_string(),
        report_id: report.report_id.clone(),
        outcome: outcome.to_owned(),
        reason: "breaker".to_owned(),
    }
}

#[tokio::test]
async fn the_planned_outage_of_this_customer_is_answered_and_makes_no_order() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    ledger(&house, "A-1-1-1", "PLANNED");
    let report = house.accept(by_account("A-1-1-1")).await?;
    assert_eq!(
        (report.triage.as_str(), report.state.as_str()),
        ("known_outage", "closed")
    );
    assert_eq!(report.known_outage.as_ref().expect("known").class, "PLANNED");
    let say = report.say.expect("words");
    assert!(
        say.zh.contains("抱歉") && say.en.contains("planned work"),
        "{say:?}"
    );
    // The neighbour is not off in the ledger: a fault like any other.
    assert_eq!(house.accept(by_account("A-1-1-2")).await?.triage, "new");
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].report_count), (1, 1));
    Ok(())
}

#[tokio::test]
async fn arrears_are_blamed_only_when_the_meter_says_so_and_no_fault_lies_above() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    for (account, class, kind, triage) in [
        ("A-2-1-1", "ARREARS", "relay_open", "cut"),
        ("A-2-2-1", "ARREARS", "relay_closed", "undetermined"),
        ("A-2-3-1", "ARREARS", "ping_on", "undetermined"),
        ("A-2-4-1", "CUSTOMER_REQUEST", "relay_open", "own_request"),
    ] {
        ledger(&house, account, class);
        let load = account.replacen("A-", "L", 1);
        send(
            &house,
            vec![signal(account, kind, &load, now() - TimeDelta::minutes(5))],
        )
        .await?;
        let report = house.accept(by_account(account)).await?;
        assert_eq!(report.triage, triage, "{account}");
    }
    // Danger is never swallowed by it.
    ledger(&house, "A-2-5-1", "ARREARS");
    let danger = pb::AcceptReportRequest {
        danger: true,
        ..by_account("A-2-5-1")
    };
    let danger = house.accept(danger).await?;
    assert_eq!((danger.triage.as_str(), danger.state.as_str()), ("new", "open"));
    assert!(danger.say.expect("words").en.starts_with("Keep away"));
    house.group().await?;
    // A cut customer below an open fault: both may be true, so it is a fault.
    for n in 1..=10 {
        house.accept(by_account(&format!("A-1-{n}-1"))).await?;
    }
    house.later(TimeDelta::minutes(3));
    house.group().await?;
    ledger(&house, "A-1-5-2", "ARREARS");
    assert_eq!(house.accept(by_account("A-1-5-2")).await?.triage, "new");
    Ok(())
}

/// The meter says that its credit is used up and that it is open: said so, with how to top up, and nobody is sent.
#[tokio::test]
async fn used_up_credit_is_said_first_but_blocks_neither_danger_nor_the_call_to_life_support()
-> anyhow::Result<()> {
    let house = house_with_network().await?;
    let ago = |minutes| now() - TimeDelta::minutes(minutes);
    // A-1-1-4 depends on life-support.
    for (account, load) in [("A-1-1-4", "L1-1-4"), ("A-2-1-1", "L2-1-1")] {
        let said = vec![
            signal(&format!("{account} 1"), "credit_out", load, ago(9)),
            signal(&format!("{account} 2"), "relay_open", load, ago(8)),
        ];
        send(&house, said).await?;
        let report = house.accept(by_account(account)).await?;
        assert_eq!(
            (
                report.triage.as_str(),
                report.state.as_str(),
                report.close_reason.as_str()
            ),
            ("prepaid", "closed", "prepaid")
        );
        let say = report.say.expect("words");
        assert!(say.en.contains("Top up") && say.zh.contains("充值"), "{say:?}");
        assert_eq!(
            report.call_wanted,
            account == "A-1-1-4",
            "a person calls all the same"
        );
    }
    house.group().await?;
    assert!(then::open(&house).await?.is_empty(), "nobody is sent");
    assert!(
        then::told::<SupplyOff>(&house.db, "supply.off").await?.is_empty(),
        "used up credit is a reason"
    );
    let danger = pb::AcceptReportRequest {
        danger: true,
        ..by_account("A-2-1-1")
    };
    assert_eq!(house.accept(danger).await?.triage, "new");
    // Topped up, and still open: a fault like any other, and after a while an exception.
    send(&house, vec![signal("paid", "credit_in", "L1-1-4", ago(1))]).await?;
    house.later(TimeDelta::hours(3));
    assert_eq!(house.accept(by_account("A-1-1-4")).await?.triage, "new");
    for _ in 0..10 {
        house.later(TimeDelta::seconds(30));
        house.group().await?;
    }
    let off: Vec<SupplyOff> = then::told(&house.db, "supply.off").await?;
    assert_eq!(
        (off.len(), off[0].lasting, off[0].load_id.as_str()),
        (1, true, "L1-1-4")
    );
    // An older word that comes late changes nothing.
    send(&house, vec![signal("late", "credit_out", "L1-1-4", ago(5))]).await?;
    assert_ne!(house.accept(by_account("A-1-1-4")).await?.triage, "prepaid");
    Ok(())
}

#[tokio::test]
async fn a_fault_inside_the_home_gets_help_and_is_closed_or_dispatched() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let first = house.accept(alone("A-1-1-1")).await?;
    assert_eq!(
        (first.triage.as_str(), first.state.as_str()),
        ("customer_side", "helping")
    );
    assert!(first.steps.len() >= 4 && !first.steps[0].zh.is_empty());
    house.group().await?;
    assert!(then::open(&house).await?.is_empty(), "nobody is sent yet");

    let solved = house
        .api
        .self_helped(from(agent(), outcome(&first, "solved")))
        .await?
        .into_inner();
    assert_eq!(
        (solved.state.as_str(), solved.close_reason.as_str()),
        ("closed", "solved")
    );
    let refused = house
        .api
        .self_helped(from(agent(), outcome(&first, "failed")))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);

    // It failed for another: dispatched with its first acceptance.
    let second = house.accept(alone("A-1-2-1")).await?;
    house.later(TimeDelta::minutes(5));
    house
        .api
        .self_helped(from(agent(), outcome(&second, "failed")))
        .await?;
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].accepted_at), (1, second.accepted_at));

    // A third says nothing more, and a fourth asks again.
    house.accept(alone("A-2-7-1")).await?;
    house.accept(alone("A-2-9-1")).await?;
    assert_eq!(house.accept(by_account("A-2-9-1")).await?.triage, "urge");
    house.later(TimeDelta::minutes(16));
    let mender = Mender {
        self_help: house.desk.numbers_of.self_help,
        retention: house.desk.numbers_of.retention,
    };
    assert_eq!(mender.pass(&house.db, house.clock.now()).await?, 1);
    house.group().await?;
    let reports: u32 = then::open(&house).await?.iter().map(|one| one.report_count).sum();
    assert_eq!(reports, 3);
    Ok(())
}

#[tokio::test]
async fn who_depends_on_life_support_is_called_at_once_in_any_outage() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    ledger(&house, "A-1-1-4", "PLANNED");
    let report = house.accept(by_account("A-1-1-4")).await?;
    assert!(report.call_wanted);
    let told: i64 = sqlx::query_scalar("select count(*) from outbox where type = 'call.wanted'")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(told, 1);
    let list = || house.api.calls_wanted(from(agent(), pb::CallsWantedRequest {}));
    let calls = list().await?.into_inner().calls;
    assert_eq!(
        (calls.len(), calls[0].number.as_str()),
        (1, report.number.as_str())
    );
    let called = |backup_min| pb::CalledRequest {
        command_id: Uuid::now_v7().to_string(),
        report_id: report.report_id.clone(),
        backup_min,
        ..pb::CalledRequest::default()
    };
    // Nobody answered: still wanted.
    let call = house.api.called(from(agent(), called(None))).await?.into_inner();
    assert!(call.called_by.is_empty());
    let call = house
        .api
        .called(from(agent(), called(Some(90))))
        .await?
        .into_inner();
    assert_eq!(
        (call.called_by.as_str(), call.backup_until),
        (
            "agent-1",
            Some(timestamp(house.clock.now() + TimeDelta::minutes(90)))
        )
    );
    assert_eq!(list().await?.into_inner().calls, [call]);
    Ok(())
}

/// A dispatcher confirms SW1, whose set has these accounts.
pub async fn confirmed(house: &House, accounts: &[&str]) -> anyhow::Result<String> {
    for t in 2..=5 {
        house.accept(by_account(&format!("A-1-{t}-1"))).await?;
    }
    house.group().await?;
    let id = then::open(house).await?.remove(0).incident_id;
    let points = accounts
        .iter()
        .map(|account| relight_common::ids::derived_from_name(&format!("point {account}")).to_string());
    let set = relight_common::ids::derived_from_name("SW1").to_string();
    house.others.say(|script| {
        script.members.insert(set, points.collect());
    });
    let message = pb::ConfirmDeviceRequest {
        command_id: Uuid::now_v7().to_string(),
        incident_id: id.clone(),
        device_id: "SW1".to_owned(),
        confirmed_by: "dispatcher".to_owned(),
    };
    house.api.confirm_device(from(dispatcher(), message)).await?;
    Ok(id)
}

#[tokio::test]
async fn who_depends_on_life_support_and_did_not_report_is_called_when_the_device_is_confirmed()
-> anyhow::Result<()> {
    let house = house_with_network().await?;
    let id = confirmed(&house, &["A-1-1-4", "A-1-1-3", "A-1-2-1"]).await?;
    let told = "select count(*) from outbox where type = 'call.wanted'";
    let told = || sqlx::query_scalar::<_, i64>(told).fetch_one(house.db.pool());
    assert_eq!(told().await?, 0);
    house.group().await?;
    house.group().await?;
    assert_eq!(told().await?, 1, "once, and nobody else of the set");
    let list = || house.api.calls_wanted(from(agent(), pb::CallsWantedRequest {}));
    let calls = list().await?.into_inner().calls;
    let customer = customer_id("A-1-1-4").to_string();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (
            calls[0].report_id.as_str(),
            &calls[0].customer_id,
            &calls[0].incident_id
        ),
        ("", &customer, &id)
    );
    let called = |backup_min| pb::CalledRequest {
        command_id: Uuid::now_v7().to_string(),
        incident_id: id.clone(),
        customer_id: customer.clone(),
        backup_min,
        ..Default::default()
    };
    let elsewhere = staff(Role::Agent, "demo/west");
    let refused = house.api.called(from(elsewhere, called(Some(5)))).await;
    assert_eq!(refused.expect_err("another area").code(), Code::NotFound);
    let call = house.api.called(from(agent(), called(None))).await?.into_inner();
    assert!(call.called_by.is_empty(), "nobody answered: still wanted");
    let call = house.api.called(from(agent(), called(Some(30)))).await?;
    let call = call.into_inner();
    assert_eq!(call.called_by, "agent-1");
    assert_eq!(list().await?.into_inner().calls, [call]);
    // Their own report is called about instead, and asks anew.
    let report = house.accept(by_account("A-1-1-4")).await?;
    house.group().await?;
    let calls = list().await?.into_inner().calls;
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0].report_id, report.report_id);
    Ok(())
}

#[tokio::test]
async fn people_of_a_set_are_looked_up_again_when_the_registry_was_away() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    confirmed(&house, &["A-1-1-4"]).await?;
    house
        .others
        .say(|script| script.failure = Some(Status::unavailable("away")));
    house.group().await?;
    assert_eq!(then::count(&house.db, "set_call").await?, 0);
    house.others.say(|script| script.failure = None);
    house.group().await?;
    assert_eq!(then::count(&house.db, "set_call").await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_contact_of_a_confidential_report_is_for_who_took_it() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let message = pb::AcceptReportRequest {
        confidential: true,
        channel: "hotline".to_owned(),
        ..by_address()
    };
    let report = house.accept(message).await?;
    assert_eq!(
        (report.owner.as_str(), report.channel.as_str()),
        ("agent-1", "hotline")
    );
    let read = |claims| {
        let by = pb::GetReportRequest {
            by: Some(pb::get_report_request::By::ReportId(report.report_id.clone())),
        };
        house.api.get_report(from(claims, by))
    };
    assert_eq!(read(agent()).await?.into_inner().reporter_name, "Li Wei");
    assert_eq!(read(dispatcher()).await?.into_inner().reporter_name, "");
    let admin = staff(relight_common::Role::Admin, "demo");
    assert_eq!(read(admin).await?.into_inner().reporter_name, "Li Wei");
    Ok(())
}

#[tokio::test]
async fn paper_is_taken_line_by_line_with_its_own_times_and_once() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let written_at = now() - TimeDelta::days(3);
    let line = |account: &str, at: Option<chrono::DateTime<chrono::Utc>>| pb::AcceptReportRequest {
        command_id: String::new(),
        channel: String::new(),
        reported_at: at.map(timestamp),
        ..by_account(account)
    };
    let batch = pb::PaperBatch {
        command_id: Uuid::now_v7().to_string(),
        lines: vec![
            line("A-1-1-1", Some(written_at)),
            line("A-9-9-9", Some(written_at)),
            line("A-1-1-2", None),
            line("A-2-1-1", Some(now() - TimeDelta::days(100))),
            line("A-1-1-3", Some(written_at + TimeDelta::minutes(2))),
        ],
    };
    let reply = house
        .api
        .import_paper(from(agent(), batch.clone()))
        .await?
        .into_inner();
    let fields: Vec<_> = reply.lines.iter().map(|line| line.field.as_str()).collect();
    assert_eq!(fields, ["", "account", "reported_at", "reported_at", ""]);
    let first = reply.lines[0].report.as_ref().expect("taken");
    assert_eq!(
        (first.channel.as_str(), first.accepted_at),
        ("paper", Some(timestamp(written_at)))
    );
    let again = house.api.import_paper(from(agent(), batch)).await?.into_inner();
    assert_eq!(again, reply);
    assert_eq!(then::count(&house.db, "report").await?, 2);
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!(
        (open.len(), open[0].accepted_at),
        (1, Some(timestamp(written_at)))
    );
    Ok(())
}
