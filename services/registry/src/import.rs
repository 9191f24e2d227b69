//! Taking in a pack: customers, service points, contacts and the network, in one transaction.
//!
//! A pack is the whole: service points it does not name are retired (their rows stay, records elsewhere name them), and
//! the contacts of its customers become what it says, unless it brings no contact at all. Importing the same pack again
//! changes nothing.

mod check;
mod report;
pub(crate) mod rows;
mod voltage;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use relight_common::{Db, Work, ids, secrets::Secrets};
use relight_grid::{Faults, Grid, OnBad, Pack};
use relight_proto::events::v1::{CustomerChanged, CustomersChanged, GridVersioned};
use serde_json::json;
use uuid::Uuid;

use crate::{
    error::Error,
    seal::Sealer,
    seat,
    store::{self, affected_set, grid_version, import as table, link},
};

pub use report::{ContactCounts, Counts, ImportReport, PointCounts};
use rows::{Contacts, Customers, Points, Ready};

/// Rows written by one statement.
const BATCH: usize = 5_000;
/// From this many changed customers on none is told of alone: `customers.changed` says that all are to be read again.
pub const TOLD_MAX: usize = 1_000;

/// How to import.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// What to do about rows that cannot stand.
    pub on_bad: OnBad,
    /// Who imports: person id or `service:NAME`, for the audit.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Rows that cannot stand, each with what is right.
    #[error(transparent)]
    Bad(#[from] Faults),
    /// The store, or a task of ours.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<relight_common::Error> for ImportError {
    fn from(error: relight_common::Error) -> Self {
        ImportError::Failed(error.into())
    }
}

/// Imports `pack`: all of it, or nothing. `relight import` and `relight demo town` end here.
///
/// Tells `grid.versioned` when the network changed, and `customer.changed` for each changed customer while they are
/// fewer than [`TOLD_MAX`], else one `customers.changed`. Wakes a running registry by its own look at the current version.
///
/// # Errors
/// [`ImportError::Bad`] with every bad row, unless they are to be skipped; a broken network always. Nothing is stored.
pub async fn import(
    db: &Db,
    secrets: &Secrets,
    pack: Pack,
    options: &ImportOptions,
) -> Result<ImportReport, ImportError> {
    import_telling(db, secrets, pack, options, &|_| {}).await
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done: checked, customers, service points, contacts, network.
    pub what: &'static str,
    /// Rows done.
    pub done: usize,
    /// Rows there are.
    pub of: usize,
}

/// [`import`], told of after every batch.
///
/// # Errors
/// As [`import`].
pub async fn import_telling(
    db: &Db,
    secrets: &Secrets,
    pack: Pack,
    options: &ImportOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<ImportReport, ImportError> {
    let (sealer, on_bad) = (Sealer::new(secrets), options.on_bad);
    let corrections = link::standing(db.pool()).await?;
    let of = pack.service_points.len();
    let ready = tokio::task::spawn_blocking(move || Ready::make(pack, &corrections, on_bad, &sealer));
    let ready = ready
        .await
        .map_err(|error| Error::Task("prepare an import", error))??;
    progress(Progress {
        what: "checked",
        done: of,
        of,
    });

    let mut work = store::open(db, &options.by, Uuid::now_v7(), options.at).await?;
    table::lock(work.conn()).await?;
    let mut import = Import {
        work,
        touched: BTreeSet::new(),
        new: BTreeSet::new(),
        progress,
    };
    let report = import.write(ready).await?;
    table::refresh_statistics(import.work.conn()).await?;
    import.work.done().await?;
    Ok(report)
}

/// The network as it is now, to compare another one with; corrections that a pack does not know yet are in it.
///
/// # Errors
/// The database; [`Error::Damaged`].
pub async fn current_network(db: &Db) -> Result<Option<(Uuid, relight_grid::Network)>, Error> {
    let Some(current) = grid_version::current(db.pool()).await? else {
        return Ok(None);
    };
    let bytes = grid_version::bytes(db.pool(), current.id).await?;
    let read = tokio::task::spawn_blocking(move || relight_grid::snapshot::read(&bytes));
    let network = read
        .await
        .map_err(|error| Error::Task("read a network", error))?
        .map_err(|faults| Error::Damaged(current.id, faults))?;
    Ok(Some((current.id, network)))
}

/// Hangs the service points of `pack` where they were corrected to, as an import would. Returns their ids.
///
/// # Errors
/// The database.
pub async fn correct_links(db: &Db, pack: &mut Pack) -> Result<Vec<String>, Error> {
    let corrections = link::standing(db.pool()).await?;
    Ok(rows::keep_corrections(pack, &corrections).kept)
}

/// An import under way.
struct Import<'p> {
    work: Work,
    /// Customers of which anything changed.
    touched: BTreeSet<Uuid>,
    /// Those of them that were not there before.
    new: BTreeSet<Uuid>,
    progress: &'p (dyn Fn(Progress) + Sync),
}

