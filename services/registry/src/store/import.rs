//! Rows of an import, a batch a statement. Rows that are already so are left alone.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Error,
    import::rows::{Contacts, Customers, Points},
};

/// The customer of each row a batch wrote.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Of rows that are new.
    pub(crate) added: Vec<Uuid>,
    /// Of rows that were different.
    pub(crate) changed: Vec<Uuid>,
}

impl Written {
    fn note(&mut self, customer: Uuid, added: bool) {
        if added {
            self.added.push(customer)
        } else {
            self.changed.push(customer)
        }
    }
}

/// One import at a time; readers are not disturbed.
pub(crate) async fn lock(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("lock table registry.grid_version in share row exclusive mode")
        .execute(conn)
        .await
        .map(drop)
        .map_err(Error::db("wait for another import"))
}

/// Tells the planner of the new rows.
pub(crate) async fn refresh_statistics(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("select registry.refresh_statistics()")
        .execute(conn)
        .await
        .map(drop)
        .map_err(Error::db("refresh the statistics"))
}

pub(crate) async fn customers(conn: &mut PgConnection, batch: &Customers) -> Result<Written, Error> {
    let rows = sqlx::query!(
        r#"insert into registry.customer as c
            (id, account, account_key, name, language, class, life_support, dedicated_line, use_class, life_support_until)
        select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::bool[],
            $9::text[], $10::date[])
        on conflict (account_key) do update set account = excluded.account, name = excluded.name,
            language = excluded.language, class = excluded.class, life_support = excluded.life_support,
            dedicated_line = excluded.dedicated_line, use_class = coalesce(excluded.use_class, c.use_class),
            life_support_until = case when excluded.life_support
                then coalesce(excluded.life_support_until, c.life_support_until) end
        where (c.account, c.name, c.language, c.class, c.life_support, c.dedicated_line, c.use_class, c.life_support_until)
            is distinct from (excluded.account, excluded.name, excluded.language, excluded.class, excluded.life_support,
                excluded.dedicated_line, coalesce(excluded.use_class, c.use_class),
                case when excluded.life_support then coalesce(excluded.life_support_until, c.life_support_until) end)
        returning c.id, c.xmax = 0 as "added!""#,
        &batch.id,
        &batch.account,
        &batch.account_key,
        &batch.name,
        &batch.language,
        &batch.class,
        &batch.life_support,
        &batch.dedicated_line,
        &batch.use_class as &[Option<String>],
        &batch.life_support_until as &[Option<NaiveDate>]
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("write customers"))?;
    let mut written = Written::default();
    rows.iter().for_each(|row| written.note(row.id, row.added));
    Ok(written)
}

/// Ids by folded account.
pub(crate) async fn customer_ids(
    conn: &mut PgConnection,
    account_keys: &[String],
) -> Result<HashMap<String, Uuid>, Error> {
    let rows = sqlx::query!(
        "select account_key, id from registry.customer where account_key = any($1)",
        account_keys
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the customers written"))?;
    Ok(rows.into_iter().map(|row| (row.account_key, row.id)).collect())
}

pub(crate) async fn points(conn: &mut PgConnection, batch: &Points) -> Result<Written, Error> {
    let rows = sqlx::query!(
        r#"insert into registry.service_point as p (id, customer_id, external_id, external_key, bus, phases, meter_no,
            transformer_id, lon, lat, area_class, zone, org_path, address_zh, address_en, own_generation, in_service, voltage_v)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::float8[], $10::float8[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::bool[],
            $18::int4[])
        on conflict (external_key) do update set customer_id = excluded.customer_id, external_id = excluded.external_id,
            bus = excluded.bus, phases = excluded.phases, meter_no = excluded.meter_no,
            transformer_id = excluded.transformer_id, lon = excluded.lon, lat = excluded.lat,
            area_class = excluded.area_class, zone = excluded.zone, org_path = excluded.org_path,
            address_zh = excluded.address_zh, address_en = excluded.address_en,
            own_generation = excluded.own_generation, in_service = excluded.in_service,
            voltage_v = excluded.voltage_v, retired_at = null
        where (p.customer_id, p.external_id, p.bus, p.phases, p.meter_no, p.transformer_id, p.lon, p.lat, p.area_class,
                p.zone, p.org_path, p.address_zh, p.address_en, p.own_generation, p.in_service, p.voltage_v, p.retired_at)
            is distinct from (excluded.customer_id, excluded.external_id, excluded.bus, excluded.phases,
                excluded.meter_no, excluded.transformer_id, excluded.lon, excluded.lat, excluded.area_class, excluded.zone,
                excluded.org_path, excluded.address_zh, excluded.address_en, excluded.own_generation, excluded.in_service,
                excluded.voltage_v, null::timestamptz)
        returning p.customer_id, p.xmax = 0 as "added!""#,
        &batch.id,
        &batch.customer_id,
        &batch.external_id,
        &batch.external_key,
        &batch.bus,
        &batch.phases,
        &batch.meter_no,
        &batch.transformer_id as &[Option<String>],
        &batch.lon,
        &batch.lat,
        &batch.area_class,
        &batch.zone,
        &batch.org_path,
        &batch.address_zh,
        &batch.address_en,
        &batch.own_generation,
        &batch.in_service,
        &batch.voltage_v as &[Option<i32>]
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("write service points"))?;
    let mut written = Written::default();
    rows.iter()
        .for_each(|row| written.note(row.customer_id, row.added));
    Ok(written)
}

