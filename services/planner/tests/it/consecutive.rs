//! Two outages of the same people with less than an hour of supply between: the notice names both windows, one plan is counted.

use relight_common::{ids::derived_from_name, wire::timestamp};
use relight_planner::{
    domain::{event::Event, ids::OutageId, window::Window},
    store::consecutive::neighbours,
};
use relight_proto::planner::v1::{TemporaryShareRequest, plan_figures_server::PlanFigures};

use crate::{
    given::{self, House, h, manager, min, outage, planner, window},
    served::from,
    then,
};

fn the_other() -> OutageId {
    OutageId::from_uuid(derived_from_name("the other outage"))
}

impl House {
    /// Another outage of the same people, announced, from `off` minutes after the end of the first for two hours.
    async fn another(&self, off: i64) -> anyhow::Result<Window> {
        let off_at = window().on_at + min(off);
        let theirs = Window {
            off_at,
            on_at: off_at + h(2),
        };
        self.drafted(the_other(), theirs).await?;
        given::handed_in(self, the_other()).await?;
        sqlx::query(
            "insert into planner.countersign (outage_id, plan_no, department, round, sent_at, sent_by, received_at, received_by,
                 signed_at, signed_by, verdict, reason)
             select $2, plan_no, department, round, sent_at, sent_by, received_at, received_by, signed_at, signed_by, verdict, reason
             from planner.countersign where outage_id = $1",
        )
        .bind(outage().uuid())
        .bind(the_other().uuid())
        .execute(self.db.pool())
        .await?;
        sqlx::query(
            "update planner.outage set state = 'approved', approver = 'mo', announced_at = $2, affected_set_id = $3 where id = $1",
        )
        .bind(the_other().uuid())
        .bind(self.now())
        .bind(derived_from_name("the other set"))
        .execute(self.db.pool())
        .await?;
        Ok(theirs)
    }
}

#[tokio::test]
async fn the_notice_names_both_windows_when_less_than_an_hour_is_between() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    let theirs = house.another(45).await?;
    house.event(&planner(), Event::Announce).await?;
    let notices = then::whole_notices(&house.db).await?;
    let one = notices.last().expect("a notice");
    assert_eq!(
        one.also_affected_set_id,
        derived_from_name("the other set").to_string()
    );
    assert_eq!(one.also_off_at, Some(timestamp(theirs.off_at)));
    assert_eq!(one.also_on_at, Some(timestamp(theirs.on_at)));
    Ok(())
}

#[tokio::test]
async fn one_an_hour_apart_called_off_or_not_announced_is_not_named() -> anyhow::Result<()> {
    for (off, what) in [
        (60, "state = state"),
        (45, "state = 'cancelled'"),
        (45, "announced_at = null"),
    ] {
        let house = given::house().await?;
        house.approved().await?;
        house.another(off).await?;
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "update planner.outage set {what} where id = $1"
        )))
        .bind(the_other().uuid())
        .execute(house.db.pool())
        .await?;
        house.event(&planner(), Event::Announce).await?;
        let notices = then::whole_notices(&house.db).await?;
        let one = notices.last().expect("a notice");
        assert_eq!(one.also_affected_set_id, "", "{off} {what}");
        assert!(one.also_off_at.is_none(), "{off} {what}");
    }
    Ok(())
}

/// Both were switched off: two interruptions for the ledger, one plan for the figure and for the limits of the year.
#[tokio::test]
async fn two_in_a_row_count_as_one_plan() -> anyhow::Result<()> {
    for (off, plans) in [(45, 1), (75, 2)] {
        let house = given::house().await?;
        house.approved().await?;
        let theirs = house.another(off).await?;
        let mut conn = house.db.pool().acquire().await?;
        let same = neighbours(&mut conn, &house.stored().await?, window()).await?;
        assert_eq!(same.len(), usize::from(plans == 1), "{off}");
        for (id, at) in [(outage(), window().off_at), (the_other(), theirs.off_at)] {
            sqlx::query("update planner.outage set switched_off_at = $2, permit_at = $2 where id = $1")
                .bind(id.uuid())
                .bind(at)
                .execute(house.db.pool())
                .await?;
        }
        let message = TemporaryShareRequest {
            month: "2026-03".to_owned(),
        };
        let reply = house
            .served_api()?
            .temporary_share(from(&manager(), message))
            .await?;
        assert_eq!(reply.get_ref().planned, plans, "{off} minutes between");
    }
    Ok(())
}
