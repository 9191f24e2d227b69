//! The form of a plan: what was considered instead of switching off, and the words of the departments.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{outage::Stored, people};
use crate::{
    domain::{
        form::{Countersign, Lacks, Signed, Template, Verdict, is_open},
        ids::OutageId,
        outage::{Decision, State},
        window::Instant,
    },
    error::Error,
};

/// What was considered instead of switching off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// One of the template's.
    pub kind: String,
    /// Used for some of the customers.
    pub used: bool,
    /// Why it does not do, or for whom it does.
    pub reason: String,
    /// Who wrote that.
    pub considered_by: String,
    /// When.
    pub considered_at: Instant,
}

/// A countersign with its plan and department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Of {
    /// Which department.
    pub department: String,
    /// Which plan.
    pub plan_no: i32,
    /// The way there and back.
    pub countersign: Countersign,
}

/// The template of an outage.
///
/// # Errors
/// [`Error::Stored`] when this release does not know it.
pub fn template(one: &Stored) -> Result<&'static Template, Error> {
    Template::find(&one.template).ok_or(Error::Stored("template of an outage"))
}

/// What the form still lacks. Once people were told it is what was decided, and nobody asks any more.
///
/// # Errors
/// [`Error::Common`].
pub async fn lacks(conn: &mut PgConnection, one: &Stored) -> Result<Lacks, Error> {
    if one.life.state != State::Draft && !is_open(&one.life) {
        return Ok(Lacks::default());
    }
    let template = template(one)?;
    let kinds: Vec<String> = template.alternatives.iter().map(|one| one.word.clone()).collect();
    let departments: Vec<String> = template.departments.iter().map(|one| one.word.clone()).collect();
    let considered = sqlx::query_scalar!(
        "select kind from planner.alternative where outage_id = $1",
        one.id.uuid()
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(Error::db("read what was considered"))?;
    let latest = sqlx::query!(
        "select distinct on (department) department, verdict from planner.countersign
         where outage_id = $1 and plan_no = $2 order by department, round desc",
        one.id.uuid(),
        plan(one)
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(Error::db("read countersigns"))?;
    let above_voltage = match template.up_to_v {
        Some(most_v) => people::above_voltage(conn, one.id, most_v).await?,
        None => 0,
    };
    let says = |department: &String| {
        let row = latest.iter().find(|row| row.department == *department);
        row.and_then(|row| Verdict::parse(row.verdict.as_deref()?))
    };
    let with = |verdict| {
        departments
            .iter()
            .filter(|one| says(one) == verdict)
            .cloned()
            .collect()
    };
    Ok(Lacks {
        above_voltage,
        alternatives: kinds
            .into_iter()
            .filter(|kind| !considered.contains(kind))
            .collect(),
        unsigned: with(None),
        refused: with(Some(Verdict::Refused)),
    })
}

fn plan(one: &Stored) -> i32 {
    i32::try_from(one.life.plan_no).unwrap_or(i32::MAX)
}

/// What was considered, in the order of the words.
///
/// # Errors
/// [`Error::Common`].
pub async fn alternatives(conn: &mut PgConnection, id: OutageId) -> Result<Vec<Alternative>, Error> {
    sqlx::query_as!(
        Alternative,
        "select kind, used, reason, considered_by, considered_at from planner.alternative where outage_id = $1 order by kind",
        id.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read what was considered"))
}

/// Notes what was considered; what was noted of the same kind before is replaced.
///
/// # Errors
/// [`Error::Common`].
pub async fn consider(conn: &mut PgConnection, id: OutageId, one: &Alternative) -> Result<(), Error> {
    sqlx::query!(
        "insert into planner.alternative (outage_id, kind, used, reason, considered_by, considered_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (outage_id, kind) do update set used = excluded.used, reason = excluded.reason,
             considered_by = excluded.considered_by, considered_at = excluded.considered_at",
        id.uuid(),
        one.kind,
        one.used,
        one.reason,
        one.considered_by,
        one.considered_at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note what was considered"))
}

struct Row {
    department: String,
    plan_no: i32,
    round: i32,
    sent_at: Instant,
    sent_by: String,
    received_at: Option<Instant>,
    received_by: Option<String>,
    signed_at: Option<Instant>,
    signed_by: Option<String>,
    verdict: Option<String>,
    reason: String,
}

fn decision(by: Option<String>, at: Option<Instant>) -> Option<Decision> {
    by.zip(at).map(|(by, at)| Decision { by, at })
}

impl From<Row> for Of {
    fn from(row: Row) -> Self {
        let verdict = row.verdict.as_deref().and_then(Verdict::parse);
        let signed = decision(row.signed_by, row.signed_at).zip(verdict);
        Self {
            department: row.department,
            plan_no: row.plan_no,
            countersign: Countersign {
                round: row.round.unsigned_abs(),
                sent: Decision {
                    by: row.sent_by,
                    at: row.sent_at,
                },
                received: decision(row.received_by, row.received_at),
                signed: signed.map(|(by, verdict)| Signed {
                    by,
                    verdict,
                    reason: row.reason,
                }),
            },
        }
    }
}

/// Every countersign of an outage: by department, the newest plan and round first.
///
/// # Errors
/// [`Error::Common`].
pub async fn countersigns(conn: &mut PgConnection, id: OutageId) -> Result<Vec<Of>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select department, plan_no, round, sent_at, sent_by, received_at, received_by, signed_at, signed_by, verdict, reason
         from planner.countersign where outage_id = $1 order by department, plan_no desc, round desc",
        id.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read countersigns"))?;
    Ok(rows.into_iter().map(Of::from).collect())
}

/// The latest countersign of a department about the present plan.
///
/// # Errors
/// [`Error::Common`].
pub async fn latest(
    conn: &mut PgConnection,
    one: &Stored,
    department: &str,
) -> Result<Option<Countersign>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select department, plan_no, round, sent_at, sent_by, received_at, received_by, signed_at, signed_by, verdict, reason
         from planner.countersign where outage_id = $1 and plan_no = $2 and department = $3 order by round desc limit 1",
        one.id.uuid(),
        plan(one),
        department
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("read a countersign"))?;
    Ok(row.map(|row| Of::from(row).countersign))
}

/// Saves a countersign of the present plan.
///
/// # Errors
/// [`Error::Common`].
pub async fn save(
    conn: &mut PgConnection,
    one: &Stored,
    department: &str,
    saved: &Countersign,
) -> Result<(), Error> {
    let (received, signed) = (saved.received.as_ref(), saved.signed.as_ref());
    sqlx::query!(
        "insert into planner.countersign (outage_id, plan_no, department, round, sent_at, sent_by, received_at, received_by,
             signed_at, signed_by, verdict, reason)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (outage_id, plan_no, department, round) do update set received_at = excluded.received_at,
             received_by = excluded.received_by, signed_at = excluded.signed_at, signed_by = excluded.signed_by,
             verdict = excluded.verdict, reason = excluded.reason",
        one.id.uuid(),
        plan(one),
        department,
        i32::try_from(saved.round).unwrap_or(i32::MAX),
        saved.sent.at,
        saved.sent.by,
        received.map(|one| one.at),
        received.map(|one| one.by.as_str()),
        signed.map(|one| one.by.at),
        signed.map(|one| one.by.by.as_str()),
        signed.map(|one| one.verdict.word()),
        signed.map_or("", |one| one.reason.as_str())
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("save a countersign"))
}

