//! What may happen to an order: one body per kind, `{"type": "assign", "crew_id": "..."}`.

use chrono::{DateTime, Utc};
use relight_proto::dispatch::v1::{OrderEvent as Wire, order_event as wire};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Place;
use crate::{
    error::Invalid,
    wire::{text, timestamp},
};

const NOTE_MAX: usize = 1_000;
const WORD_MAX: usize = 100;
const LIST_MAX: usize = 500;

/// One event. Which may follow which state is the dispatch service's decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum OrderEvent {
    /// A dispatcher gives the order to a unit.
    Dispatch {
        /// The unit.
        unit_id: Uuid,
    },
    /// The unit takes it.
    UnitTake {},
    /// The unit gives it back.
    UnitReturn {
        /// `area`, `skill`, `overload`, `wrong_address`
        reason: String,
    },
    /// A crew gets it.
    Assign {
        /// The crew.
        crew_id: Uuid,
    },
    /// Another crew gets it.
    Reassign {
        /// The crew.
        crew_id: Uuid,
        /// Why.
        reason: String,
    },
    /// The crew takes it.
    Take {},
    /// The crew drives off.
    Leave {
        /// Expected arrival.
        #[serde(default)]
        eta_at: Option<DateTime<Utc>>,
    },
    /// The crew is at the work.
    Arrive {
        /// Where it stands; left out by a phone that does not know.
        #[serde(default)]
        position: Option<Place>,
        /// When that is not within 200 m of the work, or nobody knows one of the two places: why.
        #[serde(default)]
        reason: String,
        /// And a photo's SHA-256, as hexadecimal text.
        #[serde(default)]
        photo_sha256: String,
    },
    /// The crew found the cause.
    Survey {
        /// Cause.
        cause_code: String,
        /// Expected restoration.
        etr_at: DateTime<Utc>,
        /// Words.
        #[serde(default)]
        note: String,
        /// Device found; confirms or corrects the prediction.
        #[serde(default)]
        device_id: String,
    },
    /// The crew works.
    Repair {
        /// Number of the switching permission.
        permission_no: String,
        /// Number of the work ticket.
        ticket_no: String,
        /// People at work.
        people: u32,
        /// `off`, `tested_dead`, `earthed`, `signs`
        safe_steps: Vec<String>,
    },
    /// The work has to wait.
    Suspend {
        /// Why.
        reason: String,
        /// When it is looked at again.
        review_at: DateTime<Utc>,
    },
    /// The work goes on.
    Resume {},
    /// A section, or all, has supply again.
    RestoreSection(Section),
    /// The crew is done.
    Reply {
        /// Cause.
        cause_code: String,
        /// Whose property failed.
        #[serde(default)]
        owner: String,
        /// Words.
        #[serde(default)]
        note: String,
    },
    /// Somebody called the customer back.
    CallBack {
        /// `satisfied`, `unsatisfied`, `still_off`, `unreachable`
        result: String,
        /// Words.
        #[serde(default)]
        note: String,
    },
    /// The order is finished.
    Archive {
        /// Why nobody was called back.
        #[serde(default)]
        no_call_back_reason: String,
    },
    /// The expected restoration changes.
    SetEtr {
        /// Expected restoration.
        etr_at: DateTime<Utc>,
        /// Cause.
        #[serde(default)]
        cause_code: String,
    },
}

/// What has supply again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Devices below which supply is back.
    #[serde(default)]
    pub device_ids: Vec<String>,
    /// Everybody.
    #[serde(default)]
    pub all: bool,
    /// `meter`, `call`
    #[serde(default)]
    pub verified_by: String,
    /// Or exactly these service points.
    #[serde(default)]
    pub service_point_external_ids: Vec<String>,
}

impl OrderEvent {
    /// The event for the dispatch service.
    ///
    /// # Errors
    /// [`Invalid`] for text that is too long or holds control characters; what the words must be is the owner's to say.
    pub fn into_wire(self) -> Result<Wire, Invalid> {
        Ok(Wire {
            event: Some(self.kind()?),
        })
    }

