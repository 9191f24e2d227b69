//! Questions in text, and what of the answer a table row names.

use chrono::{DateTime, SecondsFormat, Utc};
use relight_policy::{Answer, Pack, Question};

/// Asks `pack` a question; `facts` are `key=value` words separated by spaces.
pub fn ask(pack: &str, question: &str, facts: &str) -> Answer {
    let facts: Vec<_> = facts
        .split_whitespace()
        .map(|fact| fact.split_once('=').expect("a fact is key=value"))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let (question, case) = Question::read(question, &facts).expect("the facts read well");
    Pack::load(pack).expect("the pack loads").ask(&question, &case)
}

/// An instant as the answer's zone shows it, or `-`.
pub fn shown(answer: &Answer, at: Option<DateTime<Utc>>) -> String {
    at.map_or("-".to_owned(), |at| {
        at.with_timezone(&answer.zone)
            .to_rfc3339_opts(SecondsFormat::Secs, false)
    })
}

/// An instant written in RFC 3339.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's own instant")
}
