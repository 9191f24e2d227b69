//! An `Apply` request as a command, every field bounded and named when wrong, and what has to be asked of others for it.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{
    Invalid,
    wire::{self, text, text_required},
};
use relight_proto::{
    common::v1::DeviceTime as WireTime,
    dispatch::v1::{ApplyRequest, OrderEvent, order_event as wire_event, order_event::Event as Wire},
};

use crate::{
    desk::{Act, Command},
    domain::{
        device_time::DeviceTime,
        ids::{CrewId, OrderId, UnitId},
        order::{
            Arrival, CallBackResult, Event, Finding, Owner, Reply, ReturnReason, SafeStep, SafeWork, Section,
            Verification,
        },
        place::Place,
    },
};

const CODE_MAX: usize = 64;
const WORDS_MAX: usize = 1_000;
const DEVICES_MAX: usize = 500;
const PEOPLE_MAX: u32 = 1_000;

/// What has to be asked of others before the transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Asks {
    /// Nothing.
    #[default]
    Nothing,
    /// Intake confirms the device the crew found.
    Confirm {
        /// The device.
        device_id: String,
    },
    /// The registry stores who is back.
    Section {
        /// Devices made live again.
        device_ids: Vec<String>,
        /// Or exactly these service points.
        service_points: Vec<String>,
    },
}

/// The part of a command that is the same whenever the phone sends it: the offset of its clock is measured anew with
/// each call.
pub(super) fn said(request: &ApplyRequest) -> ApplyRequest {
    let mut said = request.clone();
    if let Some(time) = &mut said.device_time {
        time.offset_ms = 0;
        time.received_at = None;
    }
    said
}

/// Reads a request.
pub(super) fn read(request: &ApplyRequest, now: DateTime<Utc>) -> Result<(Command, Asks), Invalid> {
    let event = request
        .event
        .as_ref()
        .and_then(|OrderEvent { event }| event.as_ref());
    let event = event.ok_or_else(|| Invalid::new("event", "must be given"))?;
    let (act, note, asks) = act(event)?;
    let command = Command {
        order: OrderId::parse(&request.order_id)?,
        act,
        note,
        device_time: request
            .device_time
            .as_ref()
            .map(|said| device_time(said, now))
            .transpose()?,
        on_behalf: request.on_behalf,
    };
    Ok((command, asks))
}

fn device_time(said: &WireTime, now: DateTime<Utc>) -> Result<DeviceTime, Invalid> {
    Ok(DeviceTime {
        device_at: wire::instant("device_time.device_at", said.device_at)?,
        offset: TimeDelta::try_milliseconds(said.offset_ms)
            .ok_or_else(|| Invalid::new("device_time.offset_ms", "must be a number of milliseconds"))?,
        received_at: wire::instant_opt("device_time.received_at", said.received_at)?.unwrap_or(now),
    })
}

