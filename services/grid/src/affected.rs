//! What one device puts out when it opens in the normal state: the question that is asked most.
//!
//! Exact. Where a device is the only way to all below it, the answer is known beforehand ([`Below`]);
//! elsewhere, in a mesh, what hangs below it in the supply tree is searched ([`Flood`]).

#[cfg(doc)]
use crate::below::Below;
use crate::flood::Flood;
use crate::model::{DeviceIx, Grid, LoadIx};
use crate::trace::Dead;

/// How much goes out when a device opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AffectedCount {
    /// Loads that go dead on all phases they still had.
    pub loads: u32,
    /// Loads that lose some phases and keep others.
    pub partly_dead_loads: u32,
    /// Customers behind the loads in `loads`.
    pub customers: u64,
}

impl Grid {
    /// What opening `device` puts out, against the normal state; nothing when it is open already.
    ///
    /// Unlike [`Grid::dead`] it leaves out what is dead in the normal state. A load that was partly
    /// dead and loses its last phase is among the dead ones, one that loses another phase and keeps
    /// one among the partly dead ones.
    pub fn affected(&self, device: DeviceIx) -> Dead {
        match self.below.dead(device) {
            Some(dead) => dead,
            None => Flood::new(self, &self.normal, &[device], &[]).newly_dead(),
        }
    }

    /// The size of [`Grid::affected`].
    pub fn affected_count(&self, device: DeviceIx) -> AffectedCount {
        match self.below.count(device) {
            Some(count) => count,
            None => Flood::new(self, &self.normal, &[device], &[]).newly_dead_count(),
        }
    }

    /// Does opening `device` alone put `load` out. No when it is out of service, or dead already.
    pub fn puts_out(&self, device: DeviceIx, load: LoadIx) -> bool {
        let was_fed = self.load_vertices(load).any(|vertex| self.normal.is_live(vertex));
        self.load_in_service(load) && was_fed && self.normal_supply().puts_out(device, &[load])
    }
}
