//! `arrears.disconnect`.

use chrono::TimeDelta;
use relight_policy::{Answer, ArrearsDisconnect, Case, CustomerClass, Pack, Question};

use crate::given::{ask, at, shown};

/// Served on Monday 2 March 2026, cut on Monday 9 March at the notified 14:00; nothing in the way.
const GOOD: [(&str, &str); 8] = [
    ("due_on", "2026-01-10"),
    ("reminded_at", "2026-01-20T10:00:00+08:00"),
    ("served_at", "2026-03-02T10:00:00+08:00"),
    ("notified_stop_at", "2026-03-09T14:00:00+08:00"),
    ("pre_noticed_at", "2026-03-09T13:20:00+08:00"),
    ("at", "2026-03-09T14:00:00+08:00"),
    ("balance", "320.50"),
    ("class", "ordinary"),
];

/// The good case with some facts set otherwise; an empty value takes the fact away.
fn with(pack: &str, changes: &str) -> Answer {
    let change = |key: &str| {
        changes
            .split_whitespace()
            .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    };
    let mut facts = String::new();
    for (key, value) in GOOD.into_iter().chain([("holds", ""), ("zone", "")]) {
        let value = change(key).unwrap_or(value);
        if !value.is_empty() {
            facts += &format!("{key}={value} ");
        }
    }
    ask(pack, "arrears.disconnect", &facts)
}

#[test]
fn with_everything_done_it_is_yes() {
    let answer = with("CN-SGCC", "");
    assert_eq!(answer.verdict.word(), "yes", "{}", answer.because);
    assert_eq!(shown(&answer, answer.earliest), "2026-03-09T10:00:00+08:00");
    assert_eq!(shown(&answer, answer.latest), "2026-03-09T18:00:00+08:00");
    assert!(answer.because.contains("320.50"), "{}", answer.because);
    assert_eq!(answer.changes_at, Some(at("2026-03-09T14:15:01+08:00")));
}

