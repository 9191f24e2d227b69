//! The clock modes against a slow oracle of their definitions, written without the engine: it walks minute by minute and
//! day by day. And what must hold for every notice: more of it never turns yes into no.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use proptest::prelude::*;
use relight_policy::{Case, Pack, PlannedStart, Question, TemporaryStart, Verdict};

const ZONES: [Tz; 6] = [
    Tz::Asia__Shanghai,
    Tz::Australia__Sydney,
    Tz::Australia__Lord_Howe,
    Tz::Europe__London,
    Tz::America__New_York,
    Tz::America__Havana,
];

/// Chinese days off and make-up workdays from autumn 2025 to autumn 2026, written down apart from the pack's calendar.
const OFF: [&str; 8] = [
    "2025-10-01/8",
    "2026-01-01/3",
    "2026-02-15/9",
    "2026-04-04/3",
    "2026-05-01/5",
    "2026-06-19/3",
    "2026-09-25/3",
    "2026-10-01/7",
];
const WORKED: [&str; 8] = [
    "2025-09-28",
    "2025-10-11",
    "2026-01-04",
    "2026-02-14",
    "2026-02-28",
    "2026-05-09",
    "2026-09-20",
    "2026-10-10",
];

fn worked(day: NaiveDate) -> bool {
    let date = |text: &str| text.parse::<NaiveDate>().expect("the test wrote a date");
    let off: BTreeSet<NaiveDate> = OFF
        .iter()
        .flat_map(|span| {
            let (first, days) = span.split_once('/').expect("first day and how many");
            date(first)
                .iter_days()
                .take(days.parse().expect("a number of days"))
        })
        .collect();
    let made_up = WORKED.iter().any(|text| date(text) == day);
    made_up || !(off.contains(&day) || matches!(day.weekday(), Weekday::Sat | Weekday::Sun))
}

/// A pack whose only lead for planned outages is this one.
fn pack(value: u16, unit: &str) -> Pack {
    let text = include_str!("../../packs/CN-CSG.toml");
    let leads = text.find("[planned.lead.law]").expect("the pack has it");
    let rest = text.find("[planned.needs.public]").expect("the pack has it");
    let leaf = format!(
        "[planned.lead.law]\nvalue = {value}\nunit = \"{unit}\"\nsource = \"x\"\ntag = \"P\"\nvalid_from = 2010-01-01\n\n"
    );
    Pack::read(&format!("{}{leaf}{}", &text[..leads], &text[rest..])).expect("a good pack")
}

fn earliest(pack: &Pack, notice: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let facts = PlannedStart {
        published_at: Some(notice),
        ..PlannedStart::default()
    };
    let case = Case {
        zone: Some(zone),
        ruled_at: None,
    };
    pack.ask(&Question::PlannedStart(facts), &case)
        .earliest
        .expect("the lead can be counted")
}

/// First whole minute from `notice` on at which `enough` holds for (start, now).
fn walk(notice: DateTime<Utc>, enough: impl Fn(DateTime<Utc>) -> bool) -> DateTime<Utc> {
    let mut at = notice;
    while !enough(at) {
        at += TimeDelta::minutes(1);
    }
    at
}

/// The first of two neighbouring minutes that the engine may name: it knows seconds, the oracle minutes.
fn same_minute(engine: DateTime<Utc>, oracle: DateTime<Utc>) -> bool {
    engine <= oracle && oracle - engine < TimeDelta::minutes(1)
}

fn any_notice() -> impl Strategy<Value = DateTime<Utc>> {
    // From autumn 2025 to autumn 2026: both changes of the clocks, a year's end, every Chinese holiday.
    let from = "2025-09-01T00:00:00Z"
        .parse::<DateTime<Utc>>()
        .expect("the test wrote an instant")
        .timestamp();
    (0..390 * 24 * 60i64)
        .prop_map(move |minute| DateTime::from_timestamp(from + minute * 60, 0).expect("a year or so on"))
}

