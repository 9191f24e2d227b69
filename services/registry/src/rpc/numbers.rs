//! By which number a customer is called: people see its last digits, the planner gets it sealed as the proof of a call.

use relight_common::{Claims, Role, error::refuse, wire};
use relight_grid::pack::Channel;
use relight_proto::registry::v1::{
    ListNumbersReply, ListNumbersRequest, Number, SealedNumberReply, SealedNumberRequest,
    customer_numbers_server::CustomerNumbers,
};
use tonic::{Request, Response, Status};

use super::{Api, customers, map, only, taken};
use crate::{
    error::Error,
    store::{
        contact::{self, ContactRow},
        customer::{self, Scope},
    },
};

/// Who calls customers about outages.
const CALL: [Role; 4] = [Role::Planner, Role::Manager, Role::Agent, Role::Dispatcher];
/// Digits shown.
const SHOWN: usize = 4;

impl Api {
    async fn numbers(
        &self,
        claims: &Claims,
        message: &ListNumbersRequest,
    ) -> Result<ListNumbersReply, Error> {
        let id = wire::uuid("customer_id", &message.customer_id)?;
        let scope = Scope {
            org_patterns: claims.org_patterns(&CALL),
            own: None,
        };
        let found = customer::by_id(self.db.pool(), &scope, id).await?;
        let found = found.ok_or(Error::NoCustomer)?;
        self.audit_view(claims, "numbers", &[found.id]).await?;
        let rows = contact::of_customers(self.db.pool(), &[id]).await?;
        let numbers = rows.into_iter().filter(is_number).map(|row| self.number(row));
        Ok(ListNumbersReply {
            numbers: numbers.collect::<Result<_, Error>>()?,
        })
    }

    fn number(&self, row: ContactRow) -> Result<Number, Error> {
        let contact_id = row.id.to_string();
        let language = map::language(&row.language)?;
        let value = self.open(row)?.value;
        let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
        let tail = &digits[digits.len().saturating_sub(SHOWN)..];
        Ok(Number {
            contact_id,
            masked: format!("***{}", tail.iter().collect::<String>()),
            language,
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

/// Mail is not called.
fn is_number(row: &ContactRow) -> bool {
    row.channel == Channel::Sms.to_string()
}

#[tonic::async_trait]
impl CustomerNumbers for Api {
    async fn list(&self, request: Request<ListNumbersRequest>) -> Result<Response<ListNumbersReply>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&CALL)?;
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
        only(&claims, &[customers::PLANNER])?;
        self.sealed_number(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
