//! Events: numbers without gaps, all published, all read, none parked.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::Check;
use crate::lag::{self, over_services};

pub(super) async fn check(conn: &mut PgConnection) -> anyhow::Result<Vec<Check>> {
    Ok(vec![
        gapless(conn).await?,
        published(conn).await?,
        read(conn).await?,
        none_parked(conn).await?,
    ])
}

/// What one partition holds.
#[derive(Debug, FromRow)]
struct Partition {
    source: String,
    partition_no: i16,
    rows: i64,
    numbers: i64,
    last: i64,
    head: i64,
    oldest: i64,
}

async fn gapless(conn: &mut PgConnection) -> anyhow::Result<Check> {
    let select = "select '{s}' as source, h.partition_no, count(o.id) as rows, count(distinct o.seq) as numbers,
        coalesce(max(o.seq), 0) as last, h.seq as head, h.oldest
        from {s}.outbox_head h left join {s}.outbox o on o.partition_no = h.partition_no group by h.partition_no, h.seq, h.oldest";
    let all: Vec<Partition> = sqlx::query_as(AssertSqlSafe(over_services(select)))
        .fetch_all(conn)
        .await?;
    let is_whole = |p: &Partition| {
        p.rows == p.numbers && p.last == p.head.min(p.last) && p.numbers == p.head - (p.oldest - 1)
    };
    let broken = all.iter().filter(|p| !is_whole(p)).map(|p| {
        let Partition {
            source,
            partition_no,
            rows,
            numbers,
            head,
            ..
        } = p;
        format!("{source}/{partition_no}: {rows} events, {numbers} numbers, head {head}")
    });
    let events: i64 = all.iter().map(|p| p.rows).sum();
    Ok(Check::new(
        "an event has a number, without gaps",
        usize::try_from(events)?,
        broken.collect(),
    ))
}

async fn published(conn: &mut PgConnection) -> anyhow::Result<Check> {
    let heads = lag::heads(conn).await?;
    let behind = heads.iter().filter(|head| head.published != head.seq);
    let broken = behind.map(|h| format!("{}/{}: {} of {}", h.source, h.partition_no, h.published, h.seq));
    Ok(Check::new(
        "a partition is published to its head",
        heads.len(),
        broken.collect(),
    ))
}

async fn read(conn: &mut PgConnection) -> anyhow::Result<Check> {
    let heads: HashMap<_, _> = lag::heads(conn)
        .await?
        .into_iter()
        .map(|head| ((head.source, head.partition_no), head.seq))
        .collect();
    let positions = lag::positions(conn).await?;
    let head_of = |p: &lag::Position| heads.get(&(p.source.clone(), p.partition_no)).copied();
    let behind = positions.iter().filter(|p| head_of(p) != Some(p.seq));
    let broken = behind.map(|p| {
        format!(
            "{} of {}/{}: {} of {:?}",
            p.reader,
            p.source,
            p.partition_no,
            p.seq,
            head_of(p)
        )
    });
    Ok(Check::new(
        "a reader's position is the head",
        positions.len(),
        broken.collect(),
    ))
}

async fn none_parked(conn: &mut PgConnection) -> anyhow::Result<Check> {
    let select = "select '{s}' || ' of ' || source || '/' || partition_no || '/' || seq || ': ' || reason from {s}.dead_letter
        where resolved_at is null";
    let broken: Vec<String> = sqlx::query_scalar(AssertSqlSafe(over_services(select)))
        .fetch_all(&mut *conn)
        .await?;
    let select = "select coalesce(sum(seq), 0)::bigint from {s}.reader_position";
    let applied: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(over_services(select)))
        .fetch_all(conn)
        .await?;
    let applied = usize::try_from(applied.iter().sum::<i64>())?;
    Ok(Check::new("an event is applied, not parked", applied, broken))
}
