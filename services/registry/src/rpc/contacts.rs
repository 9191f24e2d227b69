//! How a customer is reached, whose each contact is and since when that is known (operations.md O15, O22); values stay here.

use relight_common::{Begun, Claims, Role, Work, command::Meta, error::refuse, wire};
use relight_grid::pack::Channel;
use relight_proto::registry::v1::{
    ConfirmContactRequest, CustomerContact, ListCustomerContactsReply, ListCustomerContactsRequest,
    customer_contacts_server::CustomerContacts,
};
use serde_json::json;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, map, taken};
use crate::{
    error::Error,
    store::{
        contact::{self, ContactRow},
        customer::{self, Scope},
    },
};

/// Who decides on a contact: calls it, serves a notice by it.
pub(super) const DESK: [Role; 4] = [Role::Planner, Role::Manager, Role::Agent, Role::Dispatcher];
/// Digits shown.
const SHOWN: usize = 4;

impl Api {
    /// That the customer is in an area of this desk; that others exist is not said.
    pub(super) async fn need_in_area(&self, claims: &Claims, id: Uuid) -> Result<(), Error> {
        let scope = Scope {
            org_patterns: claims.org_patterns(&DESK),
            own: None,
        };
        let found = customer::by_id(self.db.pool(), &scope, id).await?;
        found.map(drop).ok_or(Error::NoCustomer)
    }

    async fn customer_contacts(
        &self,
        claims: &Claims,
        message: &ListCustomerContactsRequest,
    ) -> Result<ListCustomerContactsReply, Error> {
        let id = wire::uuid("customer_id", &message.customer_id)?;
        self.need_in_area(claims, id).await?;
        self.audit_view(claims, "contacts", &[id]).await?;
        let rows = contact::of_customers(self.db.pool(), &[id]).await?;
        let contacts = rows.into_iter().map(|row| self.shown_contact(row));
        Ok(ListCustomerContactsReply {
            contacts: contacts.collect::<Result<_, _>>()?,
            stale_after_days: self.terms.contact_stale_days,
        })
    }

    async fn confirmed(
        &self,
        claims: &Claims,
        message: &ConfirmContactRequest,
    ) -> Result<CustomerContact, Error> {
        let meta = Meta::new(&message.command_id, claims, message, self.clock.now())?;
        let id = wire::uuid("customer_id", &message.customer_id)?;
        let contact = wire::uuid("contact_id", &message.contact_id)?;
        self.need_in_area(claims, id).await?;
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let (by, at) = (work.actor().to_owned(), work.at());
        let row = contact::confirm(work.conn(), (id, contact), &by, at).await?;
        let row = row.ok_or(Error::NoContact)?;
        work.audit("contact.confirmed", contact, json!({ "customer": id }));
        Ok(work.commit(self.shown_contact(row)?).await?)
    }

    fn shown_contact(&self, row: ContactRow) -> Result<CustomerContact, Error> {
        let channel: Channel = row.channel.parse().map_err(|()| Error::Stored("channel"))?;
        let (role, confirmed_at) = (row.role.clone(), row.confirmed_at);
        let confirmed_by = row.confirmed_by.clone().unwrap_or_default();
        let language = map::language(&row.language)?;
        let one = self.open(row)?;
        Ok(CustomerContact {
            contact_id: one.contact_id,
            channel: one.channel,
            masked: masked(channel, &one.value),
            language,
            role,
            confirmed_at: confirmed_at.map(wire::timestamp),
            confirmed_by,
            stale: self.terms.is_stale(confirmed_at, self.clock.now()),
        })
    }
}

/// What may be shown of a contact.
pub(super) fn masked(channel: Channel, value: &str) -> String {
    match channel {
        Channel::Sms => {
            let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
            let tail = &digits[digits.len().saturating_sub(SHOWN)..];
            format!("***{}", tail.iter().collect::<String>())
        }
        Channel::Email => format!("***@{}", value.rsplit_once('@').map_or("", |(_, domain)| domain)),
    }
}

#[tonic::async_trait]
impl CustomerContacts for Api {
    async fn list(
        &self,
        request: Request<ListCustomerContactsRequest>,
    ) -> Result<Response<ListCustomerContactsReply>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&DESK)?;
        self.customer_contacts(&claims, &message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }

    async fn confirm(
        &self,
        request: Request<ConfirmContactRequest>,
    ) -> Result<Response<CustomerContact>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&DESK)?;
        self.confirmed(&claims, &message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
