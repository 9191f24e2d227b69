//! Section `http` of the configuration, and what the pages say from `notices`.

use chrono_tz::Tz;
use relight_common::{config::section, edge::Limits};
use serde::Deserialize;

/// Section `http`.
#[derive(Debug, Clone, Deserialize)]
pub struct Http {
    /// Largest request body, bytes.
    pub body_max: usize,
    /// Cookies are marked Secure.
    pub secure_cookies: bool,
    /// Zone of times where the place has none of its own.
    pub zone: Tz,
    /// Rates.
    #[serde(flatten)]
    pub limits: Limits,
}

/// Section `notices`: how the utility calls itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Notices {
    /// Chinese name.
    pub org_zh: String,
    /// English name.
    pub org_en: String,
    /// Number customers call.
    pub phone: String,
}

/// Reads both sections.
///
/// # Errors
/// Names the key that is wrong.
pub fn load() -> anyhow::Result<(Http, Notices)> {
    let http: Http = section("http")?;
    anyhow::ensure!(
        (1_024..=16 * 1024 * 1024).contains(&http.body_max),
        "http.body_max must be from 1024 to 16777216 bytes"
    );
    for (name, value) in [
        ("public_per_s", http.limits.public_per_s),
        ("public_burst", http.limits.public_burst),
        ("session_per_s", http.limits.session_per_s),
        ("session_burst", http.limits.session_burst),
    ] {
        anyhow::ensure!(value > 0, "http.{name} must be at least 1");
    }
    Ok((http, section("notices")?))
}
