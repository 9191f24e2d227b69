//! Feeders: a breaker at the head, a backbone along a road with sectionalising switches, a fuse at each
//! lateral, a transformer at its end, two low-voltage lines behind it; normally open ties between ends.

use super::Town;
use super::streets::{COLUMNS, HILL_TURNS, Hill};
use crate::network::{Bus, Device, DeviceKind, End, Position, Source};
use crate::phases::Phases;

/// Columns from the substation to the end of a feeder.
const SPANS: usize = COLUMNS / 2 - 1;
/// Spans whose start is a switch instead of a plain line.
const SECTIONS: [usize; 3] = [5, 10, 15];
/// A line is this much longer than the way it goes.
const SAG: f64 = 1.03;

/// A place along a feeder that a transformer stands at.
pub(super) struct Site {
    pub(super) feeder: usize,
    pub(super) column: usize,
    pub(super) row: usize,
    /// 0 north of the road, 1 south of it.
    pub(super) side: usize,
    /// The hill and the bend of its road; none in town.
    pub(super) hill: Option<(Hill, usize)>,
    pub(super) at: Position,
    pub(super) low_voltage: Vec<String>,
}

impl Town {
    /// Two busbars, fed from outside: west and east of town.
    pub(super) fn add_substations(&mut self) {
        for (number, column) in [(1, 0), (2, COLUMNS - 1)] {
            let id = busbar(number);
            let at = self.plan.at(column as f64, 4.0);
            self.pack.network.sources.push(Source {
                bus: id.clone(),
                phases: Some(all()),
            });
            self.bus(id, at);
        }
    }

    /// Feeders 1 to 3 run east from substation 1, feeders 4 to 6 west from substation 2.
    pub(super) fn add_feeder(&mut self, number: usize) {
        let head = node(number, 0);
        self.bus(head.clone(), self.node_at(number, 0));
        let station = if number <= 3 { 1 } else { 2 };
        self.device(
            format!("S{station}-F{number}-CB"),
            DeviceKind::Breaker,
            &busbar(station),
            &head,
        );
        for span in 1..=SPANS {
            self.add_span(number, span);
            for nth in 1..=laterals(span) {
                self.add_lateral(number, span, nth);
            }
        }
        match number {
            3 => self.add_hill(3, Hill::North),
            4 => self.add_hill(4, Hill::South),
            _ => {}
        }
    }

    fn add_span(&mut self, feeder: usize, span: usize) {
        let mut from = node(feeder, span - 1);
        if let Some(section) = SECTIONS.iter().position(|&start| start == span) {
            let behind = format!("{from}-B");
            self.bus(behind.clone(), self.node_at(feeder, span - 1));
            self.device(
                format!("F{feeder}-LBS{}", section + 1),
                DeviceKind::Switch,
                &from,
                &behind,
            );
            from = behind;
        }
        let to = node(feeder, span);
        self.bus(to.clone(), self.node_at(feeder, span));
        self.device(format!("F{feeder}-L{span:02}"), DeviceKind::Line, &from, &to);
    }

    /// North for the first lateral of a node, south for the second.
    fn add_lateral(&mut self, feeder: usize, span: usize, nth: usize) {
        let (column, row) = (column(feeder, span), row(feeder));
        let side = if nth == 1 { 1.0 } else { -1.0 };
        let off = side * self.random.between(0.35, 0.75);
        let at = self.plan.at(column as f64, row as f64 + off);
        let name = format!("F{feeder}-T{span:02}{}", ['A', 'B'][nth - 1]);
        let low_voltage = self.add_transformer(&name, &node(feeder, span), at);
        self.add_customers(&Site {
            feeder,
            column,
            row,
            side: nth - 1,
            hill: None,
            at,
            low_voltage,
        });
    }

    /// A long line into the hills with a recloser at its foot and a transformer at every bend.
    fn add_hill(&mut self, feeder: usize, hill: Hill) {
        let span = 4;
        let mut from = format!("F{feeder}-H00");
        let foot = node(feeder, span);
        self.bus(from.clone(), self.plan.on_hill(hill, 0));
        self.device(format!("F{feeder}-HRC"), DeviceKind::Recloser, &foot, &from);
        for turn in 1..=HILL_TURNS {
            let at = self.plan.on_hill(hill, turn);
            let to = format!("F{feeder}-H{turn:02}");
            self.bus(to.clone(), at);
            self.device(format!("F{feeder}-HL{turn}"), DeviceKind::Line, &from, &to);
            let low_voltage = self.add_transformer(&format!("F{feeder}-TH{turn}"), &to, at);
            let column = column(feeder, span);
            self.add_customers(&Site {
                feeder,
                column,
                row: row(feeder),
                side: 0,
                hill: Some((hill, turn)),
                at,
                low_voltage,
            });
            from = to;
        }
    }

