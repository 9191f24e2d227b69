//! Waiting for what real servers do: asked again and again, never slept for. The bound only ends a test that would hang.

use std::time::Duration;

use tokio::time::{Instant, interval};

/// Between two questions: the answer comes from a database or a process, so asking costs something.
const EVERY: Duration = Duration::from_millis(50);
const BOUND: Duration = Duration::from_mins(2);

/// Waits until it holds. `what` ends the sentence "waited two minutes until".
///
/// # Errors
/// Those of `holds`, or after two minutes.
pub async fn wait_until<F>(what: &str, mut holds: F) -> anyhow::Result<()>
where
    F: AsyncFnMut() -> anyhow::Result<bool>,
{
    until(what, async || Ok(holds().await?.then_some(()))).await
}

/// Waits until there is an answer, and gives it back.
///
/// # Errors
/// Those of `ask`, or after two minutes.
pub async fn until<T, F>(what: &str, mut ask: F) -> anyhow::Result<T>
where
    F: AsyncFnMut() -> anyhow::Result<Option<T>>,
{
    let (mut ticks, bound) = (interval(EVERY), Instant::now() + BOUND);
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        anyhow::ensure!(Instant::now() < bound, "waited two minutes until {what}");
        ticks.tick().await;
    }
}
