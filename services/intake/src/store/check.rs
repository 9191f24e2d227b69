//! Checks of restorations and who was asked in them.

mod count;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::count::{Counted, of_incident};
use crate::{
    domain::{
        IncidentId, ReportId,
        check::{Asked, Heard, Spoken, Stage, sample::Candidate},
        incident::Incident,
    },
    error::Error,
};

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Its id.
    pub id: Uuid,
    /// Whose supply came back.
    pub incident: IncidentId,
    /// When.
    pub restored_at: DateTime<Utc>,
}

/// One service point that was asked, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its id.
    pub id: Uuid,
    /// In which check.
    pub check: Check,
    /// Its load.
    pub load: String,
    /// Whose it is.
    pub customer: Option<Uuid>,
    /// Where in the organisation.
    pub org_path: String,
    /// The night does not put the question off.
    pub night: bool,
    /// Where it stands.
    pub asked: Asked,
    /// When the stage ends.
    pub due_at: DateTime<Utc>,
    /// Its customer was asked by text.
    pub texted: bool,
    /// The report that "still off" became.
    pub report: Option<ReportId>,
}

struct Stored {
    id: Uuid,
    check_id: Uuid,
    incident_id: Uuid,
    load_id: String,
    customer_id: Option<Uuid>,
    org_path: String,
    night: bool,
    restored_at: DateTime<Utc>,
    stage: String,
    due_at: DateTime<Utc>,
    texted: bool,
    meter_has_supply: Option<bool>,
    meter_at: Option<DateTime<Utc>>,
    person_has_supply: Option<bool>,
    person_at: Option<DateTime<Utc>>,
    same_number: bool,
    report_id: Option<Uuid>,
}

impl TryFrom<Stored> for Row {
    type Error = Error;

    fn try_from(row: Stored) -> Result<Self, Error> {
        let meter = row.meter_has_supply.zip(row.meter_at);
        let person = row.person_has_supply.zip(row.person_at);
        Ok(Row {
            id: row.id,
            check: Check {
                id: row.check_id,
                incident: IncidentId::from_uuid(row.incident_id),
                restored_at: row.restored_at,
            },
            load: row.load_id,
            org_path: row.org_path,
            night: row.night,
            asked: Asked {
                stage: Stage::parse(&row.stage).ok_or(Error::Stored("stage of a question"))?,
                has_customer: row.customer_id.is_some(),
                meter: meter.map(|(has_supply, at)| Heard { has_supply, at }),
                person: person.map(|(is_back, at)| Spoken { is_back, at }),
                same_number: row.same_number,
            },
            customer: row.customer_id,
            due_at: row.due_at,
            texted: row.texted,
            report: row.report_id.map(ReportId::from_uuid),
        })
    }
}

/// `select` of whole rows; the tail says which.
macro_rules! rows {
    ($tail:tt $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Stored,
            "select id, check_id, incident_id, load_id, customer_id, org_path, night, restored_at, stage, due_at, texted,
                 meter_has_supply, meter_at, person_has_supply, person_at, same_number, report_id
             from intake.asked " + $tail
            $(, $arg)*
        )
    };
}

fn read(rows: Vec<Stored>) -> Result<Vec<Row>, Error> {
    rows.into_iter().map(Row::try_from).collect()
}

/// Stores a check; false when it is there already.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(
    conn: &mut PgConnection,
    check: &Check,
    incident: &Incident,
    restored: usize,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    sqlx::query!(
        "insert into intake.restoration_check (id, incident_id, restored_at, restored_count, org_path, zone, created_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing",
        check.id,
        check.incident.uuid(),
        check.restored_at,
        i32::try_from(restored).unwrap_or(i32::MAX),
        incident.org_path,
        incident.zone,
        now,
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(Error::db("store a check of a restoration"))
}

