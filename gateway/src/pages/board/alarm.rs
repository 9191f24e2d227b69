//! Outages that are not where they have to be, and cases of arrears somebody has to look at, on the wallboard.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::edge::at;
use relight_proto::{arrears::v1::Alarm as ArrearsAlarm, planner::v1::Alarm};
use serde::Serialize;
use uuid::Uuid;

use crate::{api::Language, words};

/// One that nobody has seen yet.
#[derive(Debug, Serialize)]
pub(super) struct AlarmRow {
    alarm_id: String,
    number: String,
    what: String,
    because: String,
    /// What `because` is written in, where that is not the language of the page: screen readers say it right then.
    because_lang: Option<&'static str>,
    raised: String,
    /// What an acknowledgement is sent under.
    command_id: String,
}

impl AlarmRow {
    /// In the words of the reader; a kind of a later release by its own word.
    pub(super) fn of(alarm: &Alarm, language: Language, (now, zone): (DateTime<Utc>, Tz)) -> Self {
        let key = format!("board.alarm_{}", alarm.what);
        let (because, because_lang) = because(alarm, language);
        Self {
            alarm_id: alarm.alarm_id.clone(),
            number: alarm.number.clone(),
            what: words::find(language, &key, &[]).unwrap_or_else(|| alarm.what.clone()),
            because,
            because_lang,
            raised: at(alarm.raised_at).map_or(String::new(), |at| words::short(at, now, zone)),
            command_id: Uuid::now_v7().to_string(),
        }
    }

    /// An alarm of the arrears desk: the meter and the place, where one was cut by mistake.
    pub(super) fn of_arrears(
        alarm: &ArrearsAlarm,
        language: Language,
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let key = format!("board.arrears_{}", alarm.level);
        let address = match language {
            Language::ZhCn => &alarm.address_zh,
            Language::En => &alarm.address_en,
        };
        let position = alarm.position.map(|at| format!("{:.5}, {:.5}", at.lat, at.lon));
        let place = [
            alarm.meter_no.clone(),
            address.clone(),
            position.unwrap_or_default(),
        ];
        let place: Vec<String> = place.into_iter().filter(|part| !part.is_empty()).collect();
        Self {
            alarm_id: alarm.alarm_id.clone(),
            number: alarm.number.clone(),
            what: words::find(language, &key, &[]).unwrap_or_else(|| alarm.level.clone()),
            because: place.join(" · "),
            because_lang: None,
            raised: at(alarm.raised_at).map_or(String::new(), |at| words::short(at, now, zone)),
            command_id: Uuid::now_v7().to_string(),
        }
    }
}

/// Why, in the language of the page where it was said in it, else in English and marked as such.
fn because(alarm: &Alarm, language: Language) -> (String, Option<&'static str>) {
    match language {
        Language::En => (alarm.because.clone(), None),
        Language::ZhCn if alarm.because_zh.is_empty() => (alarm.because.clone(), Some("en")),
        Language::ZhCn => (alarm.because_zh.clone(), None),
    }
}

#[cfg(test)]
mod tests {
    use relight_common::wire::timestamp;

    use super::*;

    #[test]
    fn an_alarm_of_an_outage_is_said_in_the_words_of_the_reader() {
        let now: DateTime<Utc> = "2026-11-22T04:00:00Z".parse().unwrap();
        let alarm = |what: &str| Alarm {
            number: "P-20261127-0001".to_owned(),
            what: what.to_owned(),
            because: "announced for 09:00".to_owned(),
            because_zh: "公告时间09:00".to_owned(),
            raised_at: Some(timestamp(now)),
            ..Alarm::default()
        };
        let said = |what, language| AlarmRow::of(&alarm(what), language, (now, chrono_tz::UTC));
        assert_eq!(said("not_begun", Language::En).what, "Not switched off");
        assert_eq!(said("not_begun", Language::ZhCn).what, "到时未停电");
        assert_eq!(said("of_tomorrow", Language::En).what, "of_tomorrow");
        assert_eq!(said("gate", Language::En).because, "announced for 09:00");
        assert_eq!(said("gate", Language::ZhCn).because, "公告时间09:00");
        assert_eq!(said("gate", Language::ZhCn).because_lang, None);
    }

    /// What a release before raised has English words only: shown, and marked for screen readers.
    #[test]
    fn a_reason_without_chinese_words_is_shown_in_english_and_marked() {
        let alarm = Alarm {
            because: "announced for 09:00".to_owned(),
            ..Alarm::default()
        };
        let said = because(&alarm, Language::ZhCn);
        assert_eq!(said, ("announced for 09:00".to_owned(), Some("en")));
    }
    #[test]
    fn an_alarm_of_arrears_says_the_meter_and_the_place() {
        let now: DateTime<Utc> = "2026-11-22T04:00:00Z".parse().unwrap();
        let alarm = ArrearsAlarm {
            number: "A-20261127-0001".to_owned(),
            level: "unknown_meter".to_owned(),
            meter_no: "M-9".to_owned(),
            address_zh: "文一路1号".to_owned(),
            address_en: "1 Wenyi Road".to_owned(),
            ..ArrearsAlarm::default()
        };
        let said = |language| AlarmRow::of_arrears(&alarm, language, (now, chrono_tz::UTC));
        assert_eq!(said(Language::En).because, "M-9 · 1 Wenyi Road");
        assert_eq!(said(Language::ZhCn).because, "M-9 · 文一路1号");
        assert_eq!(said(Language::ZhCn).what, "误停了无主电能表");
    }

    /// Every level the desk is alarmed with has words of its own on the board.
    #[test]
    fn every_alarm_of_arrears_is_said_in_both_languages() {
        let now: DateTime<Utc> = "2026-11-22T04:00:00Z".parse().unwrap();
        let said = |level: &str, language| {
            let alarm = ArrearsAlarm {
                level: level.to_owned(),
                ..ArrearsAlarm::default()
            };
            AlarmRow::of_arrears(&alarm, language, (now, chrono_tz::UTC)).what
        };
        for level in [
            "watch",
            "at_risk",
            "breach",
            "wrong_person",
            "wrong_meter",
            "unknown_meter",
            "vulnerable",
        ] {
            let (zh, en) = (said(level, Language::ZhCn), said(level, Language::En));
            assert!(zh != level && en != level && zh != en, "{level}: {zh} / {en}");
        }
        assert_eq!(said("of_tomorrow", Language::En), "of_tomorrow");
    }
}
