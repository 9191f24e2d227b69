//! Every crate carries the workspace's licence and is never published; every service says what it owns in a README.

use super::schemas::owns_schema;
use super::{Finding, House};
use crate::workspace::Crate;

/// What is missing in or beside each manifest.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    house
        .crates
        .iter()
        .flat_map(|one| licence(one).into_iter().chain(readme(house, one)))
        .collect()
}

fn licence(one: &Crate) -> Option<Finding> {
    let package = one.manifest.get("package")?;
    let inherits = package
        .get("license")
        .and_then(|value| value.get("workspace"))
        .is_some();
    (!inherits).then(|| {
        Finding::new(
            one.dir.join("Cargo.toml"),
            0,
            "write `license.workspace = true` under [package]",
        )
    })
}

fn readme(house: &House, one: &Crate) -> Option<Finding> {
    let path = one.dir.join("README.md");
    (owns_schema(house, one) && !path.exists()).then(|| {
        Finding::new(
            path,
            0,
            "missing: what the crate owns, what it promises, streams in and out, how to run it",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{house, krate};
    use super::*;

    #[test]
    fn a_service_without_a_readme_and_a_crate_without_a_licence_are_found() {
        let service = krate("relight-x", "/house/services/x", "");
        let mut bare = krate("relight-y", "/house/y", "");
        bare.manifest = "[package]\nname = \"relight-y\"".parse().expect("TOML");
        let found = check(&house(vec![service, bare], &[]));
        assert_eq!(found.len(), 2);
        assert!(found[0].path.ends_with("services/x/README.md"));
        assert!(found[1].text.contains("license.workspace"));
    }
}
