//! `planned.change`: what a change of a noticed planned outage needs.
//!
//! Earlier never; another day is a new notice; later the same day is told; longer is told before the announced end.

use chrono::{DateTime, TimeDelta, Utc};

use super::start::{leads, notice_by};
use crate::{
    Answer, PlannedChange, Verdict,
    clock::earlier,
    finding::Finding,
    view::{Rule, View, hours},
};

type At = DateTime<Utc>;

/// The change in full: what was announced and what is wanted.
struct Change {
    off: At,
    new_off: At,
    on: Option<At>,
    new_on: Option<At>,
}

/// What does this change need?
pub(super) fn planned(view: &View<'_>, facts: &PlannedChange) -> Answer {
    let Some(off) = facts.off_at else {
        return unknown(view, "the announced start (off_at)");
    };
    if facts.new_off_at.is_none() && facts.new_on_at.is_none() {
        return unknown(view, "the wanted start or end (new_off_at, new_on_at)");
    }
    let change = Change {
        off,
        new_off: facts.new_off_at.unwrap_or(off),
        on: facts.on_at,
        new_on: facts.new_on_at.or(facts.on_at),
    };
    if let Some(forbidden) = forbidden(view, &change, facts.now).or_else(|| turned_round(view, facts)) {
        return forbidden;
    }
    if change.new_off > change.off {
        moved(view, facts, &change)
    } else {
        end_only(view, facts, &change)
    }
}

/// What no notice makes good.
fn forbidden(view: &View<'_>, change: &Change, now: Option<At>) -> Option<Answer> {
    let (off, new_off) = (view.say(change.off), view.say(change.new_off));
    if change.new_off < change.off {
        let because = format!(
            "{new_off} is before the announced {off}; an earlier start is never allowed, not by a minute"
        );
        let mut answer = said(
            view,
            Verdict::Forbidden,
            view.one("planned.change.earlier"),
            because,
        );
        answer.earliest = Some(change.off);
        return Some(answer);
    }
    let now = now.filter(|now| change.new_off > change.off && change.new_off < *now)?;
    let because = format!("the wanted start {new_off} is over at {}", view.say(now));
    Some(said(view, Verdict::Forbidden, None, because))
}

/// A window that ends before it begins.
fn turned_round(view: &View<'_>, facts: &PlannedChange) -> Option<Answer> {
    let (off, on) = (facts.new_off_at.or(facts.off_at)?, facts.new_on_at?);
    let because = || {
        format!(
            "the end {} is not after the start {}",
            view.say(on),
            view.say(off)
        )
    };
    (on <= off).then(|| said(view, Verdict::Forbidden, None, because()))
}

/// The start moves to later.
fn moved(view: &View<'_>, facts: &PlannedChange, change: &Change) -> Answer {
    let (from, to) = (view.clock.date(change.off), view.clock.date(change.new_off));
    if from != to {
        let because = format!("{to} is another day than the announced {from}: the old notice is void");
        return anew(view, facts, change, view.one("planned.change.other_day"), because);
    }
    let rules = (
        view.duration("planned.change.later_same_day"),
        view.duration("planned.change.window_growth"),
        view.duration("planned.change.inform_before"),
    );
    let (Some((later_rule, most)), Some((growth_rule, grow)), Some((inform_rule, before))) = rules else {
        return unknown(view, "the pack's rule for changes");
    };
    let delay = change.new_off - change.off;
    if delay > most {
        let because = format!(
            "{} later on the same day, {} are allowed",
            hours(delay),
            hours(most)
        );
        return anew(view, facts, change, Some(later_rule), because);
    }
    if change.new_on.is_some_and(|on| on <= change.new_off) {
        return unknown(view, "the wanted end (new_on_at)");
    }
    match growth(change) {
        None => return unknown(view, "the announced end (on_at)"),
        Some(by) if by > grow => {
            let because = format!("the window grows by {}, {} are allowed", hours(by), hours(grow));
            return anew(view, facts, change, Some(growth_rule), because);
        }
        Some(_) => {}
    }
    if let Some(refused) = notice_fails(view, facts, change) {
        return refused;
    }
    told(view, facts, change, inform_rule, before, delay)
}

