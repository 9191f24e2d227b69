//! What is wrong with leaves that each read well: periods, rules nobody asks for, rules that are missing.

use chrono::{DateTime, Utc};

use super::{Fault, leaves::Reading};
use crate::{
    Leaf, Quantity,
    quantity::DayMode,
    shape::{Area, SHAPES, Shape},
};

/// Adds every fault there is.
pub(super) fn all(reading: &mut Reading, covers: &[Area], since: DateTime<Utc>, has_calendar: bool) {
    let mut faults = Vec::new();
    for (place, periods) in &mut reading.leaves {
        periods.sort_by_key(|leaf| leaf.valid_from);
        let mut fault = |problem: &str| faults.push(Fault::new(place.as_str(), problem));
        in_order(periods, &mut fault);
        reachable(place, periods, covers, since, &mut fault);
        countable(periods, has_calendar, &mut fault);
    }
    for shape in SHAPES.iter().filter(|shape| covers.contains(&shape.area)) {
        faults.extend(present(reading, shape, since));
    }
    reading.faults.append(&mut faults);
}

/// Debts are counted in one currency, and every amount of the pack is in it.
pub(super) fn money(reading: &mut Reading, covers: &[Area], currency: &str) {
    if currency.is_empty() && covers.contains(&Area::Arrears) {
        let problem = "must be the ISO 4217 code of the money debts are counted in, such as CNY";
        reading.faults.push(Fault::new("currency", problem));
        return;
    }
    let in_another = |leaf: &Leaf| {
        matches!(leaf.quantity, Quantity::Money(_)) && leaf.words.rsplit(' ').next() != Some(currency)
    };
    let mut others: Vec<Fault> = (reading.leaves.iter())
        .filter(|(_, periods)| periods.iter().any(in_another))
        .map(|(place, _)| {
            Fault::new(
                place.as_str(),
                format!("must be in the pack's currency, {currency}"),
            )
        })
        .collect();
    reading.faults.append(&mut others);
}

/// Two rules for one moment would be no rule; neither is one that ends before it begins.
fn in_order(periods: &[Leaf], fault: &mut impl FnMut(&str)) {
    if periods
        .iter()
        .any(|leaf| leaf.valid_to.is_some_and(|end| end <= leaf.valid_from))
    {
        fault("valid_to must be after valid_from");
    }
    let overlap = |pair: &[Leaf]| pair[0].valid_to.is_none_or(|end| end > pair[1].valid_from);
    if periods.windows(2).any(overlap) {
        fault("two periods overlap; end the earlier one with valid_to");
    }
}

/// A rule no question reads decides nothing, and neither does one that ended before the pack began.
fn reachable(
    place: &str,
    periods: &[Leaf],
    covers: &[Area],
    since: DateTime<Utc>,
    fault: &mut impl FnMut(&str),
) {
    let Some(shape) = Shape::of(place) else {
        fault("cannot be reached: no question and no service reads a rule of this name");
        return;
    };
    if !covers.contains(&shape.area) {
        let area = shape.area.word();
        fault(&format!("cannot be reached: the pack does not cover {area:?}"));
    }
    if periods
        .iter()
        .any(|leaf| leaf.valid_to.is_some_and(|end| end <= since))
    {
        fault("cannot be reached: a period ends before the pack's valid_from");
    }
    if !periods.iter().all(|leaf| shape.wanted.fits(&leaf.quantity)) {
        fault(&format!("must be a {}", shape.wanted));
    }
}

/// Working days and rest days need a calendar.
fn countable(periods: &[Leaf], has_calendar: bool, fault: &mut impl FnMut(&str)) {
    let by_calendar = |leaf: &Leaf| {
        matches!(
            leaf.quantity,
            Quantity::Days(_, DayMode::Business) | Quantity::DayKind(_)
        )
    };
    if !has_calendar && periods.iter().any(by_calendar) {
        fault("needs the pack to name a calendar");
    }
}

/// The rules the platform asks for answer for every moment from `since` on, in at least one layer.
fn present(reading: &Reading, shape: &Shape, since: DateTime<Utc>) -> Option<Fault> {
    if !shape.needed {
        return None;
    }
    let mut layers = reading
        .leaves
        .iter()
        .filter(|(place, _)| Shape::of(place).is_some_and(|found| found.path == shape.path))
        .map(|(_, periods)| periods)
        .peekable();
    if layers.peek().is_none() {
        return Some(Fault::new(shape.path, "is missing"));
    }
    let gapless = layers.any(|periods| covers_all(periods, since));
    (!gapless).then(|| {
        let problem = "has a time without a rule; cover every moment from the pack's valid_from on";
        Fault::new(shape.path, problem)
    })
}

fn covers_all(periods: &[Leaf], since: DateTime<Utc>) -> bool {
    periods.iter().all(|leaf| leaf.in_force)
        && periods.first().is_some_and(|first| first.valid_from <= since)
        && periods.last().is_some_and(|last| last.valid_to.is_none())
        && periods
            .windows(2)
            .all(|pair| pair[0].valid_to == Some(pair[1].valid_from))
}
