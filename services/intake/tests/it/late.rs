//! What is known late: whose account it is, what the ledger says, and what was written on paper.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Role, wire::timestamp};
use relight_proto::{
    events::v1::CallWanted,
    insight::v1::Interruption,
    intake::v1::{self as pb, triage_server::Triage},
};
use tonic::Status;

use crate::{
    dispatch::{step, tell},
    given::{House, agent, by_account, customer_id, from, house_with_network, now, staff},
    then,
    triage::ledger,
};

/// Accepted while the registry is away, and looked up before it is grouped.
async fn placed_late(house: &House, account: &str, record: Option<&str>) -> anyhow::Result<pb::Report> {
    let failure = Some(Status::unavailable("away"));
    house.others.say(|script| script.failure = failure);
    let report = house.accept(by_account(account)).await?;
    assert_eq!(
        (report.triage.as_str(), report.call_wanted),
        ("undetermined", false)
    );
    house.others.say(|script| script.failure = None);
    if let Some(class) = record {
        ledger(house, account, class);
    }
    house.group().await?;
    Ok(report)
}

#[tokio::test]
async fn life_support_that_is_known_late_is_called_all_the_same() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let report = placed_late(&house, "A-1-1-4", None).await?;
    let told: Vec<CallWanted> = then::told(&house.db, "call.wanted").await?;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].report_id, report.report_id);
    assert_eq!(told[0].customer_id, customer_id("A-1-1-4").to_string());
    let list = house
        .api
        .calls_wanted(from(agent(), pb::CallsWantedRequest {}))
        .await?
        .into_inner();
    assert_eq!(list.calls[0].report_id, report.report_id);
    // Nobody calls: after ten minutes the manager sees it too, and not before.
    let manager = || staff(Role::Manager, "demo");
    let seen = async || -> anyhow::Result<usize> {
        let asked = from(manager(), pb::CallsWantedRequest {});
        Ok(house.api.calls_wanted(asked).await?.into_inner().calls.len())
    };
    house.later(TimeDelta::minutes(9));
    assert_eq!(seen().await?, 0);
    house.later(TimeDelta::minutes(1));
    assert_eq!(seen().await?, 1);
    // Everybody else is not called.
    placed_late(&house, "A-1-1-1", None).await?;
    assert_eq!(then::count(&house.db, "call_wanted").await?, 1);
    Ok(())
}

#[tokio::test]
async fn planned_work_that_is_known_late_makes_no_incident() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    placed_late(&house, "A-1-1-1", Some("PLANNED")).await?;
    let row: (String, String, Option<String>) =
        sqlx::query_as("select triage, state, close_reason from intake.report")
            .fetch_one(house.db.pool())
            .await?;
    let known = "known_outage".to_owned();
    assert_eq!(row, (known.clone(), "closed".to_owned(), Some(known)));
    assert_eq!(then::count(&house.db, "report_waiting").await?, 0);
    assert!(then::open(&house).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_ledger_that_does_not_answer_leaves_it_undetermined_and_never_at_the_customer() -> anyhow::Result<()>
{
    let house = house_with_network().await?;
    house.others.say(|script| script.ledger_away = true);
    for (account, neighbours) in [("A-1-1-1", ""), ("A-1-1-2", "on")] {
        let told = pb::AcceptReportRequest {
            neighbours: neighbours.to_owned(),
            ..by_account(account)
        };
        let report = house.accept(told).await?;
        assert_eq!(
            (report.triage.as_str(), report.state.as_str()),
            ("undetermined", "open"),
            "{account}"
        );
    }
    house.group().await?;
    assert_eq!(then::open(&house).await?[0].report_count, 2, "it blocks nothing");
    Ok(())
}

async fn paper(house: &House, account: &str, written_at: DateTime<Utc>) -> anyhow::Result<pb::Report> {
    let line = pb::AcceptReportRequest {
        channel: "paper".to_owned(),
        reported_at: Some(timestamp(written_at)),
        ..by_account(account)
    };
    Ok(house.accept(line).await?)
}

#[tokio::test]
async fn a_line_written_before_the_call_is_the_first_report_and_its_time_counts() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    house.accept(by_account("A-1-1-1")).await?;
    house.group().await?;
    let written_at = now() - TimeDelta::minutes(20);
    house.later(TimeDelta::minutes(30));
    let line = paper(&house, "A-1-1-1", written_at).await?;
    assert_eq!(
        (line.triage.as_str(), line.accepted_at),
        ("new", Some(timestamp(written_at)))
    );
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!(
        (open.len(), open[0].accepted_at),
        (1, Some(timestamp(written_at)))
    );
    Ok(())
}

