//! What may happen to a planned outage: one body per kind, `{"type": "approve"}`.

use chrono::{DateTime, Utc};
use relight_common::wire::timestamp;
use relight_proto::planner::v1::{self as w, act_request::Action};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::outages_shape::{Window, Words};

/// A call by telephone.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// A number of the customer, as `GET /api/v1/customers/{id}/numbers` lists them.
    contact_id: Uuid,
    /// `reached`, `no_answer`, `wrong_person`, `invalid_number`. Only `reached` proves anything.
    outcome: String,
}

impl From<Call> for w::Call {
    fn from(call: Call) -> Self {
        Self {
            contact_id: call.contact_id.to_string(),
            outcome: call.outcome,
        }
    }
}

/// One event. Which may follow which state is the planner service's decision.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum OutageEvent {
    /// The author hands it in.
    Submit {},
    /// It is compared with other plans, limits of the year and locks.
    Balance {
        /// Needed when something collides: why it is done all the same.
        #[serde(default)]
        justification: String,
    },
    /// A step of the talks with a dedicated-line customer.
    Negotiate {
        /// Who.
        customer_id: Uuid,
        /// `proposed`, `countered`, `agreed`, `refused`, `decided`
        step: String,
        /// The window talked about; left out: the plan's.
        #[serde(default)]
        window: Option<Window>,
        /// What was said.
        note: String,
    },
    /// Somebody else than the author decides for it.
    Approve {
        /// Why although something collides.
        #[serde(default)]
        justification: String,
    },
    /// The public announcement goes out, and with it the individual notices.
    Announce {
        /// Left out, or as they stand; others are written with `reword` first.
        #[serde(default)]
        words: Option<Words>,
    },
    /// What people will be told is written anew after the approval. Another person announces it.
    Reword {
        /// The new words.
        words: Words,
        /// Why.
        reason: String,
    },
    /// Asks the gate: from approved to noticed, from noticed to ready.
    Gate {},
    /// Records the control desk's switching permission. It is recorded here, never granted.
    Permit {
        /// Its number.
        number: String,
        /// Whether it was read back.
        read_back: bool,
        /// When, where it was written down and is entered later; left out: now.
        #[serde(default)]
        at: Option<DateTime<Utc>>,
    },
    /// Supply ends.
    SwitchOff {
        /// The permit it is done under.
        permit_id: Uuid,
        /// When, where it was written down and is entered later; left out: now. Not before the permit.
        #[serde(default)]
        at: Option<DateTime<Utc>>,
    },
    /// It begins later, the end stays.
    StartLate {
        /// Not before.
        off_at: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Work begins.
    Work {},
    /// Everybody is out; supply comes back.
    StartRestoring {},
    /// Supply is back.
    Restore {
        /// To everybody still off.
        #[serde(default)]
        all: bool,
        /// Or to what is below these devices.
        #[serde(default)]
        device_ids: Vec<String>,
        /// How that was verified.
        verified_by: String,
        /// When, where it was written down and is entered later; left out: now.
        #[serde(default)]
        at: Option<DateTime<Utc>>,
    },
    /// It could not be restored as planned: from its announced end on it is a fault, one that covers everybody still off.
    HandOver {
        /// Why.
        reason: String,
    },
    /// It is written up.
    Archive {
        /// What deviated and why.
        #[serde(default)]
        note: String,
    },
    /// It takes longer.
    Extend {
        /// The new end.
        on_at: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// It is moved: later on the same day people are told; another day needs a new notice.
    Move {
        /// The new window.
        window: Window,
        /// Why.
        reason: String,
        /// Needed when the new window collides with something: why it is done all the same.
        #[serde(default)]
        justification: String,
    },
    /// It is called off.
    Cancel {
        /// Why.
        reason: String,
    },
    /// It is called off on its day.
    Abort {
        /// Why.
        reason: String,
    },
    /// It becomes a temporary outage.
    Convert {
        /// Why it was not planned.
        why_not_planned: String,
    },
    /// A proof that somebody was told, recorded by a person.
    Evidence {
        /// Who.
        customer_id: Uuid,
        /// `visit`, `post`, `call`, `community`, `esign`
        channel: String,
        /// When.
        at: DateTime<Utc>,
        /// What happened.
        note: String,
        /// SHA-256 of the photo, hexadecimal; needed for `visit`, `post` and `community`. Upload it first.
        #[serde(default)]
        photo_sha256: String,
        /// More of them, for a notice on the board of a stairway or village (`community`), which reaches ordinary customers only; at
        /// most 500. Everything else proves one customer.
        #[serde(default)]
        more_customer_ids: Vec<Uuid>,
        /// Needed for `call`: who was reached.
        #[serde(default)]
        call: Option<Call>,
    },
    /// An important or life-support customer answered.
    Acknowledge {
        /// Who.
        customer_id: Uuid,
        /// Their words.
        text: String,
        /// Set when they said it on the telephone.
        #[serde(default)]
        call: Option<Call>,
    },
    /// A silent one is handed on.
    Escalate {
        /// Who.
        customer_id: Uuid,
        /// `account_manager`, `duty_manager`
        to: String,
        /// The duty manager decided to go on.
        #[serde(default)]
        closed: bool,
        /// Why.
        #[serde(default)]
        note: String,
    },
    /// Own generation is ticked.
    Isolate {
        /// Who.
        customer_id: Uuid,
        /// `isolated`: before work; `told`: called before supply returns.
        step: String,
    },
    /// A leader comes to work.
    CheckIn {
        /// Who.
        name: String,
        /// Of which team.
        team: String,
    },
    /// A leader clears.
    Clear {
        /// Who.
        name: String,
        /// People are out.
        people_out: bool,
        /// Earths are off.
        earths_off: bool,
        /// The work ticket is ended.
        ticket_ended: bool,
        /// Needed when several of that name are at work.
        #[serde(default)]
        team: String,
        /// Who heard it; left out: whoever records it.
        #[serde(default)]
        heard_by: String,
    },
    /// Takes the affected set again on the current network.
    Refresh {
        /// What people will be told, before the announcement only. Left out: the area made from the new set, where anybody was added
        /// or released.
        #[serde(default)]
        words: Option<Words>,
    },
}

impl From<OutageEvent> for Action {
    fn from(event: OutageEvent) -> Self {
        match event {
            OutageEvent::Submit {} => Action::Submit(w::Submit {}),
            OutageEvent::Balance { justification } => Action::Balance(w::Compare { justification }),
            OutageEvent::Negotiate {
                customer_id,
                step,
                window,
                note,
            } => Action::Negotiate(w::Negotiate {
                customer_id: customer_id.to_string(),
                step,
                window: window.map(w::Window::from),
                note,
            }),
            OutageEvent::Approve { justification } => Action::Approve(w::Approve { justification }),
            OutageEvent::Announce { words } => Action::Announce(w::Announce {
                words: words.map(w::Words::from),
            }),
            OutageEvent::Reword { words, reason } => Action::Reword(w::Reword {
                words: Some(words.into()),
                reason,
            }),
            OutageEvent::HandOver { reason } => Action::HandOver(w::HandOver { reason }),
            OutageEvent::Gate {} => Action::Gate(w::Gate {}),
            OutageEvent::Permit {
                number,
                read_back,
                at,
            } => Action::Permit(w::Permit {
                number,
                read_back,
                at: at.map(timestamp),
            }),
            OutageEvent::SwitchOff { permit_id, at } => Action::SwitchOff(w::SwitchOff {
                permit_id: permit_id.to_string(),
                at: at.map(timestamp),
            }),
            OutageEvent::StartLate { off_at, reason } => Action::StartLate(w::StartLate {
                off_at: Some(timestamp(off_at)),
                reason,
            }),
            OutageEvent::Work {} => Action::Work(w::Work {}),
            OutageEvent::StartRestoring {} => Action::StartRestoring(w::StartRestoring {}),
            OutageEvent::Restore {
                all,
                device_ids,
                verified_by,
                at,
            } => Action::Restore(w::Restore {
                all,
                device_ids,
                verified_by,
                at: at.map(timestamp),
            }),
            OutageEvent::Archive { note } => Action::Archive(w::Archive { note }),
            OutageEvent::Extend { on_at, reason } => Action::Extend(w::Extend {
                on_at: Some(timestamp(on_at)),
                reason,
            }),
            OutageEvent::Move {
                window,
                reason,
                justification,
            } => Action::Move(w::Move {
                window: Some(window.into()),
                reason,
                justification,
            }),
            OutageEvent::Cancel { reason } => Action::Cancel(w::Cancel { reason }),
            OutageEvent::Abort { reason } => Action::Abort(w::Abort { reason }),
            OutageEvent::Convert { why_not_planned } => Action::Convert(w::Convert { why_not_planned }),
            OutageEvent::Evidence {
                customer_id,
                channel,
                at,
                note,
                photo_sha256,
                more_customer_ids,
                call,
            } => Action::Evidence(w::Evidence {
                customer_id: customer_id.to_string(),
                channel,
                at: Some(timestamp(at)),
                note,
                photo_sha256,
                more_customer_ids: more_customer_ids.iter().map(Uuid::to_string).collect(),
                call: call.map(w::Call::from),
            }),
            OutageEvent::Acknowledge {
                customer_id,
                text,
                call,
            } => Action::Acknowledge(w::Acknowledge {
                customer_id: customer_id.to_string(),
                text,
                call: call.map(w::Call::from),
            }),
            OutageEvent::Escalate {
                customer_id,
                to,
                closed,
                note,
            } => Action::Escalate(w::Escalate {
                customer_id: customer_id.to_string(),
                to,
                closed,
                note,
            }),
            OutageEvent::Isolate { customer_id, step } => Action::Isolate(w::Isolate {
                customer_id: customer_id.to_string(),
                step,
            }),
            OutageEvent::CheckIn { name, team } => Action::CheckIn(w::CheckIn { name, team }),
            OutageEvent::Clear {
                name,
                people_out,
                earths_off,
                ticket_ended,
                team,
                heard_by,
            } => Action::Clear(w::Clear {
                name,
                people_out,
                earths_off,
                ticket_ended,
                team,
                heard_by,
            }),
            OutageEvent::Refresh { words } => Action::Refresh(w::Refresh {
                words: words.map(w::Words::from),
            }),
        }
    }
}
