//! What comes in, each with the token that settles it at the provider.

use super::receipt::{Receipt, octets};
use super::status::TRY_AGAIN;
use crate::channel::Outcome;
use crate::channel::sms::{self, Encoding, Fragment};
use rusmpp::pdus::{DeliverSm, DeliverSmResp};
use rusmpp::values::DataCoding;
use rusmpp::{Command, CommandStatus};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use uuid::Uuid;

/// Bit of `esm_class` that announces a user data header.
const HAS_HEADER: u8 = 0x40;

/// One thing the provider told us.
#[derive(Debug)]
pub enum Inbound {
    /// What became of a message. Commit it, then [`Ack::committed`].
    Receipt(Receipt, Ack),
    /// A message somebody wrote to us. Commit it, then [`Ack::committed`].
    Message(Received, Ack),
    /// The answer to a submit that was given up as `Unknown`, or whose caller was gone.
    Late {
        /// The attempt of the submit.
        attempt: Uuid,
        /// What the provider answered.
        outcome: Outcome,
    },
}

/// A message somebody wrote to us, or a part of one.
#[derive(Clone)]
pub struct Received {
    /// Number it came from, as the provider writes it.
    pub from: String,
    /// Number or short code it was sent to.
    pub to: String,
    /// Its text and place; `None` when the octets are in no encoding we read.
    pub fragment: Option<Fragment>,
}

/// Number and text are left out: they are personal.
impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Received(readable: {})", self.fragment.is_some())
    }
}

impl Received {
    pub(super) fn of(pdu: &DeliverSm) -> Self {
        let encoding = match pdu.data_coding {
            DataCoding::McSpecific => Some(Encoding::Gsm7),
            DataCoding::Ucs2 => Some(Encoding::Ucs2),
            _ => None,
        };
        let has_header = u8::from(pdu.esm_class) & HAS_HEADER != 0;
        Self {
            from: pdu.source_addr.as_str().to_owned(),
            to: pdu.destination_addr.as_str().to_owned(),
            fragment: encoding.and_then(|encoding| sms::read(encoding, has_header, octets(pdu)).ok()),
        }
    }
}

/// Settles one receipt or message at the provider.
///
/// Dropped unsettled it answers "try again": the provider keeps the receipt. An answer to a connection that is gone
/// is lost, and the provider sends again on the next one; the owner's commit must therefore bear a repeat.
#[derive(Debug)]
pub struct Ack {
    out: mpsc::UnboundedSender<Command>,
    sequence: u32,
    is_settled: bool,
    _slot: OwnedSemaphorePermit,
}

impl Ack {
    pub(super) fn new(
        out: mpsc::UnboundedSender<Command>,
        sequence: u32,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            out,
            sequence,
            is_settled: false,
            _slot: slot,
        }
    }

    /// The owner has committed it: the provider may forget it.
    pub fn committed(mut self) {
        self.answer(CommandStatus::EsmeRok);
    }

    fn answer(&mut self, status: CommandStatus) {
        self.is_settled = true;
        // A closed channel means the connection is gone; the provider sends again.
        let _ = self
            .out
            .send(Command::new(status, self.sequence, DeliverSmResp::default()));
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if !self.is_settled {
            self.answer(CommandStatus::from(TRY_AGAIN));
        }
    }
}