/// Case, changes to the good case, a word of the reason.
const NO: &[(&str, &str, &str)] = &[
    (
        "5: too early on the day",
        "at=2026-03-09T09:59:00+08:00 notified_stop_at=2026-03-09T09:59:00+08:00 pre_noticed_at=2026-03-09T09:00:00+08:00",
        "167.98 h of 168 h",
    ),
    (
        "5: the 8th day",
        "at=2026-03-10T14:00:00+08:00 notified_stop_at=2026-03-10T14:00:00+08:00 pre_noticed_at=2026-03-10T13:20:00+08:00",
        "good until 2026-03-10T00:00+08:00",
    ),
    (
        "5: the 6th day",
        "at=2026-03-08T14:00:00+08:00 notified_stop_at=2026-03-08T14:00:00+08:00 pre_noticed_at=2026-03-08T13:20:00+08:00",
        "6 of 7 dates",
    ),
    (
        "6: a Friday",
        "served_at=2026-03-06T10:00:00+08:00 at=2026-03-13T14:00:00+08:00 notified_stop_at=2026-03-13T14:00:00+08:00 pre_noticed_at=2026-03-13T13:20:00+08:00",
        "nobody is cut off on 2026-03-13",
    ),
    (
        "6: the day before a holiday",
        "served_at=2026-09-23T10:00:00+08:00 at=2026-09-30T14:00:00+08:00 notified_stop_at=2026-09-30T14:00:00+08:00 pre_noticed_at=2026-09-30T13:20:00+08:00",
        "nobody is cut off on 2026-09-30",
    ),
    (
        "6: a holiday",
        "served_at=2026-09-24T10:00:00+08:00 at=2026-10-01T14:00:00+08:00 notified_stop_at=2026-10-01T14:00:00+08:00 pre_noticed_at=2026-10-01T13:20:00+08:00",
        "nobody is cut off on 2026-10-01",
    ),
    (
        "at night",
        "at=2026-03-09T18:00:00+08:00 notified_stop_at=2026-03-09T18:00:00+08:00 pre_noticed_at=2026-03-09T17:20:00+08:00",
        "outside the hours",
    ),
    (
        "O13: served too late in the day for any window",
        "served_at=2026-03-02T18:00:00+08:00 at=2026-03-09T18:05:00+08:00 notified_stop_at=2026-03-09T18:05:00+08:00 pre_noticed_at=2026-03-09T17:20:00+08:00",
        "window of this notice is empty",
    ),
    (
        "O13: another time than the notified one",
        "at=2026-03-09T14:16:00+08:00",
        "is not the time on the notice",
    ),
    (
        "O13: a minute before the notified one",
        "at=2026-03-09T13:59:00+08:00",
        "is before 2026-03-09T14:00+08:00",
    ),
    ("17: no stop time", "notified_stop_at=", "notified_stop_at"),
    ("18: paid", "balance=0", "0.00 is owed"),
    ("18: paid more than was owed", "balance=-12.30", "-12.30 is owed"),
    ("18: a payment in flight", "holds=payment", "payment"),
    ("18: a balance nobody knows", "balance=", "balance"),
    ("19: a dispute", "holds=dispute", "dispute"),
    ("20: life support", "class=life_support", "nobody may override"),
    ("21: a lock", "holds=lock", "lock"),
    ("25: in another outage", "holds=outage", "outage"),
    (
        "a plan and a protection",
        "holds=plan,protected",
        "plan, protected",
    ),
    (
        "important customers are filed first",
        "class=important",
        "authority",
    ),
    ("class not known", "class=", "class"),
    (
        "29 min after the second notice",
        "pre_noticed_at=2026-03-09T13:31:00+08:00",
        "29 min of 30 min",
    ),
    (
        "91 min after the second notice",
        "pre_noticed_at=2026-03-09T12:29:00+08:00",
        "91 min after",
    ),
    ("no second notice", "pre_noticed_at=", "pre_noticed_at"),
    ("no service", "served_at=", "served_at"),
    ("no reminder", "reminded_at=", "reminded_at"),
    (
        "reminded before it was overdue",
        "reminded_at=2026-01-10T10:00:00+08:00",
        "before the debt was overdue",
    ),
    ("no due date", "due_on=", "due_on"),
    ("no moment", "at=", "(at)"),
    (
        "O14: the 31st day by one reading only",
        "due_on=2026-02-06 reminded_at=2026-02-20T10:00:00+08:00",
        "2026-03-09 when the first overdue day counts, 2026-03-10 when it does not",
    ),
    (
        "a year without a calendar",
        "served_at=2029-03-05T10:00:00+08:00 at=2029-03-12T14:00:00+08:00 notified_stop_at=2029-03-12T14:00:00+08:00 pre_noticed_at=2029-03-12T13:20:00+08:00",
        "does not cover 2029",
    ),
];

#[test]
fn whatever_is_not_right_is_no() {
    for (case, changes, word) in NO {
        let answer = with("CN-SGCC", changes);
        assert_eq!(answer.verdict.word(), "no", "{case}: {}", answer.because);
        assert!(answer.because.contains(word), "{case}: {}", answer.because);
    }
}