/// Those of these loads that are left alone: asked about this incident before, asked `per_day` times since `since`, or in
/// another open incident, which says enough.
///
/// # Errors
/// [`Error::Common`].
pub async fn left_alone(
    conn: &mut PgConnection,
    incident: IncidentId,
    loads: &[String],
    since: DateTime<Utc>,
    per_day: i64,
) -> Result<HashSet<String>, Error> {
    let found = sqlx::query_scalar!(
        "select load_id as \"load!\" from intake.asked where load_id = any($1) and (incident_id = $2 or asked_at >= $3)
         group by load_id
         having bool_or(incident_id = $2) or count(*) filter (where asked_at >= $3) >= $4
         union
         select r.load_id from intake.incident i
         join intake.report_link l on l.incident_id = i.id join intake.report r on r.id = l.report_id
         where i.state = 'open' and i.id <> $2 and r.load_id = any($1)",
        loads,
        incident.uuid(),
        since,
        per_day
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look who is not asked"))?;
    Ok(found.into_iter().collect())
}

/// Those of these loads that were restored in this incident before.
///
/// # Errors
/// [`Error::Common`].
pub async fn restored_before(
    conn: &mut PgConnection,
    incident: IncidentId,
    loads: &[String],
) -> Result<HashSet<String>, Error> {
    let found = sqlx::query_scalar!(
        "select distinct load_id as \"load!\" from intake.evidence
         where load_id = any($2) and incident_id = $1 and kind = 'restored'",
        incident.uuid(),
        loads
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look who was restored before"))?;
    Ok(found.into_iter().collect())
}

/// Those of these loads whose meters have spoken since: they can be pinged.
///
/// # Errors
/// [`Error::Common`].
pub async fn with_meter(
    conn: &mut PgConnection,
    loads: &[String],
    since: DateTime<Utc>,
) -> Result<HashSet<String>, Error> {
    let found = sqlx::query_scalar!(
        "select distinct load_id as \"load!\" from intake.evidence
         where load_id = any($1) and at >= $2 and source <> 'answer'
             and kind in ('last_gasp', 'ping_off', 'ping_on', 'relay_open', 'relay_closed')",
        loads,
        since
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look which meters can be pinged"))?;
    Ok(found.into_iter().collect())
}

/// Asks these, each unless it was asked about this incident before. Gives the rows that are new.
///
/// # Errors
/// [`Error::Common`].
pub async fn ask(
    conn: &mut PgConnection,
    check: &Check,
    picked: &[(Candidate, bool)],
    due: impl Fn(bool) -> DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, Error> {
    fn each<T>(picked: &[(Candidate, bool)], of: impl Fn(&Candidate) -> T) -> Vec<T> {
        picked.iter().map(|(one, _)| of(one)).collect()
    }
    let ids = each(picked, |one| {
        relight_common::ids::derived(check.incident.uuid(), &format!("asked\n{}", one.load))
    });
    let nights: Vec<bool> = picked.iter().map(|(_, night)| *night).collect();
    let due = each(picked, |one| due(one.has_meter));
    let rows = sqlx::query_as!(
        Stored,
        "insert into intake.asked as a (id, check_id, incident_id, load_id, customer_id, service_point_id, org_path, night,
             restored_at, asked_at, stage, due_at, pinged, texted)
         select n.id, $1, $2, n.load, n.customer, n.point, n.org, n.night, $3, $4,
             case when n.meter then 'pinging' else 'texting' end, n.due, n.meter, not n.meter
         from unnest($5::uuid[], $6::text[], $7::uuid[], $8::uuid[], $9::text[], $10::bool[], $11::bool[],
             $12::timestamptz[]) as n (id, load, customer, point, org, night, meter, due)
         on conflict on constraint asked_once do nothing
         returning id, check_id, incident_id, load_id, customer_id, org_path, night, restored_at, stage, due_at, texted,
             meter_has_supply, meter_at, person_has_supply, person_at, same_number, report_id",
        check.id,
        check.incident.uuid(),
        check.restored_at,
        now,
        &ids,
        &each(picked, |one| one.load.clone()),
        &each(picked, |one| one.customer) as &[Option<Uuid>],
        &each(picked, |one| one.service_point) as &[Option<Uuid>],
        &each(picked, |one| one.org_path.clone()),
        &nights,
        &each(picked, |one| one.has_meter),
        &due,
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("store who is asked"))?;
    read(rows)
}

/// One row, as it is now.
///
/// # Errors
/// [`Error::Common`].
pub async fn by_id(conn: &mut PgConnection, id: Uuid) -> Result<Option<Row>, Error> {
    let row = rows!("where id = $1", id).fetch_optional(conn).await;
    row.map_err(Error::db("read who was asked"))?
        .map(Row::try_from)
        .transpose()
}

/// One row, kept as it is until commit.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Row>, Error> {
    let row = rows!("where id = $1 for update", id).fetch_optional(conn).await;
    row.map_err(Error::db("lock who was asked"))?
        .map(Row::try_from)
        .transpose()
}

/// Locks what was asked of these loads about restorations since `since`.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock_of_loads(
    conn: &mut PgConnection,
    loads: &[String],
    since: DateTime<Utc>,
) -> Result<Vec<Row>, Error> {
    let rows = rows!(
        "where load_id = any($1) and restored_at >= $2 order by restored_at, id for update",
        loads,
        since
    );
    read(
        rows.fetch_all(conn)
            .await
            .map_err(Error::db("lock who was asked"))?,
    )
}

/// Locks those of a check whose stage is over at `now`.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock_late(conn: &mut PgConnection, check: Uuid, now: DateTime<Utc>) -> Result<Vec<Row>, Error> {
    let rows = rows!(
        "where check_id = $1 and stage <> 'settled' and due_at <= $2 order by id for update",
        check,
        now
    );
    read(
        rows.fetch_all(conn)
            .await
            .map_err(Error::db("lock who did not answer"))?,
    )
}

