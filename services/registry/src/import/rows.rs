//! A checked pack as columns, ready for statements that take a batch at once.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use relight_grid::{Fault, Grid, Network, OnBad, Pack, snapshot};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    ImportError,
    check::{GoodContact, check},
    voltage,
};
use crate::{
    domain::{
        findings::{Findings, survey},
        fold,
    },
    error::Error,
    seal::Sealer,
    store::{grid_version::NewVersion, link},
};

/// Bytes of one piece of a stored network.
const CHUNK_BYTES: usize = 256 << 10;

/// Columns of equal length, cut into batches.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(crate) struct $name {
            $(pub(crate) $field: Vec<$type>),+
        }

        impl $name {
            /// The rows in batches of at most `size`.
            pub(crate) fn batches(&self, size: usize) -> impl Iterator<Item = $name> + '_ {
                (0..self.id.len()).step_by(size).map(move |start| {
                    let end = self.id.len().min(start + size);
                    $name { $($field: self.$field[start..end].to_vec()),+ }
                })
            }
        }
    };
}

columns! {
    /// Rows of `customer`.
    Customers {
        id: Uuid, account: String, account_key: String, name: String, language: String, class: String,
        life_support: bool, dedicated_line: bool,
        use_class: Option<String>, life_support_until: Option<NaiveDate>,
    }
}
columns! {
    /// Rows of `service_point`.
    Points {
        id: Uuid, customer_id: Uuid, account_key: String, external_id: String, external_key: String, bus: String,
        phases: String, meter_no: String, transformer_id: Option<String>, lon: f64, lat: f64, area_class: String,
        zone: String, org_path: String, address_zh: String, address_en: String, own_generation: String, in_service: bool,
        voltage_v: Option<i32>,
    }
}
columns! {
    /// Rows of `contact`.
    Contacts {
        id: Uuid, customer_id: Uuid, channel: String, language: String, sealed: Vec<u8>, seal_key: String, hmac: Vec<u8>,
        hmac_key: String, role: String, confirmed_at: Option<DateTime<Utc>>,
    }
}

/// Everything an import writes.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) customers: Customers,
    pub(crate) points: Points,
    pub(crate) contacts: OpenContacts,
    pub(crate) version: NewVersion,
    /// The network of that version.
    pub(crate) grid: Grid,
    pub(crate) findings: Findings,
    /// Bad rows that were left out.
    pub(crate) faults: Vec<Fault>,
    /// Corrected links the pack says too now, and those it contradicts.
    pub(crate) adopted: Vec<Uuid>,
    pub(crate) overruled: Vec<Uuid>,
}

impl Ready {
    /// Checks `pack` and works out what follows from it; takes seconds for a million customers.
    pub(crate) fn make(
        mut pack: Pack,
        corrections: &[link::Row],
        on_bad: OnBad,
        sealer: &Sealer,
    ) -> Result<Ready, ImportError> {
        let (faults, contacts) = check(&mut pack);
        if on_bad == OnBad::Refuse && !faults.is_empty() {
            return Err(relight_grid::Faults(faults).into());
        }
        let links = keep_corrections(&mut pack, corrections);
        let network = pack.network();
        let grid = network.grid(Uuid::now_v7())?;
        let (above, mut findings) = survey(&network, &grid);
        links.kept.iter().for_each(|id| findings.corrected_links.add(id));
        let above: Vec<Option<String>> = above
            .into_iter()
            .map(|device| device.map(|device| grid.device_id(device).to_owned()))
            .collect();
        voltage::follow(&mut pack, &above, &links.kept);
        Ok(Ready {
            customers: customers(&pack),
            points: points(&pack, above),
            contacts: OpenContacts {
                contacts,
                sealer: sealer.clone(),
            },
            version: version(grid.version(), &network)?,
            grid,
            findings,
            faults,
            adopted: links.adopted,
            overruled: links.overruled,
        })
    }
}

/// What a pack makes of the corrections that stand.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// External ids of service points that hang where they were corrected to, though the pack does not know it yet.
    pub(crate) kept: Vec<String>,
    pub(crate) adopted: Vec<Uuid>,
    pub(crate) overruled: Vec<Uuid>,
}

/// Corrected links stay as long as the pack says what was wrong before.
pub(crate) fn keep_corrections(pack: &mut Pack, corrections: &[link::Row]) -> Links {
    let mut links = Links::default();
    if corrections.is_empty() {
        return links;
    }
    let by_key: HashMap<&str, &link::Row> = corrections
        .iter()
        .map(|row| (row.external_key.as_str(), row))
        .collect();
    let buses: std::collections::HashSet<String> =
        pack.network.buses.iter().map(|bus| fold(&bus.id)).collect();
    for point in &mut pack.service_points {
        let Some(row) = by_key.get(fold(&point.id).as_str()) else {
            continue;
        };
        let says = fold(&point.bus);
        if says == fold(&row.to_bus) {
            links.adopted.push(row.id);
        } else if says == fold(&row.from_bus) && buses.contains(&fold(&row.to_bus)) {
            point.bus.clone_from(&row.to_bus);
            links.kept.push(point.id.clone());
        } else {
            links.overruled.push(row.id);
        }
    }
    links
}

