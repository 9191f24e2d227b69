//! Sealed contacts.

use sqlx::PgPool;
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
}

/// All contacts of these customers.
pub(crate) async fn of_customers<'e>(
    db: impl sqlx::PgExecutor<'e>,
    customers: &[Uuid],
) -> Result<Vec<ContactRow>, Error> {
    sqlx::query_as!(
        ContactRow,
        "select id, customer_id, channel, language, sealed, seal_key from registry.contact
         where customer_id = any($1) order by customer_id, channel, id",
        customers
    )
    .fetch_all(db)
    .await
    .map_err(Error::db("read contacts"))
}

/// (customer, contact) where this account has a contact with this HMAC.
pub(crate) async fn matching(
    pool: &PgPool,
    account_key: &str,
    hmac: &[u8],
) -> Result<Option<(Uuid, Uuid)>, Error> {
    let row = sqlx::query!(
        "select c.id as customer_id, k.id as contact_id from registry.customer c
         join registry.contact k on k.customer_id = c.id
         where c.account_key = $1 and k.hmac = $2 order by k.id limit 1",
        account_key,
        hmac
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("match a contact"))?;
    Ok(row.map(|row| (row.customer_id, row.contact_id)))
}
