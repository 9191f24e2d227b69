//! A phone brings its photos, in pieces when the link is bad, and keeps them until they are stored.

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
};
use relight_common::edge::{
    Caller, Problem, Segment,
    photo::{Photos, Upload, upload},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, session::crew_of};

pub(super) fn routes(photos: &Photos) -> OpenApiRouter<App> {
    let size_max = DefaultBodyLimit::max(photos.size_max());
    OpenApiRouter::new().routes(routes!(put)).layer(size_max)
}

/// Brings a photo: the whole body, or a piece with `Content-Range: bytes FIRST-LAST/TOTAL`. After a broken link
/// `bytes */TOTAL` with an empty body asks how far it is; 202 says with `received` where to go on, 201 with `stored` that
/// the phone may forget it. Upload the photo before a cut first, then cut: without its bytes nothing is cut.
#[utoipa::path(put, path = "/m/v1/photos/{sha256}", tag = "photos", security(("session" = [])),
    params(("sha256" = String, Path, description = "SHA-256 of the photo, 64 hexadecimal digits")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "Stored", body = Upload), (status = 202, description = "More to come", body = Upload)))]
async fn put(
    State(app): State<App>,
    caller: Caller,
    Segment(sha256): Segment,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Upload>), Problem> {
    crew_of(&caller)?;
    upload(app.photos(), &sha256, &caller.claims.actor, &headers, body).await
}
