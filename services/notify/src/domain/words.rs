//! The variables of a message: what happened, in the words of one language and the clock of one place.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use chrono_tz::Tz;

use super::notice::{Language, Purpose};

/// Variables of a message, by name.
pub type Vars = BTreeMap<String, String>;

/// Who we are towards customers.
#[derive(Debug, Clone)]
pub struct House {
    /// Name in Chinese.
    pub org_zh: String,
    /// Name in English.
    pub org_en: String,
    /// Enquiry number.
    pub phone: String,
}

/// What a message is about, before it is put into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// A report was accepted.
    Accepted {
        /// Spoken number of the report.
        number: String,
    },
    /// A crew set out.
    CrewEnRoute {
        /// Spoken number of the incident.
        number: String,
        /// When it is expected there.
        eta_at: Option<DateTime<Utc>>,
    },
    /// Supply is expected back.
    Etr {
        /// Spoken number of the incident.
        number: String,
        /// When.
        etr_at: DateTime<Utc>,
        /// The estimate before.
        previous_at: Option<DateTime<Utc>>,
    },
    /// Supply is back.
    Restored {
        /// Spoken number of the incident.
        number: String,
        /// Since when.
        on_at: DateTime<Utc>,
        /// They are fed another way, while the fault or the work goes on.
        by_switching: bool,
    },
    /// A one-time code.
    Code {
        /// The code.
        code: String,
        /// How long it is good, minutes.
        minutes: i64,
    },
    /// An answer said that the contact is somebody else's.
    WrongPerson,
    /// Is supply back?
    StillOff {
        /// Spoken number of the incident.
        number: String,
        /// Since when it should be.
        on_at: DateTime<Utc>,
        /// How long it may be answered, hours.
        hours: i64,
    },
    /// What was understood of the answer.
    StillOffAnswer {
        /// Spoken number of the incident.
        number: String,
        /// It is back.
        is_back: bool,
    },
}

/// Longest spoken number; longer ones lose their end.
pub const NUMBER_MAX: usize = 16;

impl Facts {
    /// What the message is for.
    pub fn purpose(&self) -> Purpose {
        match self {
            Facts::Accepted { .. } => Purpose::Accepted,
            Facts::CrewEnRoute { .. } => Purpose::CrewEnRoute,
            Facts::Etr { .. } => Purpose::Etr,
            Facts::Restored { .. } => Purpose::Restored,
            Facts::Code { .. } => Purpose::Code,
            Facts::WrongPerson => Purpose::WrongPerson,
            Facts::StillOff { .. } => Purpose::StillOff,
            Facts::StillOffAnswer { .. } => Purpose::StillOffAnswer,
        }
    }

    /// The variables its template may use; one that is not known is left out.
    pub fn vars(&self, house: &House, language: Language, zone: Tz) -> Vars {
        let clock = |at| clock(at, language, zone);
        let own = match self {
            Facts::Accepted { number } => vec![("no", Some(short(number)))],
            Facts::CrewEnRoute { number, eta_at } => vec![
                ("no", Some(short(number))),
                ("eta", eta_at.map(|at| clock(round_up(at, 5)))),
            ],
            Facts::Etr {
                number,
                etr_at,
                previous_at,
            } => vec![
                ("no", Some(short(number))),
                ("etr", Some(clock(round_up(*etr_at, 15)))),
                ("was", was(*etr_at, *previous_at).map(clock)),
            ],
            Facts::Restored {
                number,
                on_at,
                by_switching,
            } => vec![
                ("no", Some(short(number))),
                ("on", Some(clock(*on_at))),
                ("fed", by_switching.then(|| "1".to_owned())),
            ],
            Facts::Code { code, minutes } => {
                vec![
                    ("code", Some(code.clone())),
                    ("minutes", Some(minutes.to_string())),
                ]
            }
            Facts::WrongPerson => Vec::new(),
            Facts::StillOff { number, on_at, hours } => vec![
                ("no", Some(short(number))),
                ("on", Some(clock(*on_at))),
                ("hours", Some(hours.to_string())),
            ],
            Facts::StillOffAnswer { number, is_back } => vec![
                ("no", Some(short(number))),
                ("yes", is_back.then(|| "1".to_owned())),
            ],
        };
        named(house, language, own)
    }
}

