//! Requests to commands; every refusal names the field.

use chrono::{DateTime, NaiveDate, TimeDelta};
use relight_common::{Claims, Invalid, wire};
use relight_proto::arrears::v1::{self as w, apply_request::Event as Asked};

use crate::{
    desk::{Act, CutTold, Meter},
    domain::{
        Event, Instant,
        call::Call,
        case::{Filing, Held, HoldKind, PreNotice, Reminder},
        class::Class,
        event::Doing,
        hold::Part,
        message::Kind,
        proof::{Method, Proof, UPLOAD_FIRST},
    },
};

const NOTE_MAX: usize = 500;
const NAME_MAX: usize = 100;
/// What a person may say they did. A text or a mail is ordered and counts by what notify tells of it, never by a word.
const REMINDERS: [&str; 3] = ["phone", "post", "visit"];
const WARNINGS: [&str; 2] = ["phone", "door"];

/// A command, or one that needs to ask registry first.
pub(super) enum Read {
    /// Complete.
    Act(Box<Act>),
    /// A notice for this moment.
    Issue(Instant),
    /// A cut, on whosever meter.
    Cut(Box<CutTold>),
}

/// What the caller asks for. `stored`: photos it names whose bytes the edge has.
pub(super) fn act(claims: &Claims, asked: Asked, stored: &[String]) -> Result<Read, Invalid> {
    let actor = claims.actor.as_str();
    let event = match asked {
        Asked::Issue(issue) => return Ok(Read::Issue(wire::instant("stop_at", issue.stop_at)?)),
        Asked::Tell(tell) => return Ok(Read::Act(Box::new(Act::Tell(ordered(&tell.kind)?)))),
        Asked::Cut(cut) => return Ok(Read::Cut(Box::new(doing(actor, &cut, stored)?))),
        Asked::Remind(remind) => Event::Remind(Reminder {
            at: wire::instant("reminded_at", remind.reminded_at)?,
            channel: word("channel", &remind.channel, &REMINDERS)?,
            record: wire::text_required("record", &remind.record, NAME_MAX)?,
            call: remind.call.as_ref().map(call).transpose()?,
            photo_sha256: stored_photo(&remind.photo_sha256, stored)?,
        }),
        Asked::Propose(propose) => Event::Propose {
            author: actor.to_owned(),
            reason: wire::text_required("reason", &propose.reason, NOTE_MAX)?,
        },
        Asked::Approve(approve) => Event::Approve {
            approver: actor.to_owned(),
            approver_name: claims.name.clone(),
            manager: false,
            exception: some("exception", &approve.exception)?,
        },
        Asked::Serve(serve) => served(claims, &serve, stored)?,
        Asked::PreNotice(warning) => Event::PreNotice {
            warning: warned(claims, &warning, stored)?,
            safe_shutdown: some("safe_shutdown", &warning.safe_shutdown)?,
        },
        Asked::FoundOff(found) => Event::FoundOff {
            off_at: wire::instant("off_at", found.off_at)?,
            reason: wire::text_required("reason", &found.reason, NOTE_MAX)?,
        },
        Asked::FindWrongful(found) => Event::FindWrongful {
            reason: wire::text_required("reason", &found.reason, NOTE_MAX)?,
        },
        Asked::Reconnect(back) => Event::Reconnect {
            told: back.customer_told,
            by: actor.to_owned(),
        },
        Asked::Close(_) => Event::Close,
        Asked::AcceptPlan(plan) => Event::AcceptPlan {
            until: wire::instant("until", plan.until)?,
        },
        Asked::Hold(hold) => held(&hold)?,
        Asked::ReleaseHold(hold) => Event::Release {
            kind: kind(&hold.kind)?,
        },
        Asked::Classify(known) => {
            let words = || Class::ALL.map(Class::word).join(", ");
            let class = Class::parse(&known.class);
            Event::Classify {
                class: class.ok_or_else(|| Invalid::new("class", format!("must be one of {}", words())))?,
                reason: wire::text("reason", &known.reason, NOTE_MAX)?,
            }
        }
        Asked::Withdraw(why) => Event::Withdraw {
            reason: wire::text_required("reason", &why.reason, NOTE_MAX)?,
        },
    };
    Ok(Read::Act(Box::new(Act::Event(event))))
}

