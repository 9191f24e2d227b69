//! What is dead when devices are open, as a difference from the normal state.

use crate::flood::Flood;
use crate::model::{DeviceIx, Grid, LoadIx};

/// Who is without supply in one switching state of one grid version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dead {
    /// Loads all of whose phases are dead, in grid order.
    pub dead_loads: Vec<LoadIx>,
    /// Loads some but not all of whose phases are dead (phase loss), in grid order.
    pub partly_dead_loads: Vec<LoadIx>,
    /// Customers behind the loads in `dead_loads`.
    pub customers: u64,
}

impl Dead {
    /// Adds a load that is dead.
    pub(crate) fn add(&mut self, grid: &Grid, load: LoadIx) {
        self.customers += u64::from(grid.load_customers(load));
        self.dead_loads.push(load);
    }

    fn sort(&mut self) {
        self.dead_loads.sort_unstable();
        self.partly_dead_loads.sort_unstable();
    }
}

impl Grid {
    /// Who is dead when, against the normal state, `opened` are open and `closed` are closed.
    ///
    /// A device in both lists is open. Closing a device also puts it in service. Loads that are dead
    /// in the normal state are in the answer too; loads out of service never are.
    pub fn dead(&self, opened: &[DeviceIx], closed: &[DeviceIx]) -> Dead {
        let flood = Flood::new(self, &self.normal, opened, closed);
        let touched = flood.touched();
        let untouched = |load: &LoadIx| touched.binary_search(load).is_err();
        let mut dead = Dead::default();
        let normal = &self.normal_dead;
        for &load in normal.dead_loads.iter().filter(|load| untouched(load)) {
            dead.add(self, load);
        }
        let partly = normal.partly_dead_loads.iter().filter(|load| untouched(load));
        dead.partly_dead_loads.extend(partly);
        for &load in &touched {
            match flood.share(load) {
                Share::All => {}
                Share::Some => dead.partly_dead_loads.push(load),
                Share::None => dead.add(self, load),
            }
        }
        dead.sort();
        dead
    }

    /// Those of `loads` with a phase that has supply in the one state and none in the other: each state is what is opened
    /// and what is closed against the normal one.
    pub fn losing_a_phase(
        &self,
        loads: &[LoadIx],
        before: (&[DeviceIx], &[DeviceIx]),
        after: (&[DeviceIx], &[DeviceIx]),
    ) -> Vec<LoadIx> {
        let [was, is] =
            [before, after].map(|(opened, closed)| Flood::new(self, &self.normal, opened, closed));
        let loses = |load: LoadIx| {
            let mut vertices = self.load_vertices(load);
            vertices.any(|vertex| was.is_live(vertex) && !is.is_live(vertex))
        };
        loads.iter().copied().filter(|&load| loses(load)).collect()
    }

    /// For every device: does it conduct, given these deviations from the normal state.
    pub(crate) fn state(&self, opened: &[DeviceIx], closed: &[DeviceIx]) -> Vec<bool> {
        let mut conducts = self.normal_state();
        closed.iter().for_each(|device| conducts[device.index()] = true);
        opened.iter().for_each(|device| conducts[device.index()] = false);
        conducts
    }

    /// Who is dead in the normal state.
    pub(crate) fn find_normal_dead(&self) -> Dead {
        let mut dead = Dead::default();
        for load in self.loads().filter(|&load| self.load_in_service(load)) {
            match Share::of(self.load_vertices(load).map(|vertex| self.normal.is_live(vertex))) {
                Share::All => {}
                Share::Some => dead.partly_dead_loads.push(load),
                Share::None => dead.add(self, load),
            }
        }
        dead
    }
}

/// How many of a load's phases are live.
pub(crate) enum Share {
    All,
    Some,
    None,
}

impl Share {
    pub(crate) fn of(phases: impl Iterator<Item = bool> + Clone) -> Share {
        match (
            phases.clone().any(|is_live| is_live),
            phases.clone().all(|is_live| is_live),
        ) {
            (_, true) => Share::All,
            (true, false) => Share::Some,
            (false, false) => Share::None,
        }
    }
}
