//! How many of those asked said what.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{domain::IncidentId, error::Error};

/// Checks of one incident that are listed.
const CHECKS_MAX: i64 = 200;

/// One check in numbers. Each service point is in one of the last five, as [`verdict`](crate::domain::check::Asked::verdict)
/// has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The check.
    pub id: Uuid,
    /// When supply came back.
    pub restored_at: DateTime<Utc>,
    /// Service points of the section.
    pub restored: i32,
    /// Meters asked.
    pub pinged: i64,
    /// Customers asked by text.
    pub texted: i64,
    /// Supply is back.
    pub yes: i64,
    /// It is not.
    pub no: i64,
    /// Nobody answered in time.
    pub silent: i64,
    /// Not known yet.
    pub waiting: i64,
    /// Not asked: the number was asked for somebody else.
    pub same_number: i64,
}

/// The checks of an incident, the latest restoration first.
///
/// # Errors
/// [`Error::Common`].
pub async fn of_incident(conn: &mut PgConnection, incident: IncidentId) -> Result<Vec<Counted>, Error> {
    sqlx::query_as!(
        Counted,
        "select c.id, c.restored_at, c.restored_count as restored,
             count(*) filter (where a.pinged) as \"pinged!\", count(*) filter (where a.texted) as \"texted!\",
             count(*) filter (where s.is_back) as \"yes!\", count(*) filter (where not s.is_back) as \"no!\",
             count(*) filter (where s.is_back is null and a.stage = 'settled' and not a.same_number) as \"silent!\",
             count(*) filter (where s.is_back is null and a.stage <> 'settled' and not a.same_number) as \"waiting!\",
             count(*) filter (where s.is_back is null and a.same_number) as \"same_number!\"
         from intake.restoration_check c join intake.asked a on a.check_id = c.id
         cross join lateral (select case
             when not a.person_has_supply and a.meter_has_supply and a.meter_at > a.person_at then true
             else coalesce(a.person_has_supply, a.meter_has_supply) end as is_back) s
         where c.incident_id = $1 group by c.id order by c.restored_at desc, c.id desc limit $2",
        incident.uuid(),
        CHECKS_MAX
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("count what those asked said"))
}
