//! A planned outage on site: the crew of its work order records permit, switching, people at work and supply back.
//!
//! Only online: switching off needs a permit at most five minutes old, and nobody switches on what somebody may still work
//! on. What happened while there was no line is entered later with the time that was written down (domain.md 5.5 no. 40).
//! The planner decides; it knows whose order the outage is.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    ask,
    edge::{Body, Caller, Problem, Segment, at, parse},
    wire::{timestamp, uuid},
};
use relight_proto::planner::v1::{self as w, ActRequest, act_request::Action};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{app::App, session::crew_of};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(step))
}

/// What the crew records. Which may follow which state is the planner's decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum OutageStep {
    /// The control desk's switching permission, given by voice and read back. Recorded here, never granted.
    Permit {
        /// Its number.
        number: String,
        /// Whether it was read back.
        read_back: bool,
        /// When, where it was written down and is entered later; left out: now.
        #[serde(default)]
        at: Option<DateTime<Utc>>,
    },
    /// Supply ends.
    SwitchOff {
        /// The permit it is done under, at most five minutes old.
        permit_id: Uuid,
        /// When, where it was written down and is entered later; left out: now. Not before the permit.
        #[serde(default)]
        at: Option<DateTime<Utc>>,
    },
    /// Work begins.
    Work {},
    /// A leader comes to work.
    CheckIn {
        /// Who.
        name: String,
        /// Of which team.
        team: String,
    },
    /// A leader goes: supply does not return before everybody has said so.
    Clearance {
        /// Who.
        name: String,
        /// All people are out.
        people_out: bool,
        /// All earths are off.
        earths_off: bool,
        /// The work ticket has ended.
        ticket_ended: bool,
        /// Needed when several of that name are at work.
        #[serde(default)]
        team: String,
    },
    /// Everybody is out; supply comes back.
    StartRestoring {},
    /// Supply is back.
    RestoreSection {
        /// To everybody still off.
        #[serde(default)]
        all: bool,
        /// Or to what is below these devices.
        #[serde(default)]
        device_ids: Vec<String>,
        /// How it was verified.
        verified_by: String,
        /// When, where it was written down and is entered later; left out: now.
        #[serde(default)]
        at: Option<DateTime<Utc>>,
    },
}

impl From<OutageStep> for Action {
    fn from(step: OutageStep) -> Self {
        match step {
            OutageStep::Permit {
                number,
                read_back,
                at,
            } => Action::Permit(w::Permit {
                number,
                read_back,
                at: at.map(timestamp),
            }),
            OutageStep::SwitchOff { permit_id, at } => Action::SwitchOff(w::SwitchOff {
                permit_id: permit_id.to_string(),
                at: at.map(timestamp),
            }),
            OutageStep::Work {} => Action::Work(w::Work {}),
            OutageStep::CheckIn { name, team } => Action::CheckIn(w::CheckIn { name, team }),
            OutageStep::Clearance {
                name,
                people_out,
                earths_off,
                ticket_ended,
                team,
            } => Action::Clear(w::Clear {
                name,
                people_out,
                earths_off,
                ticket_ended,
                team,
                heard_by: String::new(),
            }),
            OutageStep::StartRestoring {} => Action::StartRestoring(w::StartRestoring {}),
            OutageStep::RestoreSection {
                all,
                device_ids,
                verified_by,
                at,
            } => Action::Restore(w::Restore {
                all,
                device_ids,
                verified_by,
                at: at.map(timestamp),
            }),
        }
    }
}

/// One thing the crew did.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Record {
    /// The phone's id of it; the same id again is the same step.
    id: Uuid,
    /// What. Read on its own, so that a fault inside is told with its place.
    #[schema(value_type = OutageStep)]
    step: serde_json::Value,
}

/// Somebody who leads people at the work.
#[derive(Debug, Serialize, ToSchema)]
struct Leader {
    name: String,
    team: String,
    checked_in_at: Option<DateTime<Utc>>,
    /// People out, earths off, ticket ended. Empty: not yet.
    cleared_at: Option<DateTime<Utc>>,
}

/// The outage as the crew sees it.
#[derive(Debug, Serialize, ToSchema)]
struct FieldOutage {
    outage_id: String,
    /// Spoken number.
    number: String,
    /// `ready`, `off`, `working`, `restoring`, `restored` or another word of the planner.
    state: String,
    /// As people are told.
    off_at: Option<DateTime<Utc>>,
    /// As people are told.
    on_at: Option<DateTime<Utc>>,
    /// Devices to be open.
    device_ids: Vec<String>,
    /// The permit to switch off; empty: none.
    permit_id: String,
    /// After it nobody switches off under that permit.
    permit_until: Option<DateTime<Utc>>,
    switched_off_at: Option<DateTime<Utc>>,
    restored_at: Option<DateTime<Utc>>,
    /// Everybody who checked in.
    leaders: Vec<Leader>,
}

