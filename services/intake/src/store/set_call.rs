//! Calls to people who depend on life-support, did not report, and lie in the set of a confirmed incident.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::call::Call;
use crate::{domain::IncidentId, error::Error};

/// Somebody who depends on life-support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Whom to call.
    pub customer: Uuid,
    /// Where they are supplied.
    pub point: Uuid,
    /// Whose agents call.
    pub org_path: String,
}

/// Confirmed incidents whose set was not looked up yet: each with the set.
///
/// # Errors
/// [`Error::Common`].
pub async fn missing(conn: &mut PgConnection, limit: i64) -> Result<Vec<(IncidentId, String)>, Error> {
    let rows = sqlx::query!(
        "select id, affected_set_id as \"set!\" from intake.incident
         where state = 'open' and confirmed_by is not null and affected_set_id is not null
             and affected_set_id is distinct from called_set_id
         order by id limit $1",
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for incidents whose people were not called"))?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (IncidentId::from_uuid(row.id), row.set)).collect())
}

/// Somebody came to depend on life-support: every set is looked up again.
///
/// # Errors
/// [`Error::Common`].
pub async fn look_again(pool: &PgPool) -> Result<(), Error> {
    sqlx::query!(
        "update intake.incident set called_set_id = null
         where state = 'open' and confirmed_by is not null and called_set_id is not null"
    )
    .execute(pool)
    .await
    .map(drop)
    .map_err(Error::db("look again for people on life-support"))
}

/// Wants these people of `set` called, except those whose own report asks for it already; who is not in the set any more and was
/// not called is not wanted either. Gives who is new.
///
/// # Errors
/// [`Error::Common`].
pub async fn want(
    conn: &mut PgConnection,
    (incident, set): (IncidentId, &str),
    people: &[Person],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, Error> {
    let customers: Vec<Uuid> = people.iter().map(|person| person.customer).collect();
    let points: Vec<Uuid> = people.iter().map(|person| person.point).collect();
    let paths: Vec<String> = people.iter().map(|person| person.org_path.clone()).collect();
    sqlx::query!(
        "delete from intake.set_call where incident_id = $1 and called_at is null and customer_id <> all($2)",
        incident.uuid(),
        &customers
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("drop calls nobody wants any more"))?;
    sqlx::query!(
        "update intake.incident set called_set_id = $2 where id = $1",
        incident.uuid(),
        set
    )
    .execute(&mut *conn)
    .await
    .map_err(Error::db("note whose people are called"))?;
    sqlx::query_scalar!(
        "insert into intake.set_call (incident_id, customer_id, service_point_id, org_path, since)
         select distinct on (p.customer) $1, p.customer, p.point, p.path, $5
         from unnest($2::uuid[], $3::uuid[], $4::text[]) as p (customer, point, path)
         where not exists (
             select 1 from intake.call_wanted c join intake.report r on r.id = c.report_id
             join intake.report_link l on l.report_id = r.id
             where l.incident_id = $1 and r.customer_id = p.customer)
         order by p.customer, p.point
         on conflict do nothing returning customer_id",
        incident.uuid(),
        &customers,
        &points,
        &paths,
        now
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("want people called"))
}

/// Notes a call to somebody in an area like these: by whom, and until when the own supply lasts; none: nobody answered. None
/// when no such call is wanted.
///
/// # Errors
/// [`Error::Common`].
pub async fn done(
    conn: &mut PgConnection,
    (incident, customer): (IncidentId, Uuid),
    org_patterns: &[String],
    by: Option<(&str, DateTime<Utc>)>,
    now: DateTime<Utc>,
) -> Result<Option<Call>, Error> {
    sqlx::query_as!(
        Call,
        "update intake.set_call s set backup_until = coalesce($4, s.backup_until),
             called_by = coalesce($3, s.called_by),
             called_at = case when $3::text is null then s.called_at else $5::timestamptz end
         from intake.incident i
         where s.incident_id = $1 and s.customer_id = $2 and i.id = s.incident_id and s.org_path like any($6)
         returning null::uuid as report, i.number as \"number!\", s.customer_id as \"customer?\",
             s.incident_id as \"incident?\", s.since as \"since!\", s.backup_until, s.called_by, s.called_at",
        incident.uuid(),
        customer,
        by.map(|(who, _)| who),
        by.map(|(_, until)| until),
        now,
        org_patterns
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("note a call"))
}
