//! Who a planned outage affects, and locks on times in which nothing is switched off for work.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Problem, Segment, at},
    wire::{timestamp, uuid},
};
use relight_proto::planner::v1::{
    LiftLockRequest, ListLocksRequest, Lock as WireLock, PutLockRequest, Recipient as WireRecipient,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{list::List, outages_planned::PLANNERS};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, put))
        .routes(routes!(lift))
}

/// One affected customer and where they stand.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Recipient {
    /// UUID.
    pub customer_id: String,
    /// Important customer.
    pub important: bool,
    /// Somebody's life hangs on supply.
    pub life_support: bool,
    /// On a line of their own.
    pub dedicated_line: bool,
    /// Generation, storage or a second supply.
    pub own_generation: bool,
    /// Channel of the first effective notice of this plan; empty: not told.
    pub channel: String,
    /// Its moment.
    pub served_at: Option<DateTime<Utc>>,
    /// When they answered.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// `account_manager`, `duty_manager`; empty: nobody.
    pub escalated_to: String,
    /// The duty manager decided to go on.
    pub escalation_closed: bool,
    /// Ticked as isolated from the grid.
    pub isolated_at: Option<DateTime<Utc>>,
    /// Called before supply returns.
    pub told_at: Option<DateTime<Utc>>,
    /// `proposed`, `countered`, `agreed`, `refused`, `decided`; empty: nothing yet.
    pub negotiation: String,
    /// Moved in after the announcement; they cannot have the full lead any more.
    pub late_joiner: bool,
    /// Added after the announcement because the network changed: their lead begins with their own notice.
    pub own_lead: bool,
    /// Own generation, above 1 kV or several supplies: called before supply returns.
    pub call_before: bool,
}

impl From<WireRecipient> for Recipient {
    fn from(one: WireRecipient) -> Self {
        Self {
            customer_id: one.customer_id,
            important: one.important,
            life_support: one.life_support,
            dedicated_line: one.dedicated_line,
            own_generation: one.own_generation,
            channel: one.channel,
            served_at: at(one.served_at),
            acknowledged_at: at(one.acknowledged_at),
            escalated_to: one.escalated_to,
            escalation_closed: one.escalation_closed,
            isolated_at: at(one.isolated_at),
            told_at: at(one.told_at),
            negotiation: one.negotiation,
            late_joiner: one.late_joiner,
            own_lead: one.own_lead,
            call_before: one.call_before,
        }
    }
}

/// A time in which nothing is switched off for work.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WorkLock {
    /// Chosen by the sender.
    lock_id: Uuid,
    /// `event`, `holiday`, `weather`, `guarantee`
    kind: String,
    /// Where; empty: everywhere.
    #[serde(default)]
    org_path: String,
    /// From.
    from_at: DateTime<Utc>,
    /// Until.
    until_at: DateTime<Utc>,
    /// Why.
    reason: String,
    /// Who lifted it; empty: it stands.
    #[serde(default, skip_deserializing)]
    lifted_by: String,
}

fn shown(lock: WireLock) -> Option<WorkLock> {
    Some(WorkLock {
        lock_id: lock.lock_id.parse().ok()?,
        kind: lock.kind,
        org_path: lock.org_path,
        from_at: at(lock.from_at)?,
        until_at: at(lock.until_at)?,
        reason: lock.reason,
        lifted_by: lock.lifted_by,
    })
}

fn one(lock: WireLock) -> Result<WorkLock, Problem> {
    shown(lock)
        .ok_or_else(|| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR, "the lock cannot be shown"))
}

/// Locks that are not over.
#[utoipa::path(get, path = "/api/v1/work-locks", tag = "planned outages", security(("session" = [])),
    responses((status = 200, description = "The locks", body = List<WorkLock>)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<List<WorkLock>>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let reply = ask!(
        app.edge(),
        claims,
        app.to().planner,
        list_locks,
        ListLocksRequest {}
    )
    .await?;
    Ok(Json(List {
        items: reply.locks.into_iter().filter_map(shown).collect(),
        next_cursor: None,
    }))
}

/// Sets a lock: nothing is switched off for work in it until somebody lifts it.
#[utoipa::path(post, path = "/api/v1/work-locks", tag = "planned outages", security(("session" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = WorkLock, responses((status = 201, description = "The lock", body = WorkLock)))]
async fn put(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Body(body): Body<WorkLock>,
) -> Result<(StatusCode, Json<WorkLock>), Problem> {
    let claims = caller.need(&[Role::Manager])?;
    let message = PutLockRequest {
        command_id: key.to_string(),
        lock: Some(WireLock {
            lock_id: body.lock_id.to_string(),
            kind: body.kind,
            org_path: body.org_path,
            from_at: Some(timestamp(body.from_at)),
            until_at: Some(timestamp(body.until_at)),
            reason: body.reason,
            lifted_by: String::new(),
        }),
    };
    let lock = ask!(app.edge(), claims, app.to().planner, put_lock, message).await?;
    Ok((StatusCode::CREATED, Json(one(lock)?)))
}

/// Why a lock is lifted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Lift {
    /// Why.
    reason: String,
}

/// Lifts a lock.
#[utoipa::path(post, path = "/api/v1/work-locks/{id}/lift", tag = "planned outages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Lock id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Lift, responses((status = 200, description = "The lock", body = WorkLock)))]
async fn lift(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Lift>,
) -> Result<Json<WorkLock>, Problem> {
    let claims = caller.need(&[Role::Manager])?;
    let message = LiftLockRequest {
        command_id: key.to_string(),
        lock_id: uuid("id", &id)?.to_string(),
        reason: body.reason,
    };
    let lock = ask!(app.edge(), claims, app.to().planner, lift_lock, message).await?;
    Ok(Json(one(lock)?))
}
