//! Questions whether supply is back, each bound to one message.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::wrong::Answerable;
use crate::error::Error;

/// A question that may be answered.
#[derive(Debug)]
pub struct Question {
    /// The message it was.
    pub message: Answerable,
    /// As intake names it.
    pub asked: Uuid,
    /// And its check.
    pub check: Uuid,
    /// Spoken number of the incident whose supply came back.
    pub number: String,
    /// The last answer.
    pub said: Option<String>,
}

/// Binds questions to their messages: (message, asked), all of one check, which may be answered until `answer_until`.
///
/// # Errors
/// [`Error::Common`].
pub async fn add(
    conn: &mut PgConnection,
    (check, answer_until): (Uuid, DateTime<Utc>),
    bound: &[(Uuid, Uuid)],
) -> Result<(), Error> {
    let (messages, asked): (Vec<Uuid>, Vec<Uuid>) = bound.iter().copied().unzip();
    sqlx::query!(
        "insert into notify.question (message_id, asked_id, check_id, answer_until)
         select m, a, $1, $4 from unnest($2::uuid[], $3::uuid[]) as q (m, a)",
        check,
        &messages,
        &asked,
        answer_until
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("bind questions"))
}

/// Takes back what was not sent yet of these questions.
///
/// # Errors
/// [`Error::Common`].
pub async fn take_back(conn: &mut PgConnection, asked: &[Uuid]) -> Result<(), Error> {
    if asked.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update notify.message set state = 'superseded', reason = 'the answer is known by another way'
         where id in (select message_id from notify.question where asked_id = any($1)) and state in ('held', 'queued')",
        asked
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("take questions back"))
}

/// The questions this number got that may be answered at `now`, the latest first, kept as they are until commit.
///
/// # Errors
/// [`Error::Common`].
pub async fn of_number(
    conn: &mut PgConnection,
    recipient: &[u8],
    now: DateTime<Utc>,
) -> Result<Vec<Question>, Error> {
    let rows = sqlx::query!(
        "select m.id, m.customer_id, m.contact_id, m.masked, m.language, m.org_path, m.zone,
             coalesce(i.number, '') as \"number!\", q.asked_id, q.check_id, q.said
         from notify.message m join notify.question q on q.message_id = m.id
         left join notify.incident i on i.id = m.incident_id
         where m.recipient = $1 and m.channel = 'sms' and m.state in ('submitting', 'submitted', 'delivered', 'unknown')
             and m.purpose = 'still_off' and q.answer_until >= $2
         order by coalesce(m.submitted_at, m.due_at) desc, m.id desc limit 10 for update of q",
        recipient,
        now
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for what was answered"))?;
    let questions = rows.into_iter().map(|row| Question {
        message: Answerable {
            id: row.id,
            customer_id: row.customer_id,
            contact_id: row.contact_id,
            masked: row.masked,
            language: row.language,
            org_path: row.org_path,
            zone: row.zone,
        },
        asked: row.asked_id,
        check: row.check_id,
        number: row.number,
        said: row.said,
    });
    Ok(questions.collect())
}

/// Notes an answer. Gives its version.
///
/// # Errors
/// [`Error::Common`].
pub async fn answer(
    conn: &mut PgConnection,
    message: Uuid,
    said: &str,
    at: DateTime<Utc>,
) -> Result<i64, Error> {
    sqlx::query_scalar!(
        "update notify.question set said = $2, said_at = $3, version = version + 1 where message_id = $1 returning version",
        message,
        said,
        at
    )
    .fetch_one(conn)
    .await
    .map_err(Error::db("note an answer"))
}
