//! Writing messages: those of many notices by one statement.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Notice, Row};
use crate::error::Error;

/// Rows of one insert.
pub const CHUNK: usize = 1_000;

/// A message: what it has in common with others, and of its own.
type Message<'a> = (&'a Notice<'a>, &'a Row);

/// Writes messages of one notice; who has this one already gets no second. Returns those that are new.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(conn: &mut PgConnection, notice: &Notice<'_>, rows: &[Row]) -> Result<Vec<Uuid>, Error> {
    let messages: Vec<Message> = rows.iter().map(|row| (notice, row)).collect();
    write(conn, &messages).await
}

/// The same for several notices: of messages that are the same the first is written.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert_all(
    conn: &mut PgConnection,
    notices: &[(Notice<'_>, Vec<Row>)],
) -> Result<Vec<Uuid>, Error> {
    let messages: Vec<Message> = notices
        .iter()
        .flat_map(|(notice, rows)| rows.iter().map(move |row| (notice, row)))
        .collect();
    write(conn, &messages).await
}

async fn write(conn: &mut PgConnection, messages: &[Message<'_>]) -> Result<Vec<Uuid>, Error> {
    let mut written = Vec::with_capacity(messages.len());
    for chunk in messages.chunks(CHUNK) {
        written.extend(write_chunk(conn, chunk).await?);
    }
    count(messages, &written);
    Ok(written)
}

fn count(messages: &[Message<'_>], written: &[Uuid]) {
    let written: HashSet<&Uuid> = written.iter().collect();
    for (notice, _) in messages.iter().filter(|(_, row)| written.contains(&row.id)) {
        metrics::counter!("relight_messages_made_total", "purpose" => notice.purpose.word()).increment(1);
    }
}

/// One column of the messages.
fn column<'a, T>(messages: &[Message<'a>], of: impl Fn(&Message<'a>) -> T) -> Vec<T> {
    messages.iter().map(of).collect()
}

async fn write_chunk(conn: &mut PgConnection, messages: &[Message<'_>]) -> Result<Vec<Uuid>, Error> {
    let state = |row: &Row| if row.held { "held" } else { "queued" };
    sqlx::query_scalar!(
        "insert into notify.message (id, customer_id, contact_id, report_id, channel, recipient, masked, night,
             language, sealed, due_at, expires_at, state, purpose, subject, version, incident_id, outage_id, case_id, org_path,
             zone, template, template_version, rank, created_at, traceparent, beside, contact_role)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bytea[], $7::text[],
             $8::bool[], $9::text[], $10::bytea[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[],
             $15::uuid[], $16::int8[], $17::uuid[], $18::uuid[], $19::uuid[], $20::text[], $21::text[], $22::text[],
             $23::int4[], $24::int2[], $25::timestamptz[], $26::text[], $27::bool[], $28::text[])
         on conflict on constraint message_once do nothing returning id",
        &column(messages, |(_, row)| row.id),
        &column(messages, |(_, row)| row.customer()) as &[Option<Uuid>],
        &column(messages, |(_, row)| row.contact()) as &[Option<Uuid>],
        &column(messages, |(_, row)| row.report()) as &[Option<Uuid>],
        &column(messages, |(_, row)| row.channel.word()) as &[&str],
        &column(messages, |(_, row)| row.recipient.as_slice()) as &[&[u8]],
        &column(messages, |(_, row)| row.masked.as_str()) as &[&str],
        &column(messages, |(_, row)| row.night),
        &column(messages, |(_, row)| row.language.word()) as &[&str],
        &column(messages, |(_, row)| row.sealed.as_slice()) as &[&[u8]],
        &column(messages, |(_, row)| row.due_at) as &[DateTime<Utc>],
        &column(messages, |(_, row)| row.expires_at) as &[DateTime<Utc>],
        &column(messages, |(_, row)| state(row)) as &[&str],
        &column(messages, |(notice, _)| notice.purpose.word()) as &[&str],
        &column(messages, |(notice, _)| notice.subject),
        &column(messages, |(notice, _)| notice.version),
        &column(messages, |(notice, _)| notice.incident) as &[Option<Uuid>],
        &column(messages, |(notice, _)| notice.outage) as &[Option<Uuid>],
        &column(messages, |(notice, _)| notice.case) as &[Option<Uuid>],
        &column(messages, |(notice, _)| notice.org_path) as &[&str],
        &column(messages, |(notice, _)| notice.zone) as &[&str],
        &column(messages, |(notice, _)| notice.template) as &[&str],
        &column(messages, |(notice, _)| notice.template_version),
        &column(messages, |(notice, _)| notice.purpose.rank()),
        &column(messages, |(notice, _)| notice.created_at) as &[DateTime<Utc>],
        &column(messages, |(notice, _)| notice.traceparent) as &[&str],
        &column(messages, |(_, row)| row.role.is_beside()),
        &column(messages, |(_, row)| row.role.word()) as &[&str]
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("write messages"))
}
