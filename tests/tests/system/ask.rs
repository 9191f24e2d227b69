//! Small questions all tests of the whole system ask.

use anyhow::Context;
use chrono::{DateTime, Utc};
pub use relight_testkit::until;
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