/// Later on the same day: told in time, or late with the end kept (O30).
fn told(
    view: &View<'_>,
    facts: &PlannedChange,
    change: &Change,
    rule: Rule<'_>,
    before: TimeDelta,
    delay: TimeDelta,
) -> Answer {
    let Ok(by) = earlier(change.off, before) else {
        return unknown(view, "the moment to tell customers");
    };
    let by_said = view.say(by);
    let late = facts.now.filter(|now| *now > by);
    let kept = change.new_on <= change.on;
    match late {
        Some(now) if !kept => {
            let because = format!(
                "customers had to be told by {by_said}, it is {}, and the end moves",
                view.say(now)
            );
            anew(view, facts, change, Some(rule), because)
        }
        Some(now) => {
            let because = format!(
                "{} later on the same day, after {by_said}: the end stays; people are told at once and a manager confirms",
                hours(delay)
            );
            Answer {
                by: Some(now),
                ..said(view, Verdict::Inform, Some(rule), because)
            }
        }
        None => {
            let because = format!(
                "{} later on the same day: customers are told by {by_said}",
                hours(delay)
            );
            let changes_at = facts.now.filter(|_| !kept).map(|_| by);
            Answer {
                by: Some(by),
                changes_at,
                ..said(view, Verdict::Inform, Some(rule), because)
            }
        }
    }
}

/// Only the end moves.
fn end_only(view: &View<'_>, facts: &PlannedChange, change: &Change) -> Answer {
    let (Some(on), Some(new_on)) = (change.on, change.new_on) else {
        return unknown(view, "the announced end (on_at)");
    };
    if new_on <= on {
        let because = format!(
            "the outage ends at {}, not after the announced {}",
            view.say(new_on),
            view.say(on)
        );
        return said(view, Verdict::Inform, None, because);
    }
    let on_said = view.say(on);
    let rule = view.one("planned.change.longer");
    if let Some(now) = facts.now.filter(|now| *now >= on) {
        let because = format!(
            "longer has to be told before the announced end {on_said}; it is {}",
            view.say(now)
        );
        return said(view, Verdict::Forbidden, rule, because);
    }
    let Some((growth_rule, grow)) = view.duration("planned.change.window_growth") else {
        return unknown(view, "the pack's rule for changes");
    };
    let before_start = facts.now.is_some_and(|now| now < change.off);
    if before_start && new_on - on > grow {
        let because = format!(
            "not begun, and the window grows by {}, {} are allowed",
            hours(new_on - on),
            hours(grow)
        );
        return anew(view, facts, change, Some(growth_rule), because);
    }
    let because = format!(
        "{} longer: customers are told before the announced end {on_said}",
        hours(new_on - on)
    );
    let changes_at = facts.now.map(|_| on);
    Answer {
        by: Some(on),
        changes_at,
        ..said(view, Verdict::Inform, rule, because)
    }
}

/// How much longer the window gets; none when that is not known. An end that is not touched stays.
fn growth(change: &Change) -> Option<TimeDelta> {
    match (change.on, change.new_on) {
        (Some(on), Some(new_on)) => Some((new_on - change.new_off) - (on - change.off)),
        (None, None) => Some(change.off - change.new_off),
        _ => None,
    }
}

/// Telling keeps a notice good only when it is good: old enough for the new start.
fn notice_fails(view: &View<'_>, facts: &PlannedChange, change: &Change) -> Option<Answer> {
    let Some(noticed) = facts.noticed_at else {
        return Some(unknown(view, "when the notice was complete (noticed_at)"));
    };
    let failing = leads(view, "planned.lead", Some(noticed), Some(change.new_off));
    let failing = failing
        .into_iter()
        .filter(|lead| !lead.is_met())
        .max_by_key(|lead| lead.opens_at)?;
    let Finding { rule, because, .. } = failing;
    Some(anew(
        view,
        facts,
        change,
        rule,
        format!("the notice does not carry the new start: {because}"),
    ))
}

/// A new notice with its full lead: when it has to be out, and what a notice given now would carry.
fn anew(
    view: &View<'_>,
    facts: &PlannedChange,
    change: &Change,
    rule: Option<Rule<'_>>,
    because: String,
) -> Answer {
    let by = notice_by(view, "planned.lead", change.new_off);
    let carried = |now: At| {
        let rules = view.layers("planned.lead");
        rules
            .iter()
            .filter_map(|rule| view.clock.after(&rule.leaf.quantity, now).ok())
            .max()
    };
    let tail = by.map(|by| {
        format!(
            "; a new notice with its full lead has to be out by {}",
            view.say(by)
        )
    });
    Answer {
        earliest: facts.now.and_then(carried),
        by,
        ..said(
            view,
            Verdict::NewNotice,
            rule,
            because + &tail.unwrap_or_default(),
        )
    }
}

/// What cannot be judged needs a new notice.
fn unknown(view: &View<'_>, what: &str) -> Answer {
    said(view, Verdict::NewNotice, None, format!("{what} is not known"))
}

fn said(view: &View<'_>, verdict: Verdict, rule: Option<Rule<'_>>, because: String) -> Answer {
    Answer {
        rule: rule.map(|rule| view.name(rule)),
        source: rule.map(|rule| rule.leaf.cited()),
        because,
        ..view.blank(verdict)
    }
}
