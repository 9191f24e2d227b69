//! Reports that an agent finds to be no fault, and taking that back (domain.md 5.1).

use chrono::TimeDelta;
use relight_common::{Claims, Code, Role};
use relight_proto::events::v1::DangerTask;
use relight_proto::intake::v1::{
    self as pb, inferences_server::Inferences, report_closings_server::ReportClosings,
};
use tonic::Status;
use uuid::Uuid;

use crate::{
    danger::{fallen_wire, settling},
    given::{House, agent, by_account, dispatcher, from, house_with_network, staff},
    then,
};

fn closing(report: &pb::Report, reason: &str) -> pb::CloseReportRequest {
    pb::CloseReportRequest {
        command_id: Uuid::now_v7().to_string(),
        report_id: report.report_id.clone(),
        reason: reason.to_owned(),
        note: "called back: the lights are on".to_owned(),
        duplicate_of_id: String::new(),
        customer_told: true,
    }
}

impl House {
    async fn close(&self, claims: Claims, ask: pb::CloseReportRequest) -> Result<pb::Report, Status> {
        Ok(ReportClosings::close(&self.api, from(claims, ask))
            .await?
            .into_inner())
    }

    async fn reopen(&self, claims: Claims, report: &str) -> Result<pb::Report, Status> {
        let ask = pb::ReopenReportRequest {
            command_id: Uuid::now_v7().to_string(),
            report_id: report.to_owned(),
            note: "it was off after all".to_owned(),
        };
        Ok(self.api.reopen(from(claims, ask)).await?.into_inner())
    }

    async fn calls(&self, accounts: &[&str]) -> anyhow::Result<Vec<pb::Report>> {
        let mut reports = Vec::new();
        for account in accounts {
            reports.push(self.accept(by_account(account)).await?);
            self.later(TimeDelta::seconds(20));
        }
        self.group().await?;
        Ok(reports)
    }

    async fn devices(&self) -> anyhow::Result<Vec<(String, u32)>> {
        let open = then::open(self).await?;
        Ok(open
            .into_iter()
            .map(|one| (one.device_id, one.report_count))
            .collect())
    }
}

/// Callers of one transformer, and one of another who was a prank: with it the switch is to blame, without it the transformer.
#[tokio::test]
async fn a_false_report_is_weighed_no_more_and_again_when_that_was_wrong() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let mut reports = house.calls(&["A-1-1-1", "A-1-1-2", "A-1-1-3", "A-1-2-1"]).await?;
    let before = house.devices().await?;
    assert_eq!(before, [("SW1".to_owned(), 4)]);
    let prank = reports.pop().expect("the last");
    let ask = closing(&prank, "false_report");
    let closed = house.close(agent(), ask.clone()).await?;
    assert_eq!(
        (closed.state.as_str(), closed.close_reason.as_str()),
        ("closed", "false_report")
    );
    assert!(closed.incident_id.is_empty());
    assert_eq!(closed.accepted_at, prank.accepted_at, "its time stays");
    assert_eq!(house.close(agent(), ask).await?, closed, "the same command again");
    house.group().await?;
    assert_eq!(house.devices().await?, [("T1-1".to_owned(), 3)]);
    let told = then::incidents_told(&house.db).await?;
    let last = told.last().expect("told");
    assert_eq!(
        (last.report_count, last.reporters.len()),
        (3, 3),
        "the ledger lets go"
    );
    let reopened = house.reopen(dispatcher(), &prank.report_id).await?;
    assert_eq!(
        (reopened.state.as_str(), reopened.close_reason.as_str()),
        ("open", "")
    );
    house.group().await?;
    assert_eq!(house.devices().await?, before);
    let id = then::open(&house).await?.remove(0).incident_id;
    let ask = pb::EvidenceRequest { incident_id: id };
    let told = house.api.evidence(from(dispatcher(), ask)).await?.into_inner();
    assert_eq!(told.evidence.len(), 4, "once each");
    Ok(())
}

/// Also before it was grouped; and a guess that nobody is left of is no outage.
#[tokio::test]
async fn a_guess_whose_only_report_was_false_is_over_and_one_in_the_queue_never_begins() -> anyhow::Result<()>
{
    let house = house_with_network().await?;
    let only = house.calls(&["A-1-1-1"]).await?.remove(0);
    house.close(agent(), closing(&only, "false_report")).await?;
    house.group().await?;
    assert!(then::open(&house).await?.is_empty());
    let told = then::incidents_told(&house.db).await?;
    let last = told.last().expect("told");
    assert_eq!(
        (last.state.as_str(), last.closed_because.as_str()),
        ("closed", "no_evidence")
    );
    let waits = house.accept(by_account("A-2-1-1")).await?;
    house.close(agent(), closing(&waits, "customer_internal")).await?;
    house.group().await?;
    assert!(then::open(&house).await?.is_empty());
    assert_eq!(then::count(&house.db, "report_waiting").await?, 0);
    // Opened again it is a report like any other, with its own time.
    let again = house.reopen(agent(), &waits.report_id).await?;
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].accepted_at), (1, again.accepted_at));
    Ok(())
}

