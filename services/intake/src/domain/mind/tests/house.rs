//! A town of three switches, and the tables around the mind.

use std::collections::{BTreeMap, BTreeSet};

use relight_grid::{Bus, Device, DeviceKind, End, Load, Network, Phases, Source};
use relight_policy::{AreaClass, Pack};

use crate::domain::{
    facts::{Facts, Moves, Placed, Reporter, Reporters, Total, Totals},
    incident::{Affected, Confirmation, Confirmer, Device as Named, State},
    mind::*,
    place::Position,
};

pub(super) const FEEDERS: u32 = 3;
pub(super) const TRANSFORMERS: u32 = 6;
pub(super) const CUSTOMERS: u32 = 8;

/// source - CB - SWs - Ts-t - loads Ls-t-c.
pub(super) fn town() -> Arc<Grid> {
    grid_of(network())
}

/// The same with a switch between feeders 1 and 2 that is open: either can feed the other.
pub(in crate::domain) fn town_with_a_tie() -> Arc<Grid> {
    tied("feeder1", "feeder2")
}

/// With an open switch by which feeder 2 can feed the customers of the first transformer of feeder 1.
pub(super) fn town_with_a_low_tie() -> Arc<Grid> {
    tied("low1-1", "feeder2")
}

fn tied(one: &str, other: &str) -> Arc<Grid> {
    let phases = Phases::new(&[1]).expect("one phase");
    let end = |bus: &str| End {
        bus: bus.to_owned(),
        phases,
    };
    let mut network = network();
    network.devices.push(Device {
        id: "TIE".to_owned(),
        kind: DeviceKind::Switch,
        ends: vec![end(one), end(other)],
        in_service: true,
        open: true,
        length_m: None,
    });
    grid_of(network)
}

fn grid_of(network: Network) -> Arc<Grid> {
    Arc::new(network.grid(Uuid::from_u128(1)).expect("a good network"))
}

fn network() -> Network {
    let phases = Phases::new(&[1]).expect("one phase");
    let end = |bus: &str| End {
        bus: bus.to_owned(),
        phases,
    };
    let mut network = Network {
        name: "town".to_owned(),
        sources: vec![Source {
            bus: "source".to_owned(),
            phases: None,
        }],
        ..Default::default()
    };
    let mut buses = vec!["source".to_owned(), "bus".to_owned()];
    let mut device = |id: String, kind, from: &str, to: &str| {
        network.devices.push(Device {
            id,
            kind,
            ends: vec![end(from), end(to)],
            in_service: true,
            open: false,
            length_m: None,
        });
    };
    device("CB".to_owned(), DeviceKind::Breaker, "source", "bus");
    for s in 1..=FEEDERS {
        device(format!("SW{s}"), DeviceKind::Switch, "bus", &format!("feeder{s}"));
        buses.push(format!("feeder{s}"));
        for t in 1..=TRANSFORMERS {
            let low = format!("low{s}-{t}");
            device(
                format!("T{s}-{t}"),
                DeviceKind::Transformer,
                &format!("feeder{s}"),
                &low,
            );
            buses.push(low);
        }
    }
    network.buses = buses.into_iter().map(|id| Bus { id, position: None }).collect();
    network.loads = everyone()
        .map(|(s, t, c)| Load {
            id: format!("L{s}-{t}-{c}"),
            bus: format!("low{s}-{t}"),
            phases,
            customers: 1,
            in_service: true,
        })
        .collect();
    network
}

pub(super) fn everyone() -> impl Iterator<Item = (u32, u32, u32)> {
    (1..=FEEDERS).flat_map(|s| (1..=TRANSFORMERS).flat_map(move |t| (1..=CUSTOMERS).map(move |c| (s, t, c))))
}

pub(super) fn at(second: i64) -> DateTime<Utc> {
    "2026-11-22T10:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(second)
}

pub(super) fn limits() -> Limits {
    Limits {
        meters_open: 2,
        meters_confirm: 3,
        confirm_p: 0.95,
        window: TimeDelta::minutes(30),
        still_off: TimeDelta::hours(24),
    }
}

