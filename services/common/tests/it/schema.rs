//! A program serves only a schema that has everything it needs: an older one is refused, a newer one is none of its
//! business (two releases run side by side while one replaces the other).

use relight_common::service::Room;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::world::World;

/// Changes the books of applied migrations, then starts a room.
async fn after(change: &str) -> anyhow::Result<anyhow::Result<Room>> {
    let world = World::build().await?;
    let owner = world.owner_db.owner().options([("search_path", "intake")]);
    let mut owner = PgConnection::connect_with(&owner).await?;
    sqlx::query(AssertSqlSafe(change.to_owned()))
        .execute(&mut owner)
        .await?;
    let room = world.room("intake").await;
    world.host.shut_down().await;
    Ok(room)
}

#[tokio::test]
async fn an_older_schema_is_refused_whichever_migration_it_lacks() -> anyhow::Result<()> {
    for (books, version) in [
        ("_common_migrations", 20_261_122_000_003_i64),
        // The newest is there and an older one is not: a release made of two branches.
        ("_common_migrations", 20_261_122_000_001),
        ("_sqlx_migrations", 20_261_122_000_002),
    ] {
        let refused = after(&format!("delete from {books} where version = {version}")).await?;
        let words = format!("{:#}", refused.expect_err("a migration is missing"));
        assert_eq!(
            words,
            format!("schema intake is older than this program, it lacks [{version}]: run `relight migrate`")
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_migration_that_broke_off_counts_as_missing() -> anyhow::Result<()> {
    assert!(
        after("update _sqlx_migrations set success = false")
            .await?
            .is_err()
    );
    Ok(())
}

#[tokio::test]
async fn a_newer_schema_is_accepted() -> anyhow::Result<()> {
    for books in ["_common_migrations", "_sqlx_migrations"] {
        let newer = format!(
            "insert into {books} (version, description, success, checksum, execution_time)
             values (20991231000000, 'of the next release', true, '', 0)"
        );
        after(&newer).await??;
    }
    Ok(())
}

#[tokio::test]
async fn a_schema_that_is_not_there_is_refused_in_words() -> anyhow::Result<()> {
    let refused = after("alter table _sqlx_migrations rename to elsewhere").await?;
    let words = format!("{:#}", refused.expect_err("no books"));
    assert!(words.starts_with("schema intake is not there"), "{words}");
    assert!(words.ends_with("run `relight migrate`"), "{words}");
    Ok(())
}
