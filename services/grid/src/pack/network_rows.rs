//! Rows of the network part: bus, source, line, switch, transformer, load.

use crate::check::WINDINGS_MAX;
use crate::network::{Bus, Device, DeviceKind, End, Load, Position, Source};
use crate::pack::row::{Record, Row, number, yes_no};
use crate::pack::words::Words;
use crate::phases::Phases;

impl Record for Bus {
    const FILE: &'static str = "bus.csv";
    const COLUMNS: &'static [&'static str] = &["id", "lon", "lat"];

    fn read(row: &mut Row<'_>) -> Option<Bus> {
        let (id, position) = (row.id("id"), optional_position(row));
        Some(Bus {
            id: id?,
            position: position?,
        })
    }

    fn fields(&self) -> Vec<String> {
        let (lon, lat) = (self.position.map(|at| at.lon), self.position.map(|at| at.lat));
        vec![self.id.clone(), number(lon), number(lat)]
    }
}

fn optional_position(row: &mut Row<'_>) -> Option<Option<Position>> {
    let (lon, lat) = (row.number("lon", -180.0, 180.0), row.number("lat", -90.0, 90.0));
    match (lon?, lat?) {
        (Some(lon), Some(lat)) => Some(Position::new(lon, lat)),
        (None, None) => Some(None),
        _ => row.fault("lon", "lon and lat come together; fill both or none"),
    }
}

impl Record for Source {
    const FILE: &'static str = "source.csv";
    const COLUMNS: &'static [&'static str] = &["bus", "phases"];

    fn read(row: &mut Row<'_>) -> Option<Source> {
        let (bus, phases) = (row.id("bus"), row.phases("phases"));
        Some(Source {
            bus: bus?,
            phases: Some(phases?),
        })
    }

    fn fields(&self) -> Vec<String> {
        let phases = self
            .phases
            .map_or_else(|| "123".to_owned(), |phases| phases.to_string());
        vec![self.bus.clone(), phases]
    }
}

/// A [`Device`] of `line.csv`.
pub(crate) struct LineRow(pub(crate) Device);
/// A [`Device`] of `switch.csv`.
pub(crate) struct SwitchRow(pub(crate) Device);
/// A [`Device`] of `transformer.csv`.
pub(crate) struct TransformerRow(pub(crate) Device);

struct LineKind(DeviceKind);
struct SwitchKind(DeviceKind);

macro_rules! kind_words {
    ($name:ident, $($word:literal = $kind:ident),+) => {
        impl std::str::FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<$name, ()> {
                match text {
                    $($word => Ok($name(DeviceKind::$kind)),)+
                    _ => Err(()),
                }
            }
        }

        impl Words for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];
        }
    };
}

kind_words!(LineKind, "line" = Line, "reactor" = Reactor);
kind_words!(
    SwitchKind,
    "switch" = Switch,
    "breaker" = Breaker,
    "recloser" = Recloser,
    "fuse" = Fuse
);

impl Record for LineRow {
    const FILE: &'static str = "line.csv";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "kind",
        "from_bus",
        "from_phases",
        "to_bus",
        "to_phases",
        "length_m",
        "in_service",
        "open",
    ];

    fn read(row: &mut Row<'_>) -> Option<LineRow> {
        let kind = row.word::<LineKind>("kind");
        let length_m = row.number("length_m", 0.0, 1_000_000.0);
        let device = two_ended(row, kind.map(|kind| kind.0));
        Some(LineRow(Device {
            length_m: length_m?,
            ..device?
        }))
    }

    fn fields(&self) -> Vec<String> {
        let mut fields = two_ended_fields(&self.0);
        fields.insert(6, number(self.0.length_m));
        fields
    }
}

