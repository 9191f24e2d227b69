//! `planned.talks`: the working days a dedicated-line customer has.

use crate::given::{ask, shown};

#[test]
fn five_working_days_are_counted_by_the_calendar() {
    let table = [
        // Monday: until 24:00 of the Monday after.
        ("2026-03-02T09:00:00+08:00", "2026-03-09T23:59:59+08:00", "no"),
        ("2026-03-02T09:00:00+08:00", "2026-03-10T00:00:00+08:00", "yes"),
        // Friday before the National Day week of 2026: the days off do not count.
        ("2026-09-30T09:00:00+08:00", "2026-10-07T12:00:00+08:00", "no"),
    ];
    for (proposed, at, verdict) in table {
        for pack in ["CN-SGCC", "CN-CSG"] {
            let answer = ask(pack, "planned.talks", &format!("proposed_at={proposed} at={at}"));
            assert_eq!(
                answer.verdict.word(),
                verdict,
                "{pack} {proposed} {at}: {}",
                answer.because
            );
        }
    }
    let answer = ask(
        "CN-SGCC",
        "planned.talks",
        "proposed_at=2026-03-02T09:00:00+08:00",
    );
    assert_eq!(answer.verdict.word(), "no", "the present moment is not known");
    assert_eq!(shown(&answer, answer.by), "2026-03-10T00:00:00+08:00");
    assert_eq!(
        answer.rule.as_deref(),
        Some("CN-SGCC planned.talks 5 business_days")
    );
}

/// The time is the customer's: what cannot be counted does not end.
#[test]
fn what_cannot_be_counted_is_no() {
    for facts in [
        "at=2026-03-10T00:00:00+08:00",
        "proposed_at=2099-03-02T09:00:00+08:00 at=2100-01-01T00:00:00+08:00",
    ] {
        let answer = ask("CN-SGCC", "planned.talks", facts);
        assert_eq!(answer.verdict.word(), "no", "{}", answer.because);
    }
    let facts = "proposed_at=2026-03-02T09:00:00+08:00 at=2026-06-02T09:00:00+08:00";
    assert_eq!(ask("AU-NERR", "planned.talks", facts).verdict.word(), "no");
}
