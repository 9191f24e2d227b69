//! The thinned track of the crews.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::db;
use crate::{
    domain::{crew::Fix, ids::CrewId, place::Place},
    error::Error,
};

/// Appends positions; one that is there already stays.
pub async fn append(pool: &PgPool, fixes: &[(CrewId, Fix)]) -> Result<(), Error> {
    let column = |pick: fn(&Fix) -> f64| fixes.iter().map(|(_, fix)| pick(fix)).collect::<Vec<_>>();
    let crews: Vec<_> = fixes.iter().map(|(crew, _)| crew.uuid()).collect();
    let times: Vec<_> = fixes.iter().map(|(_, fix)| fix.at).collect();
    sqlx::query!(
        "insert into dispatch.crew_position (crew_id, at, lon, lat, heading_deg)
         select * from unnest($1::uuid[], $2::timestamptz[], $3::float8[], $4::float8[], $5::float8[]) on conflict do nothing",
        &crews,
        &times,
        &column(|fix| fix.place.lon),
        &column(|fix| fix.place.lat),
        &column(|fix| fix.heading_deg),
    )
    .execute(pool)
    .await
    .map(drop)
    .map_err(db("append to the track"))
}

/// The last known position of every crew since `since`.
pub async fn latest(pool: &PgPool, since: DateTime<Utc>) -> Result<Vec<(CrewId, Fix)>, Error> {
    let rows = sqlx::query!(
        "select distinct on (crew_id) crew_id, at, lon, lat, heading_deg from dispatch.crew_position
         where at > $1 order by crew_id, at desc",
        since
    )
    .fetch_all(pool)
    .await
    .map_err(db("load the track"))?;
    let fixes = rows.into_iter().map(|row| {
        let place = Place {
            lon: row.lon,
            lat: row.lat,
        };
        (
            CrewId::from_uuid(row.crew_id),
            Fix {
                place,
                at: row.at,
                heading_deg: row.heading_deg,
            },
        )
    });
    Ok(fixes.collect())
}

/// Makes the partitions of the next days and drops those older than 30 days.
pub async fn keep_partitions(pool: &PgPool) -> Result<(), Error> {
    sqlx::query_scalar!("select dispatch.crew_position_keep(3, 30)")
        .fetch_one(pool)
        .await
        .map(drop)
        .map_err(db("keep the partitions of the track"))
}