fn customers(pack: &Pack) -> Customers {
    let mut rows = Customers::default();
    // A pack that says it of nobody does not know of it: what is known stays. Otherwise nothing said is no special use.
    let says_use = pack.customers.iter().any(|customer| customer.use_class.is_some());
    for customer in &pack.customers {
        rows.id.push(Uuid::now_v7());
        rows.account.push(customer.account.clone());
        rows.account_key.push(fold(&customer.account));
        rows.name.push(customer.name.clone());
        rows.language.push(customer.language.to_string());
        rows.class.push(customer.class.to_string());
        rows.life_support.push(customer.life_support);
        rows.dedicated_line.push(customer.dedicated_line);
        let word = customer.use_class.map(|word| word.to_string());
        rows.use_class.push(says_use.then(|| word.unwrap_or_default()));
        rows.life_support_until.push(customer.life_support_until);
    }
    rows
}

/// `above` has the transformer of each service point: the loads of the network are they, in the same order.
fn points(pack: &Pack, above: Vec<Option<String>>) -> Points {
    let mut rows = Points {
        transformer_id: above,
        ..Points::default()
    };
    for point in &pack.service_points {
        rows.id.push(Uuid::now_v7());
        rows.account_key.push(fold(&point.account));
        rows.external_id.push(point.id.clone());
        rows.external_key.push(fold(&point.id));
        rows.bus.push(point.bus.clone());
        rows.phases.push(point.phases.to_string());
        rows.meter_no.push(point.meter_no.clone());
        rows.lon.push(point.position.lon);
        rows.lat.push(point.position.lat);
        rows.area_class.push(point.area_class.to_string());
        rows.zone.push(point.zone.clone());
        rows.org_path.push(point.org_path.clone());
        rows.address_zh.push(point.address_zh.clone());
        rows.address_en.push(point.address_en.clone());
        rows.own_generation.push(point.own_generation.to_string());
        rows.in_service.push(point.in_service);
        rows.voltage_v
            .push(point.voltage_v.and_then(|volts| i32::try_from(volts).ok()));
    }
    rows
}

impl Points {
    /// Fills in the customers, whose ids are known once they are written.
    pub(crate) fn set_customers(&mut self, ids: &HashMap<String, Uuid>) {
        self.customer_id = self.account_key.iter().map(|key| ids[key]).collect();
    }
}

/// Contacts whose customers have no id yet: the seal is bound to it.
#[derive(Debug)]
pub(crate) struct OpenContacts {
    contacts: Vec<GoodContact>,
    sealer: Sealer,
}

impl OpenContacts {
    pub(crate) fn is_empty(&self) -> bool {
        self.contacts.is_empty()
    }

    /// With the ids of their customers. A day that is still to come is now: nothing is confirmed in advance.
    pub(crate) fn seal(self, ids: &HashMap<String, Uuid>, now: DateTime<Utc>) -> Contacts {
        let mut rows = Contacts::default();
        for GoodContact {
            account_key,
            language,
            normal,
            role,
            confirmed_on,
        } in &self.contacts
        {
            let customer = ids[account_key];
            let sealed = self.sealer.seal(customer, normal);
            rows.id.push(Uuid::now_v7());
            rows.customer_id.push(customer);
            rows.channel.push(normal.channel().to_string());
            rows.language.push(language.to_string());
            rows.sealed.push(sealed.bytes);
            rows.seal_key.push(sealed.key_id);
            rows.hmac.push(self.sealer.hmac(normal));
            rows.hmac_key.push(self.sealer.hmac_id().to_owned());
            rows.role.push(role.to_string());
            let confirmed_at = confirmed_on.map(|day| day.and_time(NaiveTime::MIN).and_utc());
            rows.confirmed_at.push(confirmed_at.map(|at| at.min(now)));
        }
        rows
    }
}

/// A version of the network, ready to be stored.
pub(crate) fn version(id: Uuid, network: &Network) -> Result<NewVersion, Error> {
    let bytes = snapshot::write(network).map_err(Error::Snapshot)?;
    let size = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    Ok(NewVersion {
        id,
        name: network.name.clone(),
        sha256: Sha256::digest(&bytes).into(),
        buses: size(network.buses.len()),
        devices: size(network.devices.len()),
        loads: size(network.loads.len()),
        chunks: bytes.chunks(CHUNK_BYTES).map(<[u8]>::to_vec).collect(),
    })
}
