//! The CSV pack: one folder, one file per noun, the one way customers and network come in.
//!
//! The columns are described in `docs/csv-pack.md`. Reading checks every field and every reference and
//! reports all faults with file, line and column; with [`OnBad::Refuse`](crate::OnBad) one fault and
//! nothing is accepted.

mod convert;
mod network_rows;
mod people_rows;
mod read;
mod row;
mod voltage;
mod words;
mod write;

pub use convert::PackDefaults;
pub use people_rows::{Contact, Customer, ServicePoint, Street};
pub(crate) use read::{network_in, read_network};
pub use read::{read_pack, read_pack_from, read_pack_telling};
pub use words::{AreaClass, Channel, ContactRole, CustomerClass, Language, OwnGeneration, UseClass};
pub use write::write_pack;
pub(crate) use write::{bytes_of, network_files};

use crate::network::{Load, Network};

/// Everything a pack holds, checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pack {
    /// Buses, sources and devices. Its loads are empty: service points are the loads.
    pub network: Network,
    /// Where customers are supplied.
    pub service_points: Vec<ServicePoint>,
    /// Who is supplied.
    pub customers: Vec<Customer>,
    /// How to reach them.
    pub contacts: Vec<Contact>,
    /// Streets, for maps and for crews to move along; may be empty.
    pub streets: Vec<Street>,
}

impl Pack {
    /// The network with one load of one customer per service point.
    pub fn network(&self) -> Network {
        Network {
            loads: self.service_points.iter().map(ServicePoint::load).collect(),
            ..self.network.clone()
        }
    }
}

impl ServicePoint {
    /// The load it is to the network: one customer.
    pub(crate) fn load(&self) -> Load {
        Load {
            id: self.id.clone(),
            bus: self.bus.clone(),
            phases: self.phases,
            customers: 1,
            in_service: self.in_service,
        }
    }
}
