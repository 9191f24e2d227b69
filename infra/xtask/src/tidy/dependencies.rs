//! A dependency nobody uses costs every build; each one must be named in the crate's sources.

use super::{Finding, House};
use crate::workspace::Crate;

/// Used through generated code or a macro's expansion, so never by name: (crate, dependency).
const BY_EXPANSION: [(&str, &str); 2] = [("relight-proto", "prost-types"), ("relight-proto", "tonic-prost")];

/// Every dependency that no source file of its crate names.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    house.crates.iter().flat_map(|one| unused(house, one)).collect()
}

fn unused(house: &House, one: &Crate) -> Vec<Finding> {
    let all = one
        .dependencies()
        .chain(one.dev_dependencies())
        .chain(one.build_dependencies());
    all.filter(|name| !BY_EXPANSION.contains(&(one.name.as_str(), *name)) && !is_used(house, one, name))
        .map(|name| {
            let text = format!("{} does not use {name}; remove it", one.name);
            Finding::new(one.dir.join("Cargo.toml"), 0, text)
        })
        .collect()
}

fn is_used(house: &House, one: &Crate, name: &str) -> bool {
    let name = name.replace('-', "_");
    house
        .sources
        .iter()
        .filter(|source| source.owner == one.name)
        .any(|source| has_word(&source.code, &name))
}

fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{house, krate};
    use super::*;

    #[test]
    fn a_dependency_that_no_code_names_is_found() {
        let one = krate(
            "relight-x",
            "/x",
            "[dependencies]\nserde-json = \"1\"\nuuid = \"1\"\n[dev-dependencies]\ntoml = \"1\"",
        );
        let text = "use serde_json::Value; // uuid is only talked about\nlet my_toml = 1;";
        let found = check(&house(vec![one], &[("relight-x", "x/src/lib.rs", text)]));
        let texts: Vec<_> = found.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "relight-x does not use uuid; remove it",
                "relight-x does not use toml; remove it"
            ]
        );
    }
}
