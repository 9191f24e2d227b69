//! The stream of changes, as the control room's programs follow it.

use relight_tests::{Api, System, events::Event, pack::ORG};
use serde_json::json;

use crate::small;

/// What comes of one report.
const STEPS: [&str; 2] = ["report.accepted", "incident.changed"];

#[tokio::test]
async fn changes_are_streamed_to_those_they_concern_and_resumed_where_a_client_left() -> anyhow::Result<()> {
    let mut system = System::prepare().await?;
    let folder = system.home().join("pack");
    small::write(&folder)?;
    let folder = folder.display().to_string();
    system.verb(&["import", "--pack", &folder]).await?;
    system.start().await?;
    system.account("here", "dispatcher", &["--org-path", ORG]).await?;
    system
        .account("elsewhere", "dispatcher", &["--org-path", "other/city"])
        .await?;
    system.account("agent", "agent", &["--org-path", ORG]).await?;
    let (here, agent) = (system.sign_in("here").await?, system.sign_in("agent").await?);
    let mut stream = here.stream(None).await?;
    let hello = stream.next().await?;
    assert_eq!(hello.kind, "hello");
    let mut strange = system.sign_in("elsewhere").await?.stream(None).await?;
    strange.until("hello").await?;

    report(&agent, "S-1").await?;
    let mut seen = Vec::new();
    while !STEPS.iter().all(|step| kinds(&seen).contains(step)) {
        seen.push(stream.next().await?);
    }
    seen.retain(|event| event.kind != "beat");
    assert!(
        !seen
            .iter()
            .any(|event| event.data.to_string().contains("Small Street")),
        "no address and no person is in the stream: {seen:?}"
    );

    // The other client hears nothing of it: two beats later than the first change, both came through one ring.
    let mut beats = 0;
    while beats < 2 {
        let event = strange.next().await?;
        assert_eq!(event.kind, "beat", "told without being entitled: {event:?}");
        beats += 1;
    }

    // Coming back to the greeting repeats everything; coming back to the last event repeats nothing before it.
    let mut again = here.stream(Some(&hello.id)).await?;
    for expected in &seen {
        let mut event = again.next().await?;
        while event.kind == "beat" {
            event = again.next().await?;
        }
        assert_eq!(&event, expected);
    }
    let last = seen.last().map(|event| event.id.clone()).unwrap_or_default();
    let mut later = here.stream(Some(&last)).await?;
    report(&agent, "S-6").await?;
    let next = later.until("report.accepted").await?;
    let subjects: Vec<_> = seen.iter().map(|event| &event.data).collect();
    assert!(
        next.iter().all(|event| !subjects.contains(&&event.data)),
        "nothing is told again: {next:?}"
    );

    for unknown in ["no id of ours", ""] {
        let mut lost = here.stream(Some(unknown)).await?;
        assert_eq!(lost.next().await?.kind, "reset", "{unknown:?}");
    }
    drop((stream, strange, again, later));
    system.stop().await
}

fn kinds(seen: &[Event]) -> Vec<&str> {
    seen.iter().map(|event| event.kind.as_str()).collect()
}

async fn report(agent: &Api, account: &str) -> anyhow::Result<()> {
    let body = json!({ "danger": false, "account": account, "channel": "hotline" });
    agent.post("/api/v1/reports", body).await.map(drop)
}
