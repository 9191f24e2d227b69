//! The contract of accuracy: how the plans of a month were kept.

use relight_common::{Claims, Invalid};
use relight_proto::planner::v1::{
    AccuracyReply, AccuracyRequest, UnitAccuracy, plan_accuracy_server::PlanAccuracy,
};
use tonic::{Request, Response, Status};

use super::{Api, answer, taken};
use crate::{
    desk::rights::PLAN,
    domain::month::Month,
    error::Error,
    store::accuracy::{self, Accuracy, Tolerance},
};

impl Api {
    async fn accuracy(&self, claims: &Claims, request: AccuracyRequest) -> Result<AccuracyReply, Error> {
        let month = Month::parse(&request.month)
            .ok_or_else(|| Invalid::new("month", "must be a month such as 2026-03"))?;
        let (now, org) = (self.clock.now(), claims.org_patterns(&PLAN));
        let (first, _) = month.around();
        // Where the pack does not say, nothing passes.
        let span = |path| self.pack.duration(path, first).unwrap_or_default();
        let tolerance = Tolerance {
            start: span("planned.start_window"),
            end: span("planned.accuracy_tolerance"),
        };
        let rows = accuracy::month(self.db.pool(), (month, now), tolerance, &org).await?;
        Ok(AccuracyReply {
            units: rows.into_iter().map(unit).collect(),
        })
    }
}

fn unit(one: Accuracy) -> UnitAccuracy {
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    UnitAccuracy {
        org_path: one.org_path,
        plans: count(one.plans),
        accurate: count(one.accurate),
        began_late: count(one.began_late),
        ended_late: count(one.ended_late),
        never_began: count(one.never_began),
        extended: count(one.extended),
        called_off: count(one.called_off),
        called_off_late: count(one.called_off_late),
        moved: count(one.moved),
        entered_later: count(one.entered_later),
        outside_permit: count(one.outside_permit),
    }
}

#[tonic::async_trait]
impl PlanAccuracy for Api {
    async fn month(&self, request: Request<AccuracyRequest>) -> Result<Response<AccuracyReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&PLAN)?;
        answer(self.accuracy(&claims, request).await)
    }
}
