//! The phone signs in.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
};
use chrono::{DateTime, Utc};
use relight_common::{
    Role,
    edge::{Body, Caller, Problem, at, twice},
    wire::text_required,
};
use relight_proto::access::v1::LogInRequest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(log_in))
}

/// The crew a session belongs to.
///
/// # Errors
/// 403 when it is nobody's of a crew.
pub(super) fn crew_of(caller: &Caller) -> Result<Uuid, Problem> {
    let claims = caller.need(&[Role::Crew])?;
    claims
        .crew_id
        .ok_or_else(|| tonic::Status::permission_denied("this session belongs to no crew").into())
}

/// Counts one public request of the phone's address.
struct Limited;

impl FromRequestParts<App> for Limited {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        app.edge().limit_public(parts).map(|()| Limited)
    }
}

/// Login and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogIn {
    /// Login name.
    #[schema(max_length = 100)]
    login: String,
    /// Password.
    #[schema(max_length = 200)]
    password: String,
}

/// A session of a phone.
#[derive(Serialize, ToSchema)]
struct Session {
    /// Send it as `Authorization: Bearer TOKEN`. Keep it secret.
    token: String,
    expires_at: Option<DateTime<Utc>>,
    /// The crew this phone belongs to; empty when it belongs to none.
    crew_id: String,
    /// Name to show.
    display_name: String,
}

/// Logs a phone in.
#[utoipa::path(post, path = "/m/v1/session", tag = "session", request_body = LogIn,
    responses((status = 201, description = "Logged in", body = Session)))]
async fn log_in(
    State(app): State<App>,
    _: Limited,
    Body(body): Body<LogIn>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    if body.password.is_empty() || body.password.chars().count() > 200 {
        return Err(Problem::field("password", "must have 1 to 200 characters"));
    }
    let message = LogInRequest {
        login: text_required("login", &body.login, 100)?,
        password: body.password,
    };
    let session = twice(|| {
        let (mut access, message) = (app.access().clone(), message.clone());
        async move { access.log_in(message).await }
    })
    .await?;
    let person = session.person.unwrap_or_default();
    let expires_at = at(session.expires_at);
    let session = Session {
        token: session.token,
        expires_at,
        crew_id: person.crew_id,
        display_name: person.display_name,
    };
    Ok((StatusCode::CREATED, Json(session)))
}
