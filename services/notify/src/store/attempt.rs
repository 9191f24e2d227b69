//! Attempts: written before the call, never taken away, completed as answers come.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    channel::{Outcome, smpp},
    domain::delivery::{Handed, Receipt, Segment, Standing, judge, next_try_at},
    error::Error,
    store::result,
};

/// An attempt about to be made.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its id, which is also our reference at the provider.
    pub id: Uuid,
    /// The message.
    pub message: Uuid,
    /// Which segment, from 0.
    pub segment: i16,
}

/// An attempt and what became of it.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The attempt.
    pub id: Uuid,
    /// What became of it.
    pub outcome: Outcome,
}

/// Writes attempts down as `submitting`, before any of them is made.
///
/// # Errors
/// [`Error::Common`].
pub async fn begin(
    conn: &mut PgConnection,
    provider: &str,
    attempts: &[Attempt],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = attempts.iter().map(|one| one.id).collect();
    let messages: Vec<Uuid> = attempts.iter().map(|one| one.message).collect();
    let segments: Vec<i16> = attempts.iter().map(|one| one.segment).collect();
    let references: Vec<i32> = attempts
        .iter()
        .map(|one| i32::from(smpp::wire_reference(one.id)))
        .collect();
    sqlx::query!(
        "insert into notify.attempt (id, message_id, segment, wire_reference, provider, begun_at)
         select r.*, $5, $6 from unnest($1::uuid[], $2::uuid[], $3::int2[], $4::int4[]) r",
        &ids,
        &messages,
        &segments,
        &references,
        provider,
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("write attempts"))
}

/// The segments of these messages that must not be handed over again.
///
/// # Errors
/// [`Error::Common`].
pub async fn handed_over(conn: &mut PgConnection, messages: &[Uuid]) -> Result<Vec<(Uuid, i16)>, Error> {
    let rows = sqlx::query!(
        "select distinct on (message_id, segment) message_id, segment, outcome from notify.attempt
         where message_id = any($1) order by message_id, segment, id desc",
        messages
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for earlier attempts"))?;
    let kept = rows
        .into_iter()
        .filter(|row| !Handed::parse(&row.outcome).is_some_and(Handed::may_repeat));
    Ok(kept.map(|row| (row.message_id, row.segment)).collect())
}

/// Writes down what became of attempts. An answer that is certain replaces `unknown`; nothing replaces a certain one.
/// Returns the messages.
///
/// # Errors
/// [`Error::Common`].
pub async fn answer(
    conn: &mut PgConnection,
    answered: &[Answered],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, Error> {
    let mut ids = Vec::new();
    let mut outcomes = Vec::new();
    let mut statuses: Vec<Option<i64>> = Vec::new();
    let mut reasons = Vec::new();
    let mut provider_ids: Vec<Option<String>> = Vec::new();
    for one in answered {
        ids.push(one.id);
        outcomes.push(Handed::of(&one.outcome).word().to_owned());
        statuses.push(match &one.outcome {
            Outcome::Refused { status, .. } => Some(i64::from(*status)),
            _ => None,
        });
        reasons.push(match &one.outcome {
            Outcome::Unsent(why) | Outcome::Unknown(why) => (*why).to_owned(),
            _ => String::new(),
        });
        provider_ids.push(match &one.outcome {
            Outcome::Accepted { message_id } => Some(smpp::normal_id(message_id)),
            _ => None,
        });
    }
    sqlx::query_scalar!(
        "update notify.attempt a set outcome = r.outcome, status = r.status, reason = r.reason,
             provider_message_id = r.provider_id, answered_at = $6
         from unnest($1::uuid[], $2::text[], $3::int8[], $4::text[], $5::text[])
             r (id, outcome, status, reason, provider_id)
         where a.id = r.id and a.outcome in ('submitting', 'unknown')
         returning a.message_id",
        &ids,
        &outcomes,
        &statuses as &[Option<i64>],
        &reasons,
        &provider_ids as &[Option<String>],
        now
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("write answers down"))
}

/// What a sender that died left `submitting` is unknown: it may have been handed over. Returns the messages.
///
/// # Errors
/// [`Error::Common`].
pub async fn orphan(conn: &mut PgConnection, provider: &str, now: DateTime<Utc>) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "update notify.attempt set outcome = 'unknown', answered_at = $2,
             reason = 'the sender stopped before the answer was written down'
         where provider = $1 and outcome = 'submitting' returning message_id",
        provider,
        now
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("find attempts nobody finished"))
}

