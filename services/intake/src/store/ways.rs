//! Who is fed another way by switching while an incident goes on, as evidence.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::evidence::{self, Signal};
use crate::{
    domain::{mind::Fed, signal::Heard},
    error::Error,
};

/// Stores who is fed another way since, or not any more, weighed in this pass.
///
/// # Errors
/// [`Error::Common`].
pub async fn insert(
    conn: &mut PgConnection,
    fed: &[Fed],
    (now, pass): (DateTime<Utc>, i64),
) -> Result<(), Error> {
    if fed.is_empty() {
        return Ok(());
    }
    let signals: Vec<Signal> = fed.iter().map(signal).collect();
    let ids: Vec<String> = signals.iter().map(|signal| signal.external_id.clone()).collect();
    evidence::insert(conn, SWITCHING, &signals, now).await?;
    sqlx::query!(
        "update intake.evidence set weighed = true, weighed_in = $3 where source = $1 and external_id = any($2) and not weighed",
        SWITCHING,
        &ids,
        pass
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(Error::db("note who is fed another way"))
}

/// Source of what follows from how the network is switched.
pub const SWITCHING: &str = "switching";

/// As it is stored, once for each moment.
pub fn signal(fed: &Fed) -> Signal {
    let heard = match fed.is_fed {
        true => Heard::FedAgain,
        false => Heard::LostAgain,
    };
    Signal {
        external_id: format!(
            "{}/{}/{}/{}",
            heard.word(),
            fed.at.timestamp_micros(),
            fed.incident,
            fed.load
        ),
        heard,
        load: Some(fed.load.clone()),
        device: None,
        at: fed.at,
        incident: Some(fed.incident),
    }
}
