//! What the engine answers: the verdict, the rule that decided and where it comes from, the arithmetic in words.

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// May it, or what does it need?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing stands in the way.
    Yes,
    /// Not as things stand.
    No,
    /// A change that customers are told of; the notice stays good.
    Inform,
    /// A change that voids the notice and needs a full one.
    NewNotice,
    /// A change no notice can make good.
    Forbidden,
}

impl Verdict {
    /// The word on the wire and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Yes => "yes",
            Verdict::No => "no",
            Verdict::Inform => "inform",
            Verdict::NewNotice => "new_notice",
            Verdict::Forbidden => "forbidden",
        }
    }

    /// Whether it may happen on the notice there is.
    pub fn allowed(self) -> bool {
        matches!(self, Verdict::Yes | Verdict::Inform)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// An answer with its reasons. Never leave to energise: that takes the clearances of the people at work (O2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// The rule that decided, such as `CN-SGCC planned.lead.promise 7 strict_days`; none when no rule could be asked.
    pub rule: Option<String>,
    /// Where that rule comes from, with its evidence tag.
    pub source: Option<String>,
    /// Why, with the arithmetic, in words.
    pub because: String,
    /// First moment of the lawful window; none when there is none or it is not known.
    pub earliest: Option<DateTime<Utc>>,
    /// End of the lawful window; none when it has none.
    pub latest: Option<DateTime<Utc>>,
    /// The last moment for what must happen: arrive, answer, switch on, tell, publish.
    pub by: Option<DateTime<Utc>>,
    /// The next moment when asking again, with the same facts, gets another verdict; none when time alone changes nothing.
    pub changes_at: Option<DateTime<Utc>>,
    /// The version of the pack that ruled, such as `CN-SGCC@2022-01-01`; it stays with the case.
    pub pack_version: String,
    /// The zone the dates were counted in.
    pub zone: Tz,
}

impl Answer {
    /// Whether it may happen on the notice there is: yes or inform.
    pub fn allowed(&self) -> bool {
        self.verdict.allowed()
    }
}

/// When a cut may happen after service of a notice; both ends empty when it may not happen at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoticeWindow {
    /// First lawful moment.
    pub earliest: Option<DateTime<Utc>>,
    /// End of the lawful window; none when the notice does not expire.
    pub latest: Option<DateTime<Utc>>,
}

impl NoticeWindow {
    /// Whether nobody may be cut off on this notice.
    pub fn is_empty(&self) -> bool {
        self.earliest.is_none()
    }
}
