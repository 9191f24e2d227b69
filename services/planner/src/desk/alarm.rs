//! What timers do: the alarm eight days before, the reminder a day before, the last gate four hours before. Important
//! customers who are silent go to their account manager with the reminder, to the duty manager at the gate (domain.md 2.8).

use chrono::{DateTime, Utc};
use relight_common::{
    Work,
    timer::{Handler, Timer},
};
use relight_policy::Pack;
use serde_json::json;

use super::{
    due::{self, ARCHIVE, NOTICE_ALARM, UNDECIDED},
    reliability, safety,
    silent::{self, SILENT},
    step::{GATE, NOT_BEGUN, REMIND, With, law, step, watch_start, zone_of},
    tell,
};
use crate::{
    domain::{event::Event, ids::OutageId, outage::State, said::Said, transition::notice_holds},
    error::Error,
    store::{
        facts,
        outage::{self, Stored},
        people,
    },
};

/// Who does what a timer says.
pub const ITSELF: &str = "service:planner";

/// Carries out what timers say.
#[derive(Debug, Clone)]
pub struct Timers {
    pack: Pack,
}

impl Timers {
    /// The law comes from `pack`.
    pub fn new(pack: Pack) -> Self {
        Self { pack }
    }
}

impl Handler for Timers {
    type Error = Error;

    async fn fire(&self, work: &mut Work, timer: &Timer) -> Result<(), Error> {
        if timer.kind == reliability::WATCH {
            return reliability::fire(work, timer.subject).await;
        }
        if timer.kind == safety::UNTOLD {
            return safety::untold(work, timer.subject).await;
        }
        let mut one = outage::lock(work.conn(), OutageId::from_uuid(timer.subject)).await?;
        if i64::from(one.life.plan_no) != timer.version {
            return Ok(());
        }
        match timer.kind.as_str() {
            NOTICE_ALARM => notice_alarm(work, &self.pack, &one).await,
            UNDECIDED => due::undecided(work, &one).await,
            ARCHIVE => due::unarchived(work, &one).await,
            REMIND => remind(work, &self.pack, &mut one).await,
            GATE => gate(work, &self.pack, &mut one).await,
            SILENT => silent::alarm(work, &self.pack, &one).await,
            NOT_BEGUN => not_begun(work, &self.pack, &one).await,
            // A kind of a later release that runs beside this one: an error puts it off until that one takes it.
            _ => Err(Error::Stored("timer of a kind this release does not know")),
        }
    }
}

async fn notice_alarm(work: &mut Work, pack: &Pack, one: &Stored) -> Result<(), Error> {
    if one.life.state == State::Approved {
        let because = lacks(work, pack, one).await?;
        tell::alarm(work, one, "notice", because).await?;
    }
    Ok(())
}

async fn lacks(work: &mut Work, pack: &Pack, one: &Stored) -> Result<Said, Error> {
    let facts = facts::read(work.conn(), one).await?;
    Ok(match notice_holds(&one.life, &facts, &law(pack, one)) {
        Ok(()) => Said::new(
            "告知已完成，等待确认",
            "the notice is complete and waits to be taken",
        ),
        Err(refusal) => refusal.said(zone_of(one)),
    })
}

async fn remind(work: &mut Work, pack: &Pack, one: &mut Stored) -> Result<(), Error> {
    if one.life.state == State::Approved {
        let because = lacks(work, pack, one).await?;
        return tell::alarm(work, one, "reminder", because).await;
    }
    if one.life.state != State::Noticed {
        return Ok(());
    }
    match step(work, pack, one, &Event::Remind, ITSELF, With::default()).await {
        Ok(()) => escalate_silent(work, one, "account_manager").await,
        // Nobody is reminded of what should have begun: the clock jumped, or the house slept.
        Err(Error::Refused(refusal)) => tell::alarm(work, one, "reminder", refusal.said(zone_of(one))).await,
        Err(other) => Err(other),
    }
}

async fn gate(work: &mut Work, pack: &Pack, one: &mut Stored) -> Result<(), Error> {
    if !matches!(one.life.state, State::Approved | State::Noticed) {
        return Ok(());
    }
    match step(work, pack, one, &Event::Gate, ITSELF, With::default()).await {
        Ok(()) => Ok(()),
        Err(Error::Refused(refusal)) => {
            escalate_silent(work, one, "duty_manager").await?;
            tell::alarm(work, one, "gate", refusal.said(zone_of(one))).await
        }
        Err(other) => Err(other),
    }
}

/// The start passed and supply is on: people wait for it. Said again when it may not be switched off any more without a
/// later start that people are told of (operations.md O30), and when the announced end passed. What people hear is a
/// manager's decision: a later start, another day, or none.
async fn not_begun(work: &mut Work, pack: &Pack, one: &Stored) -> Result<(), Error> {
    if !matches!(one.life.state, State::Noticed | State::Ready) {
        return Ok(());
    }
    let (start, end, now) = (one.life.starts_at(), one.life.window.on_at, work.at());
    let clock = |at: DateTime<Utc>| at.with_timezone(&zone_of(one)).format("%H:%M").to_string();
    let until = (start + law(pack, one).start_within(&one.life)).min(end);
    let (what, zh, en) = if now >= end {
        let en = ", and the announced end passed: call it off, people are told";
        (
            "not_begun_over",
            "，且公告的结束时间已过：请取消并告知客户".to_owned(),
            en.to_owned(),
        )
    } else if now >= until {
        let en = ", and by now it may not be: a manager confirms a later start, moves it or calls it off, and people are told";
        (
            "not_begun_late",
            "，现已不得停电：须由负责人确认推迟开始、改期或取消，并告知客户".to_owned(),
            en.to_owned(),
        )
    } else {
        let until = clock(until);
        (
            "not_begun",
            format!("：{until}前仍可停电，之后须确认推迟开始"),
            format!(": it may be until {until}, later only with a later start"),
        )
    };
    let start = clock(start);
    let because = Said::new(
        format!("公告时间{start}无人停电{zh}"),
        format!("nobody switched off at {start}, the announced time{en}"),
    );
    tell::alarm(work, one, what, because).await?;
    watch_start(work, pack, one).await
}

async fn escalate_silent(work: &mut Work, one: &Stored, to: &str) -> Result<(), Error> {
    let (silent, at) = (people::silent(work.conn(), one.id).await?, work.at());
    for customer in &silent {
        let whom = (one.id, one.life.plan_no, *customer);
        people::escalate(work.conn(), whom, to, (None, ""), at).await?;
    }
    if !silent.is_empty() {
        let count = silent.len();
        let because = Said::new(
            format!("{count}户重要客户或生命支持客户未确认"),
            format!("{count} important or life-support customers have not acknowledged"),
        );
        tell::alarm(work, one, to, because).await?;
        work.audit(
            "outage.escalated",
            one.id,
            json!({ "to": to, "customers": silent }),
        );
    }
    Ok(())
}
