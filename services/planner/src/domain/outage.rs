//! What is known of one outage: its plan, how far it got, who decided what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    ids::PermitId,
    window::{Instant, Window},
};

macro_rules! states {
    ($($(#[$meta:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// How far an outage got (domain.md 5.2).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum State { $($(#[$meta])* $name),+ }

        impl State {
            /// Every state.
            pub const ALL: &[State] = &[$(State::$name),+];

            /// The word in the database and on the wire.
            pub fn word(self) -> &'static str {
                match self { $(State::$name => $word),+ }
            }

            /// Reads the word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.word() == word)
            }
        }
    };
}

states! {
    /// Being written.
    Draft = "draft",
    /// Handed in.
    Submitted = "submitted",
    /// Compared with other plans, limits and locks.
    Balanced = "balanced",
    /// Talked over with dedicated-line customers.
    Negotiating = "negotiating",
    /// Decided by somebody else than the author.
    Approved = "approved",
    /// Announced, and everybody who must be told individually was, in time.
    Noticed = "noticed",
    /// Through the last gate.
    Ready = "ready",
    /// Supply is off.
    Off = "off",
    /// Work has begun.
    Working = "working",
    /// Everybody is out; supply is coming back.
    Restoring = "restoring",
    /// Everybody has supply.
    Restored = "restored",
    /// Written up.
    Archived = "archived",
    /// Called off before it began.
    Cancelled = "cancelled",
    /// Called off on its day.
    Aborted = "aborted",
}

impl State {
    /// Nothing more happens to it.
    pub fn is_over(self) -> bool {
        matches!(self, State::Archived | State::Cancelled | State::Aborted)
    }

    /// Supply is off because of it, in part or whole.
    pub fn is_off(self) -> bool {
        matches!(self, State::Off | State::Working | State::Restoring)
    }

    /// Nobody has decided for it yet.
    pub fn is_undecided(self) -> bool {
        self < State::Approved
    }

    /// Before switching off and not given up.
    pub fn is_before(self) -> bool {
        self <= State::Ready
    }
}

/// As what it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum Class {
    /// With the full lead.
    Planned,
    /// With the short lead, for a defect that cannot wait; counted apart (domain.md 5.5 no. 30).
    Temporary {
        /// Why it was not planned.
        why: String,
        /// The manager who decided.
        by: String,
    },
    /// With the full lead, because a customer asked for it (domain.md 5.5 no. 28).
    CustomerRequest {
        /// Who asked: the wish is their notice.
        customer: Uuid,
        /// How, and the number of what they signed.
        note: String,
    },
}

impl Class {
    /// The word in the database and to people who plan.
    pub fn word(&self) -> &'static str {
        match self {
            Class::Planned => "PLANNED",
            Class::Temporary { .. } => "TEMPORARY",
            Class::CustomerRequest { .. } => "CUSTOMER_REQUEST",
        }
    }

    /// The word to customers and to the ledger: for everybody but who asked it is a planned outage like any, and whose wish it
    /// is concerns nobody.
    pub fn told(&self) -> &'static str {
        match self {
            Class::Planned | Class::CustomerRequest { .. } => "PLANNED",
            Class::Temporary { .. } => "TEMPORARY",
        }
    }
}

/// Somebody's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// Leave to switch off, for a few minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    /// Its id.
    pub id: PermitId,
    /// Number of the control desk's switching permission, as read back.
    pub number: String,
    /// Who recorded it.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// A later start on the same day with the end unchanged (operations.md O30).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateStart {
    /// The manager who confirmed.
    pub by: String,
    /// When.
    pub at: Instant,
    /// Not before.
    pub off_at: Instant,
}

/// A later end than people were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Longer {
    /// The end from which it is counted: several short extensions are one long one to those who wait.
    pub from: Instant,
    /// Since when important and life-support customers have to be called about it.
    pub call_since: Option<Instant>,
}

/// Words written after the approval: they are somebody's, and another person's before people read them (P5, four eyes).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worded {
    /// Who wrote them.
    pub by: String,
    /// When.
    pub at: Instant,
    /// Who read them and announced them.
    pub approved_by: Option<String>,
}

impl Worded {
    /// By `by` at `at`; nobody else has read them yet.
    pub fn unread(by: String, at: Instant) -> Self {
        Self {
            by,
            at,
            approved_by: None,
        }
    }
}

/// The law of the moment at which people were told: it stays with the plan (domain.md 5.5 no. 35).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruled {
    /// Id of the policy pack.
    pub pack: String,
    /// Its version of that moment, such as `CN-SGCC@2022-01-01`.
    pub version: String,
    /// The moment.
    pub at: Instant,
}

