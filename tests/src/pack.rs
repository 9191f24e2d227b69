//! The 9500-node feeder with people in it: every customer has contacts, a third of them writes English.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Timelike, Utc};
use relight_grid::{
    OnBad, import,
    pack::{AreaClass, Channel, Contact, Language, Pack, PackDefaults, write_pack},
};

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
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/networks/ieee9500-latlon/Master-bal-initial-config.dss");
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// Writes the pack into `dir` and gives it back.
///
/// # Errors
/// When the feeder cannot be read.
pub fn write(entry: &Path, dir: &Path, zone: &str) -> anyhow::Result<Pack> {
    let imported =
        import::opendss::read(entry, OnBad::Refuse).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let defaults = PackDefaults {
        account_prefix: "9500".to_owned(),
        zone: zone.to_owned(),
        org_path: ORG.to_owned(),
        area_class: AreaClass::Urban,
        language: Language::ZhCn,
    };
    let mut pack =
        Pack::from_network(&imported.network, &defaults).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    for (n, customer) in pack.customers.iter_mut().enumerate() {
        customer.language = if n % 3 == 0 { Language::En } else { Language::ZhCn };
        let account = customer.account.clone();
        let language = customer.language;
        pack.contacts.push(Contact {
            account: account.clone(),
            channel: Channel::Sms,
            value: phone(n),
            language,
        });
        if n % 4 == 0 {
            let value = format!("customer{n}@example.org");
            pack.contacts.push(Contact {
                account,
                channel: Channel::Email,
                value,
                language,
            });
        }
    }
    std::fs::create_dir_all(dir)?;
    write_pack(dir, &pack).context("write the pack")?;
    Ok(pack)
}

/// A phone number of its own for the n-th customer.
pub fn phone(n: usize) -> String {
    format!("+86199{:08}", 10_000 + n)
}
