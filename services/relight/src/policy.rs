//! `relight policy`: lint packs, and answer a question from them without any server.
//!
//! Exit codes: 0 answered, also when the answer is no; 1 a pack with faults or a value that cannot be read; 2 a pack, a
//! question or a key that does not exist.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::{DateTime, SecondsFormat, Utc};
use relight_policy::{Answer, Fault, FileError, Library, LoadError, Question};
use serde::Serialize;

use crate::cli::{Explain, Policy, PolicyVerb};

/// Wrong usage.
const USAGE: u8 = 2;

/// An answer as machines see it; the keys are a promise.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    verdict: &'a str,
    allowed: bool,
    rule: Option<&'a str>,
    source: Option<&'a str>,
    because: &'a str,
    earliest: Option<String>,
    latest: Option<String>,
    by: Option<String>,
}

/// A fault as machines see it.
#[derive(Debug, Serialize)]
struct Found<'a> {
    pack: &'a str,
    place: &'a str,
    problem: &'a str,
}

/// Checks or explains.
///
/// # Errors
/// When the answer cannot be written.
pub fn run(policy: &Policy) -> anyhow::Result<ExitCode> {
    match &policy.verb {
        PolicyVerb::Check { what, folder, json } => check(what, folder.as_deref(), *json),
        PolicyVerb::Explain(what) => explain(what),
    }
}

/// What ships, and what is in the folder.
fn library(folder: Option<&Path>) -> Result<Library, FileError> {
    let mut library = Library::shipped();
    if let Some(folder) = folder {
        library.add_folder(folder)?;
    }
    Ok(library)
}

fn check(what: &[String], folder: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    let mut library = match library(folder) {
        Ok(library) => library,
        Err(error) => return Ok(refused(&chain(&error), false)),
    };
    let all = library.names();
    let what = if what.is_empty() { &all } else { what };
    // Files that are checked together may name one another; one that is broken says so in its turn.
    for text in what
        .iter()
        .filter(|name| is_file(name))
        .filter_map(|name| fs::read_to_string(name).ok())
    {
        library.add(&text).ok();
    }
    let mut code = ExitCode::SUCCESS;
    for name in what {
        match faults_of(&library, name) {
            Ok(faults) if faults.is_empty() && !json => say(&format!("{name}: no faults"))?,
            Ok(faults) => {
                for fault in &faults {
                    tell(name, fault, json)?;
                }
                if !faults.is_empty() {
                    code = ExitCode::FAILURE;
                }
            }
            Err(problem) => {
                eprintln!("relight: {problem}");
                return Ok(ExitCode::from(USAGE));
            }
        }
    }
    Ok(code)
}

fn is_file(name: &str) -> bool {
    name.contains(['/', '\\']) || name.ends_with(".toml") || Path::new(name).is_file()
}

/// The faults of a file or of a pack that is known; an error when there is neither.
fn faults_of(library: &Library, name: &str) -> Result<Vec<Fault>, String> {
    if !is_file(name) {
        return match library.load(name) {
            Err(error @ LoadError::Unknown(..)) => Err(format!("{error}; a file ends in .toml")),
            loaded => Ok(faults(loaded.map(drop))),
        };
    }
    Ok(match fs::read_to_string(name) {
        Ok(text) => faults(library.check(&text)),
        Err(error) => vec![Fault {
            place: "the file".to_owned(),
            problem: format!("cannot be read: {error}"),
        }],
    })
}

/// A name in which files stand for their packs and overlays: those are added, and their ids take their place.
fn by_id(library: &mut Library, name: &str) -> Result<String, FileError> {
    let (files, ids): (Vec<&str>, Vec<&str>) = name.split('+').partition(|word| is_file(word));
    if files.is_empty() {
        return Ok(name.to_owned());
    }
    let paths: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
    let mut added = library.add_files(&paths)?.into_iter();
    let mut ids = ids.into_iter();
    let words = name.split('+').filter_map(|word| {
        if is_file(word) {
            added.next()
        } else {
            ids.next().map(str::to_owned)
        }
    });
    Ok(words.collect::<Vec<_>>().join("+"))
}

fn faults(outcome: Result<(), LoadError>) -> Vec<Fault> {
    match outcome {
        Ok(()) => Vec::new(),
        Err(LoadError::Faults(faults)) => faults,
        Err(error) => vec![Fault {
            place: "the file".to_owned(),
            problem: error.to_string(),
        }],
    }
}

fn tell(name: &str, fault: &Fault, json: bool) -> anyhow::Result<()> {
    if json {
        let found = Found {
            pack: name,
            place: &fault.place,
            problem: &fault.problem,
        };
        say(&serde_json::to_string(&found)?)
    } else {
        say(&format!("{name}: {fault}"))
    }
}

fn explain(what: &Explain) -> anyhow::Result<ExitCode> {
    let named = library(what.folder.as_deref()).and_then(|mut library| {
        let name = by_id(&mut library, &what.pack)?;
        Ok((library, name))
    });
    let (library, name) = match named {
        Ok(named) => named,
        Err(error) => return Ok(refused(&chain(&error), false)),
    };
    let pack = match library.load(&name) {
        Ok(pack) => pack,
        Err(error @ LoadError::Unknown(..)) => return Ok(refused(&error.to_string(), true)),
        Err(error) => return Ok(refused(&error.to_string(), false)),
    };
    let (question, case) = match Question::read(&what.question, &what.set) {
        Ok(read) => read,
        Err(error) => return Ok(refused(&error.to_string(), error.is_usage())),
    };
    let answer = pack.ask(&question, &case);
    if what.json {
        say(&serde_json::to_string(&explained(&answer))?)?;
    } else {
        say(&in_words(&answer))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn chain(error: &FileError) -> String {
    relight_common::error::chain(error)
}

fn refused(problem: &str, usage: bool) -> ExitCode {
    eprintln!("relight: {problem}");
    if usage {
        ExitCode::from(USAGE)
    } else {
        ExitCode::FAILURE
    }
}

fn explained(answer: &Answer) -> Explained<'_> {
    let shown = |at: Option<DateTime<Utc>>| at.map(|at| local(answer, at));
    Explained {
        verdict: answer.verdict.word(),
        allowed: answer.allowed(),
        rule: answer.rule.as_deref(),
        source: answer.source.as_deref(),
        because: &answer.because,
        earliest: shown(answer.earliest),
        latest: shown(answer.latest),
        by: shown(answer.by),
    }
}

fn in_words(answer: &Answer) -> String {
    let mut lines = vec![format!("{}: {}", answer.verdict, answer.because)];
    let mut line = |word: &str, text: Option<String>| {
        lines.extend(text.map(|text| format!("  {word:<9}{text}")));
    };
    line("rule", answer.rule.clone());
    line("source", answer.source.clone());
    line("earliest", answer.earliest.map(|at| local(answer, at)));
    line("latest", answer.latest.map(|at| local(answer, at)));
    line("by", answer.by.map(|at| local(answer, at)));
    line("changes", answer.changes_at.map(|at| local(answer, at)));
    line("pack", Some(answer.pack_version.clone()));
    lines.join("\n")
}

/// An instant in the zone the answer was counted in.
fn local(answer: &Answer, at: DateTime<Utc>) -> String {
    at.with_timezone(&answer.zone)
        .to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// Writes a line; a reader that closed the pipe early is no failure.
fn say(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
