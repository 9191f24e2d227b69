//! A report comes in: stored, told, numbered, once, whoever else is away.

use std::time::Duration;

use chrono::TimeDelta;
use relight_common::{Claims, Code, Role, wire::timestamp};
use relight_proto::{
    common::v1::Point,
    insight::v1::Interruption,
    intake::v1::{self as pb, intake_server::Intake},
};
use tonic::Status;
use uuid::Uuid;

use crate::{
    given,
    given::{House, agent, by_account, by_address, customer, customer_id, from, house, now, position, staff},
    then,
};

#[tokio::test]
async fn a_report_by_account_is_stored_told_and_numbered() -> anyhow::Result<()> {
    let house = house().await?;
    let report = house.accept(by_account("A-1-1-1")).await?;
    assert_eq!(
        (report.triage.as_str(), report.org_path.as_str()),
        ("new", "demo/east")
    );
    // 02:10 UTC is 10:10 in Shanghai: the same day there.
    assert_eq!(report.number, "F-20261122-0001");
    assert_eq!(report.accepted_at, Some(timestamp(now())));
    assert_eq!(report.customer_id, customer_id("A-1-1-1").to_string());
    let told = then::reports_told(&house.db).await?;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0].number, &told[0].report_id),
        (&report.number, &report.report_id)
    );
    Ok(())
}

