//! Visits: assigned, listed for the desk, done by their proof.

use relight_common::{Claims, Role, wire::timestamp};
use relight_planner::domain::event::Event;
use relight_proto::planner::v1::{
    AssignTasksRequest, ListTasksRequest, NoticeTask, notice_tasks_server::NoticeTasks,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    given::{self, House, customer, h, outage, planner, window, with},
    served::from,
};

impl House {
    async fn send(&self, claims: &Claims, due: chrono::TimeDelta) -> Result<u32, Status> {
        let message = AssignTasksRequest {
            command_id: Uuid::now_v7().to_string(),
            outage_id: outage().to_string(),
            channel: "visit".to_owned(),
            assignee: "Wang".to_owned(),
            due_at: Some(timestamp(self.now() + due)),
            ..AssignTasksRequest::default()
        };
        let api = self
            .served_api()
            .map_err(|error| Status::internal(error.to_string()))?;
        Ok(api.assign(from(claims, message)).await?.into_inner().assigned)
    }

    async fn open_visits(&self) -> anyhow::Result<Vec<NoticeTask>> {
        let message = ListTasksRequest {
            open: true,
            ..ListTasksRequest::default()
        };
        let reply = NoticeTasks::list(&self.served_api()?, from(&planner(), message)).await?;
        Ok(reply.into_inner().tasks)
    }
}

/// operations.md O22: whom no channel reached, somebody goes to; the proof of it is the end of it.
#[tokio::test]
async fn who_was_not_reached_is_visited_and_the_proof_ends_the_visit() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    let early = house
        .send(&planner(), h(24))
        .await
        .expect_err("nothing to tell yet");
    assert_eq!(early.code(), Code::FailedPrecondition);
    house.event(&planner(), Event::Announce).await?;
    house.served(1, "notice", &[1, 2]).await?;
    assert_eq!(house.send(&planner(), h(24)).await?, 2, "3 and 4 were not told");
    assert_eq!(house.send(&planner(), h(48)).await?, 2, "given anew, not twice");
    let visits = house.open_visits().await?;
    assert_eq!(visits.len(), 2);
    assert_eq!(
        (visits[0].assignee.as_str(), visits[0].assigned_by.as_str()),
        ("Wang", "pat")
    );
    house.act(&planner(), house.visit(3, Some(vec![1; 32]))).await?;
    let left: Vec<_> = house
        .open_visits()
        .await?
        .into_iter()
        .map(|one| one.customer_id)
        .collect();
    assert_eq!(left, [customer(4).to_string()]);
    house.event(&planner(), Event::Cancel).await?;
    assert!(
        house.open_visits().await?.is_empty(),
        "nobody goes for what was called off"
    );
    Ok(())
}

#[tokio::test]
async fn a_visit_is_before_the_start_and_sent_by_those_who_tell_people() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    house.event(&planner(), Event::Announce).await?;
    let late = house.send(&planner(), window().off_at - house.now() + h(1)).await;
    assert_eq!(late.expect_err("after the start").code(), Code::InvalidArgument);
    let crew = house.send(&with("cam", Role::Crew), h(1)).await;
    assert_eq!(
        crew.expect_err("a crew sends nobody").code(),
        Code::PermissionDenied
    );
    Ok(())
}
