//! What a test can make the provider do.

use std::time::Duration;

/// What became of a message, as receipts say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// On the phone.
    Delivered,
    /// Cannot be delivered.
    Undeliverable,
    /// Its validity passed.
    Expired,
    /// Still under way.
    Enroute,
}

impl Fate {
    /// Value of `message_state`.
    pub(super) fn state(self) -> u8 {
        match self {
            Fate::Enroute => 1,
            Fate::Delivered => 2,
            Fate::Expired => 3,
            Fate::Undeliverable => 5,
        }
    }

    /// Word of `stat:`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Fate::Enroute => "ENROUTE",
            Fate::Delivered => "DELIVRD",
            Fate::Expired => "EXPIRED",
            Fate::Undeliverable => "UNDELIV",
        }
    }
}

/// How receipts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptForm {
    /// Optional parameters and text, the id as it was answered.
    Full,
    /// Text only, the id as it was answered.
    TextOnly,
    /// Text only, the id in ten decimal digits where the answer was in hexadecimal.
    TextInDecimal,
}

pub(super) struct Knobs {
    /// How many more submits to refuse, and with which status.
    pub(super) refuse: Option<(u32, u32)>,
    pub(super) refuse_binds: u32,
    pub(super) drop_after: Option<u32>,
    pub(super) answer_after: Duration,
    pub(super) is_receipt_first: bool,
    pub(super) receipt_copies: u32,
    pub(super) receipt_form: ReceiptForm,
    pub(super) fate: Fate,
    last_id: u64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            refuse: None,
            refuse_binds: 0,
            drop_after: None,
            answer_after: Duration::ZERO,
            is_receipt_first: false,
            receipt_copies: 1,
            receipt_form: ReceiptForm::Full,
            fate: Fate::Delivered,
            // High enough that hexadecimal and decimal differ in length and letters.
            last_id: 0xa_b000,
        }
    }
}

/// What is to happen to one submit.
pub(super) struct Verdict {
    /// 0 = accepted.
    pub(super) status: u32,
    pub(super) id: u64,
    pub(super) is_dropped: bool,
    pub(super) answer_after: Duration,
    pub(super) is_receipt_first: bool,
    pub(super) receipt_copies: u32,
    pub(super) receipt_form: ReceiptForm,
    pub(super) fate: Fate,
}

impl Verdict {
    /// The id as the answer to the submit writes it.
    pub(super) fn answered_id(&self) -> String {
        format!("{:X}", self.id)
    }

    /// The id as the receipt writes it.
    pub(super) fn receipt_id(&self) -> String {
        match self.receipt_form {
            ReceiptForm::Full | ReceiptForm::TextOnly => self.answered_id(),
            ReceiptForm::TextInDecimal => format!("{:010}", self.id),
        }
    }
}

impl Knobs {
    pub(super) fn judge(&mut self) -> Verdict {
        self.last_id += 1;
        Verdict {
            status: self.status(),
            id: self.last_id,
            is_dropped: self.is_dropped(),
            answer_after: self.answer_after,
            is_receipt_first: self.is_receipt_first,
            receipt_copies: self.receipt_copies,
            receipt_form: self.receipt_form,
            fate: self.fate,
        }
    }

    pub(super) fn is_bind_refused(&mut self) -> bool {
        let is_refused = self.refuse_binds > 0;
        self.refuse_binds = self.refuse_binds.saturating_sub(1);
        is_refused
    }

    fn status(&mut self) -> u32 {
        match &mut self.refuse {
            Some((left, status)) if *left > 0 => {
                *left -= 1;
                *status
            }
            _ => 0,
        }
    }

    fn is_dropped(&mut self) -> bool {
        self.drop_after = self.drop_after.map(|left| left.saturating_sub(1));
        let is_now = self.drop_after == Some(0);
        if is_now {
            self.drop_after = None;
        }
        is_now
    }
}
