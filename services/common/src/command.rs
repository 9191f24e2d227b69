//! Commands remembered with their reply: the same command sent again gets the same answer and does nothing twice.

use chrono::{DateTime, Utc};
use prost::Message;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::{
    claims::Claims,
    error::{Error, Invalid},
    ids::CommandId,
};

/// Who sent which command, with what body, when.
#[derive(Debug, Clone)]
pub struct Meta {
    /// The sender's id for this command.
    pub id: CommandId,
    /// Person id, or `service:NAME`.
    pub actor: String,
    /// SHA-256 of the encoded request and the actor.
    pub body_hash: [u8; 32],
    /// When it was received.
    pub at: DateTime<Utc>,
}

impl Meta {
    /// Metadata of `request`, sent by `claims` at `at`.
    ///
    /// # Errors
    /// [`Invalid`] when `command_id` is no UUID.
    pub fn new(
        command_id: &str,
        claims: &Claims,
        request: &impl Message,
        at: DateTime<Utc>,
    ) -> Result<Self, Invalid> {
        let mut hash = Sha256::new();
        hash.update(claims.actor.as_bytes());
        hash.update([0]);
        hash.update(request.encode_to_vec());
        Ok(Self {
            id: CommandId::parse(command_id)?,
            actor: claims.actor.clone(),
            body_hash: hash.finalize().into(),
            at,
        })
    }
}

impl Meta {
    /// Key of the lock under which this command is done in `service`.
    pub(crate) fn lock_key(&self, service: &str) -> i64 {
        let hash = Sha256::new()
            .chain_update(service)
            .chain_update(self.id.uuid())
            .finalize();
        let head = hash.first_chunk().expect("a SHA-256 is longer");
        i64::from_be_bytes(*head)
    }
}

/// The stored reply to this command, if it came before.
///
/// # Errors
/// [`Error::IdReused`] when it came with another body; [`Error::Db`].
pub async fn seen(conn: &mut PgConnection, meta: &Meta) -> Result<Option<Vec<u8>>, Error> {
    let row: Option<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select body_hash, reply from command_seen where id = $1")
            .bind(meta.id.uuid())
            .fetch_optional(conn)
            .await
            .map_err(Error::db("look the command up"))?;
    match row {
        None => Ok(None),
        Some((hash, reply)) if hash == meta.body_hash => Ok(Some(reply)),
        Some(_) => Err(Error::IdReused(meta.id)),
    }
}

/// Adds the statement that stores the reply in the transaction of the command. It inserts no row when another request
/// just did.
pub(crate) fn push_remember(insert: &mut QueryBuilder<Postgres>, meta: &Meta, reply: Vec<u8>) {
    insert.push("insert into command_seen (id, actor, body_hash, reply, at) ");
    insert.push_values([(meta, reply)], |mut row, (meta, reply)| {
        row.push_bind(meta.id.uuid())
            .push_bind(meta.actor.clone())
            .push_bind(meta.body_hash.to_vec())
            .push_bind(reply)
            .push_bind(meta.at);
    });
    insert.push(" on conflict do nothing");
}

/// Forgets commands older than `before`, at most 5,000 at a time. Returns how many.
///
/// # Errors
/// [`Error::Db`].
pub async fn purge(pool: &sqlx::PgPool, before: DateTime<Utc>) -> Result<u64, Error> {
    sqlx::query("delete from command_seen where id in (select id from command_seen where at < $1 limit 5000)")
        .bind(before)
        .execute(pool)
        .await
        .map(|done| done.rows_affected())
        .map_err(Error::db("purge old commands"))
}
