//! Customers with several supplies, and how many of these are left as the network is switched now (operations.md O23).

use std::collections::BTreeMap;

use relight_common::{Invalid, error::refuse, wire};
use relight_grid::{DeviceIx, Grid, LoadIx, Supply};
use relight_proto::registry::v1::{
    CustomerSupply, PointSupply, SuppliesNowReply, SuppliesNowRequest,
    customer_supplies_server::CustomerSupplies,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, map, only, taken};
use crate::{
    error::Error,
    held::{Held, feeder},
    seat,
    store::{
        affected_set,
        service_point::{self, PointRow},
    },
};

/// Who lost and who got supply.
const SETS_MAX: usize = 2;
const CUSTOMERS_MAX: usize = 5_000;

impl Api {
    async fn supplies_now(&self, message: &SuppliesNowRequest) -> Result<SuppliesNowReply, Error> {
        let sets = ids("set_ids", &message.set_ids, SETS_MAX)?;
        let mut wanted = ids("customer_ids", &message.customer_ids, CUSTOMERS_MAX)?;
        wanted.extend(affected_set::important_of(self.db.pool(), &sets).await?);
        wanted.sort_unstable();
        wanted.dedup();
        let mut all: BTreeMap<Uuid, Vec<PointRow>> = BTreeMap::new();
        for row in service_point::of_customers(self.db.pool(), &wanted).await? {
            all.entry(row.customer_id).or_default().push(row);
        }
        all.retain(|_, points| points.len() > 1);
        if all.is_empty() {
            // No network is traced for nobody.
            return Ok(SuppliesNowReply::default());
        }
        let held = self.holder.current().await?;
        let ways = self.ways(&held).await?;
        let customers = all.into_iter().map(|(id, points)| {
            Ok(CustomerSupply {
                customer_id: id.to_string(),
                important: points.iter().any(|point| point.important),
                points: points
                    .into_iter()
                    .map(|point| ways.of(point))
                    .collect::<Result<_, Error>>()?,
            })
        });
        Ok(SuppliesNowReply {
            customers: customers.collect::<Result<_, Error>>()?,
        })
    }

    async fn ways<'g>(&self, held: &'g Held) -> Result<Ways<'g>, Error> {
        let (opened, closed) = seat::state_now(self.db.pool(), held).await?.lists();
        Ok(Ways::new(&held.grid, &opened, &closed))
    }
}

/// How loads are fed as drawn and now.
struct Ways<'g> {
    grid: &'g Grid,
    normal: Supply<'g>,
    normally_dead: Vec<LoadIx>,
    now: Supply<'g>,
    dead: Vec<LoadIx>,
}

impl<'g> Ways<'g> {
    fn new(grid: &'g Grid, opened: &[DeviceIx], closed: &[DeviceIx]) -> Self {
        Self {
            grid,
            normal: grid.normal_supply(),
            normally_dead: grid.dead(&[], &[]).dead_loads,
            now: grid.supply(opened, closed),
            dead: grid.dead(opened, closed).dead_loads,
        }
    }

    /// A service point that is not in this version of the network has no supply.
    fn of(&self, point: PointRow) -> Result<PointSupply, Error> {
        let load = self.grid.load(&point.external_id);
        let live = |dead: &[LoadIx]| load.filter(|load| dead.binary_search(load).is_err());
        let (normally, now) = (live(&self.normally_dead), live(&self.dead));
        Ok(PointSupply {
            service_point: Some(map::service_point(point)?),
            normally: normally.is_some(),
            now: now.is_some(),
            normal_feeder: normally.map_or_else(String::new, |load| self.feeder(&self.normal, load)),
            feeder: now.map_or_else(String::new, |load| self.feeder(&self.now, load)),
        })
    }

    fn feeder(&self, supply: &Supply<'_>, load: LoadIx) -> String {
        let top = feeder(self.grid, &supply.path(load));
        top.map_or_else(String::new, |device| self.grid.device_id(device).to_owned())
    }
}

fn ids(field: &'static str, texts: &[String], most: usize) -> Result<Vec<Uuid>, Error> {
    if texts.len() > most {
        return Err(Invalid::new(field, format!("must have at most {most} ids")).into());
    }
    let ids = texts.iter().map(|text| wire::uuid(field, text));
    Ok(ids.collect::<Result<_, _>>()?)
}

#[tonic::async_trait]
impl CustomerSupplies for Api {
    async fn now(&self, request: Request<SuppliesNowRequest>) -> Result<Response<SuppliesNowReply>, Status> {
        let (claims, message) = taken(request)?;
        only(&claims, &["planner"])?;
        self.supplies_now(&message)
            .await
            .map(Response::new)
            .map_err(refuse("registry"))
    }
}
