//! Questions and facts as text: `planned.start` with `published_at=2026-03-01T09:00:00+08:00`.
//!
//! A fact that is left out is not known. A key the question does not have, a value that cannot be read and a key given twice
//! are errors that name the key and say what is right.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    AreaClass, ArrearsDisconnect, ArrearsReconnect, Case, Channel, ComplaintAnswer, ComplaintKind,
    CustomerClass, FaultArrival, Hold, PlannedChange, PlannedStart, PlannedTalks, Question, TemporaryStart,
};

/// What is wrong with a question in text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// No such question.
    #[error("there is no question {0:?}; there are {1}")]
    Question(String, String),
    /// The question has no such key.
    #[error("{question} has no key {key:?}; its keys are {keys}")]
    Key {
        /// The question.
        question: &'static str,
        /// The key given.
        key: String,
        /// The keys there are.
        keys: String,
    },
    /// A key was given twice.
    #[error("the key {0} is given twice")]
    Twice(String),
    /// A value that cannot be read.
    #[error("{key}: {value:?} cannot be read; {right}")]
    Value {
        /// The key.
        key: String,
        /// The value given.
        value: String,
        /// What is right.
        right: String,
    },
}

impl FactError {
    /// Whether the question was put wrongly (and not a value of it).
    pub fn is_usage(&self) -> bool {
        !matches!(self, FactError::Value { .. })
    }
}

/// The questions with their keys, `zone` beside them.
pub const QUESTIONS: [(&str, &[&str]); 8] = [
    (
        "planned.start",
        &["published_at", "individual_at", "off_at", "now"],
    ),
    (
        "planned.change",
        &["noticed_at", "off_at", "on_at", "new_off_at", "new_on_at", "now"],
    ),
    ("planned.talks", &["proposed_at", "at"]),
    ("temporary.start", &["published_at", "off_at"]),
    (
        "arrears.disconnect",
        &[
            "due_on",
            "reminded_at",
            "served_at",
            "notified_stop_at",
            "pre_noticed_at",
            "at",
            "balance",
            "class",
            "holds",
        ],
    ),
    ("arrears.reconnect", &["paid_at"]),
    ("fault.arrival", &["accepted_at", "area"]),
    ("complaint.answer", &["accepted_at", "kind", "channel"]),
];

impl Question {
    /// Reads a question and its facts.
    ///
    /// # Errors
    /// [`FactError`]: an unknown question or key, a key given twice, a value that cannot be read.
    pub fn read(name: &str, facts: &[(String, String)]) -> Result<(Question, Case), FactError> {
        let (question, keys) = QUESTIONS
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| {
                let known: Vec<_> = QUESTIONS.iter().map(|(known, _)| *known).collect();
                FactError::Question(name.to_owned(), known.join(", "))
            })?;
        let facts = Facts::new(question, keys, facts)?;
        let case = Case {
            zone: facts.zone()?,
            ruled_at: None,
        };
        Ok((facts.question(question)?, case))
    }
}