/// The edges on their lawful side.
const YES: &[(&str, &str, &str)] = &[
    (
        "5: the first minute",
        "CN-SGCC",
        "at=2026-03-09T10:00:00+08:00 notified_stop_at=2026-03-09T10:00:00+08:00 pre_noticed_at=2026-03-09T09:30:00+08:00",
    ),
    (
        "5: the last minute",
        "CN-SGCC",
        "at=2026-03-09T17:59:00+08:00 notified_stop_at=2026-03-09T17:59:00+08:00 pre_noticed_at=2026-03-09T17:00:00+08:00",
    ),
    (
        "5: 3 to 7 days where the company promised no more",
        "CN-CSG",
        "at=2026-03-05T10:00:00+08:00 notified_stop_at=2026-03-05T10:00:00+08:00 pre_noticed_at=2026-03-05T09:30:00+08:00",
    ),
    (
        "6: a Friday before a make-up workday",
        "CN-SGCC",
        "served_at=2026-05-01T10:00:00+08:00 at=2026-05-08T14:00:00+08:00 notified_stop_at=2026-05-08T14:00:00+08:00 pre_noticed_at=2026-05-08T13:20:00+08:00",
    ),
    (
        "O13: a quarter of an hour after the notified time",
        "CN-SGCC",
        "at=2026-03-09T14:15:00+08:00",
    ),
    (
        "30 min after the second notice",
        "CN-SGCC",
        "pre_noticed_at=2026-03-09T13:30:00+08:00",
    ),
    (
        "90 min after the second notice",
        "CN-SGCC",
        "pre_noticed_at=2026-03-09T12:30:00+08:00",
    ),
    ("18: the smallest debt", "CN-SGCC", "balance=1"),
    (
        "O14: the later day",
        "CN-SGCC",
        "due_on=2026-02-05 reminded_at=2026-02-20T10:00:00+08:00",
    ),
    (
        "O14: over a leap day",
        "CN-SGCC",
        "due_on=2024-02-01 reminded_at=2024-02-20T10:00:00+08:00 served_at=2024-02-26T10:00:00+08:00 at=2024-03-04T14:00:00+08:00 notified_stop_at=2024-03-04T14:00:00+08:00 pre_noticed_at=2024-03-04T13:20:00+08:00",
    ),
    (
        "2.4: the overlay's hour, kept",
        "CN-SGCC+CN-LOCAL-1H",
        "pre_noticed_at=2026-03-09T13:00:00+08:00",
    ),
    (
        "35: below 500 from July 2026, triggered before",
        "AU-NERR",
        "due_on=2026-06-30 reminded_at=2026-07-01T10:00:00+10:00 served_at=2026-07-10T10:00:00+10:00 at=2026-07-20T09:00:00+10:00 pre_noticed_at=2026-07-20T08:00:00+10:00 notified_stop_at= balance=400",
    ),
    (
        "AU: 15:00 is not after 15:00",
        "AU-NERR",
        "reminded_at=2026-01-21T10:00:00+11:00 served_at=2026-03-02T10:00:00+11:00 at=2026-03-10T15:00:00+11:00 pre_noticed_at=2026-03-10T14:30:00+11:00 notified_stop_at=",
    ),
];

#[test]
fn the_lawful_side_of_each_edge_is_yes() {
    for (case, pack, changes) in YES {
        let answer = with(pack, changes);
        assert_eq!(answer.verdict.word(), "yes", "{case}: {}", answer.because);
    }
}

/// Another jurisdiction and local law: the same facts, stricter rules, named.
const STRICTER: &[(&str, &str, &str, &str)] = &[
    (
        "2.4: the overlay's hour, not kept",
        "CN-SGCC+CN-LOCAL-1H",
        "",
        "arrears.pre_notice_min.local 60 min",
    ),
    (
        "2.4: the overlay's 7 days",
        "CN-CSG+CN-LOCAL-1H",
        "at=2026-03-05T10:00:00+08:00 notified_stop_at=2026-03-05T10:00:00+08:00 pre_noticed_at=2026-03-05T09:00:00+08:00",
        "arrears.notice_min.local 7 strict_days",
    ),
    (
        "35: below 500 from July 2026",
        "AU-NERR",
        "due_on=2026-07-01 balance=400",
        "arrears.minimum_debt 500 AUD",
    ),
    (
        "AU: Christmas",
        "AU-NERR",
        "served_at=2026-12-01T10:00:00+11:00 at=2026-12-21T09:00:00+11:00 pre_noticed_at=2026-12-21T08:10:00+11:00 notified_stop_at=",
        "arrears.no_cut.christmas 12-20/12-31 yearly_dates",
    ),
    (
        "AU: Friday",
        "AU-NERR",
        "at=2026-03-13T09:00:00+11:00 pre_noticed_at=2026-03-13T08:10:00+11:00 notified_stop_at=",
        "arrears.no_cut.eves rest_day_eve day_kind",
    ),
    (
        "AU: the day before Good Friday",
        "AU-NERR",
        "served_at=2026-03-20T10:00:00+11:00 at=2026-04-02T09:00:00+11:00 pre_noticed_at=2026-04-02T08:10:00+11:00 notified_stop_at=",
        "arrears.no_cut.eves rest_day_eve day_kind",
    ),
    (
        "AU: after 15:00",
        "AU-NERR",
        "at=2026-03-11T15:00:01+11:00 pre_noticed_at=2026-03-11T14:10:00+11:00 notified_stop_at=",
        "arrears.cut_hours.from 08:00 time_of_day",
    ),
    (
        "AU: 5 business days of warning",
        "AU-NERR",
        "served_at=2026-03-02T10:00:00+11:00 at=2026-03-09T09:00:00+11:00 pre_noticed_at=2026-03-09T08:10:00+11:00 notified_stop_at=",
        "arrears.notice_min.law 6 business_days",
    ),
];

