//! Evidence, findings and what was believed of incidents.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::replay::Thought;
use crate::{
    domain::{
        IncidentId, ReportId,
        group::Call,
        mind::{Basis, Belief, Memory, Piece, Switching},
        signal::Heard,
    },
    error::Error,
};

/// A signal to be stored.
#[derive(Debug, Clone)]
pub struct Signal {
    /// By its source.
    pub external_id: String,
    /// What was heard.
    pub heard: Heard,
    /// Load as in the grid file.
    pub load: Option<String>,
    /// Device as in the grid file.
    pub device: Option<String>,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Of a restoration.
    pub incident: Option<IncidentId>,
}

/// Stores signals of one source; those that came before are left as they are. Gives how many were new.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(
    conn: &mut PgConnection,
    source: &str,
    signals: &[Signal],
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let ids: Vec<Uuid> = signals.iter().map(|_| Uuid::now_v7()).collect();
    let external: Vec<String> = signals.iter().map(|signal| signal.external_id.clone()).collect();
    let kinds: Vec<String> = signals
        .iter()
        .map(|signal| signal.heard.word().to_owned())
        .collect();
    let loads: Vec<Option<String>> = signals.iter().map(|signal| signal.load.clone()).collect();
    let devices: Vec<Option<String>> = signals.iter().map(|signal| signal.device.clone()).collect();
    let at: Vec<DateTime<Utc>> = signals.iter().map(|signal| signal.at).collect();
    let incidents: Vec<Option<Uuid>> = signals
        .iter()
        .map(|signal| signal.incident.map(IncidentId::uuid))
        .collect();
    sqlx::query!(
        "insert into intake.evidence (id, at, received_at, kind, load_id, device_id, source, external_id, incident_id)
         select s.id, s.at, $8, s.kind, s.load_id, s.device_id, $7, s.external_id, s.incident_id
         from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $9::uuid[])
             as s (id, at, kind, load_id, device_id, external_id, incident_id)
         on conflict on constraint evidence_source_once do nothing",
        &ids,
        &at,
        &kinds,
        &loads as &[Option<String>],
        &devices as &[Option<String>],
        &external,
        source,
        now,
        &incidents as &[Option<Uuid>],
    )
    .execute(conn)
    .await
    .map(|done| done.rows_affected())
    .map_err(Error::db("store signals"))
}

/// Stores reports as evidence, already weighed in this pass.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert_calls(
    conn: &mut PgConnection,
    calls: &[(Call, String)],
    (now, pass): (DateTime<Utc>, i64),
) -> Result<(), Error> {
    let reports: Vec<Uuid> = calls.iter().map(|(call, _)| call.report.uuid()).collect();
    let loads: Vec<String> = calls.iter().map(|(_, load)| load.clone()).collect();
    let at: Vec<DateTime<Utc>> = calls.iter().map(|(call, _)| call.accepted_at).collect();
    sqlx::query!(
        "insert into intake.evidence (id, at, received_at, kind, load_id, source, external_id, report_id, weighed,
             weighed_in)
         select c.report_id, c.at, $4, 'call', c.load_id, 'report', c.report_id::text, c.report_id, true, $5
         from unnest($1::uuid[], $2::timestamptz[], $3::text[]) as c (report_id, at, load_id)
         on conflict on constraint evidence_source_once do nothing",
        &reports,
        &at,
        &loads,
        now,
        pass,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store reports as evidence"))
}

pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) at: DateTime<Utc>,
    pub(super) kind: String,
    pub(super) load_id: Option<String>,
    pub(super) device_id: Option<String>,
    pub(super) report_id: Option<Uuid>,
    pub(super) incident_id: Option<Uuid>,
    pub(super) fixed: bool,
}

impl TryFrom<Row> for Piece {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Piece {
            id: row.id,
            at: row.at,
            heard: Heard::parse(&row.kind).ok_or(Error::Stored("kind of evidence"))?,
            load: row.load_id,
            device: row.device_id,
            report: row.report_id.map(ReportId::from_uuid),
            incident: row.incident_id.map(IncidentId::from_uuid),
            fixed: row.fixed,
        })
    }
}

