//! When somebody may be cut off for arrears after a notice was served: never before, never after, not at night, not on
//! days when reconnection could fail.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use crate::{
    ArrearsDisconnect, NoticeWindow, Quantity,
    clock::{Clock, NotCountable, shifted},
    quantity::DayKind,
    view::{Rule, View},
};

type At = DateTime<Utc>;

/// Days looked at for an open one when a notice does not expire; longer than any lock of a pack.
const AHEAD_D: i64 = 60;

/// The open hours of one local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) from: At,
    /// First moment that is no longer open.
    pub(super) until: At,
    /// The last lawful moment as people say it.
    pub(super) shown: At,
}

/// Both ends of the window of a notice, with the rule that sets each.
pub(super) struct Bounds<'a> {
    pub(super) opens: Vec<(Rule<'a>, Result<At, NotCountable>)>,
    pub(super) closes: Option<(Rule<'a>, At)>,
}

impl Bounds<'_> {
    /// The later of all lower bounds; none when one cannot be counted or there is none.
    pub(super) fn lower(&self) -> Option<At> {
        let counted: Result<Vec<At>, _> = self.opens.iter().map(|(_, at)| at.clone()).collect();
        counted.ok()?.into_iter().max()
    }
}

/// What service at `served_at` allows by itself.
pub(super) fn bounds<'a>(view: &View<'a>, served_at: At) -> Bounds<'a> {
    let after = |rule: Rule<'a>| (rule, view.clock.after(&rule.leaf.quantity, served_at));
    let within = |rule: Rule<'a>| Some((rule, view.clock.within(&rule.leaf.quantity, served_at).ok()?));
    Bounds {
        opens: view.layers("arrears.notice_min").into_iter().map(after).collect(),
        closes: view
            .layers("arrears.notice_max")
            .into_iter()
            .filter_map(within)
            .min_by_key(|(_, at)| *at),
    }
}

/// First moment the debt is old enough, by both readings of "more than n days"; the later holds (O14).
pub(super) fn overdue(
    view: &View<'_>,
    rule: Rule<'_>,
    due_on: NaiveDate,
) -> Result<(NaiveDate, NaiveDate, At), NotCountable> {
    let Quantity::Days(n, _) = rule.leaf.quantity else {
        return Err(NotCountable::NoSpan);
    };
    // The day after the due date is day 1, or it is the day that is not counted.
    let sooner = shifted(due_on, i64::from(n) + 1)?;
    let later = shifted(due_on, i64::from(n) + 2)?;
    Ok((sooner, later, view.clock.start_of(later)?))
}

/// The window of a notice; see [`crate::Pack::notice_window`].
pub(super) fn of_notice(view: &View<'_>, facts: &ArrearsDisconnect) -> NoticeWindow {
    let empty = NoticeWindow::default();
    let Some(served) = facts.served_at else {
        return empty;
    };
    let bounds = bounds(view, served);
    let old_enough = view.layers("arrears.overdue").into_iter().map(|rule| {
        facts
            .due_on
            .and_then(|due| overdue(view, rule, due).ok())
            .map(|(_, _, opens)| opens)
    });
    let Some(debt) = old_enough.collect::<Option<Vec<At>>>() else {
        return empty;
    };
    let Some(lower) = bounds.lower() else {
        return empty;
    };
    let lower = debt.into_iter().fold(lower, At::max);
    between(view, lower, bounds.closes.map(|(_, at)| at))
}

/// The open moments from `lower` to `upper`.
fn between(view: &View<'_>, lower: At, upper: Option<At>) -> NoticeWindow {
    let mut window = NoticeWindow::default();
    let mut day = view.clock.date(lower);
    for _ in 0..AHEAD_D {
        let Ok(hours) = hours(view, day) else { break };
        if let Some(hours) = hours {
            let from = hours.from.max(lower);
            let until = upper.map_or(hours.until, |upper| upper.min(hours.until));
            if from < until {
                window.earliest = window.earliest.or(Some(from));
                window.latest = upper.map(|upper| upper.min(hours.shown));
            }
        }
        let done = upper.map_or(window.earliest.is_some(), |upper| {
            hours_end(view, day).is_none_or(|end| upper <= end)
        });
        let Ok(next) = shifted(day, 1) else { break };
        if done {
            break;
        }
        day = next;
    }
    window
}

fn hours_end(view: &View<'_>, day: NaiveDate) -> Option<At> {
    view.clock.end_of(day).ok()
}

/// The open hours of `day`; none when nobody is cut off that day.
pub(super) fn hours(view: &View<'_>, day: NaiveDate) -> Result<Option<Hours>, NotCountable> {
    if locked(view, day)?.is_some() {
        return Ok(None);
    }
    let time = |path: &str| match view.one(path).map(|rule| rule.leaf.quantity) {
        Some(Quantity::Time(time)) => view.clock.local(day, time).map(Some),
        _ => Ok(None),
    };
    let from = time("arrears.cut_hours.from")?.map_or_else(|| view.clock.start_of(day), Ok)?;
    let end = view.clock.end_of(day)?;
    let until = time("arrears.cut_hours.until")?.unwrap_or(end);
    let hours = match time("arrears.cut_hours.through")? {
        // The moment itself is still lawful.
        Some(last) if last < until => Hours {
            from,
            until: last + TimeDelta::seconds(1),
            shown: last,
        },
        _ => Hours {
            from,
            until,
            shown: until,
        },
    };
    Ok(Some(hours))
}

/// The rule that locks a whole day, if any does.
pub(super) fn locked<'a>(view: &View<'a>, day: NaiveDate) -> Result<Option<Rule<'a>>, NotCountable> {
    for rule in view.layers("arrears.no_cut") {
        if locks(&view.clock, &rule.leaf.quantity, day)? {
            return Ok(Some(rule));
        }
    }
    Ok(None)
}

fn locks(clock: &Clock<'_>, quantity: &Quantity, day: NaiveDate) -> Result<bool, NotCountable> {
    match *quantity {
        Quantity::DayKind(DayKind::Rest) => Ok(!clock.is_business_day(day)?),
        Quantity::DayKind(DayKind::RestEve) => Ok(!clock.is_business_day(shifted(day, 1)?)?),
        Quantity::YearlyDates(first, last) => {
            let today = (day.month(), day.day());
            Ok(if first <= last {
                first <= today && today <= last
            } else {
                first <= today || today <= last
            })
        }
        _ => Ok(false),
    }
}
