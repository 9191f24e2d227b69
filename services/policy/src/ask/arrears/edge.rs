//! When an answer to `arrears.disconnect` changes although no fact does.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::window::{hours, of_notice},
    judge,
};
use crate::{ArrearsDisconnect, Quantity, clock::later, finding::Finding, view::View};

type At = DateTime<Utc>;

/// The first moment after `at` with another verdict, the facts staying as they are.
pub(super) fn changes_at(view: &View<'_>, facts: &ArrearsDisconnect, at: At, allowed: bool) -> Option<At> {
    let mut edges = edges(view, facts);
    edges.retain(|edge| *edge > at);
    edges.sort_unstable();
    let allows = |at: At| judge(view, facts, Some(at)).iter().all(Finding::is_met);
    edges.into_iter().find(|edge| allows(*edge) != allowed)
}

/// Every moment at which some rule may say something else.
fn edges(view: &View<'_>, facts: &ArrearsDisconnect) -> Vec<At> {
    let window = of_notice(view, facts);
    let mut edges: Vec<At> = [
        window.earliest,
        window.latest,
        facts.notified_stop_at,
        facts.reminded_at,
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut spans = |from: Option<At>, span: Option<TimeDelta>, after: TimeDelta| {
        edges.extend(
            from.zip(span)
                .and_then(|(from, span)| later(from, span + after).ok()),
        );
    };
    // An end that is still lawful is left a second later.
    let second = TimeDelta::seconds(1);
    let duration = |path: &str| view.duration(path).map(|(_, span)| span);
    spans(facts.notified_stop_at, duration("arrears.stop_tolerance"), second);
    spans(facts.pre_noticed_at, duration("arrears.pre_notice_max"), second);
    for rule in view.layers("arrears.pre_notice_min") {
        if let Quantity::Duration(span) = rule.leaf.quantity {
            spans(facts.pre_noticed_at, Some(span), TimeDelta::zero());
        }
    }
    let day = facts
        .notified_stop_at
        .or(window.earliest)
        .map(|at| view.clock.date(at));
    if let Some(Ok(Some(open))) = day.map(|day| hours(view, day)) {
        edges.extend([open.from, open.until]);
    }
    edges
}
