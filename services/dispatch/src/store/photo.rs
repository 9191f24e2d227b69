//! Which photos the steps of orders name.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::{db, unit::Scope};
use crate::{domain::ids::OrderId, error::Error};

/// A photo that a step names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Lower-case hex.
    pub sha256: String,
    /// Corrected time of the step.
    pub at: DateTime<Utc>,
    /// Who recorded it.
    pub actor: String,
    /// The order.
    pub order_id: Uuid,
    /// Its spoken number.
    pub number: String,
}

/// Photos of an order, oldest first.
pub async fn of_order(pool: &PgPool, order: OrderId) -> Result<Vec<Row>, Error> {
    sqlx::query_as!(
        Row,
        r#"select s.detail ->> 'photo_sha256' as "sha256!", s.at, s.actor, s.order_id, o.number
         from dispatch.order_step s join dispatch.work_order o on o.id = s.order_id
         where s.order_id = $1 and s.detail ->> 'photo_sha256' is not null order by s.n"#,
        order.uuid()
    )
    .fetch_all(pool)
    .await
    .map_err(db("list the photos of an order"))
}

/// The newest 1,000 the caller may see, newest first.
pub async fn newest(pool: &PgPool, scope: &Scope) -> Result<Vec<Row>, Error> {
    sqlx::query_as!(
        Row,
        r#"select s.detail ->> 'photo_sha256' as "sha256!", s.at, s.actor, s.order_id, o.number
         from dispatch.order_step s join dispatch.work_order o on o.id = s.order_id
         where s.detail ->> 'photo_sha256' is not null
           and (o.org_path like any($1) or o.unit_id = $2 or o.crew_id = $3)
         order by s.at desc limit 1000"#,
        &scope.org_patterns,
        scope.unit,
        scope.crew
    )
    .fetch_all(pool)
    .await
    .map_err(db("list the newest photos"))
}
