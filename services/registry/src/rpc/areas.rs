//! Where in the organisation a customer is at home.

use relight_common::{error::refuse, wire};
use relight_proto::registry::v1::{AreasOfReply, AreasOfRequest, customer_areas_server::CustomerAreas};
use tonic::{Request, Response, Status};

use super::{Api, only, taken};
use crate::{error::Error, store::service_point};

impl Api {
    async fn areas(&self, message: &AreasOfRequest) -> Result<AreasOfReply, Error> {
        let customer = wire::uuid("customer_id", &message.customer_id)?;
        let org_paths = service_point::areas_of(self.db.pool(), customer).await?;
        Ok(AreasOfReply { org_paths })
    }
}

#[tonic::async_trait]
impl CustomerAreas for Api {
    async fn areas_of(&self, request: Request<AreasOfRequest>) -> Result<Response<AreasOfReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["notify"])?;
        self.areas(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