pub(super) struct Nowhere;

impl Places for Nowhere {
    fn place_of(&self, _: LoadIx) -> Place {
        Place::default()
    }
}

pub(super) fn call(n: usize, second: i64, load: &str) -> Call {
    Call {
        report: ReportId::from_uuid(Uuid::from_u128(n as u128 + 1)),
        accepted_at: at(second),
        place: Place {
            load_id: Some(load.to_owned()),
            org_path: "demo".to_owned(),
            customer_id: (n % 9 != 1).then(|| Uuid::from_u128(n as u128 % 50)),
            area: [None, Some(AreaClass::Rural), Some(AreaClass::Remote)][n % 3],
            important: n % 11 == 1,
            life_support: n % 13 == 1,
            position: (n % 4 != 1).then_some(Position {
                lon: n as f64 / 1e4,
                lat: 30.0,
            }),
            ..Place::default()
        },
        danger: n % 7 == 1,
        hint: None,
    }
}

pub(super) fn signal(n: u128, second: i64, heard: Heard, about: &str) -> Piece {
    let is_device = heard.is_telemetry();
    Piece {
        id: Uuid::from_u128(1_000_000 + n),
        at: at(second),
        heard,
        load: (!is_device).then(|| about.to_owned()),
        device: is_device.then(|| about.to_owned()),
        report: None,
        incident: None,
        fixed: false,
    }
}

/// The tables around the mind.
pub(super) struct House {
    pub(super) grid: Arc<Grid>,
    pub(super) mind: Mind,
    pub(super) arrival: ArrivalLimits,
    pub(super) incidents: BTreeMap<IncidentId, Incident>,
    pub(super) links: BTreeMap<ReportId, IncidentId>,
    pub(super) calls: BTreeMap<ReportId, Call>,
    pub(super) pieces: Vec<Piece>,
    pub(super) switched: Vec<Switching>,
    pub(super) findings: BTreeMap<(DateTime<Utc>, String), IncidentId>,
    pub(super) beliefs: BTreeMap<IncidentId, Belief>,
    pub(super) sure: Vec<(IncidentId, String)>,
    pub(super) lone: usize,
    /// What dispatchers named.
    pub(super) overruled: BTreeMap<IncidentId, String>,
    /// Carried from round to round, as the worker does.
    totals: Totals,
}

impl House {
    pub(super) fn new() -> Self {
        Self::on(town())
    }

    pub(super) fn on(grid: Arc<Grid>) -> Self {
        let mind = Mind::new(grid.clone(), &[], Weights::default(), limits(), Memory::default());
        Self {
            grid,
            mind,
            arrival: ArrivalLimits::of(&Pack::load("CN-SGCC").unwrap(), at(0)).unwrap(),
            incidents: BTreeMap::new(),
            links: BTreeMap::new(),
            calls: BTreeMap::new(),
            pieces: Vec::new(),
            switched: Vec::new(),
            findings: BTreeMap::new(),
            beliefs: BTreeMap::new(),
            sure: Vec::new(),
            lone: 0,
            overruled: BTreeMap::new(),
            totals: Totals::default(),
        }
    }

    /// The process dies and another one takes over.
    pub(super) fn restart(&mut self) {
        let told = self.calls.values().map(|call| Piece {
            id: call.report.uuid(),
            at: call.accepted_at,
            heard: Heard::Call,
            load: call.place.load_id.clone(),
            device: None,
            report: Some(call.report),
            incident: self.links.get(&call.report).copied(),
            fixed: false,
        });
        let memory = Memory {
            pieces: told.chain(self.pieces.iter().cloned()).collect(),
            switched: self.switched.clone(),
            findings: self
                .findings
                .iter()
                .filter(|(_, id)| !self.is_fed_again(**id))
                .map(|((at, load), id)| (*at, load.clone(), *id))
                .collect(),
            overruled: self
                .overruled
                .iter()
                .filter(|(id, _)| self.incidents[id].state == State::Open)
                .map(|(id, device)| (*id, device.clone()))
                .collect(),
        };
        self.mind = Mind::new(self.grid.clone(), &[], Weights::default(), limits(), memory);
    }

