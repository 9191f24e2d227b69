//! What decisions were made from: which pass, which network and weights, and what was known by then.

use chrono::{DateTime, Utc};
use relight_common::ids::derived_from_name;
use sqlx::PgConnection;
use uuid::Uuid;

use super::evidence::{Decided, Row};
use crate::{
    domain::{
        IncidentId,
        mind::{Basis, Memory, Piece, Switching},
    },
    error::Error,
};

/// What the engine thinks with in one pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thought {
    /// The network.
    pub version: Uuid,
    /// Number of the pass.
    pub pass: i64,
    /// The pass in which it was built from what was stored ...
    pub built_in: i64,
    /// ... since then.
    pub since: DateTime<Utc>,
    /// How often people had changed what it was fed.
    pub stirred: i64,
    /// Its numbers.
    pub weights: Uuid,
}

/// The number of a new pass.
///
/// # Errors
/// [`Error::Common`].
pub async fn next_pass(conn: &mut PgConnection) -> Result<i64, Error> {
    sqlx::query_scalar!("update intake.pass set times = times + 1 returning times")
        .fetch_one(conn)
        .await
        .map_err(Error::db("count a pass"))
}

/// Keeps the engine's numbers; the same text is kept once.
///
/// # Errors
/// [`Error::Common`].
pub async fn keep_weights(conn: &mut PgConnection, text: &str) -> Result<Uuid, Error> {
    let id = derived_from_name(text);
    sqlx::query!(
        "insert into intake.weights (id, text) values ($1, $2) on conflict on constraint weights_pk do nothing",
        id,
        text
    )
    .execute(conn)
    .await
    .map_err(Error::db("keep the weights"))?;
    Ok(id)
}

/// The engine's numbers of a decision.
///
/// # Errors
/// [`Error::Common`].
pub async fn weights(conn: &mut PgConnection, id: Uuid) -> Result<String, Error> {
    sqlx::query_scalar!("select text from intake.weights where id = $1", id)
        .fetch_one(conn)
        .await
        .map_err(Error::db("read the weights of a decision"))
}

/// One decision with what it was made from.
///
/// # Errors
/// [`Error::Common`].
pub async fn decision(conn: &mut PgConnection, id: Uuid) -> Result<Option<Decided>, Error> {
    let row = sqlx::query!(
        "select incident_id, at, what, device_id, p, explanation_zh, explanation_en, grid_version, pass, built_in, evidence_since,
             stirred, weights_id, basis
         from intake.decision where id = $1",
        id
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("read a decision"))?;
    let Some(row) = row else { return Ok(None) };
    let thought = || {
        Some(Thought {
            version: row.grid_version?,
            pass: row.pass?,
            built_in: row.built_in?,
            since: row.evidence_since?,
            stirred: row.stirred?,
            weights: row.weights_id?,
        })
    };
    let basis: Option<Basis> = row
        .basis
        .clone()
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| Error::Stored("basis of a decision"))?;
    Ok(Some(Decided {
        id,
        incident: IncidentId::from_uuid(row.incident_id),
        at: row.at,
        what: super::belief::word(&row.what)?,
        made_from: thought().zip(basis),
        device: row.device_id,
        p: row.p,
        why: (row.explanation_zh, row.explanation_en),
        version: row.grid_version,
    }))
}

/// What the engine knew when it thought this.
///
/// # Errors
/// [`Error::Common`].
pub async fn memory(conn: &mut PgConnection, thought: &Thought) -> Result<Memory, Error> {
    Ok(Memory {
        pieces: pieces(conn, thought).await?,
        switched: switched(conn, thought).await?,
        ..Memory::default()
    })
}

/// What was read when it was built, and what every pass since took in.
async fn pieces(conn: &mut PgConnection, thought: &Thought) -> Result<Vec<Piece>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select e.id, e.at, e.kind, coalesce((
                 select w.load_id from intake.evidence_was w where w.evidence_id = e.id and w.until_stirred > $4
                 order by w.until_stirred limit 1), e.load_id) as load_id,
             e.device_id, e.report_id, e.incident_id, false as \"fixed!\"
         from intake.evidence e
         where e.weighed and coalesce(e.weighed_in, 0) <= $1 and (e.at >= $3 or e.weighed_in >= $2)
             and (not e.left_out or e.left_out_in > $4)
             and not exists (
                 select from intake.evidence_out o
                 where o.evidence_id = e.id and o.from_stirred <= $4 and o.until_stirred > $4)
         order by e.at, e.id",
        thought.pass,
        thought.built_in,
        thought.since,
        thought.stirred,
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the evidence of a decision"))?;
    rows.into_iter().map(Piece::try_from).collect()
}

async fn switched(conn: &mut PgConnection, thought: &Thought) -> Result<Vec<Switching>, Error> {
    let rows = sqlx::query!(
        "select at, closed,
             case when weighed and coalesce(weighed_in, 0) <= $2 then opened else opened_before end as \"opened!\"
         from intake.switching
         where grid_version = $1 and ((weighed and coalesce(weighed_in, 0) <= $2) or weighed_before_in <= $2)
         order by state_no",
        thought.version,
        thought.pass,
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the switchings of a decision"))?;
    let switched = rows.into_iter().map(|row| Switching {
        at: row.at,
        opened: row.opened,
        closed: row.closed,
    });
    Ok(switched.collect())
}
