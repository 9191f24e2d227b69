//! The year by voltage level.

use chrono::TimeDelta;
use relight_common::{Claims, Invalid, error::refuse, wire};
use relight_proto::insight::v1::{
    VoltageTotal, VoltageYearReply, VoltageYearRequest, voltage_figures_server::VoltageFigures,
};
use tonic::{Request, Response, Status};

use super::{Api, books::READ};
use crate::{error::Error, store::voltage};

/// A year, with room for a leap day and for years that begin elsewhere.
const DAYS_MAX: i64 = 400;

impl Api {
    async fn voltage_year(
        &self,
        claims: &Claims,
        ask: &VoltageYearRequest,
    ) -> Result<VoltageYearReply, Error> {
        let span = (
            wire::instant("since", ask.since)?,
            wire::instant("until", ask.until)?,
        );
        if span.1 <= span.0 || span.1 - span.0 > TimeDelta::days(DAYS_MAX) {
            return Err(Invalid::new("until", "must be after since, by at most 400 days").into());
        }
        let org = claims.org_patterns(&READ);
        let rows = voltage::totals(self.db.pool(), &org, span, self.clock.now()).await?;
        Ok(VoltageYearReply {
            totals: rows.into_iter().map(told).collect(),
        })
    }
}

fn told(row: voltage::Total) -> VoltageTotal {
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    VoltageTotal {
        voltage_v: row.voltage_v.unsigned_abs(),
        class: row.class,
        customers: count(row.customers),
        interruptions: count(row.interruptions),
        momentary: count(row.momentary),
        seconds: row.seconds,
    }
}

#[tonic::async_trait]
impl VoltageFigures for Api {
    async fn year(&self, request: Request<VoltageYearRequest>) -> Result<Response<VoltageYearReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&READ)?;
        let reply = self.voltage_year(&claims, request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }
}
