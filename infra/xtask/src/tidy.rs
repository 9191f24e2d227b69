//! `cargo xtask tidy`: the rules of the house that no compiler knows. Each rule is one file with a test that breaks it.

mod crates;
mod dependencies;
mod docs;
mod forbidden;
mod layers;
mod length;
mod links;
mod migrations;
mod rust;
mod schemas;
mod wire;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::workspace::{self, Crate};
use rust::Source;

/// Options of `tidy`.
#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Write the new migrations down in `infra/migrations.lock`; from then on they may not change.
    #[arg(long)]
    bless: bool,
}

/// One broken rule: where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: PathBuf,
    /// From 1; 0 when the whole file is meant.
    line: usize,
    text: String,
}

impl Finding {
    fn new(path: impl Into<PathBuf>, line: usize, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line,
            text: text.into(),
        }
    }
    /// With its path as people write it.
    fn below(&self, root: &Path) -> Self {
        let path = self.path.strip_prefix(root).unwrap_or(&self.path);
        Self::new(path, self.line, self.text.clone())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path.display(), self.text),
            line => write!(f, "{}:{line}: {}", self.path.display(), self.text),
        }
    }
}

/// What the rules look at, read once.
pub(crate) struct House {
    root: PathBuf,
    crates: Vec<Crate>,
    sources: Vec<Source>,
}

impl House {
    fn read(root: &Path) -> Result<Self> {
        let crates = workspace::crates(root)?;
        let mut sources = Vec::new();
        for one in &crates {
            sources.extend(rust::read(root, one)?);
        }
        Ok(Self {
            root: root.to_owned(),
            crates,
            sources,
        })
    }
}

/// Applies every rule and prints what it finds.
///
/// # Errors
/// Something was found.
pub(crate) fn run(args: &Args) -> Result<()> {
    let root = workspace::root()?;
    if args.bless {
        migrations::bless(&root)?;
    }
    let house = House::read(&root)?;
    for note in length::notes(&house) {
        println!("note: {note}");
    }
    let findings = findings(&house)?;
    for finding in &findings {
        println!("{}", finding.below(&root));
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} to tidy"),
    }
}

fn findings(house: &House) -> Result<Vec<Finding>> {
    let mut all = layers::check(house);
    all.extend(dependencies::check(house));
    all.extend(crates::check(house));
    all.extend(docs::check(house));
    all.extend(forbidden::check(house));
    all.extend(length::check(house));
    all.extend(schemas::check(house));
    all.extend(wire::check(house));
    all.extend(links::check(house)?);
    all.extend(migrations::check(house)?);
    Ok(all)
}

/// Small houses for the rules' tests.
#[cfg(test)]
mod testing {
    use super::*;

    /// A crate `name` in `dir` with this manifest text after its `[package]`.
    pub(crate) fn krate(name: &str, dir: &str, manifest: &str) -> Crate {
        let text = format!("[package]\nname = \"{name}\"\nlicense.workspace = true\n{manifest}");
        Crate {
            name: name.to_owned(),
            dir: dir.into(),
            manifest: text.parse().expect("the test wrote TOML"),
        }
    }

    /// A house in `/house` of these crates and one file (crate, path in the crate, text).
    pub(crate) fn house(crates: Vec<Crate>, files: &[(&str, &str, &str)]) -> House {
        let sources = files
            .iter()
            .map(|(owner, path, text)| Source::new(owner, Path::new(path), text))
            .collect();
        House {
            root: "/house".into(),
            crates,
            sources,
        }
    }
}
