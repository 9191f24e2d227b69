//! Attempts: written before the call, never taken away, completed as answers come.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    channel::{Outcome, smpp},
    domain::delivery::{Handed, Receipt, Segment},
    error::Error,
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

/// First key of the locks taken here; any constant that nobody else in the database uses.
const DESK: i32 = 0x6e_6f_74_69;

/// Waits until no other transaction writes down what this provider said, and keeps others waiting until the end of this.
///
/// # Errors
/// [`Error::Common`].
pub async fn alone(conn: &mut PgConnection, provider: &str) -> Result<(), Error> {
    sqlx::query!(
        "select pg_advisory_xact_lock($1, hashtext($2)), set_config('plan_cache_mode', 'force_custom_plan', true)",
        DESK,
        provider
    )
    .fetch_one(conn)
    .await
    .map(drop)
    .map_err(Error::db("wait for others at the desk"))
}

/// Has the statements of this transaction planned anew: a plan made while a table was small and kept would read all of
/// it when it has grown, until somebody analyses it.
///
/// # Errors
/// [`Error::Common`].
pub async fn plan_anew(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true)")
        .fetch_one(conn)
        .await
        .map(drop)
        .map_err(Error::db("choose how statements are planned"))
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

/// The latest attempt of one segment.
#[derive(Debug)]
pub struct Latest {
    /// The message.
    pub message: Uuid,
    /// Which segment, from 0.
    pub no: i16,
    /// How it stands.
    pub segment: Segment,
}

/// The latest attempts of all segments of these messages. Looked up message by message (`offset 0`): the planner's guess
/// about a table nobody has analysed yet is to read all of it.
///
/// # Errors
/// [`Error::Common`].
pub async fn latest(conn: &mut PgConnection, messages: &[Uuid]) -> Result<Vec<Latest>, Error> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select i.id as "message!", a.segment as "segment!", a.outcome as "outcome!", a.receipt_state
         from (select distinct id from unnest($1::uuid[]) u (id)) i cross join lateral (
             select distinct on (segment) segment, outcome, receipt_state from notify.attempt
             where message_id = i.id order by segment, id desc offset 0) a"#,
        messages
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the latest attempts"))?;
    rows.into_iter()
        .map(|row| {
            let handed = Handed::parse(&row.outcome).ok_or(Error::Stored("outcome"))?;
            let receipt = row.receipt_state.as_deref().and_then(Receipt::parse);
            Ok(Latest {
                message: row.message,
                no: row.segment,
                segment: Segment { handed, receipt },
            })
        })
        .collect()
}

/// The segments of these messages that must not be handed over again.
///
/// # Errors
/// [`Error::Common`].
pub async fn handed_over(conn: &mut PgConnection, messages: &[Uuid]) -> Result<Vec<(Uuid, i16)>, Error> {
    let latest = latest(conn, messages).await?.into_iter();
    let kept = latest.filter(|one| !one.segment.handed.may_repeat());
    Ok(kept.map(|one| (one.message, one.no)).collect())
}

/// What several answers to one attempt come to: the first that is certain, while none is the latest.
fn folded(answered: &[Answered]) -> Vec<&Answered> {
    let mut by_attempt: BTreeMap<Uuid, &Answered> = BTreeMap::new();
    for one in answered {
        let kept = by_attempt.entry(one.id).or_insert(one);
        if matches!(kept.outcome, Outcome::Unknown(_)) {
            *kept = one;
        }
    }
    by_attempt.into_values().collect()
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
    for one in folded(answered) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_certain_answer_counts() {
        let accepted = Outcome::Accepted {
            message_id: "1".into(),
        };
        let answer = |attempt, outcome: &Outcome| Answered {
            id: Uuid::from_u128(attempt),
            outcome: outcome.clone(),
        };
        let (early, late) = (Outcome::Unknown("early"), Outcome::Unknown("late"));
        let unsent = Outcome::Unsent("test");
        for (answers, kept) in [
            ([&early, &late, &late], &late),
            ([&early, &accepted, &late], &accepted),
            ([&accepted, &unsent, &early], &accepted),
        ] {
            let all: Vec<Answered> = answers.iter().map(|one| answer(1, one)).collect();
            let outcomes: Vec<&Outcome> = folded(&all).into_iter().map(|one| &one.outcome).collect();
            assert_eq!(outcomes, [kept]);
        }
        assert_eq!(folded(&[answer(2, &early), answer(1, &early)]).len(), 2);
    }
}
