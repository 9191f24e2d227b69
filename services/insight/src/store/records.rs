//! Writing open records and waiting claims, and what is to be known before.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::CHUNK;
use crate::{
    domain::{
        opening::Back,
        record::{Claim, CustomerId, IncidentId, Instant, Open, Waiting},
    },
    error::Error,
};

/// When these customers came back at or after `since`: by anything, and by `incident` itself.
pub(crate) async fn back(
    conn: &mut PgConnection,
    customers: &[Uuid],
    incident: IncidentId,
    since: Instant,
) -> Result<BTreeMap<CustomerId, Back>, Error> {
    let rows = sqlx::query!(
        r#"select customer_id, max(on_at) as "any_at!", max(on_at) filter (where origin_incident_id = $2) as here_at
         from insight.interruption where customer_id = any($1) and (on_at >= $3 or origin_incident_id = $2)
         group by customer_id"#,
        customers,
        incident.uuid(),
        since
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read earlier interruptions"))?;
    let entry = |id, any_at, here_at| (CustomerId::from_uuid(id), Back { any_at, here_at });
    Ok(rows
        .into_iter()
        .map(|row| entry(row.customer_id, row.any_at, row.here_at))
        .collect())
}

/// Writes open records. Returns how many were new: fewer when another incident was faster.
pub(crate) async fn insert_open(conn: &mut PgConnection, all: &[Open]) -> Result<usize, Error> {
    let mut written = 0;
    for chunk in all.chunks(CHUNK) {
        let done = sqlx::query!(
            "insert into insight.interruption_open
                 (id, customer_id, incident_id, origin_incident_id, off_at, not_before, reported_at, opened_step_id, class)
             select n.*, coalesce(v.class, 'FAULT') from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[],
                 $6::timestamptz[], $7::timestamptz[], $8::uuid[])
                 as n (id, customer_id, incident_id, origin, off_at, not_before, reported_at, step)
             left join insight.incident_view v on v.incident_id = n.origin
             on conflict (customer_id) do nothing",
            &column(chunk, |o| o.id.uuid()),
            &column(chunk, |o| o.claim.customer.uuid()),
            &column(chunk, |o| o.claim.incident.uuid()),
            &column(chunk, |o| o.claim.origin.uuid()),
            &column(chunk, |o| o.claim.off_at),
            &column(chunk, |o| o.claim.not_before) as &[Option<Instant>],
            &column(chunk, |o| o.claim.reported_at) as &[Option<Instant>],
            &column(chunk, |o| o.opened_by.uuid()),
        )
        .execute(&mut *conn)
        .await
        .map_err(Error::db("open records"))?;
        written += usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
    }
    Ok(written)
}

/// One value of every row, for `unnest`.
pub(super) fn column<T, V>(rows: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

/// Takes open records away.
pub(crate) async fn remove_open(conn: &mut PgConnection, customers: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "delete from insight.interruption_open where customer_id = any($1)",
        customers
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("take open records away"))
}

/// Notes later reports of customers whose record is there.
pub(crate) async fn note_reports(
    conn: &mut PgConnection,
    reports: &[(CustomerId, Instant)],
) -> Result<(), Error> {
    if reports.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update insight.interruption_open o set reported_at = greatest(o.reported_at, n.at)
         from unnest($1::uuid[], $2::timestamptz[]) as n (customer_id, at) where o.customer_id = n.customer_id",
        &column(reports, |(customer, _)| customer.uuid()),
        &column(reports, |(_, at)| *at),
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note reports"))
}

/// Writes claims that wait. One that is there keeps its begin, and its restoration unless a report came after that.
pub(crate) async fn insert_waiting(conn: &mut PgConnection, all: &[Waiting]) -> Result<(), Error> {
    for chunk in all.chunks(CHUNK) {
        sqlx::query!(
            "insert into insight.interruption_waiting as w
                 (customer_id, incident_id, origin_incident_id, off_at, not_before, reported_at, on_at, class)
             select n.*, coalesce(v.class, 'FAULT') from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[],
                 $5::timestamptz[], $6::timestamptz[], $7::timestamptz[])
                 as n (customer_id, incident_id, origin, off_at, not_before, reported_at, on_at)
             left join insight.incident_view v on v.incident_id = n.origin
             on conflict (customer_id, incident_id) do update set reported_at = greatest(w.reported_at, excluded.reported_at),
                 on_at = case when excluded.reported_at > w.on_at then null else w.on_at end",
            &column(chunk, |w| w.claim.customer.uuid()),
            &column(chunk, |w| w.claim.incident.uuid()),
            &column(chunk, |w| w.claim.origin.uuid()),
            &column(chunk, |w| w.claim.off_at),
            &column(chunk, |w| w.claim.not_before) as &[Option<Instant>],
            &column(chunk, |w| w.claim.reported_at) as &[Option<Instant>],
            &column(chunk, |w| w.on_at) as &[Option<Instant>],
        )
        .execute(&mut *conn)
        .await
        .map_err(Error::db("write waiting claims"))?;
    }
    Ok(())
}

