//! Delivery receipts: what became of a message the provider accepted.
//!
//! # Source
//! SMPP 3.4 sections 5.3.2.12 (`receipted_message_id`), 5.3.2.35 (`message_state`), appendix B (the text form).

use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::TlvValue;
use rusmpp::values::{DataCoding, MessageState};

/// Message type bits of `esm_class`.
const MESSAGE_TYPE: u8 = 0x3c;
const DELIVERY_RECEIPT: u8 = 0x04;
const INTERMEDIATE: u8 = 0x20;

/// One receipt as the provider told it.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Id of the message, normalised by [`normal_id`]; `None` when the provider gave none.
    pub message_id: Option<String>,
    /// State of the message.
    pub state: State,
    /// The provider's or network's error code, as written (`err:`), when it is not zero.
    pub error: Option<String>,
    /// Our `user_message_reference`, when the provider echoes it.
    pub reference: Option<u16>,
    /// Number the message was for, as the provider writes it. Confirms a match by an alternative id.
    pub recipient: String,
}

/// The recipient is left out: it is personal.
impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt")
            .field("message_id", &self.message_id)
            .field("state", &self.state)
            .field("error", &self.error)
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

/// State of a message at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Under way.
    Enroute,
    /// Taken on behalf of the subscriber; says nothing about the phone.
    Accepted,
    /// On the phone.
    Delivered,
    /// Given up: its validity passed.
    Expired,
    /// Withdrawn at the provider.
    Deleted,
    /// Given up: cannot be delivered.
    Undeliverable,
    /// Refused after it had been accepted.
    Rejected,
    /// The provider does not know, or uses a word of its own.
    Unknown,
}

impl State {
    /// Whether no other state will follow.
    pub fn is_final(self) -> bool {
        match self {
            State::Delivered | State::Expired | State::Deleted | State::Undeliverable | State::Rejected => {
                true
            }
            State::Enroute | State::Accepted | State::Unknown => false,
        }
    }

    fn of_state(state: MessageState) -> Self {
        match state {
            MessageState::Scheduled | MessageState::Enroute => State::Enroute,
            MessageState::Delivered => State::Delivered,
            MessageState::Expired => State::Expired,
            MessageState::Deleted => State::Deleted,
            MessageState::Undeliverable => State::Undeliverable,
            MessageState::Accepted => State::Accepted,
            MessageState::Rejected | MessageState::Skipped => State::Rejected,
            MessageState::Unknown | MessageState::Other(_) => State::Unknown,
        }
    }

    fn of_word(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "ENROUTE" => State::Enroute,
            "ACCEPTD" | "ACCEPTED" => State::Accepted,
            "DELIVRD" | "DELIVERED" => State::Delivered,
            "EXPIRED" => State::Expired,
            "DELETED" => State::Deleted,
            "UNDELIV" | "UNDELIVERABLE" => State::Undeliverable,
            "REJECTD" | "REJECTED" => State::Rejected,
            _ => State::Unknown,
        }
    }
}

/// The one form of a message id that responses are stored under: no blanks, lower case, no leading zeros.
pub fn normal_id(id: &str) -> String {
    let id = id
        .trim_matches(|c: char| c.is_whitespace() || c == '\0')
        .to_ascii_lowercase();
    let short = id.trim_start_matches('0');
    if short.is_empty() && !id.is_empty() {
        "0".to_owned()
    } else {
        short.to_owned()
    }
}

/// The normal ids a receipt's id may stand for, the most likely first.
///
/// Some providers answer a submit in hexadecimal and write receipts in decimal, or the other way round. Take a match
/// by any but the first only when the recipient or our reference agrees.
pub fn lookup_ids(id: &str) -> Vec<String> {
    let normal = normal_id(id);
    let as_hex = normal.parse::<u128>().ok().map(|number| format!("{number:x}"));
    let as_decimal = u128::from_str_radix(&normal, 16)
        .ok()
        .map(|number| number.to_string());
    let mut ids = vec![normal];
    for other in [as_hex, as_decimal].into_iter().flatten() {
        if !ids.contains(&other) {
            ids.push(other);
        }
    }
    ids
}

