//! The sheet for the hour in which nothing else works is there, whole, and stays when everything is gone (operations.md O35).

use std::{fs, path::Path};

use relight_tests::System;

use crate::{ask::until, small};

/// A street whose sixth customer lives on a machine; sheets are written every second.
async fn street() -> anyhow::Result<System> {
    let mut system = System::prepare().await?;
    let folder = system.home().join("pack");
    small::write(&folder)?;
    let customers = fs::read_to_string(folder.join("customer.csv"))?;
    let customers = customers.replace("S-6,Customer 6,en,ordinary,no", "S-6,Customer 6,en,ordinary,yes");
    fs::write(folder.join("customer.csv"), customers)?;
    system
        .verb(&["import", "--pack", &folder.display().to_string()])
        .await?;
    system.set("PAPER__EVERY_S", 1);
    system.set("PAPER__DIR", system.home().join("paper").display());
    Ok(system)
}

/// What the newest sheet says.
fn newest(folder: &Path, language: &str) -> Option<String> {
    fs::read_to_string(folder.join(format!("newest.{language}.html"))).ok()
}

#[tokio::test]
async fn who_to_call_first_is_on_paper_and_stays_there_when_the_system_is_gone() -> anyhow::Result<()> {
    let mut system = street().await?;
    system.start().await?;
    let folder = system.home().join("paper");
    for language in ["zh-CN", "en"] {
        let html = until("a sheet is written", async || Ok(newest(&folder, language))).await?;
        for words in ["S-6", "Customer 6", &small::phone(6), "T2"] {
            assert!(html.contains(words), "{language}: {words} is not in {html}");
        }
        assert!(!html.contains("Customer 5"), "others are not named");
    }
    system.stop().await?;
    let html = newest(&folder, "en").expect("still there");
    assert!(html.contains(&small::phone(6)));
    Ok(())
}
