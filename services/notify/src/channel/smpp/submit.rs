//! What goes out: addresses and one submit_sm.

use super::Invalid;
use crate::channel::sms::{Encoding, Part};
use rusmpp::pdus::SubmitSm;
use rusmpp::tlvs::MessageSubmissionRequestTlvValue;
use rusmpp::types::{COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, Npi, RegisteredDelivery, Ton, UserMessageReference};
use std::time::Duration;
use uuid::Uuid;

/// Bit of `esm_class` that announces a user data header.
const HAS_HEADER: u8 = 0x40;
/// A receipt for delivered and for failed.
const ASK_FOR_RECEIPT: u8 = 0x01;
/// Longest relative validity that one field of the format carries.
const VALIDITY_DAYS_MAX: u64 = 28;

/// A phone number or a sender name.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    ton: Ton,
    npi: Npi,
    value: COctetString<1, 21>,
}

/// Numbers are personal.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({:?}, {} characters)", self.ton, self.value.len() - 1)
    }
}

impl Address {
    /// A subscriber's number in international form: `+` and 8 to 15 digits (E.164).
    ///
    /// # Errors
    /// [`Invalid`] without repeating the number.
    pub fn number(e164: &str) -> Result<Self, Invalid> {
        let digits = e164
            .strip_prefix('+')
            .filter(|digits| (8..=15).contains(&digits.len()) && all_digits(digits));
        let digits = digits.ok_or_else(|| {
            Invalid::new(
                "number",
                "needs the form + and 8 to 15 digits, country code first",
            )
        })?;
        Self::new(Ton::International, Npi::Isdn, digits)
    }

    /// Whom the text is from: a short code of 3 to 20 digits, or a name of at most 11 letters, digits and spaces.
    ///
    /// # Errors
    /// [`Invalid`] for anything else.
    pub fn sender(name: &str) -> Result<Self, Invalid> {
        if all_digits(name) && (3..=20).contains(&name.len()) {
            return Self::new(Ton::Unknown, Npi::Isdn, name);
        }
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ');
        if is_name && !all_digits(name) && (1..=11).contains(&name.len()) {
            return Self::new(Ton::Alphanumeric, Npi::Unknown, name);
        }
        Err(Invalid::new(
            "sender",
            "needs a short code of 3 to 20 digits or a name of at most 11 ASCII letters",
        ))
    }

    fn new(ton: Ton, npi: Npi, value: &str) -> Result<Self, Invalid> {
        let value = COctetString::from_string(value.to_owned())
            .map_err(|error| Invalid::new("address", error.to_string()))?;
        Ok(Self { ton, npi, value })
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// One short message, checked and ready to be handed over once.
#[derive(Debug, Clone)]
pub struct Submit {
    pub(super) attempt: Uuid,
    pub(super) pdu: SubmitSm,
}

/// The two octets of `attempt` that travel as `user_message_reference`, for providers that echo it in receipts.
///
/// Not unique: it confirms a match by recipient, it does not make one.
pub fn wire_reference(attempt: Uuid) -> u16 {
    let [.., high, low] = attempt.into_bytes();
    u16::from_be_bytes([high, low])
}

impl Submit {
    /// One part of a text, as attempt `attempt`. `validity`: how long the provider may keep trying to deliver.
    ///
    /// # Errors
    /// [`Invalid`] for a validity outside 1 second to 28 days.
    pub fn new(
        attempt: Uuid,
        from: &Address,
        to: &Address,
        part: &Part,
        validity: Option<Duration>,
    ) -> Result<Self, Invalid> {
        let body =
            OctetString::from_slice(&part.octets).map_err(|error| Invalid::new("part", error.to_string()))?;
        let pdu = SubmitSm::builder()
            .source_addr_ton(from.ton)
            .source_addr_npi(from.npi)
            .source_addr(from.value.clone())
            .dest_addr_ton(to.ton)
            .dest_addr_npi(to.npi)
            .destination_addr(to.value.clone())
            // From the octet: the library's default carries an acknowledgement bit.
            .esm_class(EsmClass::from(if part.has_header { HAS_HEADER } else { 0 }))
            .validity_period(relative(validity)?)
            .registered_delivery(RegisteredDelivery::from(ASK_FOR_RECEIPT))
            .data_coding(data_coding(part.encoding))
            .short_message(body)
            .push_tlv(MessageSubmissionRequestTlvValue::UserMessageReference(
                UserMessageReference::new(wire_reference(attempt)),
            ))
            .build();
        Ok(Self { attempt, pdu })
    }
}

fn data_coding(encoding: Encoding) -> DataCoding {
    match encoding {
        Encoding::Gsm7 => DataCoding::McSpecific,
        Encoding::Ucs2 => DataCoding::Ucs2,
    }
}

/// Relative time of SMPP 3.4 section 7.1.1.2: `YYMMDDhhmmsst00R`.
fn relative(validity: Option<Duration>) -> Result<EmptyOrFullCOctetString<17>, Invalid> {
    let Some(validity) = validity else {
        return Ok(EmptyOrFullCOctetString::empty());
    };
    let seconds = validity.as_secs();
    if seconds == 0 || seconds > VALIDITY_DAYS_MAX * 86_400 {
        return Err(Invalid::new(
            "validity",
            format!("needs 1 second to {VALIDITY_DAYS_MAX} days"),
        ));
    }
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let text = format!(
        "0000{days:02}{:02}{:02}{:02}000R",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    );
    EmptyOrFullCOctetString::from_string(text).map_err(|error| Invalid::new("validity", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_take_the_type_their_form_asks_for() {
        assert_eq!(
            Address::number("+8613800138000").map(|a| a.ton),
            Ok(Ton::International)
        );
        assert_eq!(Address::sender("95598").map(|a| a.ton), Ok(Ton::Unknown));
        assert_eq!(Address::sender("RELIGHT").map(|a| a.ton), Ok(Ton::Alphanumeric));
        for wrong in [
            "13800138000",
            "+1234567",
            "+1234567890123456",
            "+12345678a",
            "+",
            "",
        ] {
            assert_eq!(
                Address::number(wrong).map_err(|invalid| invalid.field),
                Err("number"),
                "{wrong}"
            );
        }
        for wrong in ["12", "TWELVELETTER", "电力", "", "123456789012345678901"] {
            assert_eq!(
                Address::sender(wrong).map_err(|invalid| invalid.field),
                Err("sender"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn validity_is_written_as_relative_time() {
        let text = |seconds| relative(Some(Duration::from_secs(seconds))).map(|text| text.to_string());
        assert_eq!(text(93_784), Ok("000001020304000R".into()));
        assert_eq!(text(28 * 86_400), Ok("000028000000000R".into()));
        assert!(text(0).is_err());
        assert!(text(28 * 86_400 + 1).is_err());
    }

    #[test]
    fn a_number_is_never_shown() {
        let address = Address::number("+8613800138000").expect("a number");
        assert!(!format!("{address:?}").contains("138"));
    }
}
