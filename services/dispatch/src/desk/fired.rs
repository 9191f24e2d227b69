//! What timers do. An outdated one finds its clock stopped and does nothing.

use relight_common::Work;
use relight_policy::Pack;

use super::{By, Change, clocks::CLIMB, crews};
use crate::{
    domain::{
        clock::{CLIMB_AFTER, CLIMB_MAX, Level, Name},
        etr::Source,
        ids::{ClockId, CrewId},
        order::Event,
    },
    error::Error,
    store::{clock, clock::Clock, crew_fact},
};

/// A clock reached its next moment: alarm, and at its end what the clock is for.
///
/// # Errors
/// [`Error::Common`] and whatever the step refuses.
pub async fn clock_fired(work: &mut Work, pack: &Pack, id: ClockId) -> Result<(), Error> {
    let Some((mut change, clock)) = locked(work, pack, id).await? else {
        return Ok(());
    };
    let level = clock.times.level_at(change.work.at());
    if clock.stopped_at.is_some() {
        return Ok(());
    }
    if level > clock.level {
        change.raise(&clock, level).await?;
    }
    change.look(clock.id, &clock.times, level).await?;
    if level == Level::Breach {
        ended(&mut change, clock.name).await?;
    }
    change.finish().await.map(drop)
}

/// What the end of a clock means beside its alarm.
async fn ended(change: &mut Change<'_>, name: Name) -> Result<(), Error> {
    let by = By::itself(change.work, &change.order, "not taken in time");
    match name {
        Name::UnitTake => change.step(&Event::LapseUnit, &by).await.map(drop),
        Name::CrewTake => change.step(&Event::LapseCrew, &by).await.map(drop),
        Name::Etr => change.withdraw_estimate("lapsed", &by).await,
        Name::Arrival | Name::Review | Name::Start | Name::Reconnect => Ok(()),
    }
}

/// Nobody acknowledged an alarm in time: it is told again, one step higher.
///
/// # Errors
/// [`Error::Common`].
pub async fn climb_fired(work: &mut Work, pack: &Pack, id: ClockId) -> Result<(), Error> {
    let Some((mut change, clock)) = locked(work, pack, id).await? else {
        return Ok(());
    };
    let settled =
        clock.level == Level::None || clock.acknowledged_by.is_some() || clock.escalation >= CLIMB_MAX;
    if settled || is_overtaken(&mut change, &clock).await? {
        return Ok(());
    }
    let escalation = clock.escalation + 1;
    clock::climb(change.work.conn(), clock.id, clock.level, escalation).await?;
    change.bump();
    change.tell_alarm(&clock, clock.level, escalation, None);
    if escalation < CLIMB_MAX {
        let (at, version) = (change.work.at() + CLIMB_AFTER, change.order.version);
        change.work.set_timer(CLIMB, clock.id.uuid(), at, version).await?;
    }
    change.finish().await.map(drop)
}

/// The alarm no longer asks for anything: the crew arrived, the order was offered again, or it is over. A clock that
/// ended in breach and was not replaced still does.
async fn is_overtaken(change: &mut Change<'_>, clock: &Clock) -> Result<bool, Error> {
    if clock.stopped_at.is_none() {
        return Ok(false);
    }
    let waits = match clock.name {
        Name::UnitTake => change.order.state.unit().is_none() && !change.order.state.is_over(),
        Name::CrewTake => change.order.state.team().is_none() && change.order.state.unit().is_some(),
        Name::Arrival | Name::Review | Name::Etr | Name::Start | Name::Reconnect => false,
    };
    let latest = clock::latest(change.work.conn(), &[change.order.id.uuid()]).await?;
    Ok(!waits || !latest.iter().any(|other| other.id == clock.id))
}

/// Locks the order of a clock, then reads the clock as it stands under that lock.
async fn locked<'w>(
    work: &'w mut Work,
    pack: &'w Pack,
    id: ClockId,
) -> Result<Option<(Change<'w>, Clock)>, Error> {
    let Some(clock) = clock::get(work.conn(), id).await? else {
        return Ok(None);
    };
    let change = Change::of(work, pack, clock.order).await?;
    let clock = clock::get(change.work.conn(), id).await?;
    Ok(clock.map(|clock| (change, clock)))
}

/// A shift begins or ends: others are told; the estimate of a crew that goes home is withdrawn (O19).
///
/// # Errors
/// [`Error::Common`].
pub async fn shift_fired(work: &mut Work, pack: &Pack, crew: CrewId, ends: bool) -> Result<(), Error> {
    let now = work.at();
    let Some(facts) = crew_fact::one(work.conn(), crew, now).await? else {
        return Ok(());
    };
    let off = !facts.shift.is_some_and(|shift| shift.is_on(now));
    if let Some((order, _)) = facts.active.filter(|_| ends && off) {
        let mut change = Change::of(work, pack, order).await?;
        let is_theirs = change.order.state.occupied_crew() == Some(crew);
        if is_theirs && change.order.etr.is_some_and(|etr| etr.source == Source::Crew) {
            let by = By::itself(change.work, &change.order, "end of shift");
            change.withdraw_estimate("shift_end", &by).await?;
        }
        change.finish().await?;
    }
    crews::tell(work, crew).await
}
