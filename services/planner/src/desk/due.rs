//! What people at the desk have to have done by a moment the policy pack sets: decide, tell everybody, write it up.

use relight_common::Work;
use relight_policy::Pack;

use super::{step::law, tell};
use crate::{
    domain::{
        event::Event,
        outage::{Class, State},
        refusal::state_zh,
        said::Said,
        window::Instant,
    },
    error::Error,
    store::outage::Stored,
};

/// Timer: somebody should have decided by now.
pub const UNDECIDED: &str = "outage.undecided";
/// Timer: the notice should be complete by now.
pub const NOTICE_ALARM: &str = "outage.alarm";
/// Timer: it should be written up by now.
pub const ARCHIVE: &str = "outage.archive";

/// Sets what is due next after `event`. What was due before it came this far is said at once, and once.
///
/// # Errors
/// [`Error::Common`].
pub async fn watch(work: &mut Work, pack: &Pack, one: &Stored, event: &Event) -> Result<(), Error> {
    let (law, state, off_at) = (law(pack, one), one.life.state, one.life.window.off_at);
    let undecided = law.decide_before(off_at).map(|before| off_at - before);
    let undecided = undecided.filter(|_| state.is_undecided());
    let notice = off_at - law.alarm_before(&one.life);
    let notice = (state == State::Approved).then_some(notice);
    let archive = one.life.restored_at.filter(|_| state == State::Restored);
    let archive = archive.and_then(|at| law.archive_by(at));
    set(work, one, UNDECIDED, undecided, *event == Event::Submit).await?;
    let is_new_plan = matches!(event, Event::Approve { .. } | Event::Move { .. });
    // A temporary one never had that long.
    let is_late = is_new_plan && !matches!(one.life.class, Class::Temporary { .. });
    set(work, one, NOTICE_ALARM, notice, is_late).await?;
    set(
        work,
        one,
        ARCHIVE,
        archive,
        matches!(event, Event::Restore { .. }),
    )
    .await
}

/// `at_once`: a moment that passed is now; else it was said, or will be.
async fn set(
    work: &mut Work,
    one: &Stored,
    kind: &str,
    due_at: Option<Instant>,
    at_once: bool,
) -> Result<(), Error> {
    let (id, now, version) = (one.id.uuid(), work.at(), i64::from(one.life.plan_no));
    match due_at {
        None => work.clear_timer(kind, id).await?,
        Some(at) if at > now || at_once => work.set_timer(kind, id, at.max(now), version).await?,
        Some(_) => {}
    }
    Ok(())
}

/// Nobody has decided, and the notice has to be out soon.
///
/// # Errors
/// [`Error::Common`].
pub async fn undecided(work: &mut Work, one: &Stored) -> Result<(), Error> {
    if !one.life.state.is_undecided() {
        return Ok(());
    }
    let state = one.life.state.word();
    let because = Said::new(
        format!(
            "尚无人审批，当前为“{}”：须按时发出告知，否则改期",
            state_zh(one.life.state)
        ),
        format!("nobody has decided yet, it is {state}: the notice has to be out in time, or it is moved"),
    );
    tell::alarm(work, one, "undecided", because).await
}

/// Supply is back and nobody wrote up how it went.
///
/// # Errors
/// [`Error::Common`].
pub async fn unarchived(work: &mut Work, one: &Stored) -> Result<(), Error> {
    if one.life.state != State::Restored {
        return Ok(());
    }
    let because = Said::new(
        "已复电但尚未写清时间、出入和告知情况；请归档",
        "supply is back and nobody wrote it up: times, deviations, who was told; archive it",
    );
    tell::alarm(work, one, "archive", because).await
}
