//! Which clocks a step starts and stops. Clocks go on over returns, reassignments and merges; arrival stops at arrival.

use chrono::{DateTime, Utc};

use super::{Change, tell};
use crate::{
    domain::{
        clock::{CLIMB_AFTER, Level, Name, Times},
        etr::prompt_at,
        ids::ClockId,
        order::{Event, Kind, State},
    },
    error::Error,
    store::clock::{self, Clock},
};

/// Kind of the timer that looks at a clock.
pub(crate) const LOOK: &str = "clock";
/// Kind of the timer that lets an alarm climb.
pub(crate) const CLIMB: &str = "climb";

impl Change<'_> {
    pub(super) async fn run_clocks(
        &mut self,
        before: &State,
        event: &Event,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        match before {
            State::Dispatched { .. } => self.stop(Name::UnitTake, at, *event == Event::LapseUnit).await?,
            State::Assigned { .. } => self.stop(Name::CrewTake, at, *event == Event::LapseCrew).await?,
            State::Suspended { .. } => self.stop(Name::Review, at, false).await?,
            _ => {}
        }
        match self.order.state.clone() {
            State::Dispatched { take_by, .. } => {
                self.offer(Name::UnitTake, "dispatch.unit_take", at, take_by)
                    .await
            }
            State::Assigned { take_by, .. } => {
                self.offer(Name::CrewTake, "dispatch.crew_take", at, take_by)
                    .await
            }
            State::Suspended { review_at, .. } => {
                let times = Times::plain(at, review_at, "review of a suspended order, 2 h at most");
                self.start(Name::Review, &times).await
            }
            State::Arrived { .. } => self.stop(Name::Arrival, at, false).await,
            State::Restored { .. } => self.stop(Name::Etr, at, false).await,
            State::Merged { .. } | State::Withdrawn { .. } | State::Archived { .. } => {
                for name in [Name::Arrival, Name::Start, Name::Reconnect] {
                    self.stop(name, at, false).await?;
                }
                Ok(())
            }
            // A new clock for what is off again; the old acceptance stays on the order for reporting.
            State::Triaged { .. } if self.is_still_off() => self.start_arrival(at).await,
            State::Triaged { .. } if *event == Event::Reopen => self.start_first(at).await,
            _ => Ok(()),
        }
    }

    async fn offer(
        &mut self,
        name: Name,
        path: &str,
        at: DateTime<Utc>,
        take_by: DateTime<Utc>,
    ) -> Result<(), Error> {
        let words = &self.pack.leaf(path, at)?.words;
        let rule = format!("{} {path} {words}", self.pack.id());
        self.start(name, &Times::plain(at, take_by, rule)).await
    }

    /// The clock an order has from the beginning: a fault until somebody arrives, the others until what they are for
    /// begins or is done.
    pub(super) async fn start_first(&mut self, at: DateTime<Utc>) -> Result<(), Error> {
        match self.errand_clock(at) {
            Some((name, times)) => self.start(name, &times).await,
            None => self.start_arrival(self.order.accepted_at).await,
        }
    }

    fn errand_clock(&self, from: DateTime<Utc>) -> Option<(Name, Times)> {
        let errand = &self.order.about.as_ref()?.errand;
        let (name, rule) = match errand.kind {
            Kind::Planned => (Name::Start, "begin as announced"),
            Kind::Disconnect => (Name::Start, "stop time of the notice"),
            Kind::Reconnect | Kind::Fault => (Name::Reconnect, "reconnection, as arrears says"),
        };
        Some((name, Times::warning(from, errand.due_at, rule)))
    }

    /// The clock of a moved outage follows it.
    pub(super) async fn rebase_start(&mut self) -> Result<(), Error> {
        let Some(running) = self.running(Name::Start).await? else {
            return Ok(());
        };
        if let Some((_, times)) = self.errand_clock(running.times.started_at) {
            self.rebase(&running, &times).await?;
        }
        Ok(())
    }

    async fn start_arrival(&mut self, from: DateTime<Utc>) -> Result<(), Error> {
        let times = Times::from(self.pack.fault_arrival(self.order.area, from)?);
        self.start(Name::Arrival, &times).await
    }

    /// A clock on the estimate: the crew is asked 15 minutes before it lapses, and then it is withdrawn (O19).
    pub(super) async fn start_etr(&mut self, at: DateTime<Utc>, etr_at: DateTime<Utc>) -> Result<(), Error> {
        let plain = Times::plain(at, etr_at, "estimate of restoration");
        self.start(
            Name::Etr,
            &Times {
                watch_at: prompt_at(etr_at, at),
                ..plain
            },
        )
        .await
    }

    async fn start(&mut self, name: Name, times: &Times) -> Result<(), Error> {
        let id = ClockId::of(self.order.id, name.word(), self.order.version);
        clock::start(self.work.conn(), id, self.order.id, name, times).await?;
        self.clocks = None;
        self.look(id, times, Level::None).await
    }

    async fn rebase(&mut self, running: &Clock, times: &Times) -> Result<(), Error> {
        clock::rebase(self.work.conn(), running.id, times).await?;
        self.clocks = None;
        self.look(running.id, times, running.level).await
    }

    /// Sets the timer that looks at a clock when its level rises next.
    pub(super) async fn look(&mut self, id: ClockId, times: &Times, level: Level) -> Result<(), Error> {
        if let Some(at) = times.look_at(level, self.work.at()) {
            self.work
                .set_timer(LOOK, id.uuid(), at, self.order.version)
                .await?;
        }
        Ok(())
    }

    /// Stops the running clock of this name. Its timer stays and finds it stopped: taking it away here could wait for
    /// a timer that waits for this order.
    pub(super) async fn stop(&mut self, name: Name, at: DateTime<Utc>, lapsed: bool) -> Result<(), Error> {
        let Some(running) = self.running(name).await? else {
            return Ok(());
        };
        let level = if lapsed {
            Level::Breach
        } else {
            running.times.level_when_stopped(at)
        };
        clock::stop(self.work.conn(), running.id, at, level).await?;
        let known = self.clocks.iter_mut().flatten();
        for clock in known.filter(|clock| clock.id == running.id) {
            (clock.stopped_at, clock.level) = (Some(at), level);
        }
        Ok(())
    }

    pub(super) async fn running(&mut self, name: Name) -> Result<Option<Clock>, Error> {
        let clocks = match self.clocks.take() {
            Some(clocks) => clocks,
            None => clock::latest(self.work.conn(), &[self.order.id.uuid()]).await?,
        };
        let clocks = self.clocks.insert(clocks).iter();
        let mut running = clocks.filter(|clock| clock.name == name && clock.stopped_at.is_none());
        Ok(running.next().cloned())
    }

    /// The arrival clock follows an earlier acceptance or another area class; it never starts later.
    pub(super) async fn rebase_arrival(&mut self) -> Result<bool, Error> {
        let Some(running) = self.running(Name::Arrival).await? else {
            return Ok(false);
        };
        let from = if self.order.reopens > 0 {
            running.times.started_at
        } else {
            self.order.accepted_at
        };
        let times = Times::from(self.pack.fault_arrival(self.order.area, from)?);
        if times == running.times {
            return Ok(false);
        }
        self.rebase(&running, &times).await?;
        Ok(true)
    }

    /// Raises the alarm of a clock, tells it, and lets it climb unless somebody acknowledges.
    pub(super) async fn raise(&mut self, clock: &Clock, level: Level) -> Result<(), Error> {
        let now = self.work.at();
        clock::raise(self.work.conn(), clock.id, level, now).await?;
        self.clocks = None;
        self.bump();
        self.tell_alarm(clock, level, 0, None);
        if clock.name.climbs() {
            self.work
                .set_timer(CLIMB, clock.id.uuid(), now + CLIMB_AFTER, self.order.version)
                .await?;
        }
        Ok(())
    }

    pub(super) fn tell_alarm(&mut self, clock: &Clock, level: Level, escalation: i16, by: Option<&str>) {
        let alarm = tell::Alarm {
            clock: clock.name,
            level,
            due_at: clock.times.due_at,
            escalation,
            acknowledged_by: by,
        };
        tell::alarm(self.work, &self.order, &alarm);
    }
}
