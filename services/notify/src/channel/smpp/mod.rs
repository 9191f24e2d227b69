//! One SMPP 3.4 transceiver bind: submits within a window, receipts handed over before they are acknowledged.
//!
//! Promises:
//! - [`Client::submit`] answers with exactly one [`Outcome`]; `Unknown` only after the message was given to the socket.
//! - Nothing is ever sent twice by this module. A submit that was not given to the socket before the connection broke
//!   is placed on the next connection; one that was is `Unknown`.
//! - At most `window` submits are unanswered at any time. The sequence number is registered before the write.
//! - A receipt is acknowledged to the provider only by [`Ack::committed`]; dropped or unsettled, the provider
//!   keeps it and sends it again.
//! - An answer that comes after its submit was given up arrives as [`Inbound::Late`], so its message id is not lost.
//!
//! [`open`] gives a [`Client`], the inbound channel, and a [`Link`] whose owner runs and joins it.

mod backoff;
mod config;
mod inbound;
mod link;
mod receipt;
mod session;
mod status;
mod submit;
mod wire;

pub use config::Config;
pub use inbound::{Ack, Inbound, Received};
pub use link::Link;
pub use receipt::{Receipt, State, lookup_ids, normal_id};
pub use submit::{Address, Submit, wire_reference};

use super::Outcome;
use session::Request;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

/// What a setting or a message has wrong, by name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// The field, as it is called in the configuration or the call.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl Invalid {
    fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
        }
    }
}

/// Where submits can go right now.
#[derive(Debug, Clone)]
enum Bind {
    /// No bound connection; the link is trying.
    Down,
    /// Bound: requests sent here are written at once.
    Up(mpsc::UnboundedSender<Request>),
    /// The link has ended for good.
    Closed,
}

/// What clients and the link share.
struct Shared {
    config: Config,
    window: Arc<Semaphore>,
    bind: watch::Sender<Bind>,
    /// No submit before this moment: the provider asked us to slow down.
    paused_until: watch::Sender<Option<Instant>>,
}

/// Hands messages to one bind. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// Prepares one bind. Nothing happens on the network before [`Link::run`].
///
/// # Errors
/// [`Invalid`] names the first setting that is wrong.
pub fn open(config: Config) -> Result<(Client, mpsc::UnboundedReceiver<Inbound>, Link), Invalid> {
    config.check()?;
    let shared = Arc::new(Shared {
        window: Arc::new(Semaphore::new(config.window)),
        bind: watch::Sender::new(Bind::Down),
        paused_until: watch::Sender::new(None),
        config,
    });
    let (inbound, received) = mpsc::unbounded_channel();
    Ok((
        Client {
            shared: shared.clone(),
        },
        received,
        Link::new(shared, inbound),
    ))
}

impl Client {
    /// Hands one short message over and waits for the provider's answer.
    ///
    /// Waits at most `queue_timeout` for a bound connection, a place in the window and the end of a throttle pause,
    /// then at most `response_timeout` for the answer. Dropping the future after the write does not take the message
    /// back; its answer then arrives as [`Inbound::Late`].
    pub async fn submit(&self, submit: &Submit) -> Outcome {
        let deadline = Instant::now() + self.shared.config.queue_timeout;
        loop {
            let answer = match timeout_at(deadline, self.place(submit)).await {
                Err(_) => return Outcome::Unsent("no bound connection had room in time"),
                Ok(None) => return Outcome::Unsent("the connection is shut down"),
                Ok(Some(answer)) => answer,
            };
            // An answer dropped unsaid means the session ended before it took the request: nothing was written.
            if let Ok(outcome) = answer.await {
                return outcome;
            }
        }
    }

    /// Whether a connection is bound now; feeds the choice of a provider.
    pub fn is_bound(&self) -> bool {
        matches!(*self.shared.bind.borrow(), Bind::Up(_))
    }

    /// Waits until a connection is bound; `false` when the link has ended instead.
    pub async fn bound(&self) -> bool {
        let mut bind = self.shared.bind.subscribe();
        let settled = bind.wait_for(|bind| !matches!(bind, Bind::Down)).await;
        settled.is_ok_and(|bind| matches!(*bind, Bind::Up(_)))
    }

    /// Waits until no connection takes submits.
    pub async fn unbound(&self) {
        let mut bind = self.shared.bind.subscribe();
        // The sender lives in `shared`: the channel cannot be closed while this waits.
        let _ = bind.wait_for(|bind| !matches!(bind, Bind::Up(_))).await;
    }

    /// Gives the request to the bound session. Safe to cancel: the hand-over is the last step and does not wait.
    async fn place(&self, submit: &Submit) -> Option<oneshot::Receiver<Outcome>> {
        loop {
            if !self.bound().await {
                return None;
            }
            let permit = self.shared.window.clone().acquire_owned().await.ok()?;
            self.pause_over().await;
            if let Some(answer) = self.hand_over(submit, permit) {
                return Some(answer);
            }
        }
    }

    fn hand_over(&self, submit: &Submit, permit: OwnedSemaphorePermit) -> Option<oneshot::Receiver<Outcome>> {
        let Bind::Up(requests) = self.shared.bind.borrow().clone() else {
            return None;
        };
        let (answer, answered) = oneshot::channel();
        let request = Request {
            pdu: submit.pdu.clone(),
            attempt: submit.attempt,
            answer,
            permit,
        };
        requests.send(request).ok().map(|()| answered)
    }

    async fn pause_over(&self) {
        loop {
            let until = *self.shared.paused_until.borrow();
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return,
            }
        }
    }
}
