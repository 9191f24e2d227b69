//! The engine against storms with known truth, on the real networks where they are present.

use std::sync::Arc;
use std::time::Instant;

use relight_grid::infer::{Engine, Weights};
use relight_grid::simulate::{Score, StormSettings, measure, storm};

use crate::data;

/// Scores of `storms` storms added up.
pub(crate) fn run(name: &str, settings: &StormSettings, storms: u64) -> anyhow::Result<Score> {
    let network = data::golden_network(name)?;
    let grid = Arc::new(data::grid(&network));
    let mut sum = Score::default();
    let mut engine = Engine::new(Arc::clone(&grid), &[], Weights::default());
    for seed in 0..storms {
        let storm = storm(&grid, &[], settings, seed);
        engine.forget();
        sum += measure(&mut engine, &storm);
    }
    Ok(sum)
}

#[test]
fn misses() -> anyhow::Result<()> {
    use relight_grid::infer::replay::replay;
    let network = data::golden_network("ieee9500-latlon")?;
    let grid = Arc::new(data::grid(&network));
    let nested: f64 = std::env::var("NESTED")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(0.0);
    let meters: f64 = std::env::var("METERS")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(0.0);
    let wrong: f64 = std::env::var("WRONG")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(0.0);
    let storms: u64 = std::env::var("STORMS")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(8);
    let show = std::env::var("SHOW").is_ok();
    let (mut n, mut ok) = (0, 0);
    let (mut tm, mut te) = (0.0, 0.0);
    let mut engine = Engine::new(Arc::clone(&grid), &[], Weights::default());
    for seed in 0..storms {
        let t = Instant::now();
        let settings = StormSettings {
            nested_share: nested,
            meter_coverage: meters,
            wrong_links: wrong,
            ..StormSettings::default()
        };
        let storm = storm(&grid, &[], &settings, seed);
        tm += t.elapsed().as_secs_f64();
        let t = Instant::now();
        engine.forget();
        let told = replay(&mut engine, storm.evidence.clone(), None);
        te += t.elapsed().as_secs_f64();
        for fault in &storm.faults {
            if fault.calls.iter().filter(|c| c.0 < fault.at_ms + 600_000).count() < 3 {
                continue;
            }
            n += 1;
            let callers: Vec<_> = fault.calls.iter().map(|c| c.1).collect();
            let best = told
                .iter()
                .filter(|t| (fault.at_ms - 60_000..fault.end_ms).contains(&t.incident.key.at_ms))
                .max_by_key(|t| callers.iter().filter(|l| t.incident.loads.contains(l)).count());
            let right = best.is_some_and(|b| {
                !b.incident.premise
                    && b.incident
                        .device
                        .is_some_and(|d| grid.affected(d).dead_loads == fault.loads)
            });
            ok += i32::from(right);
            if !right && show {
                println!(
                    "seed {seed} at {:.1} h end {:.1} nested {} truth {} ({} loads, {} calls)",
                    fault.at_ms as f64 / 3.6e6,
                    fault.end_ms as f64 / 3.6e6,
                    fault.nested,
                    grid.device_id(fault.device),
                    fault.loads.len(),
                    callers.len()
                );
                for t in &told {
                    let shared = callers.iter().filter(|l| t.incident.loads.contains(l)).count();
                    if shared > 0
                        && (fault.at_ms - 60_000..fault.end_ms + 3_600_000).contains(&t.incident.key.at_ms)
                    {
                        println!(
                            "    {:.2} h shared {shared} dev {} loads {} restored {:?} {}",
                            t.incident.key.at_ms as f64 / 3.6e6,
                            t.incident.device.map_or("-", |d| grid.device_id(d)),
                            t.incident.loads.len(),
                            t.incident.restored_at_ms.map(|r| r as f64 / 3.6e6),
                            engine.explain(&t.incident)
                        );
                        for c in t.incident.candidates.iter().take(4) {
                            println!(
                                "         {:.3} {} {}",
                                c.p,
                                grid.device_id(c.device),
                                grid.affected(c.device).dead_loads.len()
                            );
                        }
                    }
                }
            }
        }
    }
    println!(
        "{ok} of {n} = {:.3}; make {tm:.1} s engine {te:.1} s",
        f64::from(ok) / f64::from(n)
    );
    Ok(())
}