#[tokio::test]
async fn a_report_sent_again_is_accepted_once_and_with_another_body_refused() -> anyhow::Result<()> {
    let house = house().await?;
    let message = by_address();
    let first = house.accept(message.clone()).await?;
    house.later(TimeDelta::seconds(3));
    assert_eq!(house.accept(message.clone()).await?, first);
    let changed = pb::AcceptReportRequest {
        note: "and the gate hums".to_owned(),
        ..message.clone()
    };
    let refused = house.accept(changed).await.unwrap_err();
    assert_eq!(
        (refused.code(), then::field(&refused)),
        (Code::InvalidArgument, "command_id")
    );
    let somebody_else = house
        .accept_as(staff(Role::Public, ""), message)
        .await
        .unwrap_err();
    assert_eq!(somebody_else.code(), Code::InvalidArgument);
    assert_eq!(then::count(&house.db, "report").await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_same_report_sent_many_times_at_once_is_one() -> anyhow::Result<()> {
    let house = house().await?;
    let message = by_account("A-1-1-1");
    let all = futures(&house, message, 8).await;
    let numbers: std::collections::BTreeSet<_> = all
        .into_iter()
        .map(|reply| reply.map(|report| report.number))
        .collect::<Result<_, _>>()?;
    assert_eq!((numbers.len(), then::count(&house.db, "report").await?), (1, 1));
    Ok(())
}

async fn futures(
    house: &House,
    message: pb::AcceptReportRequest,
    times: usize,
) -> Vec<Result<pb::Report, Status>> {
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..times {
        let (api, message) = (house.api.clone(), message.clone());
        set.spawn(async move {
            api.accept_report(from(agent(), message))
                .await
                .map(|reply| reply.into_inner())
        });
    }
    set.join_all().await
}

#[tokio::test]
async fn nothing_that_is_away_blocks_a_report() -> anyhow::Result<()> {
    for way in ["silent", "failing"] {
        let house = house().await?;
        house.others.say(|script| match way {
            "silent" => script.silent = true,
            _ => script.failure = Some(Status::unavailable("away")),
        });
        let start = std::time::Instant::now();
        let report = house.accept(by_account("A-1-1-1")).await?;
        assert_eq!(report.triage, "undetermined", "{way}");
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{way}: {:?}",
            start.elapsed()
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_account_that_could_not_be_looked_up_gets_its_place_when_the_registry_is_back()
-> anyhow::Result<()> {
    let house = given::house_with_network().await?;
    house
        .others
        .say(|script| script.failure = Some(Status::unavailable("away")));
    let report = house.accept(by_account("A-1-1-1")).await?;
    // Still away: it waits, but not for ever.
    assert_eq!(house.group().await?, 0);
    house.others.say(|script| script.failure = None);
    assert_eq!(house.group().await?, 1);
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].device_id.as_str()), (1, "T1-1"));
    let reporters = &then::incidents_told(&house.db).await?[0].reporters;
    assert_eq!(reporters.len(), 1);
    assert_eq!(
        (&reporters[0].report_id, &reporters[0].customer_id),
        (&report.report_id, &customer_id("A-1-1-1").to_string())
    );
    // Told again, because before nobody knew whom to answer "we have your report".
    let told = then::reports_told(&house.db).await?;
    let whose: Vec<&str> = told.iter().map(|told| told.customer_id.as_str()).collect();
    assert_eq!(whose, ["", customer_id("A-1-1-1").to_string().as_str()]);
    Ok(())
}

#[tokio::test]
async fn a_report_without_a_place_is_grouped_after_ten_seconds_and_danger_at_once() -> anyhow::Result<()> {
    let house = house().await?;
    house
        .others
        .say(|script| script.failure = Some(Status::unavailable("away")));
    house.accept(by_account("A-1-1-1")).await?;
    let danger = pb::AcceptReportRequest {
        danger: true,
        ..by_account("A-1-1-2")
    };
    house.accept(danger).await?;
    assert_eq!(house.group().await?, 1);
    assert!(then::incidents_told(&house.db).await?[0].danger);
    house.later(TimeDelta::seconds(11));
    assert_eq!(house.group().await?, 1);
    assert_eq!(then::count(&house.db, "report_waiting").await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_unknown_account_is_refused_only_when_nothing_else_says_where() -> anyhow::Result<()> {
    let house = house().await?;
    let refused = house.accept(by_account("A-9-9-9")).await.unwrap_err();
    assert_eq!(
        (refused.code(), then::field(&refused)),
        (Code::InvalidArgument, "account")
    );
    let address = pb::AcceptReportRequest {
        account: "A-9-9-9".to_owned(),
        ..by_address()
    };
    assert_eq!(house.accept(address).await?.triage, "undetermined");
    let danger = pb::AcceptReportRequest {
        danger: true,
        ..by_account("A-9-9-9")
    };
    assert_eq!(house.accept(danger).await?.triage, "undetermined");
    Ok(())
}

#[tokio::test]
async fn the_same_customer_within_two_hours_urges_and_later_reports_anew() -> anyhow::Result<()> {
    let house = house().await?;
    let first = house.accept(by_account("A-1-1-1")).await?;
    house.group().await?;
    house.later(TimeDelta::minutes(119));
    let again = house.accept(by_account("A-1-1-1")).await?;
    assert_eq!((again.triage.as_str(), again.urge_count), ("urge", 1));
    assert_eq!(
        (again.number, again.accepted_at),
        (first.number.clone(), first.accepted_at)
    );
    assert_eq!(
        then::reports_told(&house.db).await?.len(),
        1,
        "no second report chain"
    );
    assert_eq!(house.group().await?, 0);
    assert_eq!(then::open(&house).await?[0].urge_count, 1);
    house.later(TimeDelta::minutes(2));
    let anew = house.accept(by_account("A-1-1-1")).await?;
    assert_ne!(anew.number, first.number);
    Ok(())
}

#[tokio::test]
async fn danger_is_never_an_urge_and_marks_the_incident() -> anyhow::Result<()> {
    let house = house().await?;
    let first = house.accept(by_account("A-1-1-1")).await?;
    house.group().await?;
    let danger = pb::AcceptReportRequest {
        danger: true,
        danger_note: "wire down on the road".to_owned(),
        ..by_account("A-1-1-1")
    };
    let second = house.accept(danger).await?;
    assert_ne!(second.number, first.number);
    assert_eq!(second.triage, "new");
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].danger, open[0].report_count), (1, true, 2));
    Ok(())
}

/// The ledger says this customer is off because of `incident`.
fn off(house: &House, account: &str, incident: &str) {
    let customer = customer_id(account).to_string();
    let record = Interruption {
        customer_id: customer.clone(),
        incident_id: incident.to_owned(),
        class: "FAULT".to_owned(),
        off_at: Some(timestamp(now() - TimeDelta::minutes(20))),
        etr_at: Some(timestamp(now() + TimeDelta::minutes(40))),
        cause_code: "tree".to_owned(),
        ..Default::default()
    };
    house.others.say(|script| {
        script.off.insert(customer, record);
    });
}

