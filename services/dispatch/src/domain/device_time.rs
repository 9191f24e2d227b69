//! When something really happened, told by a phone whose clock may be wrong (design.md 3a).

use chrono::{DateTime, TimeDelta, Utc};

/// A larger correction is marked.
const SKEW_MAX: TimeDelta = TimeDelta::minutes(2);
/// No clock is off by more; larger offsets are cut, which also keeps the arithmetic in range.
const OFFSET_MAX: TimeDelta = TimeDelta::days(366);

/// What a phone says about the time of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceTime {
    /// The phone's clock at the operation.
    pub device_at: DateTime<Utc>,
    /// Server time minus phone time as measured at sync.
    pub offset: TimeDelta,
    /// When the edge got it.
    pub received_at: DateTime<Utc>,
}

/// A time that can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Corrected and bounded.
    pub at: DateTime<Utc>,
    /// The phone's clock was off, or had to be overruled, by more than two minutes.
    pub skewed: bool,
}

impl DeviceTime {
    /// The corrected time, not before `earliest` (the offer, the last step) and not after it was received.
    pub fn bounded(self, earliest: DateTime<Utc>, now: DateTime<Utc>) -> Stamp {
        let latest = self.received_at.min(now).max(earliest);
        let offset = self.offset.clamp(-OFFSET_MAX, OFFSET_MAX);
        let corrected = self.device_at.checked_add_signed(offset).unwrap_or(latest);
        let at = corrected.clamp(earliest, latest);
        Stamp {
            at,
            skewed: offset.abs() > SKEW_MAX || (corrected - at).abs() > SKEW_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_corrected_then_bounded_and_large_corrections_are_marked() {
        let offer: DateTime<Utc> = "2026-03-01T02:00:00Z".parse().expect("an instant");
        let received = offer + TimeDelta::minutes(30);
        // (device minute after the offer, offset minutes, expected minute, marked)
        let cases = [
            (10, 0, 10, false),
            (10, 1, 11, false),
            (10, 2, 12, false),
            (10, -5, 5, true),
            (-1, 0, 0, false),
            (-10, 0, 0, true),
            (31, 0, 30, false),
            (90, 0, 30, true),
            (90, -60, 30, true),
            (70, -60, 10, true),
        ];
        for (device, offset, expected, marked) in cases {
            let said = DeviceTime {
                device_at: offer + TimeDelta::minutes(device),
                offset: TimeDelta::minutes(offset),
                received_at: received,
            };
            let stamp = said.bounded(offer, received + TimeDelta::seconds(1));
            assert_eq!(
                stamp.at,
                offer + TimeDelta::minutes(expected),
                "{device} {offset}"
            );
            assert_eq!(stamp.skewed, marked, "{device} {offset}");
        }
    }

    #[test]
    fn absurd_clocks_stay_in_bounds() {
        let offer: DateTime<Utc> = "2026-03-01T02:00:00Z".parse().expect("an instant");
        for (device_at, offset) in [
            (DateTime::<Utc>::MAX_UTC, TimeDelta::MAX),
            (DateTime::<Utc>::MIN_UTC, TimeDelta::MIN),
        ] {
            let said = DeviceTime {
                device_at,
                offset,
                received_at: DateTime::<Utc>::MAX_UTC,
            };
            let stamp = said.bounded(offer, offer + TimeDelta::minutes(1));
            assert!(stamp.skewed && stamp.at >= offer && stamp.at <= offer + TimeDelta::minutes(1));
        }
    }
}
