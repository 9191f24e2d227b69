//! One command, one transaction: look the command up, decide, save, tell, audit, remember the reply, commit. All or none.

use chrono::{DateTime, Utc};
use prost::Message;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::{
    command::{self, Meta},
    db::{Db, PARTITIONS},
    error::Error,
    telemetry,
};

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
}

/// Rows of one insert: a statement takes at most 65,535 values.
const ROWS: usize = 1_000;
/// News, and audit entries, that go into one statement with the reply. Each count makes a statement of its own, of which a
/// connection keeps a hundred prepared.
const TOGETHER: usize = 4;

/// One event about one aggregate, to be told after commit.
#[derive(Debug)]
struct News {
    /// W3C trace context it was told in.
    trace: String,
    subject: Uuid,
    version: i64,
    kind: &'static str,
    org_path: String,
    data: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    action: &'static str,
    subject: String,
    detail: serde_json::Value,
}

impl Work {
    /// Opens the transaction of a command, or finds the reply it got before. The same command sent again while the
    /// first is still at work waits for it, and so never meets a state which the first already changed.
    ///
    /// # Errors
    /// [`Error::IdReused`], [`Error::Decode`], [`Error::Db`].
    pub async fn begin<R: Message + Default>(db: &Db, meta: Meta) -> Result<Begun<R>, Error> {
        let mut tx = db.begin_alone(meta.lock_key(db.service())).await?;
        if let Some(reply) = command::seen(&mut tx, &meta).await? {
            return R::decode(reply.as_slice())
                .map(Begun::Before)
                .map_err(|e| Error::Decode("a stored reply", e));
        }
        let (actor, cause, at) = (meta.actor.clone(), meta.id.to_string(), meta.at);
        Ok(Begun::New(Self::over(tx, db, Some(meta), actor, cause, at)))
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
            data: data.encode_to_vec(),
        });
    }

    /// Appends to the audit chain. `detail` carries no secrets and no contact values.
    pub fn audit(&mut self, action: &'static str, subject: impl ToString, detail: serde_json::Value) {
        self.entries.push(Entry {
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

    /// Commits everything and gives the reply back.
    ///
    /// # Errors
    /// [`Error::Db`], and [`Error::InFlight`] should the command have been done since [`begin`](Self::begin), which its
    /// lock excludes; nothing is stored then.
    pub async fn commit<R: Message + Default>(mut self, reply: R) -> Result<R, Error> {
        if let Some(meta) = self.meta.take() {
            // A connection is held for as long as its round trips take: what is told and audited goes with the reply.
            if self.news.len() > TOGETHER || self.entries.len() > TOGETHER {
                self.flush().await?;
            }
            let mut all = self.news_and_entries();
            command::push_remember(&mut all, &meta, reply.encode_to_vec());
            let done = all
                .build()
                .execute(&mut *self.tx)
                .await
                .map_err(Error::db("remember the command"))?;
            if done.rows_affected() != 1 {
                return Err(Error::InFlight(meta.id));
            }
        }
        self.flush().await?;
        self.finish().await?;
        Ok(reply)
    }

    /// Commits work without a reply (timers, consumers).
    ///
    /// # Errors
    /// [`Error::Db`]; nothing is stored then.
    pub async fn done(mut self) -> Result<(), Error> {
        self.flush().await?;
        self.finish().await
    }

    /// Writes what is to be told and audited; consumers call it between events so that an error names its event.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn flush(&mut self) -> Result<(), Error> {
        for news in std::mem::take(&mut self.news).chunks(ROWS) {
            self.write_news(news).await?;
        }
        for entries in std::mem::take(&mut self.entries).chunks(ROWS) {
            self.write_audit(entries).await?;
        }
        Ok(())
    }

    /// What is left to be told and audited, in front of the statement that comes with it.
    fn news_and_entries(&mut self) -> sqlx::QueryBuilder<Postgres> {
        let (news, entries) = (std::mem::take(&mut self.news), std::mem::take(&mut self.entries));
        let mut before = sqlx::QueryBuilder::new("");
        if !news.is_empty() {
            before.push("with told as (");
            self.push_news(&mut before, &news);
            before.push(") ");
        }
        if !entries.is_empty() {
            before.push(if news.is_empty() { "with" } else { "," });
            before.push(" noted as (");
            self.push_entries(&mut before, &entries);
            before.push(") ");
        }
        self.told |= !news.is_empty();
        before
    }

    async fn write_news(&mut self, news: &[News]) -> Result<(), Error> {
        let mut insert = sqlx::QueryBuilder::new("");
        self.push_news(&mut insert, news);
        insert
            .build()
            .execute(&mut *self.tx)
            .await
            .map_err(Error::db("write the outbox"))?;
        self.told = true;
        Ok(())
    }

    fn push_news(&self, insert: &mut sqlx::QueryBuilder<Postgres>, news: &[News]) {
        insert.push(
            "insert into outbox (id, partition_no, subject, version, type, org_path, occurred_at, traceparent, cause, data) ",
        );
        let (at, cause) = (self.at, &self.cause);
        insert.push_values(news, |mut row, news| {
            row.push_bind(Uuid::now_v7())
                .push_bind(partition_of(news.subject))
                .push_bind(news.subject)
                .push_bind(news.version)
                .push_bind(news.kind)
                .push_bind(news.org_path.clone())
                .push_bind(at)
                .push_bind(news.trace.clone())
                .push_bind(cause.clone())
                .push_bind(news.data.clone());
        });
    }

    async fn write_audit(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let mut insert = sqlx::QueryBuilder::new("");
        self.push_entries(&mut insert, entries);
        insert
            .build()
            .execute(&mut *self.tx)
            .await
            .map_err(Error::db("write the audit"))?;
        Ok(())
    }

    fn push_entries(&self, insert: &mut sqlx::QueryBuilder<Postgres>, entries: &[Entry]) {
        insert.push("insert into audit (id, at, actor, action, subject, detail) ");
        let (at, actor) = (self.at, &self.actor);
        insert.push_values(entries, |mut row, entry| {
            row.push_bind(Uuid::now_v7())
                .push_bind(at)
                .push_bind(actor)
                .push_bind(entry.action)
                .push_bind(&entry.subject)
                .push_bind(&entry.detail);
        });
    }

    async fn finish(self) -> Result<(), Error> {
        self.tx.commit().await.map_err(Error::db("commit"))?;
        if self.told {
            self.db.outbox_bell().notify_one();
        }
        if self.timer_set {
            self.db.timer_bell().notify_one();
        }
        Ok(())
    }
}

/// All events of one aggregate lie in one partition, so they keep their order.
pub fn partition_of(subject: Uuid) -> i16 {
    let spread = subject.as_u128() ^ (subject.as_u128() >> 64);
    i16::try_from(spread % u128::from(PARTITIONS.unsigned_abs())).expect("a remainder below PARTITIONS fits")
}
