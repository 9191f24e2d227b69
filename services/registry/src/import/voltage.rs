//! At which voltage a service point is supplied whose link was corrected: as its neighbours there, not as where the pack has it.

use std::collections::{HashMap, HashSet};

use relight_grid::pack::{Pack, ServicePoint};

use crate::domain::fold;

/// Gives each of `kept`, which hang elsewhere than the pack says, the voltage of those on the same bus, or else below the same
/// transformer (`above`, in the order of the points); the highest where they differ. Where nobody there has one it stays.
pub(super) fn follow(pack: &mut Pack, above: &[Option<String>], kept: &[String]) {
    if kept.is_empty() {
        return;
    }
    let kept: HashSet<String> = kept.iter().map(|id| fold(id)).collect();
    let moved = |point: &ServicePoint| kept.contains(&fold(&point.id));
    let (mut on_bus, mut below) = (HashMap::new(), HashMap::new());
    for (point, above) in pack.service_points.iter().zip(above) {
        if let Some(volts) = point.voltage_v.filter(|_| !moved(point)) {
            raise(&mut on_bus, fold(&point.bus), volts);
            above.iter().for_each(|one| raise(&mut below, fold(one), volts));
        }
    }
    for (point, above) in pack.service_points.iter_mut().zip(above) {
        if moved(point) {
            let transformer = || below.get(&fold(above.as_deref()?));
            let volts = on_bus.get(&fold(&point.bus)).or_else(transformer);
            point.voltage_v = volts.copied().or(point.voltage_v);
        }
    }
}

fn raise(all: &mut HashMap<String, u32>, key: String, volts: u32) {
    let known = all.entry(key).or_insert(volts);
    *known = volts.max(*known);
}
