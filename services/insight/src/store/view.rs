//! What the ledger knows of an incident.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    consumer::IncidentState,
    domain::{
        opening::State,
        record::{IncidentId, Instant},
    },
    error::Error,
};

/// The part of a view that decisions need.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) version: i64,
    pub(crate) org_path: String,
    pub(crate) state: String,
    pub(crate) confirmed: bool,
    pub(crate) affected_set_id: Option<Uuid>,
    pub(crate) off_at: Option<Instant>,
    pub(crate) order_state: String,
    pub(crate) all_restored_at: Option<Instant>,
    pub(crate) closed_at: Option<Instant>,
    pub(crate) closed_because: String,
    pub(crate) class: String,
}

/// Locks the view of an incident; makes an empty one (version 0) when it is not known yet.
pub(crate) async fn lock(conn: &mut PgConnection, id: IncidentId) -> Result<View, Error> {
    if let Some(known) = lock_known(conn, id).await? {
        return Ok(known);
    }
    sqlx::query!(
        "insert into insight.incident_view (incident_id) values ($1) on conflict do nothing",
        id.uuid()
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("note an incident"))?;
    let noted = lock_known(conn, id).await?;
    noted.ok_or_else(|| Error::db("lock an incident")(sqlx::Error::RowNotFound))
}

async fn lock_known(conn: &mut PgConnection, id: IncidentId) -> Result<Option<View>, Error> {
    sqlx::query_as!(
        View,
        "select version, org_path, state, confirmed, affected_set_id, off_at, order_state, all_restored_at, closed_at,
             closed_because, class
         from insight.incident_view where incident_id = $1 for update",
        id.uuid()
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("lock an incident"))
}

/// The version and set that were applied last, without a lock.
pub(crate) async fn applied<'e>(
    db: impl sqlx::PgExecutor<'e>,
    id: IncidentId,
) -> Result<(i64, Option<Uuid>), Error> {
    let row = sqlx::query!(
        "select version, affected_set_id from insight.incident_view where incident_id = $1",
        id.uuid()
    )
    .fetch_optional(db)
    .await
    .map_err(Error::db("read an incident"))?;
    Ok(row.map_or((0, None), |row| (row.version, row.affected_set_id)))
}

/// Whether this is a fault whose device is confirmed.
pub(crate) async fn is_confirmed_fault(conn: &mut PgConnection, id: Uuid) -> Result<bool, Error> {
    let known = sqlx::query_scalar!(
        "select confirmed from insight.incident_view where incident_id = $1 and class = 'FAULT'",
        id
    );
    let known = known.fetch_optional(conn).await;
    Ok(known
        .map_err(Error::db("look what a switching was done for"))?
        .unwrap_or(false))
}

/// Since when those of an incident are off, without a lock; none when it is not known.
pub(crate) async fn off_at<'e>(
    db: impl sqlx::PgExecutor<'e>,
    id: IncidentId,
) -> Result<Option<Instant>, Error> {
    let known = sqlx::query_scalar!(
        "select off_at from insight.incident_view where incident_id = $1",
        id.uuid()
    );
    let known = known.fetch_optional(db).await;
    Ok(known
        .map_err(Error::db("read since when an incident is"))?
        .flatten())
}

/// Stores a newer state.
pub(crate) async fn save(conn: &mut PgConnection, state: &IncidentState) -> Result<(), Error> {
    let (word, merged_into) = match state.state {
        State::Open => ("open", None),
        State::Merged(into) => ("merged", Some(into.uuid())),
        State::Closed => ("closed", None),
    };
    sqlx::query!(
        "update insight.incident_view set version = $2, number = $3, org_path = $4, zone = $5, state = $6, merged_into = $7,
             confirmed = $8, affected_set_id = coalesce($9, affected_set_id), off_at = $10, lon = $11, lat = $12,
             device_id = $13, device_kind = $14,
             closed_at = case when $6 = 'closed' then coalesce(closed_at, $15) end, class = $16, closed_because = $17,
             device_ids = $18
         where incident_id = $1",
        state.id.uuid(),
        state.version,
        state.number,
        state.org_path,
        state.zone,
        word,
        merged_into,
        state.confirmed,
        state.affected_set,
        state.off_at,
        state.position.map(|(lon, _)| lon),
        state.position.map(|(_, lat)| lat),
        state.device_id,
        state.device_kind,
        state.told_at,
        state.class.word(),
        state.closed_because,
        &state.devices(),
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("save an incident"))
}

