//! Why something is refused, in words that say what to do.

mod zh;

pub use zh::{lock_kind_zh, state_zh};

use super::{
    outage::State,
    said::Said,
    window::{Fault, Instant},
};

/// Why an event is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The event does not fit the state.
    #[error("{event} does not fit an outage that is {}", .state.word())]
    NotAllowed {
        /// The state.
        state: State,
        /// What was asked.
        event: &'static str,
    },
    /// Four eyes.
    #[error("the author cannot decide this; another person has to")]
    OwnPlan,
    /// Four eyes on what people read.
    #[error("these words are your own; another person reads and announces them")]
    OwnWords,
    /// What people were told stays.
    #[error("the announcement is out and stays as people read it; move the outage or call it off")]
    Announced,
    /// A time that was written down.
    #[error("at: must not be after {0}, which is now")]
    InFuture(Instant),
    /// A time that was written down.
    #[error("at: must not be before {0}: what it follows happened then")]
    Before(Instant),
    /// The plan still has its time.
    #[error("people were told it lasts until {0}; extend it, or hand it over from then on")]
    StillPlanned(Instant),
    /// Nobody would look after them.
    #[error(
        "{0} customers off because of it are in no fault; confirm the device of a fault that covers them, or restore them first"
    )]
    NotInFault(u32),
    /// The window makes no sense.
    #[error("{field}: {0}", field = .0.field())]
    Window(#[from] Fault),
    /// Something collides and nobody says why it is done all the same.
    #[error("a justification is needed: {0}")]
    Collides(String),
    /// Another template is needed.
    #[error("{0} customers are supplied at a higher voltage than this template is for; choose high_voltage")]
    WrongTemplate(u32),
    /// Nobody wrote why it has to be switched off.
    #[error("not considered instead of switching off: {}; say of each why it does not do", .0.join(", "))]
    NotConsidered(Vec<String>),
    /// Departments are silent.
    #[error("not countersigned by: {}", .0.join(", "))]
    NotSigned(Vec<String>),
    /// Departments refuse.
    #[error("refused by: {}; change the plan and send it again, or call it off", .0.join(", "))]
    SignRefused(Vec<String>),
    /// A lock stands in the window.
    #[error("locked: {}; lift the lock or choose another day", .0.join(", "))]
    Locked(Vec<String>),
    /// Dedicated-line customers were not talked with to an end.
    #[error(
        "{0} dedicated-line customers have neither agreed nor been decided about; silence is not agreement"
    )]
    NotAgreed(u32),
    /// They still have time to answer.
    #[error(
        "decided only after a recorded refusal, three proposals, or once their time to answer is over: {en}", en = .0.en
    )]
    StillTalking(Said),
    /// Not announced.
    #[error("the public announcement is not out")]
    NotAnnounced,
    /// Somebody who must be told individually was not.
    #[error("{0} customers who must be told individually have no evidence of it")]
    NotTold(u32),
    /// The law says no.
    #[error("{en}", en = .0.en)]
    Law(Said),
    /// Important or life-support customers are silent.
    #[error("{0} important or life-support customers neither acknowledged nor had their escalation closed")]
    NotAcknowledged(u32),
    /// Somebody was reached by no channel.
    #[error("{0} customers are reached by no channel; a person has to visit, post or call")]
    NotReached(u32),
    /// The network changed.
    #[error(
        "the network changed: {0} customers who are not in the plan would lose supply; take the affected set again"
    )]
    NetworkChanged(u32),
    /// The day-before reminder did not go out.
    #[error("the reminder of the day before did not go out")]
    NotReminded,
    /// Asked too early.
    #[error("not before {0}")]
    TooEarly(Instant),
    /// Asked too late.
    #[error("not after {0}; confirm a late start, move it or call it off")]
    TooLate(Instant),
    /// The control desk's number was not read back.
    #[error("the switching permission has to be read back before it is recorded")]
    NotReadBack,
    /// There is no permit, or it is another one.
    #[error("this is not the permit of this outage; ask for one")]
    NoPermit,
    /// The permit is old.
    #[error("the permit is older than 5 minutes; ask for a new one")]
    PermitOld,
    /// Customers were not told of the late start.
    #[error("{0} customers who must be told individually were not told of the late start")]
    LateNotTold(u32),
    /// A late start must keep the end.
    #[error("a late start lies between the announced start and the announced end, and not in the past")]
    NotLate,
    /// Own generation could feed back.
    #[error("{0} customers with own generation or double supply are not ticked as isolated from the grid")]
    BackFeed(u32),
    /// They were not called before energising.
    #[error(
        "{0} customers with own generation, high voltage or several supplies were not called before supply returns"
    )]
    NotCalled(u32),
    /// People may be on the line.
    #[error("{0} leaders have not cleared: people out, earths off, ticket ended")]
    NotCleared(u32),
    /// Nobody is known to be at work.
    #[error("no leader is checked in; work without one is not known to be safe")]
    NobodyIn,
    /// Only on the day.
    #[error("only on the day itself; before it, cancel or move")]
    NotTheDay,
    /// It is over already.
    #[error("the new end must be later than the announced one")]
    NotLonger,
    /// Too late to be planned, or not.
    #[error("it can still be planned with the full notice; temporary is for what cannot wait")]
    NotTooLate,
    /// A deviation has to be explained.
    #[error("a note is needed: it deviated ({0})")]
    Unexplained(String),
}