/// Takes up to `limit` signals and restorations that were not weighed yet, and notes that this pass does.
///
/// # Errors
/// [`Error::Common`].
pub async fn take(conn: &mut PgConnection, limit: i64, pass: i64) -> Result<Vec<Piece>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "update intake.evidence e set weighed = true, weighed_in = $2
         where e.id = any(array(
             select id from intake.evidence
             where not weighed and (asked or kind not in ('last_gasp', 'ping_off')) order by at, id limit $1))
         returning e.id, e.at, e.kind, e.load_id, e.device_id, e.report_id, e.incident_id, false as \"fixed!\"",
        limit,
        pass
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("take new evidence"))?;
    let mut pieces = rows
        .into_iter()
        .map(Piece::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    pieces.sort_by_key(|piece| (piece.at, piece.id));
    Ok(pieces)
}

/// Signals of meters that are off and that the ledger was not asked about yet, each with its load.
///
/// # Errors
/// [`Error::Common`].
pub async fn unasked(conn: &mut PgConnection, limit: i64) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        "select id, load_id as \"load!\" from intake.evidence
         where not weighed and not asked and kind in ('last_gasp', 'ping_off') order by at, id limit $1",
        limit
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for signals to be explained"))?;
    Ok(rows.into_iter().map(|row| (row.id, row.load)).collect())
}

/// Notes about which signals the ledger was asked; those it has a reason for say nothing to the engine.
///
/// # Errors
/// [`Error::Common`].
pub async fn asked(conn: &mut PgConnection, asked: &[Uuid], explained: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "update intake.evidence set asked = true, weighed = weighed or id = any($2),
             left_out = left_out or id = any($2)
         where id = any($1) and not weighed",
        asked,
        explained
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note what the ledger was asked"))
}

/// Since when evidence is weighed: `since`, or the beginning of the oldest open incident.
///
/// # Errors
/// [`Error::Common`].
pub async fn horizon(conn: &mut PgConnection, since: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
    let oldest = sqlx::query_scalar!("select min(off_at) from intake.incident where state = 'open'")
        .fetch_one(conn)
        .await
        .map_err(Error::db("look for the oldest incident"))?;
    let week_ago = since - chrono::TimeDelta::days(7);
    Ok(oldest.map_or(since, |oldest| oldest.min(since).max(week_ago)))
}

