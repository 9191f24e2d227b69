//! What an import changes against the network of now, and whether it takes away more than a usual one does.

use relight_common::{Db, config::Settings};
use relight_grid::{Diff, Grid, Network, Pack};
use uuid::Uuid;

/// An import that takes away more than this share of the service points or of the devices is asked about: a file cut
/// short or the wrong one does, the work of a week does not.
const USUAL_PERCENT: usize = 10;

/// The current version, and what is different.
pub struct Change {
    version: Uuid,
    was: Network,
    /// Against it.
    pub diff: Diff,
}

impl Change {
    /// `network` against the current version; none when there is no version yet.
    ///
    /// # Errors
    /// The database, or a stored version that is damaged.
    pub async fn against_current(db: &Db, network: &Network, grid: &Grid) -> anyhow::Result<Option<Change>> {
        let Some((version, was)) = relight_registry::current_network(db).await? else {
            return Ok(None);
        };
        let diff = Diff::new((&was, &was.grid(version)?), (network, grid));
        Ok(Some(Change { version, was, diff }))
    }

    /// What an import of `pack` would change. The pack stays as it is: the import itself has to see which links it
    /// says otherwise than they were corrected.
    ///
    /// # Errors
    /// As [`Change::against_current`].
    pub async fn of_import(settings: &Settings, pack: &Pack) -> anyhow::Result<Option<Change>> {
        let db = Db::connect(&settings.database, relight_registry::NAME).await?;
        let mut pack = Pack {
            network: pack.network.clone(),
            service_points: pack.service_points.clone(),
            ..Pack::default()
        };
        relight_registry::correct_links(&db, &mut pack).await?;
        let network = pack.network();
        // One that does not hang together is refused by the import, in words.
        let Ok(grid) = network.grid(Uuid::now_v7()) else {
            return Ok(None);
        };
        Change::against_current(&db, &network, &grid).await
    }

    /// What is taken away, in words, when it is more than usual.
    pub fn unusual(&self) -> Option<String> {
        let diff = &self.diff;
        let off = diff.loads.removed.len() + diff.loads_losing_supply.len();
        let gone = diff.devices.removed.len();
        let told: Vec<String> = [
            (
                "service points would be gone or without supply",
                off,
                self.was.loads.len(),
            ),
            ("devices would be gone", gone, self.was.devices.len()),
        ]
        .into_iter()
        .filter(|(_, less, of)| less * 100 > of * USUAL_PERCENT)
        .map(|(what, less, of)| format!("{less} of {of} {what}"))
        .collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "against version {}:\n{}", self.version, self.diff)
    }
}
