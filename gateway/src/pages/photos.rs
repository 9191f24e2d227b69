//! `/photos`: which photos prove something of a case, an outage or an order; of nothing: those that are still missing.

use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use relight_common::edge::Problem;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Visit, login::sign_in_first};
use crate::{
    api::photos::{Of, Photo, missing_photos, photos_of},
    app::App,
    words,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/photos", get(show))
}

/// Beside the language, which every page may have.
#[derive(Debug, Deserialize)]
struct Asked {
    case_id: Option<Uuid>,
    outage_id: Option<Uuid>,
    order_id: Option<Uuid>,
}

/// For staff; the owner of the case decides who sees what.
async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let of = Of {
        case_id: asked.case_id,
        outage_id: asked.outage_id,
        order_id: asked.order_id,
    };
    visit.sure()?;
    if !visit.is_signed_in() {
        return Ok(sign_in_first("/board"));
    }
    let photos = if of.is_empty() {
        missing_photos(&app, &visit.claims).await?
    } else {
        photos_of(&app, &visit.claims, of).await?
    };
    let zone = app.http().zone;
    let row = |photo: Photo| Row {
        what: words::say(visit.language, &format!("photos.what_{}", photo.what), &[]),
        at: photo
            .at
            .map(|at| at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string())
            .unwrap_or_default(),
        number: photo.number,
        stored: photo.stored,
        href: photo.href,
        sha256: photo.sha256,
    };
    let rows: Vec<Row> = photos.into_iter().map(row).collect();
    let context = json!({ "rows": rows, "only_missing": of.is_empty() });
    visit.page(&app, "photos.html", context)
}

#[derive(Debug, Serialize)]
struct Row {
    what: String,
    at: String,
    number: String,
    stored: bool,
    href: String,
    sha256: String,
}
