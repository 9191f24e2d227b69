//! One event on one locked outage, with everything that follows from it.

use chrono::TimeDelta;
use chrono_tz::Tz;
use relight_common::Work;
use relight_policy::Pack;
use serde_json::json;
use uuid::Uuid;

use super::{alarm::ITSELF, due, silent, tell};
use crate::{
    domain::{
        event::{Effect, Event, Kind},
        facts::Facts,
        law::Law,
        outage::State,
        overtaken::overtaken,
        transition::transition,
    },
    error::Error,
    store::{
        alarm, facts, individually,
        outage::{self, Stored},
        people, published,
    },
};

/// Timer: people are reminded.
pub const REMIND: &str = "outage.remind";
/// Timer: the last gate is asked.
pub const GATE: &str = "outage.gate";

/// Timer: supply should be off by now.
pub const NOT_BEGUN: &str = "outage.not_begun";

/// What comes with an event beside itself.
#[derive(Debug, Clone, Default)]
pub struct With<'a> {
    /// Why, in people's words.
    pub reason: &'a str,
    /// The set that is back, for a restored section, and how many service points it has.
    pub section: Option<(Uuid, u32)>,
    /// More customers are above a yearly limit than when it was decided.
    pub limits_passed: bool,
}

/// Zone of an outage; places have one that is known, or the import would have refused them.
pub fn zone_of(one: &Stored) -> Tz {
    one.place.zone.parse().unwrap_or(Tz::UTC)
}

/// The law at the place of an outage.
pub fn law<'a>(pack: &'a Pack, one: &Stored) -> Law<'a> {
    let zone = zone_of(one);
    let zones = one.place.zones.iter().filter_map(|name| name.parse().ok());
    let others = zones.filter(|other| *other != zone).collect();
    Law::of(pack, &one.life, zone, others)
}

/// Refuses when somebody changed `one` since the caller read it; `expected` 0: whatever it is.
///
/// # Errors
/// [`Error::Changed`].
pub fn unchanged(one: &Stored, expected: i64) -> Result<(), Error> {
    if expected == 0 || expected == one.version {
        return Ok(());
    }
    Err(Error::Changed {
        id: one.id,
        known: one.version,
        expected,
    })
}

/// Does `event` to `one`, which is locked.
///
/// # Errors
/// [`Error::Refused`], [`Error::Common`].
pub async fn step(
    work: &mut Work,
    pack: &Pack,
    one: &mut Stored,
    event: &Event,
    by: &str,
    with: With<'_>,
) -> Result<(), Error> {
    if event.compares() {
        let window = event.window(one.life.window);
        let apart = law(pack, one).apart(window.off_at);
        one.conflicts = facts::conflicts(work.conn(), one, window, apart).await?;
    }
    let mut facts = facts::read_for(work.conn(), one, event.window(one.life.window)).await?;
    facts.limits_passed = with.limits_passed;
    let (life, effects) = transition(&one.life, event, by, &facts, &law(pack, one), work.at())?;
    if life == one.life && effects.is_empty() {
        return Ok(());
    }
    one.life = life;
    if let (State::Restoring, Event::Restore { all: false, .. }, Some((set, count))) =
        (one.life.state, event, with.section)
    {
        one.life.restored_parts.insert(set, count);
    }
    for effect in &effects {
        before_saving(work, pack, one, effect, by, &with).await?;
    }
    save(work, one).await?;
    let at = work.at();
    let over = overtaken(one.life.state);
    if !over.is_empty() {
        alarm::overtake(work.conn(), one.id.uuid(), &over, ITSELF, at).await?;
    }
    published::follow(work.conn(), one, (by, by), at).await?;
    for effect in &effects {
        tell::effect(work, one, effect, with.section.map(|(set, _)| set), None).await?;
    }
    audit(work, one, event, &facts, with.reason);
    timers(work, pack, one).await?;
    due::watch(work, pack, one, event).await?;
    silent::watch(work, pack, one).await?;
    watch_start(work, pack, one).await
}

/// Saves `one` at its next version and tells its state.
///
/// # Errors
/// [`Error::Common`].
pub async fn save(work: &mut Work, one: &mut Stored) -> Result<(), Error> {
    one.version += 1;
    outage::save(work.conn(), one).await?;
    tell::changed(work, one);
    Ok(())
}

