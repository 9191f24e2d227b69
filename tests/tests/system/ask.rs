//! Small questions all tests of the whole system ask.

use anyhow::Context;
use chrono::{DateTime, Utc};
use relight_tests::Api;
use serde_json::{Value, json};

/// Applies an event to an order.
///
/// # Errors
/// With the problem when refused.
pub async fn event(api: &Api, order: &str, event: Value) -> anyhow::Result<Value> {
    api.post(
        &format!("/api/v1/orders/{order}/events"),
        json!({ "event": event }),
    )
    .await
}

/// A text of an answer.
///
/// # Errors
/// When it is not there.
pub fn text(value: &Value, key: &str) -> anyhow::Result<String> {
    Ok(value[key]
        .as_str()
        .with_context(|| format!("{key} in {value}"))?
        .to_owned())
}

/// An instant of an answer.
///
/// # Errors
/// When it is none.
pub fn instant(value: &Value) -> anyhow::Result<DateTime<Utc>> {
    Ok(value
        .as_str()
        .with_context(|| format!("an instant, not {value}"))?
        .parse()?)
}

/// Asks until there is an answer; the bound only ends a test that would hang.
///
/// # Errors
/// Those of `ask`, or after two minutes.
pub async fn until<T, F>(what: &str, mut ask: F) -> anyhow::Result<T>
where
    F: AsyncFnMut() -> anyhow::Result<Option<T>>,
{
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(100));
    let bound = tokio::time::Instant::now() + std::time::Duration::from_mins(2);
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        anyhow::ensure!(
            tokio::time::Instant::now() < bound,
            "waited two minutes until {what}"
        );
        ticks.tick().await;
    }
}
