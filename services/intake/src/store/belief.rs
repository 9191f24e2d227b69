//! Reading what is believed of incidents, and why; and what people change about it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::evidence::Decided;
use crate::{
    domain::{IncidentId, ReportId},
    error::Error,
};

/// One candidate as it is stored.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Candidate {
    /// The device.
    pub device: String,
    /// Devices that put out the same.
    pub equal: Vec<String>,
    /// Its probability.
    pub p: f64,
}

/// What is believed of an incident.
#[derive(Debug, Clone)]
pub struct Believed {
    /// The incident.
    pub incident: IncidentId,
    /// On this network.
    pub version: Uuid,
    /// The likeliest first.
    pub candidates: Vec<Candidate>,
    /// That the first is right.
    pub confidence: f64,
    /// Probably off.
    pub customers: u32,
    /// In Chinese and English.
    pub why: (String, String),
    /// The meter to ask.
    pub ask: Option<String>,
    /// One customer's premises explain it.
    pub premise: bool,
    /// Named by a dispatcher.
    pub overruled: Option<String>,
    /// Since when most are back.
    pub restored_at: Option<DateTime<Utc>>,
    /// When this was decided.
    pub decided_at: DateTime<Utc>,
}

struct Row {
    incident_id: Uuid,
    grid_version: Uuid,
    candidates: serde_json::Value,
    confidence: f64,
    customers: i32,
    explanation_zh: String,
    explanation_en: String,
    ask_load_id: Option<String>,
    premise: bool,
    overruled_device_id: Option<String>,
    restored_at: Option<DateTime<Utc>>,
    decided_at: DateTime<Utc>,
}

impl TryFrom<Row> for Believed {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Believed {
            incident: IncidentId::from_uuid(row.incident_id),
            version: row.grid_version,
            candidates: serde_json::from_value(row.candidates)
                .map_err(|_| Error::Stored("list of candidates"))?,
            confidence: row.confidence,
            customers: row.customers.unsigned_abs(),
            why: (row.explanation_zh, row.explanation_en),
            ask: row.ask_load_id,
            premise: row.premise,
            overruled: row.overruled_device_id,
            restored_at: row.restored_at,
            decided_at: row.decided_at,
        })
    }
}

/// What is believed of one incident, if the engine has said anything.
///
/// # Errors
/// [`Error::Common`].
pub async fn of(conn: &mut PgConnection, incident: IncidentId) -> Result<Option<Believed>, Error> {
    sqlx::query_as!(
        Row,
        "select incident_id, grid_version, candidates, confidence, customers, explanation_zh, explanation_en, ask_load_id,
             premise, overruled_device_id, restored_at, decided_at
         from intake.inference where incident_id = $1",
        incident.uuid()
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("read what is believed"))?
    .map(Believed::try_from)
    .transpose()
}

/// Open guesses at org paths like these that a ping would tell more about, the least sure first.
///
/// # Errors
/// [`Error::Common`].
pub async fn pings(
    conn: &mut PgConnection,
    org_patterns: &[String],
    limit: i64,
) -> Result<Vec<Believed>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select n.incident_id, n.grid_version, n.candidates, n.confidence, n.customers, n.explanation_zh,
             n.explanation_en, n.ask_load_id, n.premise, n.overruled_device_id, n.restored_at, n.decided_at
         from intake.inference n join intake.incident i on i.id = n.incident_id
         where i.state = 'open' and i.confirmed_by is null and n.ask_load_id is not null and n.confidence < 0.99
             and n.overruled_device_id is null and i.org_path like any($1)
         order by n.confidence, n.incident_id limit $2",
        org_patterns,
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("list wanted pings"))?;
    rows.into_iter().map(Believed::try_from).collect()
}

/// The decisions about an incident, oldest first.
///
/// # Errors
/// [`Error::Common`].
pub async fn decisions(
    conn: &mut PgConnection,
    incident: IncidentId,
    limit: i64,
) -> Result<Vec<Decided>, Error> {
    let rows = sqlx::query!(
        "select id, at, what, device_id, p, explanation_zh, explanation_en, grid_version from intake.decision
         where incident_id = $1 order by id limit $2",
        incident.uuid(),
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read decisions"))?;
    rows.into_iter()
        .map(|row| {
            Ok(Decided {
                id: row.id,
                incident,
                at: row.at,
                what: word(&row.what)?,
                made_from: None,
                device: row.device_id,
                p: row.p,
                why: (row.explanation_zh, row.explanation_en),
                version: row.grid_version,
            })
        })
        .collect()
}

/// The word of a decision.
pub(super) fn word(stored: &str) -> Result<&'static str, Error> {
    let words = [
        "now",
        "merged",
        "gone",
        "overruled",
        "undone",
        "confirmed",
        "split",
        "corrected",
        "withdrawn",
    ];
    let known = words.into_iter().find(|word| **word == *stored);
    known.ok_or(Error::Stored("decision"))
}

