//! Where messages stand, judged anew from their latest attempts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::delivery::{Segment, Standing, judge, next_try_at},
    error::Error,
    store::{attempt, result},
};

/// Judges messages anew. Those that wait, or ended without being sent, stay as they are, and so do those of which
/// nothing new is known.
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
    let open = lock(conn, messages).await?;
    let segments = segments(conn, messages).await?;
    let (mut moved, mut told) = (Vec::new(), Vec::new());
    for message in open {
        let own = segments.get(&message.id).map_or(&[][..], Vec::as_slice);
        let standing = judge(own, next_try_at(message.tries, now, roll), message.expires_at);
        if standing.word() != message.state && message.is_of_notice {
            told.push(message.id);
        }
        if standing.word() != message.state || standing.reason() != message.reason {
            moved.push((message.id, standing));
        }
    }
    stand(conn, &moved, now).await?;
    // The lock above lets nobody else move them: what becomes of a message is told once.
    result::of(conn, &told, now).await
}

struct Open {
    id: Uuid,
    state: String,
    reason: String,
    tries: i32,
    expires_at: DateTime<Utc>,
    /// What becomes of it is told to who ordered the notice.
    is_of_notice: bool,
}

/// Locks messages in the order everybody does, so that nobody waits in a circle.
async fn lock(conn: &mut PgConnection, messages: &[Uuid]) -> Result<Vec<Open>, Error> {
    sqlx::query_as!(
        Open,
        r#"select id, state, reason, tries, expires_at,
             (outage_id is not null or case_id is not null) as "is_of_notice!"
         from notify.message
         where id = any($1) and state in ('submitting', 'submitted', 'unknown', 'delivered', 'failed')
         order by id for no key update"#,
        messages
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("lock messages"))
}

async fn segments(conn: &mut PgConnection, messages: &[Uuid]) -> Result<HashMap<Uuid, Vec<Segment>>, Error> {
    let mut segments: HashMap<Uuid, Vec<Segment>> = HashMap::new();
    for one in attempt::latest(conn, messages).await? {
        segments.entry(one.message).or_default().push(one.segment);
    }
    Ok(segments)
}

async fn stand(conn: &mut PgConnection, moved: &[(Uuid, Standing)], now: DateTime<Utc>) -> Result<(), Error> {
    if moved.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = moved.iter().map(|(id, _)| *id).collect();
    let states: Vec<String> = moved.iter().map(|(_, one)| one.word().to_owned()).collect();
    let reasons: Vec<String> = moved.iter().map(|(_, one)| one.reason().to_owned()).collect();
    let due: Vec<Option<DateTime<Utc>>> = moved
        .iter()
        .map(|(_, one)| match one {
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
        &ids,
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
