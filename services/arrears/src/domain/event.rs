//! What can happen to a case, and what follows from it for others.

use chrono::{NaiveDate, TimeDelta};
use uuid::Uuid;

use super::{
    Instant,
    call::Call,
    case::{Filing, Held, HoldKind, Overdue, PreNotice, Reminder},
    class::Class,
    known::Known,
    proof::Proof,
};

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The customer was reminded.
    Remind(Reminder),
    /// Somebody asks for the disconnection.
    Propose {
        /// Who.
        author: String,
        /// Why.
        reason: String,
    },
    /// Somebody allows it.
    Approve {
        /// Who, by person id.
        approver: String,
        /// Their name.
        approver_name: String,
        /// The approver decides as a manager.
        manager: bool,
        /// Why it is done although the rule of the class is that it is not.
        exception: Option<String>,
    },
    /// The notice is written.
    Issue {
        /// Its number.
        number: String,
        /// By whom.
        issuer: String,
        /// When supply is to stop.
        stop_at: Instant,
        /// Which of the bills it names are past their day.
        overdue: Option<Overdue>,
    },
    /// The notice reached the customer.
    Serve {
        /// The evidence.
        proof: Proof,
        /// Copy at the authority.
        filing: Option<Filing>,
        /// How the occupants of a shared supply were told.
        occupants: Option<String>,
    },
    /// The last warning reached the customer.
    PreNotice {
        /// The warning.
        warning: PreNotice,
        /// Agreement on a safe shut-down, for processes that need one.
        safe_shutdown: Option<String>,
    },
    /// The supply was cut with a release token.
    Cut(Doing),
    /// The supply is off without a release: cut without a signal, by mistake, or found so.
    FoundOff {
        /// Since when.
        off_at: Instant,
        /// What is known, in words.
        reason: String,
    },
    /// A cut turns out to have been wrong.
    FindWrongful {
        /// Why, in words.
        reason: String,
    },
    /// Supply is back.
    Reconnect {
        /// The customer was told to switch off and that supply returns.
        told: bool,
        /// Who switched on.
        by: String,
    },
    /// The customer confirms supply, or somebody says why nobody asked.
    Close,
    /// Billing speaks of the balance.
    Money(Owed),
    /// A plan to pay was agreed.
    AcceptPlan {
        /// Until when it runs; kept, the rest is nothing.
        until: Instant,
    },
    /// Something stands in the way.
    Hold {
        /// What.
        kind: HoldKind,
        /// Until when, why, and how much of the debt.
        held: Held,
    },
    /// It does no longer.
    Release {
        /// What.
        kind: HoldKind,
    },
    /// The kind of customer or supply is known better.
    Classify {
        /// The class.
        class: Class,
        /// Why; needed where it asks less than before.
        reason: String,
    },
    /// Registry was asked.
    Registry(Known),
    /// The company gives the case up.
    Withdraw {
        /// Why, in words.
        reason: String,
    },
    /// A message that was proof reached somebody else (operations.md O15).
    Disprove {
        /// The message, as the proof names it.
        record: String,
        /// It also reached the customer, at another contact, then.
        stands_at: Option<Instant>,
    },
    /// A contact that may have been called is somebody else's (operations.md O15).
    Stranger {
        /// Of registry.
        contact: Uuid,
    },
    /// Time has passed.
    Look,
}

impl Event {
    /// The call it rests on.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Event::Remind(reminder) => reminder.call.as_ref(),
            Event::PreNotice { warning, .. } => warning.call.as_ref(),
            Event::Serve { proof, .. } => proof.call.as_ref(),
            _ => None,
        }
    }

    /// The word in the list of steps.
    pub fn word(&self) -> &'static str {
        match self {
            Event::Remind(_) => "remind",
            Event::Propose { .. } => "propose",
            Event::Approve { .. } => "approve",
            Event::Issue { .. } => "issue_notice",
            Event::Serve { .. } => "serve",
            Event::PreNotice { .. } => "pre_notice",
            Event::Cut(_) => "cut",
            Event::FoundOff { .. } => "found_off",
            Event::FindWrongful { .. } => "find_wrongful",
            Event::Reconnect { .. } => "reconnect",
            Event::Close => "close",
            Event::Money(_) => "money",
            Event::AcceptPlan { .. } => "accept_plan",
            Event::Hold { .. } => "hold",
            Event::Release { .. } => "release_hold",
            Event::Classify { .. } => "classify",
            Event::Registry(_) => "registry",
            Event::Withdraw { .. } => "withdraw",
            Event::Disprove { .. } => "disprove",
            Event::Stranger { .. } => "stranger",
            Event::Look => "look",
        }
    }
}

/// What billing says of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// What is owed, hundredths of the currency.
    pub balance_cents: i64,
    /// The moment it speaks of.
    pub as_of: Instant,
    /// The day the oldest bill that payments have left was due; `None`: not known.
    pub due_on: Option<NaiveDate>,
    /// What was paid since the notice that holds was issued, hundredths of the currency.
    pub paid_cents: i64,
    /// The first payment that is not in the balance billing told, where that balance itself is no smaller than the one
    /// before it: until then nothing was paid. `None`: not known.
    pub first_paid_at: Option<Instant>,
}

/// A cut as the crew reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doing {
    /// Number the crew scanned on the meter.
    pub scanned_meter_no: String,
    /// Who did it.
    pub by: String,
    /// The second person on site.
    pub second: String,
    /// SHA-256 of the photo before; empty when the desk was told by voice: it follows from the phone.
    pub photo_before_sha256: String,
    /// SHA-256 of the photo after, in the same way.
    pub photo_after_sha256: String,
    /// Field of the photo without which this is no proven cut, while its bytes are not stored.
    pub missing_photo: Option<&'static str>,
    /// Nobody there is in danger by it.
    pub nobody_at_risk: bool,
    /// Since when the supply is off already; `None`: it is cut only if the answer is yes.
    pub done_at: Option<Instant>,
    /// How far the clock that says so was off ours when it told, phone less ours; `None`: a word, no clock.
    pub clock_off: Option<TimeDelta>,
}

/// What follows for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Release tokens of this case are void and a crew on the way stops.
    StopCrew,
    /// The regulator's list of wrongful disconnections gets an entry, the customer an apology.
    Report,
}
