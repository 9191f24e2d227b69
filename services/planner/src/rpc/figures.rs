//! The contract of figures about plans: how much of a month was temporary, and why.

use relight_common::{Claims, Invalid, wire::timestamp};
use relight_proto::planner::v1::{
    TemporaryReason, TemporaryReasonsReply, TemporaryReasonsRequest, TemporaryShareReply,
    TemporaryShareRequest, UnitShare, plan_figures_server::PlanFigures,
};
use tonic::{Request, Response, Status};

use super::{
    Api, answer, taken,
    view::{Page, next},
};
use crate::{
    desk::rights::PLAN,
    domain::month::Month,
    error::Error,
    store::figures::{self, Reason, Share},
};

fn month(text: &str) -> Result<Month, Invalid> {
    Month::parse(text).ok_or_else(|| Invalid::new("month", "must be a month such as 2026-03"))
}

impl Api {
    async fn temporary(
        &self,
        claims: &Claims,
        request: TemporaryShareRequest,
    ) -> Result<TemporaryShareReply, Error> {
        let org = claims.org_patterns(&PLAN);
        let shares = figures::shares(self.db.pool(), month(&request.month)?, &org).await?;
        let units: Vec<UnitShare> = shares.into_iter().map(unit).collect();
        Ok(TemporaryShareReply {
            planned: units.iter().map(|unit| unit.planned).sum(),
            temporary: units.iter().map(|unit| unit.temporary).sum(),
            extended: units.iter().map(|unit| unit.extended).sum(),
            asked_late: units.iter().map(|unit| unit.asked_late).sum(),
            units,
        })
    }

    async fn why_temporary(
        &self,
        claims: &Claims,
        request: TemporaryReasonsRequest,
    ) -> Result<TemporaryReasonsReply, Error> {
        let page = Page::read(request.page.as_ref())?;
        let org = claims.org_patterns(&PLAN);
        let wanted = (month(&request.month)?, org.as_slice());
        let rows = figures::reasons(self.db.pool(), wanted, page.after_window()?, page.limit).await?;
        let next_cursor = next(&rows, page.limit, |one| {
            format!("{}/{}", one.switched_off_at.timestamp_micros(), one.id)
        });
        Ok(TemporaryReasonsReply {
            outages: rows.into_iter().map(reason).collect(),
            next_cursor,
        })
    }
}

fn unit(share: Share) -> UnitShare {
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    UnitShare {
        org_path: share.org_path,
        planned: count(share.planned),
        temporary: count(share.temporary),
        extended: count(share.extended),
        asked_late: count(share.asked_late),
    }
}

fn reason(one: Reason) -> TemporaryReason {
    TemporaryReason {
        outage_id: one.id.to_string(),
        number: one.number,
        org_path: one.org_path,
        switched_off_at: Some(timestamp(one.switched_off_at)),
        why_not_planned: one.why,
        decided_by: one.by,
    }
}

#[tonic::async_trait]
impl PlanFigures for Api {
    async fn temporary_share(
        &self,
        request: Request<TemporaryShareRequest>,
    ) -> Result<Response<TemporaryShareReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&PLAN)?;
        answer(self.temporary(&claims, request).await)
    }

    async fn temporary_reasons(
        &self,
        request: Request<TemporaryReasonsRequest>,
    ) -> Result<Response<TemporaryReasonsReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&PLAN)?;
        answer(self.why_temporary(&claims, request).await)
    }
}