    fn is_fed_again(&self, id: IncidentId) -> bool {
        self.incidents[&id].state == State::Closed("fed_again".to_owned())
    }

    pub(super) fn round(&mut self, now: i64, calls: Vec<Call>, pieces: Vec<Piece>, switched: Vec<Switching>) {
        self.calls
            .extend(calls.iter().map(|call| (call.report, call.clone())));
        self.pieces.extend(pieces.iter().cloned());
        self.switched.extend(switched.iter().cloned());
        let new = calls.iter().map(|call| (call.report, Total::of(call))).collect();
        self.totals
            .check(&self.open().into_iter().cloned().collect::<Vec<_>>());
        let round = Round {
            now: at(now),
            calls,
            pieces,
            switched,
            open: self.open().into_iter().cloned().collect(),
        };
        let outcome = self.mind.round(round, &Nowhere, &self.arrival);
        self.group_elsewhere(&outcome.leftover);
        let changed = outcome.changed.iter().map(|row| (row.id, row.clone()));
        let sums = self.totals.after(Moves {
            changed: &changed.collect(),
            homes: outcome
                .homes
                .iter()
                .map(|(report, id, _)| (*report, *id))
                .collect(),
            left: &outcome.left,
            new,
        });
        for (report, id, _) in outcome.homes {
            self.links.insert(report, id);
        }
        for mut incident in outcome.changed {
            incident.version += 1;
            if let State::Merged(into) = incident.state {
                self.links
                    .values_mut()
                    .filter(|id| **id == incident.id)
                    .for_each(|id| *id = into);
                self.findings
                    .values_mut()
                    .filter(|id| **id == incident.id)
                    .for_each(|id| *id = into);
            }
            self.incidents.insert(incident.id, incident);
        }
        for (at, load, id) in outcome.bound {
            self.findings.insert((at, load), id);
        }
        self.beliefs.extend(
            outcome
                .beliefs
                .into_iter()
                .map(|belief| (belief.incident, belief)),
        );
        self.sure.extend(outcome.sure);
        self.store_fed(outcome.fed);
        self.lone += outcome.lone.len();
        self.compare(sums);
        self.set_facts();
    }

    fn store_fed(&mut self, fed: Vec<Fed>) {
        for fed in fed {
            let heard = if fed.is_fed {
                Heard::FedAgain
            } else {
                Heard::LostAgain
            };
            self.pieces.push(Piece {
                at: fed.at,
                incident: Some(fed.incident),
                ..signal(2_000_000 + self.pieces.len() as u128, 0, heard, &fed.load)
            });
        }
    }

    /// What the engine does not explain is grouped without it, and stays there.
    fn group_elsewhere(&mut self, leftover: &[Call]) {
        let joins: Vec<_> = leftover
            .iter()
            .map(|call| (call.report, IncidentId::from_uuid(call.report.uuid())))
            .collect();
        self.mind.joined(&joins);
        self.links.extend(joins);
    }

    /// A dispatcher names the device of the incident of a report, or takes that back: as by hand, the mind is built again.
    pub(super) fn overrule(&mut self, report: ReportId, device: Option<&str>) {
        let of = self
            .links
            .get(&report)
            .filter(|id| self.incidents.get(id).is_some_and(|row| row.state == State::Open));
        let Some(id) = of.copied() else { return };
        match device {
            Some(device) => drop(self.overruled.insert(id, device.to_owned())),
            None => drop(self.overruled.remove(&id)),
        }
        self.restart();
    }

    /// What was carried on is what the reports say.
    fn compare(&mut self, sums: BTreeMap<IncidentId, Option<Total>>) {
        for (id, sum) in sums {
            let right = self.add_up(id);
            assert!(sum.is_none_or(|sum| sum == right), "{right:?}");
            self.totals.keep(id, right);
        }
    }

