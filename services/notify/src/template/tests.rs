//! Every text in both languages, with the longest values it can get.

use super::*;
use crate::{
    channel::sms::{Encoding, measure},
    config::{ORG_EN_MAX, ORG_ZH_MAX, PHONE_MAX},
    domain::{
        debt::{PAY_MAX, TAIL_MAX},
        notice::Purpose,
        outage::{AREA_MAX, LINE_MAX, REASON_MAX},
        words::NUMBER_MAX,
    },
    rpc::CODE_MAX,
};

/// Variables that may be missing.
const OPTIONAL: [&str; 13] = [
    "fed", "yes", "eta", "was", "was_off", "was_on", "also_off", "own", "ack", "temp", "pay", "by", "back",
];

/// The longest value every variable can have, in this language.
fn worst(language: Language) -> Vars {
    let (which, fill, org, amount) = match language {
        Language::ZhCn => (0, "电", "电".repeat(ORG_ZH_MAX), "99999999.99元"),
        Language::En => (1, "W", "W".repeat(ORG_EN_MAX), "CNY 99999999.99"),
    };
    let (soon, later) = [
        ("22日18:30", "12月22日18:30"),
        ("18:30 on 22 Nov", "22 Nov 18:30"),
    ][which];
    let long = |max: [usize; 2]| fill.repeat(max[which]);
    let number = "9".repeat(NUMBER_MAX);
    let vars = [
        ("org", org.as_str()),
        ("tel", &"9".repeat(PHONE_MAX)),
        ("no", &number),
        ("eta", soon),
        ("etr", soon),
        ("was", soon),
        ("on", later),
        ("off", later),
        ("was_off", later),
        ("was_on", later),
        ("also_off", later),
        ("also_on", later),
        ("stop", later),
        ("back", later),
        ("by", later),
        ("line", &long(LINE_MAX)),
        ("area", &long(AREA_MAX)),
        ("reason", &long(REASON_MAX)),
        ("own", "1"),
        ("fed", "1"),
        ("yes", "1"),
        ("ack", "1"),
        ("temp", "1"),
        ("acct", &"9".repeat(TAIL_MAX)),
        ("amt", amount),
        ("due", "2026-11-22"),
        ("hours", "24"),
        ("pay", &long(PAY_MAX)),
        ("code", &"9".repeat(CODE_MAX)),
        ("minutes", "10"),
    ];
    vars.into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The variables a template uses.
fn used(book: &Book, file: &File, language: Language, part: &str) -> std::collections::HashSet<String> {
    let name = name(&file.key, file.version, language, part);
    book.templates
        .get_template(&name)
        .unwrap()
        .undeclared_variables(false)
}

/// Every way the optional variables of a template can be there or not.
fn cases(book: &Book, file: &File, language: Language) -> Vec<Vars> {
    let mut all = worst(language);
    if ["RESTORED", "STILL_OFF"].contains(&file.key.as_str()) {
        // Said on the day.
        all.insert("on".to_owned(), all["etr"].clone());
    }
    let used: Vec<_> = ["sms", "subject", "mail"]
        .into_iter()
        .map(|part| used(book, file, language, part))
        .collect();
    let own = OPTIONAL
        .into_iter()
        .filter(|name| used.iter().any(|part| part.contains(*name)));
    let own: Vec<&str> = own.collect();
    (0..1_u32 << own.len())
        .map(|bits| {
            let missing = own.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
            let mut vars = all.clone();
            missing.for_each(|(_, name)| drop(vars.remove(*name)));
            vars
        })
        .collect()
}

#[test]
fn the_worst_case_of_every_text_keeps_its_number_of_segments_and_english_its_alphabet() {
    let book = Book::new();
    for file in files() {
        for language in Language::ALL {
            for vars in cases(&book, &file, *language) {
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

/// With an ordinary area, line and reason a notice is two short messages at most (domain.md 4.2).
#[test]
fn an_ordinary_notice_takes_two_short_messages() {
    let book = Book::new();
    let ordinary = [
        (
            Language::ZhCn,
            ["示范供电", "城北街道示例路1至20号", "10kV城北线", "检修"],
        ),
        (
            Language::En,
            [
                "Demo Electric",
                "1 to 20 Example Road",
                "North Line",
                "maintenance",
            ],
        ),
    ];
    for file in files() {
        for (language, [org, area, line, reason]) in ordinary {
            let mut vars = worst(language);
            let (on, off) = [("17:00", "12月22日09:00"), ("17:00", "22 Dec 09:00")]
                [usize::from(language == Language::En)];
            let known = [
                ("org", org),
                ("area", area),
                ("line", line),
                ("reason", reason),
                ("on", on),
                ("off", off),
                ("tel", "95598"),
                ("no", "P-20261222-0001"),
                (
                    "amt",
                    ["1234.50元", "CNY 1234.50"][usize::from(language == Language::En)],
                ),
                (
                    "pay",
                    ["营业厅或网上营业厅", "any office or bank"][usize::from(language == Language::En)],
                ),
            ];
            // Two windows are not the ordinary.
            vars.remove("also_off");
            for (name, value) in known {
                vars.insert(name.to_owned(), value.to_owned());
            }
            let key = (file.key.as_str(), file.version);
            let text = book
                .render(Uuid::nil(), key, language, Channel::Sms, &vars)
                .unwrap()
                .text;
            let size = measure(&text);
            assert!(
                size.parts <= 2,
                "{} {language:?} {}: {text}",
                file.key,
                size.cells
            );
        }
    }
}

#[test]
fn both_languages_use_the_same_variables_and_only_known_ones() {
    let book = Book::new();
    for file in files() {
        for part in ["sms", "subject", "mail"] {
            let (zh, en) = (
                used(&book, &file, Language::ZhCn, part),
                used(&book, &file, Language::En, part),
            );
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
                for vars in cases(&book, &file, *language) {
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
        let key = (purpose.template(), book.current(purpose.template()));
        let empty = book.render(Uuid::nil(), key, Language::En, Channel::Sms, &Vars::new());
        assert!(matches!(empty, Err(Error::Template(..))), "{purpose:?}");
    }
}
