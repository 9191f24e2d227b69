//! The head-end that intake's example is: meters' signals as JSON lines, streamed to a running service with its certificates. What is wrong is
//! named, what was sent before is known, and two meters without supply are an outage.

use chrono::{TimeDelta, Utc};
use relight_common::secrets::SERVICES;
use relight_tests::{
    System,
    pack::ORG,
    process::{Process, intake_example},
};
use serde_json::json;

use crate::{ask::until, bad_wire::reserve, small};

/// Last words of the first three meters of the street, one of them twice, and one of a meter nobody knows.
fn lines() -> String {
    let at = Utc::now() - TimeDelta::minutes(1);
    let said = [
        ("1", "P-1"),
        ("2", "P-2"),
        ("2", "P-2"),
        ("3", "P-3"),
        ("4", "P-99"),
    ];
    let lines = said.map(|(id, load)| {
        json!({ "external_id": id, "kind": "last_gasp", "load_id": load, "at": at }).to_string() + "\n"
    });
    lines.concat()
}

#[tokio::test]
async fn signals_of_a_head_end_are_streamed_and_make_an_outage() -> anyhow::Result<()> {
    let mut system = System::prepare().await?;
    let folder = system.home().join("pack");
    small::write(&folder)?;
    system
        .verb(&["import", "--pack", &folder.display().to_string()])
        .await?;
    reserve(&mut system)?;
    let process = Process::serve(&system.environment, &SERVICES.join(","), &system.log()).await?;
    let send =
        async |input: &str| intake_example(&system.environment, "head_end", &["hes", ORG], input).await;

    let lines = lines();
    let (is_good, said) = send(&lines).await?;
    assert!(is_good, "{said}");
    assert!(said.contains("3 taken") && said.contains("4: load_id"), "{said}");
    let (is_good, said) = send(&lines).await?;
    assert!(is_good && said.contains("0 taken"), "{said}");
    let (is_good, said) = send("{ \"external_id\": 7 }\n").await?;
    assert!(!is_good && said.contains("line 1"), "{said}");

    let mut database = system.database.connect().await?;
    let device: String = until("an incident of the meters", async || {
        let open = "select device_id from intake.incident where state = 'open' and report_count = 0";
        Ok(sqlx::query_scalar::<_, Option<String>>(open)
            .fetch_optional(&mut database)
            .await?
            .flatten())
    })
    .await?;
    assert_eq!(device, "T1");
    process.stop().await
}
