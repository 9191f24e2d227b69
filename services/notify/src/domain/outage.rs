//! Notices of planned and temporary outages: which words, how long they are worth sending, whom the night does not put
//! off, and what they take back (domain.md 4.3, operations.md O2, O3, O20, O23).

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{
    notice::{Channel, Language, Purpose, words},
    words::{House, Vars, date_and_clock, named, short},
};

words!(
    /// Why people are told something about an outage.
    Kind {
        /// The legal notice.
        Notice = "notice",
        /// The day before.
        Reminder = "reminder",
        /// Later on the same day.
        Changed = "changed",
        /// It begins later, the end stays.
        LateStart = "late_start",
        /// It takes longer.
        Extended = "extended",
        /// It does not take place.
        Cancelled = "cancelled",
        /// The notice is void: moved to another day.
        Void = "void",
        /// They are not affected any more.
        Released = "released",
        /// Supply was switched off because of danger.
        Safety = "safety",
        /// An important customer has one supply left (O23).
        Reliability = "reliability",
        /// An important customer is off by a fault (O23).
        Fault = "fault",
        /// They have several again.
        ReliabilityOver = "reliability_over",
    }
);

/// Everything that says a time of an outage.
const TIMES: [Purpose; 5] = [
    Purpose::OutageNotice,
    Purpose::OutageReminder,
    Purpose::OutageChanged,
    Purpose::OutageLateStart,
    Purpose::OutageExtended,
];

impl Kind {
    /// What its messages are for.
    pub fn purpose(self) -> Purpose {
        match self {
            Kind::Notice => Purpose::OutageNotice,
            Kind::Reminder => Purpose::OutageReminder,
            Kind::Changed => Purpose::OutageChanged,
            Kind::LateStart => Purpose::OutageLateStart,
            Kind::Extended => Purpose::OutageExtended,
            Kind::Cancelled => Purpose::OutageCancelled,
            Kind::Void => Purpose::OutageVoid,
            Kind::Released => Purpose::OutageReleased,
            Kind::Safety => Purpose::OutageSafety,
            Kind::Reliability => Purpose::OutageReliability,
            Kind::Fault => Purpose::OutageFault,
            Kind::ReliabilityOver => Purpose::OutageReliabilityOver,
        }
    }

    /// What it takes back while it is unsent: times that are not true any more.
    pub fn takes_back(self) -> &'static [Purpose] {
        match self {
            Kind::Notice | Kind::Reminder | Kind::Safety | Kind::Reliability | Kind::Fault => &[],
            Kind::ReliabilityOver => &[Purpose::OutageReliability],
            Kind::Changed
            | Kind::LateStart
            | Kind::Extended
            | Kind::Cancelled
            | Kind::Void
            | Kind::Released => &TIMES,
        }
    }
}

/// What makes somebody special for a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Special {
    /// Important customer: own words, asked to confirm, never put off (O23).
    pub important: bool,
    /// Somebody's life depends on supply: never put off.
    pub life_support: bool,
    /// Generation, storage or a second supply of their own: told to isolate it first (O3).
    pub own_supply: bool,
    /// Off in the other window too (domain.md 5.5 no. 27).
    pub also: bool,
}

/// One notice of one outage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Why.
    pub kind: Kind,
    /// Spoken number.
    pub number: String,
    /// Short notice instead of the full lead.
    pub is_temporary: bool,
    /// Off from.
    pub off_at: DateTime<Utc>,
    /// Expected back by; only of a safety switch-off and a fault it may not be known.
    pub on_at: Option<DateTime<Utc>>,
    /// Off from, as it was told before.
    pub was_off_at: Option<DateTime<Utc>>,
    /// Expected back by, as it was told before.
    pub was_on_at: Option<DateTime<Utc>>,
    /// The window of another outage right before or right after it, for those who are in both.
    pub also: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// The line.
    pub line: String,
    /// The area, Chinese and English.
    pub area: [String; 2],
    /// The reason, Chinese and English.
    pub reason: [String; 2],
    /// Zone of the place.
    pub zone: Tz,
}

/// How long it is worth saying that supply was switched off because of danger, failed, or that one supply is left.
const SAFETY_TTL: TimeDelta = TimeDelta::hours(12);
/// Longest line in a text, characters; mails carry it whole.
pub const LINE_MAX: [usize; 2] = [10, 20];
/// Longest area in a text, Chinese and English (domain.md 4.2).
pub const AREA_MAX: [usize; 2] = [24, 40];
/// Longest reason in a text, Chinese and English.
pub const REASON_MAX: [usize; 2] = [8, 24];

