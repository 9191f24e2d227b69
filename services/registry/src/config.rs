//! Section `registry` of the configuration, checked whole before anything starts.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::config;
use relight_policy::Pack;

/// A century: more means never, and has to be said some other way.
const DAYS_MAX: u32 = 36_500;

/// The rules of this deployment.
///
/// # Errors
/// When the pack does not load.
pub fn pack() -> anyhow::Result<Pack> {
    Ok(config::section::<relight_policy::Section>("policy")?.load()?)
}

/// The house's own numbers.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// A contact confirmed longer ago than this is said to be stale, days.
    pub contact_stale_days: u32,
}

impl Terms {
    /// The terms of this deployment.
    ///
    /// # Errors
    /// When a number is missing or out of its range.
    pub fn load() -> anyhow::Result<Terms> {
        let terms = config::section::<Terms>("registry")?;
        if !(1..=DAYS_MAX).contains(&terms.contact_stale_days) {
            anyhow::bail!(
                "section registry of the configuration: contact_stale_days must be from 1 to {DAYS_MAX}"
            );
        }
        Ok(terms)
    }

    /// Whether a contact last confirmed then is to be asked about before anybody relies on it at `now`.
    pub fn is_stale(&self, confirmed_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        let limit = TimeDelta::days(i64::from(self.contact_stale_days));
        confirmed_at.is_none_or(|at| now - at > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_stale_after_its_days_and_when_nobody_ever_asked() {
        let (terms, now) = (
            Terms {
                contact_stale_days: 365,
            },
            DateTime::UNIX_EPOCH,
        );
        assert!(terms.is_stale(None, now));
        assert!(!terms.is_stale(Some(now - TimeDelta::days(365)), now));
        let longer = now - TimeDelta::days(365) - TimeDelta::seconds(1);
        assert!(terms.is_stale(Some(longer), now));
    }
}