/// A held record begins no later than a claim that waits behind it.
pub(crate) async fn pull_back(conn: &mut PgConnection, claims: &[Waiting]) -> Result<(), Error> {
    if claims.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update insight.interruption_open o set off_at = greatest(least(o.off_at, n.off_at), o.not_before)
         from unnest($1::uuid[], $2::timestamptz[]) as n (customer_id, off_at)
         where o.customer_id = n.customer_id and n.off_at < o.off_at",
        &column(claims, |w| w.claim.customer.uuid()),
        &column(claims, |w| w.claim.off_at),
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("move the begin of records"))
}

/// Faults that wait behind the records of `outage` begin no later than `at`: the customer was off all the time.
pub(crate) async fn begin_behind(
    conn: &mut PgConnection,
    outage: IncidentId,
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "update insight.interruption_waiting w set off_at = least(w.off_at, $2)
         from insight.interruption_open o
         where o.incident_id = $1 and w.customer_id = o.customer_id and w.class = 'FAULT' and w.on_at is null",
        outage.uuid(),
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("move the begin of waiting faults"))
}

/// Those of `customers` from whose reports an incident outside of `family` has a claim.
pub(crate) async fn reported_elsewhere(
    conn: &mut PgConnection,
    customers: &[Uuid],
    family: &[Uuid],
) -> Result<BTreeSet<CustomerId>, Error> {
    if customers.is_empty() {
        return Ok(BTreeSet::new());
    }
    let ids = sqlx::query_scalar!(
        "select distinct customer_id from insight.interruption_waiting
         where customer_id = any($1) and incident_id <> all($2) and reported_at is not null",
        customers,
        family
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for claims of others"))?;
    Ok(ids.into_iter().map(CustomerId::from_uuid).collect())
}

/// Takes the waiting claims of these customers out, to decide about them.
pub(crate) async fn take_waiting(
    conn: &mut PgConnection,
    customers: &[Uuid],
) -> Result<BTreeMap<CustomerId, Vec<Waiting>>, Error> {
    let rows = sqlx::query!(
        "delete from insight.interruption_waiting where customer_id = any($1)
         returning customer_id, incident_id, origin_incident_id, off_at, not_before, reported_at, on_at",
        customers
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("take waiting claims"))?;
    let mut by_customer = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        let claim = Claim {
            customer: CustomerId::from_uuid(row.customer_id),
            incident: IncidentId::from_uuid(row.incident_id),
            origin: IncidentId::from_uuid(row.origin_incident_id),
            off_at: row.off_at,
            not_before: row.not_before,
            reported_at: row.reported_at,
        };
        by_customer.entry(claim.customer).or_default().push(Waiting {
            claim,
            on_at: row.on_at,
        });
    }
    Ok(by_customer)
}

/// Everybody the incident accounts for has been off since `off_at` (domain.md 5.1), those handed over by a merge at the
/// latest since then; nobody since before another record of theirs ended.
pub(crate) async fn begin_again(
    conn: &mut PgConnection,
    holder: IncidentId,
    off_at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "update insight.interruption_open set
             off_at = greatest(case when origin_incident_id = $1 then $2 else least(off_at, $2) end, not_before)
         where incident_id = $1
           and off_at <> greatest(case when origin_incident_id = $1 then $2 else least(off_at, $2) end, not_before)",
        holder.uuid(),
        off_at
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("move the begin of an incident"))?;
    sqlx::query!(
        "update insight.interruption_waiting set
             off_at = greatest(case when origin_incident_id = $1 then $2 else least(off_at, $2) end, not_before)
         where incident_id = $1 and on_at is null",
        holder.uuid(),
        off_at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("move the begin of waiting claims"))
}

