//! The public list of outages: no personal data, no log-in.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::edge::{Anyone, Problem, at, order::Place};
use relight_proto::insight::v1::{PublicOutage, PublicOutagesReply};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// One outage.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Outage {
    /// Spoken number; empty where people were in danger and the control room switched off: it has none.
    pub number: String,
    /// Why: `FAULT`, `PLANNED`, `TEMPORARY`, `CURTAILMENT`, `SAFETY`
    pub class: String,
    /// Name of the area.
    pub area: String,
    /// Off since.
    pub off_at: Option<DateTime<Utc>>,
    /// Expected restoration.
    pub etr_at: Option<DateTime<Utc>>,
    /// Customers off.
    pub customers_off: u32,
    /// Customers with supply again.
    pub customers_restored: u32,
    /// `reported`, `confirmed`, `crew_on_the_way`, `crew_on_site`, `partly_restored`, `restored`
    pub status: String,
    /// Empty: not known.
    pub cause_code: String,
    /// Rounded to about 100 m.
    pub position: Option<Place>,
    /// Set when it is over.
    pub restored_at: Option<DateTime<Utc>>,
    /// IANA zone of the place.
    pub zone: String,
}

impl From<PublicOutage> for Outage {
    fn from(outage: PublicOutage) -> Self {
        Self {
            number: outage.number,
            class: outage.class,
            area: outage.area,
            off_at: at(outage.off_at),
            etr_at: at(outage.etr_at),
            customers_off: outage.customers_off,
            customers_restored: outage.customers_restored,
            status: outage.status,
            cause_code: outage.cause_code,
            position: outage.position.map(Place::from),
            restored_at: at(outage.restored_at),
            zone: outage.zone,
        }
    }
}

/// Outages now, and those just over.
#[derive(Debug, Serialize, ToSchema)]
struct Outages {
    /// The list.
    outages: Vec<Outage>,
    /// The list was true then.
    as_of: Option<DateTime<Utc>>,
    /// Customers off in all of them.
    customers_off: u32,
}

impl From<&PublicOutagesReply> for Outages {
    fn from(reply: &PublicOutagesReply) -> Self {
        Self {
            outages: reply.outages.iter().cloned().map(Outage::from).collect(),
            as_of: at(reply.as_of),
            customers_off: reply.customers_off,
        }
    }
}

/// Outages now. Open to the public, limited by address.
#[utoipa::path(get, path = "/api/v1/outages", tag = "outages",
    responses((status = 200, description = "The list, at most 5 s old", body = Outages)))]
async fn list(State(app): State<App>, _: Anyone) -> Result<Json<Outages>, Problem> {
    Ok(Json(Outages::from(&*app.outages().await?)))
}
