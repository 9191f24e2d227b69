//! Switching, at the moment it really happened: now, or the time that was written down while nobody could record it
//! (domain.md 5.5 no. 40). What has happened is recorded, whatever it was; what was wrong about it is marked and said.

use chrono::TimeDelta;

use super::{
    super::{
        event::Effect,
        outage::{Mark, Permit, State},
        refusal::Refusal,
        said::{Said, clock},
        window::Instant,
    },
    Moved, PERMIT_TTL, Step, gate_holds,
};

impl Step<'_> {
    /// Now, or the moment that was written down: not in the future and not before what it follows.
    pub(super) fn happened(&self, at: Option<Instant>, after: Option<Instant>) -> Result<Instant, Refusal> {
        let at = at.unwrap_or(self.now);
        if at > self.now {
            return Err(Refusal::InFuture(self.now));
        }
        match after.filter(|after| at < *after) {
            Some(after) => Err(Refusal::Before(after)),
            None => Ok(at),
        }
    }

    pub(super) fn entered(&mut self, at: Instant) {
        if at < self.now {
            self.outage.mark(Mark::EnteredLater);
        }
    }

    /// While the permit lasts, leave is asked, whether it comes with a time or not. After it there is no leave left to ask: a
    /// time that was written down is a record, and what was not in order then is an alarm.
    pub(super) fn switch_off(
        mut self,
        permit: Option<&Permit>,
        at: Option<Instant>,
    ) -> Result<Moved, Refusal> {
        let permit = permit.ok_or(Refusal::NoPermit)?;
        let is_record = at.is_some() && self.now - permit.at > PERMIT_TTL;
        let off_at = match at {
            Some(_) => self.happened(at, Some(permit.at))?,
            None => self.now,
        };
        let mut effects = vec![Effect::Off];
        if let Err(refusal) = self.leave(permit, off_at) {
            if !is_record {
                return Err(refusal);
            }
            self.outage.mark(Mark::OutsidePermit);
            effects.push(Effect::Alarm {
                what: "outside_permit",
                because: self.without_leave(off_at, &refusal),
            });
        }
        self.entered(off_at);
        self.outage.state = State::Off;
        self.outage.switched_off_at = Some(off_at);
        Ok((self.outage, effects))
    }

    fn without_leave(&self, off_at: Instant, refusal: &Refusal) -> Said {
        let at = clock(off_at, self.law.zone);
        let Said { zh, en } = refusal.said(self.law.zone);
        Said::new(
            format!("补录：于{at}停电；{zh}"),
            format!("supply went off at {at}, as was entered later: {en}"),
        )
    }

    /// Whether it may be switched off at `at` under `permit`.
    fn leave(&self, permit: &Permit, at: Instant) -> Result<(), Refusal> {
        // A permit of the future is what a clock that jumped back makes of a good one: as useless as an old one.
        if at - permit.at > PERMIT_TTL || at < permit.at {
            return Err(Refusal::PermitOld);
        }
        self.in_start_window(at, TimeDelta::zero())?;
        gate_holds(&self.outage, self.facts, self.law)?;
        let coverage = &self.facts.coverage;
        if self.outage.late_start.is_some() && coverage.told_late_start < coverage.required {
            return Err(Refusal::LateNotTold(coverage.required - coverage.told_late_start));
        }
        Ok(())
    }

    /// The plan ends where people were told it ends, and the fault goes on from that same instant (domain.md 5.5 no. 26). Nobody
    /// may be on the line any more: who repairs the fault does not know of them.
    pub(super) fn hand_over(mut self, without_fault: u32) -> Result<Moved, Refusal> {
        let end = self.outage.window.on_at;
        if self.now < end {
            return Err(Refusal::StillPlanned(end));
        }
        if self.facts.uncleared > 0 {
            return Err(Refusal::NotCleared(self.facts.uncleared));
        }
        if without_fault > 0 {
            return Err(Refusal::NotInFault(without_fault));
        }
        let at = self.outage.switched_off_at.map_or(end, |off_at| off_at.max(end));
        self.outage.state = State::Restored;
        self.outage.restored_at = Some(at);
        self.outage.mark(Mark::Overrun);
        self.outage.mark(Mark::HandedOver);
        Ok((self.outage, vec![Effect::HandedOver { at }]))
    }

    /// Asked again for each section: somebody may have come to the line since supply began to return.
    pub(super) fn restore(mut self, all: bool, at: Option<Instant>) -> Result<Moved, Refusal> {
        self.everybody_out()?;
        let at = self.happened(at, self.outage.switched_off_at)?;
        self.entered(at);
        if all {
            self.outage.state = State::Restored;
            self.outage.restored_at = Some(at);
            if at > self.outage.window.on_at {
                self.outage.mark(Mark::Overrun);
            }
        }
        Ok((self.outage, vec![Effect::Back { all, at }]))
    }
}
