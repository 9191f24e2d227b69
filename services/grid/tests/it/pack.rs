//! The CSV pack: what is written reads back, and every bad field is named.

use std::collections::HashMap;

use relight_grid::pack::{
    AreaClass, ContactRole, Language, PackDefaults, UseClass, read_pack, read_pack_from, write_pack,
};
use relight_grid::{Fault, Faults, Network, OnBad, Pack, Position, demo, snapshot};

use crate::{data, golden};

fn defaults() -> PackDefaults {
    PackDefaults {
        account_prefix: "9500".to_owned(),
        zone: "America/Los_Angeles".to_owned(),
        org_path: "ieee/feeder".to_owned(),
        area_class: AreaClass::Rural,
        language: Language::En,
        place: None,
    }
}

#[test]
fn the_demo_town_reads_back_as_it_was_written() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let pack = demo::town(1);
    write_pack(dir.path(), &pack)?;
    let (mut read, skipped) = read_pack(dir.path(), OnBad::Refuse)?;
    assert_eq!(skipped, []);
    // Files are by kind, so only the order of devices changes.
    let sorted = |network: &Network| {
        let mut devices = network.devices.clone();
        devices.sort_by(|a, b| a.id.cmp(&b.id));
        devices
    };
    assert_eq!(sorted(&read.network), sorted(&pack.network));
    read.network = pack.network.clone();
    assert_eq!(read, pack);
    Ok(())
}

#[test]
fn a_network_as_a_pack_keeps_its_cases() -> anyhow::Result<()> {
    if data::networks().is_none() {
        return Ok(());
    }
    let name = "ieee9500-latlon";
    let pack = Pack::from_network(&data::golden_network(name)?, &defaults())?;
    assert_eq!(pack.customers.len(), 1_275);
    assert_eq!(
        pack.customers[0].account,
        format!("9500-{}", pack.service_points[0].id)
    );
    let dir = tempfile::tempdir()?;
    write_pack(dir.path(), &pack)?;
    let (read, _) = read_pack(dir.path(), OnBad::Refuse)?;
    golden::check_all(name, &read.network())?;
    golden::check_all(name, &snapshot::read(&snapshot::write(&read.network())?)?)?;
    Ok(())
}

#[test]
fn a_load_that_lies_nowhere_is_named() {
    let mut network = demo::town(1).network();
    network.buses.iter_mut().for_each(|bus| bus.position = None);
    let faults = Pack::from_network(&network, &defaults()).unwrap_err();
    assert_eq!(faults.0.len(), network.loads.len());
    assert!(faults.0[0].problem.contains("WGS84"));
    let place = Position::new(120.15, 30.27);
    let given = PackDefaults { place, ..defaults() };
    let pack = Pack::from_network(&network, &given).expect("all have a place now");
    assert!(
        pack.service_points
            .iter()
            .all(|point| Some(point.position) == place)
    );
    assert_eq!(Pack::without_place(&network).len(), network.loads.len());
    assert!(Pack::with_borrowed_place(&network).is_empty());

    let source = network.sources[0].bus.clone();
    let bus = network.buses.iter_mut().find(|bus| bus.id == source);
    bus.expect("the bus of the source").position = place;
    assert!(Pack::without_place(&network).is_empty(), "all hang together");
    assert_eq!(
        Pack::with_borrowed_place(&network).len(),
        network.loads.len(),
        "nobody lives at the source"
    );
}

const GOOD: &[(&str, &str)] = &[
    ("bus.csv", "id,lon,lat\nA,120,30\nB,,\n"),
    ("source.csv", "bus,phases\nA,123\n"),
    (
        "line.csv",
        "id,kind,from_bus,from_phases,to_bus,to_phases,length_m,in_service,open\nL1,line,A,123,B,123,80.5,yes,no\n",
    ),
    (
        "service_point.csv",
        "id,bus,phases,account,meter_no,lon,lat,area_class,zone,org_path,address_zh,address_en,own_generation,in_service\n\
         P1,b,1,100,,120,30,urban,Asia/Shanghai,demo/city,人民路1号,,none,yes\n",
    ),
    (
        "customer.csv",
        "account,name,language,class,life_support,dedicated_line\n100,王伟,zh-CN,ordinary,no,no\n",
    ),
    (
        "contact.csv",
        "account,channel,value,language\n100,sms,+8619900000001,zh-CN\n",
    ),
    (
        "street.csv",
        "id,name_zh,name_en,line\nS1,人民路,Renmin Road,\"LINESTRING (120 30, 120.1 30)\"\n",
    ),
];