/// The call an event rests on.
pub(super) fn call_of(asked: &Asked) -> Result<Option<Call>, Invalid> {
    let asked = match asked {
        Asked::Remind(remind) => remind.call.as_ref(),
        Asked::PreNotice(warning) => warning.call.as_ref(),
        Asked::Serve(serve) => serve.call.as_ref(),
        _ => None,
    };
    asked.map(call).transpose()
}

fn call(asked: &w::CallAnswered) -> Result<Call, Invalid> {
    Ok(Call {
        contact: wire::uuid("call.contact_id", &asked.contact_id)?,
        answered_by: wire::text("call.answered_by", &asked.answered_by, NAME_MAX)?,
        adult: asked.adult,
    })
}

fn warned(claims: &Claims, warning: &w::PreNotice, stored: &[String]) -> Result<PreNotice, Invalid> {
    Ok(PreNotice {
        at: wire::instant("warned_at", warning.warned_at)?,
        channel: word("channel", &warning.channel, &WARNINGS)?,
        record: wire::text_required("record", &warning.record, NAME_MAX)?,
        by: claims.actor.clone(),
        by_name: claims.name.clone(),
        call: warning.call.as_ref().map(call).transpose()?,
        photo_sha256: stored_photo(&warning.photo_sha256, stored)?,
        witness: some("witness", &warning.witness)?,
    })
}

fn word(field: &'static str, text: &str, words: &[&str]) -> Result<String, Invalid> {
    if words.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(Invalid::new(
            field,
            format!("must be one of {}", words.join(", ")),
        ))
    }
}

fn kind(text: &str) -> Result<HoldKind, Invalid> {
    let words = || HoldKind::ALL.map(HoldKind::word).join(", ");
    HoldKind::parse(text).ok_or_else(|| Invalid::new("kind", format!("must be one of {}", words())))
}

fn held(hold: &w::Hold) -> Result<Event, Invalid> {
    let kind = kind(&hold.kind)?;
    let part = match (hold.amount_cents, kind) {
        (0, _) => None,
        (cents, HoldKind::Dispute) if cents > 0 => Some(Part {
            cents,
            // The desk knows the bills and says the day of what is left.
            rest_due_on: NaiveDate::MAX,
        }),
        _ => {
            let must = "must be above 0, and only with a dispute about that part of the debt";
            return Err(Invalid::new("amount_cents", must));
        }
    };
    Ok(Event::Hold {
        kind,
        held: Held {
            part,
            ..Held::new(
                DateTime::UNIX_EPOCH,
                wire::instant_opt("until", hold.until)?,
                &wire::text_required("reason", &hold.reason, NOTE_MAX)?,
            )
        },
    })
}

/// A person orders these; the others follow from steps.
fn ordered(text: &str) -> Result<Kind, Invalid> {
    Kind::parse(text)
        .filter(|kind| matches!(kind, Kind::Reminder | Kind::PreNotice))
        .ok_or_else(|| Invalid::new("kind", "must be one of reminder, pre_notice"))
}

fn some(field: &'static str, text: &str) -> Result<Option<String>, Invalid> {
    Ok(Some(wire::text(field, text, NOTE_MAX)?).filter(|text| !text.is_empty()))
}

/// A SHA-256 as lower-case hex.
fn sha256(field: &'static str, text: &str) -> Result<String, Invalid> {
    let fits = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Invalid::new(
            field,
            "must be a SHA-256 in 64 lower-case hex digits",
        ))
    }
}

fn sha256_opt(field: &'static str, text: &str) -> Result<Option<String>, Invalid> {
    if text.is_empty() {
        Ok(None)
    } else {
        sha256(field, text).map(Some)
    }
}

/// A photo of a visit, whose bytes are stored.
fn stored_photo(text: &str, stored: &[String]) -> Result<Option<String>, Invalid> {
    let photo = sha256_opt("photo_sha256", text)?;
    match &photo {
        Some(named) if !stored.contains(named) => Err(Invalid::new("photo_sha256", UPLOAD_FIRST)),
        _ => Ok(photo),
    }
}

