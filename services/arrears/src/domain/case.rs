//! One arrears case: what is known of the debt, and where the case stands.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Instant, call::Call, class::Class, proof::Proof, service::Proven};
pub use super::{
    hold::{Held, HoldKind},
    stood::Stood,
};

/// One debt of one account, from overdue to its end. Paid and overdue again is a new case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The day the oldest unpaid bill was due, in [`zone`](Self::zone).
    pub due_on: NaiveDate,
    /// Zone of the supply point.
    pub zone: Tz,
    /// When the case was opened; the version of the policy pack of that moment rules it to the end.
    pub opened_at: Instant,
    /// Kind of customer or supply.
    pub class: Class,
    /// What registry last said of it; `None` before it was asked, on cases of before that was kept.
    #[serde(default)]
    pub registered: Option<Class>,
    /// Number on the meter; the only one that may be cut (O10).
    pub meter_no: String,
    /// The largest balance since the case was opened, hundredths of the currency.
    pub debt_cents: i64,
    /// What is owed as billing last said, fees included, hundredths of the currency.
    pub balance_cents: i64,
    /// The moment billing spoke of.
    pub balance_at: Instant,
    /// ISO 4217 code of every amount of the case, as the policy pack had it when the case was opened.
    #[serde(default)]
    pub currency: String,
    /// What stands in the way, whatever the state.
    pub holds: BTreeMap<HoldKind, Held>,
    /// Every reminder, oldest first, for the notice.
    pub reminders: Vec<Reminder>,
    /// Where it stands.
    pub state: State,
}

/// A reminder with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// When it reached the customer.
    pub at: Instant,
    /// `phone`, `post`, `visit`, `sms`, `email`.
    pub channel: String,
    /// Number of the recording, receipt or message.
    pub record: String,
    /// Whom a call reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// SHA-256 of the photo of a visit, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo_sha256: Option<String>,
}

/// Somebody asked for the disconnection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Who.
    pub author: String,
    /// Why, in words.
    pub reason: String,
}

/// Somebody else allowed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who, by person id.
    pub approver: String,
    /// Their name at that time, for the notice; empty on cases of before names were kept.
    #[serde(default)]
    pub approver_name: String,
    /// The approver decides as a manager.
    pub manager: bool,
    /// When.
    pub at: Instant,
    /// Why it is done although the rule of the class is that it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

impl Approval {
    /// The name for the notice.
    pub fn called(&self) -> &str {
        called(&self.approver, &self.approver_name)
    }
}

/// A name, or the id where none was kept.
pub(super) fn called<'a>(id: &'a str, name: &'a str) -> &'a str {
    if name.is_empty() { id } else { name }
}

/// What stands before a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The reminder that opened the way.
    pub reminder: Reminder,
    /// Who asked.
    pub proposal: Proposal,
    /// Who allowed.
    pub approval: Approval,
}

/// The notice of disconnection (停电通知书).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Number by which anybody can check it.
    pub number: String,
    /// When it was issued.
    pub issued_at: Instant,
    /// By whom.
    pub issuer: String,
    /// The moment of disconnection it names.
    pub stop_at: Instant,
    /// The debt it names, hundredths of the currency.
    pub amount_cents: i64,
    /// First moment at which serving it is of use.
    pub serve_from: Instant,
    /// Last moment at which serving it is of use (O13).
    pub serve_by: Instant,
    /// What of that was past its day; `None` on notices of before it was kept: all of it, due on the day of the case.
    #[serde(default)]
    pub overdue: Option<Overdue>,
}

/// Bills past their day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overdue {
    /// All of them, fees included, hundredths of the currency.
    pub cents: i64,
    /// The day the youngest of them was due.
    pub until: NaiveDate,
}

/// Receipt of the copy at the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filing {
    /// When.
    pub at: Instant,
    /// Number of the receipt.
    pub receipt: String,
}

/// A notice that reached the customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// What stands before it.
    pub basis: Basis,
    /// The notice.
    pub notice: Notice,
    /// The evidence that holds: the best by rank.
    pub proof: Proof,
    /// Every proof that stands, the best first, where there are several; see [`Served::proofs`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<Proven>,
    /// The copy at the authority, where the class needs one.
    pub filing: Option<Filing>,
    /// How the occupants of a shared supply were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occupants: Option<String>,
    /// Begin of the lawful window.
    pub opens_at: Instant,
    /// Its end.
    pub ends_at: Instant,
}