/// A department that was asked and has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub department: String,
    /// When it was asked.
    pub sent_at: Instant,
}

/// The departments that have the present plan and are silent, and of whom that was not said yet, in the order of their words.
///
/// # Errors
/// [`Error::Common`].
pub async fn waiting(conn: &mut PgConnection, one: &Stored) -> Result<Vec<Waiting>, Error> {
    sqlx::query_as!(
        Waiting,
        "select department, sent_at from planner.countersign
         where outage_id = $1 and plan_no = $2 and signed_at is null and alarmed_at is null order by department",
        one.id.uuid(),
        plan(one)
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for silent departments"))
}

/// Notes that it was said that these are silent.
///
/// # Errors
/// [`Error::Common`].
pub async fn said(
    conn: &mut PgConnection,
    one: &Stored,
    departments: &[String],
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "update planner.countersign set alarmed_at = $4
         where outage_id = $1 and plan_no = $2 and department = any($3) and signed_at is null",
        one.id.uuid(),
        plan(one),
        departments,
        at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note that departments are silent"))
}

/// Whether some department has agreed to the present plan.
///
/// # Errors
/// [`Error::Common`].
pub async fn is_agreed(conn: &mut PgConnection, id: Uuid, plan_no: u32) -> Result<bool, Error> {
    sqlx::query_scalar!(
        r#"select exists (select from planner.countersign where outage_id = $1 and plan_no = $2 and verdict = 'agreed') as "is!""#,
        id,
        i32::try_from(plan_no).unwrap_or(i32::MAX)
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("look for a countersign"))
}
