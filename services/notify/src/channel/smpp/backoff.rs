//! Pause before the next connection.

use std::time::Duration;

/// Doubles from `min` to `max` with every failed try; `roll` in [0, 1) takes up to half of it away, so that many
/// binds that lost one provider do not come back in step.
pub(super) fn pause(failures: u32, min: Duration, max: Duration, roll: f64) -> Duration {
    let full = min.saturating_mul(2u32.saturating_pow(failures.min(16))).min(max);
    full.mul_f64(1.0 - roll.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread() {
        let (min, max) = (Duration::from_millis(500), Duration::from_secs(60));
        let table = [
            (0, 0.0, 500),
            (1, 0.0, 1_000),
            (3, 0.0, 4_000),
            (7, 0.0, 60_000),
            (u32::MAX, 0.0, 60_000),
            (1, 1.0, 500),
        ];
        for (failures, roll, expected_ms) in table {
            assert_eq!(
                pause(failures, min, max, roll),
                Duration::from_millis(expected_ms),
                "{failures} {roll}"
            );
        }
    }
}
