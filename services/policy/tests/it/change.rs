//! `planned.change`.

use crate::given::{ask, shown};

const ANNOUNCED: &str =
    "noticed_at=2026-03-01T09:00:00+08:00 off_at=2026-03-10T09:00:00+08:00 on_at=2026-03-10T17:00:00+08:00";

/// Case, what changes, verdict, earliest, by.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const ROWS: &[Row] = &[
    (
        "7: another day",
        "new_off_at=2026-03-11T09:00:00+08:00 now=2026-03-03T10:00:00+08:00",
        "new_notice",
        "2026-03-10T10:00:00+08:00",
        "2026-03-04T09:00:00+08:00",
    ),
    (
        "7: another day by a minute",
        "new_off_at=2026-03-11T00:00:00+08:00 new_on_at=2026-03-11T01:00:00+08:00 now=2026-03-09T10:00:00+08:00",
        "new_notice",
        "2026-03-16T10:00:00+08:00",
        "2026-03-04T00:00:00+08:00",
    ),
    (
        "8: two hours later the same day",
        "new_off_at=2026-03-10T11:00:00+08:00 new_on_at=2026-03-10T19:00:00+08:00 now=2026-03-09T10:00:00+08:00",
        "inform",
        "-",
        "2026-03-10T07:00:00+08:00",
    ),
    (
        "8: with the end kept",
        "new_off_at=2026-03-10T11:00:00+08:00",
        "inform",
        "-",
        "2026-03-10T07:00:00+08:00",
    ),
    (
        "8: the window grows by 2 h",
        "new_off_at=2026-03-10T10:00:00+08:00 new_on_at=2026-03-10T20:00:00+08:00",
        "inform",
        "-",
        "2026-03-10T07:00:00+08:00",
    ),
    (
        "8: the window grows by more",
        "new_off_at=2026-03-10T10:00:00+08:00 new_on_at=2026-03-10T20:01:00+08:00",
        "new_notice",
        "-",
        "2026-03-03T10:00:00+08:00",
    ),
    (
        "8: more than 4 h later",
        "new_off_at=2026-03-10T13:01:00+08:00",
        "new_notice",
        "-",
        "2026-03-03T13:01:00+08:00",
    ),
    (
        "8: told too late and the end moves",
        "new_off_at=2026-03-10T10:00:00+08:00 new_on_at=2026-03-10T18:00:00+08:00 now=2026-03-10T07:01:00+08:00",
        "new_notice",
        "2026-03-17T07:01:00+08:00",
        "2026-03-03T10:00:00+08:00",
    ),
    (
        "O30: told late, the end stays",
        "new_off_at=2026-03-10T10:00:00+08:00 now=2026-03-10T08:30:00+08:00",
        "inform",
        "-",
        "2026-03-10T08:30:00+08:00",
    ),
    (
        "9: a minute earlier",
        "new_off_at=2026-03-10T08:59:00+08:00 now=2026-03-02T10:00:00+08:00",
        "forbidden",
        "2026-03-10T09:00:00+08:00",
        "-",
    ),
    (
        "9: a day earlier",
        "new_off_at=2026-03-09T09:00:00+08:00 now=2026-03-01T10:00:00+08:00",
        "forbidden",
        "2026-03-10T09:00:00+08:00",
        "-",
    ),
    (
        "10: longer, told before the end",
        "new_on_at=2026-03-10T20:00:00+08:00 now=2026-03-10T16:59:59+08:00",
        "inform",
        "-",
        "2026-03-10T17:00:00+08:00",
    ),
    (
        "10: longer, told after the end",
        "new_on_at=2026-03-10T20:00:00+08:00 now=2026-03-10T17:00:00+08:00",
        "forbidden",
        "-",
        "-",
    ),
    (
        "10: longer into the next day",
        "new_on_at=2026-03-11T02:00:00+08:00 now=2026-03-10T12:00:00+08:00",
        "inform",
        "-",
        "2026-03-10T17:00:00+08:00",
    ),
    (
        "10: much longer before it began is no surprise",
        "new_on_at=2026-03-10T20:00:00+08:00 now=2026-03-09T12:00:00+08:00",
        "new_notice",
        "2026-03-16T12:00:00+08:00",
        "2026-03-03T09:00:00+08:00",
    ),
    (
        "shorter needs no word",
        "new_on_at=2026-03-10T15:00:00+08:00",
        "inform",
        "-",
        "-",
    ),
    (
        "a window turned round",
        "new_off_at=2026-03-10T12:00:00+08:00 new_on_at=2026-03-10T12:00:00+08:00",
        "forbidden",
        "-",
        "-",
    ),
    (
        "a start that is over",
        "new_off_at=2026-03-10T10:00:00+08:00 now=2026-03-10T10:01:00+08:00",
        "forbidden",
        "-",
        "-",
    ),
    (
        "nothing wanted",
        "now=2026-03-09T10:00:00+08:00",
        "new_notice",
        "-",
        "-",
    ),
];

#[test]
fn a_change_by_case() {
    for (case, change, verdict, earliest, by) in ROWS {
        let answer = ask("CN-SGCC", "planned.change", &format!("{ANNOUNCED} {change}"));
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
        assert_eq!(answer.allowed(), *verdict == "inform", "{case}");
    }
}

/// The day is the supply point's.
#[test]
fn the_same_day_is_the_same_local_day() {
    let facts = "noticed_at=2026-03-01T09:00:00Z off_at=2026-03-10T14:00:00Z on_at=2026-03-10T18:00:00Z \
                 new_off_at=2026-03-10T17:00:00Z new_on_at=2026-03-10T20:00:00Z";
    let utc = ask("CN-SGCC", "planned.change", &format!("{facts} zone=UTC"));
    assert_eq!(utc.verdict.word(), "inform", "{}", utc.because);
    let china = ask("CN-SGCC", "planned.change", facts);
    assert_eq!(china.verdict.word(), "new_notice", "{}", china.because);
}

/// Telling keeps only a good notice good.
#[test]
fn a_notice_that_never_carried_the_start_is_not_kept() {
    let facts = "off_at=2026-03-10T09:00:00+08:00 on_at=2026-03-10T17:00:00+08:00 new_off_at=2026-03-10T10:00:00+08:00";
    for (noticed, verdict) in [
        ("noticed_at=2026-03-03T10:00:00+08:00", "inform"),
        ("noticed_at=2026-03-03T10:00:01+08:00", "new_notice"),
        ("", "new_notice"),
    ] {
        let answer = ask("CN-SGCC", "planned.change", &format!("{facts} {noticed}"));
        assert_eq!(answer.verdict.word(), verdict, "{noticed}: {}", answer.because);
    }
    let nothing = ask(
        "CN-SGCC",
        "planned.change",
        "new_off_at=2026-03-10T10:00:00+08:00",
    );
    assert_eq!(nothing.verdict.word(), "new_notice");
}
