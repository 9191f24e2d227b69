//! How a network is switched: its deviations from the normal state. Pure.

use std::collections::BTreeMap;

use relight_grid::{DeviceIx, Grid};

/// Devices that are not as drawn, and whether each is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State(BTreeMap<DeviceIx, bool>);

impl State {
    /// The state of these devices on `grid`; what is not in this version, or is as drawn, deviates from nothing.
    pub fn of<'a>(grid: &Grid, devices: impl IntoIterator<Item = (&'a str, bool)>) -> State {
        let mut state = State::default();
        for (id, closed) in devices {
            if let Some(device) = grid.device(id) {
                state.set(grid, device, closed);
            }
        }
        state
    }

    /// Sets one device.
    pub fn set(&mut self, grid: &Grid, device: DeviceIx, closed: bool) {
        if grid.is_normally_closed(device) == closed {
            self.0.remove(&device);
        } else {
            self.0.insert(device, closed);
        }
    }

    /// Whether `device` is closed.
    pub fn is_closed(&self, grid: &Grid, device: DeviceIx) -> bool {
        self.0
            .get(&device)
            .copied()
            .unwrap_or_else(|| grid.is_normally_closed(device))
    }

    /// Those opened and those closed against the normal state.
    pub fn lists(&self) -> (Vec<DeviceIx>, Vec<DeviceIx>) {
        let (closed, opened): (Vec<_>, Vec<_>) = self.0.iter().partition(|(_, closed)| **closed);
        let ids = |list: Vec<(&DeviceIx, &bool)>| list.into_iter().map(|(device, _)| *device).collect();
        (ids(opened), ids(closed))
    }

    /// The two lists as external ids, sorted.
    pub fn ids(&self, grid: &Grid) -> (Vec<String>, Vec<String>) {
        let (opened, closed) = self.lists();
        let ids = |list: &[DeviceIx]| {
            let mut ids: Vec<String> = list
                .iter()
                .map(|&device| grid.device_id(device).to_owned())
                .collect();
            ids.sort();
            ids
        };
        (ids(&opened), ids(&closed))
    }

    /// Before and after these devices open: what hangs on them as the network is switched. One that this state has open is
    /// taken to have been closed before, so that the question keeps its answer when the switching is done; a normally open one
    /// that nobody closed stays open.
    #[must_use]
    pub fn opening(&self, grid: &Grid, devices: &[DeviceIx]) -> (State, State) {
        let (mut before, mut after) = (self.clone(), self.clone());
        for &device in devices {
            if grid.is_normally_closed(device) {
                before.set(grid, device, true);
            }
            after.set(grid, device, false);
        }
        (before, after)
    }
}