/// One piece of evidence as people read it.
#[derive(Debug, Clone)]
pub struct Item {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// Word.
    pub kind: String,
    /// Load.
    pub load: Option<String>,
    /// Device.
    pub device: Option<String>,
    /// Who said it.
    pub source: String,
    /// Of a call.
    pub report: Option<Uuid>,
}

/// The evidence behind an incident: its reports, and since `since` what meters at `loads` and telemetry of `devices`
/// said, and what was restored.
///
/// # Errors
/// [`Error::Common`].
pub async fn items(
    conn: &mut PgConnection,
    incident: IncidentId,
    loads: &[String],
    devices: &[String],
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Item>, Error> {
    sqlx::query_as!(
        Item,
        "select e.at, e.received_at, e.kind, e.load_id as load, e.device_id as device, e.source, e.report_id as report
         from intake.evidence e left join intake.report_link l on l.report_id = e.report_id
         where l.incident_id = $1 or e.incident_id = $1
             or (e.report_id is null and e.incident_id is null and e.at >= $4
                 and (e.load_id = any($2) or e.device_id = any($3)))
         order by e.at, e.id limit $5",
        incident.uuid(),
        loads,
        devices,
        since,
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the evidence of an incident"))
}

/// The findings of an incident.
///
/// # Errors
/// [`Error::Common`].
pub async fn findings(
    conn: &mut PgConnection,
    incident: IncidentId,
) -> Result<Vec<(DateTime<Utc>, String, IncidentId)>, Error> {
    let rows = sqlx::query!(
        "select key_at, key_load from intake.finding where incident_id = $1 order by key_at, key_load",
        incident.uuid()
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the findings of an incident"))?;
    Ok(rows
        .into_iter()
        .map(|row| (row.key_at, row.key_load, incident))
        .collect())
}

/// Notes the device a dispatcher named, or (none) that this was taken back. No when nothing changed.
///
/// # Errors
/// [`Error::Common`].
pub async fn overrule(
    conn: &mut PgConnection,
    incident: IncidentId,
    device: Option<&str>,
    version: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    sqlx::query!(
        "insert into intake.inference as n (incident_id, grid_version, candidates, confidence, customers, explanation_zh,
             explanation_en, premise, overruled_device_id, decided_at)
         values ($1, $2, '[]', 0, 0, '', '', false, $3, $4)
         on conflict (incident_id) do update set overruled_device_id = $3
         where n.overruled_device_id is distinct from $3",
        incident.uuid(),
        version,
        device,
        now,
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected() > 0)
    .map_err(Error::db("note what a dispatcher said"))
}

/// Takes reports out of what the engine weighs, from this number of changes by people on.
///
/// # Errors
/// [`Error::Common`].
pub async fn leave_out(conn: &mut PgConnection, reports: &[Uuid], stirred: i64) -> Result<(), Error> {
    sqlx::query!(
        "update intake.evidence set left_out = true, left_out_in = $2
         where report_id = any($1) and not left_out",
        reports,
        stirred
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("leave reports out"))
}

/// Corrects the transformer of a report; `load` is one below it. Where it hung until this number of changes by people is kept.
///
/// # Errors
/// [`Error::Common`].
pub async fn correct(
    conn: &mut PgConnection,
    report: ReportId,
    transformer: &str,
    load: Option<&str>,
    stirred: i64,
) -> Result<(), Error> {
    sqlx::query!(
        "with corrected as (
             update intake.report set transformer_id = $2, load_id = null where id = $1 returning id),
         kept as (
             insert into intake.evidence_was (evidence_id, until_stirred, load_id)
             select id, $4, load_id from intake.evidence
             where report_id = $1 and load_id is not null and $3::text is not null)
         update intake.evidence set load_id = coalesce($3, load_id) where report_id in (select id from corrected)",
        report.uuid(),
        transformer,
        load,
        stirred,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("correct the transformer of a report"))
}

/// Locks the incidents of these reports and gives each report with its open incident.
///
/// # Errors
/// [`Error::Common`].
pub async fn homes(conn: &mut PgConnection, reports: &[Uuid]) -> Result<Vec<(ReportId, IncidentId)>, Error> {
    let rows = sqlx::query!(
        "select l.report_id, l.incident_id from intake.report_link l
         join intake.incident i on i.id = l.incident_id and i.state = 'open'
         where l.report_id = any($1) order by l.report_id for update of i",
        reports
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("lock the incidents of reports"))?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                ReportId::from_uuid(row.report_id),
                IncidentId::from_uuid(row.incident_id),
            )
        })
        .collect())
}
