//! What is unclear does not load, and `policy check` says each fault with its place. Every lint has a text that fails by it
//! alone: the same text without the fault loads.

use relight_policy::{LoadError, Pack};

const GOOD: &str = include_str!("../../packs/CN-CSG.toml");
const URBAN: &str = "[fault.arrival.urban]\nvalue = 45\nunit = \"min\"\n";

fn faults(text: &str) -> String {
    Pack::read(text).expect_err("the pack has a fault").to_string()
}

#[test]
fn what_is_unclear_does_not_load() {
    let urban = "fault.arrival.urban";
    let cases = [
        (
            "a bare number",
            format!("{GOOD}\n[extra]\ntake = 3\n"),
            "extra.take",
            "a bare integer",
        ),
        (
            "a bare list",
            format!("{GOOD}\n[extra]\ntake = [3, 4]\n"),
            "extra.take",
            "a bare integer",
        ),
        (
            "unknown unit",
            GOOD.replacen("\"min\"", "\"minutes\"", 1),
            urban,
            "is not known",
        ),
        (
            "unknown tag",
            GOOD.replacen("\"V2\"", "\"sure\"", 1),
            urban,
            "is not known",
        ),
        ("no unit", GOOD.replacen("unit = \"min\"\n", "", 1), urban, "unit"),
        ("no source", GOOD.replacen(&source_line(), "", 1), urban, "source"),
        (
            "empty source",
            GOOD.replacen(&source_line(), "source = \" \"", 1),
            urban,
            "source must say",
        ),
        (
            "text as value",
            GOOD.replacen("value = 45", "value = \"45\"", 1),
            urban,
            "not a string",
        ),
        (
            "unknown field",
            GOOD.replacen("value = 45", "value = 45\nnote = 1", 1),
            urban,
            "note",
        ),
        (
            "a share for a span",
            GOOD.replacen("\"min\"", "\"percent\"", 1),
            urban,
            "must be a duration",
        ),
        (
            "missing",
            GOOD.replacen("[fault.arrival.urban]", "[fault.arrival.town]", 1),
            urban,
            "missing",
        ),
        (
            "a time, no date",
            GOOD.replacen("2010-01-01\n[", "2010-01-01T08:00:00\n[", 1),
            urban,
            "must be dates",
        ),
    ];
    for (what, text, place, part) in cases {
        let said = faults(&text);
        assert!(said.contains(place) && said.contains(part), "{what}: {said}");
    }
}

fn source_line() -> String {
    let line = GOOD.lines().find(|line| line.starts_with("source"));
    line.expect("the pack has sources").to_owned()
}

/// The urban limit as periods (from, to).
fn with_periods(periods: &[(&str, &str)]) -> String {
    let rest = GOOD.split_once(URBAN).expect("the pack has an urban limit");
    let tail = rest
        .1
        .split_once("[fault.arrival.rural]")
        .expect("and a rural one")
        .1;
    let leaves: String = periods
        .iter()
        .map(|(from, to)| {
            let end = if to.is_empty() { String::new() } else { format!("valid_to = {to}\n") };
            format!("[[fault.arrival.urban]]\nvalue = 45\nunit = \"min\"\nsource = \"x\"\ntag = \"P\"\nvalid_from = {from}\n{end}")
        })
        .collect();
    format!("{}{leaves}[fault.arrival.rural]{tail}", rest.0)
}