#[tokio::test]
async fn a_duplicate_names_the_report_that_stays() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let reports = house.calls(&["A-1-1-1", "A-1-1-2"]).await?;
    let of = |twin: &str| pb::CloseReportRequest {
        duplicate_of_id: twin.to_owned(),
        ..closing(&reports[1], "duplicate")
    };
    for (ask, field) in [
        (of(""), "duplicate_of_id"),
        (of(&reports[1].report_id), "duplicate_of_id"),
        (of(&Uuid::now_v7().to_string()), "duplicate_of_id"),
        (closing(&reports[1], "undetermined"), "reason"),
        (
            pb::CloseReportRequest {
                note: String::new(),
                ..closing(&reports[1], "false_report")
            },
            "note",
        ),
    ] {
        let refused = house.close(agent(), ask.clone()).await.expect_err("wrong");
        assert_eq!(
            (refused.code(), then::field(&refused)),
            (Code::InvalidArgument, field),
            "{ask:?}"
        );
    }
    let closed = house.close(agent(), of(&reports[0].report_id)).await?;
    assert_eq!(closed.close_reason, "duplicate");
    house.group().await?;
    assert_eq!(
        house.devices().await?.first().map(|(_, reports)| *reports),
        Some(1)
    );
    // The one that stays cannot become a duplicate of the one that went.
    let back = pb::CloseReportRequest {
        duplicate_of_id: reports[1].report_id.clone(),
        ..closing(&reports[0], "duplicate")
    };
    assert!(house.close(agent(), back).await.is_err());
    Ok(())
}

/// Danger is closed by a dispatcher only, and only as false; nobody closes what is not theirs or is closed already.
#[tokio::test]
async fn danger_is_not_swallowed_by_a_closing_and_others_close_nothing() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let danger = pb::AcceptReportRequest {
        danger: true,
        ..by_account("A-1-1-1")
    };
    let report = house.accept(danger).await?;
    house.group().await?;
    let precondition = tonic::Code::FailedPrecondition;
    for (claims, reason, right) in [
        (agent(), "customer_internal", Some(precondition)),
        (agent(), "false_report", Some(precondition)),
        (dispatcher(), "customer_internal", Some(precondition)),
        (
            staff(Role::Dispatcher, "elsewhere"),
            "false_report",
            Some(tonic::Code::NotFound),
        ),
        (
            staff(Role::Crew, "demo"),
            "false_report",
            Some(tonic::Code::PermissionDenied),
        ),
        (dispatcher(), "false_report", None),
        (dispatcher(), "false_report", Some(precondition)),
    ] {
        let told = house.close(claims, closing(&report, reason)).await;
        assert_eq!(told.err().map(|status| status.code()), right, "{reason}");
    }
    let untold = pb::CloseReportRequest {
        customer_told: false,
        ..closing(&house.calls(&["A-2-1-1"]).await?[0], "customer_internal")
    };
    assert_eq!(
        house.close(agent(), untold).await.expect_err("not told").code(),
        precondition
    );
    let open = house.calls(&["A-2-9-1"]).await?.remove(0);
    assert_eq!(
        house
            .reopen(agent(), &open.report_id)
            .await
            .expect_err("open")
            .code(),
        precondition
    );
    Ok(())
}

/// What nobody did is needed no more, for the reason the dispatcher gave, and does not climb; what was done was done. It is to be done, since
/// when it was, as soon as the closing is taken back.
#[tokio::test]
async fn tasks_of_danger_that_was_false_are_closed_with_it_and_open_again_with_it() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let report = house.accept(fallen_wire("A-1-1-1")).await?;
    let called = settling(&report.report_id, "emergency_services", "done", "119, Wang", "");
    house.settle(agent(), called).await?;
    let asked = house.tasks(dispatcher(), true).await?;
    house
        .close(dispatcher(), closing(&report, "false_report"))
        .await?;
    house.later(TimeDelta::hours(1));
    let manager = || staff(Role::Manager, "demo");
    assert!(house.tasks(manager(), false).await?.is_empty(), "nothing climbs");
    let closed = house.tasks(dispatcher(), true).await?;
    let seen = |tasks: &[pb::DangerTask]| {
        let mut seen: Vec<_> = tasks
            .iter()
            .map(|task| {
                (
                    task.kind.clone(),
                    task.state.clone(),
                    task.settled_by.clone(),
                    task.note.clone(),
                )
            })
            .collect();
        seen.sort();
        seen
    };
    let row = |kind: &str, state: &str, by: &str, note: &str| {
        (kind.to_owned(), state.to_owned(), by.to_owned(), note.to_owned())
    };
    let why = "called back: the lights are on";
    assert_eq!(
        seen(&closed),
        [
            row("emergency_services", "done", "agent-1", ""),
            row("guard_site", "not_needed", "dispatcher-1", why),
            row("switching", "not_needed", "dispatcher-1", why),
        ]
    );
    house.reopen(agent(), &report.report_id).await?;
    assert_eq!(house.tasks(dispatcher(), true).await?, asked, "as they were");
    assert_eq!(house.tasks(manager(), false).await?.len(), 2, "and late");
    // A person settles one, which no second closing and no second opening touches.
    let needless = settling(
        &report.report_id,
        "switching",
        "not_needed",
        "",
        "no wire of ours",
    );
    house.settle(staff(Role::ControlRoom, "demo"), needless).await?;
    house
        .close(dispatcher(), closing(&report, "false_report"))
        .await?;
    house.reopen(dispatcher(), &report.report_id).await?;
    let open = house.tasks(dispatcher(), false).await?;
    assert_eq!(
        open.iter().map(|task| task.kind.as_str()).collect::<Vec<_>>(),
        ["guard_site"]
    );
    let told: Vec<DangerTask> = then::told(&house.db, "danger.task").await?;
    let of = |kind: &str| -> Vec<String> {
        let told = told.iter().filter(|task| task.kind == kind);
        told.map(|task| task.state.clone()).collect()
    };
    assert_eq!(
        of("guard_site"),
        ["open", "not_needed", "open", "not_needed", "open"]
    );
    assert_eq!(of("switching"), ["open", "not_needed", "open", "not_needed"]);
    let last: i64 = sqlx::query_scalar("select max(version) from intake.danger_task")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(last, 5);
    Ok(())
}