fn any_zone() -> impl Strategy<Value = Tz> {
    prop::sample::select(ZONES.to_vec())
}

fn local(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn strict_days(notice in any_notice(), zone in any_zone(), n in 1u16..9) {
        let engine = earliest(&pack(n, "strict_days"), notice, zone);
        let oracle = walk(notice, |now| {
            (now - notice).num_minutes() >= i64::from(n) * 1440
                && (local(now, zone) - local(notice, zone)).num_days() >= i64::from(n)
        });
        prop_assert!(same_minute(engine, oracle), "{engine} {oracle}");
    }

    #[test]
    fn hours(notice in any_notice(), zone in any_zone(), n in 1u16..200) {
        let engine = earliest(&pack(n, "h"), notice, zone);
        let oracle = walk(notice, |now| (now - notice).num_minutes() >= i64::from(n) * 60);
        prop_assert_eq!(engine, oracle);
    }

    #[test]
    fn calendar_days(notice in any_notice(), zone in any_zone(), n in 1u16..9) {
        let engine = earliest(&pack(n, "calendar_days"), notice, zone);
        let oracle = walk(notice, |now| (local(now, zone) - local(notice, zone)).num_days() >= i64::from(n));
        prop_assert!(same_minute(engine, oracle), "{engine} {oracle}");
    }

    #[test]
    fn clear_days(notice in any_notice(), zone in any_zone(), n in 1u16..9) {
        let engine = earliest(&pack(n, "clear_days"), notice, zone);
        // Whole local days strictly between the day of the notice and the day of the start.
        let oracle = walk(notice, |now| {
            let (first, last) = (local(notice, zone), local(now, zone));
            first.iter_days().skip(1).take_while(|day| *day < last).count() >= usize::from(n)
        });
        prop_assert!(same_minute(engine, oracle), "{engine} {oracle}");
    }

    #[test]
    fn business_days(notice in any_notice(), zone in any_zone(), n in 1u16..7) {
        let engine = earliest(&pack(n, "business_days"), notice, zone);
        let mut counted = 0;
        let mut day = local(notice, zone);
        while counted < n {
            day = day.succ_opt().unwrap();
            counted += u16::from(worked(day));
        }
        prop_assert_eq!(local(engine, zone), day);
        prop_assert!(local(engine - TimeDelta::seconds(1), zone) < day);
    }

    /// By when to publish is the other side of earliest: a notice then carries the start, a second later it does not.
    #[test]
    fn the_last_moment_for_a_notice(
        off in any_notice(),
        zone in any_zone(),
        lead in prop::sample::select(vec![
            (7u16, "strict_days"), (30, "h"), (5, "calendar_days"), (3, "clear_days"), (4, "business_days"),
        ]),
    ) {
        let pack = pack(lead.0, lead.1);
        let case = Case { zone: Some(zone), ruled_at: None };
        let facts = PlannedStart { off_at: Some(off), ..PlannedStart::default() };
        let by = pack.ask(&Question::PlannedStart(facts), &case).by.expect("it can be counted");
        prop_assert!(earliest(&pack, by, zone) <= off, "{by} carries");
        prop_assert!(earliest(&pack, by + TimeDelta::seconds(1), zone) > off, "{by} is the last");
    }

    /// Any day of any year, leap years and years' ends among them, in every pack and overlay there is.
    #[test]
    fn more_notice_never_turns_yes_into_no(
        notice in 1_262_304_000i64..4_102_444_800,
        lead in 0i64..20 * 86_400,
        more in 0i64..400 * 86_400,
        zone in any_zone(),
        name in prop::sample::select(Pack::names()),
    ) {
        let pack = Pack::load(&name).unwrap();
        // No pack rules what was noticed before it began; the youngest began on 2012-07-01.
        let since = at(1_341_100_800);
        let case = Case { zone: Some(zone), ruled_at: None };
        let (notice, off) = (at(notice), at(notice + lead));
        let earlier = notice - TimeDelta::seconds(more);
        let planned = |published: DateTime<Utc>, individual| {
            let facts = PlannedStart {
                published_at: Some(published), individual_at: individual, off_at: Some(off), now: None,
            };
            pack.ask(&Question::PlannedStart(facts), &case).verdict
        };
        let temporary = |published: DateTime<Utc>| {
            let facts = TemporaryStart { published_at: Some(published), off_at: Some(off) };
            pack.ask(&Question::TemporaryStart(facts), &case).verdict
        };
        if earlier >= since {
            prop_assert!(planned(notice, None) == Verdict::No || planned(earlier, None) == Verdict::Yes);
            prop_assert!(planned(notice, Some(notice)) == Verdict::No || planned(notice, Some(earlier)) == Verdict::Yes);
            prop_assert!(temporary(notice) == Verdict::No || temporary(earlier) == Verdict::Yes);
        }
    }

    /// The same around the first year of a calendar, where working days begin to be known.
    #[test]
    fn more_notice_never_turns_yes_into_no_where_a_calendar_begins(
        lead in 0i64..20 * 86_400, more in 0i64..400 * 86_400, zone in any_zone(),
    ) {
        let off = at(1_704_067_200 + lead); // from 2024-01-01 on
        let verdict = |lead: i64| {
            let told = Some(off - TimeDelta::seconds(lead));
            let facts = PlannedStart { published_at: told, individual_at: told, off_at: Some(off), now: None };
            let case = Case { zone: Some(zone), ruled_at: None };
            Pack::load("AU-NERR").unwrap().ask(&Question::PlannedStart(facts), &case).verdict
        };
        prop_assert!(verdict(lead) == Verdict::No || verdict(lead + more) == Verdict::Yes);
    }

    /// Yes is 168 h and 7 dates, whatever the clocks do; and without both it is no.
    #[test]
    fn yes_is_never_less_than_a_week(notice in any_notice(), minutes in 9_900i64..10_200, zone in any_zone()) {
        let off = notice + TimeDelta::minutes(minutes);
        let facts = PlannedStart { published_at: Some(notice), off_at: Some(off), ..PlannedStart::default() };
        let case = Case { zone: Some(zone), ruled_at: None };
        let answer = Pack::load("CN-SGCC").unwrap().ask(&Question::PlannedStart(facts), &case);
        let enough = minutes >= 10_080 && (local(off, zone) - local(notice, zone)).num_days() >= 7;
        prop_assert_eq!(answer.verdict == Verdict::Yes, enough, "{}", answer.because);
    }

    /// No instant, however far, breaks the engine.
    #[test]
    fn no_instant_breaks_it(a in any::<i64>(), b in any::<i64>(), zone in any_zone()) {
        let instant = |seed: i64| DateTime::from_timestamp(seed % 8_210_000_000_000, 0);
        let case = Case { zone: Some(zone), ruled_at: Some(at(1_700_000_000)) };
        for name in ["CN-SGCC", "AU-NERR"] {
            let pack = Pack::load(name).unwrap();
            for (published_at, off_at) in [(instant(a), instant(b)), (Some(DateTime::<Utc>::MAX_UTC), Some(DateTime::<Utc>::MIN_UTC))] {
                let facts = PlannedStart { published_at, individual_at: published_at, off_at, now: instant(b) };
                let answer = pack.ask(&Question::PlannedStart(facts), &case);
                prop_assert!(!answer.because.is_empty());
                let facts = relight_policy::ArrearsDisconnect {
                    due_on: published_at.map(|at| at.date_naive()), served_at: published_at, at: off_at,
                    notified_stop_at: off_at, pre_noticed_at: published_at, reminded_at: published_at,
                    ..Default::default()
                };
                let answer = pack.ask(&Question::ArrearsDisconnect(facts), &case);
                prop_assert_eq!(answer.verdict, Verdict::No);
            }
        }
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("seconds inside the calendar")
}
