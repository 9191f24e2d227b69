//! From the wire to commands. Every refusal names the field and what is right.

use chrono::{DateTime, Utc};
use relight_common::{Invalid, wire};
use relight_proto::planner::v1::{
    self as w, ActRequest, PutLockRequest, Window as WireWindow, Words as WireWords, act_request::Action,
};
use uuid::Uuid;

mod draft;

pub(super) use draft::{draft, template};

use super::{customer_id, evidence::evidence, outage_id};
use crate::{
    desk::act::{Act, Command},
    domain::{call::Outcome, event::Event, ids::PermitId, window::Window},
    error::Error,
    store::{lock::Lock, outage::Words},
};

const DEVICES_MAX: usize = 500;
pub(super) const TEXT_MAX: usize = 500;
const REASON_MAX: usize = 60;
const AREA_MAX: usize = 300;

/// What another service is asked first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asks {
    Nothing,
    /// How often customers were off this year.
    Ledger,
    /// What is below these devices.
    Section(Vec<String>),
    /// Who is affected now.
    Network,
    /// Who is off because of it and in no fault.
    Rest,
    /// The number that was called.
    Number {
        customer: Uuid,
        contact: Uuid,
        outcome: Outcome,
    },
}

pub(super) fn devices(ids: &[String]) -> Result<Vec<String>, Invalid> {
    if ids.is_empty() || ids.len() > DEVICES_MAX {
        return Err(Invalid::new("device_ids", "must name 1 to 500 devices"));
    }
    ids.iter()
        .map(|id| wire::text_required("device_ids", id, 100))
        .collect()
}

fn ends(window: Option<&WireWindow>) -> Result<(DateTime<Utc>, DateTime<Utc>), Invalid> {
    let window = window.ok_or_else(|| Invalid::new("window", "must be given"))?;
    let off_at = wire::instant("window.off_at", window.off_at)?;
    Ok((off_at, wire::instant("window.on_at", window.on_at)?))
}

/// `whole`: the area must be there, because nothing makes it any more.
fn words(words: Option<&WireWords>, whole: bool) -> Result<Words, Invalid> {
    let words = words.ok_or_else(|| Invalid::new("words", "must be given"))?;
    let area = |field, value| match whole {
        true => wire::text_required(field, value, AREA_MAX),
        false => wire::text(field, value, AREA_MAX),
    };
    Ok(Words {
        area_zh: area("words.area_zh", &words.area_zh)?,
        area_en: area("words.area_en", &words.area_en)?,
        line: wire::text_required("words.line", &words.line, 100)?,
        reason_zh: wire::text_required("words.reason_zh", &words.reason_zh, REASON_MAX)?,
        reason_en: wire::text_required("words.reason_en", &words.reason_en, REASON_MAX)?,
    })
}

pub(super) fn act(request: &ActRequest, now: DateTime<Utc>) -> Result<(Command, Asks), Error> {
    let action = request
        .action
        .as_ref()
        .ok_or_else(|| Invalid::new("action", "must be given"))?;
    let mut command = Command {
        outage: outage_id(&request.outage_id)?,
        expected_version: i64::try_from(request.expected_version)
            .map_err(|_| Invalid::new("expected_version", "must be below 2^63"))?,
        act: Act::Gate,
        reason: String::new(),
        words: None,
        above: None,
        section: None,
        call: None,
    };
    let mut asks = Asks::Nothing;
    command.act = match action {
        Action::Submit(_) => Act::Event(Event::Submit),
        Action::Balance(it) => {
            asks = Asks::Ledger;
            let justification = wire::text("justification", &it.justification, TEXT_MAX)?;
            Act::Event(Event::Balance { justification })
        }
        Action::Approve(it) => {
            let justification = wire::text("justification", &it.justification, TEXT_MAX)?;
            Act::Event(Event::Approve { justification })
        }
        Action::Extend(it) => {
            asks = Asks::Ledger;
            command.reason = why(&it.reason)?;
            let on_at = wire::instant("on_at", it.on_at)?;
            Act::Event(Event::Extend { on_at })
        }
        Action::Move(it) => {
            asks = Asks::Ledger;
            command.reason = why(&it.reason)?;
            Act::Event(moved(it, now)?)
        }
        Action::Announce(it) => {
            command.words = it.words.as_ref().map(|it| words(Some(it), true)).transpose()?;
            Act::Event(Event::Announce)
        }
        Action::Reword(it) => {
            command.words = Some(words(it.words.as_ref(), true)?);
            command.reason = why(&it.reason)?;
            Act::Event(Event::Reword)
        }
        Action::HandOver(it) => {
            command.reason = why(&it.reason)?;
            asks = Asks::Rest;
            Act::Gate
        }
        Action::Evidence(it) => {
            asks = called(it.call.as_ref(), &it.customer_id)?;
            Act::Evidence(evidence(it, &request.photos_stored)?)
        }
        Action::Acknowledge(it) => {
            asks = called(it.call.as_ref(), &it.customer_id)?;
            acknowledge(it)?
        }
        Action::Gate(_) => Act::Gate,
        Action::Refresh(it) => {
            asks = Asks::Network;
            command.words = it.words.as_ref().map(|it| words(Some(it), true)).transpose()?;
            Act::Gate
        }
        Action::Restore(it) => {
            (command.reason, asks) = restored(it)?;
            let at = wire::instant_opt("at", it.at)?;
            Act::Event(Event::Restore { all: it.all, at })
        }
        other => {
            let (act, reason) = plain(other)?;
            command.reason = reason;
            act
        }
    };
    Ok((command, asks))
}

