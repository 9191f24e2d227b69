//! Commands remembered with their reply: the same command sent again gets the same answer and does nothing twice.

use chrono::{DateTime, Utc};
use prost::Message;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Postgres, postgres::PgArguments, query::Query};
use std::collections::HashMap;
use uuid::Uuid;

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
    let found = seen_all(conn, &[meta]).await?;
    found.into_iter().next().unwrap_or(Ok(None))
}

/// The same of several commands, in their order.
pub(crate) async fn seen_all(
    conn: &mut PgConnection,
    metas: &[&Meta],
) -> Result<Vec<Result<Option<Vec<u8>>, Error>>, Error> {
    let ids: Vec<Uuid> = metas.iter().map(|meta| meta.id.uuid()).collect();
    let rows: Vec<(Uuid, Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select id, body_hash, reply from command_seen where id = any($1)")
            .bind(ids)
            .fetch_all(conn)
            .await
            .map_err(Error::db("look the command up"))?;
    let mut rows: HashMap<Uuid, (Vec<u8>, Vec<u8>)> = rows
        .into_iter()
        .map(|(id, hash, reply)| (id, (hash, reply)))
        .collect();
    let found = metas.iter().map(|meta| match rows.remove(&meta.id.uuid()) {
        None => Ok(None),
        Some((hash, reply)) if hash == meta.body_hash => Ok(Some(reply)),
        Some(_) => Err(Error::IdReused(meta.id)),
    });
    Ok(found.collect())
}

/// Binds the replies to the statement that stores them. It inserts no row for a command that another request just did.
pub(crate) fn remembering<R: Message>(
    statement: Query<'static, Postgres, PgArguments>,
    replies: &[(&Meta, &R)],
) -> Query<'static, Postgres, PgArguments> {
    fn each<R, T>(replies: &[(&Meta, &R)], of: impl Fn(&Meta, &R) -> T) -> Vec<T> {
        replies.iter().map(|(meta, reply)| of(meta, reply)).collect()
    }
    statement
        .bind(each(replies, |meta, _| meta.id.uuid()))
        .bind(each(replies, |meta, _| meta.actor.clone()))
        .bind(each(replies, |meta, _| meta.body_hash.to_vec()))
        .bind(each(replies, |_, reply| reply.encode_to_vec()))
        .bind(each(replies, |meta, _| meta.at))
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