async fn before_saving(
    work: &mut Work,
    pack: &Pack,
    one: &Stored,
    effect: &Effect,
    by: &str,
    with: &With<'_>,
) -> Result<(), Error> {
    let at = work.at();
    match effect {
        // The law of the announcement says who is told one by one, whatever it was at the draft.
        Effect::Publish => {
            let classes = law(pack, one).told_individually(at);
            individually::classes(work.conn(), one.id, &classes).await?;
            published::add(work.conn(), one, by).await
        }
        Effect::EndPlan {
            plan_no,
            window,
            noticed,
        } => {
            let why = (with.reason, *noticed);
            outage::end_plan(work.conn(), one.id, *plan_no, *window, why, at).await?;
            people::begin_plan(work.conn(), one.id).await
        }
        Effect::Tell {
            kind: Kind::Changed, ..
        } => people::ask_again(work.conn(), one.id).await,
        Effect::Tell {
            kind: Kind::LateStart,
            ..
        } => people::begin_late_start(work.conn(), one.id).await,
        Effect::Tell { .. } | Effect::Off | Effect::Back { .. } => Ok(()),
        Effect::HandedOver { .. } | Effect::Alarm { .. } => Ok(()),
    }
}

fn audit(work: &mut Work, one: &Stored, event: &Event, facts: &Facts, reason: &str) {
    let detail = json!({
        "number": one.number,
        "state": one.life.state.word(),
        "plan_no": one.life.plan_no,
        "off_at": one.life.window.off_at,
        "on_at": one.life.window.on_at,
        "reason": reason,
        "switched_off_at": one.life.switched_off_at,
        "restored_at": one.life.restored_at,
        "ruled": one.life.ruled,
        "required": facts.coverage.required,
        "served": facts.coverage.served,
        "individual_at": facts.coverage.individual_at,
        "conflicts": facts.balance.conflicts,
        "locks": facts.balance.locks,
    });
    work.audit(event.word(), one.id, detail);
}

/// Sets the next moment at which a start that did not happen is said: some minutes after it, by the policy pack; when the
/// start window closed; at the announced end. None once supply is off or nobody was told of it.
///
/// # Errors
/// [`Error::Common`].
pub async fn watch_start(work: &mut Work, pack: &Pack, one: &Stored) -> Result<(), Error> {
    let (id, now, law) = (one.id.uuid(), work.at(), law(pack, one));
    let (start, end) = (one.life.starts_at(), one.life.window.on_at);
    let waits = matches!(one.life.state, State::Noticed | State::Ready);
    let moments = [
        start + law.start_alarm(&one.life),
        start + law.start_within(&one.life),
        end,
    ];
    let next = moments.into_iter().map(|at| at.min(end)).find(|at| *at > now);
    match next.filter(|_| waits) {
        Some(at) => {
            let version = i64::from(one.life.plan_no);
            work.set_timer(NOT_BEGUN, id, at, version).await?;
        }
        None => work.clear_timer(NOT_BEGUN, id).await?,
    }
    Ok(())
}

/// Timers of an outage that was decided for; none when it is off or over. What is due in the past says nothing new,
/// except that people are still to be reminded. One that waits stays: after hours in which nothing ran the reminder fires first, and
/// the gate right after it.
async fn timers(work: &mut Work, pack: &Pack, one: &Stored) -> Result<(), Error> {
    let law = law(pack, one);
    let (id, window, now) = (one.id.uuid(), one.life.window, work.at());
    let version = i64::from(one.life.plan_no);
    let wanted: [(&str, TimeDelta, bool); 2] = [
        (
            REMIND,
            law.remind_before(&one.life),
            matches!(one.life.state, State::Approved | State::Noticed) && one.life.reminded_at.is_none(),
        ),
        (
            GATE,
            law.gate_before(&one.life),
            matches!(one.life.state, State::Approved | State::Noticed),
        ),
    ];
    for (kind, before, wanted) in wanted {
        let due_at = window.off_at - before;
        let late = kind == REMIND && one.life.state == State::Noticed;
        if wanted && (due_at > now || late) {
            work.set_timer(kind, id, due_at.max(now), version).await?;
        } else if !wanted {
            work.clear_timer(kind, id).await?;
        }
    }
    Ok(())
}
