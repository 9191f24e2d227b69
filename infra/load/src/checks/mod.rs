//! Every promise as a question to the database: how many were looked at, how many are broken.
//!
//! The one who asks brings what the platform acknowledged, counted outside of it. All of it must have been sent by the
//! asker alone, everything must have drained, and no supply may have been restored in between.

mod audit;
mod events;
mod ledger;
mod messages;
mod reports;

use sqlx::PgConnection;

use crate::{report::Receipt, table::Table};

pub use audit::chains;
pub use messages::{Told, messages};

/// How many broken ones are named.
const EXAMPLES: usize = 3;

/// One promise and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was promised.
    pub promise: String,
    /// How many were looked at.
    pub looked_at: u64,
    /// How many do not keep it.
    pub broken: u64,
    /// Some of those.
    pub examples: Vec<String>,
}

impl Check {
    /// A promise about `looked_at` things of which `broken` do not keep it.
    pub fn new(promise: impl Into<String>, looked_at: usize, broken: Vec<String>) -> Self {
        Self {
            promise: promise.into(),
            looked_at: looked_at as u64,
            broken: broken.len() as u64,
            examples: broken.into_iter().take(EXAMPLES).collect(),
        }
    }

    /// Whether nothing was found that breaks it.
    pub fn is_kept(&self) -> bool {
        self.broken == 0
    }
}

/// What the platform acknowledged, each answer once per command.
#[derive(Debug, Clone, Default)]
pub struct Acknowledged {
    /// Answers to commands that made a report.
    pub reports: Vec<Receipt>,
    /// Answers to commands that were taken as urging.
    pub urges: Vec<Receipt>,
}

impl Acknowledged {
    /// Takes the answer to one command.
    pub fn put(&mut self, receipt: Receipt) {
        if receipt.is_urge() {
            self.urges.push(receipt);
        } else {
            self.reports.push(receipt);
        }
    }

    /// Number of commands.
    pub fn count(&self) -> usize {
        self.reports.len() + self.urges.len()
    }
}

/// Everything that can be asked of the database: reports, incidents, events, readers, ledger.
///
/// # Errors
/// When the database does not answer.
pub async fn all(conn: &mut PgConnection, acknowledged: &Acknowledged) -> anyhow::Result<Vec<Check>> {
    let mut all = reports::check(conn, acknowledged).await?;
    all.extend(events::check(conn).await?);
    all.extend(ledger::check(conn, acknowledged).await?);
    Ok(all)
}

/// Reports alone, also where incidents ended meanwhile: each acknowledged one is there once, as acknowledged, in one incident.
///
/// # Errors
/// When the database does not answer.
pub async fn taken(conn: &mut PgConnection, acknowledged: &Acknowledged) -> anyhow::Result<Vec<Check>> {
    reports::taken(conn, acknowledged).await
}

/// Each signal of `source` that was taken is kept as evidence, once.
///
/// # Errors
/// When the database does not answer.
pub async fn signals(conn: &mut PgConnection, source: &str, taken: usize) -> anyhow::Result<Check> {
    let kept: i64 = sqlx::query_scalar("select count(*) from intake.evidence where source = $1")
        .bind(source)
        .fetch_one(conn)
        .await?;
    let broken = (usize::try_from(kept)? != taken).then(|| format!("{kept} of {taken}"));
    Ok(Check::new(
        "a signal that was taken is kept as evidence, once",
        taken,
        broken.into_iter().collect(),
    ))
}

/// The checks as a table.
pub fn table(checks: &[Check]) -> Table {
    let mut table = Table::new(&["promise", "looked at", "broken", "for instance"]);
    for check in checks {
        table.row([
            check.promise.clone(),
            check.looked_at.to_string(),
            check.broken.to_string(),
            check.examples.join("; "),
        ]);
    }
    table
}