/// Judges messages anew from their latest attempts. Those that wait, or ended without being sent, stay as they are.
///
/// # Errors
/// [`Error::Common`].
pub async fn rejudge(
    conn: &mut PgConnection,
    messages: &[Uuid],
    now: DateTime<Utc>,
    roll: f64,
) -> Result<(), Error> {
    if messages.is_empty() {
        return Ok(());
    }
    let open = sqlx::query!(
        "select id, state, tries, expires_at from notify.message
         where id = any($1) and state in ('submitting', 'submitted', 'unknown', 'delivered', 'failed')
         order by id for update",
        messages
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(Error::db("lock messages"))?;
    let segments = latest(conn, messages).await?;
    let (mut ids, mut standings, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    for message in open {
        let own: Vec<Segment> = segments
            .iter()
            .filter(|(id, _)| *id == message.id)
            .map(|(_, segment)| *segment)
            .collect();
        let standing = judge(&own, next_try_at(message.tries, now, roll), message.expires_at);
        if standing.word() != message.state {
            moved.push(message.id);
        }
        ids.push(message.id);
        standings.push(standing);
    }
    stand(conn, &ids, &standings, now).await?;
    // The lock above lets nobody else move them: what becomes of a message is told once.
    result::of(conn, &moved, now).await
}

async fn latest(conn: &mut PgConnection, messages: &[Uuid]) -> Result<Vec<(Uuid, Segment)>, Error> {
    let rows = sqlx::query!(
        "select distinct on (message_id, segment) message_id, outcome, receipt_state from notify.attempt
         where message_id = any($1) order by message_id, segment, id desc",
        messages
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the latest attempts"))?;
    rows.into_iter()
        .map(|row| {
            let handed = Handed::parse(&row.outcome).ok_or(Error::Stored("outcome"))?;
            let receipt = row.receipt_state.as_deref().and_then(Receipt::parse);
            Ok((row.message_id, Segment { handed, receipt }))
        })
        .collect()
}

async fn stand(
    conn: &mut PgConnection,
    ids: &[Uuid],
    standings: &[Standing],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let states: Vec<String> = standings.iter().map(|one| one.word().to_owned()).collect();
    let reasons: Vec<String> = standings.iter().map(|one| one.reason().to_owned()).collect();
    let due: Vec<Option<DateTime<Utc>>> = standings
        .iter()
        .map(|one| match one {
            Standing::Queued(at) => Some(*at),
            _ => None,
        })
        .collect();
    sqlx::query!(
        "update notify.message m set state = r.state, reason = r.reason, due_at = coalesce(r.due_at, m.due_at),
             submitted_at = case when r.state in ('submitted', 'delivered')
                 then coalesce(m.submitted_at, $5) else m.submitted_at end,
             delivered_at = case when r.state = 'delivered'
                 then coalesce(m.delivered_at, $5) else m.delivered_at end
         from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) r (id, state, reason, due_at)
         where m.id = r.id",
        ids,
        &states,
        &reasons,
        &due as &[Option<DateTime<Utc>>],
        now
    )
    .execute(conn)
    .await
    .map_err(Error::db("write down where messages stand"))?;
    for state in states {
        metrics::counter!("relight_messages_judged_total", "state" => state).increment(1);
    }
    Ok(())
}
