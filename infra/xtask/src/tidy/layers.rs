//! Arrows point down only: edge to proto and common; service to proto, common, policy and grid; the binary to all.
//! `domain/` is pure: it imports nothing that does I/O.

use std::path::Path;

use super::{Finding, House};
use crate::workspace::Crate;

/// Crates that do I/O; a pure module names none of them.
const IMPURE: [&str; 4] = ["tokio", "sqlx", "tonic", "redis"];
/// What a service may build on, beside itself.
const BELOW_SERVICES: [&str; 4] = [
    "relight-proto",
    "relight-common",
    "relight-policy",
    "relight-grid",
];
const BELOW_EDGES: [&str; 2] = ["relight-proto", "relight-common"];

/// Which of our crates `one` may depend on; `None`: all of them.
fn allowed(one: &str) -> Option<&'static [&'static str]> {
    match one {
        "relight-proto" | "relight-policy" | "relight-grid" | "relight-xtask" => Some(&[]),
        "relight-common" => Some(&["relight-proto"]),
        "relight-testkit" => Some(&BELOW_SERVICES),
        "relight-gateway" | "relight-mobile-api" => Some(&BELOW_EDGES),
        "relight" | "relight-load" | "relight-tests" => None,
        _ => Some(&BELOW_SERVICES),
    }
}

/// Every forbidden arrow, in the manifests and in the code.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    let mut found: Vec<_> = house.crates.iter().flat_map(arrows).collect();
    found.extend(
        house
            .sources
            .iter()
            .filter(|source| source.is_in_module("domain"))
            .flat_map(|source| {
                source.code_lines().filter_map(|(number, line)| {
                    let name = IMPURE.iter().find(|name| names(line, name))?;
                    Some(Finding::new(
                        &source.path,
                        number,
                        format!("domain is pure; move what needs {name} to the store"),
                    ))
                })
            }),
    );
    found
}

fn arrows(one: &Crate) -> Vec<Finding> {
    let Some(allowed) = allowed(&one.name) else {
        return Vec::new();
    };
    let forbidden = |name: &&str| name.starts_with("relight") && !allowed.contains(name);
    let built = one
        .dependencies()
        .chain(one.build_dependencies())
        .filter(forbidden);
    let tested = one
        .dev_dependencies()
        .filter(forbidden)
        .filter(|name| *name != "relight-testkit");
    built
        .chain(tested)
        .map(|name| {
            Finding::new(
                one.dir.join(Path::new("Cargo.toml")),
                0,
                format!("{} may not depend on {name}", one.name),
            )
        })
        .collect()
}

/// Whether `line` uses the path `name::`, alone and not as the end of another word.
fn names(line: &str, name: &str) -> bool {
    let mut at = 0;
    while let Some(found) = line[at..].find(name) {
        let from = at + found;
        let to = from + name.len();
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let opens = !line[..from].ends_with(word);
        if opens && (line[to..].starts_with("::") || (line.contains("use ") && !line[to..].starts_with(word)))
        {
            return true;
        }
        at = to;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::testing::{house, krate};
    use super::*;

    #[test]
    fn a_service_may_not_depend_on_another() {
        let bad = krate(
            "relight-intake",
            "/x",
            "[dependencies]\nrelight-common = \"1\"\nrelight-dispatch = \"1\"",
        );
        let found = check(&house(vec![bad], &[]));
        assert_eq!(found.len(), 1);
        assert!(found[0].text.contains("relight-dispatch"));
    }

    #[test]
    fn an_edge_decides_nothing_and_testkit_is_for_tests_only() {
        let edge = krate("relight-gateway", "/x", "[dependencies]\nrelight-policy = \"1\"");
        let kit = krate("relight-intake", "/x", "[dependencies]\nrelight-testkit = \"1\"");
        let fine = krate(
            "relight-notify",
            "/x",
            "[dev-dependencies]\nrelight-testkit = \"1\"",
        );
        assert_eq!(check(&house(vec![edge, kit, fine], &[])).len(), 2);
    }

    #[test]
    fn domain_code_imports_nothing_that_does_io() {
        let text = "use sqlx::PgPool;\nfn f() { tokio::time::sleep(d) }\n// tokio::spawn\nlet my_redis = redis_like();";
        let found = check(&house(
            Vec::new(),
            &[("relight-x", "services/x/src/domain/a.rs", text)],
        ));
        assert_eq!(found.iter().map(|one| one.line).collect::<Vec<_>>(), [1, 2]);
        assert!(
            check(&house(
                Vec::new(),
                &[("relight-x", "services/x/src/store.rs", text)]
            ))
            .is_empty()
        );
    }
}