/// When the next stage of a check is over; none: everybody is settled.
///
/// # Errors
/// [`Error::Common`].
pub async fn next_due(conn: &mut PgConnection, check: Uuid) -> Result<Option<DateTime<Utc>>, Error> {
    sqlx::query_scalar!(
        "select min(due_at) from intake.asked where check_id = $1 and stage <> 'settled'",
        check
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("look when a check goes on"))
}

/// Stores what changed of locked rows.
///
/// # Errors
/// [`Error::Common`].
pub async fn save(conn: &mut PgConnection, rows: &[Row]) -> Result<(), Error> {
    fn each<T>(rows: &[Row], of: impl Fn(&Row) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    sqlx::query!(
        "update intake.asked a set stage = n.stage, due_at = n.due, texted = n.texted, meter_has_supply = n.meter,
             meter_at = n.meter_at, person_has_supply = n.person, person_at = n.person_at, same_number = n.same,
             report_id = n.report
         from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bool[], $5::bool[], $6::timestamptz[], $7::bool[],
             $8::timestamptz[], $9::bool[], $10::uuid[])
             as n (id, stage, due, texted, meter, meter_at, person, person_at, same, report)
         where a.id = n.id",
        &each(rows, |row| row.id),
        &each(rows, |row| row.asked.stage.word().to_owned()),
        &each(rows, |row| row.due_at),
        &each(rows, |row| row.texted),
        &each(rows, |row| row.asked.meter.map(|heard| heard.has_supply)) as &[Option<bool>],
        &each(rows, |row| row.asked.meter.map(|heard| heard.at)) as &[Option<DateTime<Utc>>],
        &each(rows, |row| row.asked.person.map(|spoken| spoken.is_back)) as &[Option<bool>],
        &each(rows, |row| row.asked.person.map(|spoken| spoken.at)) as &[Option<DateTime<Utc>>],
        &each(rows, |row| row.asked.same_number),
        &each(rows, |row| row.report.map(ReportId::uuid)) as &[Option<Uuid>],
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store what those asked said"))
}

/// What a question says of its check, and its next version.
#[derive(Debug)]
pub struct Told {
    /// The version of the question.
    pub version: i64,
    /// Where in the organisation.
    pub org_path: String,
    /// Zone of the place.
    pub zone: String,
    /// When the check was drawn.
    pub created_at: DateTime<Utc>,
}

/// Counts one more question of a check.
///
/// # Errors
/// [`Error::Common`].
pub async fn next_question(conn: &mut PgConnection, check: Uuid) -> Result<Told, Error> {
    sqlx::query_as!(
        Told,
        "update intake.restoration_check set version = version + 1 where id = $1
         returning version, org_path, zone, created_at",
        check
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("count a question"))
}

/// A meter that should be asked whether supply is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// After which incident.
    pub incident: Uuid,
    /// Its load.
    pub load: String,
}

/// Meters to be pinged at org paths like these, those that wait longest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn pings(conn: &mut PgConnection, org_patterns: &[String], limit: i64) -> Result<Vec<Ping>, Error> {
    sqlx::query_as!(
        Ping,
        "select incident_id as incident, load_id as load from intake.asked
         where stage = 'pinging' and org_path like any($1) order by asked_at, id limit $2",
        org_patterns,
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("list meters to be pinged"))
}

/// Sets the timers again that were lost: of checks whose stage is long over.
///
/// # Errors
/// [`relight_common::Error::Db`].
pub async fn wake_late(
    db: &relight_common::Db,
    kind: &str,
    before: DateTime<Utc>,
) -> Result<u64, relight_common::Error> {
    sqlx::query!(
        "insert into intake.timer (kind, subject, due_at, version)
         select $1, check_id, min(due_at), 1 from intake.asked where stage <> 'settled' and due_at < $2 group by check_id
         on conflict do nothing",
        kind,
        before
    )
    .execute(db.pool())
    .await
    .map(|done| done.rows_affected())
    .map_err(relight_common::Error::db("wake late checks"))
}
