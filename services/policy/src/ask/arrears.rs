//! `arrears.disconnect`: may this customer be switched off at this moment?

mod edge;
mod moment;

use chrono::{DateTime, Utc};

use self::{
    edge::changes_at,
    moment::{open_hours, pre_notice, service, stop_time, when},
};
use super::window::{of_notice, overdue};
use crate::{
    Answer, ArrearsDisconnect, CustomerClass, Quantity,
    finding::{Finding, Weight},
    quantity::{Effect, Fact},
    view::{Rule, View},
};

type At = DateTime<Utc>;

/// May this customer be switched off?
pub(super) fn disconnect(view: &View<'_>, facts: &ArrearsDisconnect) -> Answer {
    let findings = judge(view, facts, facts.at);
    let never = findings.iter().any(|finding| finding.weight == Weight::Never);
    let mut answer = view.answer(findings);
    if !never {
        let window = of_notice(view, facts);
        answer.earliest = window.earliest;
        answer.latest = window.latest;
        answer.changes_at = facts
            .at
            .and_then(|at| changes_at(view, facts, at, answer.allowed()));
    }
    answer
}

/// Every rule's word on a cut at `at`.
fn judge<'a>(view: &View<'a>, facts: &ArrearsDisconnect, at: Option<At>) -> Vec<Finding<'a>> {
    let mut findings = vec![class(view, facts), debt(view, facts)];
    findings.extend(holds(view, facts));
    findings.extend(overdue_enough(view, facts, at));
    findings.extend(needs(view, facts));
    findings.extend(reminder(view, facts, at));
    findings.extend(service(view, facts, at));
    findings.extend(stop_time(view, facts, at));
    findings.extend(pre_notice(view, facts, at));
    match at {
        Some(at) => findings.push(open_hours(view, at)),
        None => findings.push(Finding::unknown(None, "the moment of switching off (at)")),
    }
    findings
}

fn class<'a>(view: &View<'a>, facts: &ArrearsDisconnect) -> Finding<'a> {
    let Some(class) = facts.class else {
        return Finding::unknown(None, "the customer's class (class)");
    };
    let rule = view.one(&format!("arrears.class.{class}"));
    // What comes after the cut was not there first.
    let first = |done: Option<_>| done.is_some_and(|done| facts.at.is_none_or(|cut| done <= cut));
    let filed = first(facts.filed_at) && first(facts.manager_approved_at);
    match rule.map(|rule| rule.leaf.quantity) {
        Some(Quantity::Effect(Effect::Allow)) => {
            Finding::new(rule, Weight::Met, format!("the class is {class}"))
        }
        Some(Quantity::Effect(Effect::FileFirst)) if filed => Finding::new(
            rule,
            Weight::Met,
            format!("the class is {class}, filed with the authority and approved"),
        ),
        Some(Quantity::Effect(Effect::FileFirst)) => {
            let because = format!(
                "the class is {class}: the copy at the authority and a manager's approval are not known"
            );
            Finding::new(rule, Weight::Hold, because)
        }
        _ if class == CustomerClass::LifeSupport => Finding::new(
            rule,
            Weight::Never,
            "a life depends on this supply: never, and nobody may override it",
        ),
        _ => Finding::new(rule, Weight::Never, format!("the class is {class}: never")),
    }
}

fn debt<'a>(view: &View<'a>, facts: &ArrearsDisconnect) -> Finding<'a> {
    let rule = view.one("arrears.minimum_debt");
    let Some(owed) = facts.balance_cents else {
        return Finding::unknown(rule, "what is owed (balance)");
    };
    match rule.map(|rule| rule.leaf.quantity) {
        Some(Quantity::Money(least)) if owed >= least => Finding::new(
            rule,
            Weight::Met,
            format!("{} is owed, at least {} must be", money(owed), money(least)),
        ),
        Some(Quantity::Money(least)) => {
            let because = format!(
                "{} is owed; nobody is cut off for less than {}",
                money(owed),
                money(least)
            );
            Finding::new(rule, Weight::Never, because)
        }
        _ => Finding::new(
            rule,
            Weight::Unknown,
            "the smallest debt worth a cut is not known",
        ),
    }
}

fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{:02}",
        cents.unsigned_abs() / 100,
        cents.unsigned_abs() % 100
    )
}

fn holds<'a>(view: &View<'a>, facts: &ArrearsDisconnect) -> Option<Finding<'a>> {
    let words: Vec<_> = facts.holds.iter().map(|hold| hold.word()).collect();
    let because = format!("a hold stands: {}", words.join(", "));
    (!words.is_empty()).then(|| Finding::new(view.one("arrears.holds"), Weight::Hold, because))
}

fn overdue_enough<'a>(view: &View<'a>, facts: &ArrearsDisconnect, at: Option<At>) -> Vec<Finding<'a>> {
    let judge = |rule: Rule<'a>| {
        let Some(due) = facts.due_on else {
            return Finding::unknown(Some(rule), "the due date (due_on)");
        };
        let (sooner, day, opens) = match overdue(view, rule, due) {
            Ok(found) => found,
            Err(error) => return Finding::new(Some(rule), Weight::Unknown, error.to_string()),
        };
        let because = format!(
            "due {due}, more than {}: {sooner} when the first overdue day counts, {day} when it does not; the later \
             day holds",
            rule.leaf.words
        );
        Finding::new(Some(rule), when(at, opens), because).opening(opens)
    };
    view.layers("arrears.overdue").into_iter().map(judge).collect()
}

/// Facts the pack insists on.
fn needs<'a>(view: &View<'a>, facts: &ArrearsDisconnect) -> Vec<Finding<'a>> {
    let missing = |rule: Rule<'a>| {
        let Quantity::Fact(fact) = rule.leaf.quantity else {
            return None;
        };
        let (known, what) = match fact {
            Fact::RemindedAt => (facts.reminded_at, "a reminder (reminded_at)"),
            Fact::NotifiedStopAt => (
                facts.notified_stop_at,
                "the stop time on the notice (notified_stop_at)",
            ),
            Fact::PreNoticedAt => (
                facts.pre_noticed_at,
                "the last warning before the stop (pre_noticed_at)",
            ),
            Fact::PublishedAt | Fact::IndividualAt => return None,
        };
        known.is_none().then(|| Finding::unknown(Some(rule), what))
    };
    view.layers("arrears.needs")
        .into_iter()
        .filter_map(missing)
        .collect()
}

/// A reminder is about a debt that is overdue, and comes before the cut; some packs give it a time to run.
fn reminder<'a>(view: &View<'a>, facts: &ArrearsDisconnect, at: Option<At>) -> Vec<Finding<'a>> {
    let Some(reminded) = facts.reminded_at else {
        return Vec::new();
    };
    let rule = view.one("arrears.needs.reminder");
    let said = view.say(reminded);
    let mut findings = Vec::new();
    if facts.due_on.is_some_and(|due| view.clock.date(reminded) <= due) {
        findings.push(Finding::new(
            rule,
            Weight::Hold,
            format!("the reminder of {said} came before the debt was overdue"),
        ));
    }
    findings.push(Finding::new(rule, when(at, reminded), format!("reminded at {said}")).opening(reminded));
    for rule in view.layers("arrears.reminder_min") {
        let (Some(served), Ok(opens)) = (facts.served_at, view.clock.after(&rule.leaf.quantity, reminded))
        else {
            let because = "the time from the reminder to the notice cannot be counted";
            findings.push(Finding::new(Some(rule), Weight::Unknown, because));
            continue;
        };
        let counted = view.compare(&rule.leaf.quantity, reminded, served);
        let weight = if opens <= served {
            Weight::Met
        } else {
            Weight::Expired
        };
        findings.push(Finding::new(
            Some(rule),
            weight,
            format!("from the reminder to service of the notice: {counted}"),
        ));
    }
    findings
}
