//! How the network is switched, and what would be if: who is off when these open and those close. Nothing is changed here.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, Problem, at},
};
use relight_proto::registry::v1::{self as w, GridStateRequest, WhatIfRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{customers::ServicePoint, list::page, switching::Telemetry};
use crate::app::App;

const WONDER: [Role; 4] = [Role::ControlRoom, Role::Dispatcher, Role::Planner, Role::Manager];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(state))
        .routes(routes!(what_if))
}

/// How the network is switched.
#[derive(Debug, Serialize, ToSchema)]
struct GridState {
    grid_version: String,
    /// Grows by one with every switching on this version.
    state_no: u64,
    /// Against the normal state.
    opened: Vec<String>,
    closed: Vec<String>,
    /// Of the last switching.
    at: Option<DateTime<Utc>>,
    /// What telemetry says of devices that were set by hand to something else.
    conflicts: Vec<Telemetry>,
}

/// How the network is switched now.
#[utoipa::path(get, path = "/api/v1/grid/state", tag = "switching", security(("session" = [])),
    responses((status = 200, description = "The state", body = GridState)))]
async fn state(State(app): State<App>, caller: Caller) -> Result<Json<GridState>, Problem> {
    let claims = caller.need(&WONDER)?;
    let reply = ask!(
        app.edge(),
        claims,
        app.to().switchings,
        grid_state,
        GridStateRequest {}
    )
    .await?;
    Ok(Json(GridState {
        grid_version: reply.grid_version,
        state_no: reply.state_no,
        opened: reply.opened,
        closed: reply.closed,
        at: at(reply.at),
        conflicts: reply.conflicts.into_iter().map(Telemetry::from).collect(),
    }))
}

/// A thought: these opened, those closed, against how the network is switched now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Thought {
    /// External ids, at most 500.
    #[serde(default)]
    open: Vec<String>,
    /// External ids, at most 500.
    #[serde(default)]
    close: Vec<String>,
    /// Which list to page through: `lost` (left out), `restored`, `partly_dead`.
    #[serde(default)]
    list: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// How many.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Toll {
    service_points: u32,
    customers: u32,
    important: u32,
    life_support: u32,
    own_generation: u32,
}

impl From<w::Toll> for Toll {
    fn from(toll: w::Toll) -> Self {
        Self {
            service_points: toll.service_points,
            customers: toll.customers,
            important: toll.important,
            life_support: toll.life_support,
            own_generation: toll.own_generation,
        }
    }
}

/// What would be.
#[derive(Debug, Serialize, ToSchema)]
struct WhatIf {
    grid_version: String,
    state_no: u64,
    /// Would lose supply.
    lost: Toll,
    /// Would get supply.
    restored: Toll,
    /// Would lose some of their phases and keep others.
    partly_dead: Toll,
    /// A page of the list asked for; those of the caller's areas.
    service_points: Vec<ServicePoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Who would be off if these opened and those closed. Changes nothing, so no Idempotency-Key.
#[utoipa::path(post, path = "/api/v1/grid/what-if", tag = "switching", security(("session" = [])),
    request_body = Thought, responses((status = 200, description = "What would be", body = WhatIf)))]
async fn what_if(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<Thought>,
) -> Result<Json<WhatIf>, Problem> {
    let claims = caller.need(&WONDER)?;
    let message = WhatIfRequest {
        open: body.open,
        close: body.close,
        list: body.list,
        page: Some(page(body.cursor, body.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().switchings, what_if, message).await?;
    Ok(Json(WhatIf {
        grid_version: reply.grid_version,
        state_no: reply.state_no,
        lost: reply.lost.unwrap_or_default().into(),
        restored: reply.restored.unwrap_or_default().into(),
        partly_dead: reply.partly_dead.unwrap_or_default().into(),
        service_points: reply.service_points.into_iter().map(ServicePoint::from).collect(),
        next_cursor: Some(reply.next_cursor).filter(|cursor| !cursor.is_empty()),
    }))
}
