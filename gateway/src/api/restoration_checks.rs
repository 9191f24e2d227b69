//! Is supply really back? What a sample of meters and customers answered after a restoration.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    ask,
    edge::{Caller, Problem, Segment, at},
    wire::uuid,
};
use relight_proto::intake::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::STAFF;
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(checks))
}

/// One restoration, and what the sample drawn of it said.
#[derive(Debug, Serialize, ToSchema)]
struct RestorationCheck {
    /// UUID; empty: all checks of the incident together.
    check_id: String,
    restored_at: Option<DateTime<Utc>>,
    /// Service points of the restored section.
    restored: u32,
    /// Meters that were asked.
    pinged: u32,
    /// Customers who were asked by text; somebody whose meter did not answer is in both.
    texted: u32,
    /// Supply is back.
    yes: u32,
    /// It is not: a report or enough meters open a child incident.
    no: u32,
    /// Nobody answered in time.
    silent: u32,
    /// Not known yet.
    waiting: u32,
    /// Not asked: their phone number was asked for somebody else, whose answer is not theirs.
    same_number: u32,
}

impl From<pb::RestorationCheck> for RestorationCheck {
    fn from(one: pb::RestorationCheck) -> Self {
        Self {
            check_id: one.check_id,
            restored_at: at(one.restored_at),
            restored: one.restored,
            pinged: one.pinged,
            texted: one.texted,
            yes: one.yes,
            no: one.no,
            silent: one.silent,
            waiting: one.waiting,
            same_number: one.same_number,
        }
    }
}

/// The checks of one incident.
#[derive(Debug, Serialize, ToSchema)]
struct RestorationChecks {
    total: RestorationCheck,
    /// The latest restoration first, at most 200.
    checks: Vec<RestorationCheck>,
}

/// How many were asked after the restorations of an incident whether supply is back, and what they said.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/restoration-checks", tag = "incidents", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Incident id")),
    responses((status = 200, description = "The checks", body = RestorationChecks)))]
async fn checks(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<RestorationChecks>, Problem> {
    let claims = caller.need(&STAFF)?;
    let message = pb::RestorationChecksRequest {
        incident_id: uuid("id", &id)?.to_string(),
    };
    let told = ask!(app.edge(), claims, app.to().checks, of, message).await?;
    Ok(Json(RestorationChecks {
        total: told.total.unwrap_or_default().into(),
        checks: told.checks.into_iter().map(RestorationCheck::from).collect(),
    }))
}
