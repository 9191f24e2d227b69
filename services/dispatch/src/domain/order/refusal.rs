//! Why an event may not happen, with what would make it right.

use chrono::{DateTime, Utc};

/// Why an event may not happen now.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The event does not fit the state.
    #[error("an order that is {state} cannot {event}")]
    NotAllowed {
        /// Word of the state.
        state: &'static str,
        /// Word of the event.
        event: &'static str,
    },
    /// The event belongs to orders of another kind.
    #[error("a {kind} order cannot {event}: {instead}")]
    NotItsKind {
        /// Word of the kind.
        kind: &'static str,
        /// Word of the event.
        event: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// Times never run backwards.
    #[error("the step is dated {at}, before the order's last step at {last_step_at}")]
    BeforeLastStep {
        /// Time of the event.
        at: DateTime<Utc>,
        /// Time of the step before.
        last_step_at: DateTime<Utc>,
    },
    /// The offer ran out.
    #[error("the offer ended at {take_by}; it has to be given again")]
    TooLate {
        /// End of the offer.
        take_by: DateTime<Utc>,
    },
    /// Returned once already.
    #[error("the order was returned before; a second return is decided by the dispatcher")]
    ReturnedBefore,
    /// The same crew again.
    #[error("the order is with that crew already")]
    SameCrew,
    /// Too far from the work (O28).
    #[error("the crew is {metres_off} m from the work (200 m at most); give a reason and a photo instead")]
    NotThere {
        /// Distance, metres.
        metres_off: u32,
    },
    /// Nobody knows where the work is, so no position proves arrival (O28).
    #[error("where the work is is not known; give a reason and a photo of the place instead")]
    PlaceUnknown,
    /// Neither a position nor a reason.
    #[error("position: must be given, or a reason with a photo")]
    NoPosition,
    /// A survey or reply without a cause.
    #[error("cause_code: must not be empty")]
    NoCause,
    /// A survey without an estimate.
    #[error("etr_at: must be given and lie after the survey")]
    NoEtr,
    /// Work without its safe steps (O4).
    #[error("{field}: {missing}")]
    Unsafe {
        /// The field.
        field: &'static str,
        /// What is missing.
        missing: String,
    },
    /// A suspension without a near review.
    #[error("review_at: must lie after now and at most 2 hours ahead")]
    ReviewTooFar,
    /// The crew that closed the order asked its own customer.
    #[error("the call-back is made by somebody other than the crew that closed the order")]
    OwnCallBack,
    /// Filed without a call-back and without a reason.
    #[error("no call-back is recorded; record one, or say in no_call_back_reason why there is none")]
    NoCallBack,
}

impl Refusal {
    /// The request's field that has to be mended, when it is the request that is wrong and not the moment.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Refusal::NoPosition => Some("position"),
            Refusal::NoCause => Some("cause_code"),
            Refusal::NoEtr => Some("etr_at"),
            Refusal::Unsafe { field, .. } => Some(field),
            Refusal::ReviewTooFar => Some("review_at"),
            Refusal::NotAllowed { .. }
            | Refusal::NotItsKind { .. }
            | Refusal::BeforeLastStep { .. }
            | Refusal::TooLate { .. }
            | Refusal::ReturnedBefore
            | Refusal::SameCrew
            | Refusal::NotThere { .. }
            | Refusal::PlaceUnknown
            | Refusal::OwnCallBack
            | Refusal::NoCallBack => None,
        }
    }
}
