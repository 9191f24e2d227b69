//! Texts as a provider of messages, and what the provider tells us about them.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use relight_common::{Clock, Db, error::chain, lease::pause};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Job, Provider};
use crate::{
    channel::{
        Outcome, Refusal,
        smpp::{self, Ack, Address, Client, Inbound, Received, Submit},
        sms::{Reference, measure, segment},
    },
    config::SMS_PROVIDER,
    desk,
    domain::{delivery::Receipt, notice::Channel},
    error::Error,
    seal::Sealer,
    store::{
        attempt::{Answered, Attempt},
        receipt::Told,
    },
    template::Rendered,
    wrong,
};

/// Receipts written down in one transaction.
const RECEIPTS: usize = 100;
/// Wait before receipts that could not be stored are tried again.
const TROUBLE: std::time::Duration = std::time::Duration::from_secs(1);

/// One SMPP account.
pub struct SmsProvider {
    client: Client,
    from: Address,
    window: usize,
    rate: DefaultDirectRateLimiter,
}

impl std::fmt::Debug for SmsProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmsProvider")
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

impl SmsProvider {
    /// Over `client`, with at most `per_second` submits.
    pub fn new(client: Client, from: Address, window: usize, per_second: u32) -> Self {
        let per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
        Self {
            client,
            from,
            window,
            rate: RateLimiter::direct(Quota::per_second(per_second)),
        }
    }

    /// The submit of one segment; `None` when the number or the text is none.
    fn submit(&self, job: &Job, attempt: &Attempt) -> Option<Submit> {
        let to = Address::number(job.to()).ok()?;
        // The parts of one text share the number, in every try; the message's id gives it.
        let [.., number] = job.id.into_bytes();
        let parts = segment(&job.rendered.text, Reference::Short(number)).ok()?;
        let part = parts.get(usize::try_from(attempt.segment).ok()?)?;
        let validity = job
            .validity
            .to_std()
            .ok()
            .filter(|validity| validity.as_secs() > 0);
        Submit::new(attempt.id, &self.from, &to, part, validity).ok()
    }
}

impl Provider for SmsProvider {
    const CHANNEL: Channel = Channel::Sms;
    const NAME: &'static str = SMS_PROVIDER;

    fn window(&self) -> usize {
        self.window
    }

    fn segments(&self, rendered: &Rendered) -> usize {
        measure(&rendered.text).parts.max(1)
    }

    async fn ready(&self) {
        self.client.bound().await;
    }

    async fn hand_over(&self, job: &Job, attempt: &Attempt) -> Outcome {
        let Some(submit) = self.submit(job, attempt) else {
            return Outcome::Refused {
                status: 0,
                refusal: Refusal::Permanent,
            };
        };
        self.rate.until_ready().await;
        self.client.submit(&submit).await
    }
}

/// Stores what the provider tells us; only then is it acknowledged.
#[derive(Debug)]
pub struct Listener {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// Finds recipients.
    pub sealer: Sealer,
    /// Reads what people answer.
    pub answers: wrong::Reader,
}

/// A batch of what the provider told us.
#[derive(Default)]
struct Heard {
    told: Vec<Told>,
    late: Vec<Answered>,
    written: Vec<Received>,
    acks: Vec<Ack>,
}

impl Listener {
    /// Listens until the link has ended. After `stop` a batch that cannot be stored is given up: the provider keeps it.
    pub async fn run(&self, mut inbound: mpsc::UnboundedReceiver<Inbound>, stop: &CancellationToken) {
        let mut batch = Vec::with_capacity(RECEIPTS);
        while inbound.recv_many(&mut batch, RECEIPTS).await > 0 {
            let heard = self.sort(batch.drain(..));
            if self.is_stored(&heard, stop).await {
                heard.acks.into_iter().for_each(Ack::committed);
            }
        }
    }

    /// Tries until it is stored; false when told to stop before: then nothing is acknowledged.
    async fn is_stored(&self, heard: &Heard, stop: &CancellationToken) -> bool {
        while let Err(error) = self.store(heard).await {
            tracing::warn!(error = %chain(&error), "receipts could not be stored");
            if stop.is_cancelled() {
                return false;
            }
            pause(stop, TROUBLE).await;
        }
        true
    }

    fn sort(&self, batch: impl Iterator<Item = Inbound>) -> Heard {
        let mut heard = Heard::default();
        for one in batch {
            match one {
                Inbound::Receipt(receipt, ack) => {
                    heard.told.push(self.told(receipt));
                    heard.acks.push(ack);
                }
                Inbound::Late { attempt, outcome } => heard.late.push(Answered { id: attempt, outcome }),
                Inbound::Message(received, ack) => {
                    heard.written.push(received);
                    metrics::counter!("relight_texts_received_total").increment(1);
                    heard.acks.push(ack);
                }
            }
        }
        heard
    }

    fn told(&self, receipt: smpp::Receipt) -> Told {
        let number = receipt.recipient.trim_start_matches('+');
        Told {
            message_id: receipt.message_id,
            receipt: Receipt::of(receipt.state),
            error: receipt.error,
            reference: receipt.reference.map(i32::from),
            recipient: self.sealer.recipient(&format!("+{number}")).to_vec(),
        }
    }

    async fn store(&self, heard: &Heard) -> Result<(), Error> {
        let now = self.clock.now();
        if !heard.late.is_empty() {
            desk::answers(&self.db, SMS_PROVIDER, &heard.late, now).await?;
        }
        if !heard.told.is_empty() {
            desk::receipts(&self.db, SMS_PROVIDER, &heard.told, now).await?;
        }
        for one in &heard.written {
            // A word is one short message; a part of a longer text is none.
            if let Some(fragment) = one.fragment.as_ref().filter(|fragment| fragment.place.is_none()) {
                let from = format!("+{}", one.from.trim_start_matches('+'));
                self.answers.answer(&from, &fragment.text).await?;
            }
        }
        Ok(())
    }
}