    fn kind(self) -> Result<wire::Event, Invalid> {
        Ok(match self {
            OrderEvent::Dispatch { unit_id } => wire::Event::Dispatch(wire::Dispatch {
                unit_id: unit_id.to_string(),
            }),
            OrderEvent::UnitTake {} => wire::Event::UnitTake(wire::UnitTake {}),
            OrderEvent::UnitReturn { reason } => wire::Event::UnitReturn(wire::UnitReturn {
                reason: text("reason", &reason, NOTE_MAX)?,
            }),
            OrderEvent::Assign { crew_id } => wire::Event::Assign(wire::Assign {
                crew_id: crew_id.to_string(),
            }),
            OrderEvent::Reassign { crew_id, reason } => wire::Event::Reassign(wire::Reassign {
                crew_id: crew_id.to_string(),
                reason: text("reason", &reason, NOTE_MAX)?,
            }),
            OrderEvent::Take {} => wire::Event::Take(wire::Take {}),
            OrderEvent::Leave { eta_at } => wire::Event::Leave(wire::Leave {
                eta_at: eta_at.map(timestamp),
            }),
            OrderEvent::Arrive {
                position,
                reason,
                photo_sha256,
            } => arrive(position, &reason, &photo_sha256)?,
            OrderEvent::Survey {
                cause_code,
                etr_at,
                note,
                device_id,
            } => wire::Event::Survey(wire::Survey {
                cause_code: text("cause_code", &cause_code, WORD_MAX)?,
                etr_at: Some(timestamp(etr_at)),
                note: text("note", &note, NOTE_MAX)?,
                device_id: text("device_id", &device_id, WORD_MAX)?,
            }),
            OrderEvent::Repair {
                permission_no,
                ticket_no,
                people,
                safe_steps,
            } => wire::Event::Repair(wire::Repair {
                permission_no: text("permission_no", &permission_no, WORD_MAX)?,
                ticket_no: text("ticket_no", &ticket_no, WORD_MAX)?,
                people,
                safe_steps: list("safe_steps", &safe_steps)?,
            }),
            OrderEvent::Suspend { reason, review_at } => wire::Event::Suspend(wire::Suspend {
                reason: text("reason", &reason, NOTE_MAX)?,
                review_at: Some(timestamp(review_at)),
            }),
            OrderEvent::Resume {} => wire::Event::Resume(wire::Resume {}),
            OrderEvent::RestoreSection(section) => restore(section)?,
            OrderEvent::Reply {
                cause_code,
                owner,
                note,
            } => wire::Event::Reply(wire::Reply {
                cause_code: text("cause_code", &cause_code, WORD_MAX)?,
                owner: text("owner", &owner, WORD_MAX)?,
                note: text("note", &note, NOTE_MAX)?,
            }),
            OrderEvent::CallBack { result, note } => wire::Event::CallBack(wire::CallBack {
                result: text("result", &result, WORD_MAX)?,
                note: text("note", &note, NOTE_MAX)?,
            }),
            OrderEvent::Archive { no_call_back_reason } => wire::Event::Archive(wire::Archive {
                no_call_back_reason: text("no_call_back_reason", &no_call_back_reason, NOTE_MAX)?,
            }),
            OrderEvent::SetEtr { etr_at, cause_code } => wire::Event::SetEtr(wire::SetEtr {
                etr_at: Some(timestamp(etr_at)),
                cause_code: text("cause_code", &cause_code, WORD_MAX)?,
            }),
        })
    }
}

fn arrive(position: Option<Place>, reason: &str, photo_sha256: &str) -> Result<wire::Event, Invalid> {
    if let Some(position) = position {
        crate::wire::point("position", position.into())?;
    }
    let photo = text("photo_sha256", photo_sha256, 64)?;
    let is_hash = photo.len() == 64 && photo.bytes().all(|b| b.is_ascii_hexdigit());
    if !photo.is_empty() && !is_hash {
        return Err(Invalid::new(
            "photo_sha256",
            "must be 64 hexadecimal digits, or left out",
        ));
    }
    Ok(wire::Event::Arrive(wire::Arrive {
        position: position.map(Into::into),
        reason: text("reason", reason, NOTE_MAX)?,
        photo_sha256: photo,
    }))
}

