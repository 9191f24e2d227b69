//! A mail relay that keeps every mail: a small real SMTP server on this machine.

mod session;

use crate::seen::Seen;
use chrono::{DateTime, Utc};
use mail_parser::MessageParser;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// One mail as it came.
#[derive(Debug, Clone, Serialize)]
pub struct MailSeen {
    /// MAIL FROM.
    pub from: String,
    /// RCPT TO.
    pub to: Vec<String>,
    /// Message-ID without its brackets.
    pub message_id: String,
    /// Subject, decoded.
    pub subject: String,
    /// Plain text, decoded.
    pub text: String,
    /// The headers as they came, folded lines joined.
    pub headers: Vec<(String, String)>,
    /// Whether the relay said that it took it; a relay that breaks off before that has it all the same.
    pub is_confirmed: bool,
    /// When its last line came.
    pub received_at: DateTime<Utc>,
}

impl MailSeen {
    /// Value of the first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn read(envelope: (String, Vec<String>), content: &[u8], is_confirmed: bool) -> Self {
        let message = MessageParser::default().parse(content).unwrap_or_default();
        let headers = message
            .headers_raw()
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Self {
            from: envelope.0,
            to: envelope.1,
            message_id: message.message_id().unwrap_or_default().to_owned(),
            subject: message.subject().unwrap_or_default().to_owned(),
            text: message.body_text(0).unwrap_or_default().into_owned(),
            headers: headers.collect(),
            is_confirmed,
            received_at: Utc::now(),
        }
    }
}

/// Where in a mail the relay does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// At EHLO.
    Hello,
    /// At RCPT TO.
    Recipient,
    /// After the first line of the content.
    MidContent,
    /// After the whole content.
    Verdict,
}

/// What the relay does to the next mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Refuse(u16, Stage),
    Drop(Stage),
}

#[derive(Default)]
struct Shared {
    mails: Seen<MailSeen>,
    fault: Mutex<Option<(u32, Fault)>>,
    /// Verdicts are held back while true.
    is_held: watch::Sender<bool>,
    open: watch::Sender<usize>,
    open_max: watch::Sender<usize>,
    connections: watch::Sender<usize>,
}

impl Shared {
    fn fault_slot(&self) -> MutexGuard<'_, Option<(u32, Fault)>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `fault` is due now; counts it down.
    fn is_due(&self, is_it: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut slot = self.fault_slot();
        let (left, fault) = slot.filter(|(left, fault)| *left > 0 && is_it(*fault))?;
        *slot = Some((left - 1, fault));
        Some(fault)
    }
}

/// The relay. Stops when dropped.
pub struct SmtpSink {
    addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpSink {
    /// Starts on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts on `addr`.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start_on(addr: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { addr, shared, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Every mail whose content came whole.
    pub fn mails(&self) -> &Seen<MailSeen> {
        &self.shared.mails
    }

    /// Connections taken so far.
    pub fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// The most connections that were open at one time.
    pub fn open_max(&self) -> usize {
        *self.shared.open_max.borrow()
    }

    /// Waits until `count` connections are open.
    pub async fn wait_for_open(&self, count: usize) {
        // The sender lives in `self`: the channel cannot be closed while this waits.
        let _ = self.shared.open.subscribe().wait_for(|open| *open >= count).await;
    }

    /// Refuses the next `count` mails with `code` at `stage`.
    pub fn refuse_next(&self, count: u32, code: u16, stage: Stage) {
        *self.shared.fault_slot() = Some((count, Fault::Refuse(code, stage)));
    }

    /// Breaks the connection of the next `count` mails at `stage`.
    pub fn drop_next(&self, count: u32, stage: Stage) {
        *self.shared.fault_slot() = Some((count, Fault::Drop(stage)));
    }

    /// Holds verdicts back until [`SmtpSink::release_verdicts`].
    pub fn hold_verdicts(&self) {
        self.shared.is_held.send_replace(true);
    }

    /// Lets the held verdicts go.
    pub fn release_verdicts(&self) {
        self.shared.is_held.send_replace(false);
    }
}

/// Takes connections until it is aborted; they end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let shared = shared.clone();
        connections.spawn(async move {
            let _open = session::Open::new(&shared);
            // A client that breaks off is no error of ours.
            let _ = session::serve(stream, &shared).await;
        });
    }
}
