//! One command, one transaction: look the command up, decide, save, tell, audit, remember the reply, commit. All or none.
//!
//! Commands that came together may share a transaction ([`Work::begin_all`]): then all of them are done, or none, and
//! whoever shares does each alone when it was none.

mod told;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use prost::Message;
use sqlx::{PgConnection, Postgres, Transaction};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    command::{self, Meta},
    db::{Db, PARTITIONS},
    error::Error,
    telemetry,
};
use told::{Entry, News, ROWS};

/// What [`Work::begin`] found.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "lives for a moment on the stack of one request"
)]
pub enum Begun<R> {
    /// The command came before; this was the reply.
    Before(R),
    /// A new command: an open transaction to do it in.
    New(Work),
}

/// An open transaction and what will be told when it commits.
#[derive(Debug)]
pub struct Work {
    tx: Transaction<'static, Postgres>,
    db: Db,
    meta: Option<Meta>,
    actor: String,
    cause: String,
    at: DateTime<Utc>,
    news: Vec<News>,
    entries: Vec<Entry>,
    timer_set: bool,
    told: bool,
    bells: Vec<Arc<Notify>>,
}

/// What is known of one of several commands: nothing (do it), or the reply it got before.
pub type Found<R> = Result<Option<R>, Error>;

impl Work {
    /// Opens the transaction of a command, or finds the reply it got before. The same command sent again while the
    /// first is still at work waits for it, and so never meets a state which the first already changed.
    ///
    /// # Errors
    /// [`Error::IdReused`], [`Error::Decode`], [`Error::Db`].
    pub async fn begin<R: Message + Default>(db: &Db, meta: Meta) -> Result<Begun<R>, Error> {
        let mut tx = db.begin_alone(&[meta.lock_key(db.service())]).await?;
        if let Some(reply) = command::seen(&mut tx, &meta).await? {
            return decode(&reply).map(Begun::Before);
        }
        let (actor, cause, at) = (meta.actor.clone(), meta.id.to_string(), meta.at);
        Ok(Begun::New(Self::over(tx, db, Some(meta), actor, cause, at)))
    }

    /// Opens one transaction for several commands (each id once), and says of each, in order, what is known of it. Name
    /// whose turn it is by [`on_behalf`](Self::on_behalf); end with [`commit_all`](Self::commit_all).
    ///
    /// # Errors
    /// [`Error::Db`]; in place of a reply [`Error::IdReused`] and [`Error::Decode`].
    pub async fn begin_all<R: Message + Default>(
        db: &Db,
        metas: &[&Meta],
    ) -> Result<(Self, Vec<Found<R>>), Error> {
        let keys: Vec<i64> = metas.iter().map(|meta| meta.lock_key(db.service())).collect();
        let mut tx = db.begin_alone(&keys).await?;
        let seen = command::seen_all(&mut tx, metas).await?;
        let found = seen
            .into_iter()
            .map(|seen| seen?.map(|reply| decode(&reply)).transpose());
        let found = found.collect();
        let actor = format!("service:{}", db.service());
        Ok((
            Self::over(tx, db, None, actor, String::new(), db.clock().now()),
            found,
        ))
    }