/// What stands out at the end, for figures and for the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It began later than told; counts against accuracy.
    LateStart,
    /// It took longer than told.
    Extended,
    /// People heard of a longer outage only after the announced end, or of a change too late.
    ToldLate,
    /// Called off less than 24 h before.
    ShortCancel,
    /// Supply was not back at the announced end.
    Overrun,
    /// More customers are above a yearly limit by an extension than when it was decided.
    AboveLimit,
    /// It took much longer, and important or life-support customers were not called.
    NotCalled,
    /// A later end was asked for later than the policy pack says.
    AskedLate,
    /// Recorded afterwards, with the time that was written down.
    EnteredLater,
    /// Switched off, as was recorded afterwards, without leave at that moment.
    OutsidePermit,
    /// Not restored by the plan: a fault went on from the announced end.
    HandedOver,
}

impl Mark {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Mark::LateStart => "late_start",
            Mark::Extended => "extended",
            Mark::ToldLate => "told_late",
            Mark::ShortCancel => "short_cancel",
            Mark::Overrun => "overrun",
            Mark::AboveLimit => "above_limit",
            Mark::NotCalled => "not_called",
            Mark::AskedLate => "asked_late",
            Mark::EnteredLater => "entered_later",
            Mark::OutsidePermit => "outside_permit",
            Mark::HandedOver => "handed_over",
        }
    }
}

/// One outage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// How far it got.
    pub state: State,
    /// Which plan this is, from 1; a move to another day ends one and begins the next.
    pub plan_no: u32,
    /// As what it counts.
    pub class: Class,
    /// Who wrote it.
    pub author: String,
    /// The window people are told.
    pub window: Window,
    /// Approval of this plan.
    pub approval: Option<Decision>,
    /// Whose words people are told, when they are not those that were approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worded: Option<Worded>,
    /// The law of the announcement of this plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruled: Option<Ruled>,
    /// When this plan was announced to the public.
    pub announced_at: Option<Instant>,
    /// When the notice of this plan was found complete and in time.
    pub noticed_at: Option<Instant>,
    /// When the day-before reminder of this plan was ordered.
    pub reminded_at: Option<Instant>,
    /// When the last gate let it through.
    pub ready_at: Option<Instant>,
    /// Leave to switch off.
    pub permit: Option<Permit>,
    /// A later start.
    pub late_start: Option<LateStart>,
    /// A later end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longer: Option<Longer>,
    /// When supply ended.
    pub switched_off_at: Option<Instant>,
    /// When everybody had supply again.
    pub restored_at: Option<Instant>,
    /// What stands out.
    pub marks: Vec<Mark>,
    /// Sections with supply again: their sets, and how many service points each has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub restored_parts: BTreeMap<Uuid, u32>,
}

impl Outage {
    /// A draft.
    pub fn draft(author: String, window: Window) -> Self {
        Self {
            state: State::Draft,
            plan_no: 1,
            class: Class::Planned,
            author,
            window,
            approval: None,
            worded: None,
            ruled: None,
            announced_at: None,
            noticed_at: None,
            reminded_at: None,
            ready_at: None,
            permit: None,
            late_start: None,
            longer: None,
            switched_off_at: None,
            restored_at: None,
            marks: Vec::new(),
            restored_parts: BTreeMap::new(),
        }
    }

    /// Of so many service points, those with supply again. Sections that overlap never make more than all.
    pub fn restored_of(&self, all: u32) -> u32 {
        if self.restored_at.is_some() {
            return all;
        }
        let parts = self.restored_parts.values();
        parts.fold(0, |sum: u32, part| sum.saturating_add(*part)).min(all)
    }

    /// Since when important and life-support customers have to be called about a much later end.
    pub fn call_since(&self) -> Option<Instant> {
        self.longer.and_then(|longer| longer.call_since)
    }

    /// The moment whose law holds for this plan; none before anybody was told of it.
    pub fn ruled_at(&self) -> Option<Instant> {
        // Those announced by an earlier release kept the moment only.
        self.ruled.as_ref().map(|ruled| ruled.at).or(self.announced_at)
    }

    /// Not before this moment, as last told.
    pub fn starts_at(&self) -> Instant {
        self.late_start
            .as_ref()
            .map_or(self.window.off_at, |late| late.off_at)
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        if !self.marks.contains(&mark) {
            self.marks.push(mark);
        }
    }

    /// Takes back what only held for the plan before: announcement, notice, gate, permit, and the short lead of what could not
    /// wait, since it did (domain.md 5.5 no. 7).
    pub(super) fn begin_plan(&mut self, window: Window, approval: Decision) {
        self.state = State::Approved;
        if let Class::Temporary { .. } = self.class {
            self.class = Class::Planned;
        }
        self.plan_no += 1;
        self.window = window;
        self.approval = Some(approval);
        self.ruled = None;
        self.announced_at = None;
        self.noticed_at = None;
        self.reminded_at = None;
        self.ready_at = None;
        self.permit = None;
        self.late_start = None;
    }
}