/// The switchings that keep any of these customers off, alone or behind another reason.
pub(crate) async fn switched_off(
    conn: &mut PgConnection,
    customers: &[Uuid],
) -> Result<BTreeSet<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        r#"select incident_id as "id!" from insight.interruption_open
         where customer_id = any($1) and class in ('SAFETY', 'CUSTOMER_REQUEST')
         union
         select incident_id from insight.interruption_waiting
         where customer_id = any($1) and class in ('SAFETY', 'CUSTOMER_REQUEST') and on_at is null"#,
        customers
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for switchings that keep customers off"))?;
    Ok(ids.into_iter().collect())
}

/// Planned outages that keep any of these customers off, alone or behind another reason, and all of whose devices are among those
/// `opened` (in lower case): the network says that nobody is fed through them.
pub(crate) async fn planned_off(
    conn: &mut PgConnection,
    customers: &[Uuid],
    opened: &[String],
) -> Result<BTreeSet<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        r#"select v.incident_id from insight.incident_view v
         where v.class in ('PLANNED', 'TEMPORARY') and v.state = 'open' and v.device_ids <> '{}' and v.device_ids <@ $2
           and (exists (select from insight.interruption_open o where o.incident_id = v.incident_id and o.customer_id = any($1))
               or exists (select from insight.interruption_waiting w
                   where w.incident_id = v.incident_id and w.customer_id = any($1) and w.on_at is null))"#,
        customers,
        opened
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for planned outages that keep customers off"))?;
    Ok(ids.into_iter().collect())
}

/// Those of these customers whose last record of a planned outage that goes on was ended by switching, by outage; see [`planned_off`].
pub(crate) async fn fed_another_way(
    conn: &mut PgConnection,
    customers: &[Uuid],
    opened: &[String],
) -> Result<BTreeMap<IncidentId, BTreeSet<CustomerId>>, Error> {
    let rows = sqlx::query!(
        r#"select v.incident_id, i.customer_id as "customer_id!" from insight.incident_view v
         cross join lateral (
             select distinct on (i.customer_id) i.customer_id, i.closed_step_id from insight.interruption i
             where i.incident_id = v.incident_id and i.customer_id = any($1)
             order by i.customer_id, i.on_at desc, i.id desc) i
         join insight.ledger_step s on s.id = i.closed_step_id and s.by_switching
         where v.class in ('PLANNED', 'TEMPORARY') and v.state = 'open' and v.all_restored_at is null
           and v.device_ids <> '{}' and v.device_ids <@ $2"#,
        customers,
        opened
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look who was fed another way"))?;
    let mut all = BTreeMap::<_, BTreeSet<_>>::new();
    for row in rows {
        let of = all.entry(IncidentId::from_uuid(row.incident_id)).or_default();
        of.insert(CustomerId::from_uuid(row.customer_id));
    }
    Ok(all)
}

/// Gives the records and claims of `family` to `holder`: they lie with one of the family, or with `holder` already. Returns the
/// incidents that gave some.
pub(crate) async fn hand_over(
    conn: &mut PgConnection,
    family: &[Uuid],
    holder: IncidentId,
) -> Result<Vec<Uuid>, Error> {
    let givers = sqlx::query_scalar!(
        r#"with moved as (
             select customer_id, incident_id from insight.interruption_open
             where origin_incident_id = any($1) and incident_id = any($1) and incident_id <> $2 for update
         ), given as (
             update insight.interruption_open o set incident_id = $2 from moved where o.customer_id = moved.customer_id
         ) select distinct incident_id as "incident_id!" from moved"#,
        family,
        holder.uuid()
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(Error::db("hand records over"))?;
    sqlx::query!(
        "delete from insight.interruption_waiting w
         where w.origin_incident_id = any($1) and w.incident_id = any($1) and w.incident_id <> $2 and exists (
             select 1 from insight.interruption_waiting h where h.customer_id = w.customer_id and h.incident_id = $2)",
        family,
        holder.uuid()
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("drop doubled claims"))?;
    sqlx::query!(
        "update insight.interruption_waiting set incident_id = $2
         where origin_incident_id = any($1) and incident_id = any($1) and incident_id <> $2",
        family,
        holder.uuid()
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("hand claims over"))?;
    // What waited behind the incident it now belongs to needs no second claim.
    sqlx::query!(
        "delete from insight.interruption_waiting w using insight.interruption_open o
         where w.incident_id = $1 and o.customer_id = w.customer_id and o.incident_id = w.incident_id",
        holder.uuid()
    )
    .execute(conn)
    .await
    .map_err(Error::db("drop claims that hold"))?;
    Ok(givers)
}
