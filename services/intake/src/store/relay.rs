//! Meters whose own relay cut the customer off.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;

/// Those of these signals by which a relay opened and is open yet: not a reading of one that was open before.
///
/// # Errors
/// [`Error::Common`].
pub async fn opened(conn: &mut PgConnection, signals: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    if signals.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        "select e.id from intake.evidence e
         where e.id = any($1) and e.kind = 'relay_open'
             and 'relay_open' is distinct from (
                 select p.kind from intake.evidence p
                 where p.load_id = e.load_id and p.kind in ('relay_open', 'relay_closed', 'ping_on')
                     and (p.at, p.id) < (e.at, e.id)
                 order by p.at desc, p.id desc limit 1)
             and not exists (
                 select from intake.evidence p
                 where p.load_id = e.load_id and p.kind in ('relay_closed', 'ping_on') and p.at > e.at)",
        signals
    )
    .fetch_all(conn)
    .await
    .map_err(Error::db("look for relays that opened"))
}
