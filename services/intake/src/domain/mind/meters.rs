//! Meters that are off again, or still, where supply is said to be back: enough of them below one transformer are a child of that
//! incident, with a clock that begins with the first of them.

use std::collections::{BTreeMap, BTreeSet};

use relight_grid::{DeviceIx, LoadIx, infer::IncidentKey};

use super::{Home, Mind, Places, book::Book, instant};
use crate::domain::{
    IncidentId,
    incident::{Incident, State},
};

/// Loads that meters say are off, each with the time of that word.
type Off = Vec<(i64, LoadIx)>;

impl Mind {
    /// Opens a child for each transformer around `dirty` loads below which enough meters say "off" since the restoration, and
    /// closes those whose meters all have supply.
    pub(super) fn heard_after_restoration(
        &mut self,
        dirty: &BTreeSet<LoadIx>,
        book: &mut Book<'_>,
        places: &dyn Places,
    ) {
        let around = self.transformers_of_restored(dirty);
        for &transformer in &around {
            for (parent, off) in self.off_again(transformer) {
                if self.are_enough(transformer, off.len()) {
                    self.child_of_meters(transformer, parent, off, book, places);
                }
            }
        }
        self.close_children_of_meters(&around, book);
    }

    /// Most rounds have none: only what was restored and then heard of is looked at.
    fn transformers_of_restored(&self, dirty: &BTreeSet<LoadIx>) -> BTreeSet<DeviceIx> {
        let restored = dirty
            .iter()
            .filter(|load| self.meter_off.contains_key(load) && self.marks(**load).next().is_some());
        let supply = self.grid.normal_supply();
        restored.filter_map(|load| supply.transformer(*load)).collect()
    }

    /// Whether a meter's last word of this load is that there is no supply.
    fn is_off(&self, load: LoadIx) -> Option<i64> {
        let off = *self.meter_off.get(&load)?;
        self.last_on.get(&load).is_none_or(|on| *on < off).then_some(off)
    }

    /// The loads below a transformer that are off since they were restored, by the incident they were restored in. What the
    /// engine found to be another outage has an incident of its own.
    fn off_again(&self, transformer: DeviceIx) -> BTreeMap<IncidentId, Off> {
        let mut all: BTreeMap<IncidentId, Off> = BTreeMap::new();
        for load in self.grid.affected(transformer).dead_loads {
            let Some(off) = self.is_off(load) else { continue };
            let Home::Finding(key) = self.home(load, off) else {
                continue;
            };
            if let Some(parent) = self.restored_of(load, off, key) {
                all.entry(parent).or_default().push((off, load));
            }
        }
        all
    }

    /// One meter may be wrong, or hang elsewhere (O36). Where there is no other one to agree, it is enough.
    fn are_enough(&self, transformer: DeviceIx, off: usize) -> bool {
        let below = self.grid.affected(transformer).dead_loads.len();
        let needed = usize::try_from(self.limits.meters_open).unwrap_or(usize::MAX);
        off >= needed.min(below).max(1)
    }

    fn child_of_meters(
        &mut self,
        transformer: DeviceIx,
        parent: IncidentId,
        off: Off,
        book: &mut Book<'_>,
        places: &dyn Places,
    ) {
        let device = Some(self.name(transformer));
        let first = off.into_iter().min();
        let Some((at_ms, load)) = first.filter(|_| book.child_at(parent, device.as_ref()).is_none()) else {
            return;
        };
        let key = IncidentKey { at_ms, load };
        let row = self.row(key, None, device, book, places);
        let row = Incident {
            parent: Some(parent),
            signal_at: Some(instant(at_ms)),
            // Where the meter is: that is the place of a child's work (O28).
            position: places.place_of(load).position.or(row.position),
            ..row
        };
        let id = row.id;
        book.open(row);
        self.bind(key, id, book);
        let device = self.grid.device_id(transformer).to_owned();
        book.decide(id, "now", Some(device), None);
    }

    /// Whether this one began with meters after a restoration and some of them still have no supply.
    pub(super) fn is_kept_by_meters(&self, row: &Incident) -> bool {
        let (Some(since), Some(_), Some(device)) = (row.signal_at, row.parent, &row.device) else {
            return false;
        };
        let below = self
            .grid
            .device(&device.id)
            .map(|device| self.grid.affected(device).dead_loads);
        let mut off = below
            .unwrap_or_default()
            .into_iter()
            .filter_map(|load| self.is_off(load));
        off.any(|at| at >= super::ms(since))
    }

    /// Nobody called, and every meter has supply: it is over.
    fn close_children_of_meters(&self, around: &BTreeSet<DeviceIx>, book: &mut Book<'_>) {
        let names: BTreeSet<&str> = around.iter().map(|device| self.grid.device_id(*device)).collect();
        let over: Vec<IncidentId> = book
            .children_of_signals()
            .filter(|row| {
                row.device
                    .as_ref()
                    .is_some_and(|device| names.contains(device.id.as_str()))
            })
            .filter(|row| book.is_guess(row.id) && book.members(row.id) <= 0)
            .filter(|row| !self.is_spoken_for(row.id) && !self.is_kept_by_meters(row))
            .map(|row| row.id)
            .collect();
        for id in over {
            book.change(id, |row| row.state = State::Closed("restored".to_owned()));
        }
    }
}