#[test]
fn periods_meet_without_overlap_or_gap() {
    type Case = (&'static [(&'static str, &'static str)], Option<&'static str>);
    let cases: [Case; 7] = [
        (&[("2010-01-01", "")], None),
        (&[("2010-01-01", "2020-01-01"), ("2020-01-01", "")], None),
        (&[("2020-01-01", ""), ("2010-01-01", "2020-01-01")], None),
        (&[("2010-01-01", ""), ("2020-01-01", "")], Some("overlap")),
        (
            &[("2010-01-01", "2020-01-02"), ("2020-01-01", "")],
            Some("overlap"),
        ),
        (
            &[("2010-01-01", "2019-12-31"), ("2020-01-01", "")],
            Some("without a rule"),
        ),
        (
            &[("2010-01-01", "2010-01-01"), ("2010-01-01", "")],
            Some("after valid_from"),
        ),
    ];
    for (periods, expected) in cases {
        match (Pack::read(&with_periods(periods)), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{periods:?}: {error}"),
            (outcome, _) => panic!("{periods:?}: {outcome:?}"),
        }
    }
}

#[test]
fn every_fault_is_told_at_once() {
    let said = faults(&GOOD.replace("\"percent\"", "\"%\""));
    assert!(
        said.contains("alarm.watch") && said.contains("alarm.at_risk"),
        "{said}"
    );
}

#[test]
fn a_file_that_is_no_pack_says_so() {
    assert!(matches!(Pack::read("value = = 3"), Err(LoadError::Syntax(_))));
    assert!(faults("").contains("the head"));
    assert!(faults(&GOOD.replace("Asia/Shanghai", "Asia/Atlantis")).contains("IANA"));
}

/// Each lint by itself: what is changed in the good pack, the place and a word of the fault.
#[test]
fn a_rule_that_decides_nothing_is_refused() {
    let leaf = |path: &str, value: &str, unit: &str, rest: &str| {
        format!(
            "{GOOD}\n[{path}]\nvalue = {value}\nunit = \"{unit}\"\nsource = \"x\"\ntag = \"P\"\nvalid_from = 2010-01-01\n{rest}"
        )
    };
    let cases = [
        (
            "nobody asks",
            leaf("planned.leads.law", "7", "strict_days", ""),
            "planned.leads.law",
            "cannot be reached",
        ),
        (
            "one name too long",
            leaf("planned.lead.law.old", "7", "strict_days", ""),
            "planned.lead.law",
            "unknown field",
        ),
        (
            "it is over before the pack begins",
            format!(
                "{GOOD}\n[planned.lead.old]\nvalue = 7\nunit = \"strict_days\"\nsource = \"x\"\ntag = \"P\"\n\
                 valid_from = 2001-01-01\nvalid_to = 2010-01-01\n"
            ),
            "planned.lead.old",
            "ends before the pack's valid_from",
        ),
        (
            "of an area the pack does not cover",
            GOOD.replace("\"temporary\", ", ""),
            "temporary.lead.law",
            "does not cover",
        ),
        (
            "a share as a lead",
            leaf("planned.lead.own", "70", "percent", ""),
            "planned.lead.own",
            "must be a duration",
        ),
        (
            "working days without a calendar",
            GOOD.replace("calendar = \"CN\"\n", ""),
            "complaint.answer.complaint.own",
            "calendar",
        ),
        (
            "no such calendar",
            GOOD.replace("calendar = \"CN\"", "calendar = \"MOON\""),
            "calendar",
            "AU-NSW",
        ),
        (
            "an area nobody knows",
            GOOD.replace("\"temporary\", ", "\"tempory\", "),
            "covers",
            "temporary",
        ),
        (
            "a draft where a rule must be",
            GOOD.replace(
                "[temporary.lead.law]\n",
                "[temporary.lead.law]\nin_force = false\n",
            ),
            "temporary.lead.*",
            "time without a rule",
        ),
    ];
    for (what, text, place, part) in cases {
        assert_ne!(text, GOOD, "{what}");
        let said = Pack::read(&text).expect_err(what).to_string();
        assert!(said.contains(place) && said.contains(part), "{what}: {said}");
    }
    assert!(Pack::read(&leaf("planned.lead.own", "8", "clear_days", "")).is_ok());
}

