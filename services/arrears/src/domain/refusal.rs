//! Why an event may not happen, with what would make it right.

use super::{Instant, case::HoldKind, late::SURE_BEFORE, proof::Method};

/// Why an event may not happen now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The event does not fit the state.
    #[error("a case that is {state} cannot {event}")]
    NotAllowed {
        /// Word of the state.
        state: &'static str,
        /// Word of the event.
        event: &'static str,
    },
    /// Life support.
    #[error("somebody's life depends on this supply: it is never cut for arrears")]
    NeverCut,
    /// Something stands in the way.
    #[error("the case is held: {}", .0.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", "))]
    Held(Vec<HoldKind>),
    /// Nothing to collect.
    #[error("the balance is below the smallest debt a supply is cut for")]
    NothingOwed,
    /// The balance is too old to cut on.
    #[error("the balance is of {as_of}; it must be asked of billing again, at most {max_s} s before")]
    BalanceStale {
        /// The moment it speaks of.
        as_of: Instant,
        /// Greatest age, seconds.
        max_s: i64,
    },
    /// Two people are needed.
    #[error("the author of the proposal cannot approve it")]
    OwnProposal,
    /// Nobody proposed it.
    #[error("nobody proposed the disconnection yet")]
    NoProposal,
    /// The class wants more.
    #[error("{field}: {must}")]
    ClassNeeds {
        /// The field.
        field: &'static str,
        /// What this class needs.
        must: &'static str,
    },
    /// The law says no.
    #[error("not lawful: {because}{}", .earliest.map(|at| format!("; earliest {at}")).unwrap_or_default())]
    Unlawful {
        /// The policy pack's reason.
        because: String,
        /// The first lawful moment, when there is one.
        earliest: Option<Instant>,
    },
    /// The lawful window of the notice is empty.
    #[error("a notice for {stop_at} cannot be served in time: {because}{}", last_of(.serve_by))]
    EmptyWindow {
        /// The moment of disconnection asked for.
        stop_at: Instant,
        /// The last moment at which it would have had to be served.
        serve_by: Option<Instant>,
        /// The policy pack's reason.
        because: String,
    },
    /// A text message.
    #[error("method: {} is not service; a visit, a recorded call, registered mail or an electronic signature is", .0.word())]
    NotService(Method),
    /// The evidence is incomplete.
    #[error("{field}: {must}")]
    Proof {
        /// The field.
        field: &'static str,
        /// What is right.
        must: &'static str,
    },
    /// Another meter than the one of the case.
    #[error("scanned_meter_no: is not the meter of this case; do not cut")]
    WrongMeter,
    /// Registry says something that takes the case back.
    #[error(
        "registry knows this supply otherwise by now (class {class}, meter {meter_no}): the case is {state} and goes on from there"
    )]
    KnownOtherwise {
        /// Word of the class.
        class: &'static str,
        /// Number on the meter.
        meter_no: String,
        /// Word of the state it is in now.
        state: &'static str,
    },
    /// The premises are in another outage.
    #[error("the premises are in another outage; nothing is cut there now")]
    OtherOutage,
    /// Nobody knows whether the premises have supply.
    #[error(
        "the ledger does not answer whether the premises are in another outage; nothing is cut without that"
    )]
    PremisesUnknown,
    /// An event, a holiday or the weather.
    #[error(
        "cuts are locked there until {until}: {reason}; name a time after it, or a manager lifts the lock"
    )]
    Locked {
        /// Kind and reason of the lock.
        reason: String,
        /// Its end.
        until: Instant,
    },
    /// Nobody knows whether cuts are locked there.
    #[error(
        "the planner does not answer whether cuts are locked there; nothing is cut without that, ask again"
    )]
    LocksUnknown,
    /// No release.
    #[error("release: {0}; do not cut")]
    NoRelease(&'static str),
    /// Paid before the cut, as far as anybody can show.
    #[error(
        "it was paid at {paid_at}, and the clocks do not show that it was cut {} minutes before at least",
        SURE_BEFORE.num_minutes()
    )]
    PaidBefore {
        /// The first payment.
        paid_at: Instant,
    },
    /// The request itself is incomplete.
    #[error("{field}: {must}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is right.
        must: &'static str,
    },
}

fn last_of(serve_by: &Option<Instant>) -> String {
    match serve_by {
        Some(at) => format!("; it would have to be served by {at}"),
        None => "; no moment of service makes it lawful".to_owned(),
    }
}

impl Refusal {
    /// The request's field that has to be mended, when it is the request that is wrong and not the moment.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Refusal::ClassNeeds { field, .. }
            | Refusal::Proof { field, .. }
            | Refusal::Field { field, .. } => Some(field),
            Refusal::NotService(_) => Some("method"),
            Refusal::NotAllowed { .. }
            | Refusal::NeverCut
            | Refusal::Held(_)
            | Refusal::NothingOwed
            | Refusal::BalanceStale { .. }
            | Refusal::OwnProposal
            | Refusal::NoProposal
            | Refusal::Unlawful { .. }
            | Refusal::EmptyWindow { .. }
            | Refusal::WrongMeter
            | Refusal::KnownOtherwise { .. }
            | Refusal::OtherOutage
            | Refusal::PremisesUnknown
            | Refusal::Locked { .. }
            | Refusal::LocksUnknown
            | Refusal::PaidBefore { .. }
            | Refusal::NoRelease(_) => None,
        }
    }
}
