//! How far a reader is, partition by partition, and the mark of a try: only a process that dies leaves it.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::{
    db::{Db, PARTITIONS},
    dead_letter,
    error::Error,
    work::Work,
};

/// The stored positions of all partitions, by partition.
pub(super) async fn positions(db: &Db, source: &str) -> Result<Vec<i64>, Error> {
    let all: Vec<i16> = (0..PARTITIONS).collect();
    let standings = standings(db, source, &all).await?;
    Ok(standings.values().map(|at| at.seq).collect())
}

/// Where a partition stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// Last number applied.
    pub(super) seq: i64,
    /// Tries since the last progress that never ended.
    pub(super) deaths: i32,
}

/// The standings of these partitions; those that have not begun are at 0.
pub(super) async fn standings(
    db: &Db,
    source: &str,
    partitions: &[i16],
) -> Result<BTreeMap<i16, Standing>, Error> {
    let rows: Vec<(i16, i64, i32)> = sqlx::query_as(
        "select p, coalesce(r.seq, 0), coalesce(r.stalls, 0) from unnest($2::smallint[]) p
         left join reader_position r on r.source = $1 and r.partition_no = p",
    )
    .bind(source)
    .bind(partitions)
    .fetch_all(db.pool())
    .await
    .map_err(Error::db("load positions"))?;
    let standing = |(partition, seq, deaths)| (partition, Standing { seq, deaths });
    Ok(rows.into_iter().map(standing).collect())
}

/// Marks a try. The mark has to outlive this process, not the server, so its commit does not wait for the disk.
pub(super) async fn mark(db: &Db, source: &str, partitions: &[i16]) -> Result<(), Error> {
    sqlx::query(
        "insert into reader_position as r (source, partition_no, stalls)
         select $1, p, 1 from (select set_config('synchronous_commit', 'off', true)) quick, unnest($2::smallint[]) p
         order by p
         on conflict (source, partition_no) do update set stalls = r.stalls + 1",
    )
    .bind(source)
    .bind(partitions)
    .execute(db.pool())
    .await
    .map(drop)
    .map_err(Error::db("mark a try"))
}

/// Takes the mark back: this process lives and will try again.
pub(super) async fn unmark(db: &Db, source: &str, partitions: &[i16]) -> Result<(), Error> {
    sqlx::query("update reader_position set stalls = 0 where source = $1 and partition_no = any($2)")
        .bind(source)
        .bind(partitions)
        .execute(db.pool())
        .await
        .map(drop)
        .map_err(Error::db("take a mark back"))
}

/// Locks positions in their order; a second reader waits here and then finds the events applied.
pub(super) async fn lock(
    conn: &mut PgConnection,
    source: &str,
    partitions: &[i16],
) -> Result<BTreeMap<i16, i64>, Error> {
    let rows: Vec<(i16, i64)> = sqlx::query_as(
        "insert into reader_position as r (source, partition_no)
         select $1, p from unnest($2::smallint[]) p order by p
         on conflict (source, partition_no) do update set seq = r.seq returning partition_no, seq",
    )
    .bind(source)
    .bind(partitions)
    .fetch_all(conn)
    .await
    .map_err(Error::db("lock positions"))?;
    Ok(rows.into_iter().collect())
}

/// Locks the position of one partition.
pub(super) async fn lock_one(work: &mut Work, source: &str, partition: i16) -> Result<i64, Error> {
    let locked = lock(work.conn(), source, &[partition]).await?;
    Ok(locked.get(&partition).copied().unwrap_or_default())
}

/// Stores how far the locked partitions are; the tries came to something.
pub(super) async fn advance(
    conn: &mut PgConnection,
    source: &str,
    reached: &BTreeMap<i16, i64>,
) -> Result<(), Error> {
    let (partitions, seqs): (Vec<i16>, Vec<i64>) = reached.iter().unzip();
    sqlx::query(
        "update reader_position r set seq = n.seq, stalls = 0
         from unnest($2::smallint[], $3::bigint[]) as n (partition_no, seq)
         where r.source = $1 and r.partition_no = n.partition_no and r.seq <= n.seq",
    )
    .bind(source)
    .bind(partitions)
    .bind(seqs)
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store positions"))
}

/// Goes on behind events up to `to` that the owner no longer keeps, and says so where nobody can overlook it: in the
/// log, in the audit, and as a parked event that only an operator closes.
pub(super) async fn skip_to(db: &Db, source: &'static str, partition: i16, to: i64) -> Result<(), Error> {
    let mut work = Work::internal(db, "", db.clock().now()).await?;
    let from = lock_one(&mut work, source, partition).await? + 1;
    if from > to {
        return Ok(());
    }
    tracing::error!(
        service = db.service(),
        source,
        partition,
        from,
        to,
        "the owner no longer keeps the events we lack; going on without"
    );
    metrics::counter!("relight_events_lost_total", "service" => db.service(), "source" => source)
        .increment((to - from + 1).unsigned_abs());
    dead_letter::put_lost(work.conn(), source, partition, from..=to).await?;
    let subject = format!("{source}:{partition}");
    work.audit(
        "reader.skipped",
        subject,
        serde_json::json!({ "from": from, "to": to }),
    );
    advance(work.conn(), source, &BTreeMap::from([(partition, to)])).await?;
    work.done().await
}
