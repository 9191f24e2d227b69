//! Asking a pack: every question gets an answer, also when the pack has no rule for it or a fact is missing.

use chrono::{DateTime, Utc};

use crate::{Answer, Case, Pack, Question, Verdict};

impl Pack {
    /// Answers `question`.
    ///
    /// Fails safe: what cannot be judged is `no` for switching off and no obstacle to restoring. Safety switch-offs are
    /// never asked (O1).
    pub fn ask(&self, question: &Question, case: &Case) -> Answer {
        self.without_rule(question, case)
    }

    fn without_rule(&self, question: &Question, case: &Case) -> Answer {
        let verdict = match question {
            Question::PlannedStart(_) | Question::TemporaryStart(_) | Question::ArrearsDisconnect(_) => {
                Verdict::No
            }
            Question::PlannedChange(_) => Verdict::NewNotice,
            Question::ArrearsReconnect(_) | Question::FaultArrival(_) | Question::ComplaintAnswer(_) => {
                Verdict::Yes
            }
        };
        Answer {
            verdict,
            rule: None,
            source: None,
            because: format!("{} has no rule for this", self.id()),
            earliest: None,
            latest: None,
            by: None,
            changes_at: None,
            pack_version: self.version(case.ruled_at),
            zone: case.zone.unwrap_or_else(|| self.zone()),
        }
    }

    /// The version of the pack that rules a case triggered at `at`, such as `CN-SGCC@2022-01-01`.
    fn version(&self, at: Option<DateTime<Utc>>) -> String {
        let since = at.and_then(|at| self.changed_on(at));
        match since {
            Some(day) => format!("{}@{day}", self.id()),
            None => format!("{}@none", self.id()),
        }
    }
}
