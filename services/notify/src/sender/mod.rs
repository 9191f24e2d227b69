//! Sends what is due: one sender per channel, under a lease.
//!
//! 1. Contact values are asked for; then, in one transaction that proves the lease, messages are claimed and an attempt
//!    per segment is written as `submitting`. 2. The provider is called outside of any transaction. 3. Outcomes are
//!    written down ([`record`]). A crash between 1 and 3 leaves `submitting`; the next sender calls it `unknown` and does not send
//!    it again: nobody is told twice because we stumbled. A receipt that comes later still settles it.

pub mod mail;
pub mod record;
pub mod sms;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::StreamExt;
use relight_common::{
    Clock, Db,
    error::chain,
    lease::{self, Lease, pause},
    telemetry,
};
use sqlx::PgConnection;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use self::record::{News, Tray};
use crate::{
    bells::{self, Bells},
    channel::Outcome,
    desk,
    domain::{
        notice::{Channel, Language, Purpose},
        quiet::{NIGHT, earliest},
    },
    error::Error,
    people::{People, Reach},
    seal::Sealer,
    store::{
        attempt::{self, Answered, Attempt},
        message::{self, Claimed},
        standing, wrong,
    },
    template::{Book, Rendered},
};

/// Messages of one round.
const BATCH: u16 = 500;
/// From one round to the next, so that a round is of what came meanwhile and not of one message.
const GATHER: Duration = Duration::from_millis(25);
/// Wait after Postgres or another service failed.
const TROUBLE: Duration = Duration::from_secs(1);
/// Messages whose contact could not be asked for wait so long.
const NO_VALUE: TimeDelta = TimeDelta::seconds(5);

/// A way to hand messages to one provider account.
pub trait Provider: Send + Sync + 'static {
    /// The channel it serves.
    const CHANNEL: Channel;
    /// Name of the account.
    const NAME: &'static str;

    /// Attempts at one time.
    fn window(&self) -> usize;

    /// Segments a text takes.
    fn segments(&self, rendered: &Rendered) -> usize;

    /// Waits until the provider can be reached.
    fn ready(&self) -> impl Future<Output = ()> + Send;

    /// Hands one segment over. Answers always, and exactly once.
    fn hand_over(&self, job: &Job, attempt: &Attempt) -> impl Future<Output = Outcome> + Send;
}

/// A claimed message with everything that is needed to hand it over.
#[derive(Debug)]
pub struct Job {
    /// The message.
    pub id: Uuid,
    /// Number or address.
    to: String,
    /// Its words.
    pub rendered: Rendered,
    /// How long it is worth delivering.
    pub validity: TimeDelta,
    /// The attempts written down for it, in order.
    attempts: Vec<Attempt>,
    traceparent: String,
}

impl Job {
    /// Number or address of the person.
    pub fn to(&self) -> &str {
        &self.to
    }
}

/// Sends the messages of one channel.
#[derive(Debug)]
pub struct Sender<P> {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// Contact values.
    pub people: Arc<People>,
    /// Opens variables.
    pub sealer: Sealer,
    /// The templates.
    pub book: Arc<Book>,
    /// Rung for messages of this process.
    pub bells: Arc<Bells>,
    /// The provider.
    pub provider: P,
}

impl<P: Provider> Sender<P> {
    /// Sends until `ended`; answers are handed in at `tray`. What is on its way at the end is finished first.
    pub async fn run(&self, lease: &Lease, tray: &Tray, ended: &CancellationToken) {
        while let Err(error) = desk::orphans(&self.db, P::NAME, self.clock.now()).await {
            has_to_wait(P::CHANNEL, &error);
            pause(ended, TROUBLE).await;
            if ended.is_cancelled() {
                return;
            }
        }
        while !ended.is_cancelled() {
            tokio::select! {
                () = self.provider.ready() => {}
                () = ended.cancelled() => return,
            }
            let next = Instant::now() + GATHER;
            match self.round(lease, tray).await {
                Ok(0) => bells::wait(self.bells.of(P::CHANNEL), ended).await,
                Ok(due) if due < usize::from(BATCH) => {
                    pause(ended, next.saturating_duration_since(Instant::now())).await
                }
                Ok(_) => {}
                Err(error) => {
                    has_to_wait(P::CHANNEL, &error);
                    pause(ended, TROUBLE).await;
                }
            }
        }
    }