fn why(reason: &str) -> Result<String, Invalid> {
    wire::text_required("reason", reason, TEXT_MAX)
}

fn moved(it: &w::Move, now: DateTime<Utc>) -> Result<Event, Error> {
    let (off_at, on_at) = ends(it.window.as_ref())?;
    Ok(Event::Move {
        window: Window::plan(off_at, on_at, now)?,
        justification: wire::text("justification", &it.justification, TEXT_MAX)?,
    })
}

fn restored(it: &w::Restore) -> Result<(String, Asks), Error> {
    let verified_by = wire::text_required("verified_by", &it.verified_by, TEXT_MAX)?;
    let asks = if it.all {
        Asks::Nothing
    } else {
        Asks::Section(devices(&it.device_ids)?)
    };
    Ok((verified_by, asks))
}

/// Actions that need nothing of other services, with their reason.
fn plain(action: &Action) -> Result<(Act, String), Error> {
    Ok(match action {
        Action::SwitchOff(it) => {
            let permit = PermitId::parse(&it.permit_id)?;
            let at = wire::instant_opt("at", it.at)?;
            (Act::Event(Event::SwitchOff { permit, at }), String::new())
        }
        Action::Permit(it) => {
            let event = Event::Permit {
                id: PermitId::new(),
                number: wire::text_required("number", &it.number, 100)?,
                read_back: it.read_back,
                at: wire::instant_opt("at", it.at)?,
            };
            (Act::Event(event), String::new())
        }
        Action::StartLate(it) => {
            let off_at = wire::instant("off_at", it.off_at)?;
            (Act::Event(Event::StartLate { off_at }), why(&it.reason)?)
        }
        Action::Work(_) => (Act::Event(Event::Work), String::new()),
        Action::StartRestoring(_) => (Act::Event(Event::StartRestoring), String::new()),
        Action::Archive(it) => {
            let note = wire::text("note", &it.note, 2_000)?;
            (Act::Event(Event::Archive { note }), String::new())
        }
        Action::Cancel(it) => (Act::Event(Event::Cancel), why(&it.reason)?),
        Action::Abort(it) => (Act::Event(Event::Abort), why(&it.reason)?),
        Action::Convert(it) => {
            let why = wire::text_required("why_not_planned", &it.why_not_planned, TEXT_MAX)?;
            (Act::Event(Event::Convert { why: why.clone() }), why)
        }
        other => (answer(other)?, String::new()),
    })
}

/// What is recorded of one customer or one leader.
fn answer(action: &Action) -> Result<Act, Error> {
    Ok(match action {
        Action::Negotiate(it) => negotiate(it)?,
        Action::Escalate(it) => escalate(it)?,
        Action::Isolate(it) => Act::Isolate {
            customer: customer_id(&it.customer_id)?,
            told: one_of("step", &it.step, &["isolated", "told"])? == "told",
        },
        Action::CheckIn(it) => Act::CheckIn {
            name: wire::text_required("name", &it.name, 100)?,
            team: wire::text_required("team", &it.team, 100)?,
        },
        Action::Clear(it) => clear(it)?,
        _ => return Err(Invalid::new("action", "must be one this release knows").into()),
    })
}

