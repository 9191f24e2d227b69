//! A relay that stays open when the case that explained it has ended keeps a customer off without a basis: told within five minutes
//! (operations.md O17).

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Coded, Work, error::chain, ids::derived};
use uuid::Uuid;

use super::Worker;
use crate::{
    error::Error,
    news::{Relay, tell_supply_off},
    store::relay,
    topology::Town,
};

/// How often the ledger is asked about open relays.
pub(super) const EVERY: TimeDelta = TimeDelta::seconds(30);
/// How long after its case a relay may still be open: the command to close it is on its way. With two rounds of asking it stays below
/// five minutes.
const GRACE: TimeDelta = TimeDelta::seconds(210);
/// Meters the ledger is asked about at once.
const ASKED: i64 = 500;

/// Meters with an open relay, each with its customer.
type Known = Vec<(Uuid, relay::Open)>;

impl Worker {
    /// Asks the ledger about every open relay. What it does not answer now is asked again in the next round.
    pub(super) async fn look_at_relays(&self, town: &Town, now: DateTime<Utc>) {
        if let Err(error) = self.relays(town, now).await {
            tracing::warn!(error = %chain(&error), code = ?error.code(), "open relays cannot be explained yet");
        }
    }

    async fn relays(&self, town: &Town, now: DateTime<Utc>) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let open = {
                let mut conn = self.connection().await?;
                relay::page(&mut conn, &after, ASKED).await?
            };
            let Some(last) = open.last() else { return Ok(()) };
            after.clone_from(&last.load);
            // Where nobody is known there is no case: it was told when it opened.
            let of = |one: relay::Open| Some((town.customer_of(&one.load)?, one));
            let known: Known = open.into_iter().filter_map(of).collect();
            let customers: Vec<Uuid> = known.iter().map(|(customer, _)| *customer).collect();
            let Some(cut) = self.desk.peers.cut(&customers).await else {
                return Ok(());
            };
            let spent = self.spent(&known).await?;
            let is_explained =
                |(customer, one): &(Uuid, relay::Open)| cut.contains(customer) || spent.contains(&one.load);
            let (explained, others): (Vec<_>, Vec<_>) = known.into_iter().partition(is_explained);
            self.weigh(town, (explained, others), now).await?;
        }
    }

    /// Those of these meters whose credit is used up: a reason of its own (operations.md O16).
    async fn spent(&self, known: &[(Uuid, relay::Open)]) -> Result<HashSet<String>, Error> {
        let mut spent = HashSet::new();
        for (_, one) in known {
            if self
                .desk
                .credit
                .used_up(&self.desk.db, &one.load)
                .await?
                .is_some()
            {
                spent.insert(one.load.clone());
            }
        }
        Ok(spent)
    }

    async fn weigh(
        &self,
        town: &Town,
        (explained, others): (Known, Known),
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let ids = |of: &[(Uuid, relay::Open)]| of.iter().map(|(_, one)| one.load.clone()).collect::<Vec<_>>();
        let mut work = Work::internal(&self.desk.db, "grouping", now).await?;
        let due = relay::weigh(work.conn(), (&ids(&explained), &ids(&others)), now - GRACE, now).await?;
        for (_, one) in others.iter().filter(|(_, one)| due.contains(&one.load)) {
            if let Some(load) = town.grid().load(&one.load) {
                let id = derived(one.evidence, &format!("still open\n{}", now.timestamp_micros()));
                tell_supply_off(&mut work, (id, now), &town.place_of(load), Relay::Lasting);
            }
        }
        work.done().await?;
        Ok(())
    }
}
