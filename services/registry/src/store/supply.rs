//! What a disconnection has to know of the supply of an account.

use sqlx::PgPool;
use uuid::Uuid;

use crate::error::Error;

/// The first supply in service of an account or of a meter's number, and how many there are.
#[derive(Debug, Clone)]
pub(crate) struct SupplyRow {
    pub(crate) service_point_id: Uuid,
    pub(crate) meter_no: String,
    pub(crate) customer_name: String,
    pub(crate) supplies: i64,
    pub(crate) use_class: Option<String>,
}

/// The supply this meter measures.
pub(crate) async fn of_meter(pool: &PgPool, meter_no: &str) -> Result<Option<SupplyRow>, Error> {
    sqlx::query_as!(
        SupplyRow,
        r#"select p.id as service_point_id, p.meter_no, c.name as customer_name, c.use_class,
            count(*) over () as "supplies!"
        from registry.service_point p join registry.customer c on c.id = p.customer_id
        where p.meter_no = $1 and p.in_service and p.retired_at is null order by p.id limit 1"#,
        meter_no
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("look for the supply of a meter"))
}

/// The supply of this folded account.
pub(crate) async fn of_account(pool: &PgPool, account_key: &str) -> Result<Option<SupplyRow>, Error> {
    sqlx::query_as!(
        SupplyRow,
        r#"select p.id as service_point_id, p.meter_no, c.name as customer_name, c.use_class,
            count(*) over () as "supplies!"
        from registry.service_point p join registry.customer c on c.id = p.customer_id
        where c.account_key = $1 and p.in_service and p.retired_at is null order by p.id limit 1"#,
        account_key
    )
    .fetch_optional(pool)
    .await
    .map_err(Error::db("look for the supply of an account"))
}