impl From<w::Outage> for FieldOutage {
    fn from(outage: w::Outage) -> Self {
        let window = outage.window.unwrap_or_default();
        let leader = |leader: w::Leader| Leader {
            name: leader.name,
            team: leader.team,
            checked_in_at: at(leader.checked_in_at),
            cleared_at: at(leader.cleared_at),
        };
        Self {
            outage_id: outage.outage_id,
            number: outage.number,
            state: outage.state,
            off_at: at(window.off_at),
            on_at: at(window.on_at),
            device_ids: outage.device_ids,
            permit_id: outage.permit_id,
            permit_until: at(outage.permit_until),
            switched_off_at: at(outage.switched_off_at),
            restored_at: at(outage.restored_at),
            leaders: outage.leaders.into_iter().map(leader).collect(),
        }
    }
}

/// Records a step on the outage of the crew's own order (`subject_id` of it). A repeat is safe.
#[utoipa::path(post, path = "/m/v1/outages/{id}/steps", tag = "outages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id")), request_body = Record,
    responses((status = 200, description = "The outage after it", body = FieldOutage)))]
async fn step(
    State(app): State<App>,
    caller: Caller,
    Segment(outage): Segment,
    Body(body): Body<Record>,
) -> Result<Json<FieldOutage>, Problem> {
    crew_of(&caller)?;
    let step: OutageStep = parse("step", body.step)?;
    let message = ActRequest {
        command_id: body.id.to_string(),
        outage_id: uuid("id", &outage)?.to_string(),
        expected_version: 0,
        photos_stored: Vec::new(),
        action: Some(step.into()),
    };
    let outage = ask!(app.edge(), &caller.claims, app.planner(), act, message).await?;
    Ok(Json(outage.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_step_is_the_planners_action_and_nothing_else_is() {
        let permit_id = Uuid::from_u128(7);
        let table = [
            (
                json!({"type": "permit", "number": "D-1", "read_back": true}),
                Action::Permit(w::Permit {
                    number: "D-1".to_owned(),
                    read_back: true,
                    at: None,
                }),
            ),
            (
                json!({"type": "switch_off", "permit_id": permit_id}),
                Action::SwitchOff(w::SwitchOff {
                    permit_id: permit_id.to_string(),
                    at: None,
                }),
            ),
            (
                json!({"type": "switch_off", "permit_id": permit_id, "at": "1970-01-01T00:00:00Z"}),
                Action::SwitchOff(w::SwitchOff {
                    permit_id: permit_id.to_string(),
                    at: Some(timestamp(DateTime::UNIX_EPOCH)),
                }),
            ),
            (json!({"type": "work"}), Action::Work(w::Work {})),
            (
                json!({"type": "check_in", "name": "Wang", "team": "Crew 07"}),
                Action::CheckIn(w::CheckIn {
                    name: "Wang".to_owned(),
                    team: "Crew 07".to_owned(),
                }),
            ),
            (
                json!({"type": "clearance", "name": "Wang", "people_out": true, "earths_off": true, "ticket_ended": true}),
                Action::Clear(w::Clear {
                    name: "Wang".to_owned(),
                    people_out: true,
                    earths_off: true,
                    ticket_ended: true,
                    ..w::Clear::default()
                }),
            ),
            (
                json!({"type": "start_restoring"}),
                Action::StartRestoring(w::StartRestoring {}),
            ),
            (
                json!({"type": "restore_section", "device_ids": ["SW1"], "verified_by": "meter"}),
                Action::Restore(w::Restore {
                    all: false,
                    device_ids: vec!["SW1".to_owned()],
                    verified_by: "meter".to_owned(),
                    at: None,
                }),
            ),
        ];
        for (body, action) in table {
            let step: OutageStep =
                parse("step", body.clone()).unwrap_or_else(|problem| panic!("{body}: {problem:?}"));
            assert_eq!(Action::from(step), action, "{body}");
        }
        for wrong in [
            json!({"type": "clearance", "name": "Wang", "people_out": true}),
            json!({"type": "switch_off"}),
            json!({"type": "approve"}),
            json!({"type": "work", "anyway": true}),
        ] {
            assert!(parse::<OutageStep>("step", wrong.clone()).is_err(), "{wrong}");
        }
    }
}
