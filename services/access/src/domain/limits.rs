//! How long a session lasts, and how many wrong passwords are too many.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Grant, Role};

/// Wrong passwords for one log-in name within [`window`] before it has to wait.
pub const FAILURES_MAX: usize = 5;

/// Time over which wrong passwords are counted: 15 minutes.
pub fn window() -> TimeDelta {
    TimeDelta::minutes(15)
}

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// At most.
    pub longest: TimeDelta,
    /// Unused, where that ends it.
    pub idle: Option<TimeDelta>,
}

/// Staff: 12 h, or 30 min unused. A crew's phone: 12 h also unused, since a shift without a signal must not end in
/// front of a log-in page.
pub fn of_staff(grants: &[Grant]) -> Lifetime {
    let phone = grants.iter().all(|grant| grant.role == Role::Crew);
    Lifetime {
        longest: TimeDelta::hours(12),
        idle: Some(TimeDelta::minutes(30)).filter(|_| !phone),
    }
}

/// Customers: 30 min.
pub fn of_customers() -> Lifetime {
    Lifetime {
        longest: TimeDelta::minutes(30),
        idle: None,
    }
}

/// Until when a log-in name has to wait, given the times of its wrong passwords, in order.
pub fn wait_until(failures: &[DateTime<Utc>], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let since = now - window();
    let recent: Vec<_> = failures.iter().filter(|at| **at > since).collect();
    let nth = recent.len().checked_sub(FAILURES_MAX)?;
    Some(*recent[nth] + window())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_wrong_password_makes_the_name_wait_until_one_is_forgotten() {
        let at = |minute| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let four: Vec<_> = [0, 1, 2, 3].map(at).to_vec();
        assert_eq!(wait_until(&four, at(4)), None);
        let five: Vec<_> = [0, 1, 2, 3, 4].map(at).to_vec();
        assert_eq!(wait_until(&five, at(5)), Some(at(15)));
        assert_eq!(wait_until(&five, at(15)), None);
        let six: Vec<_> = [0, 1, 2, 3, 4, 5].map(at).to_vec();
        assert_eq!(wait_until(&six, at(6)), Some(at(16)));
        assert_eq!(wait_until(&[], at(0)), None);
    }

    #[test]
    fn only_a_phone_stays_logged_in_unused() {
        let grant = |role| Grant {
            role,
            org_path: String::new(),
        };
        assert_eq!(of_staff(&[grant(Role::Crew)]).idle, None);
        assert_eq!(
            of_staff(&[grant(Role::Crew), grant(Role::Admin)]).idle,
            Some(TimeDelta::minutes(30))
        );
        assert_eq!(of_customers().longest, TimeDelta::minutes(30));
    }
}
