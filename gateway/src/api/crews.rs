//! Units and crews.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Invalid, Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, Segment, at, order::Place},
    wire::{text, text_required, timestamp, uuid, uuid_opt},
};
use relight_proto::dispatch::v1::{
    Crew as WireCrew, ListCrewsRequest, ListUnitsRequest, Member as WireMember, PutCrewRequest,
    PutUnitRequest, Qualification as WireQualification, Unit as WireUnit,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    STAFF,
    list::{List, PageParams, page},
};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_units))
        .routes(routes!(put_unit))
        .routes(routes!(list_crews))
        .routes(routes!(put_crew))
}

/// What a unit is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UnitBody {
    /// Name.
    #[schema(max_length = 100)]
    name: String,
    /// Where in the organisation.
    #[schema(max_length = 200)]
    org_path: String,
    /// Areas it serves.
    #[serde(default)]
    area_org_paths: Vec<String>,
}

/// A repair unit.
#[derive(Debug, Serialize, ToSchema)]
struct Unit {
    unit_id: String,
    #[serde(flatten)]
    body: UnitBody,
}

impl From<WireUnit> for Unit {
    fn from(unit: WireUnit) -> Self {
        Self {
            unit_id: unit.unit_id,
            body: UnitBody {
                name: unit.name,
                org_path: unit.org_path,
                area_org_paths: unit.area_org_paths,
            },
        }
    }
}

/// Units of the caller's area.
#[utoipa::path(get, path = "/api/v1/units", tag = "crews", params(PageParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<Unit>)))]
async fn list_units(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Unit>>, Problem> {
    let claims = caller.need(&STAFF)?;
    let message = ListUnitsRequest {
        page: Some(params.into_wire()?),
    };
    let reply = ask!(app.edge(), claims, app.to().dispatch, list_units, message).await?;
    Ok(Json(List::of(reply.units, reply.next_cursor)))
}

/// Makes or changes a unit.
#[utoipa::path(put, path = "/api/v1/units/{id}", tag = "crews", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Unit id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = UnitBody, responses((status = 200, description = "The unit", body = Unit)))]
async fn put_unit(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<UnitBody>,
) -> Result<Json<Unit>, Problem> {
    let claims = caller.need(&[Role::Admin])?;
    let unit = WireUnit {
        unit_id: uuid("id", &id)?.to_string(),
        name: text_required("name", &body.name, 100)?,
        org_path: text("org_path", &body.org_path, 200)?,
        area_org_paths: words("area_org_paths", &body.area_org_paths)?,
    };
    let message = PutUnitRequest {
        command_id: key.to_string(),
        unit: Some(unit),
    };
    let unit = ask!(app.edge(), claims, app.to().dispatch, put_unit, message).await?;
    Ok(Json(unit.into()))
}

fn words(field: &'static str, words: &[String]) -> Result<Vec<String>, Invalid> {
    if words.len() > 100 {
        return Err(Invalid::new(field, "must have at most 100 entries"));
    }
    words.iter().map(|word| text(field, word, 200)).collect()
}

/// A skill and how long it is good for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Qualification {
    /// Word of the skill.
    skill: String,
    /// Good until.
    valid_until: Option<DateTime<Utc>>,
}

/// A member of a crew.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Member {
    /// Person id.
    person_id: String,
    /// Name.
    name: String,
    /// Leads the crew.
    #[serde(default)]
    leader: bool,
    /// What the member may do.
    #[serde(default)]
    qualifications: Vec<Qualification>,
}

/// What a crew is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CrewBody {
    /// Name.
    #[schema(max_length = 100)]
    name: String,
    /// Its unit.
    unit_id: String,
    /// Where in the organisation.
    #[schema(max_length = 200)]
    org_path: String,
    /// What it can do.
    #[serde(default)]
    skills: Vec<String>,
    /// At most 20.
    #[serde(default)]
    members: Vec<Member>,
    /// Start of the shift.
    shift_start_at: Option<DateTime<Utc>>,
    /// End of the shift.
    shift_end_at: Option<DateTime<Utc>>,
    /// Duty phone.
    #[serde(default)]
    #[schema(max_length = 30)]
    phone: String,
}