/// The incident that accounts for the customers of `id`: the end of its chain of merges.
pub(crate) async fn holder(conn: &mut PgConnection, id: IncidentId) -> Result<IncidentId, Error> {
    let end = sqlx::query_scalar!(
        r#"with recursive up (id, depth) as (
             select $1::uuid, 0
             union all
             select v.merged_into, up.depth + 1 from up join insight.incident_view v on v.incident_id = up.id
             where v.merged_into is not null and up.depth < 32
         ) select id as "id!" from up order by depth desc limit 1"#,
        id.uuid()
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("follow the merges"))?;
    Ok(IncidentId::from_uuid(end))
}

/// Whether the incident holds open records of reporters who are not among `reporters` any more.
pub(crate) async fn has_moved_reporters(
    pool: &PgPool,
    id: IncidentId,
    reporters: &[Uuid],
) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from insight.interruption_open
            where incident_id = $1 and reported_at is not null and customer_id <> all($2)) as "moved!""#,
        id.uuid(),
        reporters
    )
    .fetch_one(pool)
    .await
    .map_err(Error::db("look for moved reports"))
}

/// `id` and everything that was merged into it, directly or by others.
pub(crate) async fn family(conn: &mut PgConnection, id: IncidentId) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        r#"with recursive down (id) as (
             select $1::uuid
             union
             select v.incident_id from down join insight.incident_view v on v.merged_into = down.id
         ) select id as "id!" from down"#,
        id.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("find what was merged"))
}

/// Notes what the order is doing and, when known, why supply failed.
pub(crate) async fn note_order(
    conn: &mut PgConnection,
    id: IncidentId,
    order_state: &str,
    cause_code: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "update insight.incident_view set order_state = $2, cause_code = case when $3 = '' then cause_code else $3 end
         where incident_id = $1",
        id.uuid(),
        order_state,
        cause_code
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note an order's step"))
}

/// Stores the estimate, or that there is none any more.
pub(crate) async fn note_etr(
    conn: &mut PgConnection,
    id: IncidentId,
    etr_at: Option<Instant>,
    cause_code: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "update insight.incident_view set etr_at = $2, cause_code = case when $3 = '' then cause_code else $3 end
         where incident_id = $1",
        id.uuid(),
        etr_at,
        cause_code
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note an estimate"))
}

/// Notes that everybody was restored at `at`.
pub(crate) async fn note_all_restored(
    conn: &mut PgConnection,
    id: IncidentId,
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "update insight.incident_view set all_restored_at = greatest(all_restored_at, $2) where incident_id = $1",
        id.uuid(),
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note a full restoration"))
}

/// Counts anew who is off and who is back in these incidents.
pub(crate) async fn recount(conn: &mut PgConnection, ids: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "update insight.incident_view v set customers_off = c.away, customers_restored = c.back,
             restored_at = case when c.away = 0 then c.last_at end
         from (
             select i.id,
                 (select count(*) from insight.interruption_open o where o.incident_id = i.id)::int as away,
                 (select count(distinct r.customer_id) from insight.interruption r where r.incident_id = i.id
                      and not exists (select 1 from insight.interruption_open o
                                      where o.customer_id = r.customer_id and o.incident_id = i.id))::int as back,
                 (select max(r.on_at) from insight.interruption r where r.incident_id = i.id) as last_at
             from unnest($1::uuid[]) as i (id)
         ) c
         where v.incident_id = c.id
           and (v.customers_off, v.customers_restored, v.restored_at)
               is distinct from (c.away, c.back, case when c.away = 0 then c.last_at end)",
        ids
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("count who is off"))
}

/// The next version of the ledger's own steps about an incident.
pub(crate) async fn next_version(conn: &mut PgConnection, id: IncidentId) -> Result<i64, Error> {
    sqlx::query_scalar!(
        "update insight.incident_view set ledger_version = ledger_version + 1 where incident_id = $1 returning ledger_version",
        id.uuid()
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("number a step"))
}

/// Closed incidents, told so before `before`, that still have somebody off, and whose order is over or was never heard of.
pub(crate) async fn unfinished(pool: &PgPool, before: Instant) -> Result<Vec<IncidentId>, Error> {
    let ids = sqlx::query_scalar!(
        "select incident_id from insight.incident_view
         where state = 'closed' and customers_off > 0 and closed_at < $1
           and order_state in ('', 'archived', 'merged', 'withdrawn')
         order by closed_at limit 100",
        before
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("look for unfinished incidents"))?;
    Ok(ids.into_iter().map(IncidentId::from_uuid).collect())
}
