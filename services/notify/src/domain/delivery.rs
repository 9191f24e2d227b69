//! What becomes of a message, judged from the latest attempt of each of its segments.

use chrono::{DateTime, TimeDelta, Utc};

use super::notice::words;
use crate::channel::{Outcome, Refusal, smpp};

words!(
    /// What became of one attempt to hand one segment over.
    Handed {
        /// Written before the call; a crash leaves it so.
        Submitting = "submitting",
        /// The provider answers for it.
        Accepted = "accepted",
        /// Refused, passing.
        Transient = "transient",
        /// Refused for good.
        Permanent = "permanent",
        /// Refused: too fast.
        Throttled = "throttled",
        /// It never left.
        Unsent = "unsent",
        /// It may have left.
        Unknown = "unknown",
    }
);

words!(
    /// What a receipt says.
    Receipt {
        /// Not final.
        UnderWay = "under_way",
        /// On the phone.
        Delivered = "delivered",
        /// Given up, by any name.
        Lost = "lost",
    }
);

impl Handed {
    /// The word for an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Accepted { .. } => Handed::Accepted,
            Outcome::Refused {
                refusal: Refusal::Transient,
                ..
            } => Handed::Transient,
            Outcome::Refused {
                refusal: Refusal::Permanent,
                ..
            } => Handed::Permanent,
            Outcome::Refused {
                refusal: Refusal::Throttled,
                ..
            } => Handed::Throttled,
            Outcome::Unsent(_) => Handed::Unsent,
            Outcome::Unknown(_) => Handed::Unknown,
        }
    }

    /// Whether the segment may be handed over again without doubling it.
    pub fn may_repeat(self) -> bool {
        match self {
            Handed::Transient | Handed::Throttled | Handed::Unsent => true,
            Handed::Submitting | Handed::Accepted | Handed::Permanent | Handed::Unknown => false,
        }
    }
}

impl Receipt {
    /// The word for a provider's state.
    pub fn of(state: smpp::State) -> Self {
        match state {
            smpp::State::Delivered => Receipt::Delivered,
            state if state.is_final() => Receipt::Lost,
            _ => Receipt::UnderWay,
        }
    }

    /// Whether no other receipt changes it.
    pub fn is_final(self) -> bool {
        self != Receipt::UnderWay
    }
}

/// The latest attempt of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// How handing it over went.
    pub handed: Handed,
    /// What was said of it later.
    pub receipt: Option<Receipt>,
}

/// Where a message stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Under way to the provider.
    Submitting,
    /// The provider has all of it.
    Submitted,
    /// All of it is on the phone.
    Delivered,
    /// Lost for good.
    Failed(&'static str),
    /// Nobody knows, and it is not sent again blindly.
    Unknown,
    /// To be tried again then.
    Queued(DateTime<Utc>),
    /// Not worth another try.
    Expired,
}

/// Waits between tries, seconds; the last one repeats.
const BACKOFF_S: [i64; 5] = [5, 30, 120, 300, 900];

/// When try number `tries` (from 1) may be followed by another. `roll`: 0 to 1, spreads by 20 % each way.
pub fn next_try_at(tries: i32, now: DateTime<Utc>, roll: f64) -> DateTime<Utc> {
    let step = usize::try_from(tries.saturating_sub(1))
        .unwrap_or(0)
        .min(BACKOFF_S.len() - 1);
    let spread = 800 + (400.0 * roll.clamp(0.0, 1.0)) as i64;
    now + TimeDelta::milliseconds(BACKOFF_S[step] * spread)
}

/// The worst of all segments; what can be repeated is, while it is worth it.
pub fn judge(segments: &[Segment], next_at: DateTime<Utc>, expires_at: DateTime<Utc>) -> Standing {
    let any = |is: fn(&Segment) -> bool| segments.iter().any(is);
    let all = |is: fn(&Segment) -> bool| !segments.is_empty() && segments.iter().all(is);
    if any(|s| s.receipt == Some(Receipt::Lost)) {
        Standing::Failed("the network could not deliver it")
    } else if any(|s| s.handed == Handed::Permanent) {
        Standing::Failed("the provider refused it for good")
    } else if any(|s| s.handed == Handed::Submitting) {
        Standing::Submitting
    } else if any(|s| s.handed == Handed::Unknown) {
        Standing::Unknown
    } else if all(|s| s.receipt == Some(Receipt::Delivered)) {
        Standing::Delivered
    } else if all(|s| s.handed == Handed::Accepted) {
        Standing::Submitted
    } else if next_at < expires_at {
        Standing::Queued(next_at)
    } else if any(|s| s.handed == Handed::Accepted) {
        Standing::Failed("a part of it could not be handed over in time")
    } else {
        Standing::Expired
    }
}