/// The last warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreNotice {
    /// When it reached the customer.
    pub at: Instant,
    /// `phone`, `sms`, `door`.
    pub channel: String,
    /// Number of the recording or message, or what was left at the door.
    pub record: String,
    /// Who gave it, by person id; empty for a text.
    #[serde(default)]
    pub by: String,
    /// Their name.
    #[serde(default)]
    pub by_name: String,
    /// Whom a call reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// SHA-256 of the photo at the door, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo_sha256: Option<String>,
    /// Who saw it given at the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
}

/// A disconnection as it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// When.
    pub at: Instant,
    /// Who did it.
    pub by: String,
    /// The second person on site.
    pub second: String,
    /// SHA-256 of the photo before, lower-case hex; empty while a cut told by voice waits for the phone.
    pub photo_before_sha256: String,
    /// SHA-256 of the photo after, in the same way.
    pub photo_after_sha256: String,
}

/// Why supply has to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Back {
    /// The debt was settled or a plan accepted.
    Paid {
        /// The moment of the payment.
        at: Instant,
    },
    /// It should not have been cut.
    Wrongful {
        /// When that was found.
        found_at: Instant,
        /// Why, in words.
        reason: String,
    },
}

/// Why a notice is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Void {
    /// Its lawful window has passed.
    Lapsed,
    /// The debt it names is not true any more.
    AmountWrong,
    /// It was for a meter that is not there any more.
    SupplyChanged,
}

/// Where a case stands, with the facts that exist there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// A bill is past its day.
    Overdue,
    /// The customer was reminded.
    Reminded {
        /// The last reminder.
        reminder: Reminder,
    },
    /// Long enough overdue, reminded, nothing in the way.
    Eligible {
        /// The last reminder.
        reminder: Reminder,
        /// Who asked for the disconnection, once somebody did.
        proposal: Option<Proposal>,
    },
    /// Somebody else than the author allowed it.
    Approved {
        /// What stands before the notice.
        basis: Basis,
    },
    /// The notice is written and has to be served.
    NoticeIssued {
        /// What stands before it.
        basis: Basis,
        /// The notice.
        notice: Notice,
    },
    /// Served; the lawful window is ahead.
    NoticeServed {
        /// The notice and its proof.
        served: Served,
    },
    /// Inside the lawful window.
    WindowOpen {
        /// The notice and its proof.
        served: Served,
        /// The last warning whose time ran out before anybody told of a cut: one without a signal may be told later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unused: Option<PreNotice>,
    },
    /// The last warning was given.
    PreNoticed {
        /// The notice and its proof.
        served: Served,
        /// The warning.
        pre_notice: PreNotice,
    },
    /// The notice is void; a new one may be issued.
    Expired {
        /// What stands before the next notice.
        basis: Basis,
        /// Why.
        void: Void,
    },
    /// Cut.
    Disconnected {
        /// How.
        cut: Cut,
        /// On what.
        served: Served,
    },
    /// Paid after the cut.
    Paid {
        /// The cut.
        cut: Cut,
        /// The moment of the payment.
        paid_at: Instant,
    },
    /// Somebody has to switch on again.
    ReconnectOrdered {
        /// The cut.
        cut: Cut,
        /// The moment of the payment.
        paid_at: Instant,
        /// The last moment in time.
        by: Instant,
    },
    /// Off without right: reconnect at once, apologise, report.
    Wrongful {
        /// When it was cut.
        off_at: Instant,
        /// When it was found to be wrong.
        found_at: Instant,
        /// Why, in words.
        reason: String,
    },
    /// On again.
    Reconnected {
        /// When it was cut.
        off_at: Instant,
        /// When supply came back.
        on_at: Instant,
        /// Why it had to.
        back: Back,
    },
    /// Over after a disconnection.
    Closed {
        /// The disconnection was wrongful.
        wrongful: bool,
        /// When it was cut; a message about it may be written after the case is over.
        #[serde(default)]
        off_at: Option<Instant>,
        /// When supply came back.
        #[serde(default)]
        on_at: Option<Instant>,
    },
    /// Paid before any disconnection anybody told of.
    SettledBefore {
        /// Where it stood then, if a cut of before the payment can still be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stood: Option<Box<Stood>>,
    },
    /// Given up before any disconnection.
    Withdrawn {
        /// Why, in words.
        reason: String,
    },
}

