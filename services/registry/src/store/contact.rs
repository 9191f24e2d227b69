//! Sealed contacts.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::error::Error;

/// A contact as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct ContactRow {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) channel: String,
    pub(crate) language: String,
    pub(crate) sealed: Vec<u8>,
    pub(crate) seal_key: String,
    pub(crate) role: String,
    pub(crate) confirmed_at: Option<DateTime<Utc>>,
    pub(crate) confirmed_by: Option<String>,
}

/// All contacts of these customers.
pub(crate) async fn of_customers<'e>(
    db: impl sqlx::PgExecutor<'e>,
    customers: &[Uuid],
) -> Result<Vec<ContactRow>, Error> {
    sqlx::query_as!(
        ContactRow,
        "select id, customer_id, channel, language, sealed, seal_key, role, confirmed_at, confirmed_by from registry.contact
         where customer_id = any($1) order by customer_id, channel, id",
        customers
    )
    .fetch_all(db)
    .await
    .map_err(Error::db("read contacts"))
}

/// Notes that somebody asked, and it is theirs. `None`: the customer has no such contact.
pub(crate) async fn confirm(
    conn: &mut PgConnection,
    (customer, contact): (Uuid, Uuid),
    by: &str,
    at: DateTime<Utc>,
) -> Result<Option<ContactRow>, Error> {
    sqlx::query_as!(
        ContactRow,
        "update registry.contact set confirmed_at = $3, confirmed_by = $4 where id = $1 and customer_id = $2
         returning id, customer_id, channel, language, sealed, seal_key, role, confirmed_at, confirmed_by",
        contact,
        customer,
        at,
        by
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::db("confirm a contact"))
}

/// (customer, contact) where this account has a contact of the customer's own with this HMAC: who looks after somebody or
/// manages their house is not let in as them.
pub(crate) async fn matching(
    pool: &PgPool,
    account_key: &str,
    hmac: &[u8],
) -> Result<Option<(Uuid, Uuid)>, Error> {
    let row = sqlx::query!(
        "select c.id as customer_id, k.id as contact_id from registry.customer c
         join registry.contact k on k.customer_id = c.id
         where c.account_key = $1 and k.hmac = $2 and k.role = 'customer' order by k.id limit 1",
        account_key,
        hmac
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("match a contact"))?;
    Ok(row.map(|row| (row.customer_id, row.contact_id)))
}