impl Outage {
    /// Key of the template for somebody.
    pub fn template(&self, special: Special) -> &'static str {
        match self.kind {
            Kind::Notice if special.important => "IMPORTANT",
            Kind::Notice if self.is_temporary => "TEMP_NOTICE",
            kind => kind.purpose().template(),
        }
    }

    /// When it is not worth being told any more.
    pub fn ends_at(&self) -> DateTime<Utc> {
        match self.kind {
            Kind::Notice | Kind::Reminder | Kind::Changed | Kind::LateStart | Kind::Released => self.off_at,
            Kind::Extended | Kind::Cancelled | Kind::Void => self.window().1.unwrap_or(self.off_at),
            Kind::Safety | Kind::Reliability | Kind::Fault => self.off_at + SAFETY_TTL,
            Kind::ReliabilityOver => self.on_at.unwrap_or(self.off_at) + SAFETY_TTL,
        }
    }

    /// The window that is named: a void notice names the one that does not hold any more.
    fn window(&self) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
        match self.kind {
            Kind::Void => (
                self.was_off_at.unwrap_or(self.off_at),
                self.was_on_at.or(self.on_at),
            ),
            _ => (self.off_at, self.on_at),
        }
    }

    /// The variables of its templates.
    pub fn vars(&self, house: &House, language: Language, channel: Channel, special: Special) -> Vars {
        let clock = |at| date_and_clock(at, language, self.zone);
        let (off_at, on_at) = self.window();
        let day = |at: DateTime<Utc>| at.with_timezone(&self.zone).date_naive();
        let on = on_at.map(|on_at| match self.kind {
            Kind::Extended => clock(on_at),
            _ if day(off_at) == day(on_at) => on_at.with_timezone(&self.zone).format("%H:%M").to_string(),
            _ => clock(on_at),
        });
        let also = self.also.filter(|_| special.also);
        let also_on = also.map(|(off, on)| match day(off) == day(on) {
            true => on.with_timezone(&self.zone).format("%H:%M").to_string(),
            false => clock(on),
        });
        let is_estimate = matches!(self.kind, Kind::Safety | Kind::Fault);
        let flag = |is: bool| is.then(|| "1".to_owned());
        let long =
            |texts: &[String; 2], max: [usize; 2]| fit(in_language(texts, language), language, channel, max);
        let line = fit(&self.line, language, channel, LINE_MAX);
        named(
            house,
            language,
            [
                ("no", Some(short(&self.number))),
                ("off", Some(clock(off_at))),
                ("on", on.clone().filter(|_| !is_estimate)),
                ("back", on.filter(|_| is_estimate)),
                ("was_off", self.was_off_at.filter(|was| *was != off_at).map(clock)),
                (
                    "was_on",
                    self.was_on_at.filter(|was| Some(*was) != on_at).map(clock),
                ),
                ("also_off", also.map(|(off, _)| clock(off))),
                ("also_on", also_on),
                ("line", Some(line)),
                ("area", Some(long(&self.area, AREA_MAX))),
                ("reason", Some(long(&self.reason, REASON_MAX))),
                ("own", flag(special.own_supply)),
                ("ack", flag(special.important)),
                ("temp", flag(self.is_temporary)),
            ],
        )
    }
}

/// The text in a language; the Chinese one where there is no English.
fn in_language(texts: &[String; 2], language: Language) -> &str {
    match language {
        Language::En if !texts[1].is_empty() => &texts[1],
        _ => &texts[0],
    }
}