/// Reads the good pack with one file changed by `edit`; an empty text takes the file away.
fn read_edited(
    file: &str,
    edit: impl Fn(&str) -> String,
    on_bad: OnBad,
) -> Result<(Pack, Vec<Fault>), Faults> {
    let mut files: HashMap<&str, String> = GOOD
        .iter()
        .map(|(name, text)| (*name, (*text).to_owned()))
        .collect();
    let edited = edit(&files[file]);
    files.insert(
        GOOD.iter()
            .find(|(name, _)| *name == file)
            .expect("a file of the good pack")
            .0,
        edited,
    );
    let mut get = |name: &str| {
        Ok(files
            .get(name)
            .filter(|t| !t.is_empty())
            .map(|t| t.clone().into_bytes()))
    };
    read_pack_from(&mut get, on_bad)
}

#[test]
fn a_good_pack_has_a_grid_and_files_that_may_be_absent() {
    let (pack, skipped) = read_edited("street.csv", |_| String::new(), OnBad::Refuse).unwrap();
    assert_eq!(
        (skipped.len(), pack.service_points.len(), pack.streets.len()),
        (0, 1, 0)
    );
    let grid = data::grid(&pack.network());
    let dead = grid.dead(&[grid.device("l1").unwrap()], &[]);
    assert_eq!(dead.customers, 1);
}

#[test]
fn each_bad_field_is_named_with_its_line_and_column() {
    let table = [
        ("bus.csv", "A,120,30", "A,120,95", 2, "lat", "-90 to 90"),
        ("bus.csv", "A,120,30", "A,120,", 2, "lon", "together"),
        ("bus.csv", "A,120,30", "A,x,30", 2, "lon", "a number"),
        ("bus.csv", "A,120,30", "A,NaN,30", 2, "lon", "a number"),
        ("bus.csv", "B,,", "a,,", 3, "id", "used twice"),
        ("bus.csv", "B,,", "B b,,", 3, "id", "white space"),
        ("bus.csv", "B,,", "B,", 3, "", "has 2 fields"),
        ("bus.csv", "id,lon,lat", "id,lon,hat", 1, "hat", "no such column"),
        ("bus.csv", "id,lon,lat", "id,lon,lon", 1, "lon", "twice"),
        ("source.csv", "A,123", "X,123", 2, "bus", "not in bus.csv"),
        ("source.csv", "A,123", "A,1.2", 2, "phases", "1 to 9"),
        ("line.csv", "L1,line", "L1,rope", 2, "kind", "line, reactor"),
        ("line.csv", "B,123,80", "C,123,80", 2, "to_bus", "not in bus.csv"),
        ("line.csv", "80.5", "-1", 2, "length_m", "from 0"),
        ("line.csv", "yes,no", "yes,maybe", 2, "open", "yes or no"),
        ("service_point.csv", "P1,b", "P1,", 2, "bus", "empty"),
        (
            "service_point.csv",
            ",100,",
            ",101,",
            2,
            "account",
            "not in customer.csv",
        ),
        (
            "service_point.csv",
            ",100,",
            ",1 0,",
            2,
            "account",
            "letters, digits",
        ),
        ("service_point.csv", "120,30", ",30", 2, "lon", "-180 to 180"),
        (
            "service_point.csv",
            "urban",
            "city",
            2,
            "area_class",
            "urban, rural, remote",
        ),
        (
            "service_point.csv",
            "Asia/Shanghai",
            "Asia/Nowhere",
            2,
            "zone",
            "IANA",
        ),
        (
            "service_point.csv",
            "demo/city",
            "Demo//City",
            2,
            "org_path",
            "demo/city/east",
        ),
        ("service_point.csv", "人民路1号", "", 2, "address_zh", "1 to 200"),
        (
            "service_point.csv",
            "none",
            "wind",
            2,
            "own_generation",
            "none, pv",
        ),
        ("customer.csv", "王伟", "\u{7}", 2, "name", "control characters"),
        ("customer.csv", "zh-CN", "fr", 2, "language", "zh-CN, en"),
        (
            "customer.csv",
            "ordinary",
            "vip",
            2,
            "class",
            "ordinary, important",
        ),
        (
            "contact.csv",
            "100,sms",
            "101,sms",
            2,
            "account",
            "not in customer.csv",
        ),
        (
            "contact.csv",
            "+8619900000001",
            "19900000001",
            2,
            "value",
            "country code",
        ),
        (
            "contact.csv",
            "sms,+8619900000001",
            "email,wang@example",
            2,
            "value",
            "name@example.org",
        ),
        ("street.csv", ", 120.1 30", "", 2, "line", "2 points"),
    ];
    for (file, from, to, line, column, words) in table {
        let edit = |text: &str| {
            assert!(text.contains(from), "{file} has no {from}");
            text.replacen(from, to, 1)
        };
        let faults = read_edited(file, edit, OnBad::Refuse).unwrap_err();
        let named = faults.0.iter().any(|fault| {
            fault.file == file
                && fault.line == Some(line)
                && fault.column.as_deref().unwrap_or_default() == column
                && fault.problem.contains(words)
        });
        assert!(named, "{file} {from} -> {to}: {faults}");
    }
}

