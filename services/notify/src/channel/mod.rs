//! The edges of notify towards providers: texts by SMPP 3.4, mail by SMTP.
//!
//! Promise: a caller always learns which of four things happened to one attempt ([`Outcome`]), and `Unknown` is
//! only said when bytes of the message may have reached the provider. Nothing here repeats a message by itself:
//! whoever owns the attempts decides, because a legal notice must never be sent blindly twice.
//!
//! Nothing here logs a number, an address or a text.

pub mod smpp;
pub mod sms;
pub mod smtp;

/// What happened to one attempt to hand one message to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it and answers for it from here on.
    Accepted {
        /// The id to look receipts or bounces up by: the provider's for SMPP, our own Message-ID for mail.
        message_id: String,
    },
    /// The provider said no: it does not have the message.
    Refused {
        /// SMPP `command_status` or SMTP reply code.
        status: u32,
        /// What the refusal means for another try.
        refusal: Refusal,
    },
    /// Nothing of the message left this process or reached the point where a provider could act on it: trying again
    /// cannot double it.
    Unsent(&'static str),
    /// The message may or may not have been taken: wait for a receipt or ask, never send it again blindly.
    Unknown(&'static str),
}

/// What a provider's refusal means for another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Something passing: worth another try later.
    Transient,
    /// This message will never be taken as it is.
    Permanent,
    /// We send too fast; the connection already holds back by itself.
    Throttled,
}
