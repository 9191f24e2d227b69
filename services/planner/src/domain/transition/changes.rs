//! Plans that change: a later start, a later end, another day, none at all (domain.md 5.5 no. 7 to 10, operations.md O30).

use chrono::TimeDelta;
use relight_policy::Verdict;

use super::{
    super::{
        event::{Effect, Kind},
        law::said,
        outage::{LateStart, Longer, Mark, State},
        refusal::Refusal,
        window::{Instant, Window},
    },
    Moved, Step,
};

/// Called off later than this before the start counts as short.
const SHORT_CANCEL: TimeDelta = TimeDelta::hours(24);

impl Step<'_> {
    /// The end stays, a manager who did not write the plan confirms, people are told (O30).
    pub(super) fn start_late(mut self, off_at: Instant) -> Result<Moved, Refusal> {
        self.another_person()?;
        let window = self.outage.window;
        if off_at <= self.outage.starts_at() || off_at >= window.on_at || off_at < self.now {
            return Err(Refusal::NotLate);
        }
        self.outage.late_start = Some(LateStart {
            by: self.by.to_owned(),
            at: self.now,
            off_at,
        });
        self.outage.permit = None;
        self.outage.mark(Mark::LateStart);
        let before = Some(window);
        Ok((
            self.outage,
            vec![Effect::Tell {
                kind: Kind::LateStart,
                before,
            }],
        ))
    }

    /// Never refused for being late: supply is off whatever we answer, and people must hear of it. It is marked instead.
    pub(super) fn extend(mut self, on_at: Instant) -> Result<Moved, Refusal> {
        let before = self.outage.window;
        if on_at <= before.on_at || on_at <= self.now {
            return Err(Refusal::NotLonger);
        }
        let window = Window::spanning(before.off_at, on_at)?;
        let verdict = self.law.change(&self.outage, window, self.now).verdict;
        if verdict != Verdict::Inform || self.now >= before.on_at {
            self.outage.mark(Mark::ToldLate);
        }
        let asked_by = self
            .law
            .ask_before(before.off_at)
            .map(|ahead| before.on_at - ahead);
        if asked_by.is_some_and(|by| self.now > by) {
            self.outage.mark(Mark::AskedLate);
        }
        self.outage.mark(Mark::Extended);
        if self.facts.limits_passed {
            self.outage.mark(Mark::AboveLimit);
        }
        self.outage.longer = Some(self.longer(before, on_at));
        self.outage.window = window;
        let before = Some(before);
        Ok((
            self.outage,
            vec![Effect::Tell {
                kind: Kind::Extended,
                before,
            }],
        ))
    }

    /// Whether people are called; once they are, it is counted from what they hear then.
    fn longer(&self, before: Window, on_at: Instant) -> Longer {
        let known = self.outage.longer.unwrap_or(Longer {
            from: before.on_at,
            call_since: None,
        });
        let limit = self.law.call_over(before.off_at);
        if limit.is_none_or(|limit| on_at - known.from <= limit) {
            return known;
        }
        Longer {
            from: on_at,
            call_since: Some(self.now),
        }
    }

    /// Another day is a new plan with a notice of its own; later on the same day people are told; earlier is never.
    /// Somebody else than the author decides, and that decision is the approval of the new window: it is compared
    /// with other plans, limits and locks as the first one was.
    pub(super) fn move_to(self, window: Window, justification: &str) -> Result<Moved, Refusal> {
        self.another_person()?;
        Window::plan(window.off_at, window.on_at, self.now)?;
        self.unlocked()?;
        self.justified(justification)?;
        let before = self.outage.window;
        if self.outage.announced_at.is_none() {
            return Ok(self.new_plan(window, before, false));
        }
        let answer = self.law.change(&self.outage, window, self.now);
        match answer.verdict {
            Verdict::Inform | Verdict::Yes if self.outage.noticed_at.is_some() => {
                Ok(self.later_today(window, before))
            }
            Verdict::Inform | Verdict::Yes | Verdict::NewNotice => Ok(self.new_plan(window, before, true)),
            Verdict::Forbidden | Verdict::No => Err(Refusal::Law(said(&answer))),
        }
    }

    /// The notice stays good; the gate is asked again.
    fn later_today(mut self, window: Window, before: Window) -> Moved {
        self.outage.window = window;
        self.outage.state = State::Noticed;
        self.outage.ready_at = None;
        self.outage.permit = None;
        self.outage.late_start = None;
        let before = Some(before);
        (
            self.outage,
            vec![Effect::Tell {
                kind: Kind::Changed,
                before,
            }],
        )
    }

    fn new_plan(mut self, window: Window, before: Window, noticed: bool) -> Moved {
        let mut effects = vec![Effect::EndPlan {
            plan_no: self.outage.plan_no,
            window: before,
            noticed,
        }];
        if noticed {
            let before = Some(before);
            effects.insert(
                0,
                Effect::Tell {
                    kind: Kind::Void,
                    before,
                },
            );
        }
        let approval = self.decision();
        self.outage.begin_plan(window, approval);
        (self.outage, effects)
    }

    pub(super) fn cancel(mut self) -> Moved {
        let told = self.outage.announced_at.is_some();
        if told && self.outage.window.off_at - self.now < SHORT_CANCEL {
            self.outage.mark(Mark::ShortCancel);
        }
        let effects = told.then(|| Self::tell(Kind::Cancelled));
        let (outage, _) = self.to(State::Cancelled);
        (outage, effects.into_iter().collect())
    }

    pub(super) fn abort(mut self) -> Result<Moved, Refusal> {
        let day = |at: Instant| at.with_timezone(&self.law.zone).date_naive();
        if day(self.now) < day(self.outage.window.off_at) {
            return Err(Refusal::NotTheDay);
        }
        self.outage.mark(Mark::ShortCancel);
        let (outage, _) = self.to(State::Aborted);
        Ok((outage, vec![Self::tell(Kind::Cancelled)]))
    }
}