impl Standing {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Submitting => "submitting",
            Standing::Submitted => "submitted",
            Standing::Delivered => "delivered",
            Standing::Failed(_) => "failed",
            Standing::Unknown => "unknown",
            Standing::Queued(_) => "queued",
            Standing::Expired => "expired",
        }
    }

    /// Why, in words.
    pub fn reason(self) -> &'static str {
        match self {
            Standing::Failed(why) => why,
            Standing::Unknown => "the provider may have it; a receipt decides",
            Standing::Expired => "it could not be handed over while it was worth it",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-22T02:00:00Z".parse().unwrap()
    }

    fn of(segments: &[(Handed, Option<Receipt>)]) -> Standing {
        let segments: Vec<_> = segments
            .iter()
            .map(|(handed, receipt)| Segment {
                handed: *handed,
                receipt: *receipt,
            })
            .collect();
        judge(
            &segments,
            now() + TimeDelta::seconds(5),
            now() + TimeDelta::hours(1),
        )
    }

    #[test]
    fn a_message_stands_as_its_worst_segment() {
        use Handed::{Accepted, Permanent, Submitting, Throttled, Transient, Unknown, Unsent};
        let again = Standing::Queued(now() + TimeDelta::seconds(5));
        let (delivered, lost) = (Some(Receipt::Delivered), Some(Receipt::Lost));
        let under_way = Some(Receipt::UnderWay);
        assert_eq!(of(&[(Accepted, None), (Accepted, None)]), Standing::Submitted);
        assert_eq!(
            of(&[(Accepted, delivered), (Accepted, None)]),
            Standing::Submitted
        );
        assert_eq!(
            of(&[(Accepted, delivered), (Accepted, under_way)]),
            Standing::Submitted
        );
        assert_eq!(
            of(&[(Accepted, delivered), (Accepted, delivered)]),
            Standing::Delivered
        );
        assert!(matches!(
            of(&[(Accepted, delivered), (Accepted, lost)]),
            Standing::Failed(_)
        ));
        assert!(matches!(
            of(&[(Permanent, None), (Unknown, None)]),
            Standing::Failed(_)
        ));
        assert_eq!(of(&[(Accepted, None), (Unknown, None)]), Standing::Unknown);
        assert_eq!(of(&[(Submitting, None), (Unknown, None)]), Standing::Submitting);
        for handed in [Transient, Throttled, Unsent] {
            assert_eq!(of(&[(Accepted, None), (handed, None)]), again, "{handed:?}");
            assert!(handed.may_repeat());
        }
        assert!(!Unknown.may_repeat() && !Accepted.may_repeat() && !Submitting.may_repeat());
    }

    #[test]
    fn after_its_time_a_message_is_not_tried_again() {
        let unsent = Segment {
            handed: Handed::Unsent,
            receipt: None,
        };
        let accepted = Segment {
            handed: Handed::Accepted,
            receipt: None,
        };
        assert_eq!(judge(&[unsent], now(), now()), Standing::Expired);
        assert!(matches!(
            judge(&[accepted, unsent], now(), now()),
            Standing::Failed(_)
        ));
    }

    #[test]
    fn waits_grow_and_spread() {
        let wait = |tries, roll| (next_try_at(tries, now(), roll) - now()).num_milliseconds();
        assert_eq!(
            [wait(1, 0.5), wait(2, 0.5), wait(3, 0.5)],
            [5_000, 30_000, 120_000]
        );
        assert_eq!((wait(1, 0.0), wait(1, 1.0)), (4_000, 6_000));
        assert_eq!((wait(0, 0.5), wait(99, 0.5)), (5_000, 900_000));
    }
}
