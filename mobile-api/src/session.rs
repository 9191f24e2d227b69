//! The phone signs in.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use relight_common::{
    Role,
    edge::{Body, Caller, Limited, Problem, at, twice},
    wire::text_required,
};
use relight_proto::access::v1::{LogInRequest, LogOutRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(log_in, log_out))
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

/// Ends the phone's session. Other edges may honour it for 10 s more.
#[utoipa::path(delete, path = "/m/v1/session", tag = "session", security(("session" = [])),
    responses((status = 204, description = "Ended")))]
async fn log_out(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.edge().sessions().forget(&caller.token);
    let message = LogOutRequest { token: caller.token };
    twice(|| {
        let (mut access, message) = (app.access().clone(), message.clone());
        async move { access.log_out(message).await }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
