//! The audit chain shows a row that was changed, removed or put in later.

use std::time::Duration;

use chrono::Utc;
use relight_common::{Db, Work, audit, lease};
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

#[tokio::test]
async fn a_changed_row_breaks_the_chain_where_it_was_changed() -> anyhow::Result<()> {
    let db = owner().await?;
    sealed(&db, 5).await?;
    sqlx::query("update audit set actor = 'somebody else' where n = 3")
        .execute(db.pool())
        .await?;
    assert_eq!(audit::verify(db.pool()).await?, Some(3));
    Ok(())
}

#[tokio::test]
async fn a_removed_row_breaks_the_chain() -> anyhow::Result<()> {
    let db = owner().await?;
    sealed(&db, 5).await?;
    sqlx::query("delete from audit where n = 2")
        .execute(db.pool())
        .await?;
    assert_eq!(audit::verify(db.pool()).await?, Some(2));
    Ok(())
}
