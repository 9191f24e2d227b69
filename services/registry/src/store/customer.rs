//! Customers, seen only inside the areas of whoever asks.

use sqlx::PgPool;
use uuid::Uuid;

use crate::error::Error;

/// A customer as told, without service points.
#[derive(Debug, Clone)]
pub(crate) struct CustomerRow {
    pub(crate) id: Uuid,
    pub(crate) account: String,
    pub(crate) account_key: String,
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) class: String,
    pub(crate) life_support: bool,
    pub(crate) dedicated_line: bool,
}

/// Whose customers somebody may see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// `LIKE` patterns of the org paths seen; a customer is in an area when one of their service points is.
    pub(crate) org_patterns: Vec<String>,
    /// The customer who asks about themself.
    pub(crate) own: Option<Uuid>,
}

/// What is searched for.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    /// Folded account.
    pub(crate) account_key: String,
    /// HMAC of the text as a contact, where it is one.
    pub(crate) hmac: Option<Vec<u8>>,
    /// `LIKE` pattern of a part of name or address.
    pub(crate) part: String,
    /// Folded account to continue after.
    pub(crate) after: String,
    pub(crate) size: i64,
}

/// The same columns and the same scope for every way to ask.
macro_rules! customers {
    ($scope:expr, $tail:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            CustomerRow,
            r#"select c.id, c.account, c.account_key, c.name, c.language, c.class, c.life_support, c.dedicated_line
            from registry.customer c
            where ($2::uuid = c.id or '%' = any($1::text[]) or exists (
                select 1 from registry.service_point s where s.customer_id = c.id and s.org_path like any($1)))
            and "# + $tail,
            &$scope.org_patterns,
            $scope.own,
            $($argument),+
        )
    };
}

/// The customer with this id.
pub(crate) async fn by_id(pool: &PgPool, scope: &Scope, id: Uuid) -> Result<Option<CustomerRow>, Error> {
    customers!(scope, "c.id = $3", id)
        .fetch_optional(pool)
        .await
        .map_err(Error::db("look for a customer"))
}

/// The customer with this folded account.
pub(crate) async fn by_account(
    pool: &PgPool,
    scope: &Scope,
    account_key: &str,
) -> Result<Option<CustomerRow>, Error> {
    customers!(scope, "c.account_key = $3", account_key)
        .fetch_optional(pool)
        .await
        .map_err(Error::db("look for a customer by account"))
}

/// At most two customers with this contact: enough to know whether it says who it is.
pub(crate) async fn by_contact(pool: &PgPool, scope: &Scope, hmac: &[u8]) -> Result<Vec<CustomerRow>, Error> {
    customers!(
        scope,
        "exists (select 1 from registry.contact k where k.customer_id = c.id and k.hmac = $3)
         order by c.account_key limit 2",
        hmac
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("look for a customer by contact"))
}

/// Customers with this account, this contact, or this part in name or address; by account.
pub(crate) async fn search(pool: &PgPool, scope: &Scope, search: &Search) -> Result<Vec<CustomerRow>, Error> {
    customers!(
        scope,
        "c.account_key > $3
         and (c.account_key = $4 or c.name ilike $5
            or exists (select 1 from registry.contact k where k.customer_id = c.id and k.hmac = $6)
            or exists (select 1 from registry.service_point s where s.customer_id = c.id
                and s.retired_at is null and (s.address_zh ilike $5 or s.address_en ilike $5)))
         order by c.account_key limit $7",
        search.after,
        search.account_key,
        search.part,
        search.hmac.as_deref(),
        search.size
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("search customers"))
}
