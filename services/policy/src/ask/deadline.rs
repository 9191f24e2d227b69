//! Questions about *by when*: reconnection, arrival, answers. The strictest of all layers holds. Missing facts are no
//! obstacle to restoring: the answer stays yes, and says that the time is not known.

use chrono::{DateTime, Datelike, Utc, Weekday};

use crate::{
    Answer, AreaClass, ArrearsReconnect, ComplaintAnswer, ComplaintKind, FaultArrival, Quantity, Verdict,
    clock::NotCountable,
    view::{Rule, View, hours},
};

/// By when must a customer who paid be switched on again?
pub(super) fn reconnect(view: &View<'_>, facts: &ArrearsReconnect) -> Answer {
    let rules = view.layers("arrears.reconnect");
    let mut answer = strictest(view, rules, facts.paid_at, "the payment (paid_at)");
    answer.because += "; a limit of time, not leave to energise: whoever works there is asked first";
    answer
}

/// By when must a crew be at the work?
pub(super) fn arrival(view: &View<'_>, facts: &FaultArrival) -> Answer {
    let areas = facts.area.map_or(AreaClass::ALL.to_vec(), |area| vec![area]);
    let rules = areas.iter().flat_map(|area| {
        let paths = [
            format!("fault.arrival.{area}"),
            format!("fault.arrival_law.{area}"),
        ];
        paths
            .into_iter()
            .filter_map(|path| view.one(&path))
            .collect::<Vec<_>>()
    });
    let mut answer = strictest(
        view,
        rules.collect(),
        facts.accepted_at,
        "the report (accepted_at)",
    );
    if facts.area.is_none() {
        answer.because += "; the area class (area) is not known, the strictest holds";
    }
    answer
}

/// By when must a complaint be answered?
pub(super) fn complaint(view: &View<'_>, facts: &ComplaintAnswer) -> Answer {
    let kinds = facts.kind.map_or(ComplaintKind::ALL.to_vec(), |kind| vec![kind]);
    let mut rules = Vec::new();
    for kind in &kinds {
        let own = view.layers(&format!("complaint.answer.{kind}"));
        let other = || view.layers(&format!("complaint.answer.{}", ComplaintKind::Other));
        rules.extend(if own.is_empty() { other() } else { own });
        let channel = facts
            .channel
            .and_then(|channel| view.one(&format!("complaint.channel.{channel}.{kind}")));
        rules.extend(channel);
    }
    let mut answer = strictest(view, rules, facts.accepted_at, "when it was taken (accepted_at)");
    if facts.kind.is_none() {
        answer.because += "; its kind (kind) is not known, the strictest holds";
    }
    if facts.channel.is_none() {
        answer.because += "; its channel (channel) is not known, limits of one channel are left out";
    }
    let contact = facts.accepted_at.zip(view.duration("complaint.contact"));
    if let Some((taken, (_, span))) = contact {
        let by = taken
            .checked_add_signed(span)
            .map(|by| view.say(by))
            .unwrap_or_default();
        answer.because += &format!("; first contact within {}, by {by}", hours(span));
    }
    answer
}

/// The rule that ends first.
fn strictest(view: &View<'_>, rules: Vec<Rule<'_>>, from: Option<DateTime<Utc>>, what: &str) -> Answer {
    let mut answer = view.blank(Verdict::Yes);
    let Some(from) = from else {
        answer.because = format!("{what} is not known, and so is the time");
        return answer;
    };
    let ends = |rule: &Rule<'_>| within(view, &rule.leaf.quantity, from);
    let Some((rule, by)) = rules
        .iter()
        .filter_map(|rule| Some((rule, ends(rule)?)))
        .min_by_key(|(_, by)| *by)
    else {
        answer.because = format!("{} has no rule for this", view.pack.id());
        return answer;
    };
    answer.rule = Some(view.name(*rule));
    answer.source = Some(rule.leaf.cited());
    answer.because = format!("{} + {} = {}", view.say(from), rule.leaf.words, view.say(by));
    answer.by = Some(by);
    answer
}

/// The end of a time we owe. Where the calendar does not reach, a week without holidays is the strict guess.
fn within(view: &View<'_>, span: &Quantity, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match (view.clock.within(span, from), span) {
        (Err(NotCountable::NoYear(..)), Quantity::Days(n, _)) => {
            let workdays = view.clock.date(from).iter_days().skip(1);
            let mut workdays = workdays.filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
            view.clock.end_of(workdays.nth(usize::from(*n) - 1)?).ok()
        }
        (ends, _) => ends.ok(),
    }
}
