//! Making a storm: where faults strike, who notices, who says so, and what else is said.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::links;
use super::random::Random;
use super::settings::StormSettings;
use super::transfers::{Transfer, transfers};
use crate::infer::{Evidence, Switched, What};
use crate::model::{DeviceIx, Grid, LoadIx};
use crate::network::DeviceKind;

/// What really happened at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct StormFault {
    /// The device that was open.
    pub device: DeviceIx,
    /// When it opened, or was found open after a repair above it, milliseconds.
    pub at_ms: i64,
    /// When its customers were back.
    pub end_ms: i64,
    /// Whom it put out, as the network was switched.
    pub loads: Vec<LoadIx>,
    /// It lay below another fault and showed when that was repaired.
    pub nested: bool,
    /// Who called, with times, as recorded (a wrong link records another load).
    pub calls: Vec<(i64, LoadIx)>,
}

/// A storm: the truth, and what was heard of it.
#[derive(Debug, Clone, Default)]
pub struct Storm {
    /// The truth.
    pub faults: Vec<StormFault>,
    /// What was heard, by time.
    pub evidence: Vec<Evidence>,
    /// How the network was switched, by time: (from when, how).
    pub switched: Vec<(i64, Switched)>,
    pub(super) transfers: Vec<Transfer>,
}

/// The storm of `seed` over `grid`.
pub fn storm(grid: &Grid, lengths_m: &[Option<f64>], settings: &StormSettings, seed: u64) -> Storm {
    let mut making = Making {
        grid,
        settings,
        random: Random::new(seed),
        recorded: HashMap::new(),
        metered: HashSet::new(),
        storm: Storm::default(),
    };
    making.equip();
    making.switch();
    let places = places(grid, lengths_m, settings.customers_min);
    if !places.is_empty() {
        for _ in 0..settings.faults {
            making.strike(&places);
        }
        making.nonsense();
    }
    making
        .storm
        .faults
        .sort_by_key(|fault| (fault.at_ms, fault.device));
    making.storm.evidence.sort_unstable();
    making.storm
}

/// Where faults are found open, with weights: a protective device for itself and for the lines it protects.
fn places(grid: &Grid, lengths_m: &[Option<f64>], customers_min: u32) -> Vec<(DeviceIx, f64)> {
    let mut weights: BTreeMap<DeviceIx, f64> = BTreeMap::new();
    let supply = grid.normal_supply();
    let mut seen = HashSet::new();
    for load in grid.loads() {
        let mut lines_km = 0.0;
        for device in supply.path(load) {
            if grid.device_kind(device) == DeviceKind::Line {
                let metres = lengths_m.get(device.index()).copied().flatten().unwrap_or(50.0);
                lines_km += if seen.insert(device) { metres / 1000.0 } else { 0.0 };
            } else {
                let kind = grid.device_kind(device);
                let own = if seen.insert(device) {
                    own_weight(kind)
                } else {
                    0.0
                };
                *weights.entry(device).or_default() += own + std::mem::take(&mut lines_km);
            }
        }
    }
    let large = |device: &DeviceIx| grid.affected_count(*device).customers >= u64::from(customers_min.max(1));
    weights.into_iter().filter(|(device, _)| large(device)).collect()
}

/// How often a device of a kind is found open for a reason of its own, against a kilometre of line behind it.
fn own_weight(kind: DeviceKind) -> f64 {
    match kind {
        DeviceKind::Fuse => 2.0,
        DeviceKind::Transformer => 1.0,
        DeviceKind::Breaker | DeviceKind::Recloser => 0.7,
        DeviceKind::Switch => 0.5,
        DeviceKind::Line | DeviceKind::Reactor => 0.2,
    }
}

struct Making<'s> {
    grid: &'s Grid,
    settings: &'s StormSettings,
    random: Random,
    /// Under which load a load's reports are recorded, where that is wrong.
    recorded: HashMap<LoadIx, LoadIx>,
    metered: HashSet<LoadIx>,
    storm: Storm,
}

