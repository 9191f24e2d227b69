//! Customers, service points and contacts on the wire.

use std::collections::HashMap;

use relight_common::{Claims, Invalid, Role, wire};
use relight_proto::registry::v1::{
    ContactsReply, ContactsRequest, Customer, GetCustomerRequest, GetServicePointRequest,
    ListServicePointsReply, ListServicePointsRequest, MatchContactReply, MatchContactRequest,
    SearchCustomersReply, SearchCustomersRequest, ServicePoint, get_customer_request,
    get_service_point_request,
};
use serde_json::json;
use uuid::Uuid;

use super::{Api, map};
use crate::{
    domain::{contact::Normal, fold},
    error::Error,
    seal::Sealed,
    store::{
        self, contact,
        customer::{self, CustomerRow, Scope, Search},
        service_point::{self, PointRow},
    },
};

/// Who may see customers of their areas.
pub(super) const SEE_ALL: [Role; 2] = [Role::Agent, Role::Dispatcher];
/// Who may see one customer: these, or the customer.
pub(super) const SEE_ONE: [Role; 3] = [Role::Agent, Role::Dispatcher, Role::Customer];
/// Sees one customer too: who moved into a planned outage after its announcement.
pub(super) const PLANNER: &str = "planner";

const ACCOUNT_CHARS_MAX: usize = 64;
const CONTACTS_MAX: usize = 500;

impl Api {
    pub(super) async fn customer(
        &self,
        claims: &Claims,
        message: &GetCustomerRequest,
    ) -> Result<Customer, Error> {
        let scope = scope(claims);
        let (by, found) = self.find(&scope, message).await?;
        let found = found.ok_or(Error::NoCustomer)?;
        self.audit_view(claims, by, &[found.id]).await?;
        let mut told = self.with_points(vec![found]).await?;
        told.pop().ok_or(Error::NoCustomer)
    }

    /// What it was looked for by, and what was found.
    async fn find(
        &self,
        scope: &Scope,
        message: &GetCustomerRequest,
    ) -> Result<(&'static str, Option<CustomerRow>), Error> {
        use get_customer_request::By;
        let pool = self.db.pool();
        match &message.by {
            Some(By::CustomerId(id)) => Ok((
                "customer_id",
                customer::by_id(pool, scope, wire::uuid("customer_id", id)?).await?,
            )),
            Some(By::Account(text)) => Ok((
                "account",
                customer::by_account(pool, scope, &account("account", text)?).await?,
            )),
            Some(By::Contact(text)) => {
                let hmac = self.sealer.hmac(&Normal::read("contact", &narrow(text))?);
                let mut found = customer::by_contact(pool, scope, &hmac).await?;
                if found.len() > 1 {
                    Err(Error::SharedContact)
                } else {
                    Ok(("contact", found.pop()))
                }
            }
            None => Err(Invalid::new("by", "must be one of customer_id, account or contact").into()),
        }
    }

    pub(super) async fn search(
        &self,
        claims: &Claims,
        message: &SearchCustomersRequest,
    ) -> Result<SearchCustomersReply, Error> {
        let text = narrow(&wire::text_required("text", &message.text, 100)?);
        if text.chars().count() < 2 {
            return Err(Invalid::new("text", "must have at least 2 characters").into());
        }
        let scope = scope(claims);
        let filter = format!("search\n{}\n{text}", scope.org_patterns.join("\n"));
        let page = self.cursors.page(&filter, message.page.as_ref())?;
        let hmac = Normal::read("text", &text).ok();
        let search = Search {
            account_key: fold(&text),
            hmac: hmac.map(|normal| self.sealer.hmac(&normal)),
            part: format!("%{}%", like_escape(spaced(&text).trim())),
            spaced: spaced(&text),
            size: page.size,
        };
        let (rows, last) = self.searched(&scope, &search, page.after_text()).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        self.audit_view(claims, "search", &ids).await?;
        let next_cursor = self.cursors.next(&filter, &page, rows.len(), last);
        Ok(SearchCustomersReply {
            customers: self.with_points(rows).await?,
            next_cursor,
        })
    }

    /// Those who have the text, by account; where nobody has, those whose name or address comes nearest to it, the nearest
    /// first. A page goes on with what its first page began.
    async fn searched(
        &self,
        scope: &Scope,
        search: &Search,
        after: &str,
    ) -> Result<(Vec<CustomerRow>, Option<String>), Error> {
        if let Some(after) = after.strip_prefix("near:") {
            return self.near(scope, search, after).await;
        }
        let after = after.strip_prefix("has:").unwrap_or_default();
        let rows = customer::search(self.db.pool(), scope, search, after).await?;
        if rows.is_empty() && after.is_empty() {
            return self.near(scope, search, "").await;
        }
        let last = rows.last().map(|row| format!("has:{}", row.account_key));
        Ok((rows, last))
    }

    async fn near(
        &self,
        scope: &Scope,
        search: &Search,
        after: &str,
    ) -> Result<(Vec<CustomerRow>, Option<String>), Error> {
        let after = after
            .split_once(':')
            .and_then(|(likeness, key)| Some((likeness.parse().ok()?, key)));
        let found = customer::near(&self.db, scope, search, after).await?;
        let last = found
            .last()
            .map(|(row, likeness)| format!("near:{likeness}:{}", row.account_key));
        Ok((found.into_iter().map(|(row, _)| row).collect(), last))
    }

