//! What prepaid meters said last of their credit.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::evidence::Signal;
use crate::{domain::signal::Heard, error::Error};

/// Keeps the latest word of each meter among these signals. Gives whether there was any.
///
/// # Errors
/// [`Error::Common`].
pub async fn keep(conn: &mut PgConnection, signals: &[Signal]) -> Result<bool, Error> {
    let mut last: BTreeMap<&str, (DateTime<Utc>, bool)> = BTreeMap::new();
    for signal in signals {
        let used_up = match signal.heard {
            Heard::CreditOut => true,
            Heard::CreditIn => false,
            _ => continue,
        };
        let Some(load) = signal.load.as_deref() else {
            continue;
        };
        let known = last.entry(load).or_insert((signal.at, used_up));
        *known = (*known).max((signal.at, used_up));
    }
    let loads: Vec<String> = last.keys().map(|load| (*load).to_owned()).collect();
    let (at, used_up): (Vec<DateTime<Utc>>, Vec<bool>) = last.into_values().unzip();
    if loads.is_empty() {
        return Ok(false);
    }
    sqlx::query!(
        "insert into intake.credit as known (load_id, used_up, at)
         select * from unnest($1::text[], $2::boolean[], $3::timestamptz[])
         on conflict (load_id) do update set used_up = excluded.used_up, at = excluded.at where known.at <= excluded.at",
        &loads,
        &used_up,
        &at
    )
    .execute(conn)
    .await
    .map_err(Error::db("keep what meters say of their credit"))?;
    Ok(true)
}

/// The meters whose credit is used up, each since when.
///
/// # Errors
/// [`Error::Common`].
pub async fn used_up(conn: &mut PgConnection) -> Result<Vec<(String, DateTime<Utc>)>, Error> {
    let rows = sqlx::query!("select load_id, at from intake.credit where used_up")
        .fetch_all(conn)
        .await
        .map_err(Error::db("read whose credit is used up"))?;
    Ok(rows.into_iter().map(|row| (row.load_id, row.at)).collect())
}
