//! A county of demo towns side by side: as many customers as a run needs reports, each in a network like the demo's.

use std::{collections::HashMap, path::Path};

use anyhow::Context;
use relight_grid::{
    Position, demo,
    pack::{Channel, Pack, write_pack},
};

/// Degrees of longitude from one town to the next; a town is about 0.1 wide.
const APART: f64 = 0.25;
const SEED: u64 = 42;

/// How one customer is reached.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Phone for texts.
    pub phone: Option<String>,
    /// Address for mails.
    pub mail: Option<String>,
}

/// The people of the county.
#[derive(Debug, Clone, Default)]
pub struct County {
    /// Accounts, street by street.
    pub accounts: Vec<String>,
    /// Contacts by account.
    pub reach: HashMap<String, Reach>,
}

/// Writes the pack of `towns` towns into `dir` and says who lives there.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(towns: usize, dir: &Path) -> anyhow::Result<County> {
    let town = demo::town(SEED);
    let mut county = Pack::default();
    county.network.name = format!("{towns} towns");
    for n in 0..towns {
        append(&mut county, &town, n);
    }
    write_pack(dir, &county).with_context(|| format!("write the pack into {}", dir.display()))?;
    Ok(people(&county))
}

fn append(county: &mut Pack, town: &Pack, n: usize) {
    let name = |id: &str| format!("T{n}-{id}");
    let shift = |at: Position| Position {
        lon: at.lon + APART * n as f64,
        ..at
    };
    let mut next = town.clone();
    for bus in &mut next.network.buses {
        bus.id = name(&bus.id);
        bus.position = bus.position.map(shift);
    }
    for source in &mut next.network.sources {
        source.bus = name(&source.bus);
    }
    for device in &mut next.network.devices {
        device.id = name(&device.id);
        for end in &mut device.ends {
            end.bus = name(&end.bus);
        }
    }
    for point in &mut next.service_points {
        (point.id, point.bus) = (name(&point.id), name(&point.bus));
        point.account = name(&point.account);
        point.position = shift(point.position);
    }
    for customer in &mut next.customers {
        customer.account = name(&customer.account);
    }
    for (at, contact) in next.contacts.iter_mut().enumerate() {
        contact.account = name(&contact.account);
        // A phone and a mail address of its own, so that what reaches one person can be counted.
        contact.value = match contact.channel {
            Channel::Sms => format!("+86199{:08}", n * 100_000 + at),
            Channel::Email => format!("customer{}@example.org", n * 100_000 + at),
        };
    }
    county.network.buses.append(&mut next.network.buses);
    county.network.sources.append(&mut next.network.sources);
    county.network.devices.append(&mut next.network.devices);
    county.service_points.append(&mut next.service_points);
    county.customers.append(&mut next.customers);
    county.contacts.append(&mut next.contacts);
}

fn people(pack: &Pack) -> County {
    let mut reach: HashMap<String, Reach> = HashMap::new();
    for contact in &pack.contacts {
        let person = reach.entry(contact.account.clone()).or_default();
        match contact.channel {
            Channel::Sms => person.phone = Some(contact.value.clone()),
            Channel::Email => person.mail = Some(contact.value.clone()),
        }
    }
    County {
        accounts: pack
            .customers
            .iter()
            .map(|customer| customer.account.clone())
            .collect(),
        reach,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn towns_share_nothing_and_the_pack_is_good() {
        let mut pack = Pack::default();
        let town = demo::town(SEED);
        (0..2).for_each(|n| append(&mut pack, &town, n));
        assert_eq!(pack.customers.len(), 2 * town.customers.len());
        assert!(pack.network().grid(uuid::Uuid::nil()).is_ok());
        let county = people(&pack);
        let phones: Vec<_> = county.reach.values().filter_map(|r| r.phone.as_ref()).collect();
        let distinct: std::collections::HashSet<_> = phones.iter().collect();
        assert_eq!(phones.len(), distinct.len());
    }
}
