//! `planned.start` and `temporary.start`.

use crate::given::{ask, at, shown};

const PUBLISHED: &str = "published_at=2026-03-01T09:00:00+08:00";

/// The example of the brief, to the letter.
#[test]
fn half_an_hour_short_of_168_h_is_no() {
    let answer = ask(
        "CN-SGCC",
        "planned.start",
        &format!("{PUBLISHED} off_at=2026-03-08T08:30:00+08:00"),
    );
    assert_eq!(answer.verdict.word(), "no");
    assert!(!answer.allowed());
    assert_eq!(shown(&answer, answer.earliest), "2026-03-08T09:00:00+08:00");
    assert!(answer.because.contains("167.5 h of 168 h"), "{}", answer.because);
    assert!(answer.because.contains("7 of 7 dates"), "{}", answer.because);
    assert_eq!(
        answer.rule.as_deref(),
        Some("CN-SGCC planned.lead.promise 7 strict_days")
    );
    assert!(answer.source.is_some_and(|source| source.ends_with("[S4]")));
    assert_eq!((answer.latest, answer.by), (None, None));
    assert_eq!(answer.pack_version, "CN-SGCC@2024-06-01");
}

/// Case, pack, facts, verdict, earliest, by.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const PLANNED: &[Row] = &[
    (
        "1: 168 h to the second",
        "CN-SGCC",
        "published_at=2026-03-01T09:00:00+08:00 off_at=2026-03-08T09:00:00+08:00",
        "yes",
        "2026-03-08T09:00:00+08:00",
        "-",
    ),
    (
        "1: one second short",
        "CN-SGCC",
        "published_at=2026-03-01T09:00:01+08:00 off_at=2026-03-08T09:00:00+08:00",
        "no",
        "2026-03-08T09:00:01+08:00",
        "-",
    ),
    (
        "1: the other company, the same law",
        "CN-CSG",
        "published_at=2026-03-01T09:00:00+08:00 off_at=2026-03-08T08:30:00+08:00",
        "no",
        "2026-03-08T09:00:00+08:00",
        "-",
    ),
    (
        "2: mails the next morning count",
        "CN-SGCC",
        "published_at=2026-03-01T23:50:00+08:00 individual_at=2026-03-02T08:00:00+08:00 off_at=2026-03-09T00:00:00+08:00",
        "no",
        "2026-03-09T08:00:00+08:00",
        "-",
    ),
    (
        "2: the announcement is the later one",
        "CN-SGCC",
        "published_at=2026-03-02T08:00:00+08:00 individual_at=2026-03-01T08:00:00+08:00 off_at=2026-03-09T08:00:00+08:00",
        "yes",
        "2026-03-09T08:00:00+08:00",
        "-",
    ),
    (
        "2: individual notices do not replace the announcement",
        "CN-SGCC",
        "individual_at=2026-03-01T08:00:00+08:00 off_at=2026-03-20T08:00:00+08:00",
        "no",
        "-",
        "2026-03-13T08:00:00+08:00",
    ),
    (
        "3: autumn change of clocks, 168 h are 6 dates",
        "CN-SGCC",
        "zone=Australia/Sydney published_at=2026-03-30T00:30:00+11:00 off_at=2026-04-05T23:30:00+10:00",
        "no",
        "2026-04-06T00:00:00+10:00",
        "-",
    ),
    (
        "3: autumn change of clocks, midnight",
        "CN-SGCC",
        "zone=Australia/Sydney published_at=2026-03-30T00:30:00+11:00 off_at=2026-04-06T00:00:00+10:00",
        "yes",
        "2026-04-06T00:00:00+10:00",
        "-",
    ),
    (
        "3: spring change of clocks, 7 dates are 167 h",
        "CN-SGCC",
        "zone=Australia/Sydney published_at=2026-10-01T09:00:00+10:00 off_at=2026-10-08T09:00:00+11:00",
        "no",
        "2026-10-08T10:00:00+11:00",
        "-",
    ),
    (
        "3: the supply point's date, not the pack's",
        "CN-SGCC",
        "zone=America/New_York published_at=2026-11-01T00:10:00-04:00 off_at=2026-11-07T23:10:00-05:00",
        "no",
        "2026-11-08T00:00:00-05:00",
        "-",
    ),
    (
        "3: the same instants in another offset",
        "CN-SGCC",
        "published_at=2026-03-01T01:00:00Z off_at=2026-03-08T01:00:00Z",
        "yes",
        "2026-03-08T09:00:00+08:00",
        "-",
    ),
    (
        "4: a holiday inside the 7 days changes nothing",
        "CN-SGCC",
        "published_at=2026-09-29T09:00:00+08:00 off_at=2026-10-06T09:00:00+08:00",
        "yes",
        "2026-10-06T09:00:00+08:00",
        "-",
    ),
    (
        "4: business days skip the weekend",
        "AU-NERR",
        "individual_at=2026-03-05T10:00:00+11:00 off_at=2026-03-10T09:00:00+11:00",
        "no",
        "2026-03-11T00:00:00+11:00",
        "-",
    ),
    (
        "4: business days skip Easter",
        "AU-NERR",
        "individual_at=2026-03-31T10:00:00+11:00 off_at=2026-04-08T09:00:00+10:00",
        "yes",
        "2026-04-08T00:00:00+10:00",
        "-",
    ),
    (
        "4: an announcement tells no customer in Australia",
        "AU-NERR",
        "published_at=2026-03-02T10:00:00+11:00 off_at=2026-03-30T09:00:00+11:00",
        "no",
        "-",
        "2026-03-24T23:59:59+11:00",
    ),
    (
        "9: a minute early is too early",
        "CN-SGCC",
        "published_at=2026-03-01T09:00:00+08:00 off_at=2026-03-10T09:00:00+08:00 now=2026-03-10T08:59:00+08:00",
        "no",
        "2026-03-10T09:00:00+08:00",
        "-",
    ),
    (
        "9: at the announced minute",
        "CN-SGCC",
        "published_at=2026-03-01T09:00:00+08:00 off_at=2026-03-10T09:00:00+08:00 now=2026-03-10T09:00:00+08:00",
        "yes",
        "2026-03-10T09:00:00+08:00",
        "-",
    ),
    (
        "O30: half an hour late still is the start",
        "CN-SGCC",
        "published_at=2026-03-01T09:00:00+08:00 off_at=2026-03-10T09:00:00+08:00 now=2026-03-10T09:30:00+08:00",
        "yes",
        "2026-03-10T09:00:00+08:00",
        "-",
    ),
    (
        "O30: later needs more than this",
        "CN-SGCC",
        "published_at=2026-03-01T09:00:00+08:00 off_at=2026-03-10T09:00:00+08:00 now=2026-03-10T09:30:01+08:00",
        "no",
        "2026-03-10T09:00:00+08:00",
        "-",
    ),
    (
        "11: added customers have their own lead",
        "CN-SGCC",
        "published_at=2026-03-01T09:00:00+08:00 individual_at=2026-03-04T09:00:00+08:00 off_at=2026-03-10T09:00:00+08:00",
        "no",
        "2026-03-11T09:00:00+08:00",
        "-",
    ),
    (
        "27: across a leap day",
        "CN-SGCC",
        "published_at=2028-02-25T09:00:00+08:00 off_at=2028-03-03T09:00:00+08:00",
        "yes",
        "2028-03-03T09:00:00+08:00",
        "-",
    ),
    (
        "37: across the end of the year",
        "CN-SGCC",
        "published_at=2026-12-28T09:00:00+08:00 off_at=2027-01-04T08:59:59+08:00",
        "no",
        "2027-01-04T09:00:00+08:00",
        "-",
    ),
    ("no fact at all", "CN-SGCC", "", "no", "-", "-"),
    (
        "no start",
        "CN-SGCC",
        "published_at=2026-03-01T09:00:00+08:00",
        "no",
        "2026-03-08T09:00:00+08:00",
        "-",
    ),
    (
        "before the pack",
        "CN-SGCC",
        "published_at=2005-10-01T09:00:00+08:00 off_at=2005-11-08T09:00:00+08:00",
        "no",
        "-",
        "-",
    ),
    (
        "before the first year of the calendar no day is counted, the later of the readings",
        "AU-NERR",
        "individual_at=2023-03-01T10:00:00+11:00 off_at=2023-04-20T09:00:00+10:00",
        "no",
        "2024-01-05T00:00:00+11:00",
        "-",
    ),
    (
        "a notice from before the first year carries once enough days are counted",
        "AU-NERR",
        "individual_at=2023-03-01T10:00:00+11:00 off_at=2024-01-05T09:00:00+11:00",
        "yes",
        "2024-01-05T00:00:00+11:00",
        "-",
    ),
    (
        "the calendar does not reach",
        "AU-NERR",
        "individual_at=2040-03-05T10:00:00+11:00 off_at=2040-03-20T09:00:00+11:00",
        "no",
        "-",
        "-",
    ),
];

