//! Making an affected set: from devices to service points to a stored set, the same question always the same answer.

use chrono::{DateTime, Utc};
use relight_common::{Claims, Db, Invalid};
use relight_grid::DeviceIx;
use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::{
        affected::{Member, Summary},
        question::{Basis, Question},
    },
    error::Error,
    held::{Held, Holder},
    store::{
        self,
        affected_set::{self, SetRow},
    },
};

/// Answers `question` on the current version of the network, storing the set when it is new.
///
/// # Errors
/// [`Invalid`] naming the field when a device, a service point or the outer set does not exist; [`Error::NoGrid`].
pub(crate) async fn create(
    db: &Db,
    holder: &Holder,
    question: &Question,
    claims: &Claims,
    at: DateTime<Utc>,
) -> Result<SetRow, Error> {
    let held = holder.current().await?;
    let id = question.set_id(held.grid.version());
    if let Some(stored) = affected_set::find(db.pool(), id).await? {
        return Ok(stored);
    }
    if let Some(within) = question.within
        && affected_set::find(db.pool(), within).await?.is_none()
    {
        return Err(Invalid::new("within_set_id", "must be an affected set that exists").into());
    }
    let (set, members) = answer(db, &held, question, id).await?;
    save(db, &set, &members, claims, at).await
}

async fn answer(db: &Db, held: &Held, question: &Question, id: Uuid) -> Result<(SetRow, Vec<Member>), Error> {
    let opened = match &question.basis {
        Basis::Opened(devices) => resolve(held, devices)?,
        Basis::Listed(_) => Vec::new(),
    };
    let outage = held.outage(&opened);
    let keys = match &question.basis {
        Basis::Opened(_) => &outage.dead,
        Basis::Listed(points) => listed(db, points).await?,
    };
    let members = affected_set::pick(db.pool(), keys, question.within).await?;
    let mut set = SetRow::new(id, held.grid.version(), &Summary::of(&members));
    set.within_set_id = question.within;
    set.device_ids = opened
        .iter()
        .map(|&device| held.grid.device_id(device).to_owned())
        .collect();
    set.partly_dead = i32::try_from(outage.partly_dead).unwrap_or(i32::MAX);
    if set.lon.is_none()
        && let Some(place) = opened
            .iter()
            .find_map(|&device| held.grid.device_position(device))
    {
        (set.lon, set.lat) = (Some(place.lon), Some(place.lat));
    }
    Ok((set, members))
}

/// The devices with these ids, each once, in the order of the network.
fn resolve(held: &Held, ids: &[String]) -> Result<Vec<DeviceIx>, Invalid> {
    let found = ids
        .iter()
        .map(|id| held.grid.device(id).ok_or_else(|| unknown_device(held, id)));
    let mut devices = found.collect::<Result<Vec<_>, _>>()?;
    devices.sort();
    devices.dedup();
    Ok(devices)
}

fn unknown_device(held: &Held, id: &str) -> Invalid {
    let near = held
        .nearest(id)
        .map(|near| format!("; the nearest is {near}"))
        .unwrap_or_default();
    Invalid::new(
        "device_ids",
        format!("device {id} is not in grid version {}{near}", held.grid.version()),
    )
}

async fn listed<'q>(db: &Db, points: &'q Vec<String>) -> Result<&'q Vec<String>, Error> {
    match affected_set::first_unknown(db.pool(), points).await? {
        None => Ok(points),
        Some(id) => {
            let must = format!("service point {id} is not in the network");
            Err(Invalid::new("service_point_external_ids", must).into())
        }
    }
}

/// Stores the set; of two who made it at once the second takes what the first stored.
async fn save(
    db: &Db,
    set: &SetRow,
    members: &[Member],
    claims: &Claims,
    at: DateTime<Utc>,
) -> Result<SetRow, Error> {
    let mut work = store::open(db, &claims.actor, claims.request_id, at).await?;
    if affected_set::insert(work.conn(), set, members, at).await? {
        let facts = json!({
            "grid_version": set.grid_version,
            "device_ids": set.device_ids,
            "within_set_id": set.within_set_id,
            "count": set.count,
            "partly_dead": set.partly_dead,
        });
        work.audit("affected_set.created", set.id, facts);
        work.done().await?;
        return Ok(set.clone());
    }
    affected_set::find(work.conn(), set.id)
        .await?
        .ok_or(Error::NoSet(set.id))
}
