//! Tasks that danger asks for beside the repair.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::position;
use crate::{
    domain::{
        ReportId,
        danger::{Kind, Settled, State},
        place::Position,
    },
    error::Error,
};

/// A report of danger, whose tasks are opened.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The report.
    pub report: ReportId,
    /// When it came.
    pub at: DateTime<Utc>,
    /// Whose area it is.
    pub org_path: String,
    /// The nearest device above that can be switched.
    pub device: String,
}

/// Opens every task of these reports.
///
/// # Errors
/// [`Error::Common`].
pub async fn open(conn: &mut PgConnection, all: &[Opening]) -> Result<(), Error> {
    if all.is_empty() {
        return Ok(());
    }
    let reports: Vec<Uuid> = all.iter().map(|one| one.report.uuid()).collect();
    let at: Vec<DateTime<Utc>> = all.iter().map(|one| one.at).collect();
    let paths: Vec<String> = all.iter().map(|one| one.org_path.clone()).collect();
    let devices: Vec<String> = all.iter().map(|one| one.device.clone()).collect();
    let kinds = Kind::ALL.map(|kind| kind.word().to_owned());
    sqlx::query!(
        "insert into intake.danger_task (report_id, kind, opened_at, org_path, device_id)
         select r.id, k.kind, r.at, r.path, case when k.kind = 'switching' then r.device else '' end
         from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) as r (id, at, path, device)
         cross join unnest($5::text[]) as k (kind) on conflict do nothing",
        &reports,
        &at,
        &paths,
        &devices,
        &kinds
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("open the tasks of danger"))
}

/// One task, with what its report says.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its report.
    pub report: Uuid,
    /// The report's number.
    pub number: String,
    /// What is to be done.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// Of switching.
    pub device: String,
    /// What is dangerous.
    pub danger_note: String,
    /// Whose area it is.
    pub org_path: String,
    /// Where.
    pub position: Option<Position>,
    /// The closing of its report that it was settled by.
    pub closing: Option<Uuid>,
    /// Of what is told; rises with every change.
    pub version: i64,
}

struct Row {
    report_id: Uuid,
    number: String,
    kind: String,
    state: String,
    opened_at: DateTime<Utc>,
    device_id: String,
    danger_note: String,
    org_path: String,
    lon: Option<f64>,
    lat: Option<f64>,
    reference: String,
    note: String,
    settled_by: Option<String>,
    settled_at: Option<DateTime<Utc>>,
    closing_id: Option<Uuid>,
    version: i64,
}

impl TryFrom<Row> for Task {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let settled = row.settled_by.zip(row.settled_at).map(|(by, at)| Settled {
            by,
            at,
            reference: row.reference,
            note: row.note,
        });
        let state = match (row.state.as_str(), settled) {
            ("open", None) => State::Open,
            ("done", Some(settled)) => State::Done(settled),
            ("not_needed", Some(settled)) => State::NotNeeded(settled),
            _ => return Err(Error::Stored("state of a danger task")),
        };
        Ok(Task {
            report: row.report_id,
            number: row.number,
            kind: Kind::parse(&row.kind).ok_or(Error::Stored("kind of a danger task"))?,
            state,
            opened_at: row.opened_at,
            device: row.device_id,
            danger_note: row.danger_note,
            org_path: row.org_path,
            position: position(row.lon, row.lat),
            closing: row.closing_id,
            version: row.version,
        })
    }
}

/// Open tasks under `org`, the oldest first, then those settled after `settled_since`, the latest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn list(
    conn: &mut PgConnection,
    org: &[String],
    settled_since: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<Task>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select t.report_id, r.number, t.kind, t.state, t.opened_at, t.device_id, r.danger_note, t.org_path, r.lon, r.lat,
             t.reference, t.note, t.settled_by, t.settled_at, t.closing_id, t.version
         from intake.danger_task t join intake.report r on r.id = t.report_id
         where t.org_path like any($1) and (t.state = 'open' or t.settled_at >= $2)
         order by t.state <> 'open', t.settled_at desc, t.opened_at, t.report_id, t.kind limit $3",
        org,
        settled_since,
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("list the tasks of danger"))?;
    rows.into_iter().map(Task::try_from).collect()
}

/// All tasks of a report, kept until commit.
///
/// # Errors
/// [`Error::Common`].
pub async fn lock(conn: &mut PgConnection, report: ReportId) -> Result<Vec<Task>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select t.report_id, r.number, t.kind, t.state, t.opened_at, t.device_id, r.danger_note, t.org_path, r.lon, r.lat,
             t.reference, t.note, t.settled_by, t.settled_at, t.closing_id, t.version
         from intake.danger_task t join intake.report r on r.id = t.report_id
         where t.report_id = $1 order by t.kind for update of t",
        report.uuid(),
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("lock the tasks of danger"))?;
    rows.into_iter().map(Task::try_from).collect()
}

/// Stores how it stands now.
///
/// # Errors
/// [`Error::Common`].
pub async fn save(conn: &mut PgConnection, task: &mut Task) -> Result<(), Error> {
    let settled = task.state.settled();
    task.version = sqlx::query_scalar!(
        "update intake.danger_task set state = $3, reference = $4, note = $5, settled_by = $6, settled_at = $7, closing_id = $8,
             version = version + 1
         where report_id = $1 and kind = $2 returning version",
        task.report,
        task.kind.word(),
        task.state.word(),
        settled.map_or("", |by| by.reference.as_str()),
        settled.map_or("", |by| by.note.as_str()),
        settled.map(|by| by.by.as_str()),
        settled.map(|by| by.at),
        task.closing
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("store a task of danger"))?;
    Ok(())
}
