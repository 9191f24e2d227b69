//! Supply that is switched off because of danger (operations.md O1). Nothing here may say no to the switching: it is done
//! already. What is refused is only a record that cannot be true.

use chrono::TimeDelta;
use relight_policy::Pack;

use super::window::Instant;

/// How far back a switching may lie when it is recorded: paper from a night without a network.
pub const LATEST: TimeDelta = TimeDelta::hours(24);

macro_rules! dangers {
    ($($(#[$meta:meta])* $name:ident = $word:literal, $zh:literal, $en:literal;)+) => {
        /// Why it could not wait.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Danger { $($(#[$meta])* $name),+ }

        impl Danger {
            /// Every danger.
            pub const ALL: &[Danger] = &[$(Danger::$name),+];

            /// The word in the database and on the wire.
            pub fn word(self) -> &'static str {
                match self { $(Danger::$name => $word),+ }
            }

            /// As customers are told, Chinese and English.
            pub fn said(self) -> (&'static str, &'static str) {
                match self { $(Danger::$name => ($zh, $en)),+ }
            }

            /// Reads the word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|danger| danger.word() == word)
            }
        }
    };
}

dangers! {
    /// Something burns.
    Fire = "fire", "火情", "a fire";
    /// A wire is down.
    FallenWire = "fallen_wire", "导线断落", "a fallen wire";
    /// Somebody is caught at or near the line.
    PersonTrapped = "person_trapped", "人员遇险", "a person in danger";
    /// Water reaches what is live.
    Flood = "flood", "水浸", "flooding";
    /// Needed so that people can work on what broke.
    Isolation = "isolation", "抢修隔离", "urgent repair";
    /// Police or fire service ordered it (domain.md 5.5 no. 29).
    Authority = "authority", "应急处置", "an emergency";
}

/// What is wrong with the time of a switching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not done yet.
    #[error("must not be in the future: a safety switch-off is recorded after it was done")]
    Future,
    /// Too long ago.
    #[error("must be at most 24 hours ago")]
    TooOld,
}

/// Whether a switching at `at` may be recorded at `now`.
///
/// # Errors
/// A [`Fault`].
pub fn recordable(at: Instant, now: Instant) -> Result<(), Fault> {
    if at > now {
        Err(Fault::Future)
    } else if now - at > LATEST {
        Err(Fault::TooOld)
    } else {
        Ok(())
    }
}

/// Within which customers are told. None: the pack does not say.
pub fn tell_within(pack: &Pack, at: Instant) -> Option<TimeDelta> {
    pack.duration("planned.safety_tell_within", at).ok()
}

/// Whether people were told later than `within`, when they are told at `now`.
pub fn is_told_late(switched_off_at: Instant, now: Instant, within: Option<TimeDelta>) -> bool {
    within.is_some_and(|within| now - switched_off_at > within)
}

/// When it is said that somebody has no proof of being told: as long after the switching as they are to be told within; as long
/// after a record that came later than that.
pub fn untold_at(switched_off_at: Instant, recorded_at: Instant, within: TimeDelta) -> Instant {
    let due = switched_off_at + within;
    if due > recorded_at {
        due
    } else {
        recorded_at + within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_time_that_cannot_be_true_is_refused() {
        let now: Instant = "2026-03-01T02:00:00Z".parse().unwrap();
        let within = tell_within(&Pack::load("CN-SGCC").unwrap(), now);
        let table = [
            (0, Ok(()), false),
            (-15 * 60, Ok(()), false),
            (-15 * 60 - 1, Ok(()), true),
            (-24 * 3_600, Ok(()), true),
            (-24 * 3_600 - 1, Err(Fault::TooOld), true),
            (1, Err(Fault::Future), false),
        ];
        for (seconds, expected, late) in table {
            let at = now + TimeDelta::seconds(seconds);
            assert_eq!(recordable(at, now), expected, "{seconds} s");
            assert_eq!(is_told_late(at, now, within), late, "{seconds} s");
            assert!(!is_told_late(at, now, None), "a pack that does not say");
        }
    }

    #[test]
    fn proof_is_looked_for_when_people_should_have_been_told() {
        let at: Instant = "2026-03-01T02:00:00Z".parse().unwrap();
        let min = TimeDelta::minutes;
        let looked = |recorded: i64| untold_at(at, at + min(recorded), min(15)) - at;
        assert_eq!([0, 4, 14, 15, 40].map(looked), [15, 15, 15, 30, 55].map(min));
    }

    #[test]
    fn every_danger_is_read_back_from_its_word() {
        for danger in Danger::ALL {
            assert_eq!(Danger::parse(danger.word()), Some(*danger));
        }
        assert_eq!(Danger::parse("planned"), None);
    }
}