fn restore(section: Section) -> Result<wire::Event, Invalid> {
    Ok(wire::Event::RestoreSection(wire::RestoreSection {
        device_ids: list("device_ids", &section.device_ids)?,
        all: section.all,
        verified_by: text("verified_by", &section.verified_by, WORD_MAX)?,
        service_point_external_ids: list("service_point_external_ids", &section.service_point_external_ids)?,
    }))
}

fn list(field: &'static str, words: &[String]) -> Result<Vec<String>, Invalid> {
    if words.len() > LIST_MAX {
        return Err(Invalid::new(
            field,
            format!("must have at most {LIST_MAX} entries"),
        ));
    }
    words.iter().map(|word| text(field, word, WORD_MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::json;

    fn read(body: &str) -> Result<Wire, String> {
        let event: OrderEvent = json::read(body.as_bytes()).map_err(|p| p.errors[0].field.clone())?;
        event.into_wire().map_err(|invalid| invalid.field.into_owned())
    }

    /// A body of every kind becomes the message of the same kind.
    #[test]
    fn every_kind_of_event_is_translated() {
        let id = "0193f1c2-7b1e-7c3a-9b5d-0a4f6e2d8c11";
        let time = "2026-11-22T03:00:00Z";
        let table = [
            (format!(r#"{{"type":"dispatch","unit_id":"{id}"}}"#), "Dispatch"),
            (r#"{"type":"unit_take"}"#.to_owned(), "UnitTake"),
            (
                r#"{"type":"unit_return","reason":"area"}"#.to_owned(),
                "UnitReturn",
            ),
            (format!(r#"{{"type":"assign","crew_id":"{id}"}}"#), "Assign"),
            (
                format!(r#"{{"type":"reassign","crew_id":"{id}","reason":"near"}}"#),
                "Reassign",
            ),
            (r#"{"type":"take"}"#.to_owned(), "Take"),
            (r#"{"type":"leave"}"#.to_owned(), "Leave"),
            (
                r#"{"type":"arrive","position":{"lon":120.1,"lat":30.2}}"#.to_owned(),
                "Arrive",
            ),
            (
                format!(r#"{{"type":"survey","cause_code":"tree","etr_at":"{time}"}}"#),
                "Survey",
            ),
            (
                r#"{"type":"repair","permission_no":"1","ticket_no":"2","people":3,"safe_steps":["off"]}"#
                    .to_owned(),
                "Repair",
            ),
            (
                format!(r#"{{"type":"suspend","reason":"storm","review_at":"{time}"}}"#),
                "Suspend",
            ),
            (r#"{"type":"resume"}"#.to_owned(), "Resume"),
            (
                r#"{"type":"restore_section","all":true}"#.to_owned(),
                "RestoreSection",
            ),
            (r#"{"type":"reply","cause_code":"tree"}"#.to_owned(), "Reply"),
            (
                r#"{"type":"call_back","result":"satisfied"}"#.to_owned(),
                "CallBack",
            ),
            (r#"{"type":"archive"}"#.to_owned(), "Archive"),
            (format!(r#"{{"type":"set_etr","etr_at":"{time}"}}"#), "SetEtr"),
        ];
        for (body, kind) in table {
            let event = read(&body).unwrap_or_else(|field| panic!("{body}: {field}"));
            let said = format!("{:?}", event.event.unwrap());
            assert!(said.starts_with(&format!("{kind}(")), "{body} became {said}");
        }
    }

    #[test]
    fn a_bad_event_names_its_field() {
        let long = "x".repeat(1_001);
        let table = [
            (r#"{"type":"explode"}"#.to_owned(), "type"),
            (r#"{"type":"restore_section","al":true}"#.to_owned(), "al"),
            (r#"{"type":"take","speed":3}"#.to_owned(), "speed"),
            (
                r#"{"type":"arrive","position":{"lon":190,"lat":0}}"#.to_owned(),
                "position",
            ),
            (
                r#"{"type":"arrive","position":{"lon":1,"lat":0},"photo_sha256":"ab"}"#.to_owned(),
                "photo_sha256",
            ),
            (format!(r#"{{"type":"unit_return","reason":"{long}"}}"#), "reason"),
        ];
        for (body, field) in table {
            assert_eq!(read(&body).unwrap_err(), field, "{body}");
        }
    }
}