#[tokio::test]
async fn a_customer_known_to_be_off_hears_since_when_why_and_until_when() -> anyhow::Result<()> {
    let house = given::house_with_network().await?;
    house.accept(by_account("A-1-1-1")).await?;
    house.group().await?;
    let incident = then::open(&house).await?.remove(0).incident_id;
    // Below another switch: only the ledger knows that it is the same outage.
    off(&house, "A-2-5-1", &incident);
    let report = house.accept(by_account("A-2-5-1")).await?;
    assert_eq!(
        (report.triage.as_str(), &report.incident_id),
        ("known_outage", &incident)
    );
    let known = report.known_outage.unwrap();
    assert_eq!(known.etr_at, Some(timestamp(now() + TimeDelta::minutes(40))));
    assert_eq!(
        (known.off_at, known.cause_code.as_str()),
        (Some(timestamp(now() - TimeDelta::minutes(20))), "tree")
    );
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].report_count), (1, 2));
    // Danger there is a report of its own, in the same incident.
    let danger = pb::AcceptReportRequest {
        danger: true,
        ..by_account("A-2-5-1")
    };
    assert_eq!(house.accept(danger).await?.triage, "new");
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].danger, open[0].report_count), (1, true, 3));
    Ok(())
}

#[tokio::test]
async fn a_known_outage_that_is_over_here_opens_a_new_incident() -> anyhow::Result<()> {
    let house = given::house_with_network().await?;
    off(&house, "A-2-5-1", &Uuid::now_v7().to_string());
    house.accept(by_account("A-2-5-1")).await?;
    house.group().await?;
    assert_eq!(then::open(&house).await?[0].device_id, "T2-5");
    Ok(())
}