/// Customers who lose a service point of this batch to another customer at `at`; noted before it is written, so that
/// who had a point at any moment can be told.
pub(crate) async fn owners_left(
    conn: &mut PgConnection,
    batch: &Points,
    at: DateTime<Utc>,
) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "insert into registry.former_customer (service_point_id, customer_id, until_at)
         select p.id, p.customer_id, $3 from unnest($1::text[], $2::uuid[]) as n (key, customer)
         join registry.service_point p on p.external_key = n.key and p.customer_id <> n.customer
         on conflict on constraint former_customer_pk do update set customer_id = registry.former_customer.customer_id
         returning customer_id",
        &batch.external_key,
        &batch.customer_id,
        at
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("note service points that change hands"))
}

/// Retires the service points that are not among these folded external ids. Returns their customers, one per point.
pub(crate) async fn retire_others(
    conn: &mut PgConnection,
    external_keys: &[String],
    at: DateTime<Utc>,
) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "update registry.service_point p set retired_at = $2
         where p.retired_at is null
            and not exists (select 1 from unnest($1::text[]) as kept (key) where kept.key = p.external_key)
         returning p.customer_id",
        external_keys,
        at
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("retire service points"))
}

/// A contact that is there keeps its sealed bytes unless something of it or the key has changed, and the later of two
/// confirmations: what was asked here is not forgotten because a pack knows less.
pub(crate) async fn contacts(conn: &mut PgConnection, batch: &Contacts) -> Result<Written, Error> {
    let rows = sqlx::query!(
        r#"insert into registry.contact as k
            (id, customer_id, channel, language, sealed, seal_key, hmac, hmac_key, role, confirmed_at, confirmed_by)
        select n.*, case when n.confirmed_at is not null then 'import' end
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::bytea[], $8::text[],
            $9::text[], $10::timestamptz[])
            as n (id, customer_id, channel, language, sealed, seal_key, hmac, hmac_key, role, confirmed_at)
        on conflict (customer_id, channel, hmac) do update set language = excluded.language, sealed = excluded.sealed,
            seal_key = excluded.seal_key, role = excluded.role,
            confirmed_at = greatest(k.confirmed_at, excluded.confirmed_at),
            confirmed_by = case when excluded.confirmed_at > k.confirmed_at or k.confirmed_at is null
                then excluded.confirmed_by else k.confirmed_by end
        where (k.language, k.seal_key, k.role) is distinct from (excluded.language, excluded.seal_key, excluded.role)
            or excluded.confirmed_at > k.confirmed_at or (excluded.confirmed_at is not null and k.confirmed_at is null)
        returning k.customer_id, k.xmax = 0 as "added!""#,
        &batch.id,
        &batch.customer_id,
        &batch.channel,
        &batch.language,
        &batch.sealed,
        &batch.seal_key,
        &batch.hmac,
        &batch.hmac_key,
        &batch.role,
        &batch.confirmed_at as &[Option<DateTime<Utc>>]
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("write contacts"))?;
    let mut written = Written::default();
    rows.iter()
        .for_each(|row| written.note(row.customer_id, row.added));
    Ok(written)
}

/// Removes the contacts of these customers that are not in `kept`. Returns their customers, one per contact.
pub(crate) async fn remove_other_contacts(
    conn: &mut PgConnection,
    customers: &[Uuid],
    kept: &Contacts,
) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar!(
        "delete from registry.contact k
         where k.customer_id = any($1) and not exists (
            select 1 from unnest($2::uuid[], $3::text[], $4::bytea[]) as kept (customer_id, channel, hmac)
            where kept.customer_id = k.customer_id and kept.channel = k.channel and kept.hmac = k.hmac)
         returning k.customer_id",
        customers,
        &kept.customer_id,
        &kept.channel,
        &kept.hmac
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("remove contacts"))
}

/// A customer after a change, as told.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) id: Uuid,
    pub(crate) version: i64,
    pub(crate) org_path: String,
}

/// Raises the version of these customers.
pub(crate) async fn raise_versions(conn: &mut PgConnection, customers: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "update registry.customer set version = version + 1 where id = any($1)",
        customers
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("raise the versions of customers"))
}

/// These customers with version and org unit.
pub(crate) async fn changed(conn: &mut PgConnection, customers: &[Uuid]) -> Result<Vec<Changed>, Error> {
    sqlx::query_as!(
        Changed,
        r#"select c.id, c.version, coalesce(min(p.org_path), '') as "org_path!"
        from registry.customer c left join registry.service_point p on p.customer_id = c.id
        where c.id = any($1) group by c.id order by c.id"#,
        customers
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("read the customers changed"))
}
