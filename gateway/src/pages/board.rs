//! `/board`: the control room's wallboard. Orders by the clock that runs out first, crews and incidents on a map.

pub mod map;
pub mod view;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use relight_common::{
    Role, ask,
    edge::{Kind, Problem},
};
use relight_proto::{
    common::v1::PageRequest,
    dispatch::v1::{AcknowledgeAlarmRequest, ListCrewsRequest, ListOrdersRequest},
    intake::v1::ListIncidentsRequest,
};
use serde::Deserialize;
use serde_json::json;
use view::{Board, Known};

use super::{Fields, Visit, login::sign_in_first};
use crate::{api::acknowledge_alarm, app::App};

/// Orders on the board; the rest is in the API.
const ORDERS_MAX: u32 = 100;
const POINTS_MAX: u32 = 500;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/board", get(show))
        .route("/board/live", get(live))
        .route("/board/acknowledge", post(acknowledge))
}

async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    visit.sure()?;
    if visit.token.is_none() {
        return Ok(sign_in_first("/board"));
    }
    let board = known(&app, &visit).await?;
    visit.page(&app, "board.html", json!({"board": board}))
}

/// The part that changes, for the script.
async fn live(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    visit.sure()?;
    if visit.token.is_none() {
        return Err(Problem::new(Kind::Unauthenticated, "log in again"));
    }
    let board = known(&app, &visit).await?;
    visit.page(&app, "board_live.html", json!({"board": board}))
}

async fn known(app: &App, visit: &Visit) -> Result<Board, Problem> {
    if !visit.is_staff() {
        return Err(Problem::new(Kind::Forbidden, "the board is for staff"));
    }
    let claims = &visit.claims;
    let page = |size| {
        Some(PageRequest {
            cursor: String::new(),
            size,
        })
    };
    let orders = ListOrdersRequest {
        page: page(ORDERS_MAX),
        ..ListOrdersRequest::default()
    };
    let crews = ListCrewsRequest {
        page: page(POINTS_MAX),
        unit_id: String::new(),
    };
    let incidents = ListIncidentsRequest {
        state: "open".to_owned(),
        page: page(POINTS_MAX),
    };
    let (orders, crews, incidents) = tokio::join!(
        ask!(app.edge(), claims, app.to().dispatch, list_orders, orders),
        ask!(app.edge(), claims, app.to().dispatch, list_crews, crews),
        ask!(app.edge(), claims, app.to().intake, list_incidents, incidents),
    );
    let known = Known {
        more: orders.as_ref().is_ok_and(|reply| !reply.next_cursor.is_empty()),
        orders: orders.ok().map(|reply| reply.orders),
        crews: crews.ok().map(|reply| reply.crews),
        incidents: incidents.ok().map(|reply| reply.incidents),
        may_acknowledge: claims.has(&[Role::Dispatcher, Role::UnitDesk]),
    };
    Ok(Board::new(
        visit.language,
        known,
        app.areas(),
        app.clock().now(),
        app.http().zone,
    ))
}

#[derive(Deserialize)]
struct AcknowledgeForm {
    #[serde(default)]
    order_id: String,
    #[serde(default)]
    clock: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    command_id: String,
    #[serde(default)]
    csrf: String,
}

async fn acknowledge(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<AcknowledgeForm>,
) -> Result<Response, Problem> {
    visit.check(&form.csrf)?;
    visit.claims.need(&[Role::Dispatcher, Role::UnitDesk])?;
    let alarm = AcknowledgeAlarmRequest {
        command_id: form.command_id,
        order_id: form.order_id,
        clock: form.clock,
        level: form.level,
    };
    acknowledge_alarm(&app, &visit.claims, alarm).await?;
    Ok(Redirect::to("/board").into_response())
}
