//! What a recommendation needs of an order, remembered for a second: a dispatcher's list asks again and again while the
//! order stands still.
//!
//! Promises: what a call to this replica changed is seen by its next recommendation; what an event, a timer or another
//! replica changed, after a second. A recommendation is advice: giving the order asks every rule again in its transaction.
//! Only orders that exist are remembered, never an answer about rights: those are asked at every call.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;
use relight_common::Db;

use crate::{
    domain::{
        crew::skills_for,
        ids::{OrderId, UnitId},
        order::State,
        recommend::Job,
        rules::Need,
    },
    error::Error,
    store::{db, order, order::Order},
};

/// So long an order is remembered.
const FRESH: TimeDelta = TimeDelta::seconds(1);
/// So many orders; the screens of a control room show fewer.
const ORDERS_MAX: usize = 4_096;

/// An order somebody wants a crew for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Place in the organisation; rules who may ask.
    pub org_path: String,
    /// The unit that has it; its desk may ask.
    pub unit: Option<UnitId>,
    /// What is asked of a crew.
    pub job: Job,
}

/// The orders asked for lately.
#[derive(Debug)]
pub struct Orders {
    db: Db,
    read: Cache<OrderId, (DateTime<Utc>, Arc<Wanted>)>,
    /// Counts what was forgotten, for reads that were under way meanwhile.
    forgotten: AtomicU64,
}

impl Orders {
    /// Remembers nothing yet.
    pub fn new(db: Db) -> Self {
        Self {
            db,
            read: Cache::new(ORDERS_MAX),
            forgotten: AtomicU64::new(0),
        }
    }

    /// An order as it was a second ago at the most.
    ///
    /// # Errors
    /// [`Error::NoSuchOrder`], [`Error::Common`].
    pub async fn get(&self, id: OrderId, now: DateTime<Utc>) -> Result<Arc<Wanted>, Error> {
        // Neither older than a second nor, where a clock was set back, of the future.
        let fresh = |at: DateTime<Utc>| at <= now && now - at < FRESH;
        if let Some((_, wanted)) = self.read.get(&id).filter(|(at, _)| fresh(*at)) {
            return Ok(wanted);
        }
        let before = self.forgotten.load(Ordering::SeqCst);
        let wanted = Arc::new(self.load(id).await?);
        self.read.insert(id, (now, wanted.clone()));
        // It changed while it was read: what was read may be what it was before.
        if self.forgotten.load(Ordering::SeqCst) != before {
            self.read.remove(&id);
        }
        Ok(wanted)
    }

    /// This replica changed an order, and committed.
    pub fn forget(&self, id: OrderId) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.read.remove(&id);
    }

    async fn load(&self, id: OrderId) -> Result<Wanted, Error> {
        let mut conn = self.db.pool().acquire().await.map_err(db("get a connection"))?;
        let order = order::get(&mut conn, id).await?;
        let order = order.ok_or_else(|| Error::NoSuchOrder(id.to_string()))?;
        Ok(Wanted {
            unit: order.state.unit(),
            job: job(&order),
            org_path: order.org_path,
        })
    }
}

/// Before a unit has taken the order, crews of every unit are compared.
fn job(order: &Order) -> Job {
    let unit = match order.state {
        State::Triaged { .. } | State::Dispatched { .. } => None,
        _ => order.state.unit(),
    };
    Job {
        place: order.place,
        area: order.area,
        need: Need {
            skills: skills_for(order.kind, &order.device_kind),
            unit,
        },
    }
}
