//! Writes down what a provider answered and told us: what comes within a moment in one transaction, answers and receipts
//! together. A receipt is acknowledged to the provider only after it is committed.

use std::time::Duration;

use relight_common::{Clock, Db, error::chain, lease::pause};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{channel::smpp::Ack, desk, domain::receipt::Told, store::attempt::Answered};

/// Answers and receipts of one transaction.
const BATCH: usize = 500;
/// Those that may wait for it; whoever has more waits too.
const WAITING_MAX: usize = 1_000;
/// The longest time in which a batch is gathered.
const GATHER: Duration = Duration::from_millis(60);
/// A provider that waits for our acknowledgements sends no more until it gets them: so much silence ends the gathering.
const QUIET: Duration = Duration::from_millis(15);
/// Wait before what could not be stored is tried again.
const TROUBLE: Duration = Duration::from_secs(1);

/// One thing to be written down.
#[derive(Debug)]
pub enum News {
    /// What became of an attempt.
    Answer(Answered),
    /// What the provider says of a message; settled when it is stored, otherwise the provider keeps it.
    Receipt(Told, Ack),
}

/// Where news are handed in.
pub type Tray = mpsc::Sender<News>;

/// A tray and its other end.
pub fn tray() -> (Tray, mpsc::Receiver<News>) {
    mpsc::channel(WAITING_MAX)
}

/// Writes down what one provider account says.
#[derive(Debug)]
pub struct Recorder {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// Name of the account.
    pub provider: &'static str,
}

/// A batch, sorted.
#[derive(Default)]
struct Batch {
    answered: Vec<Answered>,
    told: Vec<Told>,
    acks: Vec<Ack>,
}

impl Recorder {
    /// Writes until nobody can hand in any more. After `ended` a batch that cannot be stored is given up: attempts in it
    /// are `unknown` to the next sender, and the provider keeps its receipts.
    pub async fn run(&self, mut news: mpsc::Receiver<News>, ended: &CancellationToken) {
        let mut gathered = Vec::with_capacity(BATCH);
        while gather(&mut news, &mut gathered).await {
            let batch = Batch::of(gathered.drain(..));
            if self.is_stored(&batch, ended).await {
                batch.acks.into_iter().for_each(Ack::committed);
            }
        }
    }

    /// Tries until it is stored; false when told to end before.
    async fn is_stored(&self, batch: &Batch, ended: &CancellationToken) -> bool {
        let (answered, told) = (&batch.answered, &batch.told);
        while let Err(error) = desk::settle(&self.db, self.provider, answered, told, self.clock.now()).await {
            let provider = self.provider;
            tracing::warn!(provider, error = %chain(&error), "answers and receipts could not be stored");
            if ended.is_cancelled() {
                return false;
            }
            pause(ended, TROUBLE).await;
        }
        true
    }
}

impl Batch {
    fn of(news: impl Iterator<Item = News>) -> Self {
        let mut batch = Self::default();
        for one in news {
            match one {
                News::Answer(answered) => batch.answered.push(answered),
                News::Receipt(told, ack) => {
                    batch.told.push(told);
                    batch.acks.push(ack);
                }
            }
        }
        batch
    }
}

/// Gathers what belongs together; false when there is nothing any more.
async fn gather(news: &mut mpsc::Receiver<News>, gathered: &mut Vec<News>) -> bool {
    if news.recv_many(gathered, BATCH).await == 0 {
        return false;
    }
    let until = Instant::now() + GATHER;
    while gathered.len() < BATCH {
        let quiet = until.min(Instant::now() + QUIET);
        let more = news.recv_many(gathered, BATCH - gathered.len());
        if !matches!(timeout_at(quiet, more).await, Ok(1..)) {
            break;
        }
    }
    true
}
