//! The supply of an account or of a meter, for disconnections.

use relight_common::{error::refuse, wire};
use relight_proto::registry::v1::{
    MeterSupplyRequest, SupplyOfReply, SupplyOfRequest, meter_supplies_server::MeterSupplies,
    supplies_server::Supplies,
};
use tonic::{Request, Response, Status};

use super::{Api, customers, map, only, taken};
use crate::{
    error::Error,
    store::{
        service_point,
        supply::{self, SupplyRow},
    },
};

impl Api {
    async fn supply(&self, message: &SupplyOfRequest) -> Result<SupplyOfReply, Error> {
        let account = customers::account("account", &message.account)?;
        let found = supply::of_account(self.db.pool(), &account).await?;
        self.told(found.ok_or(Error::NoCustomer)?).await
    }

    async fn meter_supply(&self, message: &MeterSupplyRequest) -> Result<SupplyOfReply, Error> {
        let meter_no = wire::text_required("meter_no", &message.meter_no, 64)?;
        let found = supply::of_meter(self.db.pool(), &meter_no).await?;
        self.told(found.ok_or(Error::NoServicePoint)?).await
    }

    async fn told(&self, found: SupplyRow) -> Result<SupplyOfReply, Error> {
        let point = service_point::by_id(self.db.pool(), found.service_point_id).await?;
        Ok(SupplyOfReply {
            service_point: Some(map::service_point(point.ok_or(Error::NoServicePoint)?)?),
            meter_no: found.meter_no,
            supplies: u32::try_from(found.supplies).unwrap_or(u32::MAX),
            customer_name: found.customer_name,
            use_class: found.use_class.unwrap_or_default(),
        })
    }
}

#[tonic::async_trait]
impl Supplies for Api {
    async fn supply_of(&self, request: Request<SupplyOfRequest>) -> Result<Response<SupplyOfReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["arrears"])?;
        self.supply(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}

#[tonic::async_trait]
impl MeterSupplies for Api {
    async fn of_meter(
        &self,
        request: Request<MeterSupplyRequest>,
    ) -> Result<Response<SupplyOfReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["arrears"])?;
        self.meter_supply(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
