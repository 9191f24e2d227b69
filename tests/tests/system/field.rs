//! Where the journey takes place: a switch of the feeder with enough customers below it, and a device that makes half
//! of them live again.

use std::collections::BTreeSet;

use relight_grid::{DeviceIx, Grid, Pack};
use uuid::Uuid;

/// A fault with its customers, by index into the pack's service points.
#[derive(Debug)]
pub struct Field {
    /// The switch that fails.
    pub device: String,
    /// The device below it whose section is restored first.
    pub section: String,
    /// Service points without supply.
    pub dead: BTreeSet<usize>,
    /// Those of the first section.
    pub first: BTreeSet<usize>,
}

impl Field {
    /// Looks for a switch with 60 to 400 customers and a switch or transformer below it with 30 to 70 % of them.
    ///
    /// # Errors
    /// When the network has none.
    pub fn find(pack: &Pack) -> anyhow::Result<Self> {
        let grid = pack
            .network()
            .grid(Uuid::nil())
            .map_err(|faults| anyhow::anyhow!("{faults}"))?;
        let switches: Vec<DeviceIx> = grid
            .devices()
            .filter(|d| grid.device_kind(*d).is_switching())
            .collect();
        for device in &switches {
            let dead = below(&grid, *device);
            if !(60..=400).contains(&dead.len()) {
                continue;
            }
            let section = grid.devices().find(|inner| {
                let live = below(&grid, *inner);
                let share = live.len() as f64 / dead.len() as f64;
                live.is_subset(&dead) && (0.3..0.7).contains(&share)
            });
            if let Some(section) = section {
                let first = below(&grid, section);
                let (device, section) = (
                    grid.device_id(*device).to_owned(),
                    grid.device_id(section).to_owned(),
                );
                return Ok(Self {
                    device,
                    section,
                    dead,
                    first,
                });
            }
        }
        anyhow::bail!("no switch of the network suits")
    }

    /// `count` customers spread over everybody without supply.
    pub fn callers(&self, count: usize) -> Vec<usize> {
        let dead: Vec<usize> = self.dead.iter().copied().collect();
        (0..count).map(|n| dead[n * dead.len() / count]).collect()
    }
}

fn below(grid: &Grid, device: DeviceIx) -> BTreeSet<usize> {
    grid.dead(&[device], &[])
        .dead_loads
        .iter()
        .map(|load| load.index())
        .collect()
}
