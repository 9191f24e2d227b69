//! Networks with people in them: the 9500-node feeder where it is at hand, and the demo town.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Timelike, Utc};
use relight_grid::{
    OnBad, demo, import,
    pack::{AreaClass, Channel, Contact, ContactRole, Language, Pack, PackDefaults},
};
use relight_testkit::outside;

/// Org unit of the feeder.
pub const ORG: &str = "test/city/north";
/// A zone where it is about noon, so that no message has to wait for the morning.
pub fn noon_zone(now: DateTime<Utc>) -> String {
    match 12 - i64::from(now.hour()) {
        // The sign of these names is the other way round.
        ahead if ahead > 0 => format!("Etc/GMT-{ahead}"),
        behind => format!("Etc/GMT+{}", -behind),
    }
}

/// The entry file of the feeder, where the data is at hand.
pub fn feeder() -> Option<PathBuf> {
    outside("networks/ieee9500-latlon/Master-bal-initial-config.dss")
}

/// The feeder as a pack, with people in it.
///
/// # Errors
/// When the feeder cannot be read.
pub fn of_feeder(entry: &Path, zone: &str) -> anyhow::Result<Pack> {
    let imported =
        import::opendss::read(entry, OnBad::Refuse).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let defaults = PackDefaults {
        account_prefix: "9500".to_owned(),
        zone: zone.to_owned(),
        org_path: ORG.to_owned(),
        area_class: AreaClass::Urban,
        language: Language::ZhCn,
        place: None,
    };
    let pack =
        Pack::from_network(&imported.network, &defaults).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    Ok(inhabited(pack))
}

/// The demo town as a pack, in the same org unit and with people who are reached in the same ways.
pub fn of_town(zone: &str) -> Pack {
    let mut pack = demo::town(42);
    for point in &mut pack.service_points {
        ORG.clone_into(&mut point.org_path);
        zone.clone_into(&mut point.zone);
    }
    inhabited(pack)
}

/// Every customer has a phone, every fourth mail too; every third writes English.
fn inhabited(mut pack: Pack) -> Pack {
    pack.contacts.clear();
    for (n, customer) in pack.customers.iter_mut().enumerate() {
        customer.language = if n % 3 == 0 { Language::En } else { Language::ZhCn };
        let contact = |channel, value| Contact {
            account: customer.account.clone(),
            channel,
            value,
            language: customer.language,
            role: ContactRole::Customer,
            confirmed_on: None,
        };
        pack.contacts.push(contact(Channel::Sms, phone(n)));
        if n % 4 == 0 {
            let mail = format!("customer{n}@example.org");
            pack.contacts.push(contact(Channel::Email, mail));
        }
    }
    pack
}

/// A phone number of its own for the n-th customer.
pub fn phone(n: usize) -> String {
    format!("+86199{:08}", 10_000 + n)
}
