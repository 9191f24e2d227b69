//! In the OpenAPI document a body is known by its name alone: of two types with one name the second would describe both.

use std::{collections::BTreeMap, fs, path::Path};

/// Types of `text` that are bodies, by name.
fn bodies(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    let mut is_body = false;
    for line in text.lines().map(str::trim) {
        is_body |= line.starts_with("#[derive(") && line.contains("ToSchema");
        let declared = line
            .trim_start_matches("pub ")
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub(super) ");
        let rest = declared
            .strip_prefix("struct ")
            .or_else(|| declared.strip_prefix("enum "));
        if let Some(rest) = rest.filter(|_| is_body) {
            named.extend(
                rest.split(|c: char| !c.is_alphanumeric())
                    .next()
                    .map(str::to_owned),
            );
            is_body = false;
        }
    }
    named
}

fn read(folder: &Path, found: &mut BTreeMap<String, Vec<String>>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, found)?;
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            for name in bodies(&fs::read_to_string(&path)?) {
                found.entry(name).or_default().push(path.display().to_string());
            }
        }
    }
    Ok(())
}

#[test]
fn every_body_has_a_name_of_its_own() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a workspace");
    let mut found = BTreeMap::new();
    for folder in ["gateway/src", "services/common/src/edge"] {
        read(&root.join(folder), &mut found)?;
    }
    assert!(found.len() > 100, "only {} bodies were found", found.len());
    found.retain(|_, places| places.len() > 1);
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}
