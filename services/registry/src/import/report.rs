//! What an import did, for people and for the audit.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use crate::{
    domain::findings::{Doubt, Findings},
    store::import::Written,
};

/// Rows of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// New rows.
    pub added: usize,
    /// Rows that were different.
    pub changed: usize,
    /// Rows that were already so.
    pub unchanged: usize,
}

impl Counts {
    pub(super) fn add(&mut self, rows: usize, written: &Written) {
        self.added += written.added.len();
        self.changed += written.changed.len();
        self.unchanged += rows - written.added.len() - written.changed.len();
    }
}

/// Service points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PointCounts {
    /// Those of the pack.
    pub rows: Counts,
    /// Those that are in the pack no more.
    pub retired: usize,
}

/// Contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ContactCounts {
    /// Those of the pack.
    pub rows: Counts,
    /// Those that the pack does not name any more.
    pub removed: usize,
}

/// What an import did. `Display` is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// The current version after it.
    pub grid_version: Uuid,
    /// Whether the network changed.
    pub new_version: bool,
    /// Customers.
    pub customers: Counts,
    /// Service points.
    pub service_points: PointCounts,
    /// Contacts; all zero when the pack brought none.
    pub contacts: ContactCounts,
    /// Customers told of one by one; 0 when they were too many, and told of together.
    pub customers_told: usize,
    /// What somebody should look at.
    pub findings: Findings,
    /// Bad rows left out.
    pub skipped: Vec<String>,
    /// Affected sets made on earlier versions in the last 7 days: whoever has one keeps it.
    pub sets_kept: i64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} new, {} changed, {} unchanged",
            self.added, self.changed, self.unchanged
        )
    }
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = if self.new_version { "new" } else { "unchanged" };
        writeln!(f, "network          version {} ({network})", self.grid_version)?;
        writeln!(f, "customers        {}", self.customers)?;
        writeln!(
            f,
            "service points   {}, {} retired",
            self.service_points.rows, self.service_points.retired
        )?;
        writeln!(
            f,
            "contacts         {}, {} removed",
            self.contacts.rows, self.contacts.removed
        )?;
        let found = &self.findings;
        for (what, doubt) in [
            (
                "service points without supply in the normal state",
                &found.without_supply,
            ),
            (
                "service points without some of their phases in the normal state",
                &found.partly_supplied,
            ),
            ("service points without a transformer", &found.without_transformer),
            (
                "service points that hang as corrected on site, not as the pack says",
                &found.corrected_links,
            ),
            ("islands that no source reaches, around", &found.islands),
            (
                "devices that close a loop or a parallel path in the normal state",
                &found.closing_loops,
            ),
            ("devices without a position", &found.without_position),
        ] {
            write_doubt(f, what, doubt)?;
        }
        if self.new_version && self.sets_kept > 0 {
            writeln!(
                f,
                "affected sets    {} of the last 7 days stay as they are: incidents and outages that are open keep theirs",
                self.sets_kept
            )?;
        }
        writeln!(f, "bad rows         {} skipped", self.skipped.len())?;
        self.skipped.iter().try_for_each(|fault| writeln!(f, "  {fault}"))
    }
}

fn write_doubt(f: &mut fmt::Formatter<'_>, what: &str, doubt: &Doubt) -> fmt::Result {
    if doubt.count == 0 {
        return Ok(());
    }
    let more = if doubt.count > doubt.first.len() {
        ", ..."
    } else {
        ""
    };
    writeln!(
        f,
        "please look      {} {what}: {}{more}",
        doubt.count,
        doubt.first.join(", ")
    )
}
