//! Grouping on a real feeder: below switches of every size, 40 customers call over ten minutes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use chrono::TimeDelta;
use relight_grid::{OnBad, import::opendss};
use relight_intake::{
    domain::{
        IncidentId, ReportId,
        area::ArrivalLimits,
        group::{Call, DeviceId, Known, Rules, Topology, group},
        incident::State,
        place::Place,
    },
    topology::Town,
};
use relight_policy::Pack;
use uuid::Uuid;

use crate::given::now;

const FEEDER: &str = "../../../shared/data/networks/ieee9500-latlon/Master-bal-initial-config.dss";

/// (switching device, loads it puts out).
type Below = BTreeMap<String, Vec<String>>;

fn feeder() -> anyhow::Result<Option<(Town, Below)>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(FEEDER);
    if !path.is_file() {
        println!(
            "skipped: {} is not there (real networks are not part of the repository)",
            path.display()
        );
        return Ok(None);
    }
    let grid = opendss::read(&path, OnBad::Refuse)?
        .network
        .grid(Uuid::from_u128(1))?;
    let switches = grid
        .devices()
        .filter(|device| grid.device_kind(*device).is_switching());
    let dead_already: BTreeSet<_> = grid.dead(&[], &[]).dead_loads.into_iter().collect();
    let below = switches
        .map(|device| {
            let dead = grid.dead(&[device], &[]).dead_loads.into_iter();
            let loads = dead.filter(|load| !dead_already.contains(load));
            let ids = loads.map(|load| grid.load_id(load).to_owned()).collect();
            (grid.device_id(device).to_owned(), ids)
        })
        .collect();
    Ok(Some((Town::new(grid, &[]), below)))
}

/// Open incidents after these loads called one after the other, each in a pass of its own.
fn after_calls(town: &Town, loads: &[&String], apart: TimeDelta) -> anyhow::Result<Vec<Known>> {
    let limits = ArrivalLimits::of(&Pack::load("CN-SGCC")?, now())?;
    let mut open: BTreeMap<IncidentId, Known> = BTreeMap::new();
    for (n, load) in loads.iter().enumerate() {
        let number = i32::try_from(n)?;
        let call = Call {
            report: ReportId::from_uuid(Uuid::from_u128(n as u128 + 1)),
            accepted_at: now() + apart * number,
            place: Place {
                load_id: Some((*load).clone()),
                ..Place::default()
            },
            danger: false,
            hint: None,
        };
        let known = open.values().cloned().collect();
        let plan = group(known, vec![call], town, &limits, &Rules::default(), false);
        let mut called: Vec<(IncidentId, BTreeSet<DeviceId>)> = plan
            .joins
            .iter()
            .map(|(_, id)| {
                (
                    *id,
                    town.way_of_place(Some(load), None)[..1].iter().cloned().collect(),
                )
            })
            .collect();
        for mut incident in plan.changed {
            incident.version += 1;
            let before = open
                .remove(&incident.id)
                .map(|known| known.called)
                .unwrap_or_default();
            match incident.state {
                State::Merged(into) => called.push((into, before)),
                State::Open | State::Closed(_) => {
                    open.insert(
                        incident.id,
                        Known {
                            incident,
                            called: before,
                        },
                    );
                }
            }
        }
        for (id, transformers) in called {
            open.get_mut(&id)
                .expect("calls are in incidents that live")
                .called
                .extend(transformers);
        }
    }
    Ok(open.into_values().collect())
}

/// Numbers that look random and are the same every time.
fn shuffled(loads: &[String], seed: u64) -> Vec<&String> {
    let mut keyed: Vec<_> = loads
        .iter()
        .map(|load| {
            (
                relight_common::ids::derived_from_name(&format!("{seed} {load}")),
                load,
            )
        })
        .collect();
    keyed.sort();
    keyed.into_iter().map(|(_, load)| load).collect()
}

#[test]
fn forty_random_customers_below_one_switch_are_one_incident() -> anyhow::Result<()> {
    let Some((town, below)) = feeder()? else {
        return Ok(());
    };
    let mut tried = 0;
    for (switch, loads) in below.iter().filter(|(_, loads)| loads.len() >= 40) {
        for seed in 0..3 {
            let callers: Vec<_> = shuffled(loads, seed).into_iter().take(40).collect();
            let open = after_calls(&town, &callers, TimeDelta::seconds(15))?;
            let seen: Vec<_> = open
                .iter()
                .map(|known| {
                    (
                        known.incident.device.as_ref().map(|d| d.id.clone()),
                        known.incident.report_count,
                    )
                })
                .collect();
            assert_eq!(
                open.len(),
                1,
                "{switch} ({} loads), seed {seed}: {seen:?}",
                loads.len()
            );
            assert_eq!(open[0].incident.report_count, 40);
            let found = open[0].incident.device.as_ref().expect("a device");
            let way = town.way_of_device(&found.id);
            let at_or_below = way.iter().any(|device| **device == **switch);
            // Phases of one place are fed through different regulators: the common switch may lie just above them.
            let hardly_more = town.transformers_below(&found.id) <= town.transformers_below(switch) * 6 / 5;
            assert!(
                at_or_below || hardly_more,
                "{switch}, seed {seed}: found {}",
                found.id
            );
            tried += 1;
        }
    }
    println!("{tried} outages below switches of {} loads and more", 40);
    assert!(tried > 10);
    Ok(())
}

/// Single faults all over the feeder at the same time stay apart from one another, mostly.
#[test]
fn single_faults_far_apart_are_not_made_one() -> anyhow::Result<()> {
    let Some((town, below)) = feeder()? else {
        return Ok(());
    };
    let all = below
        .values()
        .max_by_key(|loads| loads.len())
        .expect("the feeder has switches");
    for seed in 0..10 {
        let callers: Vec<_> = shuffled(all, seed).into_iter().take(3).collect();
        let open = after_calls(&town, &callers, TimeDelta::minutes(5))?;
        assert_eq!(open.len(), 3, "seed {seed}");
    }
    Ok(())
}