impl Receipt {
    /// Reads `pdu` as a receipt, or `None` when it is a message somebody wrote.
    pub(super) fn of(pdu: &DeliverSm) -> Option<Self> {
        let told = Told::of(pdu);
        let kind = u8::from(pdu.esm_class) & MESSAGE_TYPE;
        if kind != DELIVERY_RECEIPT && kind != INTERMEDIATE && told.message_id.is_none() {
            return None;
        }
        let text = text(pdu, told.payload);
        let word = field(&text, "stat:").map(State::of_word);
        Some(Self {
            message_id: told
                .message_id
                .or(field(&text, "id:"))
                .map(normal_id)
                .filter(|id| !id.is_empty()),
            state: told.state.or(word).unwrap_or(State::Unknown),
            error: field(&text, "err:")
                .filter(|code| code.bytes().any(|b| b != b'0'))
                .map(str::to_owned),
            reference: told.reference,
            recipient: pdu.source_addr.as_str().to_owned(),
        })
    }
}

/// The optional parameters that matter.
#[derive(Default)]
struct Told<'a> {
    message_id: Option<&'a str>,
    state: Option<State>,
    reference: Option<u16>,
    payload: Option<&'a [u8]>,
}

impl<'a> Told<'a> {
    fn of(pdu: &'a DeliverSm) -> Self {
        let mut told = Told::default();
        for value in pdu.tlvs().iter().filter_map(|tlv| tlv.value()) {
            match value {
                TlvValue::ReceiptedMessageId(id) => told.message_id = Some(id.as_str()),
                TlvValue::MessageState(state) => told.state = Some(State::of_state(*state)),
                TlvValue::UserMessageReference(reference) => told.reference = Some(reference.value),
                TlvValue::MessagePayload(payload) => told.payload = Some(payload.value.as_ref()),
                _ => {}
            }
        }
        told
    }
}

/// The octets of the message: in its own field, or as a payload.
pub(super) fn octets(pdu: &DeliverSm) -> &[u8] {
    Told::of(pdu).payload.unwrap_or(pdu.short_message().as_ref())
}