    /// One audit row for each customer seen, so that "who looked at this customer" has an answer.
    pub(super) async fn audit_view(
        &self,
        claims: &Claims,
        by: &'static str,
        customers: &[Uuid],
    ) -> Result<(), Error> {
        if customers.is_empty() {
            return Ok(());
        }
        let mut work = store::open(&self.db, &claims.actor, claims.request_id, self.clock.now()).await?;
        for customer in customers {
            work.audit("customer.viewed", customer, json!({ "by": by }));
        }
        Ok(work.done().await?)
    }

    pub(super) async fn with_points(&self, rows: Vec<CustomerRow>) -> Result<Vec<Customer>, Error> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut points: HashMap<Uuid, Vec<PointRow>> = HashMap::new();
        for point in service_point::of_customers(self.db.pool(), &ids).await? {
            points.entry(point.customer_id).or_default().push(point);
        }
        let told = rows.into_iter().map(|row| {
            let own = points.remove(&row.id).unwrap_or_default();
            let own = own
                .into_iter()
                .map(map::service_point)
                .collect::<Result<_, _>>()?;
            map::customer(row, own)
        });
        told.collect()
    }

    pub(super) async fn service_point(
        &self,
        message: &GetServicePointRequest,
    ) -> Result<ServicePoint, Error> {
        use get_service_point_request::By;
        let pool = self.db.pool();
        let row = match &message.by {
            Some(By::ServicePointId(id)) => {
                service_point::by_id(pool, wire::uuid("service_point_id", id)?).await?
            }
            Some(By::Account(text)) => service_point::by_account(pool, &account("account", text)?).await?,
            None => return Err(Invalid::new("by", "must be one of service_point_id or account").into()),
        };
        map::service_point(row.ok_or(Error::NoServicePoint)?)
    }

    pub(super) async fn service_points(
        &self,
        message: &ListServicePointsRequest,
    ) -> Result<ListServicePointsReply, Error> {
        let page = self.cursors.page("service_points", message.page.as_ref())?;
        let after = wire::uuid_opt("page.cursor", page.after_text())?;
        let rows = service_point::list(self.db.pool(), after, page.size).await?;
        let last = rows.last().map(|row| row.id.to_string());
        let next_cursor = self.cursors.next("service_points", &page, rows.len(), last);
        let service_points = rows
            .into_iter()
            .map(map::service_point)
            .collect::<Result<_, _>>()?;
        Ok(ListServicePointsReply {
            service_points,
            next_cursor,
        })
    }

    pub(super) async fn open_contacts(
        &self,
        claims: &Claims,
        message: &ContactsRequest,
    ) -> Result<ContactsReply, Error> {
        if message.customer_ids.len() > CONTACTS_MAX {
            return Err(Invalid::new("customer_ids", "must have at most 500 ids").into());
        }
        let ids = message
            .customer_ids
            .iter()
            .map(|id| wire::uuid("customer_ids", id));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let rows = contact::of_customers(self.db.pool(), &ids).await?;
        let mut work = store::open(&self.db, &claims.actor, claims.request_id, self.clock.now()).await?;
        let facts = json!({ "customers": ids.len(), "contacts": rows.len() });
        work.audit("contacts.opened", "contacts", facts);
        work.done().await?;
        let contacts = rows
            .into_iter()
            .map(|row| self.open(row))
            .collect::<Result<_, _>>()?;
        Ok(ContactsReply { contacts })
    }

    pub(super) fn open(
        &self,
        mut row: contact::ContactRow,
    ) -> Result<relight_proto::registry::v1::Contact, Error> {
        let channel = row.channel.parse().map_err(|()| Error::Stored("channel"))?;
        let sealed = Sealed {
            bytes: std::mem::take(&mut row.sealed),
            key_id: row.seal_key.clone(),
        };
        let value = self.sealer.open(row.customer_id, channel, &sealed)?;
        map::contact(row, value)
    }

    pub(super) async fn matching(&self, message: &MatchContactRequest) -> Result<MatchContactReply, Error> {
        let account = account("account", &message.account)?;
        let hmac = self.sealer.hmac(&Normal::read("value", &message.value)?);
        let found = contact::matching(self.db.pool(), &account, &hmac).await?;
        Ok(
            found.map_or_else(MatchContactReply::default, |(customer, contact)| {
                MatchContactReply {
                    customer_id: customer.to_string(),
                    contact_id: contact.to_string(),
                }
            }),
        )
    }
}

fn scope(claims: &Claims) -> Scope {
    let own = claims.customer_id.filter(|_| claims.has(&[Role::Customer]));
    let org_patterns = if claims.is_service(PLANNER) {
        vec!["%".to_owned()]
    } else {
        claims.org_patterns(&SEE_ALL)
    };
    Scope { org_patterns, own }
}

pub(super) fn account(field: &'static str, text: &str) -> Result<String, Invalid> {
    wire::text_required(field, text, ACCOUNT_CHARS_MAX).map(|text| fold(&narrow(&text)))
}

/// The form names and addresses are searched in: `registry.search_form` of the schema, lower case left to the database.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}') {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    spaced
}

/// Digits, letters and signs as they are written without a Chinese keyboard.
fn narrow(text: &str) -> String {
    let one = |c: char| match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(one).collect()
}

fn like_escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
