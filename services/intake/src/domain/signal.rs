//! Signals of meters and telemetry: what they may say, within which bounds.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::Invalid;

use super::report::{AHEAD_MAX, LATE_MAX};

/// Signals in one call.
pub const BATCH_MAX: usize = 1_000;

/// What was heard: a report, a signal, a restoration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// A customer called.
    Call,
    /// A meter's last word.
    LastGasp,
    /// A meter was asked and is off.
    PingOff,
    /// A meter was asked and has supply.
    PingOn,
    /// Telemetry: a device opened.
    ScadaOpen,
    /// Telemetry: a device is closed.
    ScadaClosed,
    /// A meter's own relay is open: cut at the meter, the network has nothing to do with it.
    RelayOpen,
    /// A meter's own relay is closed.
    RelayClosed,
    /// A prepaid meter's credit is used up.
    CreditOut,
    /// There is credit again.
    CreditIn,
    /// A crew restored the section.
    Restored,
    /// The network is switched so that it is fed another way than when it went off.
    FedAgain,
    /// It is switched back, and off as before.
    LostAgain,
}

impl Heard {
    /// Everything that can be heard.
    pub const ALL: [Heard; 13] = [
        Heard::Call,
        Heard::LastGasp,
        Heard::PingOff,
        Heard::PingOn,
        Heard::ScadaOpen,
        Heard::ScadaClosed,
        Heard::RelayOpen,
        Heard::RelayClosed,
        Heard::CreditOut,
        Heard::CreditIn,
        Heard::Restored,
        Heard::FedAgain,
        Heard::LostAgain,
    ];

    /// The word on the wire and in the table.
    pub fn word(self) -> &'static str {
        match self {
            Heard::Call => "call",
            Heard::LastGasp => "last_gasp",
            Heard::PingOff => "ping_off",
            Heard::PingOn => "ping_on",
            Heard::ScadaOpen => "scada_open",
            Heard::ScadaClosed => "scada_closed",
            Heard::RelayOpen => "relay_open",
            Heard::RelayClosed => "relay_closed",
            Heard::CreditOut => "credit_out",
            Heard::CreditIn => "credit_in",
            Heard::Restored => "restored",
            Heard::FedAgain => "fed_again",
            Heard::LostAgain => "lost_again",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Heard> {
        Heard::ALL.into_iter().find(|heard| heard.word() == word)
    }

    /// Whether a meter says that there is no supply.
    pub fn is_off_meter(self) -> bool {
        matches!(self, Heard::LastGasp | Heard::PingOff)
    }

    /// Whether it is said by this service or by others of the platform, and not by a source of signals.
    fn is_ours(self) -> bool {
        matches!(
            self,
            Heard::Call | Heard::Restored | Heard::FedAgain | Heard::LostAgain
        )
    }

    /// Whether it is about a device; otherwise it is about a meter.
    pub fn is_telemetry(self) -> bool {
        matches!(self, Heard::ScadaOpen | Heard::ScadaClosed)
    }
}

/// Reads the word of a signal.
///
/// # Errors
/// [`Invalid`] listing the words.
pub fn kind(word: &str) -> Result<Heard, Invalid> {
    let signals = || Heard::ALL.into_iter().filter(|heard| !heard.is_ours());
    signals().find(|heard| heard.word() == word).ok_or_else(|| {
        let words: Vec<_> = signals().map(Heard::word).collect();
        Invalid::new("kind", format!("must be one of {}", words.join(", ")))
    })
}

/// The time of a signal received at `now`: a clock a little ahead means now.
///
/// # Errors
/// [`Invalid`] when it lies in the future or too far back.
pub fn time(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Invalid> {
    if at > now + AHEAD_MAX {
        return Err(Invalid::new("at", "must not be in the future"));
    }
    if at < now - LATE_MAX {
        let days = LATE_MAX.num_days();
        return Err(Invalid::new(
            "at",
            format!("must not be more than {days} days ago"),
        ));
    }
    Ok(at.min(now))
}

/// Reads the name of a source.
///
/// # Errors
/// [`Invalid`] when it is not made of a to z, 0 to 9, _ and -, or is one this service uses itself.
pub fn source(name: &str) -> Result<&str, Invalid> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    let own = ["report", "dispatch", "answer", "registry", "switching"].contains(&name);
    if (1..=40).contains(&name.len()) && name.bytes().all(good) && !own {
        Ok(name)
    } else {
        Err(Invalid::new(
            "source",
            "must be the name of a head-end or telemetry system: 1 to 40 of a-z, 0-9, _ and -; not report, dispatch, answer, registry or switching",
        ))
    }
}

/// How long a reading of a meter's relay says something about now.
pub const RELAY_FRESH: TimeDelta = TimeDelta::days(3);

/// A relay that opens because credit is used up does so around the moment at which the meter says that.
pub const RELAY_AROUND: TimeDelta = TimeDelta::hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_and_reports_are_no_signals() {
        for heard in Heard::ALL {
            assert_eq!(Heard::parse(heard.word()), Some(heard));
        }
        assert_eq!(kind("last_gasp").ok(), Some(Heard::LastGasp));
        for word in ["call", "restored", "fed_again", "", "LAST_GASP"] {
            assert!(
                kind(word).unwrap_err().to_string().contains("last_gasp"),
                "{word}"
            );
        }
    }

    #[test]
    fn late_is_normal_too_late_and_the_future_are_not() {
        let now: DateTime<Utc> = "2026-11-26T10:00:00Z".parse().unwrap();
        let cases = [
            (now, Some(now)),
            (now - TimeDelta::hours(5), Some(now - TimeDelta::hours(5))),
            (now + TimeDelta::minutes(1), Some(now)),
            (now + TimeDelta::minutes(3), None),
            (now - TimeDelta::days(8), None),
            (DateTime::<Utc>::MIN_UTC, None),
            (DateTime::<Utc>::MAX_UTC, None),
        ];
        for (at, right) in cases {
            assert_eq!(time(at, now).ok(), right, "{at}");
        }
    }

    #[test]
    fn a_source_has_a_plain_name_that_is_not_ours() {
        for good in ["hes", "scada-1", "ami_west"] {
            assert!(source(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "HES",
            "a b",
            "report",
            "dispatch",
            "answer",
            "registry",
            "switching",
            &"x".repeat(41),
        ] {
            assert!(source(bad).is_err(), "{bad}");
        }
    }
}
