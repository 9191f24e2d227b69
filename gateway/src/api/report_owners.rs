//! The first-contact owner of reports.

use axum::{Json, extract::State};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, Segment},
    wire::uuid,
};
use relight_proto::intake::v1::{HandOverRequest, OwnReportsRequest};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    list::{List, PageParams, page},
    reports::Report,
};
use crate::app::App;

const OWNERS: [Role; 2] = [Role::Agent, Role::Dispatcher];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(own))
        .routes(routes!(hand_over))
}

/// The caller's own reports whose fault is not over, newest first.
#[utoipa::path(get, path = "/api/v1/own-reports", tag = "reports", params(PageParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<Report>)))]
async fn own(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Report>>, Problem> {
    let claims = caller.need(&OWNERS)?;
    let message = OwnReportsRequest {
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().owners, own, message).await?;
    Ok(Json(List::of(reply.reports, reply.next_cursor)))
}

/// Who tells the reporter from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HandOver {
    /// Person id.
    #[schema(max_length = 100)]
    to: String,
    /// Why.
    #[schema(max_length = 500)]
    reason: String,
}

/// Hands a report over; kept.
#[utoipa::path(post, path = "/api/v1/reports/{id}/owner", tag = "reports", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Report id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = HandOver, responses((status = 200, description = "The report", body = Report)))]
async fn hand_over(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<HandOver>,
) -> Result<Json<Report>, Problem> {
    let claims = caller.need(&OWNERS)?;
    let message = HandOverRequest {
        command_id: key.to_string(),
        report_id: uuid("id", &id)?.to_string(),
        to: body.to,
        reason: body.reason,
    };
    let report = ask!(app.edge(), claims, app.to().owners, hand_over, message).await?;
    Ok(Json(report.into()))
}
