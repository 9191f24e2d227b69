//! A network without customers (OpenDSS, plain graph) as a pack: one account per customer of each load.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::fault::{Fault, Faults};
use crate::ids::fold;
use crate::network::{Load, Network, Position};
use crate::pack::{AreaClass, Customer, CustomerClass, Language, OwnGeneration, Pack, ServicePoint};

/// What a network does not say about its customers.
#[derive(Debug, Clone, PartialEq)]
pub struct PackDefaults {
    /// Accounts are `PREFIX-LOAD`, with `.1`, `.2` and so on behind where a load has several customers.
    pub account_prefix: String,
    /// IANA time zone of all service points.
    pub zone: String,
    /// Org unit of all service points.
    pub org_path: String,
    /// Area class of all service points.
    pub area_class: AreaClass,
    /// Language of all customers.
    pub language: Language,
    /// Where loads are put that no bus with a position can be reached from; without it they are refused.
    pub place: Option<Position>,
}

impl Pack {
    /// `network` with one service point, account and customer per customer of each load. A load of one
    /// customer keeps its id; one of several becomes `LOAD.1`, `LOAD.2` and so on.
    ///
    /// A load whose bus has no position takes that of the nearest bus, counted in devices.
    ///
    /// # Errors
    /// Loads that no bus with a position can be reached from, unless the defaults give them a place.
    pub fn from_network(network: &Network, defaults: &PackDefaults) -> Result<Pack, Faults> {
        let positions = positions(network);
        let mut pack = Pack::default();
        let mut faults = Vec::new();
        for load in &network.loads {
            match positions.get(&fold(&load.bus)).copied().or(defaults.place) {
                Some(position) => add(&mut pack, load, position, defaults),
                None => faults.push(nowhere(network, load)),
            }
        }
        pack.network = Network {
            loads: Vec::new(),
            ..network.clone()
        };
        if faults.is_empty() {
            Ok(pack)
        } else {
            Err(Faults(faults))
        }
    }

    /// Loads that no bus with a position can be reached from.
    pub fn without_place(network: &Network) -> Vec<&Load> {
        let positions = positions(network);
        let loads = network.loads.iter();
        loads
            .filter(|load| !positions.contains_key(&fold(&load.bus)))
            .collect()
    }

    /// Loads whose bus has no position, while one that it is joined to has.
    pub fn with_borrowed_place(network: &Network) -> Vec<&Load> {
        let positions = positions(network);
        let placed = network.buses.iter().filter(|bus| bus.position.is_some());
        let own: HashSet<String> = placed.map(|bus| fold(&bus.id)).collect();
        let borrows = |bus: String| positions.contains_key(&bus) && !own.contains(&bus);
        let loads = network.loads.iter();
        loads.filter(|load| borrows(fold(&load.bus))).collect()
    }
}

fn nowhere(network: &Network, load: &Load) -> Fault {
    let problem = format!(
        "load {:?} has no place: give its bus {:?} WGS84 coordinates, or all such loads one place (relight import --place LON,LAT)",
        load.id, load.bus
    );
    Fault {
        file: network.name.clone(),
        line: None,
        column: None,
        problem,
    }
}

fn add(pack: &mut Pack, load: &Load, position: Position, defaults: &PackDefaults) {
    for k in 1..=load.customers {
        let id = if load.customers == 1 {
            load.id.clone()
        } else {
            format!("{}.{k}", load.id)
        };
        let account = format!("{}-{id}", defaults.account_prefix);
        pack.customers.push(Customer {
            account: account.clone(),
            name: id.clone(),
            language: defaults.language,
            class: CustomerClass::Ordinary,
            life_support: false,
            dedicated_line: false,
            use_class: None,
            life_support_until: None,
        });
        pack.service_points.push(ServicePoint {
            id,
            bus: load.bus.clone(),
            phases: load.phases,
            account,
            meter_no: String::new(),
            position,
            area_class: defaults.area_class,
            zone: defaults.zone.clone(),
            org_path: defaults.org_path.clone(),
            address_zh: load.bus.clone(),
            address_en: load.bus.clone(),
            own_generation: OwnGeneration::None,
            voltage_v: None,
            in_service: load.in_service,
        });
    }
}

/// Positions of all buses that have one or are joined, through any devices, to one that has.
fn positions(network: &Network) -> HashMap<String, Position> {
    let mut near: HashMap<String, Vec<String>> = HashMap::new();
    for ends in network.devices.iter().map(|device| &device.ends) {
        for pair in ends.windows(2) {
            let (a, b) = (fold(&pair[0].bus), fold(&pair[1].bus));
            near.entry(a.clone()).or_default().push(b.clone());
            near.entry(b).or_default().push(a);
        }
    }
    let placed = network
        .buses
        .iter()
        .filter_map(|bus| Some((fold(&bus.id), bus.position?)));
    let mut open: VecDeque<(String, Position)> = placed.collect();
    let mut found: HashMap<String, Position> = open.iter().cloned().collect();
    while let Some((bus, position)) = open.pop_front() {
        for next in near.get(&bus).into_iter().flatten() {
            if !found.contains_key(next) {
                found.insert(next.clone(), position);
                open.push_back((next.clone(), position));
            }
        }
    }
    found
}
