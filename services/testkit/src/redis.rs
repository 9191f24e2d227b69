//! The test Redis, with a namespace per test: nobody reads another's streams.

use anyhow::Context;
use relight_common::config::Redis;
use uuid::Uuid;

/// Names the server tests use; `cargo xtask test` starts one and sets it.
pub const URL: &str = "RELIGHT_TEST_REDIS_URL";

/// Settings of a Redis of the test's own.
///
/// # Errors
/// When no test server is given.
pub fn namespace() -> anyhow::Result<Redis> {
    Ok(Redis {
        url: std::env::var(URL)
            .with_context(|| format!("{URL} is not set: run the tests with `cargo xtask test`"))?,
        namespace: format!("t{}", Uuid::now_v7().simple()),
    })
}