/// One of these words.
pub(super) fn one_of(
    field: &'static str,
    word: &str,
    words: &[&'static str],
) -> Result<&'static str, Invalid> {
    let known = words.iter().copied().find(|known| *known == word);
    known.ok_or_else(|| Invalid::new(field, format!("must be one of {}", words.join(", "))))
}

fn negotiate(it: &w::Negotiate) -> Result<Act, Error> {
    const STEPS: [&str; 5] = ["proposed", "countered", "agreed", "refused", "decided"];
    let window = match &it.window {
        None => None,
        window => {
            let (off_at, on_at) = ends(window.as_ref())?;
            Some(Window::spanning(off_at, on_at)?)
        }
    };
    Ok(Act::Negotiate {
        customer: customer_id(&it.customer_id)?,
        step: one_of("step", &it.step, &STEPS)?,
        window,
        note: wire::text_required("note", &it.note, TEXT_MAX)?,
    })
}

/// A call is tied to one number of one customer.
fn called(call: Option<&w::Call>, customer: &str) -> Result<Asks, Error> {
    let Some(call) = call else {
        return Ok(Asks::Nothing);
    };
    let words = Outcome::ALL.map(Outcome::word);
    let outcome = Outcome::parse(&call.outcome).ok_or_else(|| {
        let must = format!("must be one of {}", words.join(", "));
        Invalid::new("call.outcome", must)
    })?;
    Ok(Asks::Number {
        customer: customer_id(customer)?,
        contact: wire::uuid("call.contact_id", &call.contact_id)?,
        outcome,
    })
}

/// A bare digit is no acknowledgement (operations.md O21).
fn acknowledge(it: &w::Acknowledge) -> Result<Act, Error> {
    let text = wire::text_required("text", &it.text, TEXT_MAX)?;
    if text.chars().count() < 2 {
        return Err(Invalid::new(
            "text",
            "must be what they said, word by word; a bare digit is no answer",
        )
        .into());
    }
    if it
        .call
        .as_ref()
        .is_some_and(|call| call.outcome != Outcome::Reached.word())
    {
        let must = "must be reached: who was not reached said nothing; record the call as evidence";
        return Err(Invalid::new("call.outcome", must).into());
    }
    Ok(Act::Acknowledge {
        customer: customer_id(&it.customer_id)?,
        text,
    })
}

fn escalate(it: &w::Escalate) -> Result<Act, Error> {
    let to = one_of("to", &it.to, &["account_manager", "duty_manager"])?;
    if it.closed && to != "duty_manager" {
        return Err(Invalid::new(
            "to",
            "must be duty_manager when it is closed: that is who decides",
        )
        .into());
    }
    let note = wire::text("note", &it.note, TEXT_MAX)?;
    if it.closed && note.is_empty() {
        return Err(Invalid::new("note", "must say why it is done although they did not answer").into());
    }
    Ok(Act::Escalate {
        customer: customer_id(&it.customer_id)?,
        to,
        closed: it.closed,
        note,
    })
}

/// A clearance is whole or none (operations.md O2).
fn clear(it: &w::Clear) -> Result<Act, Error> {
    for (field, said) in [
        ("people_out", it.people_out),
        ("earths_off", it.earths_off),
        ("ticket_ended", it.ticket_ended),
    ] {
        if !said {
            return Err(Invalid::new(field, "must be true: a part of a clearance is none").into());
        }
    }
    Ok(Act::Clear {
        name: wire::text_required("name", &it.name, 100)?,
        team: wire::text("team", &it.team, 100)?,
        heard_by: wire::text("heard_by", &it.heard_by, 100)?,
    })
}

pub(super) fn lock(request: &PutLockRequest) -> Result<Lock, Error> {
    let it = request
        .lock
        .as_ref()
        .ok_or_else(|| Invalid::new("lock", "must be given"))?;
    let from_at = wire::instant("lock.from_at", it.from_at)?;
    let until_at = wire::instant("lock.until_at", it.until_at)?;
    if until_at <= from_at {
        return Err(Invalid::new("lock.until_at", "must be after from_at").into());
    }
    Ok(Lock {
        id: wire::uuid("lock.lock_id", &it.lock_id)?,
        kind: one_of(
            "lock.kind",
            &it.kind,
            &["event", "holiday", "weather", "guarantee"],
        )?
        .to_owned(),
        org_path: wire::text("lock.org_path", &it.org_path, 200)?,
        from_at,
        until_at,
        reason: wire::text_required("lock.reason", &it.reason, TEXT_MAX)?,
        lifted_by: None,
    })
}
