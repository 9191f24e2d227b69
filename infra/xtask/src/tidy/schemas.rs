//! No service reads another's tables: its SQL names no other service's schema, in code or in migrations.

use std::path::Path;

use super::{Finding, House};
use crate::workspace::Crate;

/// Words that are followed by a table's name.
const BEFORE_TABLE: [&str; 8] = [
    "from",
    "join",
    "into",
    "update",
    "table",
    "references",
    "on",
    "using",
];

/// Every foreign schema in the SQL of a service.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    let services = services(house);
    let mut found = Vec::new();
    for source in house.sources.iter().filter(|source| !source.is_test_file()) {
        let Some(own) = service_of(&source.path) else {
            continue;
        };
        if !services.iter().any(|name| name == own) {
            continue;
        }
        for (line, text) in &source.strings {
            let foreign = foreign_schema(text, own, &services);
            found.extend(foreign.map(|name| {
                Finding::new(
                    &source.path,
                    *line,
                    format!("reads schema {name}; ask the {name} service or follow its events"),
                )
            }));
        }
    }
    found.extend(migrations(house, &services));
    found
}

fn migrations(house: &House, services: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    for own in services {
        let dir = house.root.join("services").join(own).join("migrations");
        for file in crate::workspace::files(&dir, "sql").unwrap_or_default() {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let foreign = foreign_schema(&text, own, services);
            found.extend(
                foreign.map(|name| {
                    Finding::new(&file, 0, format!("touches schema {name}, which is not its own"))
                }),
            );
        }
    }
    found
}

/// Folders under `services/` that own a schema.
fn services(house: &House) -> Vec<String> {
    let owners = house.crates.iter().filter(|one| owns_schema(house, one));
    owners
        .filter_map(|one| service_of(one.dir.strip_prefix(&house.root).ok()?))
        .map(str::to_owned)
        .collect()
}

/// Whether this crate is a service; the others under `services/` are shared code and the binary.
pub(crate) fn owns_schema(house: &House, one: &Crate) -> bool {
    const NO_SCHEMA: [&str; 5] = ["common", "policy", "grid", "testkit", "relight"];
    let name = one.dir.strip_prefix(&house.root).ok().and_then(service_of);
    name.is_some_and(|name| !NO_SCHEMA.contains(&name))
}

fn service_of(path: &Path) -> Option<&str> {
    let mut parts = path.components().map(|part| part.as_os_str());
    (parts.next()? == "services").then(|| parts.next()?.to_str())?
}

/// The first schema of another service that `sql` names before a dot, in a place where a table stands.
fn foreign_schema<'a>(sql: &str, own: &str, services: &'a [String]) -> Option<&'a str> {
    let lower = sql.to_lowercase();
    let words: Vec<_> = lower
        .split(|c: char| c.is_whitespace() || c == '(' || c == ',')
        .filter(|w| !w.is_empty())
        .collect();
    words
        .windows(2)
        .filter(|pair| BEFORE_TABLE.contains(&pair[0]))
        .find_map(|pair| {
            let (schema, _) = pair[1].split_once('.')?;
            services
                .iter()
                .map(String::as_str)
                .find(|name| *name == schema && *name != own)
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{house, krate};
    use super::*;

    #[test]
    fn a_query_on_another_services_table_is_found() {
        let crates = vec![
            krate("relight-intake", "/house/services/intake", ""),
            krate("relight-dispatch", "/house/services/dispatch", ""),
        ];
        let text = "let a = \"select 1 from intake.report\";\nlet b = \"select 1 from dispatch.crew join intake.report using (id)\";\nlet c = \"intake.report is said\";";
        let found = check(&house(
            crates,
            &[("relight-dispatch", "services/dispatch/src/store.rs", text)],
        ));
        assert_eq!(found.iter().map(|one| one.line).collect::<Vec<_>>(), [1, 2]);
        assert!(found[0].text.contains("schema intake"));
    }
}
