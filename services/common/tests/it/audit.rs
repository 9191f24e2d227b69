//! The audit chain shows a row that was changed, removed or put in later.

use std::time::Duration;

use chrono::Utc;
use relight_common::{Db, Work, audit, lease};
use relight_testkit::TestDb;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::world::owner;

async fn act(db: &Db, action: &'static str) -> anyhow::Result<()> {
    let mut work = Work::internal(db, "test", Utc::now()).await?;
    work.audit(action, "subject", serde_json::json!({ "b": 1, "a": [1, 2] }));
    work.done().await?;
    Ok(())
}

async fn sealed(db: &Db, acts: usize) -> anyhow::Result<()> {
    let lease = lease::take(db.pool(), "audit", Uuid::now_v7(), Duration::from_secs(60))
        .await?
        .expect("free");
    for _ in 0..acts {
        act(db, "order.assigned").await?;
    }
    assert_eq!(audit::seal(db, &lease).await?, acts);
    assert_eq!(audit::verify(db.pool()).await?, None);
    Ok(())
}

/// As the owner of the database could.
async fn tamper(db: &TestDb, statement: &'static str) -> anyhow::Result<()> {
    sqlx::query(statement)
        .execute(&mut PgConnection::connect_with(&db.owner()).await?)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_service_can_neither_change_nor_remove_what_it_did() -> anyhow::Result<()> {
    let db = owner().await?;
    sealed(&db, 2).await?;
    for statement in ["update audit set actor = 'somebody else'", "delete from audit"] {
        let refused = sqlx::query(statement).execute(db.pool()).await.unwrap_err();
        assert!(
            refused.to_string().contains("permission denied"),
            "{statement}: {refused}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_changed_row_breaks_the_chain_where_it_was_changed() -> anyhow::Result<()> {
    let db = owner().await?;
    sealed(&db, 5).await?;
    tamper(&db, "update intake.audit set actor = 'somebody else' where n = 3").await?;
    assert_eq!(audit::verify(db.pool()).await?, Some(3));
    Ok(())
}

#[tokio::test]
async fn a_removed_row_breaks_the_chain() -> anyhow::Result<()> {
    let db = owner().await?;
    sealed(&db, 5).await?;
    tamper(&db, "delete from intake.audit where n = 2").await?;
    assert_eq!(audit::verify(db.pool()).await?, Some(2));
    Ok(())
}

/// A row forged with a hash that is right for itself does not follow the one before it.
#[tokio::test]
async fn a_row_of_another_chain_does_not_fit() -> anyhow::Result<()> {
    let (db, other) = (owner().await?, owner().await?);
    sealed(&db, 5).await?;
    sealed(&other, 5).await?;
    let row: String = sqlx::query_scalar("select row_to_json(a)::text from audit a where n = 3")
        .fetch_one(other.pool())
        .await?;
    tamper(&db, "delete from intake.audit where n = 3").await?;
    sqlx::query("insert into intake.audit select * from json_populate_record(null::intake.audit, $1::json)")
        .bind(row)
        .execute(&mut PgConnection::connect_with(&db.owner()).await?)
        .await?;
    assert_eq!(audit::verify(db.pool()).await?, Some(3));
    Ok(())
}
