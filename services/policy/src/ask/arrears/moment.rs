//! The rules of `arrears.disconnect` that are a matter of the moment: after the notice has run, at the time on it, after the
//! second notice, inside the hours of cutting.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::window::{Bounds, bounds, hours, locked, of_notice};
use crate::{
    ArrearsDisconnect, Quantity,
    clock::later,
    finding::{Finding, Weight},
    view::{self, View},
};

type At = DateTime<Utc>;

/// Not before the notice has run, not after it has run out.
pub(super) fn service<'a>(view: &View<'a>, facts: &ArrearsDisconnect, at: Option<At>) -> Vec<Finding<'a>> {
    let Some(served) = facts.served_at else {
        let rule = view.layers("arrears.notice_min").pop();
        return vec![Finding::unknown(rule, "proven service of the notice (served_at)")];
    };
    let Bounds { opens, closes } = bounds(view, served);
    let mut findings = Vec::new();
    for (rule, opens) in opens {
        findings.push(match opens {
            Err(error) => Finding::new(Some(rule), Weight::Unknown, error.to_string()),
            Ok(opens) => {
                let counted = at.map(|at| view.compare(&rule.leaf.quantity, served, at));
                let counted = counted.map_or_else(String::new, |counted| format!("{counted}; "));
                let because = format!(
                    "served at {}: {counted}not before {}",
                    view.say(served),
                    view.say(opens)
                );
                Finding::new(Some(rule), when(at, opens), because).opening(opens)
            }
        });
    }
    if let Some((rule, closes)) = closes {
        let because = format!("served at {}: good until {}", view.say(served), view.say(closes));
        let over = at.is_some_and(|at| at >= closes);
        findings.push(Finding::new(
            Some(rule),
            if over { Weight::Expired } else { Weight::Met },
            because,
        ));
        if of_notice(view, facts).earliest.is_none() && facts.due_on.is_some() {
            let because =
                "the lawful window of this notice is empty: nights, rest days and their eves fill it";
            findings.push(Finding::new(Some(rule), Weight::Expired, because));
        }
    }
    findings
}

/// The cut comes at the time on the notice (O13).
pub(super) fn stop_time<'a>(
    view: &View<'a>,
    facts: &ArrearsDisconnect,
    at: Option<At>,
) -> Option<Finding<'a>> {
    let (stop, at) = (facts.notified_stop_at?, at?);
    let (rule, tolerance) = view.duration("arrears.stop_tolerance")?;
    let ends = later(stop, tolerance).ok()?;
    let (stop_said, at_said) = (view.say(stop), view.say(at));
    Some(if at < stop {
        let because = format!("{at_said} is before {stop_said}, the time on the notice");
        Finding::new(Some(rule), Weight::Time, because).opening(stop)
    } else if at <= ends {
        Finding::new(
            Some(rule),
            Weight::Met,
            format!("at the time on the notice, {stop_said}"),
        )
        .opening(stop)
    } else {
        let because = format!("{at_said} is not the time on the notice, {stop_said}");
        Finding::new(Some(rule), Weight::Expired, because)
    })
}

/// The second notice, not too short before and not too long.
pub(super) fn pre_notice<'a>(view: &View<'a>, facts: &ArrearsDisconnect, at: Option<At>) -> Vec<Finding<'a>> {
    let (Some(told), Some(at)) = (facts.pre_noticed_at, at) else {
        return Vec::new();
    };
    let elapsed = at - told;
    let mut findings = Vec::new();
    for rule in view.layers("arrears.pre_notice_min") {
        let Quantity::Duration(least) = rule.leaf.quantity else {
            continue;
        };
        let counted = format!(
            "{} of {} after the second notice",
            view::hours(elapsed),
            view::hours(least)
        );
        let weight = if elapsed >= least {
            Weight::Met
        } else {
            Weight::Time
        };
        findings.push(Finding::new(Some(rule), weight, counted).opening(later(told, least).unwrap_or(told)));
    }
    if elapsed < TimeDelta::zero() {
        let rule = view.one("arrears.needs.contact");
        findings.push(Finding::new(rule, Weight::Time, "the last warning has not been given").opening(told));
    }
    if let Some((rule, most)) = view.duration("arrears.pre_notice_max") {
        let counted = format!(
            "{} after the second notice, at most {}",
            view::hours(elapsed),
            view::hours(most)
        );
        let weight = if elapsed <= most {
            Weight::Met
        } else {
            Weight::Expired
        };
        findings.push(Finding::new(Some(rule), weight, counted));
    }
    findings
}

/// Not at night, not on locked days.
pub(super) fn open_hours<'a>(view: &View<'a>, at: At) -> Finding<'a> {
    let day = view.clock.date(at);
    let said = view.say(at);
    match (locked(view, day), hours(view, day)) {
        (Err(error), _) | (_, Err(error)) => Finding::new(None, Weight::Unknown, error.to_string()),
        (Ok(Some(rule)), _) => Finding::new(Some(rule), Weight::Time, format!("nobody is cut off on {day}")),
        (_, Ok(Some(open))) if open.from <= at && at < open.until => {
            let rule = view.one("arrears.cut_hours.from");
            Finding::new(
                rule,
                Weight::Met,
                format!("{said} is inside the hours of cutting{}", provisional(view, at)),
            )
        }
        _ => {
            let rule = view.one("arrears.cut_hours.from");
            Finding::new(
                rule,
                Weight::Time,
                format!("{said} is outside the hours of cutting"),
            )
        }
    }
}

fn provisional(view: &View<'_>, at: At) -> &'static str {
    let day = view.clock.date(at);
    if view
        .clock
        .calendar
        .is_some_and(|calendar| calendar.is_provisional(day))
    {
        ", by a calendar that is provisional for that year"
    } else {
        ""
    }
}

/// Whether the moment, where it is known, has come.
pub(super) fn when(at: Option<At>, opens: At) -> Weight {
    match at {
        Some(at) if at < opens => Weight::Time,
        _ => Weight::Met,
    }
}
