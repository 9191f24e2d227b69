//! The contract of recorded calls: who was called about an outage, at which number of theirs, by whom, and what became of it.

use relight_common::{Claims, wire, wire::timestamp};
use relight_proto::planner::v1::{
    ListCallsReply, ListCallsRequest, RecordedCall, call_records_server::CallRecords,
};
use tonic::{Request, Response, Status};

use super::{
    Api, answer, outage_id, taken,
    view::{Page, next},
};
use crate::{
    desk::rights::SEE,
    error::Error,
    store::{
        call::{self, Recorded},
        outage,
    },
};

impl Api {
    async fn calls(&self, claims: &Claims, request: ListCallsRequest) -> Result<ListCallsReply, Error> {
        let page = Page::read(request.page.as_ref())?;
        let id = outage_id(&request.outage_id)?;
        let customer = wire::uuid_opt("customer_id", &request.customer_id)?;
        let area = claims.org_patterns(&SEE);
        let one = outage::find(self.db.pool(), Some(id.uuid()), "", &area).await?;
        let rows = call::list(self.db.pool(), one.id, customer, page.after_id()?, page.limit).await?;
        let next_cursor = next(&rows, page.limit, |one| one.id.to_string());
        self.seen(claims, &one, "calls", rows.len()).await?;
        Ok(ListCallsReply {
            calls: rows.into_iter().map(shown).collect(),
            next_cursor,
        })
    }
}

fn shown(one: Recorded) -> RecordedCall {
    RecordedCall {
        call_id: one.id.to_string(),
        customer_id: one.customer_id.to_string(),
        plan_no: one.plan_no.unsigned_abs(),
        purpose: one.purpose,
        contact_id: one.contact_id.to_string(),
        outcome: one.outcome,
        called_by: one.called_by,
        at: Some(timestamp(one.at)),
    }
}

#[tonic::async_trait]
impl CallRecords for Api {
    async fn list(&self, request: Request<ListCallsRequest>) -> Result<Response<ListCallsReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.calls(&claims, request).await)
    }
}
