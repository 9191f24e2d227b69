//! The stylesheet and the small scripts, embedded and cached by their content.

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};

use crate::app::App;

const FILES: [(&str, &str, &str); 4] = [
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("../../assets/style.css"),
    ),
    (
        "live.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/live.js"),
    ),
    (
        "board.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/board.js"),
    ),
    ("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// The route of the files.
pub fn routes() -> Router<App> {
    Router::new().route(
        "/assets/{version}/{name}",
        get(async |Path((_, name)): Path<(String, String)>| serve(&name)),
    )
}

/// Where a file is; changes with its content.
pub fn url(name: &str) -> String {
    let content = FILES
        .iter()
        .find(|(n, ..)| *n == name)
        .map_or("", |(_, _, content)| content);
    let hash = Sha256::digest(content.as_bytes());
    format!(
        "/assets/{:02x}{:02x}{:02x}{:02x}/{name}",
        hash[0], hash[1], hash[2], hash[3]
    )
}

/// One file.
pub fn serve(name: &str) -> Response {
    let Some((_, kind, content)) = FILES.iter().find(|(n, ..)| *n == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        ),
    ];
    (headers, *content).into_response()
}