/// A crew, where it is and what it does.
#[derive(Debug, Serialize, ToSchema)]
struct Crew {
    crew_id: String,
    #[serde(flatten)]
    body: CrewBody,
    /// Last known position.
    position: Option<Place>,
    position_at: Option<DateTime<Utc>>,
    /// Degrees from north, clockwise.
    heading_deg: f64,
    /// Empty: free.
    active_order_id: String,
    /// Word of the active order's state.
    order_state: String,
}

impl From<WireCrew> for Crew {
    fn from(crew: WireCrew) -> Self {
        let member = |member: WireMember| Member {
            person_id: member.person_id,
            name: member.name,
            leader: member.leader,
            qualifications: member
                .qualifications
                .into_iter()
                .map(|q| Qualification {
                    skill: q.skill,
                    valid_until: at(q.valid_until),
                })
                .collect(),
        };
        Self {
            crew_id: crew.crew_id,
            body: CrewBody {
                name: crew.name,
                unit_id: crew.unit_id,
                org_path: crew.org_path,
                skills: crew.skills,
                members: crew.members.into_iter().map(member).collect(),
                shift_start_at: at(crew.shift_start_at),
                shift_end_at: at(crew.shift_end_at),
                phone: crew.phone,
            },
            position: crew.position.map(Place::from),
            position_at: at(crew.position_at),
            heading_deg: crew.heading_deg,
            active_order_id: crew.active_order_id,
            order_state: crew.order_state,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CrewParams {
    /// Only this unit's.
    #[serde(default)]
    unit_id: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Crews of the caller's area.
#[utoipa::path(get, path = "/api/v1/crews", tag = "crews", params(CrewParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<Crew>)))]
async fn list_crews(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<CrewParams>,
) -> Result<Json<List<Crew>>, Problem> {
    let claims = caller.need(&STAFF)?;
    uuid_opt("unit_id", &params.unit_id)?;
    let message = ListCrewsRequest {
        page: Some(page(params.cursor, params.limit)?),
        unit_id: params.unit_id,
    };
    let reply = ask!(app.edge(), claims, app.to().dispatch, list_crews, message).await?;
    Ok(Json(List::of(reply.crews, reply.next_cursor)))
}

/// Makes or changes a crew.
#[utoipa::path(put, path = "/api/v1/crews/{id}", tag = "crews", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Crew id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = CrewBody, responses((status = 200, description = "The crew", body = Crew)))]
async fn put_crew(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<CrewBody>,
) -> Result<Json<Crew>, Problem> {
    let claims = caller.need(&[Role::Admin, Role::Dispatcher, Role::UnitDesk])?;
    let message = PutCrewRequest {
        command_id: key.to_string(),
        crew: Some(crew_of(&id, body)?),
    };
    let crew = ask!(app.edge(), claims, app.to().dispatch, put_crew, message).await?;
    Ok(Json(crew.into()))
}

fn crew_of(id: &str, body: CrewBody) -> Result<WireCrew, Invalid> {
    if body.members.len() > 20 {
        return Err(Invalid::new("members", "must have at most 20 entries"));
    }
    Ok(WireCrew {
        crew_id: uuid("id", id)?.to_string(),
        name: text_required("name", &body.name, 100)?,
        unit_id: uuid("unit_id", &body.unit_id)?.to_string(),
        org_path: text("org_path", &body.org_path, 200)?,
        skills: words("skills", &body.skills)?,
        members: body
            .members
            .into_iter()
            .map(member_of)
            .collect::<Result<_, _>>()?,
        shift_start_at: body.shift_start_at.map(timestamp),
        shift_end_at: body.shift_end_at.map(timestamp),
        phone: text("phone", &body.phone, 30)?,
        ..WireCrew::default()
    })
}

fn member_of(member: Member) -> Result<WireMember, Invalid> {
    if member.qualifications.len() > 50 {
        return Err(Invalid::new(
            "members.qualifications",
            "must have at most 50 entries",
        ));
    }
    let qualifications = member.qualifications.into_iter().map(|q| {
        Ok(WireQualification {
            skill: text_required("members.qualifications.skill", &q.skill, 50)?,
            valid_until: q.valid_until.map(timestamp),
        })
    });
    Ok(WireMember {
        person_id: text("members.person_id", &member.person_id, 100)?,
        name: text_required("members.name", &member.name, 100)?,
        leader: member.leader,
        qualifications: qualifications.collect::<Result<_, Invalid>>()?,
    })
}