const YEARS: &str = "id = \"X\"\nname = \"X\"\nweekend = [\"sat\", \"sun\"]\n\n\
    [[year]]\nyear = 2025\nsource = \"x\"\ntag = \"V\"\nholidays = [\"2025-01-01\"]\nworkdays = [\"2025-01-26\"]\n\n\
    [[year]]\nyear = 2026\nsource = \"x\"\ntag = \"V\"\nholidays = [\"2026-10-01/2026-10-07\"]\n";

#[test]
fn a_calendar_has_no_gaps_and_no_impossible_days() {
    assert_eq!(Pack::check(YEARS), Ok(()));
    let cases = [
        (
            "a gap",
            YEARS.replace("2026", "2027"),
            "year 2026",
            "missing between",
        ),
        (
            "a year twice",
            YEARS
                .replace("2026", "2025")
                .replace("-10-01/2025-10-07", "-10-01"),
            "year 2025",
            "twice",
        ),
        (
            "a day of another year",
            YEARS.replace("\"2025-01-01\"", "\"2024-12-31/2025-01-01\""),
            "year 2025",
            "not inside",
        ),
        (
            "a day twice",
            YEARS.replace("\"2025-01-01\"", "\"2025-01-01\", \"2025-01-01\""),
            "year 2025",
            "twice",
        ),
        (
            "no day",
            YEARS.replace("2026-10-07", "2026-10-32"),
            "year 2026",
            "2026-10-01/2026-10-07",
        ),
        (
            "turned round",
            YEARS.replace("2026-10-01/2026-10-07", "2026-10-07/2026-10-01"),
            "year 2026",
            "not inside",
        ),
        (
            "a workday that is worked anyway",
            YEARS.replace("2025-01-26", "2025-01-27"),
            "year 2025",
            "no weekend day",
        ),
        (
            "a holiday that is worked",
            YEARS.replace("\"2025-01-01\"", "\"2025-01-26\""),
            "year 2025",
            "holiday and a workday",
        ),
        (
            "no source",
            YEARS.replacen("\"x\"", "\"\"", 1),
            "year 2025",
            "source",
        ),
        (
            "an unknown tag",
            YEARS.replacen("\"V\"", "\"sure\"", 1),
            "year 2025",
            "not known",
        ),
    ];
    for (what, text, place, part) in cases {
        let said = Pack::check(&text).expect_err(what).to_string();
        assert!(said.contains(place) && said.contains(part), "{what}: {said}");
    }
}

#[test]
fn an_overlay_is_checked_over_each_pack_it_names() {
    let overlay = include_str!("../../packs/overlays/CN-LOCAL-1H.toml");
    assert_eq!(Pack::check(overlay), Ok(()));
    let cases = [
        (
            overlay.replace("notice_min.local", "notice_mins.local"),
            "cannot be reached",
        ),
        (
            overlay.replace("[arrears.notice_min.local]", "[arrears.notice_min.law]"),
            "overlap",
        ),
        (overlay.replace("\"CN-CSG\"", "\"CN-MOON\""), "CN-MOON"),
    ];
    for (text, part) in cases {
        assert_ne!(text, overlay);
        let said = Pack::check(&text).expect_err(part).to_string();
        assert!(said.contains(part), "{said}");
    }
    assert!(matches!(
        Pack::load("AU-NERR+CN-LOCAL-1H"),
        Err(LoadError::Faults(_))
    ));
    assert!(matches!(Pack::load("CN-SGCC+MOON"), Err(LoadError::Unknown(..))));
    assert!(matches!(Pack::load(""), Err(LoadError::Unknown(..))));
}

/// Every name the program offers loads, and every embedded file passes its own check.
#[test]
fn what_ships_is_right() {
    let names = Pack::names();
    assert!(
        names.contains(&"CN-CSG+CN-LOCAL-1H".to_owned()) && names.contains(&"AU-NERR".to_owned()),
        "{names:?}"
    );
    for name in names {
        assert_eq!(Pack::load(&name).map(|pack| pack.id().to_owned()), Ok(name));
    }
}
