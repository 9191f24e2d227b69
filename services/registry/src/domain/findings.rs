//! What is doubtful in an imported network: nothing is refused for it, somebody should look.

use relight_grid::{DeviceIx, Grid, Network, closing_loops, islands};
use serde::Serialize;

/// How many ids a finding lists; `count` has them all.
const LISTED: usize = 20;

/// Some rows with the same doubt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Doubt {
    /// How many.
    pub count: usize,
    /// Their first 20 ids.
    pub first: Vec<String>,
}

impl Doubt {
    pub(crate) fn add(&mut self, id: &str) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(id.to_owned());
        }
    }
}

/// Data-quality findings of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Findings {
    /// Service points in service that no source reaches in the normal state.
    pub without_supply: Doubt,
    /// Service points that lack one or more of their phases in the normal state.
    pub partly_supplied: Doubt,
    /// Supplied service points without a transformer above them.
    pub without_transformer: Doubt,
    /// Service points that hang where somebody on site corrected them to, while the pack still says otherwise.
    pub corrected_links: Doubt,
    /// Groups of joined buses that no source reaches in the normal state, each by one of its buses.
    pub islands: Doubt,
    /// Devices that close a loop or a parallel path in the normal state.
    pub closing_loops: Doubt,
    /// Devices without a position: no map shows them.
    pub without_position: Doubt,
}

/// The transformer above each load, in the order of `grid`, which `network` became, and what is doubtful.
pub fn survey(network: &Network, grid: &Grid) -> (Vec<Option<DeviceIx>>, Findings) {
    let mut findings = of_devices(network, grid);
    let normal = grid.dead(&[], &[]);
    normal
        .dead_loads
        .iter()
        .for_each(|&load| findings.without_supply.add(grid.load_id(load)));
    normal
        .partly_dead_loads
        .iter()
        .for_each(|&load| findings.partly_supplied.add(grid.load_id(load)));
    let supply = grid.normal_supply();
    let above: Vec<Option<DeviceIx>> = grid.loads().map(|load| supply.transformer(load)).collect();
    let bare = grid
        .loads()
        .zip(&above)
        .filter(|(load, above)| above.is_none() && !supply.path(*load).is_empty());
    bare.for_each(|(load, _)| findings.without_transformer.add(grid.load_id(load)));
    (above, findings)
}

/// What is doubtful whoever hangs on it.
fn of_devices(network: &Network, grid: &Grid) -> Findings {
    let mut findings = Findings::default();
    for island in islands(network, grid) {
        findings.islands.add(&island.bus);
    }
    for device in closing_loops(network, grid) {
        findings.closing_loops.add(&device);
    }
    let nowhere = grid
        .devices()
        .filter(|&device| grid.device_position(device).is_none());
    nowhere.for_each(|device| findings.without_position.add(grid.device_id(device)));
    findings
}
