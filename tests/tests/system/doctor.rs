//! What the doctor calls wrong, on a migrated system that does not run.

use relight_tests::System;

/// What a verb says when it ends with another exit code than 0.
async fn complaint(system: &System, verb: &[&str]) -> anyhow::Result<String> {
    match system.verb(verb).await {
        Ok(said) => anyhow::bail!("no complaint: {said}"),
        Err(said) => Ok(format!("{said:#}")),
    }
}

#[tokio::test]
async fn events_that_nobody_keeps_any_more_are_wrong_until_they_are_closed() -> anyhow::Result<()> {
    let system = System::prepare().await?;
    system.verb(&["doctor"]).await?;
    let mut database = system.database.connect().await?;
    sqlx::query(
        "insert into dispatch.dead_letter (source, partition_no, seq, subject, type, event, reason, parked_at)
         values ('intake', 2, 5, 'intake-2-5-9', 'events.lost', '', 'intake no longer keeps its events 5 to 9', now())",
    )
    .execute(&mut database)
    .await?;
    let said = complaint(&system, &["doctor"]).await?;
    assert!(
        said.contains("intake no longer keeps its events 5 to 9"),
        "{said}"
    );
    let asked = system.verb(&["events", "dead", "retry"]).await?;
    assert!(asked.starts_with("0 parked events"), "{asked}");
    let asked = system.verb(&["events", "dead", "retry", "intake-2-5-9"]).await?;
    assert!(asked.starts_with("1 parked events"), "{asked}");
    Ok(())
}

/// Also one of the tables every service has, and also when a newer one is there.
#[tokio::test]
async fn a_schema_that_lacks_a_migration_is_wrong_and_is_not_served() -> anyhow::Result<()> {
    let mut system = System::prepare().await?;
    system.set("GRPC__LISTEN__DISPATCH", "127.0.0.1:0");
    let lacking = "delete from dispatch._common_migrations where version = 20261122000001";
    sqlx::query(lacking)
        .execute(&mut system.database.connect().await?)
        .await?;
    for verb in [&["doctor"][..], &["serve", "--role", "dispatch"]] {
        let said = complaint(&system, verb).await?;
        assert!(
            said.contains("older than this program") && said.contains("20261122000001"),
            "{said}"
        );
    }
    Ok(())
}
