//! Texts as a provider of messages, and what the provider tells us about them.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use relight_common::{error::chain, lease::pause};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    Job, Provider,
    record::{News, Tray},
};
use crate::{
    channel::{
        Outcome, Refusal,
        smpp::{self, Address, Client, Inbound, Received, Submit},
        sms::{Reference, measure, segment},
    },
    config::SMS_PROVIDER,
    domain::{delivery::Receipt, notice::Channel, receipt::Told},
    error::Error,
    seal::Sealer,
    store::attempt::{Answered, Attempt},
    template::Rendered,
    wrong,
};

/// Wait before an answer that could not be stored is tried again.
const TROUBLE: std::time::Duration = std::time::Duration::from_secs(1);

/// One SMPP account.
pub struct SmsProvider {
    client: Client,
    from: Address,
    window: usize,
    /// One waits for the rate at a time, the others for their turn: together they would all wake for each place.
    rate: Mutex<DefaultDirectRateLimiter>,
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
            rate: Mutex::new(RateLimiter::direct(Quota::per_second(per_second))),
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
        self.rate.lock().await.until_ready().await;
        self.client.submit(&submit).await
    }
}

/// Hands in what the provider tells us, and reads what people answer.
#[derive(Debug)]
pub struct Listener {
    /// Finds recipients.
    pub sealer: Sealer,
    /// Reads what people answer.
    pub answers: wrong::Reader,
}

impl Listener {
    /// Listens until the link has ended. After `ended` an answer that cannot be stored is given up: the provider keeps it.
    pub async fn run(
        &self,
        mut inbound: mpsc::UnboundedReceiver<Inbound>,
        tray: Tray,
        ended: &CancellationToken,
    ) {
        while let Some(one) = inbound.recv().await {
            let news = match one {
                Inbound::Receipt(receipt, ack) => News::Receipt(self.told(receipt), ack),
                Inbound::Late { attempt, outcome } => News::Answer(Answered { id: attempt, outcome }),
                Inbound::Message(received, ack) => {
                    metrics::counter!("relight_texts_received_total").increment(1);
                    if self.is_read(&received, ended).await {
                        ack.committed();
                    }
                    continue;
                }
            };
            // Dropped where nobody writes down any more: then the provider keeps it.
            let _ = tray.send(news).await;
        }
    }

    /// Tries until it is stored; false when told to end before: then it is not acknowledged.
    async fn is_read(&self, received: &Received, ended: &CancellationToken) -> bool {
        while let Err(error) = self.read(received).await {
            tracing::warn!(error = %chain(&error), "an answer could not be stored");
            if ended.is_cancelled() {
                return false;
            }
            pause(ended, TROUBLE).await;
        }
        true
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

    /// A word is one short message; a part of a longer text is none.
    async fn read(&self, received: &Received) -> Result<(), Error> {
        let whole = received
            .fragment
            .as_ref()
            .filter(|fragment| fragment.place.is_none());
        let Some(fragment) = whole else {
            return Ok(());
        };
        let from = format!("+{}", received.from.trim_start_matches('+'));
        self.answers.answer(&from, &fragment.text).await
    }
}
