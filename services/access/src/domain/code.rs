//! One-time codes: six digits, ten minutes, five wrong tries, three an hour.

use chrono::{DateTime, TimeDelta, Utc};

/// Codes made for one customer within an hour.
pub const PER_HOUR: i64 = 3;
/// Wrong tries that end a code.
pub const WRONG_MAX: i32 = 5;
const CODES: u64 = 1_000_000;

/// How long a code is good: 10 minutes.
pub fn lifetime() -> TimeDelta {
    TimeDelta::minutes(10)
}

/// The six digits from 8 random-looking bytes (the bias of the remainder is below 1 in 10^13).
pub fn digits(bytes: [u8; 8]) -> String {
    format!("{:06}", u64::from_be_bytes(bytes) % CODES)
}

/// What a try comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Right: the code is used up.
    Right,
    /// Wrong: counted.
    Wrong,
    /// Wrong for the last time: the code has ended.
    Last,
    /// Too late: counted as nothing.
    Expired,
}

/// Judges a try at a code that has seen `wrong` wrong ones.
pub fn judge(matches: bool, wrong: i32, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Verdict {
    match (now < expires_at, matches) {
        (false, _) => Verdict::Expired,
        (true, true) => Verdict::Right,
        (true, false) if wrong + 1 >= WRONG_MAX => Verdict::Last,
        (true, false) => Verdict::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_is_right_wrong_last_or_late() {
        let (now, later) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::seconds(1));
        for (matches, wrong, expires_at, verdict) in [
            (true, 0, later, Verdict::Right),
            (true, 4, later, Verdict::Right),
            (false, 0, later, Verdict::Wrong),
            (false, 3, later, Verdict::Wrong),
            (false, 4, later, Verdict::Last),
            (true, 0, now, Verdict::Expired),
            (false, 4, now, Verdict::Expired),
        ] {
            assert_eq!(judge(matches, wrong, expires_at, now), verdict);
        }
    }

    #[test]
    fn codes_always_have_six_digits() {
        assert_eq!(digits([0; 8]), "000000");
        assert_eq!(digits(42_u64.to_be_bytes()), "000042");
        assert_eq!(digits([255; 8]), "551615");
    }
}
