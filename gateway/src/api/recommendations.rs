//! Who should go to a work order, and why not the others.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Caller, Params, Problem, Segment, at},
    wire::uuid,
};
use relight_proto::dispatch::v1::{Candidate as WireCandidate, RecommendRequest, Refusal as WireRefusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(recommend))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecommendParams {
    /// Crews wanted, 1 to 20; left out: 5.
    #[param(minimum = 1, maximum = 20)]
    k: Option<u32>,
    /// Crews that may not, with why, 0 to 20; left out: 20.
    #[param(minimum = 0, maximum = 20)]
    refused: Option<u32>,
}

/// Why a crew may not.
#[derive(Debug, Serialize, ToSchema)]
struct Refusal {
    /// `off_shift`, `skill`, `unqualified`, `rest`, `busy`, `position_stale`, `other_unit`
    code: String,
    /// In words.
    because: String,
}

/// A crew and how well it fits.
#[derive(Debug, Serialize, ToSchema)]
struct CrewCandidate {
    crew_id: String,
    name: String,
    /// Metres.
    distance_m: f64,
    /// Seconds.
    travel_s: u32,
    eta_at: Option<DateTime<Utc>>,
    /// Lower is better.
    cost: f64,
    /// What the cost is made of.
    reasons: Vec<String>,
    /// Empty for candidates.
    refusals: Vec<Refusal>,
    /// Age of the position.
    position_at: Option<DateTime<Utc>>,
}

impl CrewCandidate {
    fn of(candidate: WireCandidate, scale: &Scale) -> Self {
        let refusal = |WireRefusal { code, because }| Refusal { code, because };
        Self {
            reasons: scale.reasons(&candidate),
            crew_id: candidate.crew_id,
            name: candidate.name,
            distance_m: candidate.distance_m,
            travel_s: candidate.travel_s,
            eta_at: at(candidate.eta_at),
            cost: candidate.cost,
            refusals: candidate.refusals.into_iter().map(refusal).collect(),
            position_at: at(candidate.position_at),
        }
    }
}

/// What the costs are measured by.
struct Scale {
    detour: f64,
    speed_kmh: f64,
    order_cost_s: u32,
}

impl Scale {
    /// The costs in words with their numbers.
    fn reasons(&self, candidate: &WireCandidate) -> Vec<String> {
        let Self {
            detour, speed_kmh, ..
        } = self;
        let way = match candidate.eta_at {
            Some(_) => format!(
                "distance {:.1} km (great circle) x {detour:.1} at {speed_kmh:.0} km/h = {:.0} min",
                candidate.distance_m / 1000.0,
                f64::from(candidate.travel_s) / 60.0
            ),
            None => "distance unknown: the place of the crew or of the work is not known".to_owned(),
        };
        let (orders, each) = (candidate.orders_this_shift, self.order_cost_s);
        vec![way, format!("load {orders} orders this shift x {each} s")]
    }
}

/// Who should go, and why not the others.
#[derive(Debug, Serialize, ToSchema)]
struct Recommendation {
    /// Best first.
    candidates: Vec<CrewCandidate>,
    /// The nearest that may not.
    refused: Vec<CrewCandidate>,
}

/// Recommends crews.
#[utoipa::path(get, path = "/api/v1/orders/{id}/recommendations", tag = "orders", security(("session" = [])),
    params(("id" = uuid::Uuid, Path, description = "Order id"), RecommendParams),
    responses((status = 200, description = "Crews with reasons and refusals", body = Recommendation)))]
async fn recommend(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<RecommendParams>,
) -> Result<Json<Recommendation>, Problem> {
    let claims = caller.need(&[Role::Dispatcher, Role::UnitDesk])?;
    let k = params.k.unwrap_or(5);
    if !(1..=20).contains(&k) {
        return Err(Problem::field("k", "must be from 1 to 20"));
    }
    if params.refused.is_some_and(|refused| refused > 20) {
        return Err(Problem::field("refused", "must be from 0 to 20"));
    }
    let message = RecommendRequest {
        order_id: uuid("id", &id)?.to_string(),
        k,
        refused: params.refused,
    };
    let reply = ask!(app.edge(), claims, app.to().dispatch, recommend, message).await?;
    let scale = Scale {
        detour: reply.detour,
        speed_kmh: reply.speed_kmh,
        order_cost_s: reply.order_cost_s,
    };
    let shown = |list: Vec<WireCandidate>| {
        list.into_iter()
            .map(|one| CrewCandidate::of(one, &scale))
            .collect()
    };
    Ok(Json(Recommendation {
        candidates: shown(reply.candidates),
        refused: shown(reply.refused),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_numbers_everybody_can_check() {
        let scale = Scale {
            detour: 1.3,
            speed_kmh: 25.0,
            order_cost_s: 120,
        };
        let near = WireCandidate {
            distance_m: 1_112.0,
            travel_s: 209,
            eta_at: Some(relight_common::wire::timestamp(DateTime::UNIX_EPOCH)),
            orders_this_shift: 2,
            ..WireCandidate::default()
        };
        assert_eq!(
            scale.reasons(&near),
            [
                "distance 1.1 km (great circle) x 1.3 at 25 km/h = 3 min",
                "load 2 orders this shift x 120 s"
            ]
        );
        let lost = WireCandidate::default();
        assert!(scale.reasons(&lost)[0].starts_with("distance unknown"));
    }
}
