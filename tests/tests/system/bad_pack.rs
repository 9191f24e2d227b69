//! Packs with broken rows, through the binary: every bad row is told with file, line, column and what is right; nothing
//! is imported unless `--skip-bad` is given, and then everything but those rows and what hangs on them.

use std::{fs, path::Path};

use relight_tests::System;

use crate::small;

/// Rows that are bad, each for one reason: file, the row, and what the report says of it.
const BAD: [(&str, &str, &str); 30] = [
    ("bus.csv", "FAR,181.0,30.0", "lon: \"181.0\""),
    ("bus.csv", "NAN,NaN,30.0", "lon: \"NaN\""),
    ("bus.csv", "HALF,120.0,", "lon: lon and lat come together"),
    ("bus.csv", "SUB,120.0,30.0", "id: \"SUB\" is used twice"),
    ("bus.csv", "sub,120.0,30.0", "id: \"sub\" is used twice"),
    ("bus.csv", ",120.0,30.0", "id: empty"),
    ("bus.csv", "TWO FIELDS,1", "the row has 2 fields, the header 3"),
    ("bus.csv", "\u{0},120.0,30.0", "id: control characters"),
    ("source.csv", "NOWHERE,123", "bus: \"NOWHERE\" is not in bus.csv"),
    ("source.csv", "SUB,0", "phases:"),
    (
        "switch.csv",
        "S9,lamp,SUB,123,MV,123,yes,no",
        "kind: \"lamp\" is not allowed",
    ),
    (
        "switch.csv",
        "S8,switch,SUB,123,GONE,123,yes,no",
        "to_bus: \"GONE\" is not in bus.csv",
    ),
    (
        "switch.csv",
        "S7,switch,SUB,123,MV,123,maybe,no",
        "in_service: \"maybe\" is not allowed; write yes or no",
    ),
    ("transformer.csv", "T8,MV:123,yes,no", "windings: write 2 to 20"),
    (
        "transformer.csv",
        "T1,MV:123 LV1:123,yes,no",
        "id: \"T1\" is used twice",
    ),
    (
        "customer.csv",
        "S-1,Twice,en,ordinary,no,no",
        "account: \"S-1\" is used twice",
    ),
    ("customer.csv", "S 9,Space,en,ordinary,no,no", "account:"),
    (
        "customer.csv",
        "S-91,French,fr,ordinary,no,no",
        "language: \"fr\" is not allowed; write",
    ),
    ("customer.csv", "S-92,,en,ordinary,no,no", "name: empty"),
    (
        "customer.csv",
        "S-93,King,en,royal,no,no",
        "class: \"royal\" is not allowed",
    ),
    (
        "service_point.csv",
        "P-91,LV1,123,S-99,,120.0,30.0,urban,Asia/Shanghai,a,x,,none,yes",
        "account: \"S-99\" is not in customer.csv",
    ),
    (
        "service_point.csv",
        "P-92,LV9,123,S-1,,120.0,30.0,urban,Asia/Shanghai,a,x,,none,yes",
        "bus: \"LV9\" is not in bus.csv",
    ),
    (
        "service_point.csv",
        "P-93,LV1,123,S-1,,120.0,-91,urban,Asia/Shanghai,a,x,,none,yes",
        "lat: \"-91\"",
    ),
    (
        "service_point.csv",
        "P-94,LV1,123,S-1,,120.0,30.0,suburb,Asia/Shanghai,a,x,,none,yes",
        "area_class: \"suburb\"",
    ),
    (
        "service_point.csv",
        "P-95,LV1,123,S-1,,120.0,30.0,urban,Mars/Base,a,x,,none,yes",
        "zone: \"Mars/Base\"",
    ),
    (
        "service_point.csv",
        "P-96,LV1,123,S-1,,120.0,30.0,urban,Asia/Shanghai,Demo/City,x,,none,yes",
        "org_path:",
    ),
    ("contact.csv", "S-1,sms,12,en", "value:"),
    ("contact.csv", "S-1,email,not a mail,en", "value:"),
    ("contact.csv", "S-1,pigeon,coo,en", "channel: \"pigeon\""),
    (
        "contact.csv",
        "S-99,sms,+8613900000099,en",
        "account: \"S-99\" is not in customer.csv",
    ),
];