    /// The same for commands that are taken to be new: nobody looks, which spares a round trip. When one was not,
    /// [`commit_all`](Self::commit_all) says [`Error::InFlight`] and nothing is stored; then look.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn begin_new(db: &Db) -> Result<Self, Error> {
        Self::internal(db, "", db.clock().now()).await
    }

    /// What follows is done for this command.
    pub fn on_behalf(&mut self, meta: &Meta) {
        self.actor.clone_from(&meta.actor);
        self.cause = meta.id.to_string();
        self.at = meta.at;
    }

    /// Opens a transaction for a timer, a consumer or an upkeep: nothing to remember, the cause says why.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn internal(db: &Db, cause: impl Into<String>, at: DateTime<Utc>) -> Result<Self, Error> {
        Self::repeatable(db, format!("service:{}", db.service()), cause, at).await
    }

    /// Opens a transaction of `actor` for what may be repeated freely: no reply is remembered, the cause says why.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn repeatable(
        db: &Db,
        actor: impl Into<String>,
        cause: impl Into<String>,
        at: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let tx = db.begin().await?;
        Ok(Self::over(tx, db, None, actor.into(), cause.into(), at))
    }

    fn over(
        tx: Transaction<'static, Postgres>,
        db: &Db,
        meta: Option<Meta>,
        actor: String,
        cause: String,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            tx,
            db: db.clone(),
            meta,
            actor,
            cause,
            at,
            news: Vec::new(),
            entries: Vec::new(),
            timer_set: false,
            told: false,
            bells: Vec::new(),
        }
    }

    /// The connection, for the store's statements.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// When the command was received (or the timer fired).
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Person id, or `service:NAME`.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The command id, or what caused this work.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// Names the cause of what follows; consumers set it to the event they apply.
    pub fn set_cause(&mut self, cause: impl Into<String>) {
        self.cause = cause.into();
    }

    /// Tells the others, after commit, what happened to `subject`, whose version is now `version`.
    pub fn tell(
        &mut self,
        kind: &'static str,
        subject: Uuid,
        version: i64,
        org_path: &str,
        data: &impl Message,
    ) {
        self.news.push(News {
            trace: telemetry::traceparent(),
            subject,
            version,
            kind,
            org_path: org_path.to_owned(),
            at: self.at,
            cause: self.cause.clone(),
            data: data.encode_to_vec(),
        });
    }

    /// Appends to the audit chain. `detail` carries no secrets and no contact values.
    pub fn audit(&mut self, action: &'static str, subject: impl ToString, detail: serde_json::Value) {
        self.entries.push(Entry {
            at: self.at,
            actor: self.actor.clone(),
            action,
            subject: subject.to_string(),
            detail,
        });
    }

    /// Sets (or moves) the timer of this kind on `subject`.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn set_timer(
        &mut self,
        kind: &str,
        subject: Uuid,
        due_at: DateTime<Utc>,
        version: i64,
    ) -> Result<(), Error> {
        self.timer_set = true;
        sqlx::query(
            "insert into timer (kind, subject, due_at, version, traceparent) values ($1, $2, $3, $4, $5)
             on conflict (kind, subject) do update set due_at = excluded.due_at, version = excluded.version,
                 traceparent = excluded.traceparent, attempts = 0, last_error = null",
        )
        .bind(kind)
        .bind(subject)
        .bind(due_at)
        .bind(version)
        .bind(telemetry::traceparent())
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(Error::db("set a timer"))
    }

    /// Takes a timer back; one that is not there is fine.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn clear_timer(&mut self, kind: &str, subject: Uuid) -> Result<(), Error> {
        sqlx::query("delete from timer where kind = $1 and subject = $2")
            .bind(kind)
            .bind(subject)
            .execute(&mut *self.tx)
            .await
            .map(drop)
            .map_err(Error::db("clear a timer"))
    }

    /// Wakes whoever looks for what this transaction writes, once it is there to be seen.
    pub fn ring_after_commit(&mut self, bell: &Arc<Notify>) {
        if !self.bells.iter().any(|known| Arc::ptr_eq(known, bell)) {
            self.bells.push(bell.clone());
        }
    }

    /// Commits everything and gives the reply back.
    ///
    /// # Errors
    /// [`Error::Db`], and [`Error::InFlight`] when the command was done before: since [`begin`](Self::begin), which its
    /// lock excludes, or unseen after [`begin_new`](Self::begin_new). Nothing is stored then.
    pub async fn commit<R: Message>(mut self, reply: R) -> Result<R, Error> {
        match self.meta.take() {
            Some(meta) => self.commit_all(&[(&meta, &reply)]).await?,
            None => self.done().await?,
        }
        Ok(reply)
    }

    /// Commits everything with the reply of every command that was new.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn commit_all<R: Message>(mut self, replies: &[(&Meta, &R)]) -> Result<(), Error> {
        // What is too much for one statement goes before.
        if self.news.len() > ROWS || self.entries.len() > ROWS {
            self.flush().await?;
        }
        self.told |= !self.news.is_empty();
        let last = told::all(&self.news, &self.entries);
        let done = command::remembering(last, replies)
            .execute(&mut *self.tx)
            .await
            .map_err(Error::db("remember the commands"))?;
        let late = replies
            .first()
            .filter(|_| done.rows_affected() != replies.len() as u64);
        match late {
            Some((meta, _)) => Err(Error::InFlight(meta.id)),
            None => self.finish().await,
        }
    }

    /// Commits work without a reply (timers, consumers).
    ///
    /// # Errors
    /// [`Error::Db`]; nothing is stored then.
    pub async fn done(mut self) -> Result<(), Error> {
        self.flush().await?;
        self.finish().await
    }

    /// Takes back what was done so far, and waits until it is: what was locked is free then.
    pub(crate) async fn undo(self) -> Result<(), Error> {
        self.tx
            .rollback()
            .await
            .map_err(Error::db("take back a transaction"))
    }

    /// Writes what is to be told and audited so far.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn flush(&mut self) -> Result<(), Error> {
        for news in std::mem::take(&mut self.news).chunks(ROWS) {
            told::tell(&mut self.tx, news).await?;
            self.told = true;
        }
        for entries in std::mem::take(&mut self.entries).chunks(ROWS) {
            told::audit(&mut self.tx, entries).await?;
        }
        Ok(())
    }

    async fn finish(self) -> Result<(), Error> {
        self.tx.commit().await.map_err(Error::db("commit"))?;
        if self.told {
            self.db.outbox_bell().notify_one();
        }
        if self.timer_set {
            self.db.timer_bell().notify_one();
        }
        for bell in &self.bells {
            bell.notify_one();
        }
        Ok(())
    }
}

fn decode<R: Message + Default>(reply: &[u8]) -> Result<R, Error> {
    R::decode(reply).map_err(|e| Error::Decode("a stored reply", e))
}

/// All events of one aggregate lie in one partition, so they keep their order.
pub fn partition_of(subject: Uuid) -> i16 {
    let spread = subject.as_u128() ^ (subject.as_u128() >> 64);
    i16::try_from(spread % u128::from(PARTITIONS.unsigned_abs())).expect("a remainder below PARTITIONS fits")
}
