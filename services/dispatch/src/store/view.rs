//! Orders as they are shown: with names, clocks and steps.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{clock, clock::Clock, db, order, order::Order, step, step::Step};
use crate::error::Error;

/// An order with everything a screen shows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The order.
    pub order: Order,
    /// Name of its unit.
    pub unit_name: String,
    /// Name of its crew.
    pub crew_name: String,
    /// The latest clock of each name.
    pub clocks: Vec<Clock>,
    /// Steps, oldest first.
    pub steps: Vec<Step>,
}

/// Views in the order of `ids`; unknown ids are left out.
pub async fn load(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<View>, Error> {
    let mut orders: HashMap<Uuid, Order> = order::load(conn, ids)
        .await?
        .into_iter()
        .map(|order| (order.id.uuid(), order))
        .collect();
    let names = names(conn, orders.values()).await?;
    let mut clocks: HashMap<Uuid, Vec<Clock>> = HashMap::new();
    for clock in clock::latest(conn, ids).await? {
        clocks.entry(clock.order.uuid()).or_default().push(clock);
    }
    let mut steps: HashMap<Uuid, Vec<Step>> = HashMap::new();
    for step in step::of(conn, ids).await? {
        steps.entry(step.order_id).or_default().push(step);
    }
    let name_of = |id: Option<Uuid>| id.and_then(|id| names.get(&id).cloned()).unwrap_or_default();
    let views = ids.iter().filter_map(|id| orders.remove(id)).map(|order| View {
        unit_name: name_of(order.state.unit().map(|unit| unit.uuid())),
        crew_name: name_of(order.state.team().map(|team| team.crew.uuid())),
        clocks: clocks.remove(&order.id.uuid()).unwrap_or_default(),
        steps: steps.remove(&order.id.uuid()).unwrap_or_default(),
        order,
    });
    Ok(views.collect())
}

/// Names of the units and crews of these orders.
async fn names<'a>(
    conn: &mut PgConnection,
    orders: impl Iterator<Item = &'a Order>,
) -> Result<HashMap<Uuid, String>, Error> {
    let ids: Vec<Uuid> = orders
        .flat_map(|order| {
            let crew = order.state.team().map(|team| team.crew.uuid());
            [order.state.unit().map(|unit| unit.uuid()), crew]
                .into_iter()
                .flatten()
        })
        .collect();
    let rows = sqlx::query!(
        "select id as \"id!\", name as \"name!\" from dispatch.unit where id = any($1)
         union all select id, name from dispatch.crew where id = any($1)",
        &ids
    )
    .fetch_all(conn)
    .await
    .map_err(db("load names"))?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
