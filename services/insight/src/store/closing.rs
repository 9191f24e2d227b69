//! Ending open records: closed rows, records that go on for another incident, claims that still wait.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    CHUNK,
    records::{column, insert_open, insert_waiting, remove_open, take_waiting},
};
use crate::{
    domain::{
        record::{self, Closed, CustomerId, IncidentId, Instant, Open, RecordId, StepId},
        restoring::{Restoration, Who},
    },
    error::Error,
};

/// What ending some records came to.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Customers who have supply again.
    pub(crate) back: usize,
    /// Incidents whose counts changed.
    pub(crate) touched: BTreeSet<Uuid>,
}

/// Ends these records at `at`, or, without it, as never having been.
pub(crate) async fn end_all(
    conn: &mut PgConnection,
    records: Vec<Open>,
    at: Option<Instant>,
    step: StepId,
) -> Result<Ended, Error> {
    let customers: Vec<Uuid> = column(&records, |open| open.claim.customer.uuid());
    let mut waiting = take_waiting(conn, &customers).await?;
    remove_open(conn, &customers).await?;
    let (mut closed, mut open, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut ended = Ended::default();
    for record in records {
        ended.touched.insert(record.claim.incident.uuid());
        let behind = waiting.remove(&record.claim.customer).unwrap_or_default();
        let ending = match at {
            Some(at) => record::end(record, at, behind, step, |_| RecordId::new()),
            None => record::never(behind, step, |_| RecordId::new()),
        };
        ended.back += usize::from(ending.is_back());
        closed.extend(ending.closed);
        open.extend(ending.open);
        rest.extend(ending.waiting);
    }
    ended
        .touched
        .extend(closed.iter().map(|c| c.open.claim.incident.uuid()));
    ended.touched.extend(open.iter().map(|o| o.claim.incident.uuid()));
    insert_closed(conn, &closed, step).await?;
    insert_open(conn, &open).await?;
    insert_waiting(conn, &rest).await?;
    Ok(ended)
}

async fn insert_closed(conn: &mut PgConnection, all: &[Closed], step: StepId) -> Result<(), Error> {
    for chunk in all.chunks(CHUNK) {
        sqlx::query!(
            "insert into insight.interruption
                 (id, customer_id, incident_id, origin_incident_id, off_at, on_at, reported, opened_step_id, continued,
                  closed_step_id, class)
             select n.*, $10, coalesce(v.class, 'FAULT') from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[],
                 $6::timestamptz[], $7::boolean[], $8::uuid[], $9::boolean[])
                 as n (id, customer_id, incident_id, origin, off_at, on_at, reported, opened_by, continued)
             left join insight.incident_view v on v.incident_id = n.origin",
            &column(chunk, |c| c.open.id.uuid()),
            &column(chunk, |c| c.open.claim.customer.uuid()),
            &column(chunk, |c| c.open.claim.incident.uuid()),
            &column(chunk, |c| c.open.claim.origin.uuid()),
            &column(chunk, |c| c.open.claim.off_at),
            &column(chunk, |c| c.on_at),
            &column(chunk, |c| c.open.claim.reported_at.is_some()),
            &column(chunk, |c| c.open.opened_by.uuid()),
            &column(chunk, |c| c.continued),
            step.uuid(),
        )
        .execute(&mut *conn)
        .await
        .map_err(Error::db("close records"))?;
    }
    Ok(())
}

/// Marks the waiting claims a restoration ends: they will not keep the customer off any longer than this.
pub(crate) async fn restore_waiting(
    conn: &mut PgConnection,
    holder: IncidentId,
    family: &[Uuid],
    step: &Restoration,
) -> Result<(), Error> {
    let among = match &step.who {
        Who::All => None,
        Who::These(customers) => Some(customers.iter().map(|c| c.uuid()).collect::<Vec<_>>()),
    };
    sqlx::query!(
        "update insight.interruption_waiting set on_at = greatest($4, off_at)
         where incident_id = $1 and origin_incident_id = any($2) and on_at is null
           and ($3::uuid[] is null or customer_id = any($3)) and (reported_at is null or reported_at <= $4)",
        holder.uuid(),
        family,
        among.as_deref(),
        step.at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("restore waiting claims"))
}

/// Drops the waiting claims of an incident: all that no restoration ended, which stand for time off also when what holds the record
/// turns out to be nothing; or those of customers who are not below it after all.
pub(crate) async fn drop_waiting(
    conn: &mut PgConnection,
    origin: IncidentId,
    keep: Option<&BTreeSet<CustomerId>>,
) -> Result<(), Error> {
    let keep = keep.map(|keep| keep.iter().map(|c| c.uuid()).collect::<Vec<_>>());
    sqlx::query!(
        "delete from insight.interruption_waiting where origin_incident_id = $1
           and (($2::uuid[] is null and on_at is null) or (reported_at is null and customer_id <> all($2)))",
        origin.uuid(),
        keep.as_deref()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("drop waiting claims"))
}

/// Drops the waiting claims of reporters whose reports left the incident, all but those of `stay`.
pub(crate) async fn drop_moved(
    conn: &mut PgConnection,
    origin: IncidentId,
    stay: &BTreeSet<CustomerId>,
) -> Result<(), Error> {
    let stay: Vec<Uuid> = stay.iter().map(|c| c.uuid()).collect();
    sqlx::query!(
        "delete from insight.interruption_waiting
         where origin_incident_id = $1 and incident_id = $1 and reported_at is not null and customer_id <> all($2)",
        origin.uuid(),
        &stay
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("drop claims of moved reports"))
}

/// Notes a step of the ledger. False when it was done before.
pub(crate) async fn note_step(
    conn: &mut PgConnection,
    step: StepId,
    incident: IncidentId,
    kind: &str,
    at: Instant,
) -> Result<bool, Error> {
    sqlx::query!(
        "insert into insight.ledger_step (id, incident_id, kind, at, customers) values ($1, $2, $3, $4, 0)
         on conflict do nothing",
        step.uuid(),
        incident.uuid(),
        kind,
        at
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("note a step"))
}

/// Notes that a step brought supply back by switching: its customers may lose it again for the same reason.
pub(crate) async fn note_switching(conn: &mut PgConnection, step: StepId) -> Result<(), Error> {
    sqlx::query!(
        "update insight.ledger_step set by_switching = true where id = $1",
        step.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note a step by switching"))
}

/// Stores how many customers a step concerned.
pub(crate) async fn count_step(conn: &mut PgConnection, step: StepId, customers: i32) -> Result<(), Error> {
    sqlx::query!(
        "update insight.ledger_step set customers = $2 where id = $1",
        step.uuid(),
        customers
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("count a step"))
}
