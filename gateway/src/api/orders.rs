//! Work orders: list, one, what happens to it, alarms.

use axum::{Json, extract::State};
use relight_common::{
    Claims, Role, ask,
    edge::{
        Body, Caller, CommandKey, Params, Problem, Segment,
        order::{Order, OrderEvent},
        parse,
    },
    wire::{text_required, uuid, uuid_opt},
};
use relight_proto::dispatch::v1::{
    AcknowledgeAlarmRequest, ApplyRequest, GetOrderRequest, ListOrdersRequest, Order as WireOrder,
    get_order_request::By,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::list::{List, page};
use crate::app::App;

const READERS: [Role; 5] = [
    Role::Dispatcher,
    Role::UnitDesk,
    Role::Agent,
    Role::Crew,
    Role::Admin,
];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(apply))
        .routes(routes!(acknowledge))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Finished orders, newest first, instead of the open ones: danger nobody has reached, then by the clock that
    /// runs out first.
    #[serde(default)]
    archived: bool,
    /// Only this unit's.
    #[serde(default)]
    unit_id: String,
    /// Only this crew's.
    #[serde(default)]
    crew_id: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Orders of the caller's area.
#[utoipa::path(get, path = "/api/v1/orders", tag = "orders", params(ListParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<Order>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<List<Order>>, Problem> {
    let claims = caller.need(&READERS)?;
    uuid_opt("unit_id", &params.unit_id)?;
    uuid_opt("crew_id", &params.crew_id)?;
    let message = ListOrdersRequest {
        archived: params.archived,
        unit_id: params.unit_id,
        crew_id: params.crew_id,
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().dispatch, list_orders, message).await?;
    Ok(Json(List::of(reply.orders, reply.next_cursor)))
}

/// One order by id or spoken number.
#[utoipa::path(get, path = "/api/v1/orders/{id}", tag = "orders", security(("session" = [])),
    params(("id" = String, Path, description = "Order id (UUID) or number")),
    responses((status = 200, description = "The order", body = Order)))]
async fn get(State(app): State<App>, caller: Caller, Segment(id): Segment) -> Result<Json<Order>, Problem> {
    let claims = caller.need(&READERS)?;
    let by = if Uuid::parse_str(&id).is_ok() {
        By::OrderId(id)
    } else {
        By::Number(id)
    };
    let message = GetOrderRequest { by: Some(by) };
    let order = ask!(app.edge(), claims, app.to().dispatch, get_order, message).await?;
    Ok(Json(order.into()))
}

/// What happens to the order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Apply {
    /// The event. Read on its own: so a fault inside is told with its place.
    #[schema(value_type = OrderEvent)]
    event: serde_json::Value,
    /// A dispatcher records it for a crew by radio, read back.
    #[serde(default)]
    on_behalf: bool,
}

/// Applies one event. An event that already led here changes nothing.
#[utoipa::path(post, path = "/api/v1/orders/{id}/events", tag = "orders", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Order id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Apply, responses((status = 200, description = "The order after it", body = Order)))]
async fn apply(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Apply>,
) -> Result<Json<Order>, Problem> {
    let claims = caller.need(&[Role::Dispatcher, Role::UnitDesk, Role::Crew, Role::Agent])?;
    let event: OrderEvent = parse("event", body.event)?;
    let message = ApplyRequest {
        command_id: key.to_string(),
        order_id: uuid("id", &id)?.to_string(),
        event: Some(event.into_wire()?),
        device_time: None,
        on_behalf: body.on_behalf,
    };
    let order = ask!(app.edge(), claims, app.to().dispatch, apply, message).await?;
    Ok(Json(order.into()))
}

/// The alarm that was seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Acknowledge {
    /// `arrival`, `unit_take`, `crew_take`, `review`, `start`, `reconnect`
    clock: String,
    /// `watch`, `at_risk`, `breach`
    level: String,
}

/// Acknowledges an alarm, by name.
#[utoipa::path(post, path = "/api/v1/orders/{id}/alarms/acknowledge", tag = "orders", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Order id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Acknowledge, responses((status = 200, description = "The order", body = Order)))]
async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Acknowledge>,
) -> Result<Json<Order>, Problem> {
    let claims = caller.need(&[Role::Dispatcher, Role::UnitDesk])?;
    let alarm = AcknowledgeAlarmRequest {
        command_id: key.to_string(),
        order_id: id,
        clock: body.clock,
        level: body.level,
    };
    Ok(Json(acknowledge_alarm(&app, claims, alarm).await?.into()))
}

/// Acknowledges. Also used by the board.
pub(crate) async fn acknowledge_alarm(
    app: &App,
    claims: &Claims,
    alarm: AcknowledgeAlarmRequest,
) -> Result<WireOrder, Problem> {
    let message = AcknowledgeAlarmRequest {
        command_id: uuid("command_id", &alarm.command_id)?.to_string(),
        order_id: uuid("id", &alarm.order_id)?.to_string(),
        clock: text_required("clock", &alarm.clock, 50)?,
        level: text_required("level", &alarm.level, 50)?,
    };
    ask!(app.edge(), claims, app.to().dispatch, acknowledge_alarm, message).await
}
