//! `planned.start` and `temporary.start`: is the notice old enough, and is this the announced moment?

use chrono::{DateTime, Utc};

use crate::{
    Answer, PlannedStart, Quantity, TemporaryStart,
    clock::later,
    finding::{Finding, Weight},
    quantity::Fact,
    view::{Rule, View},
};

/// May the planned outage start?
pub(super) fn planned(view: &View<'_>, facts: &PlannedStart) -> Answer {
    let (notice, mut findings) = notice(view, facts);
    let known = findings.is_empty();
    let leads = leads(view, "planned.lead", notice.filter(|_| known), facts.off_at);
    let opens = leads.iter().filter_map(|finding| finding.opens_at).max();
    let carried = known && leads.iter().all(Finding::is_met);
    findings.extend(leads);
    let window = execution(view, facts, &mut findings);

    let mut answer = view.answer(findings);
    answer.earliest = match (facts.now, facts.off_at) {
        (Some(_), Some(off)) => opens.map(|opens| opens.max(off)),
        _ => opens,
    };
    answer.latest = window.filter(|_| carried);
    if !known {
        answer.earliest = None;
        answer.by = facts.off_at.and_then(|off| notice_by(view, "planned.lead", off));
    }
    answer.changes_at = changes_at(facts, &answer, carried, window);
    answer
}

/// May the temporary outage start?
pub(super) fn temporary(view: &View<'_>, facts: &TemporaryStart) -> Answer {
    let mut findings = Vec::new();
    if facts.published_at.is_none() {
        findings.push(Finding::unknown(
            None,
            "when the outage was announced (published_at)",
        ));
    }
    findings.extend(leads(view, "temporary.lead", facts.published_at, facts.off_at));
    let opens = findings.iter().filter_map(|finding| finding.opens_at).max();
    let mut answer = view.answer(findings);
    answer.earliest = opens;
    if facts.published_at.is_none() {
        answer.by = facts
            .off_at
            .and_then(|off| notice_by(view, "temporary.lead", off));
    }
    answer
}

/// The moment all required notices were out (5.5 no. 2: the last counts), and what is missing.
fn notice<'a>(view: &View<'a>, facts: &PlannedStart) -> (Option<DateTime<Utc>>, Vec<Finding<'a>>) {
    let mut missing = Vec::new();
    for rule in view.layers("planned.needs") {
        match rule.leaf.quantity {
            Quantity::Fact(Fact::PublishedAt) if facts.published_at.is_none() => {
                let what = "when the public announcement was up (published_at)";
                missing.push(Finding::unknown(Some(rule), what));
            }
            Quantity::Fact(Fact::IndividualAt) if facts.individual_at.is_none() => {
                let what = "when the last customer was told individually (individual_at)";
                missing.push(Finding::unknown(Some(rule), what));
            }
            _ => {}
        }
    }
    (facts.published_at.max(facts.individual_at), missing)
}

/// What every layer of the lead says.
pub(super) fn leads<'a>(
    view: &View<'a>,
    prefix: &str,
    notice: Option<DateTime<Utc>>,
    off: Option<DateTime<Utc>>,
) -> Vec<Finding<'a>> {
    let rules = view.layers(prefix);
    if rules.is_empty() {
        let because = format!("{} has no rule {prefix}", view.pack.id());
        return vec![Finding::new(None, Weight::Unknown, because)];
    }
    let mut findings = Vec::new();
    if off.is_none() {
        findings.push(Finding::unknown(
            rules.first().copied(),
            "the moment of switching off (off_at)",
        ));
    }
    if let Some(notice) = notice {
        findings.extend(rules.into_iter().map(|rule| lead(view, rule, notice, off)));
    }
    findings
}

fn lead<'a>(
    view: &View<'a>,
    rule: Rule<'a>,
    notice: DateTime<Utc>,
    off: Option<DateTime<Utc>>,
) -> Finding<'a> {
    let span = &rule.leaf.quantity;
    let opens = match view.clock.after(span, notice) {
        Ok(opens) => opens,
        Err(error) => return Finding::new(Some(rule), Weight::Unknown, error.to_string()),
    };
    let earliest = view.say(opens);
    let finding = match off {
        None => Finding::new(
            Some(rule),
            Weight::Met,
            format!("the notice carries a start from {earliest} on"),
        ),
        Some(off) => {
            let weight = if opens <= off { Weight::Met } else { Weight::Time };
            let counted = view.compare(span, notice, off);
            let (from, to) = (view.say(notice), view.say(off));
            let because = format!(
                "from the complete notice at {from} to switching off at {to}: {counted}; earliest {earliest}"
            );
            Finding::new(Some(rule), weight, because)
        }
    };
    finding.opening(opens)
}

/// Whether `now` is the announced moment; returns the end of the start window.
fn execution<'a>(
    view: &View<'a>,
    facts: &PlannedStart,
    findings: &mut Vec<Finding<'a>>,
) -> Option<DateTime<Utc>> {
    let (now, off) = (facts.now?, facts.off_at?);
    let (rule, span) = view.duration("planned.start_window")?;
    let ends = later(off, span).ok()?;
    let (now_said, off_said, ends_said) = (view.say(now), view.say(off), view.say(ends));
    let (weight, because) = if now < off {
        let because = format!("{now_said} is before the announced {off_said}; earlier is never allowed");
        (Weight::Time, because)
    } else if now <= ends {
        (
            Weight::Met,
            format!("{now_said} is from {off_said} to {ends_said}"),
        )
    } else {
        let because = format!(
            "{now_said} is after {ends_said}; a later start needs the end kept, people told and a manager's word"
        );
        (Weight::Expired, because)
    };
    findings.push(Finding::new(Some(rule), weight, because).opening(off));
    Some(ends)
}

/// The last moment for the notice of a start at `off`: what the strictest layer leaves.
pub(super) fn notice_by(view: &View<'_>, prefix: &str, off: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let rules = view.layers(prefix);
    rules
        .iter()
        .filter_map(|rule| view.clock.before(&rule.leaf.quantity, off).ok())
        .min()
}

/// Only the present moves: a plan asked about without `now` stays as it is.
fn changes_at(
    facts: &PlannedStart,
    answer: &Answer,
    carried: bool,
    ends: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    let now = facts.now.filter(|_| carried)?;
    if answer.allowed() {
        ends
    } else {
        facts.off_at.filter(|off| now < *off)
    }
}