impl State {
    /// The word in tables and on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            State::Overdue => "overdue",
            State::Reminded { .. } => "reminded",
            State::Eligible { .. } => "eligible",
            State::Approved { .. } => "approved",
            State::NoticeIssued { .. } => "notice_issued",
            State::NoticeServed { .. } => "notice_served",
            State::WindowOpen { .. } => "window_open",
            State::PreNoticed { .. } => "pre_noticed",
            State::Expired { .. } => "expired",
            State::Disconnected { .. } => "disconnected",
            State::Paid { .. } => "paid",
            State::ReconnectOrdered { .. } => "reconnect_ordered",
            State::Wrongful { .. } => "wrongful",
            State::Reconnected { .. } => "reconnected",
            State::Closed { .. } => "closed",
            State::SettledBefore { .. } => "settled_before",
            State::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Whether nothing can happen to it any more.
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            State::Closed { .. } | State::SettledBefore { .. } | State::Withdrawn { .. }
        )
    }

    /// Whether the customer still has supply as far as this case goes.
    pub fn is_before_cut(&self) -> bool {
        matches!(
            self,
            State::Overdue
                | State::Reminded { .. }
                | State::Eligible { .. }
                | State::Approved { .. }
                | State::NoticeIssued { .. }
                | State::NoticeServed { .. }
                | State::WindowOpen { .. }
                | State::PreNoticed { .. }
                | State::Expired { .. }
        )
    }

    /// Since when the customer is off because of this case.
    pub fn off_since(&self) -> Option<Instant> {
        match self {
            State::Disconnected { cut, .. }
            | State::Paid { cut, .. }
            | State::ReconnectOrdered { cut, .. } => Some(cut.at),
            State::Wrongful { off_at, .. } => Some(*off_at),
            _ => None,
        }
    }

    /// Whether supply is on again after this case took it, and since when it was off.
    pub fn was_off(&self) -> Option<(Option<Instant>, Option<Instant>)> {
        match self {
            State::Reconnected { off_at, on_at, .. } => Some((Some(*off_at), Some(*on_at))),
            State::Closed { off_at, on_at, .. } => Some((*off_at, *on_at)),
            _ => None,
        }
    }

    /// Whether it was found that supply was off without right.
    pub fn is_wrongful(&self) -> bool {
        match self {
            State::Wrongful { .. } => true,
            State::Reconnected { back, .. } => matches!(back, Back::Wrongful { .. }),
            State::Closed { wrongful, .. } => *wrongful,
            _ => false,
        }
    }

    /// Whether the debt it stood for is paid and supply is on, or has to be on again.
    pub fn is_paid(&self) -> bool {
        matches!(
            self,
            State::SettledBefore { .. } | State::Paid { .. } | State::ReconnectOrdered { .. }
        )
    }

    /// The service of the notice that holds now.
    pub fn served(&self) -> Option<&Served> {
        match self {
            State::NoticeServed { served }
            | State::WindowOpen { served, .. }
            | State::PreNoticed { served, .. }
            | State::Disconnected { served, .. } => Some(served),
            _ => None,
        }
    }

    /// The notice that holds now.
    pub fn notice(&self) -> Option<&Notice> {
        match self {
            State::NoticeIssued { notice, .. } => Some(notice),
            other => other.served().map(|served| &served.notice),
        }
    }

    /// The reminder that opened the way this far.
    pub fn reminder(&self) -> Option<&Reminder> {
        match self {
            State::Reminded { reminder } | State::Eligible { reminder, .. } => Some(reminder),
            _ => self.basis().map(|basis| &basis.reminder),
        }
    }

    /// What stands before the notice, once it was approved and while it has not been cut.
    pub fn basis(&self) -> Option<&Basis> {
        match self {
            State::Approved { basis } | State::NoticeIssued { basis, .. } | State::Expired { basis, .. } => {
                Some(basis)
            }
            State::NoticeServed { served }
            | State::WindowOpen { served, .. }
            | State::PreNoticed { served, .. }
            | State::Disconnected { served, .. } => Some(&served.basis),
            _ => None,
        }
    }
}
