//! What was acknowledged, kept outside of the platform: in memory and, a line each, in a file.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    checks::{Acknowledged, Check},
    report::Receipt,
    table::Table,
};

/// What the clients saw.
#[derive(Default)]
struct Seen {
    acknowledged: Acknowledged,
    counts: BTreeMap<&'static str, u64>,
    /// By HTTP status, what was answered to something else than success.
    statuses: BTreeMap<u16, u64>,
    unequal: Vec<String>,
    taken: Vec<String>,
    refused: Vec<String>,
    given_up: Vec<String>,
}

/// Counts for all clients.
pub(super) struct Counter {
    seen: Mutex<Seen>,
    file: Mutex<File>,
}

/// Commands sent more than once with the same body.
pub(super) const REPEATED: &str = "answers compared with the first";
/// Commands sent again with another body.
pub(super) const OTHER_BODY: &str = "reused ids with another body";
/// Answers thrown away.
pub(super) const THROWN_AWAY: &str = "answers thrown away";
/// Connections that broke or did not answer.
pub(super) const BROKEN: &str = "connections that broke";

impl Counter {
    pub(super) fn new(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            seen: Mutex::default(),
            file: Mutex::new(File::create(path)?),
        })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first answer to a command.
    pub(super) fn acknowledge(&self, receipt: Receipt) {
        let mut line = serde_json::to_vec(&receipt).expect("strings and times are JSON");
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(&line) {
            eprintln!("the list of what was acknowledged cannot be written: {error}");
        }
        self.seen().acknowledged.put(receipt);
    }

    pub(super) fn count(&self, what: &'static str) {
        *self.seen().counts.entry(what).or_default() += 1;
    }

    pub(super) fn status(&self, status: u16) {
        *self.seen().statuses.entry(status).or_default() += 1;
    }

    /// The same command got two answers.
    pub(super) fn unequal(&self, words: String) {
        self.seen().unequal.push(words);
    }

    /// An id was taken again with another body.
    pub(super) fn taken(&self, words: String) {
        self.seen().taken.push(words);
    }

    /// A good report was refused.
    pub(super) fn refused(&self, words: String) {
        self.seen().refused.push(words);
    }

    /// A report was never acknowledged though all was well at the end.
    pub(super) fn given_up(&self, words: String) {
        self.seen().given_up.push(words);
    }

    pub(super) fn acknowledged(&self) -> Acknowledged {
        self.seen().acknowledged.clone()
    }

    /// What the clients alone can say.
    pub(super) fn checks(&self) -> Vec<Check> {
        let seen = self.seen();
        let count = |what| usize::try_from(*seen.counts.get(what).unwrap_or(&0)).unwrap_or(usize::MAX);
        let commands = seen.acknowledged.count();
        vec![
            Check::new(
                "a repeated command gets the first answer",
                count(REPEATED),
                seen.unequal.clone(),
            ),
            Check::new(
                "an id with another body is refused",
                count(OTHER_BODY),
                seen.taken.clone(),
            ),
            Check::new("a good report is not refused", commands, seen.refused.clone()),
            Check::new(
                "a report is acknowledged in the end",
                commands,
                seen.given_up.clone(),
            ),
        ]
    }

    /// What was sent and answered.
    pub(super) fn table(&self, unknown: u64) -> Table {
        let seen = self.seen();
        let mut table = Table::new(&["counted by the clients", "number"]);
        let mut row = |what: String, n: u64| table.row([what, n.to_string()]);
        row(
            "reports acknowledged".to_owned(),
            seen.acknowledged.reports.len() as u64,
        );
        row(
            "urges acknowledged".to_owned(),
            seen.acknowledged.urges.len() as u64,
        );
        for (what, n) in &seen.counts {
            row((*what).to_owned(), *n);
        }
        for (status, n) in &seen.statuses {
            row(format!("answers with status {status}, sent again"), *n);
        }
        row("messages of unknown fate (never sent again)".to_owned(), unknown);
        table
    }
}