/// A contact without role and day is the customer's own, and nobody knows since when; both are read, checked, and written
/// where somebody has one.
#[test]
fn whose_a_contact_is_and_since_when_may_be_missing() {
    let (plain, _) = read_edited("contact.csv", str::to_owned, OnBad::Refuse).unwrap();
    let own = &plain.contacts[0];
    assert_eq!((own.role, own.confirmed_on), (ContactRole::Customer, None));
    let with = |role: &str, day: &str| {
        let rows = format!(
            "account,channel,value,language,role,confirmed_on\n100,sms,+8619900000001,en,{role},{day}\n"
        );
        read_edited("contact.csv", |_| rows.clone(), OnBad::Refuse)
    };
    let (pack, _) = with("property_manager", "2026-03-01").unwrap();
    let house = &pack.contacts[0];
    let day = house.confirmed_on.map(|day| day.to_string());
    assert_eq!(
        (house.role, day.as_deref()),
        (ContactRole::PropertyManager, Some("2026-03-01"))
    );
    let dir = tempfile::tempdir().unwrap();
    write_pack(dir.path(), &pack).unwrap();
    let (again, _) = read_pack(dir.path(), OnBad::Refuse).unwrap();
    assert_eq!(again.contacts, pack.contacts);
    for (role, day, words) in [("landlord", "", "carer"), ("", "1 March", "2026-03-01")] {
        let faults = with(role, day).unwrap_err();
        assert!(faults.to_string().contains(words), "{faults}");
    }
}

#[test]
fn personal_values_are_not_repeated_in_faults() {
    let faults = read_edited(
        "contact.csv",
        |text| text.replace("+8619900000001", "0571-555"),
        OnBad::Refuse,
    )
    .unwrap_err();
    assert!(!faults.to_string().contains("0571-555"));
}

#[test]
fn a_missing_or_unreadable_file_is_named() {
    let faults = read_edited("customer.csv", |_| String::new(), OnBad::Refuse).unwrap_err();
    assert!(
        faults.to_string().contains("customer.csv: the file is missing"),
        "{faults}"
    );
    let faults =
        read_pack_from(&mut |_| Err(std::io::Error::other("disk on fire")), OnBad::Refuse).unwrap_err();
    assert!(faults.to_string().contains("disk on fire"));
}

/// Each file may be packed, and one whose archive is cut short is named: what was read of it does not count as all.
#[test]
fn a_pack_may_be_gzipped_and_a_broken_archive_is_named() -> anyhow::Result<()> {
    let (plain, packed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let mut last = Vec::new();
    for (name, text) in GOOD {
        std::fs::write(plain.path().join(name), text)?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut gzip, text.as_bytes())?;
        last = gzip.finish()?;
        std::fs::write(packed.path().join(format!("{name}.gz")), &last)?;
    }
    let (read, _) = read_pack(packed.path(), OnBad::Refuse)?;
    assert_eq!(read, read_pack(plain.path(), OnBad::Refuse)?.0);
    let name = GOOD[GOOD.len() - 1].0;
    std::fs::write(packed.path().join(format!("{name}.gz")), &last[..last.len() - 9])?;
    let faults = read_pack(packed.path(), OnBad::Refuse).unwrap_err().to_string();
    assert!(
        faults.contains(name) && faults.contains("gzip archive is broken"),
        "{faults}"
    );
    Ok(())
}

#[test]
fn rows_that_are_not_utf_8_are_named_and_the_others_read() {
    let mut files: HashMap<&str, Vec<u8>> = GOOD
        .iter()
        .map(|(name, text)| (*name, text.as_bytes().to_vec()))
        .collect();
    files.insert("bus.csv", b"id,lon,lat\nA,120,30\nB,,\n\xff,,\n".to_vec());
    let (pack, skipped) = read_pack_from(&mut |name| Ok(files.get(name).cloned()), OnBad::Skip).unwrap();
    assert_eq!(
        (skipped.len(), skipped[0].line, pack.network.buses.len()),
        (1, Some(4), 2)
    );
}

