//! Service points with what their customer adds to them.

use sqlx::PgPool;
use uuid::Uuid;

use crate::error::Error;

/// A service point as it is told.
#[derive(Debug, Clone)]
pub(crate) struct PointRow {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) account: String,
    pub(crate) external_id: String,
    pub(crate) bus: String,
    pub(crate) transformer_id: Option<String>,
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    pub(crate) area_class: String,
    pub(crate) org_path: String,
    pub(crate) zone: String,
    pub(crate) address_zh: String,
    pub(crate) address_en: String,
    pub(crate) own_generation: bool,
    /// Fed by two supplies.
    pub(crate) dual_supply: bool,
    pub(crate) important: bool,
    pub(crate) life_support: bool,
    pub(crate) dedicated_line: bool,
    /// Nominal, volts.
    pub(crate) voltage_v: Option<i32>,
}

/// The same columns for every way to ask.
macro_rules! points {
    ($tail:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            PointRow,
            r#"select p.id, p.customer_id, c.account, p.external_id, p.bus, p.transformer_id, p.lon, p.lat, p.area_class,
                p.org_path, p.zone, p.address_zh, p.address_en, p.own_generation <> 'none' as "own_generation!",
                p.own_generation = 'dual_supply' as "dual_supply!",
                c.class = 'important' as "important!", c.life_support, c.dedicated_line, p.voltage_v
            from registry.service_point p join registry.customer c on c.id = p.customer_id "#
                + $tail,
            $($argument),+
        )
    };
}

/// The service point with this id, also when it is in the network no more.
pub(crate) async fn by_id(pool: &PgPool, id: Uuid) -> Result<Option<PointRow>, Error> {
    points!("where p.id = $1", id)
        .fetch_optional(pool)
        .await
        .map_err(Error::db("look for a service point"))
}

/// The service point of this folded account; of several the first that is in the network.
pub(crate) async fn by_account(pool: &PgPool, account_key: &str) -> Result<Option<PointRow>, Error> {
    points!(
        "where c.account_key = $1 order by p.retired_at nulls first, p.id limit 1",
        account_key
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("look for a service point by account"))
}

/// The same for several accounts; those without one are left out.
pub(crate) async fn by_accounts(pool: &PgPool, account_keys: &[String]) -> Result<Vec<PointRow>, Error> {
    points!(
        "where p.id in (
            select first.id from unnest($1::text[]) as wanted (account_key) cross join lateral (
                select s.id from registry.customer k join registry.service_point s on s.customer_id = k.id
                where k.account_key = wanted.account_key order by s.retired_at nulls first, s.id limit 1) as first)",
        account_keys
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("look for the service points of accounts"))
}

/// Service points in the network with an id above `after`, by id.
pub(crate) async fn list(pool: &PgPool, after: Option<Uuid>, size: i64) -> Result<Vec<PointRow>, Error> {
    // The page is picked before its customers are looked up: a planner that knows nothing of new tables would read all.
    points!(
        "where p.id = any(array(
             select s.id from registry.service_point s where s.retired_at is null and s.id > $1 order by s.id limit $2))
         order by p.id",
        after.unwrap_or_default(),
        size
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("list service points"))
}

/// The service points of these customers, by customer; of each the first 50, since a city's lamps can be thousands.
pub(crate) async fn of_customers(pool: &PgPool, customers: &[Uuid]) -> Result<Vec<PointRow>, Error> {
    points!(
        "where p.id in (
            select first.id from unnest($1::uuid[]) as wanted (customer_id) cross join lateral (
                select s.id from registry.service_point s
                where s.customer_id = wanted.customer_id and s.retired_at is null order by s.id limit 50) as first)
         order by p.customer_id, p.id",
        customers
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read the service points of customers"))
}

/// The service points in the network of one customer with an id above `after`, by id.
pub(crate) async fn of_customer(
    pool: &PgPool,
    customer: Uuid,
    after: Option<Uuid>,
    size: i64,
) -> Result<Vec<PointRow>, Error> {
    points!(
        "where p.customer_id = $1 and p.retired_at is null and p.id > $2 order by p.id limit $3",
        customer,
        after.unwrap_or_default(),
        size
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read the service points of a customer"))
}

/// Those with these folded external ids in the areas `org`, by folded id, above `after`.
pub(crate) async fn among(
    pool: &PgPool,
    keys: &[String],
    org: &[String],
    after: &str,
    size: i64,
) -> Result<Vec<PointRow>, Error> {
    points!(
        "where p.external_key = any($1) and p.retired_at is null and p.org_path like any($2) and p.external_key > $3
         order by p.external_key limit $4",
        keys,
        org,
        after,
        size
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("read service points"))
}

/// The service point in the network with this folded external id.
pub(crate) async fn by_key(pool: &PgPool, key: &str) -> Result<Option<PointRow>, Error> {
    points!("where p.external_key = $1 and p.retired_at is null", key)
        .fetch_optional(pool)
        .await
        .map_err(Error::db("look for a service point by its external id"))
}

/// Those nearest to a place (WGS84 degrees) in the areas `org`, the nearest first, with the distance as the sine of half the
/// angle, doubled: a straight line through a sphere of radius 1.
pub(crate) async fn nearest(
    pool: &PgPool,
    (lon, lat): (f64, f64),
    org: &[String],
    limit: i64,
) -> Result<Vec<(Uuid, f64)>, Error> {
    let rows = sqlx::query!(
        r#"select p.id, registry.on_sphere(p.lon, p.lat) operator(registry.<->) registry.on_sphere($1, $2) as "chord!"
        from registry.service_point p
        where p.retired_at is null and p.org_path like any($3)
        order by registry.on_sphere(p.lon, p.lat) operator(registry.<->) registry.on_sphere($1, $2) limit $4"#,
        lon,
        lat,
        org,
        limit
    )
    .fetch_all(pool)
    .await
    .map_err(Error::db("look for the nearest service points"))?;
    Ok(rows.into_iter().map(|row| (row.id, row.chord)).collect())
}

/// Service points by id.
pub(crate) async fn by_ids(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<PointRow>, Error> {
    points!("where p.id = any($1)", ids)
        .fetch_all(pool)
        .await
        .map_err(Error::db("read service points"))
}

/// Hangs a service point elsewhere.
pub(crate) async fn relink(
    conn: &mut sqlx::PgConnection,
    id: Uuid,
    bus: &str,
    transformer_id: Option<&str>,
) -> Result<(), Error> {
    sqlx::query!(
        "update registry.service_point p set bus = $2, transformer_id = $3, voltage_v = coalesce(
             (select max(o.voltage_v) from registry.service_point o
              where lower(o.bus) = lower($2) and o.id <> $1 and o.retired_at is null),
             (select max(o.voltage_v) from registry.service_point o
              where o.transformer_id = $3 and o.id <> $1 and o.retired_at is null),
             p.voltage_v)
         where p.id = $1",
        id,
        bus,
        transformer_id
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("hang a service point elsewhere"))
}

/// Where the service points of a customer lie in the organisation, also those they had before.
pub(crate) async fn areas_of(pool: &PgPool, customer: Uuid) -> Result<Vec<String>, Error> {
    sqlx::query_scalar!(
        "select p.org_path from registry.service_point p where p.customer_id = $1
         union select p.org_path from registry.former_customer f
         join registry.service_point p on p.id = f.service_point_id where f.customer_id = $1 order by 1",
        customer
    )
    .fetch_all(pool)
    .await
    .map(|paths| paths.into_iter().flatten().collect())
    .map_err(Error::db("look where a customer is at home"))
}
