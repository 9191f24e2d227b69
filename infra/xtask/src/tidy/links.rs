//! Links in documents lead somewhere: every relative link in a `.md` file names an existing file.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Finding, House};
use crate::workspace;

/// Every dead link.
pub(crate) fn check(house: &House) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for file in workspace::files(&house.root, "md")? {
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let dir = file.parent().expect("a file has a folder");
        for (line, target) in targets(&text) {
            if !resolves(dir, target) {
                found.push(Finding::new(
                    &file,
                    line,
                    format!("links to {target}, which does not exist"),
                ));
            }
        }
    }
    Ok(found)
}

fn resolves(dir: &Path, target: &str) -> bool {
    let path = target.split('#').next().unwrap_or_default();
    path.is_empty() || dir.join(path).exists()
}

/// Relative targets of `[text](target)` with their lines; blocks of code are left out.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            found.extend(in_line(line).into_iter().map(|target| (index + 1, target)));
        }
    }
    found
}

fn in_line(line: &str) -> Vec<&str> {
    let after = line
        .match_indices("](")
        .map(|(at, open)| &line[at + open.len()..]);
    after
        .filter_map(|rest| rest.split([')', ' ']).next())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nowhere_is_found_and_the_web_is_left_alone() -> Result<()> {
        let root = tempfile::tempdir()?;
        std::fs::write(root.path().join("there.md"), "")?;
        let text =
            "[a](there.md#part) [b](gone.md)\n[c](https://example.org) [d](#here)\n```\n[e](code.md)\n```\n";
        std::fs::write(root.path().join("index.md"), text)?;
        let house = House {
            root: root.path().to_owned(),
            crates: Vec::new(),
            sources: Vec::new(),
        };
        let found = check(&house)?;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].text.contains("gone.md")), (1, true));
        Ok(())
    }
}
