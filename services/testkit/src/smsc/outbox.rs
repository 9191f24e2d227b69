//! What the provider owes its clients: receipts stay here until a client takes them.

use super::Settled;
use super::knobs::{ReceiptForm, Verdict};
use chrono::Utc;
use smpp34::{DeliveryReceipt, Tlv, TlvTag, deliver_sm, submit_sm};
use std::collections::{BTreeMap, HashMap, VecDeque};
use tokio::sync::mpsc;

const IS_RECEIPT: u8 = 0x04;
const ASCII: u8 = 0;
const UCS2: u8 = 8;

/// A message to a client, with everything but its sequence number.
#[derive(Clone)]
pub(super) struct Delivery {
    /// Id of the message a receipt is for; empty for a message somebody wrote.
    message_id: String,
    from: String,
    to: String,
    esm_class: u8,
    data_coding: u8,
    octets: Vec<u8>,
    tlvs: Vec<Tlv>,
}

impl Delivery {
    pub(super) fn receipt(submit: &submit_sm, verdict: &Verdict) -> Self {
        let message_id = verdict.receipt_id();
        let now = Utc::now();
        let text = DeliveryReceipt::new(
            message_id.clone(),
            1,
            u8::from(verdict.fate == super::Fate::Delivered),
            now,
            now,
            verdict.fate.word().to_owned(),
            "000".to_owned(),
            String::new(),
        );
        let tlvs = match verdict.receipt_form {
            ReceiptForm::Full => vec![
                Tlv::from_c_string(TlvTag::ReceiptedMessageId, &message_id),
                Tlv::from_u8(TlvTag::MessageStateTlv, verdict.fate.state()),
            ],
            ReceiptForm::TextOnly | ReceiptForm::TextInDecimal => Vec::new(),
        };
        Self {
            message_id,
            from: submit.destination_addr.clone(),
            to: submit.source_addr.clone(),
            esm_class: IS_RECEIPT,
            data_coding: ASCII,
            octets: text.encode().into_bytes(),
            tlvs,
        }
    }

    fn encode(self, sequence: u32) -> Vec<u8> {
        let none = String::new;
        deliver_sm::new(
            sequence,
            none(),
            1,
            1,
            self.from,
            0,
            1,
            self.to,
            self.esm_class,
            0,
            0,
            none(),
            none(),
            0,
            0,
            self.data_coding,
            0,
            self.octets,
        )
        .with_tlvs(self.tlvs)
        .encode()
    }
}

/// One bound connection to write to.
struct Line {
    frames: mpsc::UnboundedSender<Vec<u8>>,
    last_sequence: u32,
    open: HashMap<u32, Delivery>,
}

/// Deliveries by connection, and those that wait for one.
#[derive(Default)]
pub(super) struct Outbox {
    lines: BTreeMap<u64, Line>,
    waiting: VecDeque<Delivery>,
}

impl Outbox {
    /// A connection is bound: what waited goes there.
    pub(super) fn bound(&mut self, connection: u64, frames: mpsc::UnboundedSender<Vec<u8>>) {
        self.lines.insert(
            connection,
            Line {
                frames,
                last_sequence: 0,
                open: HashMap::new(),
            },
        );
        self.send_waiting();
    }

    /// A connection has ended: what it did not settle waits.
    pub(super) fn gone(&mut self, connection: u64) {
        if let Some(line) = self.lines.remove(&connection) {
            self.waiting.extend(line.open.into_values());
        }
    }

    pub(super) fn send_waiting(&mut self) {
        for delivery in std::mem::take(&mut self.waiting) {
            self.send(delivery);
        }
    }

    /// On the newest connection; without one it waits.
    pub(super) fn send(&mut self, delivery: Delivery) {
        let Some(mut line) = self.lines.last_entry() else {
            return self.waiting.push_back(delivery);
        };
        let line = line.get_mut();
        line.last_sequence += 1;
        line.open.insert(line.last_sequence, delivery.clone());
        // A line that just broke keeps it among its open ones.
        let _ = line.frames.send(delivery.encode(line.last_sequence));
    }

    /// The client's answer. A refused receipt waits for another time.
    pub(super) fn settle(&mut self, connection: u64, sequence: u32, status: u32) -> Option<Settled> {
        let delivery = self.lines.get_mut(&connection)?.open.remove(&sequence)?;
        let settled = Settled {
            message_id: delivery.message_id.clone(),
            status,
        };
        if status != 0 {
            self.waiting.push_back(delivery);
        }
        Some(settled)
    }

    /// A message somebody wrote; at most 70 characters.
    pub(super) fn write(&mut self, from: &str, to: &str, text: &str) {
        let octets = text.encode_utf16().take(70).flat_map(u16::to_be_bytes).collect();
        self.send(Delivery {
            message_id: String::new(),
            from: from.to_owned(),
            to: to.to_owned(),
            esm_class: 0,
            data_coding: UCS2,
            octets,
            tlvs: Vec::new(),
        });
    }
}