fn act(event: &Wire) -> Result<(Act, String, Asks), Invalid> {
    let plain = |event| Ok((Act::Event(event), String::new(), Asks::Nothing));
    match event {
        Wire::Dispatch(said) => plain(Event::Dispatch {
            unit: UnitId::parse(&said.unit_id)?,
        }),
        Wire::UnitTake(_) => plain(Event::TakeUnit),
        Wire::UnitReturn(said) => plain(Event::Return {
            reason: ReturnReason::parse(&said.reason)
                .ok_or_else(|| Invalid::new("reason", "must be area, skill, overload or wrong_address"))?,
        }),
        Wire::Assign(said) => plain(Event::Assign {
            crew: CrewId::parse(&said.crew_id)?,
        }),
        Wire::Reassign(said) => {
            let event = Event::Reassign {
                crew: CrewId::parse(&said.crew_id)?,
            };
            Ok((
                Act::Event(event),
                text_required("reason", &said.reason, WORDS_MAX)?,
                Asks::Nothing,
            ))
        }
        Wire::Take(_) => plain(Event::Take),
        Wire::Leave(said) => plain(Event::Leave {
            eta_at: wire::instant_opt("eta_at", said.eta_at)?,
        }),
        Wire::Arrive(said) => {
            let arrival = arrival(said)?;
            // Arrived by a reason instead of a position: the list of steps shows it.
            let reason = arrival
                .explained
                .clone()
                .map_or_else(String::new, |(reason, _)| reason);
            Ok((Act::Event(Event::Arrive(arrival)), reason, Asks::Nothing))
        }
        Wire::Survey(said) => survey(said),
        Wire::Repair(said) => plain(Event::Repair(safe_work(said)?)),
        Wire::Suspend(said) => {
            let reason = text_required("reason", &said.reason, WORDS_MAX)?;
            let review_at = wire::instant("review_at", said.review_at)?;
            Ok((
                Act::Event(Event::Suspend {
                    reason: reason.clone(),
                    review_at,
                }),
                reason,
                Asks::Nothing,
            ))
        }
        Wire::Resume(_) => plain(Event::Resume),
        Wire::RestoreSection(said) => section(said),
        Wire::Reply(said) => {
            let owner = Owner::parse(&said.owner)
                .ok_or_else(|| Invalid::new("owner", "must be utility, customer or third_party"))?;
            let reply = Reply {
                cause_code: text("cause_code", &said.cause_code, CODE_MAX)?,
                owner,
            };
            Ok((
                Act::Event(Event::Reply(reply)),
                text("note", &said.note, WORDS_MAX)?,
                Asks::Nothing,
            ))
        }
        Wire::CallBack(said) => {
            let result = CallBackResult::parse(&said.result).ok_or_else(|| {
                Invalid::new(
                    "result",
                    "must be satisfied, unsatisfied, still_off or unreachable",
                )
            })?;
            Ok((
                Act::Event(Event::CallBack { result }),
                text("note", &said.note, WORDS_MAX)?,
                Asks::Nothing,
            ))
        }
        Wire::Archive(said) => {
            let reason = text("no_call_back_reason", &said.no_call_back_reason, WORDS_MAX)?;
            let no_call_back_reason = Some(reason.clone()).filter(|reason| !reason.is_empty());
            Ok((
                Act::Event(Event::Archive { no_call_back_reason }),
                reason,
                Asks::Nothing,
            ))
        }
        Wire::SetEtr(said) => {
            let at = wire::instant("etr_at", said.etr_at)?;
            let cause_code = text("cause_code", &said.cause_code, CODE_MAX)?;
            Ok((Act::SetEtr { at, cause_code }, String::new(), Asks::Nothing))
        }
    }
}

fn arrival(said: &wire_event::Arrive) -> Result<Arrival, Invalid> {
    let position = said
        .position
        .map(|point| wire::point("position", point))
        .transpose()?;
    let reason = text("reason", &said.reason, WORDS_MAX)?;
    let photo = said.photo_sha256.as_str();
    let is_hash = photo.len() == 64 && photo.bytes().all(|byte| byte.is_ascii_hexdigit());
    let explained = match (reason.is_empty(), photo.is_empty()) {
        (true, true) => None,
        (false, false) if is_hash => Some((reason, photo.to_ascii_lowercase())),
        (true, false) => return Err(Invalid::new("reason", "must be given with the photo")),
        (false, _) => {
            return Err(Invalid::new(
                "photo_sha256",
                "must be the photo's SHA-256 as 64 hexadecimal digits",
            ));
        }
    };
    Ok(Arrival {
        position: position.map(|(lon, lat)| Place { lon, lat }),
        explained,
    })
}

fn survey(said: &wire_event::Survey) -> Result<(Act, String, Asks), Invalid> {
    let finding = Finding {
        cause_code: text("cause_code", &said.cause_code, CODE_MAX)?,
        etr_at: wire::instant_opt("etr_at", said.etr_at)?,
    };
    let device_id = text("device_id", &said.device_id, 200)?;
    let asks = if device_id.is_empty() {
        Asks::Nothing
    } else {
        Asks::Confirm { device_id }
    };
    Ok((
        Act::Event(Event::Survey(finding)),
        text("note", &said.note, WORDS_MAX)?,
        asks,
    ))
}

fn safe_work(said: &wire_event::Repair) -> Result<SafeWork, Invalid> {
    let read = |word: &String| {
        SafeStep::parse(word)
            .ok_or_else(|| Invalid::new("safe_steps", "must be off, tested_dead, earthed, signs"))
    };
    if said.people > PEOPLE_MAX {
        return Err(Invalid::new(
            "people",
            "must be the number of people at the work, 1000 at most",
        ));
    }
    Ok(SafeWork {
        permission_no: text("permission_no", &said.permission_no, CODE_MAX)?,
        ticket_no: text("ticket_no", &said.ticket_no, CODE_MAX)?,
        people: said.people,
        steps: said
            .safe_steps
            .iter()
            .take(SafeStep::ALL.len() + 1)
            .map(read)
            .collect::<Result<_, _>>()?,
    })
}

