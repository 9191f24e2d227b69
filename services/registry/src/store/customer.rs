//! Customers, seen only inside the areas of whoever asks.

use chrono::NaiveDate;
use relight_common::Db;
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
    pub(crate) use_class: Option<String>,
    pub(crate) life_support_until: Option<NaiveDate>,
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
    /// `LIKE` pattern of a part of the searched form of name or address.
    pub(crate) part: String,
    /// The searched form of the text.
    pub(crate) spaced: String,
    pub(crate) size: i64,
}

/// The same columns and the same scope for every way to ask.
macro_rules! customers {
    ($scope:expr, $tail:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            CustomerRow,
            r#"select c.id, c.account, c.account_key, c.name, c.language, c.class, c.life_support, c.dedicated_line,
                c.use_class, c.life_support_until
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

/// Customers who depend on supply to live, by account, above `after`.
pub(crate) async fn on_life_support(
    pool: &PgPool,
    scope: &Scope,
    after: &str,
    size: i64,
) -> Result<Vec<CustomerRow>, Error> {
    customers!(
        scope,
        "c.life_support and c.account_key > $3 order by c.account_key limit $4",
        after,
        size
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list who is on life support"))
}

/// Customers whose certificate of life support ends by the day `by`, the earliest first, after (day, folded account).
pub(crate) async fn with_certificate(
    pool: &PgPool,
    scope: &Scope,
    by: NaiveDate,
    (after_day, after_key): (NaiveDate, &str),
    size: i64,
) -> Result<Vec<CustomerRow>, Error> {
    customers!(
        scope,
        "c.life_support_until <= $3 and (c.life_support_until, c.account_key) > ($4, $5)
         order by c.life_support_until, c.account_key limit $6",
        by,
        after_day,
        after_key,
        size
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list certificates of life support"))
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

/// From here on a word counts as the same with typing mistakes: share of its trigrams that the name or address has.
const LIKENESS_MIN: &str = "0.45";

/// Customers with this account, this contact, or this part in name or address; by account, above `after`. Each way has its own
/// index, and the scope is looked at for those found only.
pub(crate) async fn search(
    pool: &PgPool,
    scope: &Scope,
    search: &Search,
    after: &str,
) -> Result<Vec<CustomerRow>, Error> {
    customers!(
        scope,
        "c.account_key > $3 and c.id in (
            select h.id from registry.customer h where h.account_key = $4
            union select k.customer_id from registry.contact k where k.hmac = $6
            union select n.id from registry.customer n where n.search_name ilike $5
            union select s.customer_id from registry.service_point s
                where s.retired_at is null and s.search_address ilike $5)
         order by c.account_key limit $7",
        after,
        search.account_key,
        search.part,
        search.hmac.as_deref(),
        search.size
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("search customers"))
}

/// Customers whose name or an address is like the text, the likest first, after (likeness in thousandths, folded account).
pub(crate) async fn near(
    db: &Db,
    scope: &Scope,
    search: &Search,
    after: Option<(i32, &str)>,
) -> Result<Vec<(CustomerRow, i32)>, Error> {
    let mut tx = db.begin().await?;
    // The operators of the index compare with this setting.
    sqlx::query_scalar!(
        r#"select set_config('pg_trgm.word_similarity_threshold', $1, true) as "set!""#,
        LIKENESS_MIN
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(Error::db("say how near is near"))?;
    let (likeness, account_key) = after.unzip();
    let rows = sqlx::query!(
        r#"with found as (
            select n.id, registry.word_similarity($3, n.search_name) as likeness
            from registry.customer n where $3 operator(registry.<%) n.search_name
            union all
            select s.customer_id, registry.word_similarity($3, s.search_address)
            from registry.service_point s
            where s.retired_at is null and $3 operator(registry.<%) s.search_address
        ), likest as (
            select f.id, (max(f.likeness) * 1000)::int as likeness from found f group by f.id
        )
        select c.id, c.account, c.account_key, c.name, c.language, c.class, c.life_support, c.dedicated_line,
            c.use_class, c.life_support_until, l.likeness as "likeness!"
        from likest l join registry.customer c on c.id = l.id
        where ($2::uuid = c.id or '%' = any($1::text[]) or exists (
                select 1 from registry.service_point s where s.customer_id = c.id and s.org_path like any($1)))
            and ($4::int is null or l.likeness < $4 or (l.likeness = $4 and c.account_key > $5))
        order by l.likeness desc, c.account_key limit $6"#,
        &scope.org_patterns,
        scope.own,
        search.spaced,
        likeness,
        account_key,
        search.size
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(Error::db("search customers with mistakes"))?;
    let told = rows.into_iter().map(|row| {
        let customer = CustomerRow {
            id: row.id,
            account: row.account,
            account_key: row.account_key,
            name: row.name,
            language: row.language,
            class: row.class,
            life_support: row.life_support,
            dedicated_line: row.dedicated_line,
            use_class: row.use_class,
            life_support_until: row.life_support_until,
        };
        (customer, row.likeness)
    });
    Ok(told.collect())
}
