//! The sums of a year by voltage level.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, Problem},
    wire::timestamp,
};
use relight_proto::insight::v1::{VoltageTotal, VoltageYearRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::list::List;
use crate::app::App;

const READ: [Role; 5] = [
    Role::Dispatcher,
    Role::Agent,
    Role::Planner,
    Role::Manager,
    Role::Admin,
];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(voltages))
}

/// Over which time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Year {
    /// Interruptions that began at or after.
    since: DateTime<Utc>,
    /// And before; at most 400 days later.
    until: DateTime<Utc>,
}

/// Interruptions of one voltage and class, in the terms of IEEE Std 1366: more than 5 minutes is sustained.
#[derive(Debug, Serialize, ToSchema)]
struct VoltageSum {
    /// Nominal, volts; 0: not known.
    voltage_v: u32,
    class: String,
    /// Customers with at least one sustained interruption (CN).
    customers: u32,
    /// Sustained customer interruptions (CI); one restored by steps counts once for its customer.
    interruptions: u32,
    /// Momentary ones.
    momentary: u32,
    /// Time of the sustained ones (CMI, in seconds).
    seconds: i64,
}

impl From<VoltageTotal> for VoltageSum {
    fn from(one: VoltageTotal) -> Self {
        Self {
            voltage_v: one.voltage_v,
            class: one.class,
            customers: one.customers,
            interruptions: one.interruptions,
            momentary: one.momentary,
            seconds: one.seconds,
        }
    }
}

/// How often and how long customers were off, by voltage level and class. Reads only, so no Idempotency-Key.
#[utoipa::path(post, path = "/api/v1/ledger/voltages", tag = "ledger", security(("session" = [])),
    request_body = Year, responses((status = 200, description = "The sums", body = List<VoltageSum>)))]
async fn voltages(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<Year>,
) -> Result<Json<List<VoltageSum>>, Problem> {
    let claims = caller.need(&READ)?;
    let message = VoltageYearRequest {
        since: Some(timestamp(body.since)),
        until: Some(timestamp(body.until)),
    };
    let reply = ask!(app.edge(), claims, app.to().voltages, year, message).await?;
    Ok(Json(List::of(reply.totals, String::new())))
}
