//! How the network is switched, with the way everything is fed then: searched once, asked for every report.

use std::collections::HashSet;

use crate::flood::Flood;
use crate::model::{DeviceIx, Grid, LoadIx};
use crate::supply::{Supply, SupplyTree};

/// A switching state, as differences from the grid's normal one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switched {
    /// Opened by operation; nobody wonders why.
    pub opened: Vec<DeviceIx>,
    /// Closed by operation.
    pub closed: Vec<DeviceIx>,
}

/// A switching state of one grid, searched.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) switched: Switched,
    /// Loads without supply in this state whatever else happens.
    pub(crate) dark: HashSet<LoadIx>,
    /// None in the normal state, whose tree the grid has.
    tree: Option<SupplyTree>,
}

impl State {
    pub(crate) fn new(grid: &Grid, switched: Switched) -> State {
        let is_normal = switched == Switched::default();
        let tree =
            (!is_normal).then(|| SupplyTree::new(grid, grid.state(&switched.opened, &switched.closed)));
        let dark = grid.dead(&switched.opened, &switched.closed).dead_loads;
        State {
            dark: dark.into_iter().collect(),
            switched,
            tree,
        }
    }

    fn tree<'s>(&'s self, grid: &'s Grid) -> &'s SupplyTree {
        self.tree.as_ref().unwrap_or(&grid.normal)
    }

    /// The way each load is fed.
    pub(crate) fn supply<'s>(&'s self, grid: &'s Grid) -> Supply<'s> {
        Supply::over(grid, self.tree(grid))
    }

    /// Whom `device` puts out in this state.
    pub(crate) fn puts_out(&self, grid: &Grid, device: DeviceIx) -> Vec<LoadIx> {
        let flood = Flood::new(grid, self.tree(grid), &[device], &[]);
        flood.newly_dead().dead_loads
    }
}
