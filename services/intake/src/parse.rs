//! Reads an AcceptReport from the wire. Every refusal names its field; a danger report is never refused for a detail:
//! what is wrong is left out, cut or kept as typed.

use relight_common::{
    Claims, Invalid, Role,
    wire::{self, ACCOUNT_MAX, REPORTER_NAME_MAX},
};
use relight_proto::{common::v1::Language, intake::v1::AcceptReportRequest};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

use crate::domain::{
    place::Position,
    report::{Channel, Draft, Neighbours},
};

const PHONE_MAX: usize = 40;
const ADDRESS_MAX: usize = 300;
const DANGER_NOTE_MAX: usize = 500;
const NOTE_MAX: usize = 2_000;

/// Who enters reports that others made before.
const LATE_ENTRY: [Role; 5] = [
    Role::Agent,
    Role::Dispatcher,
    Role::UnitDesk,
    Role::Admin,
    Role::Service,
];

/// The report in `message`.
///
/// # Errors
/// [`Invalid`] naming the first field out of its bounds.
pub(crate) fn draft(message: &AcceptReportRequest, claims: &Claims) -> Result<Draft, Invalid> {
    let read = Reader {
        danger: message.danger,
    };
    let account = read.account(&message.account)?;
    Ok(Draft {
        danger: message.danger,
        danger_note: read.text("danger_note", &message.danger_note, DANGER_NOTE_MAX)?,
        account: (!account.is_empty()).then_some(account),
        name: read.text("reporter_name", &message.reporter_name, REPORTER_NAME_MAX)?,
        phone: read.phone(&message.reporter_phone)?,
        address: read.text("address", &message.address, ADDRESS_MAX)?,
        position: read.or(position(message), None)?,
        channel: read.or(channel(&message.channel), Channel::Web)?,
        reported_at: read.or(reported_at(message, claims), None)?,
        note: read.text("note", &message.note, NOTE_MAX)?,
        language: read.or(language(message.language), "")?,
        neighbours: read.or(neighbours(&message.neighbours), Neighbours::Unknown)?,
        confidential: message.confidential,
    })
}

struct Reader {
    danger: bool,
}

impl Reader {
    fn or<T>(&self, read: Result<T, Invalid>, instead: T) -> Result<T, Invalid> {
        match read {
            Err(_) if self.danger => Ok(instead),
            read => read,
        }
    }

    fn text(&self, field: &'static str, value: &str, max: usize) -> Result<String, Invalid> {
        self.or(wire::text(field, value, max), String::new()).map(|text| {
            // Only a danger report comes here with something left out.
            if text.is_empty() { clip(value, max) } else { text }
        })
    }

    /// A number that is cut is somebody else's: in a danger report it is left out instead.
    fn account(&self, value: &str) -> Result<String, Invalid> {
        self.or(wire::text("account", value, ACCOUNT_MAX), String::new())
    }

    fn phone(&self, value: &str) -> Result<String, Invalid> {
        self.or(phone(value), clip(value, PHONE_MAX))
    }
}

/// The printable beginning of `value`.
fn clip(value: &str, max: usize) -> String {
    value
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(max)
        .collect()
}

/// E.164; one without a country code is taken as Chinese. Empty stays empty. The value is personal and not repeated.
fn phone(value: &str) -> Result<String, Invalid> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(String::new());
    }
    e164(value).ok_or_else(|| {
        Invalid::new(
            "reporter_phone",
            "must be a phone number such as +86 571 8888 0000",
        )
    })
}

/// The E.164 form of something that is a phone number.
pub(crate) fn e164(value: &str) -> Option<String> {
    if value.chars().count() > PHONE_MAX {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(value, Some(Region::CN)).ok()?;
    let possible = PHONE_NUMBER_UTIL.is_possible_number(&number);
    possible.then(|| {
        PHONE_NUMBER_UTIL
            .format(&number, PhoneNumberFormat::E164)
            .into_owned()
    })
}

fn position(message: &AcceptReportRequest) -> Result<Option<Position>, Invalid> {
    let read = message
        .position
        .map(|point| wire::point("position", point))
        .transpose()?;
    Ok(read.map(|(lon, lat)| Position { lon, lat }))
}

fn channel(word: &str) -> Result<Channel, Invalid> {
    Channel::parse(word).ok_or_else(|| {
        let words: Vec<_> = Channel::ALL.iter().map(|channel| channel.word()).collect();
        Invalid::new("channel", format!("must be one of {}", words.join(", ")))
    })
}

fn neighbours(word: &str) -> Result<Neighbours, Invalid> {
    Neighbours::parse(word).ok_or_else(|| Invalid::new("neighbours", "must be on or off, or left out"))
}

/// Only those who enter what others told them may say when that was: it starts the arrival clock.
fn reported_at(
    message: &AcceptReportRequest,
    claims: &Claims,
) -> Result<Option<chrono::DateTime<chrono::Utc>>, Invalid> {
    let at = wire::instant_opt("reported_at", message.reported_at)?;
    if at.is_some() && !claims.has(&LATE_ENTRY) {
        return Err(Invalid::new(
            "reported_at",
            "must be left out: only staff enter reports made before",
        ));
    }
    Ok(at)
}

fn language(number: i32) -> Result<&'static str, Invalid> {
    match Language::try_from(number) {
        Ok(Language::Unspecified) => Ok(""),
        Ok(Language::ZhCn) => Ok("zh-CN"),
        Ok(Language::En) => Ok("en"),
        Err(_) => Err(Invalid::new(
            "language",
            "must be LANGUAGE_ZH_CN or LANGUAGE_EN, or left out",
        )),
    }
}
