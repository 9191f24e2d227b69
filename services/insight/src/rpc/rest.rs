//! Who is still off because of a planned outage, asked when it is handed over to a fault.

use relight_common::{Role, error::refuse, wire};
use relight_proto::insight::v1::{OutageRestReply, OutageRestRequest, outage_rest_server::OutageRest};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{domain::record::IncidentId, error::Error, store::read};

impl Api {
    async fn rest_of(&self, ask: &OutageRestRequest) -> Result<OutageRestReply, Error> {
        let outage = IncidentId::parse(&ask.outage_id)?;
        let (off, without_fault) = read::rest(self.db.pool(), outage).await?;
        let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(OutageRestReply {
            off: count(off),
            without_fault: count(without_fault),
        })
    }
}

#[tonic::async_trait]
impl OutageRest for Api {
    async fn of(&self, request: Request<OutageRestRequest>) -> Result<Response<OutageRestReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&[Role::Service])?;
        let reply = self.rest_of(request.get_ref()).await;
        reply.map(Response::new).map_err(refuse("insight"))
    }
}
