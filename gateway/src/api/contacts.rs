//! How a customer is reached: whose each contact is, since when that is known, and that somebody asked.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Problem, Segment, at},
    wire::uuid,
};
use relight_proto::registry::v1::{
    ConfirmContactRequest, CustomerContact as WireContact, ListCustomerContactsRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::sessions::Language;
use crate::app::App;

/// Who decides on a contact.
const DESK: [Role; 4] = [Role::Planner, Role::Manager, Role::Agent, Role::Dispatcher];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(confirm))
}

/// A way to reach a customer, without its value.
#[derive(Debug, Serialize, ToSchema)]
struct CustomerContact {
    /// UUID.
    contact_id: String,
    /// `sms`, `email`
    channel: String,
    /// `***0042`, `***@example.org`
    masked: String,
    language: Language,
    /// `customer`, `carer`, `property_manager`: the last two hear of outages beside the customer, never of debts.
    role: String,
    /// When it was last confirmed as theirs; absent: never.
    confirmed_at: Option<DateTime<Utc>>,
    /// Who asked: person id, or `import`; empty: nobody.
    confirmed_by: String,
    /// Never confirmed, or longer ago than `stale_after_days`.
    stale: bool,
}

impl From<WireContact> for CustomerContact {
    fn from(one: WireContact) -> Self {
        let language = one.language().into();
        Self {
            language,
            contact_id: one.contact_id,
            channel: one.channel,
            masked: one.masked,
            role: one.role,
            confirmed_at: at(one.confirmed_at),
            confirmed_by: one.confirmed_by,
            stale: one.stale,
        }
    }
}

/// The contacts of a customer.
#[derive(Debug, Serialize, ToSchema)]
struct CustomerContacts {
    items: Vec<CustomerContact>,
    /// From how many days on a confirmation is stale here.
    stale_after_days: u32,
}

/// How a customer is reached and since when that is known; every look is audited.
#[utoipa::path(get, path = "/api/v1/customers/{id}/contacts", tag = "customers", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Customer id")),
    responses((status = 200, description = "The contacts", body = CustomerContacts),
        (status = 404, description = "No such customer in the caller's area")))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<CustomerContacts>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = ListCustomerContactsRequest {
        customer_id: uuid("id", &id)?.to_string(),
    };
    let reply = ask!(app.edge(), claims, app.to().contacts, list, message).await?;
    Ok(Json(CustomerContacts {
        items: reply.contacts.into_iter().map(CustomerContact::from).collect(),
        stale_after_days: reply.stale_after_days,
    }))
}

/// Which contact.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// As the list names it.
    contact_id: Uuid,
}

/// The person was asked, and the contact is theirs.
#[utoipa::path(post, path = "/api/v1/customers/{id}/contact-confirmations", tag = "customers",
    security(("session" = [])), params(("id" = Uuid, Path, description = "Customer id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Confirmation, responses((status = 200, description = "Noted", body = CustomerContact),
        (status = 404, description = "No such customer or contact in the caller's area")))]
async fn confirm(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Confirmation>,
) -> Result<Json<CustomerContact>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = ConfirmContactRequest {
        command_id: key.to_string(),
        customer_id: uuid("id", &id)?.to_string(),
        contact_id: body.contact_id.to_string(),
    };
    let one = ask!(app.edge(), claims, app.to().contacts, confirm, message).await?;
    Ok(Json(one.into()))
}