#[tokio::test]
async fn a_broken_pack_is_told_row_by_row_and_nothing_of_it_is_imported() -> anyhow::Result<()> {
    let system = System::prepare().await?;
    let folder = system.home().join("pack");
    let expected = break_rows(&folder)?;
    let path = folder.display().to_string();

    let told = refused(&system, &["import", "--pack", &path]).await?;
    let missing: Vec<&String> = expected
        .iter()
        .filter(|line| !told.contains(line.as_str()))
        .collect();
    anyhow::ensure!(missing.is_empty(), "not told: {missing:#?}\nbut\n{told}");
    anyhow::ensure!(
        told.contains(&format!("nothing was imported: {} rows are bad", BAD.len())),
        "{told}"
    );
    assert_eq!(rows(&system).await?, [0; 5], "nothing was imported");

    system.verb(&["import", "--pack", &path, "--skip-bad"]).await?;
    assert_eq!(
        rows(&system).await?,
        [6, 6, 6, 1, 7],
        "the good rows were imported"
    );
    Ok(())
}

#[tokio::test]
async fn files_that_are_no_pack_are_told_by_name() -> anyhow::Result<()> {
    let system = System::prepare().await?;
    let table: [(&str, Option<&[u8]>, &str); 9] = [
        ("bus.csv", None, "bus.csv: the file is missing"),
        (
            "customer.csv",
            Some(b""),
            "customer.csv line 1: the first line must be account,name",
        ),
        (
            "customer.csv",
            Some(b"account,name\nS-1,A\n"),
            "customer.csv line 1, language: the column is missing",
        ),
        (
            "source.csv",
            Some(b"bus,phases,colour\nSUB,123,red\n"),
            "source.csv line 1, colour: no such column",
        ),
        ("source.csv", Some(b"bus,phases\n"), "source.csv: no good row"),
        (
            "source.csv",
            Some(b"bus,phases\nS\xffB,123\n"),
            "source.csv line 2: the row is not UTF-8",
        ),
        (
            "contact.csv",
            Some(b"\x89PNG\r\n\x1a\n\0\0"),
            "contact.csv line 1",
        ),
        (
            "bus.csv",
            Some(b"id,lon,lat\n\"SUB,120.0,30.0\nMV,120.0,30.0\n"),
            "bus.csv line 2",
        ),
        (
            "switch.csv",
            Some(b"id,id\n"),
            "switch.csv line 1, id: the column is there twice",
        ),
    ];
    for (n, (file, bytes, expected)) in table.into_iter().enumerate() {
        let folder = system.home().join(format!("pack-{n}"));
        small::write(&folder)?;
        match bytes {
            Some(bytes) => fs::write(folder.join(file), bytes)?,
            None => fs::remove_file(folder.join(file))?,
        }
        let told = refused(&system, &["import", "--pack", &folder.display().to_string()]).await?;
        anyhow::ensure!(told.contains(expected), "{file}: {told}");
    }
    assert_eq!(rows(&system).await?, [0; 5], "nothing was imported");
    Ok(())
}

/// Adds every bad row to the pack of a good street; gives what the report must say.
fn break_rows(folder: &Path) -> anyhow::Result<Vec<String>> {
    small::write(folder)?;
    let mut expected = Vec::new();
    for (file, row, said) in BAD {
        let path = folder.join(file);
        let text = fs::read_to_string(&path)?;
        let line = text.lines().count() + 1;
        fs::write(&path, format!("{text}{row}\n"))?;
        let column = if said.starts_with("the row") { ": " } else { ", " };
        expected.push(format!("{file} line {line}{column}{said}"));
    }
    Ok(expected)
}

/// What the binary says when it refuses.
async fn refused(system: &System, verb: &[&str]) -> anyhow::Result<String> {
    match system.verb(verb).await {
        Ok(said) => anyhow::bail!("{verb:?} was not refused: {said}"),
        Err(error) => {
            let told = format!("{error:#}");
            anyhow::ensure!(!told.contains("panicked"), "{told}");
            Ok(told)
        }
    }
}

/// Customers, service points, contacts, networks, events told.
async fn rows(system: &System) -> anyhow::Result<[i64; 5]> {
    let mut counts = [0; 5];
    let mut database = system.database.connect().await?;
    for (count, sql) in counts.iter_mut().zip([
        "select count(*) from registry.customer",
        "select count(*) from registry.service_point",
        "select count(*) from registry.contact",
        "select count(*) from registry.grid_version",
        "select count(*) from registry.outbox",
    ]) {
        *count = sqlx::query_scalar(sql).fetch_one(&mut database).await?;
    }
    Ok(counts)
}
