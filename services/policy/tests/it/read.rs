//! A rule nobody asks for is a promise nobody keeps: each leaf of each pack is named by code that decides something.

use std::{fs, path::Path};

use relight_policy::QUESTIONS;
use toml::{Table, Value};

/// The table of shapes names every path without asking for any.
const NAMES_ONLY: &str = "shape.rs";

/// The text of every service's program, without its tests.
fn program(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("the services are beside this crate") {
        let path = entry.expect("a folder can be read").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && !["tests", "target", "migrations"].contains(&name.as_str()) {
            program(&path, text);
        } else if name.ends_with(".rs") && name != NAMES_ONLY {
            let all = fs::read_to_string(&path).expect("a source file can be read");
            text.push_str(all.split("#[cfg(test)]").next().unwrap_or_default());
        }
    }
}

/// The paths of the leaves that are in force.
fn leaves(place: &str, table: &Table, found: &mut Vec<String>) {
    for (key, value) in table {
        let path = if place.is_empty() {
            key.clone()
        } else {
            format!("{place}.{key}")
        };
        let periods: Vec<&Table> = match value {
            Value::Table(table) => vec![table],
            Value::Array(all) => all.iter().filter_map(Value::as_table).collect(),
            _ => continue,
        };
        for table in periods {
            if !table.contains_key("unit") {
                leaves(&path, table, found);
            } else if table.get("in_force").and_then(Value::as_bool) != Some(false) {
                found.push(path.clone());
            }
        }
    }
}

/// By its own name, or as a layer by that of its rule: `"planned.lead"`, `"fault.arrival.{area}"`. An area and a question are
/// names in quotes as well, and no rules.
fn is_read(path: &str, program: &str) -> bool {
    let rules = path
        .match_indices('.')
        .map(|(end, _)| &path[..end])
        .filter(|rule| rule.contains('.'));
    let mut names: Vec<String> = rules
        .flat_map(|rule| {
            let is_rule = QUESTIONS.iter().all(|(question, _)| *question != rule);
            let whole = if is_rule {
                format!("\"{rule}\"")
            } else {
                format!("layers(\"{rule}\")")
            };
            [whole]
                .into_iter()
                .chain([format!("\"{rule}.{{"), format!("\"{rule}.\"")])
        })
        .collect();
    names.push(format!("\"{path}\""));
    names.iter().any(|name| program.contains(name))
}

#[test]
fn every_rule_in_force_is_asked_for() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    program(here.parent().expect("services/"), &mut text);
    for nobody in ["planned.nobody", "planned.change.nobody", "planned.times.nobody"] {
        assert!(!is_read(nobody, &text), "{nobody}");
    }
    let mut unread = Vec::new();
    for folder in ["packs", "packs/overlays"] {
        for entry in fs::read_dir(here.join(folder)).expect("the packs are here") {
            let path = entry.expect("a folder can be read").path();
            if path.extension().is_none_or(|end| end != "toml") {
                continue;
            }
            let table: Table = fs::read_to_string(&path)
                .expect("a pack can be read")
                .parse()
                .expect("a pack is TOML");
            let mut found = Vec::new();
            leaves("", &table, &mut found);
            assert!(
                !found.is_empty() || path.ends_with("CN-GRADING.toml"),
                "{}",
                path.display()
            );
            unread.extend(found.into_iter().filter(|leaf| !is_read(leaf, &text)));
        }
    }
    assert!(unread.is_empty(), "nobody reads {}", unread.join(", "));
}
