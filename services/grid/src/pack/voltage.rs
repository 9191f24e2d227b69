//! At which voltage a service point is supplied where its row does not say: that of its bus. A bus that does not say has
//! that of the buses a line or a switch joins it to; a transformer separates. Where joined buses differ the highest counts,
//! since it carries the stricter limits.

use std::collections::HashMap;

use crate::ids::Folded;
use crate::network::{Bus, DeviceKind, Network};
use crate::pack::ServicePoint;
use crate::pack::row::{Record, Row};

/// Lowest and highest nominal voltage, kV: from a single phase of a village to the highest lines there are.
const KV: (f64, f64) = (0.1, 1_200.0);

/// A bus as a pack has it: the network itself travels without voltages.
pub(crate) struct BusRow {
    pub(crate) bus: Bus,
    /// Nominal voltage, volts.
    pub(crate) voltage_v: Option<u32>,
}

impl Record for BusRow {
    const FILE: &'static str = Bus::FILE;
    const COLUMNS: &'static [&'static str] = &["id", "lon", "lat", "voltage_kv"];
    const OPTIONAL: &'static [&'static str] = &["voltage_kv"];

    fn read(row: &mut Row<'_>) -> Option<BusRow> {
        let (bus, voltage_v) = (Bus::read(row), voltage(row));
        Some(BusRow {
            bus: bus?,
            voltage_v: voltage_v?,
        })
    }

    fn fields(&self) -> Vec<String> {
        let mut fields = self.bus.fields();
        fields.push(kilovolts(self.voltage_v));
        fields
    }
}

/// The column `voltage_kv`, in volts; the inner none stands for an empty field.
pub(crate) fn voltage(row: &mut Row<'_>) -> Option<Option<u32>> {
    let kv = row.number("voltage_kv", KV.0, KV.1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 100 and 1,200,000"
    )]
    let volts = kv.map(|kv| (kv * 1_000.0).round() as u32);
    Some(volts)
}

/// As the column has it.
pub(crate) fn kilovolts(voltage_v: Option<u32>) -> String {
    voltage_v.map_or_else(String::new, |volts| (f64::from(volts) / 1_000.0).to_string())
}

/// Gives every point without a voltage that of its bus.
pub(crate) fn fill(points: &mut [ServicePoint], network: &Network, said: &HashMap<Folded<'static>, u32>) {
    if said.is_empty() {
        return;
    }
    let all = levels(network, said);
    for point in points.iter_mut().filter(|point| point.voltage_v.is_none()) {
        point.voltage_v = all.get(&Folded::new(&point.bus)).copied();
    }
}

/// The voltage of every bus that says one or is joined to one that does. The highest first, so that it wins.
fn levels(network: &Network, said: &HashMap<Folded<'static>, u32>) -> HashMap<Folded<'static>, u32> {
    let mut joined: HashMap<Folded<'static>, Vec<Folded<'static>>> = HashMap::new();
    let same_level = |kind| kind != DeviceKind::Transformer;
    for device in network.devices.iter().filter(|device| same_level(device.kind)) {
        for pair in device.ends.windows(2) {
            let (a, b) = (Folded::owned(&pair[0].bus), Folded::owned(&pair[1].bus));
            joined.entry(a.clone()).or_default().push(b.clone());
            joined.entry(b).or_default().push(a);
        }
    }
    let mut open: Vec<(Folded<'static>, u32)> =
        said.iter().map(|(bus, volts)| (bus.clone(), *volts)).collect();
    open.sort_by_key(|(_, volts)| *volts);
    let mut found: HashMap<Folded<'static>, u32> = HashMap::new();
    while let Some((bus, volts)) = open.pop() {
        if found.contains_key(&bus) {
            continue;
        }
        // What lies behind is taken before any lower voltage.
        open.extend(
            joined
                .get(&bus)
                .into_iter()
                .flatten()
                .map(|next| (next.clone(), volts)),
        );
        found.insert(bus, volts);
    }
    found
}
