//! `relight doctor`: says in words what is missing or wrong, and makes keys and certificates when asked.

mod checks;

use std::{path::Path, process::ExitCode};

use relight_common::{config, secrets::Secrets};
use serde::Serialize;

use crate::cli;
use crate::say::{say, write};

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// In order.
    Fine,
    /// Works, but not as it should in earnest.
    Warning,
    /// Does not work.
    Wrong,
}

/// One thing looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found and what to do.
    pub words: String,
}

impl Finding {
    fn new(what: impl Into<String>, verdict: Verdict, words: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            verdict,
            words: words.into(),
        }
    }
}

/// Exit code 0 when nothing is wrong, 1 otherwise.
///
/// # Errors
/// When secrets cannot be written.
pub async fn run(options: &cli::Doctor) -> anyhow::Result<ExitCode> {
    if options.config {
        write(format_args!("{}", config::DEFAULT));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(dir) = &options.make_secrets {
        return make_secrets(dir);
    }
    let findings = checks::all().await;
    for finding in &findings {
        if options.json {
            say!("{}", serde_json::to_string(finding)?);
        } else {
            let mark = match finding.verdict {
                Verdict::Fine => "fine   ",
                Verdict::Warning => "warning",
                Verdict::Wrong => "WRONG  ",
            };
            say!("{mark}  {}: {}", finding.what, finding.words);
        }
    }
    let wrong = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    Ok(if wrong {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn make_secrets(dir: &Path) -> anyhow::Result<ExitCode> {
    let made = Secrets::make(dir)?;
    if made.is_empty() {
        say!("all secrets are in {}", dir.display());
    } else {
        say!("made in {}: {}", dir.display(), made.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}
