//! Mail to one relay by SMTP.
//!
//! Promises:
//! - [`Mailer::send`] answers with exactly one [`Outcome`] within `send_timeout` of getting a connection slot;
//!   `Unknown` only once the relay had asked for the content (the reply 354) and its verdict did not come.
//! - At most `connections` connections are open, each used by one mail at a time and kept for the next.
//! - Nothing is sent twice. The one thing repeated is the envelope, when a kept connection turns out to be dead.
//!
//! lettre gives the protocol, TLS and the message format. Its own transport is not used: its pool bounds nothing, its
//! time limit covers only the connect, and its errors do not say whether the content had left.

mod connection;
mod mail;

pub use connection::{Config, Encryption};
pub use mail::{Draft, Invalid, Mail};

use super::Outcome;
use connection::{Connector, Error};
use lettre::address::Envelope;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// Connections kept longer than this are closed instead of used again; relays drop idle ones after minutes.
const IDLE_MAX: std::time::Duration = std::time::Duration::from_secs(60);

/// A connection between two mails.
struct Kept {
    connection: AsyncSmtpConnection,
    since: Instant,
}

/// Sends mails through one relay.
pub struct Mailer {
    connector: Connector,
    slots: Semaphore,
    kept: Mutex<Vec<Kept>>,
}

/// How far a mail came before something failed.
enum Failure {
    /// The relay cannot have it.
    Before(Error),
    /// The relay has all or part of the content and did not refuse it.
    After(Error),
}

impl Mailer {
    /// Prepares a mailer; no connection is made.
    ///
    /// # Errors
    /// [`Invalid`] names the setting that is wrong.
    pub fn new(config: Config) -> Result<Self, Invalid> {
        let connector = Connector::new(config)?;
        let slots = Semaphore::new(connector.config.connections);
        Ok(Self {
            connector,
            slots,
            kept: Mutex::default(),
        })
    }

    /// Hands one mail to the relay.
    pub async fn send(&self, mail: &Mail) -> Outcome {
        let config = &self.connector.config;
        let Ok(Ok(_slot)) = timeout(config.queue_timeout, self.slots.acquire()).await else {
            return Outcome::Unsent("no connection to the relay was free in time");
        };
        let has_content_left = AtomicBool::new(false);
        match timeout(config.send_timeout, self.exchange(mail, &has_content_left)).await {
            Ok(Ok(())) => Outcome::Accepted {
                message_id: mail.message_id.clone(),
            },
            Ok(Err(failure)) => outcome(&failure),
            Err(_) if has_content_left.into_inner() => Outcome::Unknown("the relay did not answer in time"),
            Err(_) => Outcome::Unsent("the relay did not take the envelope in time"),
        }
    }

    /// Closes the kept connections with a QUIT.
    pub async fn close(&self) {
        for mut kept in self.take_all() {
            let _ = timeout(self.connector.config.send_timeout, kept.connection.command(Quit)).await;
        }
    }

    async fn exchange(&self, mail: &Mail, has_content_left: &AtomicBool) -> Result<(), Failure> {
        let mut connection = self
            .with_envelope(&mail.envelope)
            .await
            .map_err(Failure::Before)?;
        has_content_left.store(true, Ordering::Relaxed);
        match connection.message(&mail.content).await {
            Ok(_) => self.keep(connection),
            Err(error) => {
                let error = Error::from(error);
                self.keep_if_in_step(connection, &error).await;
                return Err(Failure::After(error));
            }
        }
        Ok(())
    }

    /// A connection whose relay has taken the envelope and asks for the content.
    async fn with_envelope(&self, envelope: &Envelope) -> Result<AsyncSmtpConnection, Error> {
        while let Some(mut kept) = self.take() {
            match give_envelope(&mut kept, envelope).await {
                Ok(()) => return Ok(kept),
                Err(error) if error.code().is_some() => {
                    self.keep_if_in_step(kept, &error).await;
                    return Err(error);
                }
                Err(_) => {} // it died while it was kept; the relay has nothing
            }
        }
        let mut connection = self.connector.connect().await?;
        match give_envelope(&mut connection, envelope).await {
            Ok(()) => Ok(connection),
            Err(error) => {
                self.keep_if_in_step(connection, &error).await;
                Err(error)
            }
        }
    }

    /// After a refusal with a code the connection can be used again once it forgets the envelope; 421 closes it.
    async fn keep_if_in_step(&self, mut connection: AsyncSmtpConnection, error: &Error) {
        let goes_on = error.code().is_some_and(|code| code != 421);
        if goes_on && connection.command(Rset).await.is_ok() {
            self.keep(connection);
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        self.kept().push(Kept {
            connection,
            since: Instant::now(),
        });
    }

    /// The one used last, so that those no longer needed grow old and go.
    fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut kept = self.kept();
        kept.retain(|kept| kept.since.elapsed() < IDLE_MAX);
        kept.pop().map(|kept| kept.connection)
    }

    fn take_all(&self) -> Vec<Kept> {
        std::mem::take(&mut *self.kept())
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

async fn give_envelope(connection: &mut AsyncSmtpConnection, envelope: &Envelope) -> Result<(), Error> {
    let is_international = envelope
        .from()
        .into_iter()
        .chain(envelope.to())
        .any(|a| !AsRef::<str>::as_ref(a).is_ascii());
    // Mails are written in ASCII; only an address of another script goes out as it is.
    let parameters = match is_international {
        true => vec![
            MailParameter::SmtpUtfEight,
            MailParameter::Body(MailBodyParameter::EightBitMime),
        ],
        false => Vec::new(),
    };
    connection
        .command(MailFrom::new(envelope.from().cloned(), parameters))
        .await?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), vec![])).await?;
    }
    connection.command(Data).await?;
    Ok(())
}

/// A reply code is the relay's own word and certain at any point; without one it matters what had left.
fn outcome(failure: &Failure) -> Outcome {
    let (Failure::Before(error) | Failure::After(error)) = failure;
    match (error.code(), failure) {
        (Some(code), _) => Outcome::Refused {
            status: u32::from(code),
            refusal: error.refusal(),
        },
        (None, Failure::Before(_)) => {
            Outcome::Unsent("the relay could not be reached or broke off before the content")
        }
        (None, Failure::After(_)) => Outcome::Unknown("the connection broke before the relay's verdict"),
    }
}
