//! A street with six customers: two transformers behind a breaker. Small enough to break row by row.

use std::{fs, path::Path};

use relight_tests::pack::ORG;

/// Phone of the n-th customer.
pub fn phone(n: usize) -> String {
    format!("+8613900000{n:03}")
}

/// The files of the pack.
pub fn files() -> Vec<(&'static str, String)> {
    let mut points = "id,bus,phases,account,meter_no,lon,lat,area_class,zone,org_path,address_zh,address_en,\
         own_generation,in_service\n"
        .to_owned();
    let mut customers = "account,name,language,class,life_support,dedicated_line\n".to_owned();
    let mut contacts = "account,channel,value,language\n".to_owned();
    for n in 1..=6 {
        let bus = if n <= 3 { "LV1" } else { "LV2" };
        points += &format!(
            "P-{n},{bus},123,S-{n},,120.0{n},30.0,urban,Asia/Shanghai,{ORG},小街{n}号,{n} Small Street,none,yes\n"
        );
        customers += &format!("S-{n},Customer {n},en,ordinary,no,no\n");
        contacts += &format!("S-{n},sms,{},en\n", phone(n));
    }
    vec![
        ("bus.csv", "id,lon,lat\nSUB,120.0,30.0\nMV,120.01,30.0\nLV1,120.02,30.0\nLV2,120.03,30.0\n".to_owned()),
        ("source.csv", "bus,phases\nSUB,123\n".to_owned()),
        (
            "switch.csv",
            "id,kind,from_bus,from_phases,to_bus,to_phases,in_service,open\nCB1,breaker,SUB,123,MV,123,yes,no\n"
                .to_owned(),
        ),
        (
            "transformer.csv",
            "id,windings,in_service,open\nT1,MV:123 LV1:123,yes,no\nT2,MV:123 LV2:123,yes,no\n".to_owned(),
        ),
        ("customer.csv", customers),
        ("service_point.csv", points),
        ("contact.csv", contacts),
    ]
}

/// Writes the pack into `dir`.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    files()
        .into_iter()
        .try_for_each(|(name, text)| fs::write(dir.join(name), text))
}