#[tokio::test]
async fn a_line_urges_by_its_own_time_and_not_by_that_of_its_entry() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    house.accept(by_account("A-1-1-1")).await?;
    // Entered a day later, written within the two hours of the first report; another one after them.
    let written_at = now() + TimeDelta::minutes(50);
    house.later(TimeDelta::days(1));
    assert_eq!(paper(&house, "A-1-1-1", written_at).await?.triage, "urge");
    let urged_at: DateTime<Utc> = sqlx::query_scalar("select at from intake.urge")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(urged_at, written_at);
    let later = paper(&house, "A-1-1-1", now() + TimeDelta::hours(3)).await?;
    assert_eq!(later.triage, "new");
    Ok(())
}

#[tokio::test]
async fn a_line_is_answered_by_what_the_ledger_knows_of_its_own_time() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let hours = |n| Some(timestamp(now() + TimeDelta::hours(n)));
    let record = Interruption {
        customer_id: customer_id("A-1-1-1").to_string(),
        class: "PLANNED".to_owned(),
        off_at: hours(-6),
        on_at: hours(-4),
        ..Interruption::default()
    };
    house.others.say(|script| {
        script.history.insert(record.customer_id.clone(), vec![record]);
    });
    let then = paper(&house, "A-1-1-1", now() - TimeDelta::hours(5)).await?;
    assert_eq!(
        (then.triage.as_str(), then.state.as_str()),
        ("known_outage", "closed")
    );
    // Supply was back by then, and of now the ledger was not asked.
    ledger(&house, "A-1-1-1", "PLANNED");
    let after = paper(&house, "A-1-1-1", now() - TimeDelta::hours(2)).await?;
    assert_eq!((after.triage.as_str(), after.state.as_str()), ("new", "open"));
    Ok(())
}

#[tokio::test]
async fn a_line_of_before_the_restoration_belongs_to_what_is_over_and_opens_nothing() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    house.accept(by_account("A-1-1-1")).await?;
    house.group().await?;
    let id = then::open(&house).await?.remove(0).incident_id;
    let restored_at = now() + TimeDelta::hours(1);
    let all = step(1, &id, "restored", |step| {
        step.all = true;
        step.at = Some(timestamp(restored_at));
    });
    house.later(TimeDelta::hours(5));
    tell(&house, vec![all, step(2, &id, "archived", |_| ())]).await?;
    house.group().await?;
    assert!(then::open(&house).await?.is_empty());
    let told = then::incidents_told(&house.db).await?.len();

    paper(&house, "A-1-1-2", now() + TimeDelta::minutes(10)).await?;
    house.group().await?;
    assert!(then::open(&house).await?.is_empty(), "nobody is sent");
    let closed = then::in_state(&house, "closed").await?;
    assert_eq!((closed.len(), closed[0].report_count), (1, 2));
    assert_eq!(closed[0].accepted_at, Some(timestamp(now())), "it was served");
    assert_eq!(then::incidents_told(&house.db).await?.len(), told);
    assert_eq!(then::count(&house.db, "report_waiting").await?, 0);

    // Who is off after it is another fault.
    paper(&house, "A-1-1-3", restored_at + TimeDelta::hours(1)).await?;
    house.group().await?;
    assert_eq!(then::open(&house).await?.len(), 1);
    Ok(())
}
