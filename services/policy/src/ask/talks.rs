//! `planned.talks`: how long a dedicated-line customer has before somebody decides without their word (domain.md 5.4).

use crate::{
    Answer, PlannedTalks,
    finding::{Finding, Weight},
    view::View,
};

const PATH: &str = "planned.talks";

/// May it be decided? The time is the customer's, so what cannot be counted is no.
pub(super) fn decided(view: &View<'_>, facts: &PlannedTalks) -> Answer {
    let Some(rule) = view.one(PATH) else {
        let because = format!("{} has no rule {PATH}", view.pack.id());
        return view.answer(vec![Finding::new(None, Weight::Unknown, because)]);
    };
    let Some(proposed) = facts.proposed_at else {
        let what = "when the first window was proposed (proposed_at)";
        return view.answer(vec![Finding::unknown(Some(rule), what)]);
    };
    let ends = match view.clock.within(&rule.leaf.quantity, proposed) {
        Ok(ends) => ends,
        Err(error) => {
            let finding = Finding::new(Some(rule), Weight::Unknown, error.to_string());
            return view.answer(vec![finding]);
        }
    };
    let (from, until) = (view.say(proposed), view.say(ends));
    let because = format!(
        "{from} + {} = {until}, and the customer has all of that",
        rule.leaf.words
    );
    let weight = if facts.at.is_some_and(|at| at >= ends) {
        Weight::Met
    } else {
        Weight::Time
    };
    let mut answer = view.answer(vec![Finding::new(Some(rule), weight, because)]);
    answer.by = Some(ends);
    answer.changes_at = facts.at.filter(|at| *at < ends).map(|_| ends);
    answer
}
