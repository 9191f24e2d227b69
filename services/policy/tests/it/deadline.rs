//! `arrears.reconnect`, `fault.arrival`, `complaint.answer`: by when.

use relight_policy::{ArrearsDisconnect, Case, Pack, Question};

use crate::given::{ask, at, shown};

/// Case, pack, question, facts, by, rule.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const ROWS: &[Row] = &[
    (
        "24 h",
        "CN-SGCC",
        "arrears.reconnect",
        "paid_at=2026-03-01T09:00:00+08:00",
        "2026-03-02T09:00:00+08:00",
        "arrears.reconnect.promise 24 h",
    ),
    (
        "12 h",
        "CN-CSG",
        "arrears.reconnect",
        "paid_at=2026-03-01T21:00:00+08:00",
        "2026-03-02T09:00:00+08:00",
        "arrears.reconnect.promise 12 h",
    ),
    (
        "24 h over a change of clocks",
        "CN-SGCC",
        "arrears.reconnect",
        "zone=Australia/Sydney paid_at=2026-10-03T20:00:00+10:00",
        "2026-10-04T21:00:00+11:00",
        "arrears.reconnect.promise 24 h",
    ),
    (
        "no rule is no obstacle",
        "AU-NERR",
        "arrears.reconnect",
        "paid_at=2026-03-01T09:00:00+11:00",
        "-",
        "",
    ),
    ("not known when", "CN-SGCC", "arrears.reconnect", "", "-", ""),
    (
        "urban",
        "CN-SGCC",
        "fault.arrival",
        "accepted_at=2026-03-01T09:00:00+08:00 area=urban",
        "2026-03-01T09:45:00+08:00",
        "fault.arrival.urban 45 min",
    ),
    (
        "rural",
        "CN-SGCC",
        "fault.arrival",
        "accepted_at=2026-03-01T09:00:00+08:00 area=rural",
        "2026-03-01T10:30:00+08:00",
        "fault.arrival.rural 90 min",
    ),
    (
        "remote, across midnight",
        "CN-CSG",
        "fault.arrival",
        "accepted_at=2026-12-31T23:00:00+08:00 area=remote",
        "2027-01-01T01:00:00+08:00",
        "fault.arrival.remote 120 min",
    ),
    (
        "area not known: the strictest",
        "CN-SGCC",
        "fault.arrival",
        "accepted_at=2026-03-01T09:00:00+08:00",
        "2026-03-01T09:45:00+08:00",
        "fault.arrival.urban 45 min",
    ),
    ("no report", "CN-SGCC", "fault.arrival", "area=urban", "-", ""),
    (
        "no rule",
        "AU-NERR",
        "fault.arrival",
        "accepted_at=2026-03-01T09:00:00+11:00 area=urban",
        "-",
        "",
    ),
    (
        "36: five working days",
        "CN-SGCC",
        "complaint.answer",
        "accepted_at=2026-03-02T10:00:00+08:00 kind=complaint channel=hotline",
        "2026-03-10T00:00:00+08:00",
        "complaint.answer.complaint.promise 5 business_days",
    ),
    (
        "36: five days on a station's telephone",
        "CN-SGCC",
        "complaint.answer",
        "accepted_at=2026-03-02T10:00:00+08:00 kind=complaint channel=phone",
        "2026-03-08T00:00:00+08:00",
        "complaint.channel.phone.complaint 5 calendar_days",
    ),
    (
        "36: a letter",
        "CN-SGCC",
        "complaint.answer",
        "accepted_at=2026-03-02T10:00:00+08:00 kind=report channel=letter",
        "2026-03-10T00:00:00+08:00",
        "complaint.channel.letter.report 5 business_days",
    ),
    (
        "a report",
        "CN-SGCC",
        "complaint.answer",
        "accepted_at=2026-03-02T10:00:00+08:00 kind=report channel=hotline",
        "2026-03-13T00:00:00+08:00",
        "complaint.answer.report.own 10 calendar_days",
    ),
    (
        "4: holidays and make-up workdays",
        "CN-SGCC",
        "complaint.answer",
        "accepted_at=2026-09-30T10:00:00+08:00 kind=complaint channel=hotline",
        "2026-10-14T00:00:00+08:00",
        "complaint.answer.complaint.promise 5 business_days",
    ),
    (
        "4: a make-up Saturday counts",
        "CN-SGCC",
        "complaint.answer",
        "accepted_at=2026-05-06T10:00:00+08:00 kind=complaint channel=hotline",
        "2026-05-13T00:00:00+08:00",
        "complaint.answer.complaint.promise 5 business_days",
    ),
    (
        "35: seven working days before 2022",
        "CN-SGCC",
        "complaint.answer",
        "accepted_at=2021-12-31T10:00:00+08:00 kind=complaint channel=hotline",
        "2022-01-13T00:00:00+08:00",
        "complaint.answer.complaint.promise 7 business_days",
    ),
    (
        "a year without a calendar: no holiday is assumed",
        "CN-SGCC",
        "complaint.answer",
        "accepted_at=2030-09-30T10:00:00+08:00 kind=complaint channel=hotline",
        "2030-10-08T00:00:00+08:00",
        "complaint.answer.complaint.promise 5 business_days",
    ),
    (
        "channel not known",
        "CN-SGCC",
        "complaint.answer",
        "accepted_at=2026-03-02T10:00:00+08:00 kind=complaint",
        "2026-03-10T00:00:00+08:00",
        "complaint.answer.complaint.promise 5 business_days",
    ),
    (
        "a suggestion is another request",
        "CN-CSG",
        "complaint.answer",
        "accepted_at=2026-03-02T10:00:00+08:00 kind=suggestion channel=online",
        "2026-03-10T00:00:00+08:00",
        "complaint.answer.other.own 5 business_days",
    ),
    (
        "no date",
        "CN-SGCC",
        "complaint.answer",
        "kind=complaint",
        "-",
        "",
    ),
];

