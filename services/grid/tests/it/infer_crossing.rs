//! Devices whose customers cross those of others: each carries two of three phases.

use std::sync::Arc;

use relight_grid::infer::{Engine, Evidence, Weights, What};
use relight_grid::{Bus, Device, DeviceKind, End, Grid, Load, Network, Source};
use uuid::Uuid;

/// source - CB - b1 =(X: phases 1 2, Z: phase 3)= b2 =(Y: phases 2 3, W: phase 1)= b3 with twenty loads of each phase: X puts out
/// phases 1 and 2, Y puts out 2 and 3.
fn crossing() -> Grid {
    let end = |bus: &str, phases: &str| End {
        bus: bus.to_owned(),
        phases: phases.parse().expect("phases"),
    };
    let device = |id: &str, kind, from, to, phases| Device {
        id: id.to_owned(),
        kind,
        ends: vec![end(from, phases), end(to, phases)],
        in_service: true,
        open: false,
        length_m: None,
    };
    let load = |phase: u32, n: u32| Load {
        id: format!("L{phase}.{n}"),
        bus: "b3".to_owned(),
        phases: phase.to_string().parse().expect("a phase"),
        customers: 1,
        in_service: true,
    };
    let bus = |id: &str| Bus {
        id: id.to_owned(),
        position: None,
    };
    let network = Network {
        name: "crossing".to_owned(),
        sources: vec![Source {
            bus: "source".to_owned(),
            phases: None,
        }],
        buses: ["source", "b1", "b2", "b3"].map(bus).into(),
        devices: vec![
            device("CB", DeviceKind::Breaker, "source", "b1", "123"),
            device("X", DeviceKind::Switch, "b1", "b2", "12"),
            device("Z", DeviceKind::Switch, "b1", "b2", "3"),
            device("Y", DeviceKind::Switch, "b2", "b3", "23"),
            device("W", DeviceKind::Switch, "b2", "b3", "1"),
        ],
        loads: (1..=3)
            .flat_map(|phase| (0..20).map(move |n| load(phase, n)))
            .collect(),
    };
    network.grid(Uuid::nil()).expect("a good network")
}

struct Desk(Engine);

impl Desk {
    fn hear(&mut self, second: i64, what: What) {
        self.0.accept(Evidence::new(second * 1000, what));
    }

    fn call(&mut self, second: i64, phase: u32, n: u32) {
        let load = self.0.grid().load(&format!("L{phase}.{n}")).expect("a load");
        self.hear(second, What::Call(load));
    }

    /// The devices named for what began from `second` on.
    fn named_from(&mut self, second: i64) -> Vec<String> {
        let all = self.0.incidents();
        let late = all.iter().filter(|one| one.key.at_ms >= second * 1000);
        let devices = late.filter_map(|one| one.device);
        devices
            .map(|device| self.0.grid().device_id(device).to_owned())
            .collect()
    }
}

/// Everybody is out, nobody ended it, and an hour later a device in there trips and its people call: telemetry and calls together are
/// an outage of their own, not late callers of the first, also where the set of the device crosses another one.
#[test]
fn a_late_call_is_one_also_below_a_device_that_crosses_others_and_has_tripped() {
    for (device, phases) in [("X", [1, 2]), ("Y", [2, 3])] {
        let late = |burst: u32| {
            let mut desk = Desk(Engine::new(Arc::new(crossing()), &[], Weights::default()));
            for (n, phase) in (0..6).flat_map(|n| [1, 2, 3].map(|phase| (n, phase))) {
                desk.call(i64::from(n * 60 + phase), phase, n);
            }
            desk.0.decide(600_000);
            assert_eq!(desk.0.incidents().len(), 1);
            let tripped = desk.0.grid().device(device).expect("a device");
            desk.hear(3_610, What::ScadaOpen(tripped));
            for (n, phase) in (0..burst).flat_map(|n| phases.map(|phase| (n, phase))) {
                desk.call(3_615 + i64::from(n * 10 + phase), phase, 8 + n);
            }
            desk.0.decide(4_200_000);
            desk.named_from(3_600)
        };
        for burst in [3, 6, 12] {
            assert_eq!(late(burst), [device], "{burst} of each phase");
        }
    }
}
