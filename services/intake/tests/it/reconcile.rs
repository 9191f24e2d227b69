//! What was broken on purpose is mended.

use chrono::TimeDelta;
use relight_common::reconcile::Reconciler;
use relight_intake::reconcile::Mender;

use crate::{
    given::{House, by_account, house, now},
    then,
};

async fn mend(house: &House) -> anyhow::Result<u64> {
    let mender = Mender {
        self_help: house.desk.numbers_of.self_help,
        retention: house.desk.numbers_of.retention,
    };
    Ok(mender.pass(&house.db, house.clock.now()).await?)
}

async fn break_it(house: &House, sql: &'static str) -> anyhow::Result<()> {
    sqlx::query(sql).execute(house.db.pool()).await?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_mended_while_all_is_well() -> anyhow::Result<()> {
    let house = house().await?;
    house.accept(by_account("A-1-1-1")).await?;
    house.later(TimeDelta::minutes(1));
    assert_eq!(mend(&house).await?, 0, "waiting is well");
    house.group().await?;
    assert_eq!(mend(&house).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_report_that_fell_off_the_queue_goes_back() -> anyhow::Result<()> {
    let house = house().await?;
    house.accept(by_account("A-1-1-1")).await?;
    break_it(&house, "delete from intake.report_waiting").await?;
    assert_eq!(mend(&house).await?, 0, "it may be on its way");
    house.later(TimeDelta::seconds(11));
    assert_eq!(mend(&house).await?, 1);
    assert_eq!(house.group().await?, 1);
    assert_eq!(then::open(&house).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_incident_follows_its_reports() -> anyhow::Result<()> {
    let house = house().await?;
    house.accept(by_account("A-1-1-1")).await?;
    house.accept(by_account("A-1-1-2")).await?;
    house.group().await?;
    break_it(
        &house,
        "update intake.incident set report_count = 9, accepted_at = accepted_at + interval '1 hour'",
    )
    .await?;
    assert_eq!(mend(&house).await?, 1);
    let open = then::open(&house).await?;
    let right = relight_common::wire::timestamp(now());
    assert_eq!((open[0].report_count, open[0].accepted_at), (2, Some(right)));
    assert_eq!(
        then::incidents_told(&house.db)
            .await?
            .last()
            .map(|told| told.report_count),
        Some(2)
    );
    assert_eq!(mend(&house).await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_incident_without_any_report_is_closed() -> anyhow::Result<()> {
    let house = house().await?;
    house.accept(by_account("A-1-1-1")).await?;
    house.group().await?;
    break_it(&house, "delete from intake.report_link").await?;
    assert_eq!(mend(&house).await?, 1);
    assert!(then::open(&house).await?.is_empty());
    assert_eq!(
        then::incidents_told(&house.db)
            .await?
            .last()
            .map(|told| told.state.clone()),
        Some("closed".to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn reports_follow_a_merged_incident() -> anyhow::Result<()> {
    let house = house().await?;
    house.accept(by_account("A-1-1-1")).await?;
    house.accept(by_account("A-2-1-1")).await?;
    house.group().await?;
    break_it(
        &house,
        "update intake.incident set state = 'merged', merged_into = (select id from intake.incident where device_id = 'T1-1')
         where device_id = 'T2-1'",
    )
    .await?;
    assert_eq!(
        mend(&house).await?,
        2,
        "the report, and the count of the incident it moved to"
    );
    assert_eq!(then::open(&house).await?[0].report_count, 2);
    Ok(())
}

/// An incident of four callers, closed at once by its dispatcher's crew.
async fn closed_incident(house: &House, transformer: u32) -> anyhow::Result<()> {
    for c in 1..=4 {
        house
            .accept(by_account(&format!("A-1-{transformer}-{c}")))
            .await?;
    }
    house.group().await?;
    break_it(
        house,
        "update intake.incident set state = 'closed', close_reason = 'restored'",
    )
    .await
}

#[tokio::test]
async fn old_evidence_goes_when_no_decision_and_no_open_incident_needs_it() -> anyhow::Result<()> {
    let house = crate::given::house_with_network().await?;
    let days = |house: &House, n| house.later(TimeDelta::days(n));
    closed_incident(&house, 1).await?;
    let first = then::count(&house.db, "decision").await?;
    assert!(first > 0);
    days(&house, 200);
    closed_incident(&house, 2).await?;
    days(&house, 199);
    mend(&house).await?;
    assert_eq!(
        then::count(&house.db, "evidence").await?,
        8,
        "none is 400 days old"
    );

    days(&house, 2);
    mend(&house).await?;
    assert_eq!(then::count(&house.db, "evidence").await?, 4, "the first has gone");
    assert_eq!(then::count(&house.db, "incident").await?, 2, "incidents stay");
    assert_eq!(then::count(&house.db, "report").await?, 8, "reports stay");

    // Open again, the second keeps what it was begun with, however old.
    break_it(
        &house,
        "update intake.incident set state = 'open', close_reason = null
         where off_at = (select max(off_at) from intake.incident)",
    )
    .await?;
    days(&house, 400);
    mend(&house).await?;
    assert_eq!(then::count(&house.db, "evidence").await?, 4);
    assert!(then::count(&house.db, "decision").await? > 0);
    Ok(())
}
