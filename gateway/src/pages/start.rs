//! The first page: report, own status, outages.

use axum::{Router, extract::State, response::Response, routing::get};
use relight_common::edge::Problem;
use serde_json::json;

use super::Visit;
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(show))
}

async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    visit.page(&app, "start.html", json!({}))
}