#[test]
fn a_planned_start_by_case() {
    for (case, pack, facts, verdict, earliest, by) in PLANNED {
        let answer = ask(pack, "planned.start", facts);
        let got = (
            answer.verdict.word(),
            shown(&answer, answer.earliest),
            shown(&answer, answer.by),
        );
        assert_eq!(
            got,
            (*verdict, (*earliest).to_owned(), (*by).to_owned()),
            "{case}: {}",
            answer.because
        );
        assert_eq!(answer.allowed(), *verdict == "yes", "{case}");
        assert!(!answer.because.is_empty(), "{case}");
    }
}

/// Which reading was taken where the calendar knows nothing is said (O14).
#[test]
fn a_calendar_that_begins_later_is_said() {
    let facts = "individual_at=2023-03-01T10:00:00+11:00 off_at=2023-04-20T09:00:00+10:00";
    let because = ask("AU-NERR", "planned.start", facts).because;
    assert!(
        because.contains("the calendar knows no day before and the later reading holds"),
        "{because}"
    );
}

const TEMPORARY: &[Row] = &[
    (
        "24 h",
        "CN-SGCC",
        "published_at=2026-03-01T09:00:00+08:00 off_at=2026-03-02T09:00:00+08:00",
        "yes",
        "2026-03-02T09:00:00+08:00",
        "-",
    ),
    (
        "a minute short",
        "CN-SGCC",
        "published_at=2026-03-01T09:00:00+08:00 off_at=2026-03-02T08:59:00+08:00",
        "no",
        "2026-03-02T09:00:00+08:00",
        "-",
    ),
    (
        "24 h over a change of clocks",
        "CN-SGCC",
        "zone=Australia/Sydney published_at=2026-10-03T09:00:00+10:00 off_at=2026-10-04T09:30:00+11:00",
        "no",
        "2026-10-04T10:00:00+11:00",
        "-",
    ),
    (
        "not announced",
        "CN-CSG",
        "off_at=2026-03-02T09:00:00+08:00",
        "no",
        "-",
        "2026-03-01T09:00:00+08:00",
    ),
    (
        "29: no rule in this pack",
        "AU-NERR",
        "published_at=2026-03-01T09:00:00+11:00 off_at=2026-03-20T09:00:00+11:00",
        "no",
        "-",
        "-",
    ),
];

