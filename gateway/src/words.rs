//! The words of the pages: one file per language, one term per thing; and times in words people use.

use std::{collections::HashMap, sync::LazyLock};

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Datelike, Days, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;
use relight_common::edge::cookie;

use crate::api::Language;

/// Cookie of the language chosen by hand.
pub const LANGUAGE_COOKIE: &str = "relight_lang";

const FILES: [(Language, &str); 2] = [
    (Language::ZhCn, include_str!("../words/zh-CN.toml")),
    (Language::En, include_str!("../words/en.toml")),
];

type Book = HashMap<String, String>;

static BOOKS: LazyLock<[(Language, Book); 2]> =
    LazyLock::new(|| FILES.map(|(language, text)| (language, read(text))));

/// `[section] key` becomes `section.key`.
fn read(text: &str) -> Book {
    let sections: HashMap<String, HashMap<String, String>> =
        toml::from_str(text).expect("embedded, and read by a test");
    let words = sections.into_iter().flat_map(|(section, words)| {
        words
            .into_iter()
            .map(move |(key, word)| (format!("{section}.{key}"), word))
    });
    words.collect()
}

/// The words for `key`, with `{name}` filled in; `None` when there are none.
pub fn find(language: Language, key: &str, values: &[(&str, &str)]) -> Option<String> {
    let (_, book) = BOOKS.iter().find(|(l, _)| *l == language)?;
    let mut words = book.get(key)?.clone();
    for (name, value) in values {
        words = words.replace(&format!("{{{name}}}"), value);
    }
    Some(words)
}

/// Like [`find`]; a key nobody wrote shows as itself.
pub fn say(language: Language, key: &str, values: &[(&str, &str)]) -> String {
    find(language, key, values).unwrap_or_else(|| key.to_owned())
}

/// The key of the words for why somebody is off, by the ledger's class; a class of another release counts as a fault.
pub fn why(class: &str) -> &'static str {
    match class {
        "PLANNED" => "why.planned",
        "TEMPORARY" => "why.temporary",
        "CURTAILMENT" => "why.curtailment",
        "SAFETY" => "why.safety",
        "ARREARS" => "why.arrears",
        "CUSTOMER_REQUEST" => "why.customer_request",
        _ => "why.fault",
    }
}

/// BCP 47 tag.
pub fn tag(language: Language) -> &'static str {
    match language {
        Language::ZhCn => "zh-CN",
        Language::En => "en",
    }
}

/// The language a tag such as `en-GB` asks for.
pub fn by_tag(tag: &str) -> Option<Language> {
    let main = tag.split(['-', '_']).next().unwrap_or_default();
    match main.to_ascii_lowercase().as_str() {
        "zh" => Some(Language::ZhCn),
        "en" => Some(Language::En),
        _ => None,
    }
}

/// By `?lang=`, then the cookie, then the browser's wish, then Chinese.
pub fn choose(query: &str, headers: &HeaderMap) -> Language {
    asked(query)
        .or_else(|| cookie(headers, LANGUAGE_COOKIE).and_then(by_tag))
        .or_else(|| accepted(headers))
        .unwrap_or_default()
}

/// The language of `?lang=`.
pub fn asked(query: &str) -> Option<Language> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| *key == "lang")
        .and_then(|(_, tag)| by_tag(tag))
}

fn accepted(headers: &HeaderMap) -> Option<Language> {
    let wishes = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut wishes: Vec<(f32, Language)> = wishes
        .split(',')
        .filter_map(|wish| {
            let (tag, weight) = wish.trim().split_once(";q=").unwrap_or((wish.trim(), "1"));
            Some((weight.trim().parse().ok()?, by_tag(tag)?))
        })
        .collect();
    wishes.sort_by(|a, b| b.0.total_cmp(&a.0));
    wishes.first().map(|(_, language)| *language)
}

/// An instant in words, seen from `now`: `今天下午3点40分`, `today at 3:40pm`.
pub fn when(language: Language, at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (at, now) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let day = day(language, at.date_naive(), now.date_naive());
    match language {
        Language::ZhCn => format!("{day}{}", chinese_time(at.hour(), at.minute())),
        Language::En => format!("{day} at {}", english_time(at.hour(), at.minute())),
    }
}

/// A span in words, the day said once when both ends are on it: `on 4 December from 8am to 2pm`.
pub fn span(
    language: Language,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
    zone: Tz,
) -> String {
    let (begins, ends) = (from.with_timezone(&zone), to.with_timezone(&zone));
    let same = begins.date_naive() == ends.date_naive();
    let today = now.with_timezone(&zone).date_naive();
    match language {
        Language::ZhCn if same => format!(
            "{}至{}",
            when(language, from, now, zone),
            chinese_time(ends.hour(), ends.minute())
        ),
        Language::ZhCn => format!(
            "{}至{}",
            when(language, from, now, zone),
            when(language, to, now, zone)
        ),
        Language::En if same => format!(
            "{} from {} to {}",
            day(language, begins.date_naive(), today),
            english_time(begins.hour(), begins.minute()),
            english_time(ends.hour(), ends.minute())
        ),
        Language::En => format!(
            "{} until {}",
            when(language, from, now, zone),
            when(language, to, now, zone)
        ),
    }
}

