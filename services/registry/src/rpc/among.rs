//! Those of named customers who are in an affected set, without going through the whole of it.

use relight_common::{Invalid, error::refuse, wire};
use relight_proto::registry::v1::{MembersAmongRequest, MembersReply, set_members_server::SetMembers};
use tonic::{Request, Response, Status};

use super::{
    Api,
    grid::{MEMBERS_MAX, member},
    only, taken,
};
use crate::{error::Error, store::affected_set};

impl Api {
    async fn members_among(&self, message: &MembersAmongRequest) -> Result<MembersReply, Error> {
        if message.customer_ids.len() > MEMBERS_MAX as usize {
            return Err(Invalid::new("customer_ids", "must have at most 5000 ids").into());
        }
        let set = wire::uuid("set_id", &message.set_id)?;
        let at = wire::instant("at", message.at)?;
        let ids = message
            .customer_ids
            .iter()
            .map(|id| wire::uuid("customer_ids", id));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let rows = affected_set::among(self.db.pool(), set, &ids, at).await?;
        if rows.is_empty() && affected_set::find(self.db.pool(), set).await?.is_none() {
            return Err(Error::NoSet(set));
        }
        Ok(MembersReply {
            members: rows.into_iter().map(member).collect(),
            next_after: String::new(),
        })
    }
}

#[tonic::async_trait]
impl SetMembers for Api {
    async fn among(&self, request: Request<MembersAmongRequest>) -> Result<Response<MembersReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["notify"])?;
        self.members_among(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
