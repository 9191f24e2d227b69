//! What a refusal's `command_status` means for another try (SMPP 3.4 section 5.1.3).

use crate::channel::Refusal;

const MESSAGE_QUEUE_FULL: u32 = 0x14;
const THROTTLED: u32 = 0x58;

/// Temporary error of the receiver: the provider keeps the receipt and sends it again.
pub(super) const TRY_AGAIN: u32 = 0x64;

/// The meaning of `status`.
///
/// Reserved and vendor codes count as passing: the provider does not have the message, and the owner of the attempts
/// bounds how often and how long it is tried.
pub(super) fn refusal(status: u32) -> Refusal {
    match status {
        MESSAGE_QUEUE_FULL | THROTTLED => Refusal::Throttled,
        // Faults of lengths, commands, flags, addresses, message id.
        0x01..=0x03 | 0x06 | 0x07 | 0x0a..=0x0c => Refusal::Permanent,
        // Service type, destinations, lists, replace, esm_class, type and plan of numbers.
        0x15 | 0x33 | 0x34 | 0x40 | 0x42..=0x44 | 0x48..=0x51 => Refusal::Permanent,
        // System type, replace flag, number of messages, schedule, validity, canned message.
        0x53..=0x55 | 0x61..=0x63 => Refusal::Permanent,
        // Permanent error and rejection by the receiver; optional parameters.
        0x65 | 0x66 | 0xc0..=0xc4 => Refusal::Permanent,
        _ => Refusal::Transient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_mean_what_the_standard_says() {
        let table = [
            (0x58, Refusal::Throttled),
            (0x14, Refusal::Throttled),
            (0x0b, Refusal::Permanent),
            (0x01, Refusal::Permanent),
            (0x66, Refusal::Permanent),
            (0x08, Refusal::Transient),
            (0x45, Refusal::Transient),
            (0x64, Refusal::Transient),
            (0x0499, Refusal::Transient),
        ];
        for (status, expected) in table {
            assert_eq!(refusal(status), expected, "{status:#x}");
        }
    }
}