fn served(claims: &Claims, serve: &w::Serve, stored: &[String]) -> Result<Event, Invalid> {
    let words = || Method::ALL.map(Method::word).join(", ");
    let method = Method::parse(&serve.method);
    let filing = match some("filing_receipt", &serve.filing_receipt)? {
        Some(receipt) => Some(Filing {
            at: wire::instant("filed_at", serve.filed_at)?,
            receipt,
        }),
        None => None,
    };
    let proof = Proof {
        method: method.ok_or_else(|| Invalid::new("method", format!("must be one of {}", words())))?,
        served_at: wire::instant("served_at", serve.served_at)?,
        server: claims.actor.clone(),
        server_name: claims.name.clone(),
        position: serve.position.map(|at| wire::point("position", at)).transpose()?,
        photo_sha256: stored_photo(&serve.photo_sha256, stored)?,
        received_by: some("received_by", &serve.received_by)?,
        signature_sha256: sha256_opt("signature_sha256", &serve.signature_sha256)?,
        witness: some("witness", &serve.witness)?,
        record: some("record", &serve.record)?,
        call: serve
            .call
            .as_ref()
            .map(|asked| answered(asked, &serve.received_by))
            .transpose()?,
    };
    Ok(Event::Serve {
        proof,
        filing,
        occupants: some("occupants", &serve.occupants)?,
    })
}

/// Who answered the call is who received the notice.
fn answered(asked: &w::CallAnswered, received_by: &str) -> Result<Call, Invalid> {
    Ok(Call {
        answered_by: received_by.trim().to_owned(),
        ..call(asked)?
    })
}

/// The photo that has to be stored by now and is not. What is off already is recorded before the picture of it arrives, and
/// what the desk is told by voice before both.
fn missing(cut: &w::Cut, stored: &[String]) -> Option<&'static str> {
    if !cut.told_by.is_empty() {
        None
    } else if !stored.contains(&cut.photo_before_sha256) {
        Some("photo_before_sha256")
    } else if cut.done_at.is_none() && !stored.contains(&cut.photo_after_sha256) {
        Some("photo_after_sha256")
    } else {
        None
    }
}

/// One photo does not show both how it was and how it is. Of a cut that is done, the one after it is owed then.
fn another(before: &str, after: String, done: bool) -> Result<String, Invalid> {
    match after {
        same if same.is_empty() || same != before => Ok(same),
        _ if done => Ok(String::new()),
        _ => {
            let must = "must be another photo than the one before the cut";
            Err(Invalid::new("photo_after_sha256", must))
        }
    }
}

/// The edge measures the clock of the phone that tells; who speaks on the phone reads some clock.
fn clock_off(cut: &w::Cut) -> Option<TimeDelta> {
    match cut.told_by.is_empty() {
        true => cut.clock_off_s.map(|off| TimeDelta::seconds(off.into())),
        false => None,
    }
}

fn doing(actor: &str, cut: &w::Cut, stored: &[String]) -> Result<CutTold, Invalid> {
    let told_by = some("told_by", &cut.told_by)?;
    // A voice carries no photo: it follows from the phone.
    let photo = |field, text: &str| match (text, &told_by) {
        ("", Some(_)) => Ok(String::new()),
        _ => sha256(field, text),
    };
    let before = photo("photo_before_sha256", &cut.photo_before_sha256)?;
    let after = photo("photo_after_sha256", &cut.photo_after_sha256)?;
    Ok(CutTold {
        shown: wire::text_required("release", &cut.release, NAME_MAX)?,
        by_voice: told_by.is_some(),
        position: cut.position.map(|at| wire::point("position", at)).transpose()?,
        meter: Meter::Ours,
        doing: Doing {
            scanned_meter_no: wire::text_required("scanned_meter_no", &cut.scanned_meter_no, 64)?,
            photo_after_sha256: another(&before, after, cut.done_at.is_some())?,
            photo_before_sha256: before,
            by: told_by.unwrap_or_else(|| actor.to_owned()),
            second: wire::text_required("second", &cut.second, NAME_MAX)?,
            missing_photo: missing(cut, stored),
            nobody_at_risk: cut.nobody_at_risk,
            done_at: wire::instant_opt("done_at", cut.done_at)?,
            clock_off: clock_off(cut),
        },
    })
}
