//! Writes a pack as CSV files that read back as the same pack.

use std::fs;
use std::io;
use std::path::Path;

use crate::network::{Bus, Device, DeviceKind, Load, Network, Source};
use crate::pack::network_rows::{LineRow, SwitchRow, TransformerRow};
use crate::pack::row::Record;
use crate::pack::{Contact, Customer, Pack, ServicePoint, Street};

/// Writes all files of `pack` into the folder `dir`, which is made when it is not there.
///
/// # Errors
/// The file system's; files written before stay.
pub fn write_pack(dir: &Path, pack: &Pack) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    for (name, bytes) in network_files(&pack.network)? {
        fs::write(dir.join(name), bytes)?;
    }
    fs::write(dir.join(ServicePoint::FILE), bytes_of(&pack.service_points)?)?;
    fs::write(dir.join(Customer::FILE), bytes_of(&pack.customers)?)?;
    fs::write(dir.join(Contact::FILE), bytes_of(&pack.contacts)?)?;
    fs::write(dir.join(Street::FILE), bytes_of(&pack.streets)?)
}

/// The files of the network part without its loads.
pub(crate) fn network_files(network: &Network) -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let sources: Vec<Source> = network
        .sources
        .iter()
        .map(|source| spelled_out(source, network))
        .collect();
    let of = |wanted: fn(DeviceKind) -> bool| network.devices.iter().filter(move |d| wanted(d.kind)).cloned();
    let lines: Vec<LineRow> = of(is_line).map(LineRow).collect();
    let switches: Vec<SwitchRow> = of(DeviceKind::is_switching).map(SwitchRow).collect();
    let transformers: Vec<TransformerRow> = of(|kind| kind == DeviceKind::Transformer)
        .map(TransformerRow)
        .collect();
    Ok(vec![
        (Bus::FILE, bytes_of(&network.buses)?),
        (Source::FILE, bytes_of(&sources)?),
        (LineRow::FILE, bytes_of(&lines)?),
        (SwitchRow::FILE, bytes_of(&switches)?),
        (TransformerRow::FILE, bytes_of(&transformers)?),
    ])
}

fn is_line(kind: DeviceKind) -> bool {
    matches!(kind, DeviceKind::Line | DeviceKind::Reactor)
}

/// The source with its phases named: all phases its bus has where it does not say.
fn spelled_out(source: &Source, network: &Network) -> Source {
    let at_bus = |bus: &str| bus.eq_ignore_ascii_case(&source.bus);
    let ends = network.devices.iter().flat_map(|device: &Device| &device.ends);
    let of_ends = ends.filter(|end| at_bus(&end.bus)).map(|end| end.phases);
    let of_loads = network
        .loads
        .iter()
        .filter(|load: &&Load| at_bus(&load.bus))
        .map(|load| load.phases);
    let mask = of_ends
        .chain(of_loads)
        .fold(0, |mask, phases| mask | phases.mask());
    let phases = source.phases.or_else(|| crate::Phases::from_mask(mask));
    Source {
        bus: source.bus.clone(),
        phases,
    }
}

/// One file: header and rows.
pub(crate) fn bytes_of<T: Record>(rows: &[T]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let is_used = |at: &usize| {
        !T::OPTIONAL.contains(&T::COLUMNS[*at]) || rows.iter().any(|row| !row.fields()[*at].is_empty())
    };
    let used: Vec<usize> = (0..T::COLUMNS.len()).filter(is_used).collect();
    writer.write_record(used.iter().map(|at| T::COLUMNS[*at]))?;
    for fields in rows.iter().map(Record::fields) {
        writer.write_record(used.iter().map(|at| &fields[*at]))?;
    }
    writer.into_inner().map_err(|error| error.into_error())
}
