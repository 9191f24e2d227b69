//! Durable timers of dispatch: clocks, climbing alarms, shifts.

use relight_common::{
    Work,
    timer::{Handler, Timer},
};
use relight_policy::Pack;

use crate::{
    desk::{
        self,
        clocks::{CLIMB, LOOK},
        crews::{SHIFT_END, SHIFT_START},
        subject::OPENS,
    },
    domain::ids::{ClockId, CrewId, SubjectId},
    error::Error,
};

/// Carries out what timers say.
#[derive(Debug, Clone)]
pub struct Timers {
    pack: Pack,
}

impl Timers {
    /// Limits come from `pack`.
    pub fn new(pack: Pack) -> Self {
        Self { pack }
    }
}

impl Handler for Timers {
    type Error = Error;

    async fn fire(&self, work: &mut Work, timer: &Timer) -> Result<(), Error> {
        match timer.kind.as_str() {
            LOOK => desk::clock_fired(work, &self.pack, ClockId::from_uuid(timer.subject)).await,
            CLIMB => desk::climb_fired(work, &self.pack, ClockId::from_uuid(timer.subject)).await,
            kind @ (SHIFT_START | SHIFT_END) => {
                let crew = CrewId::from_uuid(timer.subject);
                desk::shift_fired(work, &self.pack, crew, kind == SHIFT_END).await
            }
            OPENS => desk::settle_subject(work, &self.pack, SubjectId::from_uuid(timer.subject)).await,
            // A kind of a later release that runs beside this one: an error puts it off until that one takes it.
            _ => Err(Error::Stored("timer of a kind this release does not know")),
        }
    }
}