/// Receipts are ASCII; some providers write them in UTF-16 as they would a message.
fn text(pdu: &DeliverSm, payload: Option<&[u8]>) -> String {
    let octets = payload.unwrap_or(pdu.short_message().as_ref());
    let text = if pdu.data_coding == DataCoding::Ucs2 {
        let units: Vec<u16> = octets
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| u16::from_be_bytes(*pair))
            .collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(octets).into_owned()
    };
    // What follows `text:` is the beginning of the message itself and may look like anything.
    match text.to_ascii_lowercase().find(" text:") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// The word after `name`, which starts the text or follows a blank.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_ascii_whitespace()
        .find_map(|word| match word.split_at_checked(name.len()) {
            Some((start, value)) if start.eq_ignore_ascii_case(name) => Some(value),
            _ => None,
        })
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusmpp::tlvs::MessageDeliveryRequestTlvValue;
    use rusmpp::types::{COctetString, OctetString};
    use rusmpp::values::EsmClass;

    fn deliver(esm_class: u8, text: &[u8]) -> DeliverSm {
        DeliverSm::builder()
            .esm_class(EsmClass::from(esm_class))
            .source_addr(COctetString::from_string("8613800138000".into()).expect("fits"))
            .short_message(OctetString::from_slice(text).expect("fits"))
            .build()
    }

    fn read(text: &str) -> Receipt {
        Receipt::of(&deliver(DELIVERY_RECEIPT, text.as_bytes())).expect("a receipt")
    }

    #[test]
    fn ids_have_one_form() {
        let table = [
            ("0012", "12"),
            (" 1A2b ", "1a2b"),
            ("000", "0"),
            ("", ""),
            ("7\0", "7"),
            ("a-0", "a-0"),
        ];
        for (id, normal) in table {
            assert_eq!(normal_id(id), normal, "{id:?}");
        }
    }

    #[test]
    fn a_receipt_finds_its_message_across_hexadecimal_and_decimal() {
        let answered = normal_id("4A817C800");
        assert!(
            lookup_ids("20000000000").contains(&answered),
            "answered in hex, receipt in decimal"
        );
        let answered = normal_id("0020000000000");
        assert!(
            lookup_ids("4A817C800").contains(&answered),
            "answered in decimal, receipt in hex"
        );
        assert_eq!(
            lookup_ids("10"),
            ["10", "a", "16"],
            "the id as it stands comes first"
        );
        assert_eq!(lookup_ids("msg-1"), ["msg-1"]);
    }

    #[test]
    fn the_text_form_is_read() {
        let receipt = read(
            "id:0123 sub:001 dlvrd:001 submit date:2611220102 done date:2611220103 stat:UNDELIV err:069 text:id:9 stat:DELIVRD",
        );
        assert_eq!(receipt.message_id.as_deref(), Some("123"));
        assert_eq!(receipt.state, State::Undeliverable);
        assert_eq!(receipt.error.as_deref(), Some("069"));
        assert_eq!(receipt.recipient, "8613800138000");
    }

    #[test]
    fn words_of_the_state_are_known_in_any_case() {
        let table = [
            ("DELIVRD", State::Delivered),
            ("delivrd", State::Delivered),
            ("EXPIRED", State::Expired),
            ("DELETED", State::Deleted),
            ("ACCEPTD", State::Accepted),
            ("ENROUTE", State::Enroute),
            ("REJECTD", State::Rejected),
            ("UNKNOWN", State::Unknown),
            ("BUFFRED", State::Unknown),
        ];
        for (word, state) in table {
            assert_eq!(read(&format!("ID:1 Stat:{word} err:000")).state, state, "{word}");
        }
        assert_eq!(read("ID:1 Stat:DELIVRD err:000").error, None);
    }

    #[test]
    fn optional_parameters_win_over_the_text() {
        let mut pdu = deliver(0, b"id:1 stat:ENROUTE");
        let id = COctetString::from_string("00AB".into()).expect("fits");
        pdu.push_tlv(MessageDeliveryRequestTlvValue::ReceiptedMessageId(id));
        pdu.push_tlv(MessageDeliveryRequestTlvValue::MessageState(
            MessageState::Delivered,
        ));
        let receipt = Receipt::of(&pdu).expect("the id makes it a receipt");
        assert_eq!(
            (receipt.message_id.as_deref(), receipt.state),
            (Some("ab"), State::Delivered)
        );
    }

    #[test]
    fn a_receipt_in_utf16_is_read() {
        let octets: Vec<u8> = "id:5 stat:EXPIRED"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        let mut pdu = deliver(DELIVERY_RECEIPT, &octets);
        pdu.data_coding = DataCoding::Ucs2;
        let receipt = Receipt::of(&pdu).expect("a receipt");
        assert_eq!(
            (receipt.message_id.as_deref(), receipt.state),
            (Some("5"), State::Expired)
        );
    }

    #[test]
    fn a_message_somebody_wrote_is_no_receipt() {
        assert_eq!(
            Receipt::of(&deliver(0, b"id:1 stat:DELIVRD is what my neighbour got")),
            None
        );
    }

    #[test]
    fn a_receipt_without_an_id_is_still_handed_over() {
        let receipt = read("stat:DELIVRD");
        assert_eq!((receipt.message_id, receipt.state), (None, State::Delivered));
    }

    #[test]
    fn only_the_end_is_final() {
        let passing = [State::Enroute, State::Accepted, State::Unknown];
        assert!(passing.iter().all(|state| !state.is_final()));
        let last = [
            State::Delivered,
            State::Expired,
            State::Deleted,
            State::Undeliverable,
            State::Rejected,
        ];
        assert!(last.iter().all(|state| state.is_final()));
    }
}
