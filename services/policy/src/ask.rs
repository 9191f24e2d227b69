//! Asking a pack: every question gets an answer, also when the pack has no rule for it or a fact is missing.

mod arrears;
mod change;
mod deadline;
mod start;
mod talks;
mod window;

use chrono::{DateTime, Utc};

use crate::{Answer, Case, Pack, Question, clock, view::View};

impl Pack {
    /// Answers `question`.
    ///
    /// Fails safe: what cannot be judged is `no` for switching off and no obstacle to restoring. Safety switch-offs are
    /// never asked (O1).
    pub fn ask(&self, question: &Question, case: &Case) -> Answer {
        let view = View::new(self, case, self.trigger(question, case));
        match question {
            Question::PlannedStart(facts) => start::planned(&view, facts),
            Question::PlannedChange(facts) => change::planned(&view, facts),
            Question::PlannedTalks(facts) => talks::decided(&view, facts),
            Question::TemporaryStart(facts) => start::temporary(&view, facts),
            Question::ArrearsDisconnect(facts) => arrears::disconnect(&view, facts),
            Question::ArrearsReconnect(facts) => deadline::reconnect(&view, facts),
            Question::FaultArrival(facts) => deadline::arrival(&view, facts),
            Question::ComplaintAnswer(facts) => deadline::complaint(&view, facts),
        }
    }

    /// The lawful window for a cut after service of the notice at `served_at`, of a bill due on `due_on`.
    ///
    /// Empty when nobody may be cut off in all the time the notice is good for: such a notice is refused. The window may
    /// have locked nights and days inside; `arrears.disconnect` judges a moment.
    pub fn notice_window(&self, facts: &crate::ArrearsDisconnect, case: &Case) -> crate::NoticeWindow {
        let question = Question::ArrearsDisconnect(facts.clone());
        let view = View::new(self, case, self.trigger(&question, case));
        window::of_notice(&view, facts)
    }

    /// The moment whose version of the pack rules: notice, due date, report, payment.
    fn trigger(&self, question: &Question, case: &Case) -> Option<DateTime<Utc>> {
        let clock = clock::Clock {
            zone: case.zone.unwrap_or(self.zone),
            calendar: None,
        };
        match question {
            Question::PlannedStart(f) => f.published_at.or(f.individual_at).or(f.off_at).or(f.now),
            Question::PlannedChange(f) => f.noticed_at.or(f.off_at).or(f.on_at).or(f.now),
            Question::PlannedTalks(f) => f.proposed_at.or(f.at),
            Question::TemporaryStart(f) => f.published_at.or(f.off_at),
            Question::ArrearsDisconnect(f) => {
                let due = f.due_on.and_then(|day| clock.start_of(day).ok());
                due.or(f.served_at).or(f.at)
            }
            Question::ArrearsReconnect(f) => f.paid_at,
            Question::FaultArrival(f) => f.accepted_at,
            Question::ComplaintAnswer(f) => f.accepted_at,
        }
    }
}
