//! Templates are whole, and a countersign goes its way once and in order.

use chrono::TimeDelta;

use super::*;
use crate::domain::window::{Instant, Window};

fn t0() -> Instant {
    "2026-03-01T01:00:00Z".parse().unwrap()
}

fn by(who: &str, minutes: i64) -> Decision {
    Decision {
        by: who.to_owned(),
        at: t0() + TimeDelta::minutes(minutes),
    }
}

fn plan(state: State) -> Outage {
    let window = Window {
        off_at: t0() + TimeDelta::days(8),
        on_at: t0() + TimeDelta::days(9),
    };
    let mut plan = Outage::draft("author".to_owned(), window);
    plan.state = state;
    plan
}

fn says(verdict: Verdict, reason: &str) -> Step {
    Step::Sign {
        verdict,
        reason: reason.to_owned(),
    }
}

fn submitted(latest: Option<Countersign>, step: &Step, by: Decision) -> Result<Countersign, Fault> {
    countersign(&plan(State::Submitted), latest, step, by)
}

#[test]
fn the_forms_are_whole_and_differ() {
    assert!(Template::find(STRICTEST).is_some());
    let mut seen = Vec::new();
    for one in Template::all() {
        assert!(!one.zh.is_empty() && !one.en.is_empty() && !one.alternatives.is_empty());
        assert!(!one.departments.is_empty(), "{}", one.word);
        for department in &one.departments {
            assert_eq!(
                department.roles().len(),
                department.roles.len(),
                "{}",
                department.word
            );
            assert!(!department.roles.is_empty(), "{}", department.word);
        }
        let words: Vec<_> = one.departments.iter().map(|one| one.word.clone()).collect();
        assert!(!seen.contains(&words), "{} is like another", one.word);
        seen.push(words);
    }
}

#[test]
fn each_leg_has_its_time() {
    let sent = submitted(None, &Step::Send, by("author", 0)).unwrap();
    let received = submitted(Some(sent), &Step::Receive, by("dee", 5)).unwrap();
    let signed = submitted(Some(received), &says(Verdict::Agreed, ""), by("mo", 9)).unwrap();
    let times = [
        Some(signed.sent.at),
        signed.received.map(|one| one.at),
        signed.signed.map(|one| one.by.at),
    ];
    assert_eq!(times, [0, 5, 9].map(|min| Some(t0() + TimeDelta::minutes(min))));
}

#[test]
fn repeating_a_step_changes_nothing() {
    let sent = submitted(None, &Step::Send, by("author", 0)).unwrap();
    assert_eq!(
        submitted(Some(sent.clone()), &Step::Send, by("pat", 3)),
        Ok(sent.clone())
    );
    let received = submitted(Some(sent), &Step::Receive, by("dee", 5)).unwrap();
    assert_eq!(
        submitted(Some(received.clone()), &Step::Receive, by("mo", 6)),
        Ok(received.clone())
    );
    let agreed = says(Verdict::Agreed, "");
    let signed = submitted(Some(received), &agreed, by("mo", 9)).unwrap();
    assert_eq!(
        submitted(Some(signed.clone()), &agreed, by("mo", 12)),
        Ok(signed.clone())
    );
    assert_eq!(
        submitted(Some(signed.clone()), &Step::Send, by("pat", 12)),
        Ok(signed.clone())
    );
    assert_eq!(
        submitted(Some(signed.clone()), &agreed, by("dee", 12)),
        Err(Fault::HasSigned)
    );
    let other = says(Verdict::Refused, "no");
    assert_eq!(
        submitted(Some(signed), &other, by("mo", 12)),
        Err(Fault::HasSigned)
    );
}

#[test]
fn a_refusal_says_why_and_the_plan_can_be_sent_again() {
    let sent = submitted(None, &Step::Send, by("author", 0)).unwrap();
    let silent = says(Verdict::Refused, " ");
    assert_eq!(
        submitted(Some(sent.clone()), &silent, by("dee", 5)),
        Err(Fault::NoReason)
    );
    let refused = submitted(
        Some(sent),
        &says(Verdict::Refused, "no line is free"),
        by("dee", 5),
    )
    .unwrap();
    assert!(refused.received.is_some(), "who signs has it");
    let again = submitted(Some(refused), &Step::Send, by("author", 60)).unwrap();
    assert_eq!((again.round, again.signed), (2, None));
}

#[test]
fn nothing_is_signed_that_was_not_sent_nor_by_the_author() {
    let agreed = says(Verdict::Agreed, "");
    assert_eq!(submitted(None, &agreed, by("dee", 1)), Err(Fault::NotSent));
    assert_eq!(submitted(None, &Step::Receive, by("dee", 1)), Err(Fault::NotSent));
    let sent = submitted(None, &Step::Send, by("author", 0)).unwrap();
    assert_eq!(
        submitted(Some(sent), &agreed, by("author", 1)),
        Err(Fault::OwnPlan)
    );
}

#[test]
fn departments_are_asked_between_submission_and_announcement() {
    for state in State::ALL {
        let may = countersign(&plan(*state), None, &Step::Send, by("author", 0)).is_ok();
        let open = [
            State::Submitted,
            State::Balanced,
            State::Negotiating,
            State::Approved,
        ];
        assert_eq!(may, open.contains(state), "{state:?}");
    }
    let mut announced = plan(State::Approved);
    announced.announced_at = Some(t0());
    let late = countersign(&announced, None, &Step::Send, by("author", 0));
    assert_eq!(late, Err(Fault::NotNow));
}