/// Everything a new mind has to know about a network version: evidence since `since` that was weighed, switchings,
/// findings, devices named by dispatchers.
///
/// # Errors
/// [`Error::Common`].
pub async fn memory(conn: &mut PgConnection, version: Uuid, since: DateTime<Utc>) -> Result<Memory, Error> {
    let pieces = weighed(conn, since, DateTime::<Utc>::MAX_UTC).await?;
    let switched = sqlx::query!(
        "select at, opened, closed from intake.switching where grid_version = $1 and weighed order by state_no",
        version
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(Error::db("read switchings"))?;
    let findings = sqlx::query!(
        // What was fed again by switching may come back by switching: it is another outage then.
        "select f.key_at, f.key_load, f.incident_id from intake.finding f
         join intake.incident i on i.id = f.incident_id and i.close_reason is distinct from 'fed_again'
         where f.key_at >= $1",
        since
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(Error::db("read findings"))?;
    let overruled = sqlx::query!(
        "select n.incident_id, n.overruled_device_id as \"device!\" from intake.inference n
         join intake.incident i on i.id = n.incident_id and i.state = 'open'
         where n.overruled_device_id is not null"
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read overrules"))?;
    Ok(Memory {
        pieces,
        switched: switched
            .into_iter()
            .map(|row| Switching {
                at: row.at,
                opened: row.opened,
                closed: row.closed,
            })
            .collect(),
        findings: findings
            .into_iter()
            .map(|row| (row.key_at, row.key_load, IncidentId::from_uuid(row.incident_id)))
            .collect(),
        overruled: overruled
            .into_iter()
            .map(|row| (IncidentId::from_uuid(row.incident_id), row.device))
            .collect(),
    })
}

/// The evidence of a span of time that was weighed and not left out, with where its reports are.
///
/// # Errors
/// [`Error::Common`].
pub async fn weighed(
    conn: &mut PgConnection,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Piece>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select e.id, e.at, e.kind, e.load_id, e.device_id, e.report_id,
             coalesce(l.incident_id, e.incident_id) as incident_id, coalesce(l.fixed, false) as \"fixed!\"
         from intake.evidence e left join intake.report_link l on l.report_id = e.report_id
         where e.at >= $1 and e.at <= $2 and e.weighed and not e.left_out
             and (e.report_id is null or l.incident_id is not null)
         order by e.at, e.id",
        since,
        until,
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read evidence"))?;
    rows.into_iter().map(Piece::try_from).collect()
}

/// Binds findings to incidents.
///
/// # Errors
/// [`Error::Common`].
pub async fn bind(
    conn: &mut PgConnection,
    bound: &[(DateTime<Utc>, String, IncidentId)],
) -> Result<(), Error> {
    let at: Vec<DateTime<Utc>> = bound.iter().map(|(at, ..)| *at).collect();
    let loads: Vec<String> = bound.iter().map(|(_, load, _)| load.clone()).collect();
    let incidents: Vec<Uuid> = bound.iter().map(|(.., id)| id.uuid()).collect();
    sqlx::query!(
        "insert into intake.finding (key_at, key_load, incident_id)
         select distinct on (key_at, key_load) key_at, key_load, incident_id
         from unnest($1::timestamptz[], $2::text[], $3::uuid[]) with ordinality
             as f (key_at, key_load, incident_id, n)
         order by key_at, key_load, n desc
         on conflict (key_at, key_load) do update set incident_id = excluded.incident_id",
        &at,
        &loads,
        &incidents,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("bind findings"))
}

/// The findings of one incident belong to another from now on.
///
/// # Errors
/// [`Error::Common`].
pub async fn rebind(conn: &mut PgConnection, from: IncidentId, into: IncidentId) -> Result<(), Error> {
    sqlx::query!(
        "update intake.finding set incident_id = $2 where incident_id = $1",
        from.uuid(),
        into.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("bind findings anew"))
}

/// Stores what is believed of incidents.
///
/// # Errors
/// [`Error::Common`].
pub async fn believe(
    conn: &mut PgConnection,
    beliefs: &[&Belief],
    version: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if beliefs.is_empty() {
        return Ok(());
    }
    let incidents: Vec<Uuid> = beliefs.iter().map(|belief| belief.incident.uuid()).collect();
    let candidates: Vec<serde_json::Value> = beliefs.iter().map(|belief| candidates(belief)).collect();
    let confidences: Vec<f64> = beliefs.iter().map(|belief| belief.confidence).collect();
    let customers = beliefs.iter().map(|belief| belief.customers);
    let customers: Vec<i32> = customers
        .map(|count| i32::try_from(count).unwrap_or(i32::MAX))
        .collect();
    let zh: Vec<String> = beliefs.iter().map(|belief| belief.why.0.clone()).collect();
    let en: Vec<String> = beliefs.iter().map(|belief| belief.why.1.clone()).collect();
    let asks: Vec<_> = beliefs.iter().map(|belief| belief.ask.clone()).collect();
    let premises: Vec<_> = beliefs.iter().map(|belief| belief.premise).collect();
    let restored: Vec<_> = beliefs.iter().map(|belief| belief.restored_at).collect();
    sqlx::query!(
        "insert into intake.inference (incident_id, grid_version, candidates, confidence, customers, explanation_zh,
             explanation_en, ask_load_id, premise, restored_at, decided_at)
         select n.incident_id, $2, n.candidates, n.confidence, n.customers, n.zh, n.en, n.ask, n.premise, n.restored_at, $11
         from unnest($1::uuid[], $3::jsonb[], $4::float8[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::boolean[],
             $10::timestamptz[])
             as n (incident_id, candidates, confidence, customers, zh, en, ask, premise, restored_at)
         on conflict (incident_id) do update set grid_version = excluded.grid_version, candidates = excluded.candidates,
             confidence = excluded.confidence, customers = excluded.customers, explanation_zh = excluded.explanation_zh,
             explanation_en = excluded.explanation_en, ask_load_id = excluded.ask_load_id, premise = excluded.premise,
             restored_at = excluded.restored_at, decided_at = excluded.decided_at",
        &incidents,
        version,
        &candidates,
        &confidences,
        &customers,
        &zh,
        &en,
        &asks as &[Option<String>],
        &premises,
        &restored as &[Option<DateTime<Utc>>],
        now,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("store what is believed"))
}

fn candidates(belief: &Belief) -> serde_json::Value {
    let candidates = belief.candidates.iter();
    candidates
        .map(|(device, equal, p)| serde_json::json!({ "device": device, "equal": equal, "p": p }))
        .collect()
}

/// One decision about an incident, to be kept.
#[derive(Debug, Clone)]
pub struct Decided {
    /// Its own id.
    pub id: Uuid,
    /// About which.
    pub incident: IncidentId,
    /// When.
    pub at: DateTime<Utc>,
    /// Word.
    pub what: &'static str,
    /// The device then.
    pub device: Option<String>,
    /// Its probability.
    pub p: Option<f64>,
    /// Why, in Chinese and English.
    pub why: (String, String),
    /// On which network.
    pub version: Option<Uuid>,
    /// What the engine made it from; none where it did not decide.
    pub made_from: Option<(Thought, Basis)>,
}

impl Decided {
    /// A decision that was not the engine's.
    pub fn by_people(
        incident: IncidentId,
        at: DateTime<Utc>,
        what: &'static str,
        device: Option<String>,
    ) -> Self {
        Self {
            id: Uuid::now_v7(),
            incident,
            at,
            what,
            device,
            p: None,
            why: Default::default(),
            version: None,
            made_from: None,
        }
    }
}

/// Keeps a decision.
///
/// # Errors
/// [`Error::Common`].
pub async fn decide(conn: &mut PgConnection, decided: &Decided) -> Result<(), Error> {
    let (thought, basis) = decided.made_from.clone().unzip();
    let basis = basis.map(|basis| serde_json::to_value(basis).unwrap_or_default());
    sqlx::query!(
        "insert into intake.decision (id, incident_id, at, what, device_id, p, explanation_zh, explanation_en,
             grid_version, pass, built_in, evidence_since, stirred, weights_id, basis)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        decided.id,
        decided.incident.uuid(),
        decided.at,
        decided.what,
        decided.device,
        decided.p,
        decided.why.0,
        decided.why.1,
        decided.version,
        thought.map(|thought| thought.pass),
        thought.map(|thought| thought.built_in),
        thought.map(|thought| thought.since),
        thought.map(|thought| thought.stirred),
        thought.map(|thought| thought.weights),
        basis,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("keep a decision"))
}

/// How often people changed what the engine was fed.
///
/// # Errors
/// [`Error::Common`].
pub async fn stirred(conn: &mut PgConnection) -> Result<i64, Error> {
    sqlx::query_scalar!("select times from intake.stirred")
        .fetch_one(conn)
        .await
        .map_err(Error::db("look whether evidence was changed"))
}

/// Notes that a person changed what the engine was fed; gives how often that was.
///
/// # Errors
/// [`Error::Common`].
pub async fn stir(conn: &mut PgConnection) -> Result<i64, Error> {
    sqlx::query_scalar!("update intake.stirred set times = times + 1 returning times")
        .fetch_one(conn)
        .await
        .map_err(Error::db("note that evidence was changed"))
}
