//! One call does it all: what the phone did goes up with its own ids and times, what changed comes down.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Claims, ask,
    edge::{
        Body, Caller, Problem,
        order::{Order, OrderEvent},
        parse,
    },
    wire::{instant, text, timestamp},
};
use relight_proto::{
    common::v1::DeviceTime,
    dispatch::v1::{ApplyRequest, CrewChangesRequest, Gone},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{app::App, session::crew_of};

/// Operations in one call, at most.
const OPERATIONS_MAX: usize = 500;
/// Operations begun after this wait for the next call: the phone gets an answer for those that were done.
const APPLY_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sync))
}

/// One thing the crew did.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Operation {
    /// The phone's id of it; the same id again is the same operation.
    id: Uuid,
    /// The order.
    order_id: Uuid,
    /// What happened. Read one by one: an operation nobody can read is refused alone and holds up no other.
    #[schema(value_type = OrderEvent)]
    event: serde_json::Value,
    /// When, by the phone's clock.
    device_at: DateTime<Utc>,
}

/// What goes up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Sync {
    /// `cursor` of the last answer; empty: everything.
    #[serde(default)]
    #[schema(max_length = 200)]
    cursor: String,
    /// In the order they happened, at most 500.
    #[serde(default)]
    #[schema(max_items = 500)]
    operations: Vec<Operation>,
    /// The phone's clock now: the difference to ours corrects the times above.
    device_now: DateTime<Utc>,
}

/// What became of one operation.
#[derive(Debug, Serialize, ToSchema)]
struct Outcome {
    id: Uuid,
    /// Done, now or before.
    ok: bool,
    /// Not yet: send it again, nothing was done.
    again: bool,
    /// Why not, when it was refused.
    problem: Option<Problem>,
}

/// An order that is no longer this crew's.
#[derive(Debug, Serialize, ToSchema)]
struct GoneOrder {
    order_id: String,
    /// Spoken number.
    number: String,
    /// `fault`, `planned`, `disconnect`, `reconnect`
    kind: String,
    /// Where it stands now.
    state: String,
    /// Why it was withdrawn, in words; empty: given to others, or done.
    because: String,
    /// `do_not_cut`: to be shown over everything else until the crew has read it. Empty: nothing.
    warning: String,
}

impl From<Gone> for GoneOrder {
    fn from(gone: Gone) -> Self {
        Self {
            order_id: gone.order_id,
            number: gone.number,
            kind: gone.kind,
            state: gone.state,
            because: gone.because,
            warning: gone.warning,
        }
    }
}

/// What comes down.
#[derive(Debug, Serialize, ToSchema)]
struct Synced {
    /// One per operation, in their order.
    results: Vec<Outcome>,
    /// Orders of this crew that changed.
    orders: Vec<Order>,
    /// Orders that are no longer this crew's.
    gone: Vec<String>,
    /// The same, with the reason.
    gone_orders: Vec<GoneOrder>,
    /// Send it with the next call.
    cursor: String,
    server_now: DateTime<Utc>,
}

/// Sends up what happened and fetches what changed. A repeat is safe.
#[utoipa::path(post, path = "/m/v1/sync", tag = "sync", security(("session" = [])), request_body = Sync,
    responses((status = 200, description = "Synced", body = Synced)))]
async fn sync(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<Sync>,
) -> Result<Json<Synced>, Problem> {
    let crew = crew_of(&caller)?;
    if body.operations.len() > OPERATIONS_MAX {
        return Err(Problem::field(
            "operations",
            format!("must have at most {OPERATIONS_MAX} entries"),
        ));
    }
    let cursor = text("cursor", &body.cursor, 200)?;
    instant("device_now", Some(timestamp(body.device_now)))?;
    let now = app.clock().now();
    let offset_ms = (now - body.device_now).num_milliseconds();
    let results = apply_all(&app, &caller.claims, body.operations, offset_ms).await;
    let message = CrewChangesRequest {
        crew_id: crew.to_string(),
        cursor,
    };
    let changes = ask!(app.edge(), &caller.claims, app.dispatch(), crew_changes, message).await?;
    let orders = changes.orders.into_iter().map(Order::from).collect();
    Ok(Json(Synced {
        results,
        orders,
        gone: changes.gone,
        gone_orders: changes.gone_orders.into_iter().map(GoneOrder::from).collect(),
        cursor: changes.cursor,
        server_now: now,
    }))
}

/// In the order they came. One that could not be done just now holds back the later ones of its order.
async fn apply_all(app: &App, claims: &Claims, operations: Vec<Operation>, offset_ms: i64) -> Vec<Outcome> {
    let started = Instant::now();
    let mut waiting = HashSet::new();
    let mut results = Vec::with_capacity(operations.len());
    for operation in operations {
        let (id, order) = (operation.id, operation.order_id);
        if waiting.contains(&order) || started.elapsed() > APPLY_WITHIN {
            waiting.insert(order);
            results.push(Outcome {
                id,
                ok: false,
                again: true,
                problem: None,
            });
            continue;
        }
        let problem = apply(app, claims, operation, offset_ms).await.err();
        let again = problem.as_ref().is_some_and(is_passing);
        if again {
            waiting.insert(order);
        }
        results.push(Outcome {
            id,
            ok: problem.is_none(),
            again,
            problem,
        });
    }
    results
}

/// Too many, our failure, or unavailable: the same operation may succeed later.
fn is_passing(problem: &Problem) -> bool {
    matches!(problem.status, 429 | 500 | 503)
}

async fn apply(app: &App, claims: &Claims, operation: Operation, offset_ms: i64) -> Result<(), Problem> {
    let event: OrderEvent = parse("event", operation.event)?;
    let message = ApplyRequest {
        command_id: operation.id.to_string(),
        order_id: operation.order_id.to_string(),
        event: Some(event.into_wire()?),
        device_time: Some(DeviceTime {
            device_at: Some(timestamp(operation.device_at)),
            offset_ms,
            received_at: None,
        }),
        on_behalf: false,
    };
    ask!(app.edge(), claims, app.dispatch(), apply, message)
        .await
        .map(drop)
}
