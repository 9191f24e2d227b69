//! The templates: versioned files inside the program. A message names the version it was made for and is rendered with
//! that one, also after a newer one came. A text that was sent once is never edited: a change is a new file.

use std::collections::HashMap;

use minijinja::{Environment, UndefinedBehavior};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    domain::{
        notice::{Channel, Language},
        words::Vars,
    },
    error::Error,
};

const FILES: [&str; 35] = [
    include_str!("../templates/accepted.v1.toml"),
    include_str!("../templates/crew_en_route.v1.toml"),
    include_str!("../templates/etr.v1.toml"),
    include_str!("../templates/restored.v1.toml"),
    include_str!("../templates/restored.v2.toml"),
    include_str!("../templates/code.v1.toml"),
    include_str!("../templates/outage_notice.v1.toml"),
    include_str!("../templates/outage_notice.v2.toml"),
    include_str!("../templates/outage_temporary.v1.toml"),
    include_str!("../templates/outage_temporary.v2.toml"),
    include_str!("../templates/outage_important.v1.toml"),
    include_str!("../templates/outage_important.v2.toml"),
    include_str!("../templates/outage_reminder.v1.toml"),
    include_str!("../templates/outage_reminder.v2.toml"),
    include_str!("../templates/outage_changed.v1.toml"),
    include_str!("../templates/outage_late_start.v1.toml"),
    include_str!("../templates/outage_extended.v1.toml"),
    include_str!("../templates/outage_cancelled.v1.toml"),
    include_str!("../templates/outage_void.v1.toml"),
    include_str!("../templates/outage_released.v1.toml"),
    include_str!("../templates/outage_safety.v1.toml"),
    include_str!("../templates/outage_reliability.v1.toml"),
    include_str!("../templates/outage_reliability_over.v1.toml"),
    include_str!("../templates/outage_fault.v1.toml"),
    include_str!("../templates/arrears_reminder.v1.toml"),
    include_str!("../templates/arrears_disconnection.v1.toml"),
    include_str!("../templates/arrears_pre_notice.v1.toml"),
    include_str!("../templates/arrears_disconnected.v1.toml"),
    include_str!("../templates/arrears_payment_received.v1.toml"),
    include_str!("../templates/arrears_reconnected.v1.toml"),
    include_str!("../templates/arrears_withdrawn.v1.toml"),
    include_str!("../templates/arrears_apology.v1.toml"),
    include_str!("../templates/wrong_person.v1.toml"),
    include_str!("../templates/still_off.v1.toml"),
    include_str!("../templates/still_off_answer.v1.toml"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: String,
    version: i32,
    /// Short messages the worst case may take; the lint test holds it.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the lint test and for people"))]
    segments_max: usize,
    #[serde(rename = "zh-CN")]
    zh_cn: Texts,
    en: Texts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    sms: String,
    subject: String,
    mail: String,
}

/// A message in its final words. Its text is personal: no `Debug` of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Of mails.
    pub subject: String,
    /// Text of the SMS, or of the mail.
    pub text: String,
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rendered({} characters)", self.text.chars().count())
    }
}

/// All templates in all versions.
#[derive(Debug)]
pub struct Book {
    templates: Environment<'static>,
    current: HashMap<String, i32>,
}

/// One text of one template.
fn name(key: &str, version: i32, language: Language, part: &str) -> String {
    format!("{key}/{version}/{}/{part}", language.word())
}

impl Book {
    /// Reads the templates of this program.
    ///
    /// # Panics
    /// When one of them is broken, which the tests find first.
    pub fn new() -> Self {
        let mut templates = Environment::new();
        // A variable that is not known may be asked for (`if eta`), never printed.
        templates.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        let mut current: HashMap<String, i32> = HashMap::new();
        for file in files() {
            let newest = current.entry(file.key.clone()).or_insert(file.version);
            *newest = (*newest).max(file.version);
            for (language, texts) in [(Language::ZhCn, file.zh_cn), (Language::En, file.en)] {
                for (part, text) in [
                    ("sms", texts.sms),
                    ("subject", texts.subject),
                    ("mail", texts.mail),
                ] {
                    templates
                        .add_template_owned(name(&file.key, file.version, language, part), text)
                        .expect("the templates are compiled by the tests");
                }
            }
        }
        Self { templates, current }
    }

    /// The version of a template that new messages are made for.
    ///
    /// # Panics
    /// When there is no such template, which the tests find first.
    pub fn current(&self, key: &str) -> i32 {
        *self.current.get(key).expect("every message has a template")
    }

    /// Renders message `id`.
    ///
    /// # Errors
    /// [`Error::Template`] when the version is not in this program or a variable is missing.
    pub fn render(
        &self,
        id: Uuid,
        (key, version): (&str, i32),
        language: Language,
        channel: Channel,
        vars: &Vars,
    ) -> Result<Rendered, Error> {
        let render = |part: &str| {
            let name = name(key, version, language, part);
            let text = self
                .templates
                .get_template(&name)
                .and_then(|template| template.render(vars));
            text.map_err(|error| Error::Template(format!("{name} of message {id}"), error))
        };
        Ok(match channel {
            Channel::Sms => Rendered {
                subject: String::new(),
                text: render("sms")?,
            },
            Channel::Email => Rendered {
                subject: render("subject")?,
                text: render("mail")?,
            },
        })
    }
}

impl Default for Book {
    fn default() -> Self {
        Self::new()
    }
}

fn files() -> impl Iterator<Item = File> {
    FILES
        .iter()
        .map(|text| toml::from_str(text).expect("the templates are read by the tests"))
}

#[cfg(test)]
mod tests;
