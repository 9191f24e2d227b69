//! The one way a phone number or mail address is written, so that the same contact is found however it was typed.

use relight_common::Invalid;
use relight_grid::pack::Channel;
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// A contact value in its one form: E.164 or lower-case mail.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Normal {
    channel: Channel,
    value: String,
}

/// The longest mail address, RFC 5321.
const MAIL_CHARS_MAX: usize = 254;
/// The longest text that is looked at as a phone number.
const PHONE_CHARS_MAX: usize = 40;

impl Normal {
    /// Reads `value` as a mail address when it has an `@`, otherwise as a phone number; one without a country code is
    /// taken as Chinese.
    ///
    /// # Errors
    /// [`Invalid`] naming `field`; the value is not repeated, it is personal.
    pub fn read(field: &'static str, value: &str) -> Result<Normal, Invalid> {
        let channel = if value.contains('@') {
            Channel::Email
        } else {
            Channel::Sms
        };
        Normal::of(field, channel, value)
    }

    /// Reads `value` as what `channel` needs.
    ///
    /// # Errors
    /// As [`Normal::read`].
    pub fn of(field: &'static str, channel: Channel, value: &str) -> Result<Normal, Invalid> {
        let value = match channel {
            Channel::Sms => phone(value)
                .ok_or_else(|| Invalid::new(field, "must be a phone number such as +86 571 8888 0000")),
            Channel::Email => mail(value)
                .ok_or_else(|| Invalid::new(field, "must be a mail address such as name@example.org")),
        };
        value.map(|value| Normal { channel, value })
    }

    /// The way it is used.
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.value
    }
}

fn phone(value: &str) -> Option<String> {
    if value.chars().count() > PHONE_CHARS_MAX {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(value.trim(), Some(Region::CN)).ok()?;
    // A number that can be dialled only inside its own town is no contact: nobody knows which town.
    let possible = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
    matches!(possible, Ok(NumberLengthType::IsPossible)).then(|| {
        PHONE_NUMBER_UTIL
            .format(&number, PhoneNumberFormat::E164)
            .into_owned()
    })
}

fn mail(value: &str) -> Option<String> {
    let value = value.trim();
    let (local, domain) = value.rsplit_once('@')?;
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@')
    };
    let fits = value.chars().count() <= MAIL_CHARS_MAX;
    let lower = value.to_lowercase();
    // Lower case can be longer than what was typed.
    (fits && plain(local) && plain(domain) && domain.contains('.') && lower.len() <= 320).then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<String> {
        Normal::read("value", value).ok().map(|normal| normal.value)
    }

    #[test]
    fn the_same_contact_typed_differently_has_one_form() {
        let table = [
            ("+86 199 0000 0001", "+8619900000001"),
            ("19900000001", "+8619900000001"),
            ("0086-19900000001", "+8619900000001"),
            ("0571 8888 0000", "+8657188880000"),
            ("+44 7700 900123", "+447700900123"),
            (" Li.Wei@Example.ORG ", "li.wei@example.org"),
        ];
        for (typed, normal) in table {
            assert_eq!(read(typed).as_deref(), Some(normal), "{typed}");
        }
    }

    #[test]
    fn what_is_neither_a_number_nor_an_address_is_refused_without_repeating_it() {
        let long = "1".repeat(200);
        for typed in ["", "12", "hello", "a@b", "@b.test", "a b@c.test", "a@@b.c", &long] {
            let error = Normal::read("value", typed).expect_err(typed);
            assert_eq!(error.field, "value");
            assert!(typed.len() < 3 || !error.must.contains(typed));
        }
    }
}
