//! What may happen to an outage, and what follows from it for others.

use super::{
    ids::PermitId,
    said::Said,
    window::{Instant, Window},
};

/// What somebody does. Who it is comes beside it; which role may do what is checked at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The author hands it in.
    Submit,
    /// It is compared with other plans, limits and locks.
    Balance {
        /// Why it is done all the same; empty when nothing collides.
        justification: String,
    },
    /// Talks with dedicated-line customers begin or go on.
    Negotiate,
    /// What people will be told is written anew, after it was decided.
    Reword,
    /// Somebody else decides for it.
    Approve {
        /// Why although important customers have one supply only, or limits are passed.
        justification: String,
    },
    /// The public announcement goes out, and with it the individual notices.
    Announce,
    /// Is the notice complete and in time?
    Notice,
    /// The day before: people are reminded.
    Remind,
    /// The last gate.
    Gate,
    /// The control desk's permission is recorded.
    Permit {
        /// Id of the permit.
        id: PermitId,
        /// Number of the switching permission.
        number: String,
        /// Whether it was read back.
        read_back: bool,
        /// When, where it was written down and is entered later; else now.
        at: Option<Instant>,
    },
    /// Supply ends.
    SwitchOff {
        /// The permit it is done under.
        permit: PermitId,
        /// When, where it was written down and is entered later; else now.
        at: Option<Instant>,
    },
    /// It will begin later, the end stays.
    StartLate {
        /// Not before.
        off_at: Instant,
    },
    /// Work begins.
    Work,
    /// Everybody is out; supply comes back.
    StartRestoring,
    /// Supply is back to some or to all.
    Restore {
        /// Everybody who was still off.
        all: bool,
        /// When, where it was written down and is entered later; else now.
        at: Option<Instant>,
    },
    /// It cannot be restored as planned: a fault goes on from the announced end.
    HandOver {
        /// Customers off because of it who are in no fault.
        without_fault: u32,
    },
    /// It is written up.
    Archive {
        /// What deviated and why.
        note: String,
    },
    /// It will take longer.
    Extend {
        /// The new end.
        on_at: Instant,
    },
    /// It is moved.
    Move {
        /// The new window.
        window: Window,
        /// Why although the new window collides with something; empty when nothing does.
        justification: String,
    },
    /// It is called off.
    Cancel,
    /// It is called off on its day.
    Abort,
    /// It becomes a temporary outage.
    Convert {
        /// Why it was not planned.
        why: String,
    },
}

impl Event {
    /// Whether it decides over what the plan collides with: those that do look for conflicts anew.
    pub fn compares(&self) -> bool {
        matches!(
            self,
            Event::Balance { .. } | Event::Approve { .. } | Event::Move { .. }
        )
    }

    /// The window that is decided about: the new one where the event brings one, else the present.
    pub fn window(&self, present: Window) -> Window {
        match self {
            Event::Move { window, .. } => *window,
            Event::Extend { on_at } => Window {
                on_at: *on_at,
                ..present
            },
            _ => present,
        }
    }

    /// The word in the audit.
    pub fn word(&self) -> &'static str {
        match self {
            Event::Submit => "outage.submitted",
            Event::Balance { .. } => "outage.balanced",
            Event::Negotiate => "outage.negotiated",
            Event::Reword => "outage.reworded",
            Event::Approve { .. } => "outage.approved",
            Event::Announce => "outage.announced",
            Event::Notice => "outage.noticed",
            Event::Remind => "outage.reminded",
            Event::Gate => "outage.ready",
            Event::Permit { .. } => "outage.permitted",
            Event::SwitchOff { .. } => "outage.switched_off",
            Event::StartLate { .. } => "outage.start_moved",
            Event::Work => "outage.work_begun",
            Event::StartRestoring => "outage.restoring",
            Event::Restore { .. } => "outage.restored",
            Event::HandOver { .. } => "outage.handed_over",
            Event::Archive { .. } => "outage.archived",
            Event::Extend { .. } => "outage.extended",
            Event::Move { .. } => "outage.moved",
            Event::Cancel => "outage.cancelled",
            Event::Abort => "outage.aborted",
            Event::Convert { .. } => "outage.converted",
        }
    }
}

/// Why people are told something individually.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The legal notice.
    Notice,
    /// The day before.
    Reminder,
    /// Later on the same day.
    Changed,
    /// It begins later, the end stays.
    LateStart,
    /// It takes longer.
    Extended,
    /// It does not take place.
    Cancelled,
    /// The notice they got is void; a new one follows.
    Void,
    /// They are not affected any more.
    Released,
}

impl Kind {
    /// Every kind.
    pub const ALL: &[Kind] = &[
        Kind::Notice,
        Kind::Reminder,
        Kind::Changed,
        Kind::LateStart,
        Kind::Extended,
        Kind::Cancelled,
        Kind::Void,
        Kind::Released,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Notice => "notice",
            Kind::Reminder => "reminder",
            Kind::Changed => "changed",
            Kind::LateStart => "late_start",
            Kind::Extended => "extended",
            Kind::Cancelled => "cancelled",
            Kind::Void => "void",
            Kind::Released => "released",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

/// What follows for others from a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// People are told individually.
    Tell {
        /// Why.
        kind: Kind,
        /// What they were told before, where it changed.
        before: Option<Window>,
    },
    /// The public announcement of this plan goes out.
    Publish,
    /// A plan ended: its announcement and every notice of it are void.
    EndPlan {
        /// Its number.
        plan_no: u32,
        /// Its window.
        window: Window,
        /// Whether anybody had been told.
        noticed: bool,
    },
    /// Supply ended.
    Off,
    /// Supply is back to some or all.
    Back {
        /// To everybody.
        all: bool,
        /// Since when.
        at: Instant,
    },
    /// The plan is over and a fault goes on.
    HandedOver {
        /// From when.
        at: Instant,
    },
    /// The desk has to hear of it.
    Alarm {
        /// The word of the alarm.
        what: &'static str,
        /// Why.
        because: Said,
    },
}