    /// One round: claims what is due, hands it over, and the answers in at `tray`. Returns how many were due.
    ///
    /// # Errors
    /// Before anything was handed over: another service or Postgres is away, or the lease is lost.
    pub async fn round(&self, lease: &Lease, tray: &Tray) -> Result<usize, Error> {
        let due = message::due(self.db.pool(), P::CHANNEL, self.clock.now(), i64::from(BATCH)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let reaches: HashMap<Uuid, Reach> = due
            .iter()
            .filter_map(|one| Some((one.id, one.reach()?)))
            .collect();
        let ids: Vec<Uuid> = due.iter().map(|one| one.id).collect();
        let wanted: Vec<Reach> = reaches.values().copied().collect();
        let values = match self.people.values(&wanted).await {
            Ok(values) => values,
            Err(error) => {
                let until = self.clock.now() + NO_VALUE;
                message::put_off(self.db.pool(), &ids, until, "its contact could not be asked for").await?;
                return Err(error);
            }
        };
        let value_of = |id: Uuid| {
            reaches
                .get(&id)
                .and_then(|reach| values.get(reach).cloned().flatten())
        };
        let jobs = self.claim(lease, &ids, value_of).await?;
        self.hand_over_all(jobs, tray).await;
        Ok(due.len())
    }

    /// Claims messages and writes their attempts down, before any of them is made.
    async fn claim(
        &self,
        lease: &Lease,
        ids: &[Uuid],
        value_of: impl Fn(Uuid) -> Option<String>,
    ) -> Result<Vec<Job>, Error> {
        let mut tx = self.db.begin().await?;
        lease::hold(&mut tx, lease).await?;
        attempt::plan_anew(&mut tx).await?;
        let claimed = message::claim(&mut tx, ids).await?;
        let again: Vec<Uuid> = claimed
            .iter()
            .filter(|one| one.tries > 0)
            .map(|one| one.id)
            .collect();
        let done: HashSet<(Uuid, i16)> = attempt::handed_over(&mut tx, &again).await?.into_iter().collect();
        let mut jobs = Vec::new();
        let mut segments = Vec::new();
        for one in claimed {
            let to = value_of(one.id);
            if let Some((job, total)) = self.prepare(&mut tx, one, to, &done).await? {
                jobs.push(job);
                segments.push(total);
            }
        }
        let ids: Vec<Uuid> = jobs.iter().map(|job| job.id).collect();
        let attempts: Vec<Attempt> = jobs.iter().flat_map(|job| job.attempts.clone()).collect();
        message::begin(&mut tx, &ids, &segments).await?;
        attempt::begin(&mut tx, P::NAME, &attempts, self.clock.now()).await?;
        let whole: Vec<Uuid> = jobs
            .iter()
            .filter(|job| job.attempts.is_empty())
            .map(|job| job.id)
            .collect();
        standing::rejudge(&mut tx, &whole, self.clock.now(), rand::random()).await?;
        tx.commit().await.map_err(Error::db("commit claimed messages"))?;
        Ok(jobs)
    }

    /// What is to be handed over of a claimed message; `None` when it ended or was put off instead.
    async fn prepare(
        &self,
        conn: &mut PgConnection,
        one: Claimed,
        to: Option<String>,
        done: &HashSet<(Uuid, i16)>,
    ) -> Result<Option<(Job, i16)>, Error> {
        let now = self.clock.now();
        let purpose = Purpose::parse(&one.purpose).ok_or(Error::Stored("purpose"))?;
        if one.expires_at <= now {
            let why = ("expired", "it was not sent while it was worth it");
            message::end(conn, one.id, why, now).await?;
            return Ok(None);
        }
        let zone = one.zone.parse().map_err(|_| Error::Stored("zone"))?;
        let due_at = earliest(purpose, one.night, now, zone, NIGHT);
        if due_at > now {
            message::put_off(conn, &[one.id], due_at, "it waits for the morning").await?;
            return Ok(None);
        }
        let (Some(to), Some(rendered)) = (to, self.render(&one)) else {
            let why = ("failed", "it has no contact or no words any more");
            message::end(conn, one.id, why, now).await?;
            return Ok(None);
        };
        if !self.may_have(conn, purpose, &one, &to).await? {
            let why = ("failed", "its contact is somebody else's");
            message::end(conn, one.id, why, now).await?;
            return Ok(None);
        }
        let total = i16::try_from(self.provider.segments(&rendered)).unwrap_or(i16::MAX);
        let missing = (0..total).filter(|segment| !done.contains(&(one.id, *segment)));
        let attempts = missing
            .map(|segment| Attempt {
                id: Uuid::now_v7(),
                message: one.id,
                segment,
            })
            .collect();
        let (validity, traceparent) = (one.expires_at - now, one.traceparent);
        Ok(Some((
            Job {
                id: one.id,
                to,
                rendered,
                validity,
                attempts,
                traceparent,
            },
            total,
        )))
    }

    /// Whether this contact may have the message: no debt is told to somebody else, as known in this transaction and by
    /// the value the contact has now; an answer goes to the number it came from only, and a
    /// question to the number that may answer it.
    async fn may_have(
        &self,
        conn: &mut PgConnection,
        purpose: Purpose,
        one: &Claimed,
        to: &str,
    ) -> Result<bool, Error> {
        let key = self.sealer.recipient(to);
        match (purpose, one.customer_id) {
            (Purpose::WrongPerson | Purpose::StillOff | Purpose::StillOffAnswer, _) => {
                Ok(one.recipient == key)
            }
            (purpose, Some(customer)) if purpose.is_debt() => {
                let wrong = wrong::active(conn, customer, P::CHANNEL.word(), &key).await?;
                Ok(wrong.is_none())
            }
            _ => Ok(true),
        }
    }

    fn render(&self, one: &Claimed) -> Option<Rendered> {
        let vars = self.sealer.open(one.id, &one.sealed).ok_or(Error::Sealed(one.id));
        let language = Language::parse(&one.language).ok_or(Error::Stored("language"));
        let rendered = vars.and_then(|vars| {
            let template = (one.template.as_str(), one.template_version);
            self.book.render(one.id, template, language?, P::CHANNEL, &vars)
        });
        rendered
            .inspect_err(|error| tracing::error!(message.id = %one.id, error = %chain(error), "a message has no words"))
            .ok()
    }

    /// Hands all jobs over within the window.
    async fn hand_over_all(&self, jobs: Vec<Job>, tray: &Tray) {
        futures_util::stream::iter(jobs)
            .map(|job| self.hand_over(job, tray))
            .buffer_unordered(self.provider.window())
            .collect::<()>()
            .await;
    }

    /// Hands the segments of one message over, in order, and the answers in as they come; after one that was refused the
    /// rest does not leave.
    async fn hand_over(&self, job: Job, tray: &Tray) {
        let span = tracing::info_span!(
            "send",
            otel.name = %format!("send {}", P::CHANNEL.word()),
            otel.kind = "producer",
            message.id = %job.id
        );
        let span = telemetry::span_from(span, &job.traceparent);
        async {
            let mut goes_on = true;
            for attempt in &job.attempts {
                let outcome = match goes_on {
                    true => self.provider.hand_over(&job, attempt).await,
                    false => Outcome::Unsent("an earlier part was not taken"),
                };
                goes_on = matches!(outcome, Outcome::Accepted { .. } | Outcome::Unknown(_));
                let id = attempt.id;
                // Where nobody writes down any more, the attempt stays open and is unknown to the next sender.
                let _ = tray.send(News::Answer(Answered { id, outcome })).await;
            }
        }
        .instrument(span)
        .await;
    }
}

fn has_to_wait(channel: Channel, error: &Error) {
    tracing::warn!(channel = channel.word(), error = %chain(error), "the sender has to wait");
}
