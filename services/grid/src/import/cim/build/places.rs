//! Where things are.

use std::collections::HashMap;

use super::Model;
use crate::import::place;
use crate::network::Network;

impl Model<'_> {
    /// Gives buses the places of what hangs on them, where the file's coordinates are on the earth.
    pub(super) fn place(&self, network: &mut Network, notes: &mut Vec<String>) {
        let is_local = self
            .objects
            .iter()
            .filter(|object| object.class == "CoordinateSystem")
            .any(|object| {
                object
                    .get("crsUrn")
                    .is_some_and(|urn| urn.to_lowercase().contains("local"))
            });
        if is_local {
            notes.push("coordinates left out: the file says they are local".to_owned());
            return;
        }
        let at = self.places();
        place(network, |id| at.get(id).copied(), notes);
    }

    /// Bus to (x, y): the first place an equipment gives it.
    fn places(&self) -> HashMap<String, (f64, f64)> {
        let mut points: HashMap<String, Vec<(f64, f64, f64)>> = HashMap::new();
        for object in self
            .objects
            .iter()
            .filter(|object| object.class == "PositionPoint")
        {
            let number = |name| object.number(name);
            if let (Some(location), Some(x), Some(y)) = (
                object.link("PositionPoint.Location"),
                number("xPosition"),
                number("yPosition"),
            ) {
                let sequence = number("sequenceNumber").unwrap_or(f64::MAX);
                points.entry(location).or_default().push((sequence, x, y));
            }
        }
        for points in points.values_mut() {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        let mut places = HashMap::new();
        for object in self.objects {
            let points = object
                .link("PowerSystemResource.Location")
                .and_then(|location| points.get(&location));
            let terminals = self.terminals.get(&object.mrid).into_iter().flatten();
            for (terminal, &(_, x, y)) in terminals.zip(points.into_iter().flatten()) {
                if let Some(bus) = self.buses.of(&terminal.node) {
                    places.entry(bus.clone()).or_insert((x, y));
                }
            }
        }
        places
    }
}
