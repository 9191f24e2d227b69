//! Exceptions: what is off and has no reason.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{domain::record::Instant, error::Error, exceptions::Watched};

/// How far the clock of a meter may be from that of the ledger, seconds.
const SLACK_S: f64 = 300.0;

/// An exception as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) device_id: String,
    pub(crate) org_path: String,
    pub(crate) off_at: Instant,
    pub(crate) state: String,
    pub(crate) raised_at: Option<Instant>,
    pub(crate) customers: i32,
    pub(crate) settled_at: Option<Instant>,
    pub(crate) settled_by: Option<String>,
    pub(crate) note: String,
    pub(crate) version: i64,
    /// The meter, where nobody knows a customer of it.
    pub(crate) place: String,
}

/// Stores one to be watched. False when it is there already.
pub(crate) async fn insert(conn: &mut PgConnection, watched: &Watched, at: Instant) -> Result<bool, Error> {
    let done = sqlx::query!(
        "insert into insight.ledger_exception (id, kind, device_id, org_path, off_at, noted_at, state, place)
         values ($1, $2, $3, $4, $5, $6, 'watched', $7) on conflict (id) do nothing",
        watched.id,
        watched.kind,
        watched.device_id,
        watched.org_path,
        watched.off_at,
        at,
        watched.place
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("watch an exception"))?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let members: Vec<Uuid> = watched.members.iter().map(|customer| customer.uuid()).collect();
    sqlx::query!(
        "insert into insight.ledger_exception_member (exception_id, customer_id) select $1, unnest($2::uuid[])",
        watched.id,
        &members
    )
    .execute(conn)
    .await
    .map_err(Error::db("store whom an exception concerns"))?;
    Ok(true)
}

/// The exception, locked.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Row>, Error> {
    sqlx::query_as!(
        Row,
        "select id, kind, device_id, org_path, off_at, state, raised_at, customers, settled_at, settled_by, note, version,
             place
         from insight.ledger_exception where id = $1 for update",
        id
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("lock an exception"))
}

/// Takes these customers out of what is only watched yet.
pub(crate) async fn forget(conn: &mut PgConnection, customers: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "delete from insight.ledger_exception_member m using insight.ledger_exception e
         where m.customer_id = any($1) and e.id = m.exception_id and e.state = 'watched'",
        customers
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("take customers out of exceptions"))
}

/// Takes those out who have an open record, whose reason explains it; of what a meter said also a closed one of that moment
/// (`SLACK_S` for clocks that differ), since meters are late. That a meter's relay is open only a case explains. Returns how
/// many are left.
pub(crate) async fn drop_explained(conn: &mut PgConnection, id: Uuid) -> Result<i32, Error> {
    sqlx::query!(
        "delete from insight.ledger_exception_member m using insight.ledger_exception e
         where m.exception_id = $1 and e.id = $1 and exists (
             select from (
                 select class from insight.interruption_open where customer_id = m.customer_id
                 union all
                 select class from insight.interruption_waiting where customer_id = m.customer_id and on_at is null
                 union all
                 select class from insight.interruption i
                 where i.customer_id = m.customer_id and e.kind <> 'switching' and i.on_at > e.off_at
                     and i.off_at <= e.off_at + make_interval(secs => $2)) r
             where e.kind <> 'relay' or r.class in ('ARREARS', 'CUSTOMER_REQUEST'))",
        id,
        SLACK_S
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("look for reasons"))?;
    sqlx::query_scalar!(
        r#"select count(*)::int as "left!" from insight.ledger_exception_member where exception_id = $1"#,
        id
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("count whom an exception concerns"))
}

/// Nothing is left to explain.
pub(crate) async fn explain(conn: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "update insight.ledger_exception set state = 'explained' where id = $1",
        id
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("explain an exception"))
}

/// Nothing explains it: it is raised.
pub(crate) async fn raise(
    conn: &mut PgConnection,
    id: Uuid,
    customers: i32,
    at: Instant,
) -> Result<Row, Error> {
    sqlx::query_as!(
        Row,
        "update insight.ledger_exception set state = 'open', raised_at = $2, customers = $3, version = version + 1
         where id = $1
         returning id, kind, device_id, org_path, off_at, state, raised_at, customers, settled_at, settled_by, note, version,
             place",
        id,
        at,
        customers
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("raise an exception"))
}

/// Somebody says what it was.
pub(crate) async fn settle(
    conn: &mut PgConnection,
    id: Uuid,
    by: &str,
    note: &str,
    at: Instant,
) -> Result<Row, Error> {
    sqlx::query_as!(
        Row,
        "update insight.ledger_exception set state = 'settled', settled_at = $2, settled_by = $3, note = $4,
             version = version + 1
         where id = $1
         returning id, kind, device_id, org_path, off_at, state, raised_at, customers, settled_at, settled_by, note, version,
             place",
        id,
        at,
        by,
        note
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("settle an exception"))
}

/// Those still watched that were noted before `before`.
pub(crate) async fn watched_since(pool: &PgPool, before: Instant) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "select id from insight.ledger_exception where state = 'watched' and noted_at < $1 order by noted_at limit 100",
        before
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("look for exceptions nobody raised"))
}

/// Raised ones under `org`, the latest first, after (`raised_at`, `id`) when given.
pub(crate) async fn list(
    pool: &PgPool,
    org: &[String],
    only_open: bool,
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let (raised_at, id) = after.unzip();
    sqlx::query_as!(
        Row,
        "select id, kind, device_id, org_path, off_at, state, raised_at, customers, settled_at, settled_by, note, version,
             place
         from insight.ledger_exception
         where raised_at is not null and org_path like any($1) and (not $2 or state = 'open')
           and ($3::timestamptz is null or (raised_at, id) < ($3, $4))
         order by raised_at desc, id desc limit $5",
        org,
        only_open,
        raised_at,
        id,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list exceptions"))
}
