//! Signing in and out.

use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use relight_common::{Role, edge::Problem};
use relight_proto::access::v1::Session;
use serde::Deserialize;
use serde_json::json;

use super::{
    Fields, Proof, Visit,
    frame::{ON_PHOTOS, session_cookie, set_cookie},
};
use crate::{
    api::{STAFF, close_session, open_session},
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

/// Where somebody lands who has just signed in: who has no place at the board is not sent there.
fn landing<'n>(next: &'n str, session: &Session) -> &'n str {
    let grants = session.person.iter().flat_map(|person| &person.grants);
    let roles: Vec<Role> = grants.filter_map(|grant| Role::parse(&grant.role)).collect();
    let any_of = |these: &[Role]| roles.iter().any(|role| these.contains(role));
    match next {
        "/board" if any_of(&STAFF) => next,
        "/board" if any_of(&ON_PHOTOS) => "/photos",
        "/board" => "/",
        _ => next,
    }
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
            let mut response = Redirect::to(landing(onward(&form.next), &session)).into_response();
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
    use relight_proto::access::v1::{Grant, Person};

    use super::*;

    #[test]
    fn nobody_lands_on_a_page_that_is_not_theirs() {
        let session = |role: &str| Session {
            person: Some(Person {
                grants: vec![Grant {
                    role: role.to_owned(),
                    ..Grant::default()
                }],
                ..Person::default()
            }),
            ..Session::default()
        };
        let table = [
            ("dispatcher", "/board", "/board"),
            ("control_room", "/board", "/board"),
            ("planner", "/board", "/photos"),
            ("crew", "/board", "/photos"),
            ("customer", "/board", "/"),
            ("planner", "/notices/T-20270101-0001", "/notices/T-20270101-0001"),
        ];
        for (role, next, page) in table {
            assert_eq!(landing(next, &session(role)), page, "{role}");
        }
    }

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