#[test]
fn a_temporary_start_by_case() {
    for (case, pack, facts, verdict, earliest, by) in TEMPORARY {
        let answer = ask(pack, "temporary.start", facts);
        let got = (
            answer.verdict.word(),
            shown(&answer, answer.earliest),
            shown(&answer, answer.by),
        );
        assert_eq!(
            got,
            (*verdict, (*earliest).to_owned(), (*by).to_owned()),
            "{case}: {}",
            answer.because
        );
    }
}

/// The next moment with another verdict is named, and is one.
#[test]
fn the_answer_says_when_it_changes() {
    let facts = |now: &str| format!("{PUBLISHED} off_at=2026-03-10T09:00:00+08:00 now={now}");
    let early = ask("CN-SGCC", "planned.start", &facts("2026-03-09T00:00:00+08:00"));
    assert_eq!(early.changes_at, Some(at("2026-03-10T09:00:00+08:00")));
    let open = ask("CN-SGCC", "planned.start", &facts("2026-03-10T09:10:00+08:00"));
    assert_eq!(open.changes_at, Some(at("2026-03-10T09:30:00+08:00")));
    assert_eq!(open.latest, open.changes_at);
    let over = ask("CN-SGCC", "planned.start", &facts("2026-03-10T09:40:00+08:00"));
    assert_eq!(over.changes_at, None);
}

/// domain.md 3.5: who is told one by one; everybody else reads the announcement.
#[test]
fn the_listed_classes_are_told_one_by_one() {
    let china = "dedicated_line high_voltage important life_support own_generation";
    for (pack, expected) in [("CN-SGCC", china), ("CN-CSG", china), ("AU-NERR", "all")] {
        let pack = relight_policy::Pack::load(pack).expect("ships");
        let told = pack.told_individually(at("2026-03-01T09:00:00+08:00"));
        let mut words: Vec<_> = told.iter().map(|class| class.word()).collect();
        words.sort_unstable();
        assert_eq!(words.join(" "), expected, "{}", pack.id());
    }
}
