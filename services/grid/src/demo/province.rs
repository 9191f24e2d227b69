//! A whole utility, made up: thousands of feeders with transformers and customers, to measure by.
//!
//! Radial as medium voltage is run, with normally open ties between neighbours. Most feeders are of one
//! size; every twentieth is large. Nothing is drawn: the same size gives the same network.

use crate::network::{Bus, Device, DeviceKind, End, Load, Network, Position, Source};
use crate::phases::Phases;

/// How much of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Province {
    /// Feeders, at least 20.
    pub feeders: usize,
    /// Transformers of all feeders, at least one each.
    pub transformers: usize,
    /// Customers of all feeders, one load each.
    pub customers: usize,
    /// Customers of a large feeder.
    pub large_customers: usize,
    /// Transformers of a large feeder.
    pub large_transformers: usize,
}

impl Default for Province {
    fn default() -> Province {
        Province {
            feeders: 2_000,
            transformers: 60_000,
            customers: 1_000_000,
            large_customers: 3_000,
            large_transformers: 100,
        }
    }
}

/// Every so many-th feeder is large.
const LARGE_EVERY: usize = 20;
/// Feeders of one substation.
const FEEDERS_PER_STATION: usize = 10;
/// Transformers between two switches of a feeder's backbone.
const SECTION: usize = 6;
/// Low-voltage lines of a transformer, and poles of each.
const LINES: usize = 3;
const POLES: usize = 2;
/// Devices and buses per transformer, about: to make room once.
const PER_TRANSFORMER: usize = 4 + LINES * (1 + POLES);

/// The network of this size.
pub fn province(size: Province) -> Network {
    let mut making = Making {
        network: Network {
            name: format!("made-up province of {} customers", size.customers),
            ..Network::default()
        },
        three: Phases::new(&[1, 2, 3]).expect("1, 2, 3 are phases"),
        single: [1, 2, 3].map(|phase| Phases::new(&[phase]).expect("a phase")),
    };
    making
        .network
        .devices
        .reserve(size.transformers * PER_TRANSFORMER);
    making.network.buses.reserve(size.transformers * PER_TRANSFORMER);
    making.network.loads.reserve(size.customers);
    let large = size.feeders / LARGE_EVERY;
    let rest = size.feeders - large;
    let others = |all: usize, of_large: usize| all.saturating_sub(large * of_large);
    let transformers = others(size.transformers, size.large_transformers);
    let customers = others(size.customers, size.large_customers);
    let mut small = 0;
    for feeder in 0..size.feeders {
        if is_large(feeder) {
            making.feeder(feeder, size.large_transformers, size.large_customers);
        } else {
            making.feeder(
                feeder,
                share(transformers, rest, small).max(1),
                share(customers, rest, small),
            );
            small += 1;
        }
    }
    making.network
}

/// Is this feeder, counted from 0, a large one.
fn is_large(feeder: usize) -> bool {
    feeder % LARGE_EVERY == LARGE_EVERY - 1
}

/// The `nth` of `parts` shares of `all`, which differ by one at most.
fn share(all: usize, parts: usize, nth: usize) -> usize {
    all / parts + usize::from(nth < all % parts)
}

struct Making {
    network: Network,
    three: Phases,
    single: [Phases; 3],
}

impl Making {
    fn feeder(&mut self, feeder: usize, transformers: usize, customers: usize) {
        let at = place(feeder);
        let busbar = format!("S{:04}", feeder / FEEDERS_PER_STATION);
        if feeder.is_multiple_of(FEEDERS_PER_STATION) {
            self.bus(busbar.clone(), at);
            self.network.sources.push(Source {
                bus: busbar.clone(),
                phases: None,
            });
        }
        let name = format!("F{feeder:04}");
        let mut from = format!("{name}-0");
        self.bus(from.clone(), at);
        self.device(format!("{name}-CB"), DeviceKind::Breaker, &busbar, &from);
        for nth in 0..transformers {
            if nth > 0 && nth.is_multiple_of(SECTION) {
                let behind = format!("{name}-{nth}S");
                self.bus(behind.clone(), along(at, nth));
                self.device(format!("{name}-LBS{nth}"), DeviceKind::Switch, &from, &behind);
                from = behind;
            }
            let node = format!("{name}-{}", nth + 1);
            self.bus(node.clone(), along(at, nth + 1));
            self.device(format!("{name}-L{nth}"), DeviceKind::Line, &from, &node);
            self.transformer(
                &format!("{name}-T{nth}"),
                &node,
                along(at, nth + 1),
                share(customers, transformers, nth),
            );
            from = node;
        }
        if !feeder.is_multiple_of(FEEDERS_PER_STATION) {
            let neighbour = format!("F{:04}-1", feeder - 1);
            self.device(format!("{name}-TIE"), DeviceKind::Switch, &from, &neighbour);
            self.network.devices.last_mut().expect("just added").open = true;
        }
    }

