//! The customer at whose wish an outage takes place.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::{
        ids::OutageId,
        window::{Instant, Window},
    },
    error::Error,
};

/// They asked for this window themselves: that is their notice, their answer and their agreement. A move to another day
/// begins anew for them too.
///
/// # Errors
/// [`Error::Common`].
pub async fn asked_for_it(
    conn: &mut PgConnection,
    (id, customer): (OutageId, Uuid),
    window: Window,
    at: Instant,
) -> Result<(), Error> {
    sqlx::query!(
        "update planner.recipient set served_at = $3, served_channel = 'request', settled_at = $3, agreed_off_at = $4,
             agreed_on_at = $5
         where outage_id = $1 and customer_id = $2",
        id.uuid(),
        customer,
        at,
        window.off_at,
        window.on_at
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note who asked for an outage"))
}
