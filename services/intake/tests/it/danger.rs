//! What danger asks for beside the repair (operations.md O6).

use chrono::TimeDelta;
use relight_common::{Claims, Role};
use relight_proto::{
    events::v1 as events,
    intake::v1::{self as pb, danger_tasks_server::DangerTasks},
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    given::{House, agent, by_account, by_address, dispatcher, from, house, house_with_network, staff},
    then,
};

pub fn fallen_wire(account: &str) -> pb::AcceptReportRequest {
    pb::AcceptReportRequest {
        danger: true,
        danger_note: "a wire lies in the road".to_owned(),
        ..by_account(account)
    }
}

impl House {
    pub async fn tasks(&self, claims: Claims, settled: bool) -> Result<Vec<pb::DangerTask>, Status> {
        let ask = pb::ListDangerTasksRequest { settled };
        Ok(DangerTasks::list(&self.api, from(claims, ask))
            .await?
            .into_inner()
            .tasks)
    }

    pub async fn settle(
        &self,
        claims: Claims,
        ask: pb::SettleDangerTaskRequest,
    ) -> Result<pb::DangerTask, Status> {
        Ok(self.api.settle(from(claims, ask)).await?.into_inner())
    }
}

pub fn settling(
    report: &str,
    kind: &str,
    outcome: &str,
    reference: &str,
    note: &str,
) -> pb::SettleDangerTaskRequest {
    pb::SettleDangerTaskRequest {
        command_id: Uuid::now_v7().to_string(),
        report_id: report.to_owned(),
        kind: kind.to_owned(),
        outcome: outcome.to_owned(),
        reference: reference.to_owned(),
        note: note.to_owned(),
    }
}

/// Before any worker looked: the answer says to keep away, and the three tasks are there.
#[tokio::test]
async fn a_report_of_danger_opens_guard_switching_and_hand_off_at_once() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let message = fallen_wire("A-1-1-1");
    let report = house.accept(message.clone()).await?;
    assert!(report.say.as_ref().expect("words").en.starts_with("Keep away"));
    let tasks = house.tasks(staff(Role::ControlRoom, "demo"), false).await?;
    let told: Vec<_> = tasks
        .iter()
        .map(|task| (task.kind.as_str(), task.device_id.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("emergency_services", ""),
            ("guard_site", ""),
            ("switching", "SW1")
        ]
    );
    assert!(tasks.iter().all(|task| task.report_id == report.report_id
        && task.report_number == report.number
        && task.danger_note == "a wire lies in the road"
        && task.position.is_some()));
    let news: Vec<events::DangerTask> = then::told(&house.db, "danger.task").await?;
    assert_eq!(news.len(), 3);
    assert_eq!(house.accept(message).await?, report, "the same command again");
    assert_eq!(house.tasks(dispatcher(), false).await?.len(), 3);
    house.accept(by_account("A-1-1-2")).await?;
    assert_eq!(
        house.tasks(dispatcher(), false).await?.len(),
        3,
        "no danger, no tasks"
    );
    // A second report of danger by the same customer is no mere urge, and has its own.
    house.accept(fallen_wire("A-1-1-1")).await?;
    assert_eq!(house.tasks(dispatcher(), false).await?.len(), 6);
    Ok(())
}

/// Nobody knows the place, and there is no network: all the same.
#[tokio::test]
async fn danger_where_nobody_knows_the_place_has_its_tasks_too() -> anyhow::Result<()> {
    let house = house().await?;
    house
        .others
        .say(|script| script.failure = Some(Status::unavailable("away")));
    let nowhere = pb::AcceptReportRequest {
        danger: true,
        ..by_address()
    };
    house.accept(nowhere).await?;
    let tasks = house.tasks(staff(Role::Dispatcher, "demo"), false).await?;
    assert_eq!(tasks.len(), 3);
    assert!(tasks.iter().all(|task| task.device_id.is_empty()));
    Ok(())
}

#[tokio::test]
async fn a_task_is_settled_once_with_who_took_it_and_what_nobody_does_climbs() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let report = house.accept(fallen_wire("A-1-1-1")).await?.report_id;
    let ask = settling(&report, "emergency_services", "done", "119, Wang, 10:12", "");
    let done = house.settle(agent(), ask.clone()).await?;
    assert_eq!(
        (
            done.state.as_str(),
            done.reference.as_str(),
            done.settled_by.as_str()
        ),
        ("done", "119, Wang, 10:12", "agent-1")
    );
    assert_eq!(house.settle(agent(), ask).await?, done, "the same command again");
    for (claims, ask, code) in [
        (
            agent(),
            settling(&report, "emergency_services", "done", "110", ""),
            Code::FailedPrecondition,
        ),
        (
            agent(),
            settling(&report, "guard_site", "done", "", ""),
            Code::InvalidArgument,
        ),
        (
            agent(),
            settling(&report, "guard_site", "not_needed", "", ""),
            Code::InvalidArgument,
        ),
        (
            agent(),
            settling(&report, "repair", "done", "us", ""),
            Code::InvalidArgument,
        ),
        (
            staff(Role::Dispatcher, "elsewhere"),
            settling(&report, "guard_site", "done", "us", ""),
            Code::NotFound,
        ),
        (
            staff(Role::Crew, "demo"),
            settling(&report, "guard_site", "done", "us", ""),
            Code::PermissionDenied,
        ),
        (
            agent(),
            settling(&Uuid::now_v7().to_string(), "guard_site", "done", "us", ""),
            Code::NotFound,
        ),
    ] {
        let refused = house.settle(claims, ask.clone()).await.expect_err("refused");
        assert_eq!(refused.code(), code, "{ask:?}");
    }
    let manager = || staff(Role::Manager, "demo");
    assert!(house.tasks(manager(), false).await?.is_empty());
    house.later(TimeDelta::hours(1));
    assert_eq!(
        house.tasks(manager(), false).await?.len(),
        2,
        "nobody guards, nobody switches"
    );
    let needless = settling(&report, "switching", "not_needed", "", "a telephone wire");
    house.settle(staff(Role::ControlRoom, "demo"), needless).await?;
    assert_eq!(house.tasks(manager(), false).await?.len(), 1);
    let all = house.tasks(dispatcher(), true).await?;
    let states: Vec<_> = all.iter().map(|task| task.state.as_str()).collect();
    assert_eq!(states, ["open", "not_needed", "done"]);
    let news: Vec<events::DangerTask> = then::told(&house.db, "danger.task").await?;
    assert_eq!(news.iter().filter(|task| task.state != "open").count(), 2);
    Ok(())
}
