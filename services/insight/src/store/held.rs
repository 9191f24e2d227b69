//! Reading open records, locked where they may be changed.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::records::column;
use crate::{
    domain::record::{Claim, CustomerId, IncidentId, Instant, Open, RecordId, StepId},
    error::Error,
};

struct OpenRow {
    id: Uuid,
    customer_id: Uuid,
    incident_id: Uuid,
    origin_incident_id: Uuid,
    off_at: Instant,
    not_before: Option<Instant>,
    reported_at: Option<Instant>,
    opened_step_id: Uuid,
}

impl From<OpenRow> for Open {
    fn from(row: OpenRow) -> Self {
        Open {
            id: RecordId::from_uuid(row.id),
            claim: Claim {
                customer: CustomerId::from_uuid(row.customer_id),
                incident: IncidentId::from_uuid(row.incident_id),
                origin: IncidentId::from_uuid(row.origin_incident_id),
                off_at: row.off_at,
                not_before: row.not_before,
                reported_at: row.reported_at,
            },
            opened_by: StepId::from_uuid(row.opened_step_id),
        }
    }
}

/// Those of the customers, each with their latest report, of whom this incident does not hold a record that knows of it.
///
/// Each is looked up by itself (`offset 0`), and none is locked: what holds already is let be.
pub(crate) async fn unsettled(
    conn: &mut PgConnection,
    holder: IncidentId,
    latest: &[(CustomerId, Option<Instant>)],
) -> Result<BTreeSet<CustomerId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"select n.customer_id as "id!" from unnest($1::uuid[], $2::timestamptz[]) as n (customer_id, reported_at)
         where not exists (
             select 1 from insight.interruption_open o
             where o.customer_id = n.customer_id and o.incident_id = $3
                 and (n.reported_at is null or o.reported_at >= n.reported_at) offset 0)"#,
        &column(latest, |(customer, _)| customer.uuid()),
        &column(latest, |(_, at)| *at) as &[Option<Instant>],
        holder.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look who is not off yet"))?;
    Ok(ids.into_iter().map(CustomerId::from_uuid).collect())
}

/// The open records of these customers, locked in one order so that two incidents never wait for each other.
pub(crate) async fn of_customers(
    conn: &mut PgConnection,
    customers: &[Uuid],
) -> Result<BTreeMap<CustomerId, Open>, Error> {
    let rows = sqlx::query_as!(
        OpenRow,
        "select id, customer_id, incident_id, origin_incident_id, off_at, not_before, reported_at, opened_step_id
         from insight.interruption_open where customer_id = any($1) order by customer_id for update",
        customers
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("lock open records"))?;
    Ok(rows
        .into_iter()
        .map(Open::from)
        .map(|open| (open.claim.customer, open))
        .collect())
}

/// The open records of `holder` that `family` opened, locked.
pub(crate) async fn of_family(
    conn: &mut PgConnection,
    holder: IncidentId,
    family: &[Uuid],
) -> Result<Vec<Open>, Error> {
    let rows = sqlx::query_as!(
        OpenRow,
        "select id, customer_id, incident_id, origin_incident_id, off_at, not_before, reported_at, opened_step_id
         from insight.interruption_open where incident_id = $1 and origin_incident_id = any($2)
         order by customer_id for update",
        holder.uuid(),
        family
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("lock the open records of an incident"))?;
    Ok(rows.into_iter().map(Open::from).collect())
}

/// The open records of `holder` that `family` opened of anybody but `reporters`, locked; with `by_report` only those that
/// began with a report.
pub(crate) async fn of_others(
    conn: &mut PgConnection,
    (holder, family): (IncidentId, &[Uuid]),
    reporters: &[Uuid],
    by_report: bool,
) -> Result<Vec<Open>, Error> {
    let rows = sqlx::query_as!(
        OpenRow,
        "select id, customer_id, incident_id, origin_incident_id, off_at, not_before, reported_at, opened_step_id
         from insight.interruption_open where incident_id = $1 and origin_incident_id = any($2)
             and customer_id <> all($3) and (not $4 or reported_at is not null)
         order by customer_id for update",
        holder.uuid(),
        family,
        reporters,
        by_report
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("lock the records of who did not report"))?;
    Ok(rows.into_iter().map(Open::from).collect())
}
