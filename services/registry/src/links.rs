//! A corrected link: where a service point really hangs (operations.md O36). The correction is a new version of the network,
//! so that affected sets, traces and everybody who holds the network follow; it stands until a pack says so too.

use chrono::{DateTime, Utc};
use relight_common::{Begun, Claims, Db, Invalid, Work, command::Meta, ids};
use relight_grid::{Grid, Network, snapshot};
use relight_proto::{
    events::v1::{CustomerChanged, GridVersioned},
    registry::v1::LinkCorrection,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::fold,
    error::Error,
    held::{Held, Holder},
    import::rows,
    seat, sets,
    store::{
        grid_version, import as table,
        link::{self, Row},
        service_point::{self, PointRow},
    },
};

/// Where it hangs instead.
pub(crate) enum To {
    /// Below this transformer.
    Transformer(String),
    /// On this bus.
    Bus(String),
}

/// A network with one link changed.
struct Changed {
    version: grid_version::NewVersion,
    grid: Grid,
    bus: String,
    transformer_id: Option<String>,
}

/// Corrects the link of `point`.
pub(crate) async fn correct(
    db: &Db,
    holder: &Holder,
    (meta, claims): (Meta, &Claims),
    point: PointRow,
    (to, reason): (To, String),
) -> Result<LinkCorrection, Error> {
    let held = holder.current().await?;
    let base = held.grid.version();
    let bytes = grid_version::bytes(db.pool(), base).await?;
    let external_id = point.external_id.clone();
    let changed = tokio::task::spawn_blocking(move || change(&held, &bytes, &external_id, &to));
    let changed = changed
        .await
        .map_err(|error| Error::Task("correct a link", error))??;
    let mut work = match Work::begin(db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    table::lock(work.conn()).await?;
    if grid_version::current(&mut *work.conn()).await?.map(|now| now.id) != Some(base) {
        return Err(Error::NetworkMoved);
    }
    let at = work.at();
    let row = row(&point, &changed, (claims, reason), at);
    let n = grid_version::insert(work.conn(), &changed.version, at).await?;
    service_point::relink(
        work.conn(),
        point.id,
        &row.to_bus,
        row.to_transformer_id.as_deref(),
    )
    .await?;
    link::replace(work.conn(), &row.external_key).await?;
    link::insert(work.conn(), &row).await?;
    tell(&mut work, &row, (n, point.customer_id)).await?;
    seat::carry_over(&mut work, &changed.grid, Some(base)).await?;
    Ok(work.commit(view(row)).await?)
}

fn row(point: &PointRow, changed: &Changed, (claims, reason): (&Claims, String), at: DateTime<Utc>) -> Row {
    Row {
        id: Uuid::now_v7(),
        service_point_id: point.id,
        external_key: fold(&point.external_id),
        external_id: point.external_id.clone(),
        from_bus: point.bus.clone(),
        to_bus: changed.bus.clone(),
        from_transformer_id: point.transformer_id.clone(),
        to_transformer_id: changed.transformer_id.clone(),
        reason,
        by: claims.actor.clone(),
        at,
        grid_version: changed.version.id,
        state: "standing".to_owned(),
        org_path: point.org_path.clone(),
    }
}

async fn tell(work: &mut Work, row: &Row, (n, customer): (i64, Uuid)) -> Result<(), Error> {
    let news = GridVersioned {
        grid_version: row.grid_version.to_string(),
    };
    work.tell("grid.versioned", ids::derived_from_name("grid"), n, "", &news);
    table::raise_versions(work.conn(), &[customer]).await?;
    for changed in table::changed(work.conn(), &[customer]).await? {
        let news = CustomerChanged {
            customer_id: changed.id.to_string(),
        };
        work.tell(
            "customer.changed",
            changed.id,
            changed.version,
            &changed.org_path,
            &news,
        );
    }
    work.audit(
        "link.corrected",
        row.service_point_id,
        json!({
            "from_bus": row.from_bus, "to_bus": row.to_bus, "from_transformer_id": row.from_transformer_id,
            "to_transformer_id": row.to_transformer_id, "reason": row.reason, "grid_version": row.grid_version,
        }),
    );
    Ok(())
}

/// The network with the load hung elsewhere; it must have supply there in the normal state.
fn change(held: &Held, bytes: &[u8], load: &str, to: &To) -> Result<Changed, Error> {
    let damaged = |faults| Error::Damaged(held.grid.version(), faults);
    let mut network = snapshot::read(bytes).map_err(damaged)?;
    let at = network
        .loads
        .iter()
        .position(|row| fold(&row.id) == fold(load))
        .ok_or(Error::NoServicePoint)?;
    let was = fold(&network.loads[at].bus);
    for bus in candidates(held, &network, to)? {
        if fold(&bus) == was {
            continue;
        }
        network.loads[at].bus.clone_from(&bus);
        let grid = network.grid(Uuid::now_v7()).map_err(damaged)?;
        if let Some(transformer_id) = hangs(&grid, load, to) {
            let version = rows::version(grid.version(), &network)?;
            return Ok(Changed {
                version,
                grid,
                bus,
                transformer_id,
            });
        }
    }
    let (field, must) = match to {
        To::Transformer(_) => (
            "transformer_id",
            "must be another transformer that feeds the phases of this service point",
        ),
        To::Bus(_) => (
            "bus",
            "must be another bus that has the phases of this service point and supply",
        ),
    };
    Err(Invalid::new(field, must).into())
}

/// The buses the wish can mean: of a transformer any of its ends, the last ones first, where files have the lower side.
fn candidates(held: &Held, network: &Network, to: &To) -> Result<Vec<String>, Error> {
    match to {
        To::Bus(id) => {
            let bus = network.buses.iter().find(|bus| fold(&bus.id) == fold(id));
            let must = format!("bus {id} is not in grid version {}", held.grid.version());
            let bus = bus.ok_or_else(|| Invalid::new("bus", must))?;
            Ok(vec![bus.id.clone()])
        }
        To::Transformer(id) => {
            let device = held
                .grid
                .device(id)
                .ok_or_else(|| sets::unknown_device(held, "transformer_id", id))?;
            let ends = held
                .grid
                .device_ends(device)
                .map(|(bus, _)| held.grid.bus_id(bus).to_owned());
            let mut buses: Vec<String> = ends.collect();
            buses.reverse();
            buses.dedup();
            Ok(buses)
        }
    }
}

/// The transformer above the load now, when it hangs as wished; `None` when it does not.
fn hangs(grid: &Grid, load: &str, to: &To) -> Option<Option<String>> {
    let load = grid.load(load)?;
    let supply = grid.normal_supply();
    if supply.path(load).is_empty() || grid.dead(&[], &[]).partly_dead_loads.contains(&load) {
        return None;
    }
    let above = supply
        .transformer(load)
        .map(|device| grid.device_id(device).to_owned());
    match to {
        To::Bus(_) => Some(above),
        To::Transformer(id) => above.filter(|above| fold(above) == fold(id)).map(Some),
    }
}

/// A correction as it is told.
pub(crate) fn view(row: Row) -> LinkCorrection {
    LinkCorrection {
        correction_id: row.id.to_string(),
        service_point_external_id: row.external_id,
        from_bus: row.from_bus,
        to_bus: row.to_bus,
        from_transformer_id: row.from_transformer_id.unwrap_or_default(),
        to_transformer_id: row.to_transformer_id.unwrap_or_default(),
        reason: row.reason,
        by: row.by,
        at: Some(relight_common::wire::timestamp(row.at)),
        grid_version: row.grid_version.to_string(),
        state: row.state,
    }
}
