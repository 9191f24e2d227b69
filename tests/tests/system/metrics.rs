//! What watches a process reads its figures and its health on an address of their own, also where no edge is served.

use relight_tests::{System, process::Process};
use reqwest::StatusCode;

use crate::ask::until;

async fn ask(base: &str, path: &str) -> anyhow::Result<(StatusCode, String)> {
    let answer = reqwest::get(format!("{base}{path}")).await?;
    Ok((answer.status(), answer.text().await?))
}

#[tokio::test]
async fn a_process_of_services_alone_shows_its_figures_and_its_health() -> anyhow::Result<()> {
    let mut system = System::prepare().await?;
    system.set("GRPC__LISTEN__INTAKE", "127.0.0.1:0");
    system.set("TELEMETRY__METRICS_LISTEN", "127.0.0.1:0");
    let process = Process::serve(&system.environment, "intake", &system.log()).await?;
    let base = process.metrics.clone();
    assert!(base.starts_with("http://127.0.0.1:"), "{base}");
    assert_eq!(ask(&base, "/healthz").await?, (StatusCode::OK, "ok\n".to_owned()));
    assert_eq!(
        ask(&base, "/readyz").await?,
        (StatusCode::OK, "ready\n".to_owned())
    );
    until("the upkeep's figures are there", async || {
        let (_, figures) = ask(&base, "/metrics").await?;
        Ok(figures
            .contains("relight_dead_letters{service=\"intake\"} 0\n")
            .then_some(()))
    })
    .await?;
    process.stop().await
}

/// Figures that have a place of their own are on no public port; without one, the edges have them as before.
#[tokio::test]
async fn figures_are_on_the_public_port_only_when_they_have_no_place_of_their_own() -> anyhow::Result<()> {
    let mut system = System::prepare().await?;
    system.start().await?;
    assert_eq!(ask(&system.gateway()?, "/metrics").await?.0, StatusCode::OK);
    system.stop().await?;

    system.set("TELEMETRY__METRICS_LISTEN", "127.0.0.1:0");
    let process = Process::up(&system.environment, &system.log()).await?;
    for edge in [&process.gateway, &process.mobile] {
        assert_eq!(ask(edge, "/metrics").await?.0, StatusCode::NOT_FOUND);
        assert_eq!(ask(edge, "/healthz").await?.0, StatusCode::OK);
    }
    assert_eq!(ask(&process.metrics, "/metrics").await?.0, StatusCode::OK);
    process.stop().await
}

/// All faults of the configuration are told at once, by the names of their fields.
#[tokio::test]
async fn an_address_that_is_none_is_refused_by_name() -> anyhow::Result<()> {
    let mut system = System::prepare().await?;
    system.set("TELEMETRY__METRICS_LISTEN", "everywhere");
    let refused = system.verb(&["serve", "--role", "intake"]).await;
    let error = format!("{:#}", refused.expect_err("no address"));
    assert!(
        error.contains("telemetry.metrics_listen: must be an address"),
        "{error}"
    );
    Ok(())
}
