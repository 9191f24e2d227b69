//! The records of the ledger and how two reasons to be off become one interruption.

use chrono::{DateTime, Utc};
use relight_common::typed_id;
// `typed_id!` derives with it.
use serde as _;

typed_id!(
    /// One customer.
    CustomerId,
    "customer_id"
);
typed_id!(
    /// One incident of intake.
    IncidentId,
    "incident_id"
);
typed_id!(
    /// One interruption record.
    RecordId,
    "record_id"
);
typed_id!(
    /// One step of the ledger that others are told about.
    StepId,
    "step_id"
);

/// An interruption that lasts longer is a sustained one, shorter ones are momentary; seconds.
///
/// # Source
/// IEEE Std 1366: 5 minutes.
pub const SUSTAINED_ABOVE_S: f64 = 300.0;

/// An instant, UTC.
pub type Instant = DateTime<Utc>;

/// An incident's reason for one customer to be off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who is off.
    pub customer: CustomerId,
    /// The incident that accounts for it (after merges).
    pub incident: IncidentId,
    /// The incident that claimed it first.
    pub origin: IncidentId,
    /// Since when.
    pub off_at: Instant,
    /// Never earlier than this: another record of the customer ended here.
    pub not_before: Option<Instant>,
    /// Latest report of this customer for this incident.
    pub reported_at: Option<Instant>,
}

/// A claim that does not hold the record because another incident had it first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The claim.
    pub claim: Claim,
    /// Set once its incident restored the customer.
    pub on_at: Option<Instant>,
}

/// The open record of a customer; there is at most one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its id, kept when it closes.
    pub id: RecordId,
    /// The claim it stands for.
    pub claim: Claim,
    /// The step that opened it.
    pub opened_by: StepId,
}

/// A record that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// What was open.
    pub open: Open,
    /// When it ended, never before it began.
    pub on_at: Instant,
    /// The customer stayed off because of another incident.
    pub continued: bool,
}

/// What becomes of one customer when the record's own reason ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// Records that ended, in order.
    pub closed: Vec<Closed>,
    /// The record that goes on for another incident.
    pub open: Option<Open>,
    /// Claims that still wait.
    pub waiting: Vec<Waiting>,
}

impl Ending {
    /// Whether the customer has supply again.
    pub fn is_back(&self) -> bool {
        self.open.is_none()
    }
}

impl Waiting {
    /// Time up to `at` is charged already: should this claim come to hold the record, it begins no earlier.
    fn after(self, at: Option<Instant>) -> Self {
        let Some(at) = at else { return self };
        let claim = self.claim.from(at);
        let on_at = self.on_at.map(|on_at| on_at.max(claim.off_at));
        Self { claim, on_at }
    }
}

impl Claim {
    /// The begin of a held record when another claim shows that the customer was off earlier already.
    #[must_use]
    pub fn pulled_back(&self, other: Instant) -> Instant {
        let begin = self.off_at.min(other);
        self.not_before.map_or(begin, |floor| begin.max(floor))
    }

    fn from(mut self, at: Instant) -> Self {
        self.off_at = self.off_at.max(at);
        self.not_before = Some(self.not_before.map_or(at, |floor| floor.max(at)));
        self
    }
}

/// Ends `open` at `at` and passes the customer on to the claims that wait, the earliest first.
///
/// A claim that was restored earlier leaves a record of zero length, so that a repeat of its incident's state does not
/// open it again. `new_id` names the records that follow.
pub fn end(
    open: Open,
    at: Instant,
    waiting: Vec<Waiting>,
    by: StepId,
    mut new_id: impl FnMut(&Claim) -> RecordId,
) -> Ending {
    let on_at = at.max(open.claim.off_at);
    let mut ending = Ending::default();
    ending.closed.push(Closed {
        open,
        on_at,
        continued: false,
    });
    pass_on(&mut ending, Some(on_at), waiting, by, &mut new_id);
    ending
}

/// The record turned out never to have been: only the waiting claims remain, from their own beginnings.
pub fn never(waiting: Vec<Waiting>, by: StepId, mut new_id: impl FnMut(&Claim) -> RecordId) -> Ending {
    let mut ending = Ending::default();
    pass_on(&mut ending, None, waiting, by, &mut new_id);
    ending
}

fn pass_on(
    ending: &mut Ending,
    mut from: Option<Instant>,
    mut waiting: Vec<Waiting>,
    by: StepId,
    new_id: &mut impl FnMut(&Claim) -> RecordId,
) {
    waiting.sort_by_key(|w| (w.claim.off_at, w.claim.incident));
    let mut rest = waiting.into_iter();
    while let Some(Waiting { claim, on_at }) = rest.next() {
        let claim = match from {
            Some(at) => claim.from(at),
            None => claim,
        };
        let open = Open {
            id: new_id(&claim),
            claim,
            opened_by: by,
        };
        match on_at {
            Some(on_at) => {
                let on_at = on_at.max(open.claim.off_at);
                let lasts = on_at > open.claim.off_at;
                if lasts {
                    ending
                        .closed
                        .iter_mut()
                        .for_each(|closed| closed.continued = true);
                }
                from = Some(on_at);
                // One that adds no time is a mark only, and must not stand for the customer's return.
                ending.closed.push(Closed {
                    open,
                    on_at,
                    continued: !lasts,
                });
            }
            None => {
                ending
                    .closed
                    .iter_mut()
                    .for_each(|closed| closed.continued = true);
                ending.open = Some(open);
                ending.waiting = rest.map(|one| one.after(from)).collect();
                return;
            }
        }
    }
}
