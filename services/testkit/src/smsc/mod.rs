//! A provider for texts: a real SMPP 3.4 server on this machine.
//!
//! Reads and writes with the codec of the crate `smpp34`, which shares nothing with the codec of our client, so a
//! misreading of the standard does not cancel out. The session is our own: that crate's server cannot break a
//! connection, hold an answer back or answer out of order, and that is what the tests are for.

mod connection;
mod knobs;
mod outbox;
mod text;

pub use knobs::{Fate, ReceiptForm};

use crate::seen::Seen;
use chrono::{DateTime, Utc};
use connection::Connection;
use knobs::Knobs;
use outbox::Outbox;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use text::Assembler;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// One submit_sm as it came.
#[derive(Debug, Clone, Serialize)]
pub struct Submitted {
    /// Sender.
    pub source: String,
    /// Recipient.
    pub destination: String,
    /// `esm_class`.
    pub esm_class: u8,
    /// `data_coding`.
    pub data_coding: u8,
    /// `registered_delivery`.
    pub registered_delivery: u8,
    /// `validity_period`.
    pub validity_period: String,
    /// `user_message_reference`.
    pub reference: Option<u16>,
    /// Header and body.
    pub octets: Vec<u8>,
    /// The status it is answered with; 0 = accepted.
    pub status: u32,
    /// The id it is accepted under, as the answer writes it.
    pub message_id: String,
    /// Which connection brought it, from 1.
    pub connection: u64,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// One text, put together from its parts.
#[derive(Debug, Clone, Serialize)]
pub struct Sms {
    /// Sender.
    pub source: String,
    /// Recipient.
    pub destination: String,
    /// The whole text.
    pub text: String,
    /// Number of parts it came in.
    pub parts: u8,
    /// Ids of the parts in their order.
    pub message_ids: Vec<String>,
    /// When the last part came.
    pub received_at: DateTime<Utc>,
}

/// How a client settled one receipt.
#[derive(Debug, Clone, Serialize)]
pub struct Settled {
    /// Id of the message the receipt was for, as the receipt writes it.
    pub message_id: String,
    /// `command_status` of the answer; 0 = taken.
    pub status: u32,
}

/// Everything the connections share.
#[derive(Default)]
struct Shared {
    submits: Seen<Submitted>,
    texts: Seen<Sms>,
    receipts: Seen<Settled>,
    binds: Seen<String>,
    unbinds: Seen<u64>,
    unanswered_max: watch::Sender<usize>,
    knobs: Mutex<Knobs>,
    assembler: Mutex<Assembler>,
    outbox: Mutex<Outbox>,
    /// Answers are held back while true.
    is_held: watch::Sender<bool>,
    /// Counted up to cut all connections.
    cuts: watch::Sender<u64>,
}

/// The provider. Stops when dropped.
pub struct Smsc {
    addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Smsc {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Smsc {
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

    /// Every submit_sm, refused ones too.
    pub fn submits(&self) -> &Seen<Submitted> {
        &self.shared.submits
    }

    /// Every accepted text once all of its parts are there.
    pub fn texts(&self) -> &Seen<Sms> {
        &self.shared.texts
    }

    /// Every answer to a receipt.
    pub fn settled(&self) -> &Seen<Settled> {
        &self.shared.receipts
    }

    /// The `system_id` of every bind that was accepted.
    pub fn binds(&self) -> &Seen<String> {
        &self.shared.binds
    }

    /// The connections that said goodbye with an unbind.
    pub fn unbinds(&self) -> &Seen<u64> {
        &self.shared.unbinds
    }

    /// The most submits that were unanswered at one time on one connection.
    pub fn unanswered_max(&self) -> usize {
        *self.shared.unanswered_max.borrow()
    }

    /// Answers the next `count` submits with ESME_RTHROTTLED.
    pub fn throttle_next(&self, count: u32) {
        self.refuse_next(count, 0x58);
    }

    /// Answers the next `count` submits with `status`.
    pub fn refuse_next(&self, count: u32, status: u32) {
        self.shared.knobs().refuse = Some((count, status));
    }

    /// Refuses the next `count` binds with ESME_RBINDFAIL.
    pub fn refuse_binds(&self, count: u32) {
        self.shared.knobs().refuse_binds = count;
    }

    /// Reads `count` more submits, then breaks that connection without answering the last.
    pub fn drop_after(&self, count: u32) {
        self.shared.knobs().drop_after = Some(count);
    }

    /// Breaks every connection now.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Breaks every connection now, so that what is held is never answered, and holds nothing back afterwards.
    pub fn release_answers_after_cut(&self) {
        self.cut();
        self.release_answers();
    }

    /// Answers every submit so much later.
    pub fn answer_after(&self, late: Duration) {
        self.shared.knobs().answer_after = late;
    }

    /// Holds answers and receipts back until [`Smsc::release_answers`].
    pub fn hold_answers(&self) {
        self.shared.is_held.send_replace(true);
    }

    /// Lets the held answers go.
    pub fn release_answers(&self) {
        self.shared.is_held.send_replace(false);
    }

    /// Sends the receipt before the answer to the submit.
    pub fn receipt_first(&self, is_first: bool) {
        self.shared.knobs().is_receipt_first = is_first;
    }

    /// How many times each receipt is sent; 0 for none. Once unless told.
    pub fn receipt_copies(&self, copies: u32) {
        self.shared.knobs().receipt_copies = copies;
    }

    /// How receipts are written. With optional parameters and text unless told.
    pub fn receipts_as(&self, form: ReceiptForm) {
        self.shared.knobs().receipt_form = form;
    }

    /// What receipts say. Delivered unless told.
    pub fn receipts_say(&self, fate: Fate) {
        self.shared.knobs().fate = fate;
    }

    /// Sends a message somebody wrote, on every bound connection.
    pub fn write_to_client(&self, from: &str, to: &str, text: &str) {
        self.shared.outbox().write(from, to, text);
    }

    /// Sends receipts that were refused or never answered again.
    pub fn send_receipts_again(&self) {
        self.shared.outbox().send_waiting();
    }
}

impl Shared {
    fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.knobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn assembler(&self) -> MutexGuard<'_, Assembler> {
        self.assembler.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes connections until it is aborted; they end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    for number in 1.. {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        let connection = Connection::new(number, shared.clone());
        connections.spawn(async move { connection.run(stream).await });
    }
}
