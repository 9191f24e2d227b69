//! Replacing what some customers have gives what reading everything anew gives.

use proptest::prelude::*;
use relight_grid::{Bus, Device, DeviceKind, End, Load, Network, Phases, Source};

use super::*;

const LOADS: u8 = 6;

/// source - T - low with some loads.
fn grid() -> Grid {
    let phases = Phases::new(&[1]).expect("one phase");
    let end = |bus: &str| End {
        bus: bus.to_owned(),
        phases,
    };
    let bus = |id: &str| Bus {
        id: id.to_owned(),
        position: None,
    };
    let load = |n| Load {
        id: format!("L{n}"),
        bus: "low".to_owned(),
        phases,
        customers: 1,
        in_service: true,
    };
    let network = Network {
        name: "street".to_owned(),
        sources: vec![Source {
            bus: "source".to_owned(),
            phases: None,
        }],
        buses: vec![bus("source"), bus("low")],
        devices: vec![Device {
            id: "T".to_owned(),
            kind: DeviceKind::Transformer,
            ends: vec![end("source"), end("low")],
            in_service: true,
            open: false,
            length_m: None,
        }],
        loads: (0..LOADS).map(load).collect(),
    };
    network.grid(Uuid::nil()).expect("a good network")
}

fn id(n: u8) -> Uuid {
    Uuid::from_u128(u128::from(n) + 1)
}

/// Every service point is its load's; two of them hang on loads the network does not know.
fn point(n: u8, (customer, life_support, place): (u8, bool, Option<u8>)) -> ServicePoint {
    ServicePoint {
        id: id(n),
        customer_id: id(100 + customer),
        load_id: format!("L{n}"),
        transformer_id: "T".to_owned(),
        position: place.map(|place| Position {
            lon: 120.0 + f64::from(place) * 0.0002,
            lat: 30.0,
        }),
        area: None,
        org_path: "demo".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        important: false,
        life_support,
    }
}

/// What can be asked of them.
fn answers(points: &Points, grid: &Grid) -> String {
    let ids: Vec<Uuid> = (0..LOADS + 2).map(id).collect();
    let loads: Vec<_> = grid
        .loads()
        .map(|load| points.at_load(load).map(|spot| (**spot).clone()))
        .collect();
    let near: Vec<_> = (0..10_u8)
        .map(|place| {
            let at = Position {
                // Not in the middle between two places: those are equally near.
                lon: 120.0 + f64::from(place) * 0.0002 + 0.000_03,
                lat: 30.0,
            };
            points.nearest(at).map(|spot| spot.at)
        })
        .collect();
    let life: Vec<Uuid> = points.on_life_support(&ids).map(|spot| spot.point).collect();
    let hang: Vec<_> = ids.iter().map(|id| points.load_of(*id)).collect();
    let sizes = (points.near.size(), points.by_customer.clone());
    format!("{:?}", (loads, near, life, hang, sizes))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn replacing_some_gives_what_reading_all_gives(
        first in prop::collection::vec(prop::option::of((0..4_u8, any::<bool>(), prop::option::of(0..10_u8))), 8),
        steps in prop::collection::vec((0..8_u8, prop::option::of((0..4_u8, any::<bool>(), prop::option::of(0..10_u8)))), 0..12),
    ) {
        let grid = grid();
        let mut now = first;
        let all = |now: &[Option<_>]| -> Vec<ServicePoint> {
            (0..8_u8).filter_map(|n| Some(point(n, now[usize::from(n)]?))).collect()
        };
        let mut points = Points::new(&grid, &all(&now));
        for (n, to) in steps {
            let before = std::mem::replace(&mut now[usize::from(n)], to);
            // As the registry tells it: of whoever had it, and of whoever has it.
            for customer in before.into_iter().chain(to).map(|(customer, ..)| id(100 + customer)) {
                let theirs: Vec<_> = all(&now).into_iter().filter(|point| point.customer_id == customer).collect();
                points.replace(&grid, customer, &theirs);
            }
            prop_assert_eq!(answers(&points, &grid), answers(&Points::new(&grid, &all(&now)), &grid));
        }
    }
}