    /// The reports of an incident added up at once, by another way than sum by sum.
    fn add_up(&self, id: IncidentId) -> Total {
        let theirs = self.links.iter().filter(|(_, home)| **home == id);
        let mut calls: Vec<&Call> = theirs.map(|(report, _)| &self.calls[report]).collect();
        calls.sort_by_key(|call| (call.accepted_at, call.report));
        let mut reporters = Reporters::new();
        for call in calls.iter().rev() {
            reporters.extend(call.place.customer_id.map(|customer_id| {
                let (report_id, accepted_at) = (call.report.uuid(), call.accepted_at);
                (
                    customer_id,
                    Reporter {
                        report_id,
                        customer_id,
                        accepted_at,
                    },
                )
            }));
        }
        let areas = [
            None,
            Some(AreaClass::Remote),
            Some(AreaClass::Rural),
            Some(AreaClass::Urban),
        ];
        let known = |area: &Option<AreaClass>| calls.iter().any(|call| call.place.area == *area);
        let placed = calls.iter().find_map(|call| Some((call, call.place.position?)));
        let facts = calls.first().zip(calls.last()).map(|(first, last)| Facts {
            report_count: u32::try_from(calls.len()).unwrap(),
            accepted_at: first.accepted_at,
            last_report_at: last.accepted_at,
            areas: areas.into_iter().filter(known).collect(),
            danger: calls.iter().any(|call| call.danger),
            life_support: calls.iter().any(|call| call.place.life_support),
            important: calls.iter().any(|call| call.place.important),
            placed: placed.map(|(call, position)| Placed {
                at: call.accepted_at,
                report: call.report,
                position,
            }),
        });
        Total { facts, reporters }
    }

    pub(super) fn set_facts(&mut self) {
        let ids: Vec<IncidentId> = self.incidents.keys().copied().collect();
        for id in ids {
            let facts = self.add_up(id).facts;
            let incident = self.incidents.get_mut(&id).expect("it is there");
            match facts {
                Some(facts) => incident.set_facts(facts, &self.arrival),
                None => incident.report_count = 0,
            }
        }
    }

    pub(super) fn open(&self) -> Vec<&Incident> {
        self.incidents
            .values()
            .filter(|one| one.state == State::Open)
            .collect()
    }

    /// (device, reports) of each open incident.
    pub(super) fn seen(&self) -> BTreeSet<(String, Vec<ReportId>)> {
        let seen = self.open().into_iter().map(|one| {
            let device = one
                .device
                .as_ref()
                .map(|device| device.id.clone())
                .unwrap_or_default();
            let reports = self
                .links
                .iter()
                .filter(|(_, id)| **id == one.id)
                .map(|(report, _)| *report);
            (device, reports.collect())
        });
        seen.collect()
    }

    pub(super) fn devices(&self) -> Vec<(String, u32)> {
        let all = self.open().into_iter().map(|one| {
            let device = one.device.as_ref().map(|device| device.id.clone());
            (device.unwrap_or_default(), one.report_count)
        });
        let mut all: Vec<_> = all.collect();
        all.sort();
        all
    }

    pub(super) fn confirm(&mut self, id: IncidentId, device: &str) {
        let incident = self.incidents.get_mut(&id).expect("it exists");
        incident.device = Some(Named {
            id: device.to_owned(),
            kind: String::new(),
        });
        incident.confirmed = Some(Confirmation {
            by: Confirmer::Dispatcher,
            at: at(0),
        });
        incident.affected = Some(Affected {
            set_id: "set".to_owned(),
            count: 1,
            followed: None,
        });
    }
}

/// Customers of feeder `s`, the transformers in turn.
pub(super) fn feeder(s: u32, count: u32, from: i64) -> Vec<Call> {
    (0..count)
        .map(|n| {
            let load = format!("L{s}-{}-{}", n % TRANSFORMERS + 1, n / TRANSFORMERS + 1);
            call((s * 1000 + n) as usize, from + i64::from(n) * 20, &load)
        })
        .collect()
}
