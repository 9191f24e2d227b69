//! An agent finds that a report is no fault, or takes that back.

use axum::{Json, extract::State};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Problem, Segment},
    wire::uuid,
};
use relight_proto::intake::v1::{CloseReportRequest, ReopenReportRequest};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::reports::Report;
use crate::app::App;

const CLOSERS: [Role; 2] = [Role::Agent, Role::Dispatcher];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(close))
        .routes(routes!(reopen))
}

/// Why a report is no fault.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Closing {
    /// `false_report`, `duplicate`, `customer_internal`; what tells of danger only `false_report`, by a dispatcher.
    reason: String,
    /// In words.
    #[schema(max_length = 500)]
    note: String,
    /// Of a duplicate: the report that stays.
    #[serde(default)]
    duplicate_of_id: Option<Uuid>,
    /// The customer was told; must be true unless it is a false report.
    #[serde(default)]
    customer_told: bool,
}

/// Closes a report that is no fault: it leaves its incident, and what it said is weighed no more.
#[utoipa::path(post, path = "/api/v1/reports/{id}/close", tag = "reports", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Report id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Closing, responses((status = 200, description = "The report", body = Report)))]
async fn close(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Closing>,
) -> Result<Json<Report>, Problem> {
    let claims = caller.need(&CLOSERS)?;
    let message = CloseReportRequest {
        command_id: key.to_string(),
        report_id: uuid("id", &id)?.to_string(),
        reason: body.reason,
        note: body.note,
        duplicate_of_id: body.duplicate_of_id.map(|id| id.to_string()).unwrap_or_default(),
        customer_told: body.customer_told,
    };
    let report = ask!(app.edge(), claims, app.to().closings, close, message).await?;
    Ok(Json(report.into()))
}

/// Why the closing was wrong.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reopening {
    /// In words.
    #[schema(max_length = 500)]
    note: String,
}

/// Takes a closing back: the report is weighed again, with its own time.
#[utoipa::path(post, path = "/api/v1/reports/{id}/reopen", tag = "reports", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Report id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Reopening, responses((status = 200, description = "The report", body = Report)))]
async fn reopen(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Reopening>,
) -> Result<Json<Report>, Problem> {
    let claims = caller.need(&CLOSERS)?;
    let message = ReopenReportRequest {
        command_id: key.to_string(),
        report_id: uuid("id", &id)?.to_string(),
        note: body.note,
    };
    let report = ask!(app.edge(), claims, app.to().closings, reopen, message).await?;
    Ok(Json(report.into()))
}
