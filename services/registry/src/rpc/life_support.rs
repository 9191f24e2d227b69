//! Who depends on supply to live, with the numbers to call: for the sheet that is kept on paper (operations.md O35).

use std::collections::HashMap;

use relight_common::{Claims, error::refuse};
use relight_proto::registry::v1::{
    Contact, LifeSupportCustomer, ListLifeSupportReply, ListLifeSupportRequest,
    life_support_server::LifeSupport,
};
use serde_json::json;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, only, taken};
use crate::{
    error::Error,
    store::{
        self, contact,
        customer::{self, Scope},
    },
};

/// Whose sheet it is.
const GATEWAY: &str = "gateway";
const FILTER: &str = "life_support";

impl Api {
    async fn life_support(
        &self,
        claims: &Claims,
        message: &ListLifeSupportRequest,
    ) -> Result<ListLifeSupportReply, Error> {
        let page = self.cursors.page(FILTER, message.page.as_ref())?;
        let everywhere = Scope {
            org_patterns: vec!["%".to_owned()],
            own: None,
        };
        let rows =
            customer::on_life_support(self.db.pool(), &everywhere, page.after_text(), page.size).await?;
        let last = rows.last().map(|row| row.account_key.clone());
        let next_cursor = self.cursors.next(FILTER, &page, rows.len(), last);
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut contacts = self.contacts_by_customer(claims, &ids).await?;
        let customers = self.with_points(rows).await?.into_iter().map(|customer| {
            let contacts = contacts.remove(&customer.customer_id).unwrap_or_default();
            LifeSupportCustomer {
                customer: Some(customer),
                contacts,
            }
        });
        Ok(ListLifeSupportReply {
            customers: customers.collect(),
            next_cursor,
        })
    }

    /// Opened, and written down once for the whole page: the sheet is written every few minutes.
    async fn contacts_by_customer(
        &self,
        claims: &Claims,
        ids: &[Uuid],
    ) -> Result<HashMap<String, Vec<Contact>>, Error> {
        let rows = contact::of_customers(self.db.pool(), ids).await?;
        let mut work = store::open(&self.db, &claims.actor, claims.request_id, self.clock.now()).await?;
        let facts = json!({ "customers": ids.len(), "contacts": rows.len(), "for": "paper" });
        work.audit("contacts.opened", "contacts", facts);
        work.done().await?;
        let mut of: HashMap<String, Vec<Contact>> = HashMap::new();
        for row in rows {
            let contact = self.open(row)?;
            of.entry(contact.customer_id.clone()).or_default().push(contact);
        }
        Ok(of)
    }
}

#[tonic::async_trait]
impl LifeSupport for Api {
    async fn list(
        &self,
        request: Request<ListLifeSupportRequest>,
    ) -> Result<Response<ListLifeSupportReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &[GATEWAY])?;
        self.life_support(&claims, &message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
