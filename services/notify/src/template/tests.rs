//! Every text in both languages, with the longest values it can get.

use super::*;
use crate::{
    channel::sms::{Encoding, measure},
    config::{ORG_EN_MAX, ORG_ZH_MAX, PHONE_MAX},
    domain::words::NUMBER_MAX,
    rpc::CODE_MAX,
};

/// The longest value every variable can have, in this language.
fn worst(language: Language) -> Vars {
    let (org, time) = match language {
        Language::ZhCn => ("电".repeat(ORG_ZH_MAX), "22日18:30"),
        Language::En => ("W".repeat(ORG_EN_MAX), "18:30 on 22 Nov"),
    };
    let number = "9".repeat(NUMBER_MAX);
    let vars = [
        ("org", org.as_str()),
        ("tel", &"9".repeat(PHONE_MAX)),
        ("no", &number),
        ("eta", time),
        ("etr", time),
        ("was", time),
        ("on", time),
        ("code", &"9".repeat(CODE_MAX)),
        ("minutes", "10"),
    ];
    vars.into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Every way the optional variables can be there or not.
fn cases(language: Language) -> Vec<Vars> {
    let all = worst(language);
    (0..4)
        .map(|bits| {
            let mut vars = all.clone();
            for (bit, name) in [(1, "eta"), (2, "was")] {
                if bits & bit != 0 {
                    vars.remove(name);
                }
            }
            vars
        })
        .collect()
}

#[test]
fn the_worst_case_of_every_text_keeps_its_number_of_segments_and_english_its_alphabet() {
    let book = Book::new();
    for file in files() {
        for language in Language::ALL {
            for vars in cases(*language) {
                let text = book
                    .render(
                        Uuid::nil(),
                        (&file.key, file.version),
                        *language,
                        Channel::Sms,
                        &vars,
                    )
                    .unwrap()
                    .text;
                let size = measure(&text);
                assert!(
                    size.parts <= file.segments_max,
                    "{} {language:?}: {} cells",
                    file.key,
                    size.cells
                );
                let alphabet = if *language == Language::En {
                    Encoding::Gsm7
                } else {
                    Encoding::Ucs2
                };
                assert_eq!(size.encoding, alphabet, "{} {language:?}: {text}", file.key);
            }
        }
    }
}

#[test]
fn both_languages_use_the_same_variables_and_only_known_ones() {
    let book = Book::new();
    for file in files() {
        for part in ["sms", "subject", "mail"] {
            let used = |language| {
                let name = name(&file.key, file.version, language, part);
                book.templates
                    .get_template(&name)
                    .unwrap()
                    .undeclared_variables(false)
            };
            let (zh, en) = (used(Language::ZhCn), used(Language::En));
            assert_eq!(zh, en, "{} {part}", file.key);
            let known = worst(Language::En);
            assert!(
                en.iter().all(|name| known.contains_key(name)),
                "{} {part}: {en:?}",
                file.key
            );
        }
    }
}

#[test]
fn nothing_is_promised_and_mails_render() {
    let book = Book::new();
    for file in files() {
        for language in Language::ALL {
            for channel in Channel::ALL {
                for vars in cases(*language) {
                    let rendered = book
                        .render(Uuid::nil(), (&file.key, file.version), *language, *channel, &vars)
                        .unwrap();
                    let words = format!("{} {}", rendered.subject, rendered.text).to_lowercase();
                    let promise = words
                        .split(|c: char| !c.is_alphanumeric())
                        .any(|word| word == "will");
                    assert!(
                        !promise && !words.contains('将') && !words.contains("保证"),
                        "{words}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_purpose_has_a_template_and_a_missing_variable_is_an_error() {
    let book = Book::new();
    for purpose in Purpose::ALL {
        let key = (purpose.template(), book.current(*purpose));
        let empty = book.render(Uuid::nil(), key, Language::En, Channel::Sms, &Vars::new());
        assert!(matches!(empty, Err(Error::Template(..))), "{purpose:?}");
    }
}
