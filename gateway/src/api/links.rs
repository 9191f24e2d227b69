//! Where a place or a customer hangs in the network: the nearest supply, and links corrected on site.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, at, order::Place},
};
use relight_proto::{
    common::v1::Point,
    registry::v1::{self as w, CorrectLinkRequest, ListLinkCorrectionsRequest, NearestRequest},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    customers::ServicePoint,
    list::{List, page},
};
use crate::{app::App, datum};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(nearest))
        .routes(routes!(correct, corrections))
}

/// What a coordinate is given in.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
enum Datum {
    /// Satellite receivers.
    #[default]
    #[serde(rename = "WGS84")]
    Wgs84,
    /// Public maps in China.
    #[serde(rename = "GCJ02")]
    Gcj02,
}

impl Datum {
    /// The place in WGS84, which is all that is stored.
    fn wgs84(self, place: &Place) -> Point {
        let (lon, lat) = match self {
            Datum::Wgs84 => (place.lon, place.lat),
            Datum::Gcj02 => datum::from_gcj02((place.lon, place.lat)),
        };
        Point { lon, lat }
    }
}

/// A place. It travels in the body: where somebody stands is theirs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Where {
    position: Place,
    /// What the position is given in; left out: WGS84. Answers are in WGS84.
    #[serde(default)]
    datum: Datum,
    /// Rows, 1 to 50; left out: 5.
    #[serde(default)]
    limit: u32,
}

/// A supply near a place.
#[derive(Debug, Serialize, ToSchema)]
struct Near {
    service_point: Option<ServicePoint>,
    /// Along the great circle.
    distance_m: f64,
}

impl From<w::nearest_reply::Near> for Near {
    fn from(near: w::nearest_reply::Near) -> Self {
        Self {
            service_point: near.service_point.map(ServicePoint::from),
            distance_m: near.distance_m,
        }
    }
}

/// The supplies nearest to a place. Reads only, so no Idempotency-Key; the view of personal data is audited.
#[utoipa::path(post, path = "/api/v1/service-points/nearest", tag = "customers", security(("session" = [])),
    request_body = Where, responses((status = 200, description = "The nearest first", body = List<Near>)))]
async fn nearest(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<Where>,
) -> Result<Json<List<Near>>, Problem> {
    let claims = caller.need(&[Role::Agent, Role::Dispatcher])?;
    let message = NearestRequest {
        position: Some(body.datum.wgs84(&body.position)),
        limit: body.limit,
    };
    let reply = ask!(app.edge(), claims, app.to().links, nearest, message).await?;
    Ok(Json(List::of(reply.nearest, String::new())))
}

/// Where a supply really hangs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Correction {
    /// External id of the service point.
    service_point_external_id: String,
    /// The transformer it hangs on; or the bus.
    #[serde(default)]
    transformer_id: String,
    /// The bus it hangs on.
    #[serde(default)]
    bus: String,
    /// What was seen on site, or who said so.
    reason: String,
}

/// A corrected link.
#[derive(Debug, Serialize, ToSchema)]
struct Corrected {
    correction_id: String,
    service_point_external_id: String,
    from_bus: String,
    to_bus: String,
    from_transformer_id: String,
    to_transformer_id: String,
    reason: String,
    by: String,
    at: Option<DateTime<Utc>>,
    /// The first grid version that has it.
    grid_version: String,
    /// `standing`; `adopted`, `overruled` by a later import; `replaced` by another correction
    state: String,
}

impl From<w::LinkCorrection> for Corrected {
    fn from(one: w::LinkCorrection) -> Self {
        Self {
            correction_id: one.correction_id,
            service_point_external_id: one.service_point_external_id,
            from_bus: one.from_bus,
            to_bus: one.to_bus,
            from_transformer_id: one.from_transformer_id,
            to_transformer_id: one.to_transformer_id,
            reason: one.reason,
            by: one.by,
            at: at(one.at),
            grid_version: one.grid_version,
            state: one.state,
        }
    }
}

/// Corrects where a supply hangs: a new version of the network, so that who is affected by what follows.
#[utoipa::path(post, path = "/api/v1/link-corrections", tag = "customers", security(("session" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Correction, responses((status = 201, description = "The correction", body = Corrected)))]
async fn correct(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Body(body): Body<Correction>,
) -> Result<(StatusCode, Json<Corrected>), Problem> {
    let claims = caller.need(&[Role::Agent, Role::Dispatcher, Role::Crew])?;
    let message = CorrectLinkRequest {
        command_id: key.to_string(),
        service_point_external_id: body.service_point_external_id,
        transformer_id: body.transformer_id,
        bus: body.bus,
        reason: body.reason,
    };
    let one = ask!(app.edge(), claims, app.to().links, correct_link, message).await?;
    Ok((StatusCode::CREATED, Json(one.into())))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CorrectionParams {
    /// Only those no import has adopted yet.
    #[serde(default)]
    standing: bool,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Corrected links, the latest first.
#[utoipa::path(get, path = "/api/v1/link-corrections", tag = "customers", params(CorrectionParams),
    security(("session" = [])), responses((status = 200, description = "A page", body = List<Corrected>)))]
async fn corrections(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<CorrectionParams>,
) -> Result<Json<List<Corrected>>, Problem> {
    let claims = caller.need(&[Role::Agent, Role::Dispatcher, Role::Admin])?;
    let message = ListLinkCorrectionsRequest {
        standing: params.standing,
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().links, list_link_corrections, message).await?;
    Ok(Json(List::of(reply.corrections, reply.next_cursor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(body: &str) -> Result<Where, serde_json::Error> {
        serde_json::from_str(body)
    }

    /// Beijing as public maps have it, and half a kilometre away as a satellite receiver does.
    #[test]
    fn the_datum_decides_where_a_place_is() {
        let body = |datum: &str| {
            format!(r#"{{"position":{{"lon":116.384047224557,"lat":39.913345455361}}{datum}}}"#)
        };
        let place = |datum: &str| {
            let asked = asked(&body(datum)).expect("a good body");
            asked.datum.wgs84(&asked.position)
        };
        let of_a_map = place(r#","datum":"GCJ02""#);
        assert!((of_a_map.lon - 116.377_817).abs() < 1e-6 && (of_a_map.lat - 39.911_954).abs() < 1e-6);
        for datum in ["", r#","datum":"WGS84""#] {
            let as_given = place(datum);
            assert_eq!(
                (as_given.lon, as_given.lat),
                (116.384_047_224_557, 39.913_345_455_361)
            );
        }
        let refused = asked(&body(r#","datum":"BD09""#))
            .expect_err("no such datum")
            .to_string();
        assert!(refused.contains("BD09") && refused.contains("GCJ02"), "{refused}");
    }
}
