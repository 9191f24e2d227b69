//! Switching by the control room during a storm: a part of the network is fed from another side for some hours, without anybody
//! losing supply.

use std::sync::Arc;

use super::random::Random;
use crate::infer::{State, Switched};
use crate::model::{DeviceIx, Grid, LoadIx};
use crate::network::DeviceKind;

/// A transfer: from when, until when, and whom it concerns.
#[derive(Debug, Clone)]
pub(super) struct Transfer {
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
    /// Loads that are fed another way meanwhile, ascending.
    pub(super) moved: Vec<LoadIx>,
    pub(super) state: Arc<State>,
}

/// Open switches are tried with so many devices each; networks have few ties and many switches.
const TRIED: usize = 64;

/// `count` transfers one after the other within `hours`, or fewer where the network allows none.
pub(super) fn transfers(grid: &Grid, count: u32, hours: f64, random: &mut Random) -> Vec<Transfer> {
    let ways = if count == 0 {
        Vec::new()
    } else {
        ways(grid, random)
    };
    if ways.is_empty() {
        return Vec::new();
    }
    let slot_ms = hours * 3.6e6 / f64::from(count);
    (0..count)
        .map(|n| {
            let (opened, closed) = ways[random.below(ways.len())];
            let from_ms = (slot_ms * (f64::from(n) + 0.4 * random.fraction())) as i64;
            let until_ms = from_ms + (slot_ms * (0.2 + 0.3 * random.fraction())) as i64;
            let switched = Switched {
                opened: vec![opened],
                closed: vec![closed],
            };
            Transfer {
                from_ms,
                until_ms,
                moved: grid.affected(opened).dead_loads,
                state: Arc::new(State::new(grid, switched)),
            }
        })
        .collect()
}

/// (device to open, tie to close) after which everybody has supply.
fn ways(grid: &Grid, random: &mut Random) -> Vec<(DeviceIx, DeviceIx)> {
    let ties = grid.devices().filter(|device| !grid.is_normally_closed(*device));
    let mut ways = Vec::new();
    let all: Vec<DeviceIx> = grid.devices().filter(|device| is_switch(grid, *device)).collect();
    for tie in ties {
        for _ in 0..TRIED.min(all.len()) {
            let device = all[random.below(all.len())];
            let is_lost = || !grid.dead(&[device], &[tie]).dead_loads.is_empty();
            if grid.affected_count(device).customers > 0 && !is_lost() {
                ways.push((device, tie));
            }
        }
    }
    ways
}

fn is_switch(grid: &Grid, device: DeviceIx) -> bool {
    let kind = grid.device_kind(device);
    let switches = matches!(
        kind,
        DeviceKind::Switch | DeviceKind::Breaker | DeviceKind::Recloser
    );
    switches && grid.is_normally_closed(device)
}

impl Transfer {
    pub(super) fn holds_at(&self, at_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }

    /// Whether somebody of `loads` is fed another way from a moment of this span on, or no longer.
    pub(super) fn switches_within(&self, span: (i64, i64), loads: &[LoadIx]) -> bool {
        let within = |at_ms: i64| (span.0..=span.1).contains(&at_ms);
        let mut moved = self.moved.iter();
        (within(self.from_ms) || within(self.until_ms)) && moved.any(|load| loads.binary_search(load).is_ok())
    }
}