    /// Fuse, line, transformer and two low-voltage lines; answers the buses customers hang on.
    fn add_transformer(&mut self, name: &str, from: &str, at: Position) -> Vec<String> {
        let near = self.position(from).unwrap_or(at);
        let [fused, high, low] = ["F", "HV", "LV"].map(|part| format!("{name}-{part}"));
        self.bus(fused.clone(), near);
        self.bus(high.clone(), at);
        self.bus(low.clone(), at);
        self.device(format!("{name}-FU"), DeviceKind::Fuse, from, &fused);
        self.device(format!("{name}-L"), DeviceKind::Line, &fused, &high);
        self.device(name.to_owned(), DeviceKind::Transformer, &high, &low);
        let branches = (1..=2).map(|branch| {
            let bus = format!("{low}{branch}");
            self.bus(bus.clone(), at);
            self.device(format!("{name}-LV{branch}"), DeviceKind::Line, &low, &bus);
            bus
        });
        branches.collect()
    }

    /// Feeders meet end to end in the middle, and two pairs of neighbours half way.
    pub(super) fn add_ties(&mut self) {
        let ends =
            [(1, 4), (2, 5), (3, 6)].map(|(a, b)| (node(a, SPANS), node(b, SPANS), format!("TIE-F{a}-F{b}")));
        let sides = [(1, 2), (5, 6)].map(|(a, b)| (node(a, 12), node(b, 12), format!("TIE-F{a}-F{b}")));
        for (from, to, id) in ends.into_iter().chain(sides) {
            self.device(id, DeviceKind::Switch, &from, &to);
            if let Some(tie) = self.pack.network.devices.last_mut() {
                tie.open = true;
            }
        }
    }

    fn bus(&mut self, id: String, at: Position) {
        self.pack.network.buses.push(Bus {
            id,
            position: Some(at),
        });
    }

    fn device(&mut self, id: String, kind: DeviceKind, from: &str, to: &str) {
        let ends = [from, to].map(|bus| End {
            bus: bus.to_owned(),
            phases: all(),
        });
        let way_m = match (kind, self.position(from), self.position(to)) {
            (DeviceKind::Line, Some(a), Some(b)) => Some((distance_m(a, b) * SAG).round().max(5.0)),
            _ => None,
        };
        self.pack.network.devices.push(Device {
            id,
            kind,
            ends: ends.to_vec(),
            in_service: true,
            open: false,
            length_m: way_m,
        });
    }

    /// Buses asked for are among the last ones made, so the search starts there.
    fn position(&self, bus: &str) -> Option<Position> {
        let row = self.pack.network.buses.iter().rev().find(|row| row.id == bus);
        row.and_then(|row| row.position)
    }

    fn node_at(&self, feeder: usize, span: usize) -> Position {
        self.plan.at(column(feeder, span) as f64, row(feeder) as f64)
    }
}

fn all() -> Phases {
    Phases::new(&[1, 2, 3]).expect("1, 2, 3 are phases")
}

fn busbar(station: usize) -> String {
    format!("S{station}-BB")
}

fn node(feeder: usize, span: usize) -> String {
    format!("F{feeder}-N{span:02}")
}

/// The column `span` columns from the feeder's substation; the ends of facing feeders are neighbours.
fn column(feeder: usize, span: usize) -> usize {
    if feeder <= 3 { span } else { COLUMNS - 1 - span }
}

/// The road a feeder runs along.
fn row(feeder: usize) -> usize {
    1 + (feeder - 1) % 3 * 3
}

/// Transformers at a node: 20 per feeder.
fn laterals(span: usize) -> usize {
    match span % 4 {
        0 => 2,
        2 => 0,
        _ => 1,
    }
}

/// Straight on a plane, which is right to a few per mille over a town.
fn distance_m(a: Position, b: Position) -> f64 {
    let north_m = (b.lat - a.lat) * 111_320.0;
    let east_m = (b.lon - a.lon) * 111_320.0 * a.lat.to_radians().cos();
    north_m.hypot(east_m)
}