impl Import<'_> {
    fn tell(&self, what: &'static str, done: usize, of: usize) {
        (self.progress)(Progress {
            what,
            done: done.min(of),
            of,
        });
    }

    async fn write(&mut self, ready: Ready) -> Result<ImportReport, Error> {
        let customers = self.customers(&ready.customers).await?;
        let ids = table::customer_ids(self.work.conn(), &ready.customers.account_key).await?;
        let service_points = self.points(ready.points, &ids).await?;
        let contacts = self.contacts(ready.contacts, &ids).await?;
        self.tell("network", 0, ready.version.chunks.len());
        let (grid_version, new_version) = self.network(ready.version, &ready.grid).await?;
        link::end(self.work.conn(), &ready.adopted, "adopted").await?;
        link::end(self.work.conn(), &ready.overruled, "overruled").await?;
        let since = self.work.at() - chrono::TimeDelta::days(7);
        let sets_kept = affected_set::before(self.work.conn(), grid_version, since).await?;
        let told = self.tell_customers(new_version).await?;
        let report = ImportReport {
            grid_version,
            new_version,
            customers,
            service_points,
            contacts,
            customers_told: told,
            findings: ready.findings,
            skipped: ready.faults.iter().map(ToString::to_string).collect(),
            sets_kept,
        };
        self.work.audit("import", grid_version, report.for_audit());
        Ok(report)
    }

    async fn customers(&mut self, all: &Customers) -> Result<Counts, Error> {
        let mut counts = Counts::default();
        for (n, batch) in all.batches(BATCH).enumerate() {
            self.tell("customers", (n + 1) * BATCH, all.id.len());
            let written = table::customers(self.work.conn(), &batch).await?;
            counts.add(batch.id.len(), &written);
            self.new.extend(&written.added);
            self.touched.extend(written.added.iter().chain(&written.changed));
        }
        Ok(counts)
    }

    async fn points(&mut self, mut all: Points, ids: &HashMap<String, Uuid>) -> Result<PointCounts, Error> {
        all.set_customers(ids);
        let mut rows = Counts::default();
        let at = self.work.at();
        for (n, batch) in all.batches(BATCH).enumerate() {
            self.tell("service points", (n + 1) * BATCH, all.id.len());
            self.touched
                .extend(table::owners_left(self.work.conn(), &batch, at).await?);
            let written = table::points(self.work.conn(), &batch).await?;
            rows.add(batch.id.len(), &written);
            self.touched.extend(written.added.iter().chain(&written.changed));
        }
        let retired = table::retire_others(self.work.conn(), &all.external_key, at).await?;
        self.touched.extend(&retired);
        Ok(PointCounts {
            rows,
            retired: retired.len(),
        })
    }

    async fn contacts(
        &mut self,
        all: rows::OpenContacts,
        ids: &HashMap<String, Uuid>,
    ) -> Result<ContactCounts, Error> {
        if all.is_empty() {
            return Ok(ContactCounts::default());
        }
        let all: Contacts = all.seal(ids, self.work.at());
        let mut rows = Counts::default();
        for (n, batch) in all.batches(BATCH).enumerate() {
            self.tell("contacts", (n + 1) * BATCH, all.id.len());
            let written = table::contacts(self.work.conn(), &batch).await?;
            rows.add(batch.id.len(), &written);
            self.touched.extend(written.added.iter().chain(&written.changed));
        }
        let customers: Vec<Uuid> = ids.values().copied().collect();
        let removed = table::remove_other_contacts(self.work.conn(), &customers, &all).await?;
        self.touched.extend(&removed);
        Ok(ContactCounts {
            rows,
            removed: removed.len(),
        })
    }

    /// Makes a new version unless the network is the current one, byte for byte.
    async fn network(
        &mut self,
        version: grid_version::NewVersion,
        grid: &Grid,
    ) -> Result<(Uuid, bool), Error> {
        let current = grid_version::current(&mut *self.work.conn()).await?;
        if let Some(current) = &current
            && current.sha256 == version.sha256
        {
            return Ok((current.id, false));
        }
        let at = self.work.at();
        let n = grid_version::insert(self.work.conn(), &version, at).await?;
        let news = GridVersioned {
            grid_version: version.id.to_string(),
        };
        // One subject for all versions, so that readers hear of them in order.
        self.work
            .tell("grid.versioned", ids::derived_from_name("grid"), n, "", &news);
        seat::carry_over(&mut self.work, grid, current.map(|current| current.id)).await?;
        Ok((version.id, true))
    }

    /// Raises the versions of the touched customers and tells of them. Returns how many were told of one by one.
    async fn tell_customers(&mut self, new_version: bool) -> Result<usize, Error> {
        let raised: Vec<Uuid> = self.touched.difference(&self.new).copied().collect();
        table::raise_versions(self.work.conn(), &raised).await?;
        if self.touched.len() >= TOLD_MAX {
            // Nobody has a copy of who is new, and a new network has everybody read anyway.
            if !(raised.is_empty() && new_version) {
                self.tell_all();
            }
            return Ok(0);
        }
        let touched: Vec<Uuid> = self.touched.iter().copied().collect();
        let changed = table::changed(self.work.conn(), &touched).await?;
        for customer in &changed {
            let news = CustomerChanged {
                customer_id: customer.id.to_string(),
            };
            self.work.tell(
                "customer.changed",
                customer.id,
                customer.version,
                &customer.org_path,
                &news,
            );
        }
        Ok(changed.len())
    }

    fn tell_all(&mut self) {
        let count = u32::try_from(self.touched.len()).unwrap_or(u32::MAX);
        let news = CustomersChanged { count };
        self.work.tell("customers.changed", Uuid::now_v7(), 1, "", &news);
    }
}

impl ImportReport {
    /// Counts only: ids of service points and bad rows stay out of the audit.
    fn for_audit(&self) -> serde_json::Value {
        json!({
            "new_version": self.new_version,
            "customers": self.customers,
            "service_points": self.service_points,
            "contacts": self.contacts,
            "skipped": self.skipped.len(),
        })
    }
}