#[test]
fn a_time_we_owe_by_case() {
    for (case, pack, question, facts, by, rule) in ROWS {
        let answer = ask(pack, question, facts);
        assert_eq!(shown(&answer, answer.by), *by, "{case}: {}", answer.because);
        assert_eq!(
            answer.verdict.word(),
            "yes",
            "{case}: restoring and answering have no obstacle"
        );
        let named = answer.rule.as_deref().unwrap_or_default();
        assert_eq!(
            named.strip_prefix(pack).unwrap_or_default().trim(),
            *rule,
            "{case}"
        );
        assert_eq!((answer.earliest, answer.latest), (None, None), "{case}");
    }
}

/// What nobody has read, or what is not law yet, is in the pack and decides nothing until it is made law.
#[test]
fn what_is_not_law_ships_inactive() {
    let text = include_str!("../../packs/CN-SGCC.toml");
    let paid = [("paid_at".to_owned(), "2026-03-01T09:00:00+08:00".to_owned())];
    let (question, case) = Question::read("arrears.reconnect", &paid).unwrap();
    let by = |text: &str| Pack::read(text).unwrap().ask(&question, &case).by;

    let draft = text.replace(
        "value = 24\nunit = \"h\"\nsource = \"Power Supply Business Rules 2024",
        "value = 2\nunit = \"h\"\nsource = \"Power Supply Business Rules 2024",
    );
    assert_ne!(draft, text);
    assert_eq!(by(&draft), Some(at("2026-03-02T09:00:00+08:00")));
    let law = draft.replace("in_force = false\n", "");
    assert_eq!(by(&law), Some(at("2026-03-01T11:00:00+08:00")));
}

/// The tables of grades are kept and checked, and rule nothing at any time (operations.md O35).
#[test]
fn the_tables_of_grades_ship_inactive() {
    for pack in ["CN-SGCC+CN-GRADING", "CN-CSG+CN-GRADING"] {
        let pack = Pack::load(pack).expect("it loads");
        for day in ["2026-11-27T00:00:00+08:00", "2027-01-01T00:00:00+08:00"] {
            for path in [
                "grading.load.regional.special",
                "grading.load.province_5_11gw.special",
            ] {
                assert!(pack.percent(path, at(day)).is_err(), "{path} {day}");
            }
        }
    }
    let text = include_str!("../../packs/overlays/CN-GRADING.toml");
    assert_eq!(
        text.matches("[grading.").count(),
        text.matches("in_force = false").count()
    );
}

/// 35: the version of the trigger stays with the case, whatever changed since.
#[test]
fn a_case_keeps_the_version_that_began_it() {
    let pack = Pack::load("AU-NERR").unwrap();
    let facts = ArrearsDisconnect {
        balance_cents: Some(40_000),
        ..ArrearsDisconnect::default()
    };
    let ask = |ruled_at: &str| {
        let case = Case {
            ruled_at: Some(at(ruled_at)),
            ..Case::default()
        };
        pack.ask(&Question::ArrearsDisconnect(facts.clone()), &case)
    };
    let old = ask("2026-06-30T23:59:59+10:00");
    let new = ask("2026-07-01T00:00:00+10:00");
    assert!(
        !old.because.contains("500.00") && new.because.contains("500.00"),
        "{}",
        new.because
    );
    assert_eq!(old.pack_version, "AU-NERR@2012-07-01");
    assert_eq!(new.pack_version, "AU-NERR@2026-07-01");
}
