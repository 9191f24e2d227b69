//! How far everything is behind: events without a number, events not read, reports not grouped.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use relight_common::{db::PARTITIONS, secrets::SERVICES};
use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use tokio::time::{Instant, sleep};

/// What is still to do at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Committed events without a number.
    pub unnumbered: i64,
    /// Events that a reader has not applied, summed over readers.
    pub unread: i64,
    /// Reports in no incident yet.
    pub ungrouped: i64,
}

impl Lag {
    /// All of it.
    pub fn total(self) -> i64 {
        self.unnumbered + self.unread + self.ungrouped
    }
}

/// The last number of one partition of one service.
#[derive(Debug, Clone, FromRow)]
pub struct Head {
    /// Owner.
    pub source: String,
    /// Partition.
    pub partition_no: i16,
    /// Last number given.
    pub seq: i64,
    /// Last number published.
    pub published: i64,
}

/// How far one reader is in one partition.
#[derive(Debug, Clone, FromRow, PartialEq, Eq)]
pub struct Position {
    /// Who reads.
    pub reader: String,
    /// What.
    pub source: String,
    /// Partition.
    pub partition_no: i16,
    /// Last number applied.
    pub seq: i64,
}

/// One statement over every service's schema; `{s}` stands for the schema.
pub(crate) fn over_services(select: &str) -> String {
    let parts = SERVICES.map(|service| select.replace("{s}", service));
    parts.join(" union all ")
}

/// The heads of all services.
///
/// # Errors
/// When Postgres does not answer.
pub async fn heads(conn: &mut PgConnection) -> sqlx::Result<Vec<Head>> {
    let select = "select '{s}' as source, partition_no, seq, published from {s}.outbox_head";
    sqlx::query_as(AssertSqlSafe(over_services(select)))
        .fetch_all(conn)
        .await
}

/// Who reads whom, from outside: a reader that has not begun yet has no row, and is behind all the same.
const READS: [(&str, &[&str]); 6] = [
    ("intake", &["registry", "dispatch"]),
    ("dispatch", &["intake", "planner", "arrears"]),
    (
        "insight",
        &["intake", "dispatch", "planner", "arrears", "registry"],
    ),
    ("planner", &["notify", "dispatch", "registry", "intake"]),
    ("arrears", &["notify"]),
    ("notify", &["intake", "dispatch", "insight", "planner", "arrears"]),
];

/// The positions of all readers; 0 where one has not begun.
///
/// # Errors
/// When Postgres does not answer.
pub async fn positions(conn: &mut PgConnection) -> sqlx::Result<Vec<Position>> {
    let select = "select '{s}' as reader, source, partition_no, seq from {s}.reader_position";
    let begun: Vec<Position> = sqlx::query_as(AssertSqlSafe(over_services(select)))
        .fetch_all(conn)
        .await?;
    let mut all: BTreeMap<_, i64> = expected().map(|key| (key, 0)).collect();
    all.extend(
        begun
            .into_iter()
            .map(|p| ((p.reader, p.source, p.partition_no), p.seq)),
    );
    let position = |((reader, source, partition_no), seq)| Position {
        reader,
        source,
        partition_no,
        seq,
    };
    Ok(all.into_iter().map(position).collect())
}

fn expected() -> impl Iterator<Item = (String, String, i16)> {
    let pairs = READS
        .iter()
        .flat_map(|(reader, sources)| sources.iter().map(move |source| (*reader, *source)));
    pairs.flat_map(|(reader, source)| {
        (0..PARTITIONS).map(move |no| (reader.to_owned(), source.to_owned(), no))
    })
}

/// Looks once.
///
/// # Errors
/// When Postgres does not answer.
pub async fn look(conn: &mut PgConnection) -> sqlx::Result<Lag> {
    let select = "select count(*) as n from {s}.outbox where seq is null";
    let counts: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(over_services(select)))
        .fetch_all(&mut *conn)
        .await?;
    let heads: HashMap<_, _> = heads(conn)
        .await?
        .into_iter()
        .map(|head| ((head.source, head.partition_no), head.seq))
        .collect();
    let positions = positions(conn).await?;
    let behind = |position: &Position| {
        let key = (position.source.clone(), position.partition_no);
        heads.get(&key).map_or(0, |head| (head - position.seq).max(0))
    };
    Ok(Lag {
        unnumbered: counts.iter().sum(),
        unread: positions.iter().map(behind).sum(),
        ungrouped: sqlx::query_scalar("select count(*) from intake.report_waiting")
            .fetch_one(conn)
            .await?,
    })
}

/// What is not finished, in words; events, reports, urges, messages and the audit chain.
///
/// # Errors
/// When Postgres does not answer, or a reader is at work that the list of readers does not know.
pub async fn left(conn: &mut PgConnection) -> anyhow::Result<Vec<String>> {
    let lag = look(conn).await?;
    known(conn).await?;
    let urges: i64 = sqlx::query_scalar("select count(*) from intake.urge where not folded")
        .fetch_one(&mut *conn)
        .await?;
    let messages: i64 =
        sqlx::query_scalar("select count(*) from notify.message where state in ('queued', 'submitting')")
            .fetch_one(&mut *conn)
            .await?;
    let select = "select count(*) from {s}.audit where n is null";
    let unsealed: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(over_services(select)))
        .fetch_all(conn)
        .await?;
    let counts = [
        ("events without a number", lag.unnumbered),
        ("events not read", lag.unread),
        ("reports in no incident", lag.ungrouped),
        ("urges not counted", urges),
        ("messages not handed over", messages),
        ("audit entries not sealed", unsealed.iter().sum()),
    ];
    Ok(counts
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(what, n)| format!("{n} {what}"))
        .collect())
}

/// A reader that `READS` leaves out would count as drained before it began.
async fn known(conn: &mut PgConnection) -> anyhow::Result<()> {
    let listed: BTreeSet<_> = expected().map(|(reader, source, _)| (reader, source)).collect();
    for Position { reader, source, .. } in positions(conn).await? {
        anyhow::ensure!(
            listed.contains(&(reader.clone(), source.clone())),
            "{reader} reads {source}: add it to the list of readers"
        );
    }
    Ok(())
}

/// Waits until nothing is left to do, and says how long that took; `None` when it did not happen within `limit`.
///
/// # Errors
/// When Postgres does not answer.
pub async fn drain(conn: &mut PgConnection, limit: Duration) -> sqlx::Result<Option<Duration>> {
    let begun = Instant::now();
    while look(conn).await?.total() > 0 {
        if begun.elapsed() > limit {
            return Ok(None);
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(Some(begun.elapsed()))
}
