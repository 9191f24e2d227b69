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
        state::State,
    },
    error::Error,
    held::{Held, Holder},
    store::{
        self,
        affected_set::{self, SetRow},
        grid_state,
    },
};

/// Answers `question` on the current version of the network as it is switched now, storing the set when it is new. A part of
/// another set is asked of the state that set was made on: those who are off already still hang where they hung.
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
    let base = base(db, &held, question).await?;
    let (opened, closed) = base.state.ids(&held.grid);
    let id = question.set_id(held.grid.version(), (&opened, &closed));
    if let Some(stored) = affected_set::find(db.pool(), id).await? {
        return Ok(stored);
    }
    let (mut set, members) = answer(db, &held, question, (&base.state, id)).await?;
    (set.state_no, set.opened, set.closed) = (base.number, opened, closed);
    save(db, &set, &members, claims, at).await
}

/// The state a question is asked of.
struct Base {
    number: i64,
    state: State,
}

async fn base(db: &Db, held: &Held, question: &Question) -> Result<Base, Error> {
    let Some(within) = question.within else {
        let devices = grid_state::devices(db.pool()).await?;
        return Ok(Base {
            number: grid_state::number(db.pool(), held.grid.version()).await?.0,
            state: State::of(
                &held.grid,
                devices.iter().map(|row| (row.device_id.as_str(), row.closed)),
            ),
        });
    };
    let outer = affected_set::find(db.pool(), within)
        .await?
        .ok_or_else(|| Invalid::new("within_set_id", "must be an affected set that exists"))?;
    let opened = outer.opened.iter().map(|id| (id.as_str(), false));
    let closed = outer.closed.iter().map(|id| (id.as_str(), true));
    Ok(Base {
        number: outer.state_no,
        state: State::of(&held.grid, opened.chain(closed)),
    })
}

async fn answer(
    db: &Db,
    held: &Held,
    question: &Question,
    (base, id): (&State, Uuid),
) -> Result<(SetRow, Vec<Member>), Error> {
    let opened = match &question.basis {
        Basis::Opened(devices) => resolve(held, "device_ids", devices)?,
        Basis::Listed(_) => Vec::new(),
    };
    let (before, after) = base.opening(&held.grid, &opened);
    let outage = held.difference(&before, &after);
    let keys = match &question.basis {
        Basis::Opened(_) => &outage.lost,
        Basis::Listed(points) => listed(db, points).await?,
    };
    let members = affected_set::pick(db.pool(), keys, question.within).await?;
    let mut set = SetRow::new(id, held.grid.version(), &Summary::of(&members));
    set.within_set_id = question.within;
    set.device_ids = opened
        .iter()
        .map(|&device| held.grid.device_id(device).to_owned())
        .collect();
    set.feeders = held.feeders(&before, &opened, &outage.lost);
    set.partly_dead = i32::try_from(outage.partly_dead.len()).unwrap_or(i32::MAX);
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
pub(crate) fn resolve(held: &Held, field: &'static str, ids: &[String]) -> Result<Vec<DeviceIx>, Invalid> {
    let found = ids.iter().map(|id| {
        held.grid
            .device(id)
            .ok_or_else(|| unknown_device(held, field, id))
    });
    let mut devices = found.collect::<Result<Vec<_>, _>>()?;
    devices.sort();
    devices.dedup();
    Ok(devices)
}

pub(crate) fn unknown_device(held: &Held, field: &'static str, id: &str) -> Invalid {
    let near = held
        .nearest(id)
        .map(|near| format!("; the nearest is {near}"))
        .unwrap_or_default();
    Invalid::new(
        field,
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
