//! `/board`: the control room's wallboard. Danger nobody has reached, then orders by the clock that runs out first, crews and incidents on a map.

mod alarm;
mod call;
mod conflict;
pub mod map;
pub(crate) mod order;
mod urgent;
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
    arrears::v1::{
        AcknowledgeAlarmRequest as SeenArrearsAlarm, Alarm as ArrearsAlarm,
        ListAlarmsRequest as ListArrearsAlarms,
    },
    common::v1::PageRequest,
    dispatch::v1::{AcknowledgeAlarmRequest, ListCrewsRequest, ListOrdersRequest},
    intake::v1::ListIncidentsRequest,
    planner::v1::{AcknowledgeAlarmRequest as SeenOutageAlarm, Alarm, ListAlarmsRequest},
};
use serde::Deserialize;
use serde_json::json;
use view::{Board, Known};

use super::{Fields, Visit, login::sign_in_first};
use crate::{
    api::{ARREARS_DESK, acknowledge_alarm},
    app::App,
};

/// Orders on the board; the rest is in the API.
const ORDERS_MAX: u32 = 100;
const POINTS_MAX: u32 = 500;
/// Alarms of outages on the board; the rest is in the API.
const ALARMS_MAX: u32 = 20;
/// Who sees alarms of outages.
const ALARMED: [Role; 3] = [Role::Dispatcher, Role::Manager, Role::ControlRoom];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/board", get(show))
        .route("/board/live", get(live))
        .route("/board/acknowledge", post(acknowledge))
        .route("/board/outage-alarm", post(seen))
        .route("/board/arrears-alarm", post(seen_arrears))
        .route("/board/call", get(call::show))
        .route("/board/called", post(urgent::called))
        .route("/board/exception", post(urgent::settle))
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
    let (orders, crews, incidents, alarms, arrears_alarms, calls, exceptions, conflicts) = tokio::join!(
        ask!(app.edge(), claims, app.to().dispatch, list_orders, orders),
        ask!(app.edge(), claims, app.to().dispatch, list_crews, crews),
        ask!(app.edge(), claims, app.to().intake, list_incidents, incidents),
        alarms(app, visit),
        arrears_alarms(app, visit),
        urgent::calls(app, visit),
        urgent::exceptions(app, visit),
        conflict::conflicts(app, visit),
    );
    let known = Known {
        more: orders.as_ref().is_ok_and(|reply| !reply.next_cursor.is_empty()),
        orders: orders.ok().map(|reply| reply.orders),
        crews: crews.ok().map(|reply| reply.crews),
        incidents: incidents.ok().map(|reply| reply.incidents),
        alarms,
        arrears_alarms,
        calls,
        exceptions,
        conflicts,
        may_call: urgent::may_call(visit),
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

/// Alarms of outages that nobody has seen; none for who is not to see them.
async fn alarms(app: &App, visit: &Visit) -> Option<Vec<Alarm>> {
    let claims = &visit.claims;
    if !claims.has(&ALARMED) {
        return Some(Vec::new());
    }
    let message = ListAlarmsRequest {
        open: true,
        outage_id: String::new(),
        page: Some(PageRequest {
            cursor: String::new(),
            size: ALARMS_MAX,
        }),
    };
    let reply = ask!(app.edge(), claims, app.to().outage_alarms, list, message).await;
    reply.ok().map(|reply| reply.alarms)
}

/// Alarms of the arrears desk that nobody has seen; none for who is not to see them.
async fn arrears_alarms(app: &App, visit: &Visit) -> Option<Vec<ArrearsAlarm>> {
    let claims = &visit.claims;
    if !claims.has(&ARREARS_DESK) {
        return Some(Vec::new());
    }
    let message = ListArrearsAlarms {
        open: true,
        case_id: String::new(),
        page: Some(PageRequest {
            cursor: String::new(),
            size: ALARMS_MAX,
        }),
    };
    let reply = ask!(app.edge(), claims, app.to().arrears_alarms, list, message).await;
    reply.ok().map(|reply| reply.alarms)
}

#[derive(Deserialize)]
struct SeenForm {
    #[serde(default)]
    alarm_id: String,
    #[serde(default)]
    command_id: String,
    #[serde(default)]
    csrf: String,
}

async fn seen(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<SeenForm>,
) -> Result<Response, Problem> {
    visit.check(&form.csrf)?;
    let claims = &visit.claims;
    claims.need(&ALARMED)?;
    let message = SeenOutageAlarm {
        command_id: form.command_id,
        alarm_id: form.alarm_id,
    };
    ask!(app.edge(), claims, app.to().outage_alarms, acknowledge, message).await?;
    Ok(Redirect::to("/board").into_response())
}

async fn seen_arrears(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<SeenForm>,
) -> Result<Response, Problem> {
    visit.check(&form.csrf)?;
    let claims = &visit.claims;
    claims.need(&ARREARS_DESK)?;
    let message = SeenArrearsAlarm {
        command_id: form.command_id,
        alarm_id: form.alarm_id,
    };
    ask!(app.edge(), claims, app.to().arrears_alarms, acknowledge, message).await?;
    Ok(Redirect::to("/board").into_response())
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
