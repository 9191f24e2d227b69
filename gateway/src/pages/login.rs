//! Signing in and out.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use relight_common::edge::Problem;
use serde::Deserialize;
use serde_json::json;

use super::{
    Fields, Proof, Visit,
    frame::{session_cookie, set_cookie},
};
use crate::{
    api::{close_session, open_session},
    app::App,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/login", get(show).post(log_in))
        .route("/log-out", axum::routing::post(log_out))
}

#[derive(Deserialize)]
struct LogIn {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    csrf: String,
}

async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    if visit.is_staff() {
        return Ok(Redirect::to("/board").into_response());
    }
    visit.page(&app, "login.html", json!({"login": "", "fault": null}))
}

async fn log_in(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<LogIn>,
) -> Result<Response, Problem> {
    let again = |status: StatusCode, key: &str| {
        let context = json!({"login": form.login, "fault": visit.say(key)});
        let page = visit.page(&app, "login.html", context)?;
        Ok((status, page).into_response())
    };
    if !visit.proves(&form.csrf) {
        return again(StatusCode::FORBIDDEN, "error.expired");
    }
    match open_session(&app, &form.login, &form.password).await {
        Ok(session) => {
            let mut response = Redirect::to("/board").into_response();
            set_cookie(&mut response, &session_cookie(&app, &session.token));
            Ok(response)
        }
        Err(problem) if matches!(problem.status, 400 | 401 | 403 | 404) => {
            again(StatusCode::UNAUTHORIZED, "login.wrong")
        }
        Err(problem) => Err(problem),
    }
}

async fn log_out(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<Proof>,
) -> Result<Response, Problem> {
    visit.check(&form.csrf)?;
    if let Some(token) = &visit.token {
        close_session(&app, token).await?;
    }
    let mut response = Redirect::to("/").into_response();
    set_cookie(&mut response, &session_cookie(&app, ""));
    Ok(response)
}