#[test]
fn the_strictest_rule_decides_and_is_named() {
    for (case, pack, changes, rule) in STRICTER {
        let answer = with(pack, changes);
        assert_eq!(answer.verdict.word(), "no", "{case}: {}", answer.because);
        assert_eq!(
            answer.rule,
            Some(format!("{pack} {rule}")),
            "{case}: {}",
            answer.because
        );
        assert!(answer.source.is_some(), "{case}");
    }
}

/// Nothing is lawful at any time for life support, and no window is shown.
#[test]
fn life_support_has_no_window() {
    let answer = with("CN-SGCC", "class=life_support");
    assert_eq!(
        (answer.earliest, answer.latest, answer.changes_at),
        (None, None, None)
    );
    assert!(answer.rule.is_some_and(|rule| rule.contains("life_support")));
}

/// The moment named is the first with another verdict: a minute before it the verdict is still the same.
#[test]
fn the_answer_changes_when_it_says_so() {
    for start in [
        "2026-03-09T08:00:00+08:00",
        "2026-03-09T13:50:00+08:00",
        "2026-03-09T14:05:00+08:00",
    ] {
        let before = with("CN-SGCC", &format!("at={start}"));
        let change = before.changes_at.expect("this case changes");
        for (moment, same) in [(change - TimeDelta::seconds(1), true), (change, false)] {
            let answer = with(
                "CN-SGCC",
                &format!("at={}", moment.to_rfc3339().replace("+00:00", "Z")),
            );
            assert_eq!(
                answer.verdict == before.verdict,
                same,
                "{start} -> {moment}: {}",
                answer.because
            );
        }
    }
    assert_eq!(with("CN-SGCC", "at=2026-03-09T15:00:00+08:00").changes_at, None);
}

/// A notice served so that nobody could be cut off by it is known as such when it is issued.
#[test]
fn the_window_of_a_notice_is_known_when_it_is_served() {
    let pack = Pack::load("CN-SGCC").unwrap();
    let window = |served: &str| {
        let facts = ArrearsDisconnect {
            due_on: "2026-01-10".parse().ok(),
            served_at: Some(at(served)),
            ..ArrearsDisconnect::default()
        };
        pack.notice_window(&facts, &Case::default())
    };
    let good = window("2026-03-02T06:00:00+08:00");
    assert_eq!(good.earliest, Some(at("2026-03-09T08:00:00+08:00")));
    assert_eq!(good.latest, Some(at("2026-03-09T18:00:00+08:00")));
    for empty in [
        "2026-03-02T18:00:00+08:00",
        "2026-03-06T10:00:00+08:00",
        "2026-09-24T10:00:00+08:00",
    ] {
        assert!(window(empty).is_empty(), "{empty}");
    }
}

/// An important customer may be cut off once the authority has its copy and a manager approved, not before both.
#[test]
fn important_customers_are_filed_and_approved() {
    let pack = Pack::load("CN-SGCC").unwrap();
    let facts = ArrearsDisconnect {
        due_on: "2026-01-10".parse().ok(),
        reminded_at: Some(at("2026-01-20T10:00:00+08:00")),
        served_at: Some(at("2026-03-02T10:00:00+08:00")),
        notified_stop_at: Some(at("2026-03-09T14:00:00+08:00")),
        pre_noticed_at: Some(at("2026-03-09T13:20:00+08:00")),
        at: Some(at("2026-03-09T14:00:00+08:00")),
        balance_cents: Some(32_050),
        class: Some(CustomerClass::Important),
        manager_approved_at: Some(at("2026-03-01T10:00:00+08:00")),
        ..ArrearsDisconnect::default()
    };
    let filed = ArrearsDisconnect {
        filed_at: Some(at("2026-03-02T11:00:00+08:00")),
        ..facts.clone()
    };
    let allowed = |facts| {
        pack.ask(&Question::ArrearsDisconnect(facts), &Case::default())
            .allowed()
    };
    let after = at("2026-03-09T14:00:01+08:00");
    let filed_after = ArrearsDisconnect {
        filed_at: Some(after),
        ..filed.clone()
    };
    let approved_after = ArrearsDisconnect {
        manager_approved_at: Some(after),
        ..filed.clone()
    };
    for not_first in [facts, filed_after, approved_after] {
        assert!(!allowed(not_first));
    }
    assert!(allowed(filed));
}