/// A list too long for a text keeps its first places and says how many there are; anything else loses its end. Mails
/// carry everything.
fn fit(text: &str, language: Language, channel: Channel, max: [usize; 2]) -> String {
    let max = match (channel, language) {
        (Channel::Email, _) => return text.to_owned(),
        (Channel::Sms, Language::ZhCn) => max[0],
        (Channel::Sms, Language::En) => max[1],
    };
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let places: Vec<&str> = text.split(['、', '，', ',', ';', '；']).map(str::trim).collect();
    let (all, joint) = (places.len(), if language == Language::En { ", " } else { "、" });
    let shortened = (1..all).rev().find_map(|kept| {
        let some = places[..kept].join(joint);
        let text = match language {
            Language::ZhCn => format!("{some}等{all}处"),
            Language::En => format!("{some} and {} more", all - kept),
        };
        (text.chars().count() <= max).then_some(text)
    });
    shortened.unwrap_or_else(|| text.chars().take(max).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn outage(kind: Kind) -> Outage {
        Outage {
            kind,
            number: "P-20260308-0001".into(),
            is_temporary: false,
            off_at: at("2026-03-08T01:00:00Z"),
            on_at: Some(at("2026-03-08T09:00:00Z")),
            was_off_at: None,
            was_on_at: None,
            also: None,
            line: "10kV城北线".into(),
            area: ["城北街道".into(), "Chengbei".into()],
            reason: ["检修".into(), "maintenance".into()],
            zone: chrono_tz::Asia::Shanghai,
        }
    }

    fn vars(one: &Outage, language: Language) -> Vars {
        let house = House {
            org_zh: "示范供电".into(),
            org_en: "Demo Electric".into(),
            phone: "95598".into(),
        };
        one.vars(&house, language, Channel::Sms, Special::default())
    }

    #[test]
    fn a_window_is_said_on_the_clocks_of_the_place() {
        let mut one = outage(Kind::Notice);
        let (zh, en) = (vars(&one, Language::ZhCn), vars(&one, Language::En));
        assert_eq!((zh["off"].as_str(), zh["on"].as_str()), ("3月8日09:00", "17:00"));
        assert_eq!((en["off"].as_str(), en["on"].as_str()), ("8 Mar 09:00", "17:00"));
        one.on_at = Some(at("2026-03-08T16:30:00Z"));
        assert_eq!(vars(&one, Language::ZhCn)["on"], "3月9日00:30");
        assert!(!zh.contains_key("was_off") && !zh.contains_key("own") && !zh.contains_key("ack"));
    }

    #[test]
    fn the_other_window_is_named_to_those_who_are_in_both() {
        let mut one = outage(Kind::Notice);
        one.also = Some((at("2026-03-08T09:30:00Z"), at("2026-03-08T12:00:00Z")));
        assert!(!vars(&one, Language::En).contains_key("also_off"));
        let house = House {
            org_zh: "示范供电".into(),
            org_en: "Demo Electric".into(),
            phone: "95598".into(),
        };
        let special = Special {
            also: true,
            ..Special::default()
        };
        let said = one.vars(&house, Language::ZhCn, Channel::Sms, special);
        assert_eq!(
            (said["also_off"].as_str(), said["also_on"].as_str()),
            ("3月8日17:30", "20:00")
        );
    }

    #[test]
    fn a_void_notice_names_the_old_window_and_ends_with_it() {
        let mut one = outage(Kind::Void);
        one.was_off_at = Some(at("2026-03-06T01:00:00Z"));
        one.was_on_at = Some(at("2026-03-06T09:00:00Z"));
        assert_eq!(vars(&one, Language::ZhCn)["off"], "3月6日09:00");
        assert_eq!(one.ends_at(), at("2026-03-06T09:00:00Z"));
    }

    #[test]
    fn a_safety_switch_off_may_have_no_end_yet() {
        let mut one = outage(Kind::Safety);
        let known = vars(&one, Language::ZhCn);
        assert_eq!(
            (known["back"].as_str(), known.contains_key("on")),
            ("17:00", false)
        );
        one.on_at = None;
        assert!(!vars(&one, Language::ZhCn).contains_key("back"));
        assert_eq!(one.ends_at(), one.off_at + TimeDelta::hours(12));
    }

    #[test]
    fn words_follow_class_and_person() {
        let important = Special {
            important: true,
            ..Special::default()
        };
        let mut one = outage(Kind::Notice);
        assert_eq!(one.template(Special::default()), "PLANNED_NOTICE");
        one.is_temporary = true;
        assert_eq!(one.template(Special::default()), "TEMP_NOTICE");
        assert_eq!(one.template(important), "IMPORTANT");
        assert_eq!(outage(Kind::Cancelled).template(important), "CANCELLED");
    }

    #[test]
    fn a_long_area_says_how_many_places_it_has() {
        let zh = "城北街道一社区、城北街道二社区、城南街道三社区、城东街道四社区";
        let fitted = |text, language| fit(text, language, Channel::Sms, AREA_MAX);
        assert_eq!(fitted(zh, Language::ZhCn), "城北街道一社区、城北街道二社区等4处");
        assert_eq!(
            fitted(
                "North Road 1, North Road 2, South Road 3, East Road 4",
                Language::En
            ),
            "North Road 1, North Road 2 and 2 more"
        );
        assert_eq!(fitted(&"长".repeat(30), Language::ZhCn).chars().count(), 24);
        assert_eq!(fit(zh, Language::ZhCn, Channel::Email, AREA_MAX), zh);
    }

    proptest! {
        #[test]
        fn nothing_outgrows_its_place(text in "[a-z,、 ]{0,80}", is_zh in any::<bool>()) {
            let (language, max) = if is_zh { (Language::ZhCn, 24) } else { (Language::En, 40) };
            prop_assert!(fit(&text, language, Channel::Sms, AREA_MAX).chars().count() <= max);
        }
    }
}
