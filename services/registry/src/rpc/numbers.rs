//! By which number a customer is called: people see its last digits, planner and arrears get it sealed for the proof of a call.

use relight_common::{Claims, error::refuse, wire};
use relight_grid::pack::{Channel, ContactRole};
use relight_proto::registry::v1::{
    ListNumbersReply, ListNumbersRequest, Number, SealedNumberReply, SealedNumberRequest,
    customer_numbers_server::CustomerNumbers,
};
use tonic::{Request, Response, Status};

use super::{
    Api,
    contacts::{DESK, masked},
    customers, map, only, taken,
};
use crate::{
    error::Error,
    store::contact::{self, ContactRow},
};

impl Api {
    async fn numbers(
        &self,
        claims: &Claims,
        message: &ListNumbersRequest,
    ) -> Result<ListNumbersReply, Error> {
        let id = wire::uuid("customer_id", &message.customer_id)?;
        self.need_in_area(claims, id).await?;
        self.audit_view(claims, "numbers", &[id]).await?;
        let rows = contact::of_customers(self.db.pool(), &[id]).await?;
        let numbers = rows.into_iter().filter(is_number).map(|row| self.number(row));
        Ok(ListNumbersReply {
            numbers: numbers.collect::<Result<_, Error>>()?,
        })
    }

    fn number(&self, row: ContactRow) -> Result<Number, Error> {
        let contact_id = row.id.to_string();
        let language = map::language(&row.language)?;
        let (role, confirmed_at) = (row.role.clone(), row.confirmed_at);
        let confirmed_by = row.confirmed_by.clone().unwrap_or_default();
        Ok(Number {
            contact_id,
            masked: masked(Channel::Sms, &self.open(row)?.value),
            language,
            confirmed_at: confirmed_at.map(wire::timestamp),
            confirmed_by,
            stale: self.terms.is_stale(confirmed_at, self.clock.now()),
            role,
        })
    }

    async fn sealed_number(&self, message: &SealedNumberRequest) -> Result<SealedNumberReply, Error> {
        let id = wire::uuid("customer_id", &message.customer_id)?;
        let contact = wire::uuid("contact_id", &message.contact_id)?;
        let rows = contact::of_customers(self.db.pool(), &[id]).await?;
        let found = rows.into_iter().filter(is_number).find(|row| row.id == contact);
        let found = found.ok_or(Error::NoNumber)?;
        Ok(SealedNumberReply {
            sealed: found.sealed,
            seal_key: found.seal_key,
        })
    }
}

/// Mail is not called, and who manages the house does not answer for the customer: a call to them proves nothing.
fn is_number(row: &ContactRow) -> bool {
    row.channel == Channel::Sms.to_string() && row.role != ContactRole::PropertyManager.to_string()
}

#[tonic::async_trait]
impl CustomerNumbers for Api {
    async fn list(&self, request: Request<ListNumbersRequest>) -> Result<Response<ListNumbersReply>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&DESK)?;
        self.numbers(&claims, &message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn sealed(
        &self,
        request: Request<SealedNumberRequest>,
    ) -> Result<Response<SealedNumberReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &[customers::PLANNER, "arrears"])?;
        self.sealed_number(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
