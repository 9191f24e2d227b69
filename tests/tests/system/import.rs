//! `relight import` at the terminal: what would change is told before it is done, and a pack that takes away much waits
//! for a yes.

use std::{fs, path::Path};

use relight_testkit::outside;
use relight_tests::System;
use serde_json::{Value, json};

use crate::small;

/// Service points in use, and versions of the network.
async fn stored(system: &System) -> anyhow::Result<(i64, i64)> {
    let mut database = system.database.connect().await?;
    let points = "select count(*) from registry.service_point where retired_at is null";
    let versions = "select count(*) from registry.grid_version";
    Ok((
        sqlx::query_scalar(points).fetch_one(&mut database).await?,
        sqlx::query_scalar(versions).fetch_one(&mut database).await?,
    ))
}

/// The street as a pack with `change` made to each file.
fn street(folder: &Path, change: impl Fn(&str, String) -> String) -> anyhow::Result<String> {
    fs::create_dir_all(folder)?;
    for (name, text) in small::files() {
        fs::write(folder.join(name), change(name, text))?;
    }
    Ok(folder.display().to_string())
}

/// Without the lines that begin so.
fn without(text: &str, beginning: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with(beginning));
    lines.map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn what_an_import_changes_is_told_first_and_much_less_takes_a_yes() -> anyhow::Result<()> {
    let system = System::prepare().await?;
    let whole = street(&system.home().join("whole"), |_, text| text)?;
    let first = system.verb(&["import", "--pack", &whole, "--dry-run"]).await?;
    assert!(first.contains("everything is new"), "{first}");
    assert_eq!(stored(&system).await?, (0, 0), "a dry run stores nothing");
    system.verb(&["import", "--pack", &whole]).await?;
    assert_eq!(stored(&system).await?, (6, 1));

    let less = street(&system.home().join("less"), |name, text| match name {
        "service_point.csv" => without(&text, "P-6"),
        _ => text,
    })?;
    let dry = system
        .verb(&["import", "--pack", &less, "--dry-run", "--json"])
        .await?;
    let dry: Value = serde_json::from_str(&dry)?;
    assert_eq!(dry["diff"]["loads"]["removed"], json!(["P-6"]));
    assert_eq!(dry["report"]["counts"]["loads"], 5);
    let Err(refused) = system.verb(&["import", "--pack", &less]).await else {
        anyhow::bail!("a sixth of the service points went without a yes");
    };
    let refused = format!("{refused:#}");
    assert!(
        refused.contains("1 of 6 service points") && refused.contains("--yes"),
        "{refused}"
    );
    assert_eq!(stored(&system).await?, (6, 1), "neither of them stored anything");
    let done = system.verb(&["import", "--pack", &less, "--yes"]).await?;
    assert!(done.contains("loads removed: 1\n  P-6"), "{done}");
    assert_eq!(stored(&system).await?, (5, 2));

    let back = system.verb(&["import", "--pack", &whole]).await?;
    assert!(back.contains("loads added: 1\n  P-6"), "{back}");
    assert_eq!(stored(&system).await?, (6, 3), "more needs no yes");
    Ok(())
}

/// Supply counts, not only rows: one breaker drawn open puts the whole street out.
#[tokio::test]
async fn an_import_that_leaves_many_without_supply_takes_a_yes() -> anyhow::Result<()> {
    let system = System::prepare().await?;
    let whole = street(&system.home().join("whole"), |_, text| text)?;
    system.verb(&["import", "--pack", &whole]).await?;
    let open = street(&system.home().join("open"), |name, text| match name {
        "switch.csv" => text.replace("MV,123,yes,no", "MV,123,yes,yes"),
        _ => text,
    })?;
    let Err(refused) = system.verb(&["import", "--pack", &open]).await else {
        anyhow::bail!("a street in the dark was imported without a yes");
    };
    assert!(
        format!("{refused:#}").contains("6 of 6 service points"),
        "{refused:#}"
    );
    assert_eq!(stored(&system).await?, (6, 1));
    Ok(())
}

/// A real feeder without a single coordinate on the earth.
#[tokio::test]
async fn a_feeder_without_places_is_imported_at_one_place() -> anyhow::Result<()> {
    let Some(file) = outside("networks/golden/ieee13.network.json.gz") else {
        return Ok(());
    };
    let system = System::prepare().await?;
    let file = file.display().to_string();
    let Err(refused) = system.verb(&["import", "--network", &file]).await else {
        anyhow::bail!("loads without a place were imported");
    };
    assert!(format!("{refused:#}").contains("--place"), "{refused:#}");
    let done = system
        .verb(&["import", "--network", &file, "--place", "-93.6,41.6"])
        .await?;
    assert!(done.contains("devices without a position"), "{done}");
    assert_eq!(stored(&system).await?, (15, 1));
    Ok(())
}