/// Variables with the house's own; one without a value is left out.
pub fn named(
    house: &House,
    language: Language,
    own: impl IntoIterator<Item = (&'static str, Option<String>)>,
) -> Vars {
    let org = match language {
        Language::ZhCn => &house.org_zh,
        Language::En => &house.org_en,
    };
    let house = [("org", Some(org.clone())), ("tel", Some(house.phone.clone()))];
    house
        .into_iter()
        .chain(own)
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// The earlier estimate as it was said, unless it was said with the same words.
fn was(etr_at: DateTime<Utc>, previous_at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let said = round_up(previous_at?, 15);
    (said != round_up(etr_at, 15)).then_some(said)
}

/// The next full `minutes`: an estimate is never rounded to an earlier time.
fn round_up(at: DateTime<Utc>, minutes: i64) -> DateTime<Utc> {
    let step = TimeDelta::minutes(minutes);
    match at.duration_trunc(step) {
        Ok(down) if down < at => down + step,
        _ => at,
    }
}

/// Day and time on the clocks of the place.
fn clock(at: DateTime<Utc>, language: Language, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    match language {
        Language::ZhCn => local.format("%-d日%H:%M").to_string(),
        Language::En => local.format("%H:%M on %-d %b").to_string(),
    }
}

/// Day with its month and time on the clocks of the place, for what is days ahead.
pub fn date_and_clock(at: DateTime<Utc>, language: Language, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    match language {
        Language::ZhCn => local.format("%-m月%-d日%H:%M").to_string(),
        Language::En => local.format("%-d %b %H:%M").to_string(),
    }
}

/// A spoken number, no longer than the templates were measured with.
pub fn short(number: &str) -> String {
    number.chars().take(NUMBER_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHANGHAI: Tz = chrono_tz::Asia::Shanghai;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn vars(facts: &Facts, language: Language) -> Vars {
        let house = House {
            org_zh: "示范供电".into(),
            org_en: "Demo Electric".into(),
            phone: "95598".into(),
        };
        facts.vars(&house, language, SHANGHAI)
    }

    #[test]
    fn an_estimate_is_local_and_rounded_up_to_a_quarter() {
        let etr = |etr: &str, before: Option<&str>| {
            let facts = Facts::Etr {
                number: "I-1".into(),
                etr_at: at(etr),
                previous_at: before.map(at),
            };
            let (zh, en) = (vars(&facts, Language::ZhCn), vars(&facts, Language::En));
            (zh["etr"].clone(), en["etr"].clone(), zh.get("was").cloned())
        };
        let said = |zh: &str, en: &str, was: Option<&str>| (zh.into(), en.into(), was.map(Into::into));
        let table = [
            (
                "2026-11-22T10:16:00Z",
                None,
                said("22日18:30", "18:30 on 22 Nov", None),
            ),
            (
                "2026-11-22T10:30:00Z",
                None,
                said("22日18:30", "18:30 on 22 Nov", None),
            ),
            (
                "2026-11-22T15:46:00Z",
                None,
                said("23日00:00", "00:00 on 23 Nov", None),
            ),
            (
                "2026-11-22T11:00:00Z",
                Some("2026-11-22T10:20:00Z"),
                said("22日19:00", "19:00 on 22 Nov", Some("22日18:30")),
            ),
            // The same quarter as before: nothing "was" otherwise.
            (
                "2026-11-22T10:29:00Z",
                Some("2026-11-22T10:16:00Z"),
                said("22日18:30", "18:30 on 22 Nov", None),
            ),
        ];
        for (etr_at, before, expected) in table {
            assert_eq!(etr(etr_at, before), expected, "{etr_at}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out_and_what_is_too_long_is_cut() {
        let facts = Facts::CrewEnRoute {
            number: "9".repeat(50),
            eta_at: None,
        };
        let vars = vars(&facts, Language::En);
        assert_eq!(vars["no"].len(), NUMBER_MAX);
        assert!(!vars.contains_key("eta"));
    }
}
