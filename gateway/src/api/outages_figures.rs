//! Figures about plans: how much of a month was switched off with the short lead, and why each was not planned.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Caller, Params, Problem, at},
};
use relight_proto::planner::v1::{
    TemporaryReason as WireReason, TemporaryReasonsRequest, TemporaryShareReply, TemporaryShareRequest,
    UnitShare as WireShare,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::list::{List, page};
use crate::app::App;

/// Who sees the figures.
const PLAN: [Role; 2] = [Role::Planner, Role::Manager];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(share))
        .routes(routes!(reasons))
}

/// Temporary outages among the planned and temporary ones of one unit.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct UnitShare {
    /// Org unit.
    org_path: String,
    /// Switched off with the full lead.
    planned: u32,
    /// Switched off with the short lead.
    temporary: u32,
    /// temporary / (temporary + planned), 0 to 1.
    share: Option<f64>,
    /// Of these, took longer than people were told.
    extended: u32,
    /// Of those, the extension was asked for too late.
    asked_late: u32,
}

/// The figure of a month.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct TemporaryShare {
    /// The month that was asked for.
    month: String,
    /// By unit.
    units: Vec<UnitShare>,
    /// Of all units.
    planned: u32,
    /// Of all units.
    temporary: u32,
    /// Of all units; absent when nothing was switched off.
    share: Option<f64>,
    /// Of all units.
    extended: u32,
    /// Of all units.
    asked_late: u32,
}

/// temporary / (temporary + planned); none of nothing.
fn ratio(planned: u32, temporary: u32) -> Option<f64> {
    let all = u64::from(planned) + u64::from(temporary);
    #[expect(clippy::cast_precision_loss, reason = "outages of a month are few")]
    (all > 0).then(|| f64::from(temporary) / all as f64)
}

impl From<WireShare> for UnitShare {
    fn from(one: WireShare) -> Self {
        Self {
            org_path: one.org_path,
            planned: one.planned,
            temporary: one.temporary,
            share: ratio(one.planned, one.temporary),
            extended: one.extended,
            asked_late: one.asked_late,
        }
    }
}

impl TemporaryShare {
    fn of(month: String, reply: TemporaryShareReply) -> Self {
        Self {
            month,
            units: reply.units.into_iter().map(UnitShare::from).collect(),
            planned: reply.planned,
            temporary: reply.temporary,
            share: ratio(reply.planned, reply.temporary),
            extended: reply.extended,
            asked_late: reply.asked_late,
        }
    }
}

/// Which month.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfMonth {
    /// Such as `2026-03`, on the calendar of each place.
    #[param(max_length = 7)]
    month: String,
}

/// How much of a month was temporary, by unit of the caller's area.
#[utoipa::path(get, path = "/api/v1/planned-outages/temporary-share", tag = "planned outages", params(OfMonth),
    security(("session" = [])), responses((status = 200, description = "The figure", body = TemporaryShare)))]
async fn share(
    State(app): State<App>,
    caller: Caller,
    Params(of): Params<OfMonth>,
) -> Result<Json<TemporaryShare>, Problem> {
    let claims = caller.need(&PLAN)?;
    let message = TemporaryShareRequest {
        month: of.month.clone(),
    };
    let reply = ask!(
        app.edge(),
        claims,
        app.to().plan_figures,
        temporary_share,
        message
    )
    .await?;
    Ok(Json(TemporaryShare::of(of.month, reply)))
}

/// Why one was not planned.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct TemporaryReason {
    /// UUID.
    outage_id: String,
    /// Spoken number.
    number: String,
    /// Org unit.
    org_path: String,
    /// When supply went off.
    switched_off_at: Option<DateTime<Utc>>,
    /// Why.
    why_not_planned: String,
    /// The manager who decided.
    decided_by: String,
}

impl From<WireReason> for TemporaryReason {
    fn from(one: WireReason) -> Self {
        Self {
            outage_id: one.outage_id,
            number: one.number,
            org_path: one.org_path,
            switched_off_at: at(one.switched_off_at),
            why_not_planned: one.why_not_planned,
            decided_by: one.decided_by,
        }
    }
}

/// Which month, and the page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageOfMonth {
    /// Such as `2026-03`, on the calendar of each place.
    #[param(max_length = 7)]
    month: String,
    /// `next_cursor` of the page before; left out: the first page.
    #[serde(default)]
    #[param(max_length = 1000)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// The temporary outages of a month and why each was not planned: the records behind the figure.
#[utoipa::path(get, path = "/api/v1/planned-outages/temporary-reasons", tag = "planned outages", params(PageOfMonth),
    security(("session" = [])), responses((status = 200, description = "A page", body = List<TemporaryReason>)))]
async fn reasons(
    State(app): State<App>,
    caller: Caller,
    Params(of): Params<PageOfMonth>,
) -> Result<Json<List<TemporaryReason>>, Problem> {
    let claims = caller.need(&PLAN)?;
    let message = TemporaryReasonsRequest {
        month: of.month,
        page: Some(page(of.cursor, of.limit)?),
    };
    let reply = ask!(
        app.edge(),
        claims,
        app.to().plan_figures,
        temporary_reasons,
        message
    )
    .await?;
    Ok(Json(List::of(reply.outages, reply.next_cursor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_share() {
        assert_eq!(ratio(0, 0), None);
        assert_eq!(ratio(3, 1), Some(0.25));
        assert_eq!(ratio(0, 2), Some(1.0));
    }
}
