//! What is doubtful in an imported network: nothing is refused for it, somebody should look.

use relight_grid::{DeviceIx, Grid};
use serde::Serialize;

/// How many ids a finding lists; `count` has them all.
const LISTED: usize = 20;

/// Some service points with the same doubt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Doubt {
    /// How many.
    pub count: usize,
    /// External ids of the first 20.
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
}

/// The transformer above each load, in the order of the grid, and what is doubtful.
pub fn survey(grid: &Grid) -> (Vec<Option<DeviceIx>>, Findings) {
    let mut findings = Findings::default();
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
