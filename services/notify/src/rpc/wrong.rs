//! Contacts that turned out to be somebody else's, as the desk reports and corrects them.

use relight_common::{Begun, Claims, Invalid, Role, Work, command::Meta, error::refuse, wire};
use relight_proto::notify::v1::{
    ListWrongReply, ListWrongRequest, ReportWrongRequest, WithdrawWrongRequest, WrongContact,
    report_wrong_request::By, wrong_person_server::WrongPerson,
};
use serde_json::json;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Api;
use crate::{
    error::Error,
    seal::mask,
    store::wrong::{self as store, Wrong},
    wrong::{self, Found},
};

/// Who may say that a contact is somebody else's, and who may take it back.
const DESK: [Role; 3] = [Role::Agent, Role::Dispatcher, Role::Manager];
/// Longest note or reason, characters.
const NOTE_MAX: usize = 200;

#[tonic::async_trait]
impl WrongPerson for Api {
    async fn report(&self, request: Request<ReportWrongRequest>) -> Result<Response<WrongContact>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&DESK)?;
        let reply = self.report_wrong(&claims, request.into_inner()).await;
        reply.map(Response::new).map_err(refuse("notify"))
    }

    async fn withdraw(
        &self,
        request: Request<WithdrawWrongRequest>,
    ) -> Result<Response<WrongContact>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&DESK)?;
        let reply = self.withdraw_wrong(&claims, request.into_inner()).await;
        reply.map(Response::new).map_err(refuse("notify"))
    }

    async fn list(&self, request: Request<ListWrongRequest>) -> Result<Response<ListWrongReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&DESK)?;
        let reply = self.list_wrong(&claims, &request.into_inner()).await;
        reply.map(Response::new).map_err(refuse("notify"))
    }
}

impl Api {
    async fn report_wrong(
        &self,
        claims: &Claims,
        request: ReportWrongRequest,
    ) -> Result<WrongContact, Error> {
        let now = self.clock.now();
        let meta =
            Meta::new(&request.command_id, claims, &request, now).map_err(relight_common::Error::from)?;
        let note = wire::text("note", &request.note, NOTE_MAX)?;
        let customer = wire::uuid("customer_id", &request.customer_id)?;
        let found = match request.by {
            Some(By::MessageId(id)) => {
                self.of_message(claims, customer, wire::uuid("message_id", &id)?)
                    .await?
            }
            Some(By::ContactId(id)) => {
                self.of_contact(claims, customer, wire::uuid("contact_id", &id)?)
                    .await?
            }
            None => return Err(Invalid::new("message_id", "must be given, or contact_id").into()),
        };
        match Work::begin::<WrongContact>(&self.db, meta).await? {
            Begun::Before(reply) => Ok(reply),
            Begun::New(mut work) => {
                let by = work.actor().to_owned();
                let (wrong, _) = wrong::report(&mut work, found, &by, &note).await?;
                Ok(work.commit(to_wire(wrong)).await?)
            }
        }
    }

    /// The contact of a message of this customer, in the caller's area.
    async fn of_message(&self, claims: &Claims, customer: Uuid, message: Uuid) -> Result<Found, Error> {
        let went = store::went(self.db.pool(), message).await?;
        let went = went
            .filter(|went| went.customer_id == Some(customer))
            .filter(|went| claims.has_at(&DESK, &went.org_path))
            .ok_or(Error::NoMessage)?;
        Ok(Found {
            customer,
            channel: went.channel,
            recipient: went.recipient,
            masked: went.masked,
            contact: went.contact_id,
        })
    }

    /// A contact of a customer who is at home in the caller's area; that others exist is not said.
    async fn of_contact(&self, claims: &Claims, customer: Uuid, contact: Uuid) -> Result<Found, Error> {
        if !self.is_in_area(claims, customer).await? {
            return Err(Error::NoContact);
        }
        let contacts = self.people.contacts(&[customer]).await?;
        let contact = contacts
            .into_iter()
            .find(|one| one.id == contact)
            .ok_or(Error::NoContact)?;
        Ok(Found {
            customer,
            channel: contact.channel.word().to_owned(),
            recipient: self.sealer.recipient(&contact.value).to_vec(),
            masked: mask(contact.channel, &contact.value),
            contact: Some(contact.id),
        })
    }

    async fn withdraw_wrong(
        &self,
        claims: &Claims,
        request: WithdrawWrongRequest,
    ) -> Result<WrongContact, Error> {
        let now = self.clock.now();
        let meta =
            Meta::new(&request.command_id, claims, &request, now).map_err(relight_common::Error::from)?;
        let id = wire::uuid("wrong_id", &request.wrong_id)?;
        let reason = wire::text_required("reason", &request.reason, NOTE_MAX)?;
        let customer = store::customer_of(self.db.pool(), id)
            .await?
            .ok_or(Error::NoWrong)?;
        if !self.is_in_area(claims, customer).await? {
            return Err(Error::NoWrong);
        }
        match Work::begin::<WrongContact>(&self.db, meta).await? {
            Begun::Before(reply) => Ok(reply),
            Begun::New(mut work) => {
                let by = work.actor().to_owned();
                let wrong = store::withdraw(work.conn(), id, (&by, &reason), now)
                    .await?
                    .ok_or(Error::NoWrong)?;
                wrong::tell_withdrawn(&mut work, &wrong);
                work.audit(
                    "contact.wrong_withdrawn",
                    id,
                    json!({ "customer": wrong.customer_id, "reason": reason }),
                );
                Ok(work.commit(to_wire(wrong)).await?)
            }
        }
    }

    /// Whether a service point that the customer has or had lies in an area of the caller's desk.
    async fn is_in_area(&self, claims: &Claims, customer: Uuid) -> Result<bool, Error> {
        let areas = self.people.areas_of(customer).await?;
        Ok(areas.iter().any(|area| claims.has_at(&DESK, area)))
    }

    async fn list_wrong(&self, claims: &Claims, request: &ListWrongRequest) -> Result<ListWrongReply, Error> {
        let customer = wire::uuid("customer_id", &request.customer_id)?;
        if !self.is_in_area(claims, customer).await? {
            return Err(Error::NoCustomer);
        }
        let contacts = store::list(self.db.pool(), customer).await?;
        Ok(ListWrongReply {
            contacts: contacts.into_iter().map(to_wire).collect(),
        })
    }
}

fn to_wire(one: Wrong) -> WrongContact {
    WrongContact {
        wrong_id: one.id.to_string(),
        customer_id: one.customer_id.to_string(),
        channel: one.channel,
        recipient_masked: one.masked,
        reported_at: Some(wire::timestamp(one.reported_at)),
        reported_by: one.reported_by,
        note: one.note,
        withdrawn_at: one.withdrawn_at.map(wire::timestamp),
        withdrawn_by: one.withdrawn_by.unwrap_or_default(),
        withdrawn_reason: one.withdrawn_reason.unwrap_or_default(),
    }
}
