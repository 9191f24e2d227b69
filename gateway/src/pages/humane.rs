//! Problem answers of pages as pages: a person asked, not a program.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use serde::Serialize;

use super::{Frame, Visit};
use crate::{api::Language, app::App, words};

/// An error in plain words.
#[derive(Debug, Serialize)]
struct Shown {
    title: String,
    text: String,
}

/// Turns a problem into a page when a browser asked for one.
pub(crate) async fn humane(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let language = words::choose(request.uri().query().unwrap_or_default(), request.headers());
    let by_browser = wants_html(request.headers()) && !path.starts_with("/api/");
    let (parts, body) = request.into_parts();
    let mut asked = parts.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    if !by_browser || !is_problem(&response) {
        return response;
    }
    let shown = shown(language, response.status(), response.headers());
    let frame = match frame_of(&app, &mut asked, response.status()).await {
        Some(frame) => frame,
        None => Frame::new(language, &path, app.notices()),
    };
    match frame.render(app.templates(), "error.html", shown) {
        Ok(html) => {
            let mut page = (response.status(), Html(html)).into_response();
            if let Some(wait) = response.headers().get(header::RETRY_AFTER) {
                page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
            }
            page
        }
        Err(_) => response,
    }
}

/// The frame of who asked, with the way to sign out. None while services are away: nobody is asked who that is.
async fn frame_of(app: &App, asked: &mut Parts, status: StatusCode) -> Option<Frame> {
    if !status.is_client_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let visit = Visit::from_request_parts(asked, app).await.ok()?;
    Some(visit.frame(app.notices()))
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn is_problem(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/problem+json")
}

fn shown(language: Language, status: StatusCode, headers: &HeaderMap) -> Shown {
    let (title, text) = match status {
        StatusCode::NOT_FOUND => ("error.not_found_title", "error.not_found"),
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => ("error.forbidden_title", "error.forbidden"),
        StatusCode::TOO_MANY_REQUESTS => ("error.unavailable_title", "error.too_many"),
        StatusCode::SERVICE_UNAVAILABLE => ("error.unavailable_title", "error.unavailable"),
        status if status.is_client_error() => ("error.invalid_title", "error.invalid"),
        _ => ("error.title", "error.internal"),
    };
    let wait = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    Shown {
        title: words::say(language, title, &[]),
        text: words::say(language, text, &[("seconds", wait.unwrap_or("10"))]),
    }
}
