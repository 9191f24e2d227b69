//! Generated types stop at `rpc` and `consumer`: neither `domain` nor `store` names `relight_proto`.

use super::{Finding, House};

/// Every use of the wire inside.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    let inside = house
        .sources
        .iter()
        .filter(|source| source.is_in_module("domain") || source.is_in_module("store"));
    inside
        .flat_map(|source| {
            source
                .code_lines()
                .map(move |(number, line)| (source, number, line))
        })
        .filter(|(_, _, line)| line.contains("relight_proto"))
        .map(|(source, number, _)| {
            Finding::new(
                &source.path,
                number,
                "generated types stop at rpc and consumer; translate there",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::house;
    use super::*;

    #[test]
    fn a_generated_type_in_the_store_is_found_and_in_rpc_it_is_not() {
        let text = "//! Docs.\nuse relight_proto::intake::v1::Report;";
        let files = [
            ("x", "services/x/src/store.rs", text),
            ("x", "services/x/src/rpc.rs", text),
        ];
        let found = check(&house(Vec::new(), &files));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.ends_with("store.rs"), found[0].line), (true, 2));
    }
}