fn section(said: &wire_event::RestoreSection) -> Result<(Act, String, Asks), Invalid> {
    let verified_by = Verification::parse(&said.verified_by).ok_or_else(|| {
        Invalid::new(
            "verified_by",
            "must be meter or call: who says that supply is back",
        )
    })?;
    let parts = said.device_ids.len() + said.service_point_external_ids.len();
    let act = |section| Act::Event(Event::Restore(section));
    match (said.all, parts) {
        (true, 0) => Ok((act(Section::All { verified_by }), String::new(), Asks::Nothing)),
        (false, 1..=DEVICES_MAX) => {
            // The registry names the set; see `ask_others`.
            let part = Section::Part {
                set_id: String::new(),
                customers: 0,
                verified_by,
            };
            let ids = |field, ids: &[String]| {
                ids.iter()
                    .map(|id| text_required(field, id, 200))
                    .collect::<Result<Vec<_>, _>>()
            };
            let asks = Asks::Section {
                device_ids: ids("device_ids", &said.device_ids)?,
                service_points: ids("service_point_external_ids", &said.service_point_external_ids)?,
            };
            Ok((act(part), String::new(), asks))
        }
        (true, _) => Err(Invalid::new(
            "all",
            "must stand alone, without devices or service points",
        )),
        (false, _) => Err(Invalid::new(
            "device_ids",
            "must name 1 to 500 devices or service points, or say all",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(event: Wire) -> String {
        act(&event).expect_err("wrong").field.into_owned()
    }

    #[test]
    fn every_wrong_field_is_named() {
        use wire_event as w;
        let all = || w::RestoreSection {
            all: true,
            verified_by: "call".to_owned(),
            ..w::RestoreSection::default()
        };
        let far = relight_proto::common::v1::Point { lon: 181.0, lat: 0.0 };
        let wrong = [
            (
                Wire::Dispatch(w::Dispatch {
                    unit_id: "7".to_owned(),
                }),
                "unit_id",
            ),
            (
                Wire::UnitReturn(w::UnitReturn {
                    reason: "tired".to_owned(),
                }),
                "reason",
            ),
            (Wire::Assign(w::Assign::default()), "crew_id"),
            (
                Wire::Arrive(w::Arrive {
                    position: Some(far),
                    ..w::Arrive::default()
                }),
                "position",
            ),
            (
                Wire::Arrive(w::Arrive {
                    reason: "flood".to_owned(),
                    ..w::Arrive::default()
                }),
                "photo_sha256",
            ),
            (
                Wire::Arrive(w::Arrive {
                    photo_sha256: "ab".repeat(32),
                    ..w::Arrive::default()
                }),
                "reason",
            ),
            (
                Wire::Repair(w::Repair {
                    safe_steps: vec!["coffee".to_owned()],
                    ..w::Repair::default()
                }),
                "safe_steps",
            ),
            (
                Wire::Repair(w::Repair {
                    people: 1_001,
                    ..w::Repair::default()
                }),
                "people",
            ),
            (Wire::Suspend(w::Suspend::default()), "reason"),
            (
                Wire::RestoreSection(w::RestoreSection {
                    verified_by: String::new(),
                    ..all()
                }),
                "verified_by",
            ),
            (
                Wire::RestoreSection(w::RestoreSection {
                    device_ids: vec!["a".to_owned()],
                    ..all()
                }),
                "all",
            ),
            (
                Wire::RestoreSection(w::RestoreSection { all: false, ..all() }),
                "device_ids",
            ),
            (Wire::Reply(w::Reply::default()), "owner"),
            (Wire::CallBack(w::CallBack::default()), "result"),
            (Wire::SetEtr(w::SetEtr::default()), "etr_at"),
            (
                Wire::Survey(w::Survey {
                    note: "x".repeat(1_001),
                    ..w::Survey::default()
                }),
                "note",
            ),
        ];
        for (event, field) in wrong {
            assert_eq!(field_of(event.clone()), field, "{event:?}");
        }
    }
}
