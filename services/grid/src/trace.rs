//! What is dead when devices are open: a plain search from the sources over everything that conducts.

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

impl Grid {
    /// Who is dead when, against the normal state, `opened` are open and `closed` are closed.
    ///
    /// A device in both lists is open. Closing a device also puts it in service. Loads that are dead
    /// in the normal state are in the answer too; loads out of service never are.
    pub fn dead(&self, opened: &[DeviceIx], closed: &[DeviceIx]) -> Dead {
        self.dead_in(&self.state(opened, closed))
    }

    /// For every device: does it conduct, given these deviations from the normal state.
    pub(crate) fn state(&self, opened: &[DeviceIx], closed: &[DeviceIx]) -> Vec<bool> {
        let mut conducts = self.normal_state();
        closed.iter().for_each(|device| conducts[device.index()] = true);
        opened.iter().for_each(|device| conducts[device.index()] = false);
        conducts
    }

    fn dead_in(&self, conducts: &[bool]) -> Dead {
        let live = self.live(conducts);
        let mut dead = Dead::default();
        for load in self.loads().filter(|&load| self.load_in_service(load)) {
            match self.live_share(load, &live) {
                Share::All => {}
                Share::Some => dead.partly_dead_loads.push(load),
                Share::None => {
                    dead.customers += u64::from(self.load_customers(load));
                    dead.dead_loads.push(load);
                }
            }
        }
        dead
    }

    /// For every vertex: is it reached from a source.
    fn live(&self, conducts: &[bool]) -> Vec<bool> {
        let mut live = vec![false; self.arcs.vertices()];
        let mut open = self.roots.clone();
        open.iter().for_each(|&root| live[root as usize] = true);
        while let Some(vertex) = open.pop() {
            for &(next, device) in self.arcs.of(vertex) {
                if conducts[device as usize] && !live[next as usize] {
                    live[next as usize] = true;
                    open.push(next);
                }
            }
        }
        live
    }

    fn live_share(&self, load: LoadIx, live: &[bool]) -> Share {
        let mut phases = self.load_vertices(load).map(|vertex| live[vertex as usize]);
        match (
            phases.clone().any(|is_live| is_live),
            phases.all(|is_live| is_live),
        ) {
            (_, true) => Share::All,
            (true, false) => Share::Some,
            (false, false) => Share::None,
        }
    }

    /// Are all of `loads` dead in this state.
    pub(crate) fn all_dead(&self, loads: &[LoadIx], conducts: &[bool]) -> bool {
        let live = self.live(conducts);
        loads
            .iter()
            .all(|&load| matches!(self.live_share(load, &live), Share::None))
    }
}

/// How many of a load's phases are live.
enum Share {
    All,
    Some,
    None,
}