impl Making<'_> {
    /// Hands out meters, and swaps links.
    fn equip(&mut self) {
        let loads: Vec<LoadIx> = self.grid.loads().collect();
        for &load in &loads {
            if self.random.chance(self.settings.meter_coverage) {
                self.metered.insert(load);
            }
        }
        self.recorded = links::wrong(self.grid, self.settings.wrong_links, &mut self.random);
    }

    /// Decides what the control room switches, and when.
    fn switch(&mut self) {
        let (count, hours) = (self.settings.switchings, self.settings.hours);
        self.storm.transfers = transfers(self.grid, count, hours, &mut self.random);
        for transfer in &self.storm.transfers {
            let there = (transfer.from_ms, transfer.state.switched.clone());
            let back = (transfer.until_ms, Switched::default());
            self.storm.switched.extend([there, back]);
        }
    }

    fn strike(&mut self, places: &[(DeviceIx, f64)]) {
        let at_ms = (self.random.fraction() * self.settings.hours * 3.6e6) as i64;
        let device = self.pick(places);
        let loads = self.storm.puts_out(self.grid, device, at_ms);
        let minutes = self.random.log_normal(self.settings.repair_median_min, 0.5);
        let end_ms = at_ms + (minutes * 60_000.0) as i64;
        // One place at a time: what is dark already shows nothing when more of it breaks.
        let near = 60 * 60_000;
        let meets = |fault: &StormFault| {
            at_ms < fault.end_ms + near
                && fault.at_ms < end_ms + near
                && loads.iter().any(|load| fault.loads.binary_search(load).is_ok())
        };
        // And nobody is switched while they are dark, or shortly before.
        let span = (at_ms - near, end_ms + 6 * near);
        let mut transfers = self.storm.transfers.iter();
        let is_switched = transfers.any(|transfer| transfer.switches_within(span, &loads));
        if loads.is_empty() || is_switched || self.storm.faults.iter().any(meets) {
            return;
        }
        let below: Vec<(DeviceIx, f64)> = places
            .iter()
            .copied()
            .filter(|place| {
                let inner = self.storm.puts_out(self.grid, place.0, at_ms);
                !inner.is_empty()
                    && inner.len() * 2 < loads.len()
                    && inner.iter().all(|load| loads.binary_search(load).is_ok())
            })
            .collect();
        let nested = !below.is_empty() && self.random.chance(self.settings.nested_share);
        let still = if nested { Some(self.pick(&below)) } else { None };
        let still_out = still
            .map(|device| self.storm.puts_out(self.grid, device, at_ms))
            .unwrap_or_default();
        self.happen(
            StormFault {
                device,
                at_ms,
                end_ms,
                loads,
                nested: false,
                calls: Vec::new(),
            },
            &still_out,
        );
        if let Some(device) = still {
            let later_ms = end_ms + (self.random.log_normal(60.0, 0.4) * 60_000.0) as i64;
            let fault = StormFault {
                device,
                at_ms: end_ms,
                end_ms: later_ms,
                loads: still_out,
                nested: true,
                calls: Vec::new(),
            };
            self.happen(fault, &[]);
        }
    }

    fn pick(&mut self, places: &[(DeviceIx, f64)]) -> DeviceIx {
        let sum: f64 = places.iter().map(|place| place.1).sum();
        let mut rest = self.random.fraction() * sum;
        for &(device, weight) in places {
            rest -= weight;
            if rest < 0.0 {
                return device;
            }
        }
        places[places.len() - 1].0
    }

    /// What is heard of one fault; `still_out` stay dark when it is repaired.
    fn happen(&mut self, mut fault: StormFault, still_out: &[LoadIx]) {
        let share = self.share(fault.at_ms);
        for load in fault.loads.clone() {
            for _ in 0..self.grid.load_customers(load).max(1) {
                if self.random.chance(share) {
                    self.call(load, &mut fault);
                }
            }
            if self.metered.contains(&load) {
                self.meter(load, &fault, still_out.binary_search(&load).is_ok());
            }
        }
        let kind = self.grid.device_kind(fault.device);
        let watched = matches!(kind, DeviceKind::Breaker | DeviceKind::Recloser);
        if watched && self.random.chance(self.settings.scada_share) {
            self.hear(fault.at_ms, What::ScadaOpen(fault.device));
        }
        fault.calls.sort_unstable();
        self.storm.faults.push(fault);
    }

    /// Share who call, of a fault at this time.
    fn share(&mut self, at_ms: i64) -> f64 {
        let hour = (self.settings.start_hour + at_ms as f64 / 3.6e6) % 24.0;
        // 0 at 16 h, 1 at 4 h.
        let night = f64::midpoint(1.0, ((hour - 4.0) / 24.0 * std::f64::consts::TAU).cos());
        let by_time = 1.0 - night * (1.0 - self.settings.night_factor);
        let spread = self.random.log_normal(1.0, self.settings.call_share_sigma);
        (self.settings.call_share * by_time * spread).min(0.95)
    }

    fn call(&mut self, load: LoadIx, fault: &mut StormFault) {
        let delay_min = self
            .random
            .log_normal(self.settings.call_median_min, self.settings.call_sigma);
        let mut at_ms = fault.at_ms + (delay_min * 60_000.0) as i64;
        if at_ms >= fault.end_ms {
            return;
        }
        let recorded = self.recorded.get(&load).copied().unwrap_or(load);
        fault.calls.push((at_ms, recorded));
        self.hear(at_ms, What::Call(recorded));
        if self.random.chance(self.settings.urge_share) {
            at_ms += (self.random.log_normal(40.0, 0.5) * 60_000.0) as i64;
            if at_ms < fault.end_ms {
                self.hear(at_ms, What::Call(recorded));
            }
        }
    }

    /// A meter's last word, and what it answers after the repair.
    fn meter(&mut self, load: LoadIx, fault: &StormFault, still_out: bool) {
        let recorded = self.recorded.get(&load).copied().unwrap_or(load);
        if !fault.nested && !self.random.chance(self.settings.meter_loss) {
            let late_ms = (self.random.log_normal(8.0, 1.0) * 1000.0) as i64;
            self.hear(fault.at_ms + late_ms, What::LastGasp(recorded));
        }
        if !self.random.chance(self.settings.meter_loss) {
            let later_ms = (self.random.log_normal(60.0, 0.7) * 1000.0) as i64;
            let what = if still_out {
                What::PingOff(recorded)
            } else {
                What::PingOn(recorded)
            };
            self.hear(fault.end_ms + later_ms, what);
        }
    }

    /// Calls about nothing, anywhere, at any time.
    fn nonsense(&mut self) {
        let loads = self.grid.loads().len();
        for _ in 0..self.storm.evidence.len() {
            if loads > 0 && self.random.chance(self.settings.nonsense_share) {
                let at_ms = (self.random.fraction() * self.settings.hours * 3.6e6) as i64;
                let at = self.random.below(loads);
                if let Some(load) = self.grid.loads().nth(at) {
                    self.hear(at_ms, What::Call(load));
                }
            }
        }
    }

    fn hear(&mut self, at_ms: i64, what: What) {
        self.storm.evidence.push(Evidence::new(at_ms, what));
    }
}
