//! What an event does to an outage (domain.md 5.2 with operations.md O1 to O3, O22, O23, O30).
//!
//! The way to `Off` leads through approval by another person, a public announcement, proof of every individual notice in
//! lawful time, acknowledgement by important customers, nobody unreached, and a permit at most five minutes old. There is
//! no other way: the oracle's test looks for one.

mod changes;
mod entered;

use chrono::TimeDelta;
use relight_policy::Verdict;

use super::{
    event::{Effect, Event, Kind},
    facts::Facts,
    law::Law,
    outage::{Class, Decision, Mark, Outage, Permit, State, Worded},
    refusal::Refusal,
    window::{Instant, Window},
};

/// How long a permit to switch off lasts (design.md 10).
pub const PERMIT_TTL: TimeDelta = TimeDelta::minutes(5);

/// The outage after an event, and what follows for others.
pub type Moved = (Outage, Vec<Effect>);

/// What `event`, done by `by` at `now`, makes of `outage`.
///
/// # Errors
/// A [`Refusal`] that says what stands in the way. The outage is then as it was.
pub fn transition(
    outage: &Outage,
    event: &Event,
    by: &str,
    facts: &Facts,
    law: &Law<'_>,
    now: Instant,
) -> Result<Moved, Refusal> {
    let step = Step {
        outage: outage.clone(),
        by,
        facts,
        law,
        now,
    };
    match (outage.state, event) {
        (State::Draft, Event::Submit) => step.submit(),
        (State::Submitted, Event::Balance { justification }) => step.balance(justification),
        (State::Balanced | State::Negotiating, Event::Negotiate) => Ok(step.to(State::Negotiating)),
        // A moved window is talked over again, without going back behind the approval.
        (State::Approved | State::Noticed | State::Ready, Event::Negotiate) => Ok((step.outage, Vec::new())),
        (State::Balanced | State::Negotiating, Event::Approve { justification }) => {
            step.approve(justification)
        }
        (State::Approved, Event::Reword) => step.reword(),
        (State::Approved, Event::Announce) => step.announce(),
        (State::Approved, Event::Notice) => step.notice(),
        // Noticed too: who was added since may not have the full lead any more (domain.md 5.5 no. 11).
        (State::Approved | State::Noticed, Event::Convert { why }) => step.convert(why),
        (State::Noticed, Event::Remind) => step.remind(),
        (State::Noticed, Event::Gate) => step.gate(),
        (
            State::Ready,
            Event::Permit {
                id,
                number,
                read_back,
                at,
            },
        ) => {
            let permit = Permit {
                id: *id,
                number: number.clone(),
                by: by.to_owned(),
                at: step.happened(*at, None)?,
            };
            step.permit(permit, *read_back)
        }
        (State::Ready, Event::StartLate { off_at }) => step.start_late(*off_at),
        (State::Ready, Event::SwitchOff { permit, at }) => {
            let held = outage.permit.as_ref().filter(|held| held.id == *permit);
            step.switch_off(held, *at)
        }
        (State::Off, Event::Work) => step.work(),
        (State::Off | State::Working, Event::StartRestoring) => step.start_restoring(),
        (State::Restoring, Event::Restore { all, at }) => step.restore(*all, *at),
        (State::Off | State::Working | State::Restoring, Event::HandOver { without_fault }) => {
            step.hand_over(*without_fault)
        }
        (State::Restored, Event::Archive { note }) => step.archive(note),
        (State::Off | State::Working | State::Restoring, Event::Extend { on_at }) => step.extend(*on_at),
        (
            State::Approved | State::Noticed | State::Ready,
            Event::Move {
                window,
                justification,
            },
        ) => step.move_to(*window, justification),
        (state, Event::Cancel) if state.is_before() => Ok(step.cancel()),
        (State::Noticed | State::Ready, Event::Abort) => step.abort(),

        // The catch-all may only refuse; every move is written out above.
        (state, event) => Err(Refusal::NotAllowed {
            state,
            event: event.word(),
        }),
    }
}

/// Asked to leave the notice as it is: what the notice lacks at `now`, whether the law carries it. Also the answer to
/// "may I", without moving anything.
///
/// # Errors
/// The first thing that stands in the way.
pub fn notice_holds(outage: &Outage, facts: &Facts, law: &Law<'_>) -> Result<(), Refusal> {
    if outage.announced_at.is_none() {
        return Err(Refusal::NotAnnounced);
    }
    if !facts.coverage.is_complete() {
        return Err(Refusal::NotTold(facts.coverage.required - facts.coverage.served));
    }
    let answer = law.notice(outage, &facts.coverage);
    if answer.verdict == Verdict::Yes {
        Ok(())
    } else {
        Err(Refusal::Law(law.notice_said(outage, &facts.coverage, &answer)))
    }
}

