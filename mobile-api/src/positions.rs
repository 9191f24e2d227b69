//! Batches of positions onto the stream that every dispatch replica tails.

use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use relight_common::{
    Invalid,
    edge::{Body, Caller, Kind, Problem},
    wire,
};
use relight_proto::{common::v1::Point, dispatch::v1::PositionFix};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{app::App, session::crew_of};

/// Fixes in one batch, at most.
const BATCH_MAX: usize = 1_000;
/// A phone's clock may be ahead by this much.
const AHEAD_S: i64 = 120;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(take))
}

/// Where the phone was at one moment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Fix {
    /// Longitude, WGS84 degrees.
    #[schema(minimum = -180, maximum = 180)]
    lon: f64,
    /// Latitude, WGS84 degrees.
    #[schema(minimum = -90, maximum = 90)]
    lat: f64,
    /// When; within the last day.
    at: DateTime<Utc>,
    /// Direction of travel, degrees clockwise from north.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 360)]
    heading_deg: f64,
    /// Speed, metres per second.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    speed_mps: f64,
    /// Radius in which the phone surely is, metres.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 10000)]
    accuracy_m: f64,
}

/// Fixes, oldest first.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Batch {
    /// 1 to 1000.
    #[schema(min_items = 1, max_items = 1000)]
    fixes: Vec<Fix>,
}

/// What was taken.
#[derive(Debug, Serialize, ToSchema)]
struct Taken {
    /// Number of fixes.
    taken: usize,
}

/// Takes a batch of positions of the phone's own crew. All or none; a repeat does no harm.
#[utoipa::path(post, path = "/m/v1/positions", tag = "positions", security(("session" = [])), request_body = Batch,
    responses((status = 200, description = "Taken", body = Taken)))]
async fn take(
    State(app): State<App>,
    caller: Caller,
    Body(batch): Body<Batch>,
) -> Result<Json<Taken>, Problem> {
    let crew = crew_of(&caller)?;
    if !(1..=BATCH_MAX).contains(&batch.fixes.len()) {
        return Err(Problem::field(
            "fixes",
            format!("must have 1 to {BATCH_MAX} entries"),
        ));
    }
    let now = app.clock().now();
    let fixes: Vec<PositionFix> = batch
        .fixes
        .iter()
        .enumerate()
        .map(|(index, fix)| fix_of(fix, crew, now).map_err(|invalid| at(index, invalid)))
        .collect::<Result<_, _>>()?;
    write(&app, &fixes).await?;
    metrics::counter!("relight_positions_taken_total").increment(fixes.len() as u64);
    Ok(Json(Taken { taken: fixes.len() }))
}

/// The field as the phone wrote it: `fixes[3].lon`.
fn at(index: usize, invalid: Invalid) -> Problem {
    Problem::field(format!("fixes[{index}].{}", invalid.field), invalid.must)
}

fn fix_of(fix: &Fix, crew: Uuid, now: DateTime<Utc>) -> Result<PositionFix, Invalid> {
    let point = Point {
        lon: fix.lon,
        lat: fix.lat,
    };
    wire::point(if fix.lat.abs() <= 90.0 { "lon" } else { "lat" }, point)?;
    if fix.at > now + TimeDelta::seconds(AHEAD_S) || fix.at < now - TimeDelta::days(1) {
        return Err(Invalid::new(
            "at",
            "must be within the last day and not in the future",
        ));
    }
    for (field, value, max) in [
        ("heading_deg", fix.heading_deg, 360.0),
        ("speed_mps", fix.speed_mps, 100.0),
        ("accuracy_m", fix.accuracy_m, 10_000.0),
    ] {
        if !(0.0..=max).contains(&value) {
            return Err(Invalid::new(field, format!("must be from 0 to {max}")));
        }
    }
    Ok(PositionFix {
        crew_id: crew.to_string(),
        position: Some(point),
        at: Some(wire::timestamp(fix.at)),
        heading_deg: fix.heading_deg,
        speed_mps: fix.speed_mps,
        accuracy_m: fix.accuracy_m,
    })
}

async fn write(app: &App, fixes: &[PositionFix]) -> Result<(), Problem> {
    let mut pipe = redis::pipe();
    for fix in fixes {
        let add = pipe
            .cmd("XADD")
            .arg(app.stream())
            .arg("MAXLEN")
            .arg("~")
            .arg(app.positions_kept());
        add.arg("*").arg("p").arg(fix.encode_to_vec()).ignore();
    }
    let written: Result<(), redis::RedisError> = pipe.query_async(&mut app.redis()).await;
    written.map_err(|error| {
        tracing::warn!(%error, "positions could not be written");
        Problem::new(
            Kind::Unavailable,
            "the positions could not be taken; send the batch again",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(change: impl FnOnce(&mut Fix)) -> Result<(), String> {
        let now = Utc::now();
        let mut fix = Fix {
            lon: 120.0,
            lat: 30.0,
            at: now,
            heading_deg: 90.0,
            speed_mps: 9.0,
            accuracy_m: 5.0,
        };
        change(&mut fix);
        fix_of(&fix, Uuid::nil(), now)
            .map(drop)
            .map_err(|invalid| invalid.field.into_owned())
    }

    #[test]
    fn a_fix_out_of_bounds_names_its_field() {
        assert_eq!(fix(|_| {}), Ok(()));
        assert_eq!(fix(|f| f.lon = 181.0), Err("lon".into()));
        assert_eq!(fix(|f| f.lat = f64::NAN), Err("lat".into()));
        assert_eq!(fix(|f| f.at += TimeDelta::minutes(5)), Err("at".into()));
        assert_eq!(fix(|f| f.at -= TimeDelta::days(2)), Err("at".into()));
        assert_eq!(fix(|f| f.heading_deg = -1.0), Err("heading_deg".into()));
        assert_eq!(fix(|f| f.speed_mps = f64::INFINITY), Err("speed_mps".into()));
    }
}