struct Facts<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Facts<'a> {
    fn new(question: &'static str, keys: &[&str], given: &'a [(String, String)]) -> Result<Self, FactError> {
        let mut facts = BTreeMap::new();
        for (key, value) in given {
            if key != "zone" && !keys.contains(&key.as_str()) {
                return Err(FactError::Key {
                    question,
                    key: key.clone(),
                    keys: format!("{}, zone", keys.join(", ")),
                });
            }
            if facts.insert(key.as_str(), value.trim()).is_some() {
                return Err(FactError::Twice(key.clone()));
            }
        }
        Ok(Facts(facts))
    }

    fn question(&self, name: &str) -> Result<Question, FactError> {
        Ok(match name {
            "planned.start" => Question::PlannedStart(PlannedStart {
                published_at: self.instant("published_at")?,
                individual_at: self.instant("individual_at")?,
                off_at: self.instant("off_at")?,
                now: self.instant("now")?,
            }),
            "planned.change" => Question::PlannedChange(PlannedChange {
                noticed_at: self.instant("noticed_at")?,
                off_at: self.instant("off_at")?,
                on_at: self.instant("on_at")?,
                new_off_at: self.instant("new_off_at")?,
                new_on_at: self.instant("new_on_at")?,
                now: self.instant("now")?,
            }),
            "planned.talks" => Question::PlannedTalks(PlannedTalks {
                proposed_at: self.instant("proposed_at")?,
                at: self.instant("at")?,
            }),
            "temporary.start" => Question::TemporaryStart(TemporaryStart {
                published_at: self.instant("published_at")?,
                off_at: self.instant("off_at")?,
            }),
            "arrears.disconnect" => self.disconnect()?,
            "arrears.reconnect" => Question::ArrearsReconnect(ArrearsReconnect {
                paid_at: self.instant("paid_at")?,
            }),
            "fault.arrival" => Question::FaultArrival(FaultArrival {
                accepted_at: self.instant("accepted_at")?,
                area: self.word("area", &AreaClass::ALL, AreaClass::word)?,
            }),
            _ => Question::ComplaintAnswer(ComplaintAnswer {
                accepted_at: self.instant("accepted_at")?,
                kind: self.word("kind", ComplaintKind::ALL, ComplaintKind::word)?,
                channel: self.word("channel", Channel::ALL, Channel::word)?,
            }),
        })
    }

    fn disconnect(&self) -> Result<Question, FactError> {
        Ok(Question::ArrearsDisconnect(ArrearsDisconnect {
            due_on: self.read("due_on", "write a date such as 2026-03-01", |text| {
                text.parse::<NaiveDate>().ok()
            })?,
            reminded_at: self.instant("reminded_at")?,
            served_at: self.instant("served_at")?,
            notified_stop_at: self.instant("notified_stop_at")?,
            pre_noticed_at: self.instant("pre_noticed_at")?,
            at: self.instant("at")?,
            balance_cents: self.read("balance", "write an amount such as 120.50", cents)?,
            class: self.word("class", CustomerClass::ALL, CustomerClass::word)?,
            holds: self.holds()?,
            filed_at: None,
            manager_approved_at: None,
        }))
    }

    /// A list separated by commas; empty, or `none`, when nothing stands in the way.
    fn holds(&self) -> Result<Vec<Hold>, FactError> {
        let text = self.0.get("holds").copied().unwrap_or_default();
        let words = text.split(',').map(str::trim);
        words
            .filter(|word| !word.is_empty() && text != "none")
            .map(|word| {
                Hold::parse(word).ok_or_else(|| wrong("holds", word, &use_one_of(Hold::ALL, Hold::word)))
            })
            .collect()
    }

    fn zone(&self) -> Result<Option<chrono_tz::Tz>, FactError> {
        self.read("zone", "write an IANA zone such as Asia/Shanghai", |text| {
            text.parse().ok()
        })
    }

    fn instant(&self, key: &str) -> Result<Option<DateTime<Utc>>, FactError> {
        let right = "write a time with its offset such as 2026-03-01T09:00:00+08:00";
        self.read(key, right, |text| {
            DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|at| at.with_timezone(&Utc))
        })
    }

    fn word<T: Copy>(
        &self,
        key: &str,
        all: &[T],
        spelt: fn(T) -> &'static str,
    ) -> Result<Option<T>, FactError> {
        let known = |text: &str| all.iter().copied().find(|word| spelt(*word) == text);
        self.read(key, &use_one_of(all, spelt), known)
    }

    fn read<T>(
        &self,
        key: &str,
        right: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, FactError> {
        let Some(text) = self.0.get(key) else {
            return Ok(None);
        };
        read(text).map(Some).ok_or_else(|| wrong(key, text, right))
    }
}

fn wrong(key: &str, value: &str, right: &str) -> FactError {
    FactError::Value {
        key: key.to_owned(),
        value: value.to_owned(),
        right: right.to_owned(),
    }
}

fn use_one_of<T: Copy>(all: &[T], spelt: fn(T) -> &'static str) -> String {
    let words: Vec<_> = all.iter().map(|word| spelt(*word)).collect();
    format!("use {}", words.join(", "))
}

/// An amount with at most two decimals, in hundredths.
fn cents(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || part.len() > 2 || (digits.contains('.') && !plain(part)) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    whole.checked_mul(100)?.checked_add(part)?.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_at_most_two_decimals() {
        let cases = [
            ("120.50", Some(12_050)),
            ("120.5", Some(12_050)),
            ("120", Some(12_000)),
            ("0", Some(0)),
            ("-3.01", Some(-301)),
            ("0.07", Some(7)),
            ("", None),
            (".5", None),
            ("1.", None),
            ("1.234", None),
            ("1,000", None),
            ("1e3", None),
            ("--1", None),
            ("+1", None),
            ("9223372036854775807", None),
        ];
        for (text, right) in cases {
            assert_eq!(cents(text), right, "{text:?}");
        }
    }
}
