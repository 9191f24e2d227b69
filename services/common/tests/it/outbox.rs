//! Upkeep of the outbox as the service's own role: partitions come ahead of time and go when they are old and told.

use relight_common::{Db, db::keep_partitions, events};
use relight_proto::events::v1::ReadRequest;
use relight_testkit::TestDb;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::world::owner;

/// A partition of a day long gone with three rows of partition 0, numbered from `first`.
pub async fn old_day(db: &TestDb, days_ago: i32, first: i64) -> anyhow::Result<String> {
    let mut conn = PgConnection::connect_with(&db.owner().options([("search_path", "intake")])).await?;
    let name: String =
        sqlx::query_scalar("select 'outbox_' || to_char((now() at time zone 'UTC')::date - $1, 'YYYYMMDD')")
            .bind(days_ago)
            .fetch_one(&mut conn)
            .await?;
    let (from, to): (String, String) = sqlx::query_as(
        "select outbox_day_floor((now() at time zone 'UTC')::date - $1)::text, outbox_day_floor((now() at time zone 'UTC')::date - $1 + 1)::text",
    )
    .bind(days_ago)
    .fetch_one(&mut conn)
    .await?;
    let create = format!("create table {name} partition of outbox for values from ('{from}') to ('{to}')");
    sqlx::query(AssertSqlSafe(create)).execute(&mut conn).await?;
    rows_at(db, days_ago, first).await?;
    Ok(name)
}

async fn rows_at(db: &Db, days_ago: i32, first: i64) -> anyhow::Result<()> {
    sqlx::query(
        "insert into outbox (id, partition_no, seq, subject, version, type, org_path, occurred_at, traceparent, cause, data)
         select (left(outbox_day_floor((now() at time zone 'UTC')::date - $1)::text, 24) || lpad(s::text, 12, '0'))::uuid,
                0, s, gen_random_uuid(), 1, 'old', '', now(), '', '', ''
         from generate_series($2::bigint, $2 + 2) s",
    )
    .bind(days_ago)
    .bind(first)
    .execute(db.pool())
    .await?;
    Ok(())
}

async fn head(db: &Db, seq: i64, published: i64) -> anyhow::Result<()> {
    sqlx::query("update outbox_head set seq = $1, published = $2 where partition_no = 0")
        .bind(seq)
        .bind(published)
        .execute(db.pool())
        .await?;
    Ok(())
}

/// (numbers kept, the smallest as told to readers)
async fn kept(db: &Db) -> anyhow::Result<(Vec<u64>, u64)> {
    let read = events::read(db, &ReadRequest::default()).await?;
    Ok((read.events.iter().map(|event| event.seq).collect(), read.oldest))
}

#[tokio::test]
async fn old_partitions_that_were_told_are_dropped_and_the_others_kept() -> anyhow::Result<()> {
    let db = owner().await?;
    old_day(&db, 20, 1).await?;
    let untold = old_day(&db, 12, 4).await?;
    old_day(&db, 5, 7).await?;
    head(&db, 9, 3).await?;
    assert_eq!(
        keep_partitions(db.pool()).await?,
        1,
        "only the first was published whole"
    );
    assert_eq!(kept(&db).await?, ((4..=9).collect(), 4));
    head(&db, 9, 9).await?;
    assert_eq!(keep_partitions(db.pool()).await?, 1);
    assert_eq!(kept(&db).await?, ((7..=9).collect(), 7));
    let gone: bool = sqlx::query_scalar("select to_regclass($1) is null")
        .bind(untold)
        .fetch_one(db.pool())
        .await?;
    assert!(gone);
    Ok(())
}

#[tokio::test]
async fn a_row_that_never_got_a_number_keeps_its_partition() -> anyhow::Result<()> {
    let db = owner().await?;
    old_day(&db, 20, 1).await?;
    head(&db, 3, 3).await?;
    sqlx::query("update outbox set seq = null where seq = 2")
        .execute(db.pool())
        .await?;
    assert_eq!(keep_partitions(db.pool()).await?, 0);
    assert_eq!(kept(&db).await?.0, [1, 3]);
    Ok(())
}

/// Upkeep that did not run for days: rows of those days lie in the default partition.
#[tokio::test]
async fn the_default_partition_is_kept_like_the_others() -> anyhow::Result<()> {
    let db = owner().await?;
    rows_at(&db, 20, 1).await?;
    rows_at(&db, 12, 4).await?;
    rows_at(&db, -5, 7).await?;
    head(&db, 9, 4).await?;
    keep_partitions(db.pool()).await?;
    assert_eq!(
        kept(&db).await?,
        ((5..=9).collect(), 5),
        "what was not published is kept"
    );
    let days: i32 = sqlx::query_scalar("select outbox_keep(7, 7)")
        .fetch_one(db.pool())
        .await?;
    assert_eq!(
        days, 0,
        "a day whose rows lie in the default partition gets none of its own, and that is no failure"
    );
    Ok(())
}

/// The function runs with the owner's rights, so nothing the caller can set may lead it astray.
#[tokio::test]
async fn the_caller_of_the_upkeep_cannot_lead_it_astray() -> anyhow::Result<()> {
    let db = owner().await?;
    let mut conn = db.pool().acquire().await?;
    for statement in [
        "create temp table outbox (id uuid) partition by range (id)",
        "create temp table outbox_head (partition_no int, published bigint)",
        "set search_path = pg_temp, intake",
    ] {
        sqlx::query(statement).execute(&mut *conn).await?;
    }
    sqlx::query("select intake.outbox_keep(9, 7)")
        .execute(&mut *conn)
        .await?;
    let (astray, ahead): (i64, i64) = sqlx::query_as(
        "select (select count(*) from pg_inherits where inhparent = 'pg_temp.outbox'::regclass),
                (select count(*) from pg_inherits where inhparent = 'intake.outbox'::regclass)",
    )
    .fetch_one(&mut *conn)
    .await?;
    assert_eq!((astray, ahead), (0, 11), "ten days and the default");
    let anybody: bool = sqlx::query_scalar(
        "select exists (select 1 from pg_proc p, aclexplode(p.proacl) a where p.oid = 'intake.outbox_keep(int, int)'::regprocedure and a.grantee = 0)",
    )
    .fetch_one(&mut *conn)
    .await?;
    assert!(!anybody, "only the owner and the service may call it");
    Ok(())
}
