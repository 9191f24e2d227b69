//! How the plans of a month were kept, announced against what happened.

use axum::{Json, extract::State};
use relight_common::{
    Role, ask,
    edge::{Caller, Params, Problem},
};
use relight_proto::planner::v1::{AccuracyRequest, UnitAccuracy as WireUnit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(accuracy))
}

/// Plans that were announced for a month and are due, of one unit.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct UnitAccuracy {
    /// Org unit.
    org_path: String,
    /// Each announcement is one.
    plans: u32,
    /// Begun within the start window and ended by the announced end, as people were told first.
    accurate: u32,
    /// accurate / plans, 0 to 1.
    share: Option<f64>,
    /// Begun later, told or not.
    began_late: u32,
    /// Ended later, or handed over to a fault.
    ended_late: u32,
    /// Neither begun nor called off.
    never_began: u32,
    /// Told to take longer.
    extended: u32,
    /// Called off.
    called_off: u32,
    /// Of those, less than 24 h before the start or on its day.
    called_off_late: u32,
    /// Moved to another day after it was announced.
    moved: u32,
    /// With times that were written down and entered later.
    entered_later: u32,
    /// Switched off without leave, as was entered later.
    outside_permit: u32,
}

impl From<WireUnit> for UnitAccuracy {
    fn from(one: WireUnit) -> Self {
        let share = (one.plans > 0).then(|| f64::from(one.accurate) / f64::from(one.plans));
        Self {
            org_path: one.org_path,
            plans: one.plans,
            accurate: one.accurate,
            share,
            began_late: one.began_late,
            ended_late: one.ended_late,
            never_began: one.never_began,
            extended: one.extended,
            called_off: one.called_off,
            called_off_late: one.called_off_late,
            moved: one.moved,
            entered_later: one.entered_later,
            outside_permit: one.outside_permit,
        }
    }
}

/// The figures of a month.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct PlanAccuracy {
    /// The month that was asked for.
    month: String,
    /// By unit.
    units: Vec<UnitAccuracy>,
}

/// Which month.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccuracyMonth {
    /// Such as `2026-03`, on the calendar of each place.
    #[param(max_length = 7)]
    month: String,
}

/// How the plans of a month were kept, by unit of the caller's area.
#[utoipa::path(get, path = "/api/v1/planned-outages/accuracy", tag = "planned outages", params(AccuracyMonth),
    security(("session" = [])), responses((status = 200, description = "The figures", body = PlanAccuracy)))]
async fn accuracy(
    State(app): State<App>,
    caller: Caller,
    Params(of): Params<AccuracyMonth>,
) -> Result<Json<PlanAccuracy>, Problem> {
    let claims = caller.need(&[Role::Planner, Role::Manager])?;
    let message = AccuracyRequest {
        month: of.month.clone(),
    };
    let reply = ask!(app.edge(), claims, app.to().plan_accuracy, month, message).await?;
    Ok(Json(PlanAccuracy {
        month: of.month,
        units: reply.units.into_iter().map(UnitAccuracy::from).collect(),
    }))
}