impl Record for SwitchRow {
    const FILE: &'static str = "switch.csv";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "kind",
        "from_bus",
        "from_phases",
        "to_bus",
        "to_phases",
        "in_service",
        "open",
    ];

    fn read(row: &mut Row<'_>) -> Option<SwitchRow> {
        let kind = row.word::<SwitchKind>("kind");
        two_ended(row, kind.map(|kind| kind.0)).map(SwitchRow)
    }

    fn fields(&self) -> Vec<String> {
        two_ended_fields(&self.0)
    }
}

fn two_ended(row: &mut Row<'_>, kind: Option<DeviceKind>) -> Option<Device> {
    let id = row.id("id");
    let from = end(row, "from_bus", "from_phases");
    let to = end(row, "to_bus", "to_phases");
    let (in_service, open) = (row.yes_no("in_service"), row.yes_no("open"));
    Some(Device {
        id: id?,
        kind: kind?,
        ends: vec![from?, to?],
        in_service: in_service?,
        open: open?,
        length_m: None,
    })
}

fn end(row: &mut Row<'_>, bus: &str, phases: &str) -> Option<End> {
    let (bus, phases) = (row.id(bus), row.phases(phases));
    Some(End {
        bus: bus?,
        phases: phases?,
    })
}

fn two_ended_fields(device: &Device) -> Vec<String> {
    let mut fields = vec![device.id.clone(), device.kind.to_string()];
    for end in &device.ends {
        fields.extend([end.bus.clone(), end.phases.to_string()]);
    }
    fields.extend([yes_no(device.in_service), yes_no(device.open)]);
    fields
}

impl Record for TransformerRow {
    const FILE: &'static str = "transformer.csv";
    const COLUMNS: &'static [&'static str] = &["id", "windings", "in_service", "open"];

    fn read(row: &mut Row<'_>) -> Option<TransformerRow> {
        let (id, ends) = (row.id("id"), windings(row));
        let (in_service, open) = (row.yes_no("in_service"), row.yes_no("open"));
        Some(TransformerRow(Device {
            id: id?,
            kind: DeviceKind::Transformer,
            ends: ends?,
            in_service: in_service?,
            open: open?,
            length_m: None,
        }))
    }

    fn fields(&self) -> Vec<String> {
        let Device {
            id,
            ends,
            in_service,
            open,
            ..
        } = &self.0;
        let windings: Vec<String> = ends
            .iter()
            .map(|end| format!("{}:{}", end.bus, end.phases))
            .collect();
        vec![id.clone(), windings.join(" "), yes_no(*in_service), yes_no(*open)]
    }
}

/// `BUS:PHASES BUS:PHASES ...`, the winding nearest to the source first.
fn windings(row: &mut Row<'_>) -> Option<Vec<End>> {
    let text = row.filled("windings", 2_400)?;
    let parsed = text.split_whitespace().map(|winding| {
        let (bus, phases) = winding.rsplit_once(':')?;
        let phases = phases.parse::<Phases>().ok()?;
        (!bus.is_empty()).then(|| End {
            bus: bus.to_owned(),
            phases,
        })
    });
    match parsed.collect::<Option<Vec<End>>>() {
        Some(ends) if (2..=WINDINGS_MAX).contains(&ends.len()) => Some(ends),
        _ => row.fault(
            "windings",
            "write 2 to 20 windings as BUS:PHASES with a space between, like HV1:123 LV1:123",
        ),
    }
}

impl Record for Load {
    const FILE: &'static str = "load.csv";
    const COLUMNS: &'static [&'static str] = &["id", "bus", "phases", "customers", "in_service"];

    fn read(row: &mut Row<'_>) -> Option<Load> {
        let (id, bus, phases) = (row.id("id"), row.id("bus"), row.phases("phases"));
        let customers = row.parsed("customers", "a whole number from 0");
        let in_service = row.yes_no("in_service");
        Some(Load {
            id: id?,
            bus: bus?,
            phases: phases?,
            customers: customers?,
            in_service: in_service?,
        })
    }

    fn fields(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.bus.clone(),
            self.phases.to_string(),
            self.customers.to_string(),
            yes_no(self.in_service),
        ]
    }
}
