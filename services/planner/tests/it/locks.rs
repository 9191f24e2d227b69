//! A lock is said at once to who has announced something in it, and to arrears before a cut.

use relight_common::{Claims, Role, wire::timestamp};
use relight_proto::planner::v1::{
    LiftLockRequest, Lock, LocksAtRequest, PutLockRequest, planner_server::Planner,
    standing_locks_server::StandingLocks,
};
use tonic::Code;
use uuid::Uuid;

use crate::{
    given::{self, House, h, manager, window},
    served::from,
    then,
};

const LOCK: &str = "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11";

impl House {
    async fn put_lock(&self, id: &str, org_path: &str, (from, until): (i64, i64)) -> anyhow::Result<()> {
        let lock = Lock {
            lock_id: id.to_owned(),
            kind: "event".to_owned(),
            org_path: org_path.to_owned(),
            from_at: Some(timestamp(window().off_at + h(from))),
            until_at: Some(timestamp(window().off_at + h(until))),
            reason: "entrance exam".to_owned(),
            lifted_by: String::new(),
        };
        let message = PutLockRequest {
            command_id: Uuid::now_v7().to_string(),
            lock: Some(lock),
        };
        self.served_api()?.put_lock(from_manager(message)).await?;
        Ok(())
    }

    async fn locks_at(
        &self,
        claims: &Claims,
        org_path: &str,
        hours: i64,
    ) -> anyhow::Result<Result<usize, Code>> {
        let message = LocksAtRequest {
            org_path: org_path.to_owned(),
            at: Some(timestamp(window().off_at + h(hours))),
        };
        let reply = self.served_api()?.at(from(claims, message)).await;
        Ok(reply
            .map(|reply| reply.into_inner().locks.len())
            .map_err(|status| status.code()))
    }
}

fn from_manager<T>(message: T) -> tonic::Request<T> {
    from(&manager(), message)
}

#[tokio::test]
async fn a_lock_over_an_announced_plan_is_an_alarm_at_once() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    let id = || Uuid::now_v7().to_string();
    house.put_lock(&id(), "demo/city", (48, 72)).await?;
    house.put_lock(&id(), "demo/city/station2", (-2, 72)).await?;
    assert!(
        !then::alarmed(&house.db, "locked").await?,
        "another day, another place"
    );
    house.put_lock(&id(), "demo/city", (-2, 24)).await?;
    let alarms = then::alarms(&house.db).await?;
    let locked: Vec<&(String, String)> = alarms.iter().filter(|(what, _)| what == "locked").collect();
    assert_eq!(locked.len(), 1, "{alarms:?}");
    assert!(
        locked[0].1.contains("entrance exam") && locked[0].1.contains("new notice"),
        "{locked:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_plan_nobody_was_told_of_meets_its_locks_when_it_is_announced() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    house.put_lock(LOCK, "demo/city", (-2, 24)).await?;
    assert!(!then::alarmed(&house.db, "locked").await?);
    Ok(())
}

#[tokio::test]
async fn arrears_alone_is_told_what_is_locked_at_a_moment() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.put_lock(LOCK, "demo/city", (-2, 24)).await?;
    let arrears = Claims::service("arrears");
    for (org_path, hours, standing) in [
        ("demo/city", 0, 1),
        ("demo/city/east", 0, 1),
        ("demo", 0, 1),
        ("demo/county", 0, 0),
        ("demo/cityhall", 0, 0),
        ("demo/city", -3, 0),
        ("demo/city", -2, 1),
        ("demo/city", 24, 0),
    ] {
        let found = house.locks_at(&arrears, org_path, hours).await?;
        assert_eq!(found, Ok(standing), "{org_path} {hours}");
    }
    for claims in [
        manager(),
        given::with("li", Role::Agent),
        Claims::service("intake"),
    ] {
        let refused = house.locks_at(&claims, "demo/city", 0).await?;
        assert_eq!(refused, Err(Code::PermissionDenied));
    }
    let lift = LiftLockRequest {
        command_id: Uuid::now_v7().to_string(),
        lock_id: LOCK.to_owned(),
        reason: "moved".to_owned(),
    };
    house.served_api()?.lift_lock(from_manager(lift)).await?;
    assert_eq!(house.locks_at(&arrears, "demo/city", 0).await?, Ok(0));
    Ok(())
}