    /// A fuse, the transformer, low-voltage lines with a breaker each, customers along their poles.
    fn transformer(&mut self, name: &str, node: &str, at: Position, customers: usize) {
        let [fused, low] = ["H", "LV"].map(|part| format!("{name}-{part}"));
        self.bus(fused.clone(), at);
        self.bus(low.clone(), at);
        self.device(format!("{name}-FU"), DeviceKind::Fuse, node, &fused);
        self.device(name.to_owned(), DeviceKind::Transformer, &fused, &low);
        let mut poles = Vec::with_capacity(LINES * POLES);
        for line in 1..=LINES {
            let mut from = format!("{low}{line}");
            self.bus(from.clone(), at);
            self.device(format!("{name}-Q{line}"), DeviceKind::Breaker, &low, &from);
            for pole in 1..=POLES {
                let next = format!("{low}{line}P{pole}");
                self.bus(next.clone(), at);
                self.device(format!("{name}-W{line}{pole}"), DeviceKind::Line, &from, &next);
                poles.push(next.clone());
                from = next;
            }
        }
        for customer in 0..customers {
            self.network.loads.push(Load {
                id: format!("{name}-C{customer}"),
                bus: poles[customer % poles.len()].clone(),
                phases: self.single[customer % 3],
                customers: 1,
                in_service: true,
            });
        }
    }

    fn bus(&mut self, id: String, at: Position) {
        self.network.buses.push(Bus {
            id,
            position: Some(at),
        });
    }

    fn device(&mut self, id: String, kind: DeviceKind, from: &str, to: &str) {
        let end = |bus: &str| End {
            bus: bus.to_owned(),
            phases: self.three,
        };
        let length_m = (kind == DeviceKind::Line).then_some(80.0);
        self.network.devices.push(Device {
            id,
            kind,
            ends: vec![end(from), end(to)],
            in_service: true,
            open: false,
            length_m,
        });
    }
}

/// Where a feeder begins: on a net of 50 columns, some kilometres apart.
fn place(feeder: usize) -> Position {
    Position {
        lon: 110.0 + (feeder % 50) as f64 * 0.05,
        lat: 28.0 + (feeder / 50) as f64 * 0.05,
    }
}

/// The `nth` place along a feeder that begins at `at`.
fn along(at: Position, nth: usize) -> Position {
    Position {
        lon: at.lon + nth as f64 * 4e-4,
        lat: at.lat,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_province_has_what_was_asked_for_and_everybody_has_supply() {
        let size = Province {
            feeders: 40,
            transformers: 400,
            customers: 5_000,
            large_customers: 600,
            large_transformers: 30,
        };
        let network = province(size);
        let grid = network.grid(Uuid::nil()).expect("a good network");
        let of_kind = |kind| {
            network
                .devices
                .iter()
                .filter(|device| device.kind == kind)
                .count()
        };
        assert_eq!(of_kind(DeviceKind::Transformer), 400);
        assert_eq!(network.loads.len(), 5_000);
        assert_eq!(grid.dead(&[], &[]).dead_loads, []);
        let large = grid.device("F0019-CB").expect("a large feeder");
        assert_eq!(grid.affected_count(large).customers, 600);
    }

    #[test]
    fn a_tie_feeds_what_lies_behind_an_opened_section() {
        let network = province(Province {
            feeders: 20,
            transformers: 200,
            customers: 2_000,
            large_customers: 200,
            large_transformers: 20,
        });
        let grid = network.grid(Uuid::nil()).expect("a good network");
        let of = |id: &str| grid.device(id).expect("known");
        let (open, tie) = (of("F0001-LBS6"), of("F0001-TIE"));
        assert!(grid.dead(&[open], &[]).customers > 0);
        assert_eq!(grid.dead(&[open], &[tie]).customers, 0);
    }
}
