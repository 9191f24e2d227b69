//! Signing in and out.

use axum::{
    Router,
    extract::{Query, State},
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

/// Where somebody wanted to go who has to sign in first.
#[derive(Deserialize)]
struct Came {
    #[serde(default)]
    next: String,
}

/// The page to go on with: one of ours, or the board.
fn onward(next: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    let is_ours = next.starts_with('/') && !next.starts_with("//") && next.chars().all(is_plain);
    if is_ours { next } else { "/board" }
}

/// The way to the sign-in page and back to `path`.
pub(super) fn sign_in_first(path: &str) -> Response {
    Redirect::to(&format!("/login?next={}", onward(path))).into_response()
}

#[derive(Deserialize)]
struct LogIn {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    next: String,
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(Came { next }): Query<Came>,
) -> Result<Response, Problem> {
    let next = onward(&next);
    if visit.is_staff() {
        return Ok(Redirect::to(next).into_response());
    }
    visit.page(
        &app,
        "login.html",
        json!({"login": "", "next": next, "fault": null}),
    )
}

async fn log_in(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<LogIn>,
) -> Result<Response, Problem> {
    let again = |status: StatusCode, key: &str| {
        let context = json!({"login": form.login, "next": onward(&form.next), "fault": visit.say(key)});
        let page = visit.page(&app, "login.html", context)?;
        Ok((status, page).into_response())
    };
    if !visit.proves(&form.csrf) {
        return again(StatusCode::FORBIDDEN, "error.expired");
    }
    match open_session(&app, &form.login, &form.password).await {
        Ok(session) => {
            let mut response = Redirect::to(onward(&form.next)).into_response();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_on_to_a_page_of_ours_and_nowhere_else() {
        for page in ["/board", "/notices/T-20270101-0001"] {
            assert_eq!(onward(page), page);
        }
        for trap in [
            "",
            "board",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/board?x=1",
            "/a\r\nSet-Cookie: b",
        ] {
            assert_eq!(onward(trap), "/board", "{trap}");
        }
    }
}