/// What the form of a plan lacks for its next step: the alternatives before it is handed in, the countersigns before it
/// is approved and before people are told of it (operations.md O31).
///
/// # Errors
/// The first thing that is missing.
pub fn form_holds(outage: &Outage, facts: &Facts) -> Result<(), Refusal> {
    let lacks = &facts.form;
    if lacks.above_voltage > 0 {
        return Err(Refusal::WrongTemplate(lacks.above_voltage));
    }
    if outage.state == State::Draft {
        if lacks.alternatives.is_empty() {
            return Ok(());
        }
        return Err(Refusal::NotConsidered(lacks.alternatives.clone()));
    }
    if !lacks.refused.is_empty() {
        return Err(Refusal::SignRefused(lacks.refused.clone()));
    }
    if !lacks.unsigned.is_empty() {
        return Err(Refusal::NotSigned(lacks.unsigned.clone()));
    }
    Ok(())
}

/// Everything the last gate asks: the notice still holds, important customers answered, nobody is left unreached, people
/// were reminded, no lock came in the way. The permit asks it again.
///
/// # Errors
/// The first thing that stands in the way.
pub fn gate_holds(outage: &Outage, facts: &Facts, law: &Law<'_>) -> Result<(), Refusal> {
    notice_holds(outage, facts, law)?;
    let coverage = &facts.coverage;
    if facts.network_added > 0 {
        return Err(Refusal::NetworkChanged(facts.network_added));
    }
    if !facts.balance.locks.is_empty() {
        return Err(Refusal::Locked(facts.balance.locks.clone()));
    }
    if facts.dedicated_open > 0 {
        return Err(Refusal::NotAgreed(facts.dedicated_open));
    }
    if coverage.unacknowledged > 0 {
        return Err(Refusal::NotAcknowledged(coverage.unacknowledged));
    }
    if coverage.unreached > 0 {
        return Err(Refusal::NotReached(coverage.unreached));
    }
    if outage.reminded_at.is_none() {
        return Err(Refusal::NotReminded);
    }
    Ok(())
}

/// One decision being made.
struct Step<'a> {
    outage: Outage,
    by: &'a str,
    facts: &'a Facts,
    law: &'a Law<'a>,
    now: Instant,
}