/// The time of day with seconds, for the age of data.
pub fn clock(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%H:%M:%S").to_string()
}

/// The time of day, with the date when it is another day.
pub fn short(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let at = at.with_timezone(&zone);
    let same = at.date_naive() == now.with_timezone(&zone).date_naive();
    at.format(if same { "%H:%M" } else { "%m-%d %H:%M" }).to_string()
}

fn day(language: Language, day: NaiveDate, today: NaiveDate) -> String {
    let is = |offset: Option<NaiveDate>| offset == Some(day);
    let word = if day == today {
        Some(("今天", "today"))
    } else if is(today.checked_add_days(Days::new(1))) {
        Some(("明天", "tomorrow"))
    } else if is(today.checked_sub_days(Days::new(1))) {
        Some(("昨天", "yesterday"))
    } else {
        None
    };
    match (language, word) {
        (Language::ZhCn, Some((word, _))) | (Language::En, Some((_, word))) => word.to_owned(),
        (Language::ZhCn, None) if day.year() == today.year() => day.format("%-m月%-d日").to_string(),
        (Language::ZhCn, None) => day.format("%Y年%-m月%-d日").to_string(),
        (Language::En, None) if day.year() == today.year() => day.format("on %-d %B").to_string(),
        (Language::En, None) => day.format("on %-d %B %Y").to_string(),
    }
}

fn chinese_time(hour: u32, minute: u32) -> String {
    let part = match hour {
        0..=4 => "凌晨",
        5..=7 => "早上",
        8..=11 => "上午",
        12 => "中午",
        13..=17 => "下午",
        _ => "晚上",
    };
    let hour = if hour > 12 { hour - 12 } else { hour };
    match minute {
        0 => format!("{part}{hour}点"),
        1..=9 => format!("{part}{hour}点0{minute}分"),
        _ => format!("{part}{hour}点{minute}分"),
    }
}

fn english_time(hour: u32, minute: u32) -> String {
    match (hour, minute) {
        (0, 0) => return "midnight".to_owned(),
        (12, 0) => return "midday".to_owned(),
        _ => {}
    }
    let half = if hour < 12 { "am" } else { "pm" };
    let hour = match hour % 12 {
        0 => 12,
        hour => hour,
    };
    match minute {
        0 => format!("{hour}{half}"),
        _ => format!("{hour}:{minute:02}{half}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(words: &str) -> BTreeSet<&str> {
        words
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect()
    }

    #[test]
    fn both_languages_have_the_same_keys_with_the_same_values() {
        let [(_, chinese), (_, english)] = &*BOOKS;
        let keys = |book: &Book| book.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(chinese), keys(english));
        assert!(chinese.len() > 150, "{}", chinese.len());
        for (key, words) in chinese {
            assert_eq!(names(words), names(&english[key]), "{key}");
            assert!(
                !words.trim().is_empty() && !english[key].trim().is_empty(),
                "{key}"
            );
        }
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let zone = chrono_tz::Asia::Shanghai;
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-11-22T04:00:00Z");
        let table = [
            ("2026-11-22T07:40:00Z", "今天下午3点40分", "today at 3:40pm"),
            ("2026-11-22T04:00:00Z", "今天中午12点", "today at midday"),
            ("2026-11-22T16:05:00Z", "明天凌晨0点05分", "tomorrow at 12:05am"),
            ("2026-11-21T01:00:00Z", "昨天上午9点", "yesterday at 9am"),
            (
                "2026-11-25T11:30:00Z",
                "11月25日晚上7点30分",
                "on 25 November at 7:30pm",
            ),
            (
                "2025-11-24T23:30:00Z",
                "2025年11月25日早上7点30分",
                "on 25 November 2025 at 7:30am",
            ),
        ];
        for (instant, chinese, english) in table {
            assert_eq!(when(Language::ZhCn, at(instant), now, zone), chinese);
            assert_eq!(when(Language::En, at(instant), now, zone), english);
        }
    }

    #[test]
    fn the_language_asked_for_wins_over_the_cookie_over_the_browser() {
        let headers = |cookie: &str, accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            headers
        };
        let table = [
            ("a=1&lang=en", "relight_lang=zh-CN", "zh", Language::En),
            ("", "relight_lang=en", "zh-CN,zh;q=0.9", Language::En),
            ("", "x=1", "fr;q=1, zh;q=0.5, en-GB;q=0.8", Language::En),
            ("lang=fr", "x=1", "zh-TW", Language::ZhCn),
            ("", "x=1", "fr", Language::ZhCn),
        ];
        for (query, cookie, accept, expected) in table {
            assert_eq!(
                choose(query, &headers(cookie, accept)),
                expected,
                "{query} {cookie} {accept}"
            );
        }
    }
}