#[tokio::test]
async fn a_customer_reports_for_their_own_account_only() -> anyhow::Result<()> {
    let house = house().await?;
    let me = customer("A-1-1-1");
    assert!(house.accept_as(me.clone(), by_account("A-1-1-1")).await.is_ok());
    let refused = house
        .accept_as(me.clone(), by_account("A-1-1-2"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    // Danger next door is taken, as of nobody.
    let danger = pb::AcceptReportRequest {
        danger: true,
        ..by_account("A-1-1-2")
    };
    let report = house.accept_as(me, danger).await?;
    assert_eq!((report.triage.as_str(), report.customer_id.as_str()), ("new", ""));
    Ok(())
}

#[tokio::test]
async fn a_position_is_taken_to_the_nearest_service_point_within_100_m() -> anyhow::Result<()> {
    let house = given::house_with_network().await?;
    let mut near = by_address();
    near.position = Some(position(2, 3, 1));
    near.position.as_mut().unwrap().lat += 0.0005;
    let report = house.accept(near).await?;
    assert_eq!(
        (report.triage.as_str(), report.org_path.as_str()),
        ("new", "demo/west")
    );
    assert_eq!(
        report.customer_id, "",
        "standing there does not make it their report"
    );
    let mut far = by_address();
    far.position = Some(Point {
        lon: 121.5,
        lat: 30.0,
    });
    let report = house.accept(far).await?;
    assert_eq!(
        (report.triage.as_str(), report.org_path.as_str()),
        ("undetermined", "demo")
    );
    house.group().await?;
    let devices: Vec<_> = then::open(&house)
        .await?
        .into_iter()
        .map(|i| i.device_id)
        .collect();
    assert!(
        devices.contains(&"T2-3".to_owned()) && devices.contains(&String::new()),
        "{devices:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_paper_report_keeps_the_time_it_was_made() -> anyhow::Result<()> {
    let house = house().await?;
    let made_at = now() - TimeDelta::days(9);
    let paper = pb::AcceptReportRequest {
        channel: "paper".to_owned(),
        reported_at: Some(timestamp(made_at)),
        ..by_address()
    };
    let report = house.accept(paper).await?;
    assert_eq!(report.accepted_at, Some(timestamp(made_at)));
    house.group().await?;
    assert_eq!(then::open(&house).await?[0].accepted_at, Some(timestamp(made_at)));
    Ok(())
}

#[tokio::test]
async fn the_acceptance_of_a_report_cannot_be_changed_in_the_table() -> anyhow::Result<()> {
    let house = house().await?;
    house.accept(by_account("A-1-1-1")).await?;
    for column in [
        "accepted_at = accepted_at + interval '1 second'",
        "number = 'F-1'",
        "received_at = now()",
    ] {
        let sql = sqlx::AssertSqlSafe(format!("update intake.report set {column}"));
        let refused = sqlx::query(sql).execute(house.db.pool()).await.unwrap_err();
        assert_eq!(
            relight_common::error::constraint(&refused),
            Some("report_acceptance_immutable"),
            "{column}"
        );
    }
    sqlx::query("update intake.report set note = 'seen'")
        .execute(house.db.pool())
        .await?;
    Ok(())
}

#[tokio::test]
async fn what_leads_to_a_person_is_sealed_and_in_no_reply_or_event() -> anyhow::Result<()> {
    let house = house().await?;
    house.accept(by_address()).await?;
    for table in ["report", "outbox", "command_seen", "audit"] {
        // The whole row as text, with binary columns as their bytes.
        let sql = sqlx::AssertSqlSafe(format!("select x::text from intake.{table} x"));
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(house.db.pool()).await?;
        for secret in ["8888", "Li Wei"] {
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(
                rows.iter()
                    .all(|row| !row.contains(secret) && !row.contains(&hex)),
                "{table} {secret}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_may_not_report_or_is_nobody_is_refused() -> anyhow::Result<()> {
    let house = house().await?;
    let nobody = house
        .accept_as(Claims::of("x", Vec::new()), by_account("A-1-1-1"))
        .await
        .unwrap_err();
    assert_eq!(nobody.code(), Code::PermissionDenied);
    let bare = house
        .api
        .accept_report(tonic::Request::new(by_account("A-1-1-1")))
        .await
        .unwrap_err();
    assert_eq!(bare.code(), Code::Unauthenticated);
    assert!(
        house
            .accept_as(Claims::anybody(), by_account("A-1-1-1"))
            .await
            .is_ok()
    );
    Ok(())
}

#[tokio::test]
async fn an_account_is_asked_of_the_registry_once_a_minute_at_most() -> anyhow::Result<()> {
    let house = house().await?;
    for _ in 0..3 {
        house.accept(by_account("A-1-1-1")).await?;
    }
    assert_eq!(house.others.asked("points_of_accounts"), 1);
    Ok(())
}

#[tokio::test]
async fn reports_of_the_same_moment_are_each_answered_as_if_they_were_alone() -> anyhow::Result<()> {
    let house = house().await?;
    let before = by_account("A-1-9-1");
    house.accept(before.clone()).await?;
    let twice = by_account("A-1-1-1");
    let other_body = pb::AcceptReportRequest {
        account: "A-1-9-2".to_owned(),
        ..before
    };
    let mut all = vec![twice.clone(), twice.clone(), other_body, by_account("A-1-1-1")];
    all.extend((2..10).map(|n| by_account(&format!("A-1-{n}-1"))));
    let replies = futures_util::future::join_all(all.into_iter().map(|one| house.accept(one))).await;
    let (same, again, urged) = (&replies[0], &replies[1], &replies[3]);
    assert_eq!(same.as_ref().ok(), again.as_ref().ok(), "one command, one reply");
    assert_eq!(then::field(replies[2].as_ref().unwrap_err()), "command_id");
    let (first, urged) = (same.as_ref().unwrap(), urged.as_ref().unwrap());
    // Which of the two was first is chance; one is a report and the other one urges it.
    let mut triages = [first.triage.as_str(), urged.triage.as_str()];
    triages.sort_unstable();
    assert_eq!((triages, &first.report_id), (["new", "urge"], &urged.report_id));
    let new = replies[4..]
        .iter()
        .filter(|reply| matches!(reply, Ok(reply) if reply.triage == "new"));
    assert_eq!(
        new.count(),
        7,
        "all but the customer who had reported: {replies:?}"
    );
    let stored = (
        then::count(&house.db, "report").await?,
        then::count(&house.db, "urge").await?,
    );
    assert_eq!(stored, (9, 2));
    assert_eq!(then::reports_told(&house.db).await?.len(), 9);
    Ok(())
}

#[tokio::test]
async fn a_report_that_cannot_be_stored_takes_none_of_the_same_moment_with_it() -> anyhow::Result<()> {
    let house = house().await?;
    house.accept(by_account("A-1-9-1")).await?;
    // Somebody has a number that will be given out.
    sqlx::query(
        "insert into intake.report select (jsonb_populate_record(r, jsonb_build_object(
             'id', gen_random_uuid(), 'number', 'F-20261122-0004'))).* from intake.report r",
    )
    .execute(house.db.pool())
    .await?;
    let all = (1..9).map(|n| by_account(&format!("A-1-{n}-1")));
    let replies = futures_util::future::join_all(all.map(|one| house.accept(one))).await;
    let refused = replies.iter().filter(|reply| reply.is_err()).count();
    assert_eq!(refused, 1, "{replies:?}");
    assert_eq!(then::count(&house.db, "report").await?, 2 + 7);
    assert_eq!(then::reports_told(&house.db).await?.len(), 1 + 7);
    Ok(())
}