impl Step<'_> {
    fn to(mut self, state: State) -> Moved {
        self.outage.state = state;
        (self.outage, Vec::new())
    }

    fn tell(kind: Kind) -> Effect {
        Effect::Tell { kind, before: None }
    }

    fn decision(&self) -> Decision {
        Decision {
            by: self.by.to_owned(),
            at: self.now,
        }
    }

    fn another_person(&self) -> Result<(), Refusal> {
        if self.by == self.outage.author {
            Err(Refusal::OwnPlan)
        } else {
            Ok(())
        }
    }

    fn unlocked(&self) -> Result<(), Refusal> {
        if self.facts.balance.locks.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Locked(self.facts.balance.locks.clone()))
        }
    }

    fn submit(self) -> Result<Moved, Refusal> {
        let window = self.outage.window;
        Window::plan(window.off_at, window.on_at, self.now)?;
        form_holds(&self.outage, self.facts)?;
        Ok(self.to(State::Submitted))
    }

    /// Locks do not stop the comparison: they may be lifted until somebody decides.
    fn balance(self, justification: &str) -> Result<Moved, Refusal> {
        self.justified(justification)?;
        Ok(self.to(State::Balanced))
    }

    fn justified(&self, justification: &str) -> Result<(), Refusal> {
        let balance = &self.facts.balance;
        if !balance.needs_reason() || !justification.trim().is_empty() {
            return Ok(());
        }
        Err(Refusal::Collides(format!(
            "{} plans on the same feeder or with the same customers within {} days, {} customers above the yearly count, {} above the yearly hours, {} important ones with a single supply",
            balance.conflicts.len(),
            self.law.apart(self.outage.window.off_at).num_days(),
            balance.above_count,
            balance.above_hours,
            balance.single_source
        )))
    }

    fn approve(mut self, justification: &str) -> Result<Moved, Refusal> {
        self.another_person()?;
        form_holds(&self.outage, self.facts)?;
        self.unlocked()?;
        if self.facts.dedicated_open > 0 {
            return Err(Refusal::NotAgreed(self.facts.dedicated_open));
        }
        self.justified(justification)?;
        let window = self.outage.window;
        Window::plan(window.off_at, window.on_at, self.now)?;
        self.outage.approval = Some(self.decision());
        Ok(self.to(State::Approved))
    }

    /// What was approved and is not out yet is written anew: somebody else reads it when it is announced.
    fn reword(mut self) -> Result<Moved, Refusal> {
        if self.outage.announced_at.is_some() {
            return Err(Refusal::Announced);
        }
        self.outage.worded = Some(Worded::unread(self.by.to_owned(), self.now));
        Ok((self.outage, Vec::new()))
    }

    /// Words that came after the approval are read by somebody else than who wrote them (P5).
    fn approve_words(&mut self) -> Result<(), Refusal> {
        if let Some(worded) = self
            .outage
            .worded
            .as_mut()
            .filter(|one| one.approved_by.is_none())
        {
            if worded.by == self.by {
                return Err(Refusal::OwnWords);
            }
            worded.approved_by = Some(self.by.to_owned());
        }
        Ok(())
    }

    /// Repeating it does not make the announcement younger or older.
    fn announce(mut self) -> Result<Moved, Refusal> {
        if self.outage.announced_at.is_some() {
            return Ok((self.outage, Vec::new()));
        }
        if self.outage.window.off_at <= self.now {
            return Err(Refusal::TooLate(self.outage.window.off_at));
        }
        form_holds(&self.outage, self.facts)?;
        self.unlocked()?;
        self.approve_words()?;
        self.outage.ruled = Some(self.law.ruling(self.now));
        self.outage.announced_at = Some(self.now);
        Ok((self.outage, vec![Effect::Publish, Self::tell(Kind::Notice)]))
    }

    fn notice(mut self) -> Result<Moved, Refusal> {
        notice_holds(&self.outage, self.facts, self.law)?;
        self.outage.noticed_at = Some(self.now);
        Ok(self.to(State::Noticed))
    }

    /// Temporary is for what cannot have the full notice any more (domain.md 5.2, 5.5 no. 30).
    fn convert(mut self, why: &str) -> Result<Moved, Refusal> {
        self.another_person()?;
        if self.outage.class != Class::Planned {
            return Err(Refusal::NotTooLate);
        }
        if self
            .law
            .still_plannable(&self.outage, &self.facts.coverage, self.now)
        {
            return Err(Refusal::NotTooLate);
        }
        self.outage.class = Class::Temporary {
            why: why.to_owned(),
            by: self.by.to_owned(),
        };
        Ok((self.outage, Vec::new()))
    }

    fn remind(mut self) -> Result<Moved, Refusal> {
        let from = self.outage.window.off_at - self.law.remind_before(&self.outage);
        if self.now < from {
            return Err(Refusal::TooEarly(from));
        }
        if self.now >= self.outage.window.off_at {
            return Err(Refusal::TooLate(self.outage.window.off_at));
        }
        if self.outage.reminded_at.is_some() {
            return Ok((self.outage, Vec::new()));
        }
        self.outage.reminded_at = Some(self.now);
        Ok((self.outage, vec![Self::tell(Kind::Reminder)]))
    }

    fn gate(mut self) -> Result<Moved, Refusal> {
        let window = self.outage.window;
        let from = window.off_at - self.law.remind_before(&self.outage);
        if self.now < from {
            return Err(Refusal::TooEarly(from));
        }
        if self.now >= window.on_at {
            return Err(Refusal::TooLate(window.on_at));
        }
        gate_holds(&self.outage, self.facts, self.law)?;
        self.outage.ready_at = Some(self.now);
        Ok(self.to(State::Ready))
    }

    /// What the platform records; the leave to switch comes from the control desk (O7). The gate is asked again.
    fn permit(mut self, permit: Permit, read_back: bool) -> Result<Moved, Refusal> {
        if !read_back {
            return Err(Refusal::NotReadBack);
        }
        gate_holds(&self.outage, self.facts, self.law)?;
        self.in_start_window(permit.at, PERMIT_TTL)?;
        self.entered(permit.at);
        self.outage.permit = Some(permit);
        Ok((self.outage, Vec::new()))
    }

    /// Whether `at` lies in the start window; `ahead`: how long before the start it may be asked.
    fn in_start_window(&self, at: Instant, ahead: TimeDelta) -> Result<(), Refusal> {
        let from = self.outage.starts_at();
        let until = (from + self.law.start_within(&self.outage)).min(self.outage.window.on_at);
        if at < from - ahead {
            Err(Refusal::TooEarly(from))
        } else if at > until {
            Err(Refusal::TooLate(until))
        } else {
            Ok(())
        }
    }

    fn work(self) -> Result<Moved, Refusal> {
        if self.facts.backfeed_open > 0 {
            return Err(Refusal::BackFeed(self.facts.backfeed_open));
        }
        if self.facts.leaders == 0 {
            return Err(Refusal::NobodyIn);
        }
        Ok(self.to(State::Working))
    }

    /// Also straight from off: what was switched off and not worked on comes back the same way. A missing clearance is a
    /// no, whatever the announced end is (O2).
    fn start_restoring(self) -> Result<Moved, Refusal> {
        self.everybody_out()?;
        Ok(self.to(State::Restoring))
    }

    fn everybody_out(&self) -> Result<(), Refusal> {
        if self.facts.uncleared > 0 {
            return Err(Refusal::NotCleared(self.facts.uncleared));
        }
        if self.facts.backfeed_untold > 0 {
            return Err(Refusal::NotCalled(self.facts.backfeed_untold));
        }
        Ok(())
    }

    fn archive(mut self, note: &str) -> Result<Moved, Refusal> {
        if self.facts.uncalled > 0 {
            self.outage.mark(Mark::NotCalled);
        }
        if !self.outage.marks.is_empty() && note.trim().is_empty() {
            let words: Vec<_> = self.outage.marks.iter().map(|mark| mark.word()).collect();
            return Err(Refusal::Unexplained(words.join(", ")));
        }
        Ok(self.to(State::Archived))
    }
}
