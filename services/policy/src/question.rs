//! What can be asked, and the facts each question is answered from. A fact that is not known is `None`, never a guess.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::{AreaClass, Channel, ComplaintKind, CustomerClass, Hold};

/// One question with its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// May this planned outage start?
    PlannedStart(PlannedStart),
    /// What does this change of a noticed planned outage need?
    PlannedChange(PlannedChange),
    /// May the talks with a dedicated-line customer who is silent be decided?
    PlannedTalks(PlannedTalks),
    /// May this temporary outage start?
    TemporaryStart(TemporaryStart),
    /// May this customer be switched off for arrears?
    ArrearsDisconnect(ArrearsDisconnect),
    /// By when must a customer who paid be switched on again?
    ArrearsReconnect(ArrearsReconnect),
    /// By when must a crew be at the work?
    FaultArrival(FaultArrival),
    /// By when must a complaint be answered?
    ComplaintAnswer(ComplaintAnswer),
}

/// Facts of `planned.start`.
///
/// Without `now` the question is about the plan: do the notices carry `off_at`? With `now` it is about the moment of
/// switching: never before `off_at`, and only while the start window lasts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlannedStart {
    /// When the public announcement was up.
    pub published_at: Option<DateTime<Utc>>,
    /// When the last individual notice that is required was effective; `None` where the pack requires none.
    pub individual_at: Option<DateTime<Utc>>,
    /// The announced moment of switching off.
    pub off_at: Option<DateTime<Utc>>,
    /// The present moment, to ask about switching off now.
    pub now: Option<DateTime<Utc>>,
}

/// Facts of `planned.change`. A new time that is left out stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlannedChange {
    /// When the notice that is out now was complete: the later of the announcement and the last individual notice.
    pub noticed_at: Option<DateTime<Utc>>,
    /// Announced moment of switching off.
    pub off_at: Option<DateTime<Utc>>,
    /// Announced moment of switching on.
    pub on_at: Option<DateTime<Utc>>,
    /// Wanted moment of switching off.
    pub new_off_at: Option<DateTime<Utc>>,
    /// Wanted moment of switching on.
    pub new_on_at: Option<DateTime<Utc>>,
    /// The present moment.
    pub now: Option<DateTime<Utc>>,
}

/// Facts of `planned.talks`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlannedTalks {
    /// When the first window was proposed to the customer.
    pub proposed_at: Option<DateTime<Utc>>,
    /// The moment asked about.
    pub at: Option<DateTime<Utc>>,
}

/// Facts of `temporary.start`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemporaryStart {
    /// When the announcement was up and the important customers were told, whichever was later.
    pub published_at: Option<DateTime<Utc>>,
    /// The announced moment of switching off.
    pub off_at: Option<DateTime<Utc>>,
}

/// Facts of `arrears.disconnect`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArrearsDisconnect {
    /// The day the bill was due.
    pub due_on: Option<NaiveDate>,
    /// A reminder with evidence.
    pub reminded_at: Option<DateTime<Utc>>,
    /// Service of the notice, proven.
    pub served_at: Option<DateTime<Utc>>,
    /// The stop time written on the notice.
    pub notified_stop_at: Option<DateTime<Utc>>,
    /// The last warning before the stop, delivered or answered.
    pub pre_noticed_at: Option<DateTime<Utc>>,
    /// The moment asked about.
    pub at: Option<DateTime<Utc>>,
    /// What is owed, hundredths of the pack's currency (fen, cents). Zero or less: nothing is owed.
    pub balance_cents: Option<i64>,
    /// Class of the customer.
    pub class: Option<CustomerClass>,
    /// What stands in the way just now; empty when nothing does.
    pub holds: Vec<Hold>,
    /// Receipt of the copy at the authority, asked of important customers. Not a key of the command.
    pub filed_at: Option<DateTime<Utc>>,
    /// Approval by a manager, asked of important customers. Not a key of the command.
    pub manager_approved_at: Option<DateTime<Utc>>,
}

/// Facts of `arrears.reconnect`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArrearsReconnect {
    /// The moment of the payment that settled the debt.
    pub paid_at: Option<DateTime<Utc>>,
}

/// Facts of `fault.arrival`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultArrival {
    /// The moment of the report.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Area class of the supply point; the strictest limit holds while it is not known.
    pub area: Option<AreaClass>,
}

/// Facts of `complaint.answer`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComplaintAnswer {
    /// The moment it was taken.
    pub accepted_at: Option<DateTime<Utc>>,
    /// What it is; the strictest limit holds while it is not known.
    pub kind: Option<ComplaintKind>,
    /// Where it came in; limits of one channel only are left out while it is not known.
    pub channel: Option<Channel>,
}

/// What all questions share beside their facts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Case {
    /// Zone of the supply point; the pack's when left out.
    pub zone: Option<Tz>,
    /// The moment that triggered the case and whose version of the pack rules it to the end; taken from the facts
    /// (notice, due date, report, payment) when left out.
    pub ruled_at: Option<DateTime<Utc>>,
}