#[test]
fn skipping_drops_a_bad_row_and_what_hangs_on_it_and_reports_both() {
    let edit = |text: &str| text.replace("ordinary", "vip");
    let (pack, skipped) = read_edited("customer.csv", edit, OnBad::Skip).unwrap();
    assert_eq!(
        (
            pack.customers.len(),
            pack.service_points.len(),
            pack.contacts.len()
        ),
        (0, 0, 0)
    );
    let files: Vec<&str> = skipped.iter().map(|fault| fault.file.as_str()).collect();
    assert_eq!(files, ["customer.csv", "service_point.csv", "contact.csv"]);
}

/// `GOOD` with columns for voltages: source at 10 kV, a transformer to LV, and a second point of its own voltage.
fn with_voltages(bus: &str, points: &str) -> Result<Pack, Faults> {
    let point = |id: &str, bus: &str, kv: &str| {
        format!("{id},{bus},1,100,,120,30,urban,Asia/Shanghai,demo/city,人民路1号,,none,yes,{kv}\n")
    };
    let head = "id,bus,phases,account,meter_no,lon,lat,area_class,zone,org_path,address_zh,address_en,own_generation,\
                in_service,voltage_kv\n";
    let (own, of_line) = (point("P2", "LV", points), point("P1", "B", ""));
    let of_transformer = point("P3", "LV", "");
    let mut files: HashMap<&str, String> = GOOD
        .iter()
        .map(|(name, text)| (*name, (*text).to_owned()))
        .collect();
    files.insert(
        "bus.csv",
        format!("id,lon,lat,voltage_kv\nA,120,30,10\nB,,,\nLV,,,{bus}\n"),
    );
    files.insert(
        "transformer.csv",
        "id,windings,in_service,open\nT1,B:123 LV:123,yes,no\n".to_owned(),
    );
    files.insert(
        "service_point.csv",
        format!("{head}{own}{of_line}{of_transformer}"),
    );
    let file = &mut |name: &str| Ok(files.get(name).map(|text| text.clone().into_bytes()));
    Ok(read_pack_from(file, OnBad::Refuse)?.0)
}

/// A point says its voltage itself, or has that of its bus: lines and switches join buses of one voltage, transformers
/// part them.
#[test]
fn a_point_without_a_voltage_has_that_of_its_bus() -> anyhow::Result<()> {
    let volts =
        |pack: &Pack| -> Vec<Option<u32>> { pack.service_points.iter().map(|one| one.voltage_v).collect() };
    let pack = with_voltages("0.4", "35")?;
    assert_eq!(volts(&pack), [Some(35_000), Some(10_000), Some(400)]);
    let pack = with_voltages("", "")?;
    assert_eq!(
        volts(&pack),
        [None, Some(10_000), None],
        "nobody says what is behind the transformer"
    );
    let dir = tempfile::tempdir()?;
    write_pack(dir.path(), &pack)?;
    let (read, _) = read_pack(dir.path(), OnBad::Refuse)?;
    assert_eq!(read.service_points, pack.service_points);
    for wrong in ["ten", "0.05", "1201", "-10", "NaN"] {
        let faults = with_voltages(wrong, "").expect_err(wrong);
        assert_eq!(faults.0[0].column.as_deref(), Some("voltage_kv"), "{wrong}");
    }
    Ok(())
}

/// Columns that may be missing; a row that says two things is refused.
#[test]
fn a_use_and_a_certificate_are_read_checked_and_written() {
    let with = |row: &str| {
        let text = format!(
            "account,name,language,class,life_support,dedicated_line,use,life_support_until\n100,王伟,zh-CN,ordinary,{row}\n"
        );
        read_edited("customer.csv", |_| text.clone(), OnBad::Refuse)
    };
    let (pack, _) = with("yes,no,elderly_alone,2026-12-31").unwrap();
    let customer = &pack.customers[0];
    assert_eq!(customer.use_class, Some(UseClass::ElderlyAlone));
    assert_eq!(customer.life_support_until, "2026-12-31".parse().ok());
    let folder = tempfile::tempdir().unwrap();
    write_pack(folder.path(), &pack).unwrap();
    assert_eq!(
        read_pack(folder.path(), OnBad::Refuse).unwrap().0.customers,
        pack.customers
    );

    let (pack, _) = with("no,no,,").unwrap();
    assert_eq!(
        (pack.customers[0].use_class, pack.customers[0].life_support_until),
        (None, None)
    );
    for (row, right) in [
        ("no,no,villa,", "hospital, school"),
        ("yes,no,,soon", "a day like"),
        ("no,no,,2026-12-31", "life_support is no"),
    ] {
        let faults = with(row).unwrap_err().to_string();
        assert!(faults.contains(right), "{row}: {faults}");
    }
}
