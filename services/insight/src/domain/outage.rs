//! What the public may see of an incident: a status word, an area, a rounded place. Never a name or a household.

use super::record::Instant;

/// Restored outages stay on the public list this long, hours.
pub const SHOWN_AFTER_H: i64 = 2;
/// Position grid, degrees: about 100 m.
const GRID_DEG: f64 = 0.001;

/// What became of the order, as one word; steps that do not change what the order is doing keep `before`.
pub fn order_state<'a>(before: &'a str, step: &'a str) -> &'a str {
    match step {
        "opened" | "returned" => "open",
        "unit_took" => "dispatched",
        "resumed" => "repairing",
        "section_restored" => before,
        "called_back" => "replied",
        step => step,
    }
}

/// Whether the order will take no further step.
pub fn is_final(order_state: &str) -> bool {
    matches!(order_state, "archived" | "merged" | "withdrawn")
}

/// Whether the customers of an incident that closed were off until then, when no restoration says it of them. Those of a guess were if
/// their own meters or words told that supply is back, or it came back by switching; else nobody knows that it ever failed.
pub fn was_real(confirmed: bool, closed_because: &str) -> bool {
    confirmed || matches!(closed_because, "restored" | "fed_again")
}

/// Status word of the public list. "A crew is on the way" only if one is (O18).
pub fn status(confirmed: bool, order_state: &str, off: i64, restored: i64) -> &'static str {
    match (order_state, off, restored) {
        (_, 0, 1..) => "restored",
        (_, _, 1..) => "partly_restored",
        ("en_route", ..) => "crew_on_the_way",
        ("arrived" | "surveyed" | "repairing", ..) => "crew_on_site",
        _ if confirmed => "confirmed",
        _ => "reported",
    }
}

/// An estimate that has passed is never shown as valid (O19).
pub fn valid_etr(etr_at: Option<Instant>, now: Instant) -> Option<Instant> {
    etr_at.filter(|etr| *etr > now)
}

/// A coordinate rounded to about 100 m.
pub fn rounded(degrees: f64) -> f64 {
    (degrees / GRID_DEG).round() / (1.0 / GRID_DEG)
}

/// Words for the area of an org path: its last two levels, the smaller first.
pub fn area(org_path: &str) -> String {
    let levels = org_path.rsplit('/').filter(|level| !level.is_empty()).take(2);
    levels.map(words).collect::<Vec<_>>().join(", ")
}

fn words(level: &str) -> String {
    let parts = level.split(['-', '_']).filter(|part| !part.is_empty());
    parts.map(capitalised).collect::<Vec<_>>().join(" ")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};

    #[test]
    fn the_status_says_no_more_than_is_so() {
        for (confirmed, order, off, restored, word) in [
            (false, "", 1, 0, "reported"),
            (false, "assigned", 1, 0, "reported"),
            (true, "taken", 1, 0, "confirmed"),
            (false, "en_route", 1, 0, "crew_on_the_way"),
            (true, "repairing", 9, 0, "crew_on_site"),
            (true, "suspended", 9, 0, "confirmed"),
            (true, "repairing", 4, 5, "partly_restored"),
            (true, "restored", 0, 9, "restored"),
        ] {
            assert_eq!(status(confirmed, order, off, restored), word);
        }
    }

    #[test]
    fn steps_name_what_the_order_is_doing() {
        for (before, step, state) in [
            ("", "opened", "open"),
            ("open", "dispatched", "dispatched"),
            ("taken", "en_route", "en_route"),
            ("en_route", "assigned", "assigned"),
            ("repairing", "section_restored", "repairing"),
            ("suspended", "resumed", "repairing"),
            ("replied", "archived", "archived"),
        ] {
            assert_eq!(order_state(before, step), state);
        }
        assert!(is_final("archived") && !is_final("restored"));
    }

    #[test]
    fn a_guess_was_an_outage_when_supply_came_back_and_none_when_it_was_found() {
        let reasons = [
            "restored",
            "fed_again",
            "supply_found",
            "no_evidence",
            "archived",
            "",
            "of a later release",
        ];
        let real = reasons.map(|reason| was_real(false, reason));
        assert_eq!(real, [true, true, false, false, false, false, false]);
        assert_eq!(reasons.map(|reason| was_real(true, reason)), [true; 7]);
    }

    #[test]
    fn places_and_areas_are_coarse() {
        assert_eq!((rounded(120.153_4), rounded(-33.867_51)), (120.153, -33.868));
        assert_eq!(area("demo/east-lake/station_2"), "Station 2, East Lake");
        assert_eq!((area("demo"), area("")), ("Demo".to_owned(), String::new()));
        assert_eq!(area("浙江/杭州"), "杭州, 浙江");
    }

    #[test]
    fn a_lapsed_estimate_is_not_shown() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(valid_etr(Some(now), now), None);
        let later = now + TimeDelta::minutes(1);
        assert_eq!(valid_etr(Some(later), now), Some(later));
    }
}
