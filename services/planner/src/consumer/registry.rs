//! What the registry tells: customers who moved in or out, and a network that changed (domain.md 5.5 no. 11 to 13). Who
//! moved in is told, or called when less than a day is left. A network that changed is a proposal: a person takes the set
//! again, and until then the gate holds back what would switch off somebody who was not told.

use relight_common::{
    Db, Work,
    reader::{Consumer, Outcome},
    wire,
};
use relight_policy::Pack;
use relight_proto::events::v1::{CustomerChanged, Event, GridSwitched};
use uuid::Uuid;

use super::decode;
use crate::{
    desk::{
        moved::{self, Difference, Moved},
        reliability::{self as desk, Looked, Switched},
    },
    domain::ids::OutageId,
    error::Error,
    peers::Others,
    store::{outage, people, reliability},
};

/// Applies the events of the registry.
#[derive(Debug, Clone)]
pub struct FromRegistry {
    db: Db,
    others: Others,
    pack: Pack,
}

/// What was found out before the transaction.
#[derive(Debug)]
pub enum Found {
    /// It does not concern any plan.
    Nothing,
    /// Where customers stand to what is announced.
    Customers(Vec<Moved>),
    /// How far the network is from what was planned on, and how customers with several supplies are supplied.
    Network(Vec<Difference>, Supplied),
}

/// Important customers with several supplies (operations.md O23).
#[derive(Debug)]
pub struct Supplied {
    by: Switched,
    /// For whom a warning was open.
    warned: Vec<Uuid>,
    found: Vec<Looked>,
}

/// Customers of one question.
const ASKED: usize = 5_000;

impl FromRegistry {
    /// Asks `others` about the plans in `db`; the law comes from `pack`.
    pub fn new(db: Db, others: Others, pack: Pack) -> Self {
        Self { db, others, pack }
    }

    async fn customer(&self, customer: Uuid) -> Result<Found, Error> {
        let live = outage::live(self.db.pool(), true).await?;
        if live.is_empty() {
            return Ok(Found::Nothing);
        }
        let points = self.others.points(customer).await?;
        let mut all = Vec::with_capacity(live.len());
        for one in live {
            all.push(Moved {
                outage: one.id,
                set: one.set,
                customer,
                stands: self.others.stands(one.set, customer, &points).await?,
            });
        }
        Ok(Found::Customers(all))
    }

    /// So many changed at once that everybody in and around the plans is looked at again.
    async fn everybody(&self) -> Result<Found, Error> {
        let mut all = Vec::new();
        for one in outage::live(self.db.pool(), true).await? {
            let mut conn = (self.db.pool().acquire().await).map_err(Error::db("get a connection"))?;
            let known = people::all(&mut conn, OutageId::from_uuid(one.id)).await?;
            drop(conn);
            for customer in self.others.otherwise(one.set, &known).await? {
                let points = self.others.points(customer).await?;
                all.push(Moved {
                    outage: one.id,
                    set: one.set,
                    customer,
                    stands: self.others.stands(one.set, customer, &points).await?,
                });
            }
        }
        Ok(Found::Customers(all))
    }

    /// Those who lost and those who got supply, and those for whom a warning is open.
    async fn supplied(&self, event: &Event) -> Result<Supplied, Error> {
        let told: GridSwitched = match event.r#type.as_str() {
            "grid.switched" => decode(event)?,
            _ => GridSwitched::default(),
        };
        let sets: Vec<String> = [told.lost_set_id, told.restored_set_id]
            .into_iter()
            .filter(|id| !id.is_empty())
            .collect();
        let mut warned = reliability::warned(self.db.pool()).await?;
        warned.truncate(ASKED);
        let mut found = if sets.is_empty() && warned.is_empty() {
            Vec::new()
        } else {
            self.others.supplies(&sets, &warned).await?
        };
        found.sort_by_key(|one| one.customer);
        let by = Switched {
            device_id: told.device_id,
            basis_kind: told.basis_kind,
            basis_id: wire::uuid_opt("basis_id", &told.basis_id)?,
            at: wire::instant("time", told.at.or(event.time))?,
        };
        Ok(Supplied { by, warned, found })
    }

    async fn network(&self) -> Result<Vec<Difference>, Error> {
        let mut all = Vec::new();
        for one in outage::live(self.db.pool(), false).await? {
            let mut conn = (self.db.pool().acquire().await).map_err(Error::db("get a connection"))?;
            let known = people::customers(&mut conn, OutageId::from_uuid(one.id)).await?;
            drop(conn);
            let (added, released) = self.others.differs(&one, &known).await?;
            all.push(Difference {
                outage: one.id,
                set: one.set,
                added,
                released,
            });
        }
        Ok(all)
    }
}

/// What the network means for each of them.
///
/// # Errors
/// [`Error::Common`].
async fn warn(work: &mut Work, pack: &Pack, supplied: &Supplied) -> Result<(), Error> {
    for one in &supplied.found {
        desk::looked(work, pack, &supplied.by, one).await?;
    }
    let is_found = |customer: &Uuid| supplied.found.iter().any(|one| one.customer == *customer);
    for customer in supplied.warned.iter().filter(|customer| !is_found(customer)) {
        desk::gone(work, *customer, supplied.by.at).await?;
    }
    Ok(())
}

impl Consumer for FromRegistry {
    type Prepared = Found;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Found, Error> {
        match event.r#type.as_str() {
            "customer.changed" => {
                let told: CustomerChanged = decode(event)?;
                self.customer(wire::uuid("customer_id", &told.customer_id)?).await
            }
            "customers.changed" => self.everybody().await,
            "grid.versioned" | "grid.switched" => {
                Ok(Found::Network(self.network().await?, self.supplied(event).await?))
            }
            _ => Ok(Found::Nothing),
        }
    }

    async fn apply(&self, work: &mut Work, event: &Event, found: Found) -> Result<Outcome, Error> {
        match found {
            Found::Nothing => {}
            Found::Customers(all) => {
                for one in &all {
                    moved::customer(work, &self.pack, one).await?;
                }
            }
            Found::Network(all, supplied) => {
                for one in &all {
                    moved::network(work, one).await?;
                }
                warn(work, &self.pack, &supplied).await?;
            }
        }
        let ours = matches!(
            event.r#type.as_str(),
            "customer.changed" | "customers.changed" | "grid.versioned" | "grid.switched"
        );
        Ok(if ours { Outcome::Applied } else { Outcome::Unknown })
    }
}
