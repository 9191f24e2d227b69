//! Whom a confirmed fault keeps off follows the switching, whatever that was done for (domain.md 5.5 no. 13): who is fed another way
//! leaves its affected set at the moment of the switching, who hangs on it only now joins it. The ledger ends and opens their records,
//! and they are told.

use std::collections::HashMap;

use relight_common::{Code, Coded, Work, error::chain};
use relight_grid::LoadIx;
use serde_json::json;

use super::Worker;
use crate::{
    domain::{
        fed::{self, Fault, Loads, Switched},
        incident::{Confirmation, Event, Incident},
        mind::Fed,
    },
    error::Error,
    store::{self, switching::Turn},
    topology::Town,
};

/// Switchings followed in one pass.
const TURNS: i64 = 20;

/// Who was off and is fed another way, and who is off again.
fn ways(before: &Loads, left: &Loads) -> Vec<(LoadIx, bool)> {
    let fed = before.difference(left).map(|load| (*load, true));
    fed.chain(left.difference(before).map(|load| (*load, false)))
        .collect()
}

/// Loads of sets that were asked for.
type Sets = HashMap<String, Loads>;

/// What one incident becomes by a switching.
struct Change {
    left: Loads,
    /// Who is fed another way, and who is not any more.
    fed: Vec<(LoadIx, bool)>,
    was: String,
    /// The set its members are all of.
    within: Option<String>,
}

impl Worker {
    /// Lets confirmed incidents follow the switchings. What cannot be asked now is tried again in the next pass.
    pub(super) async fn follow(&self, town: &Town) {
        if let Err(error) = self.follow_all(town).await {
            tracing::warn!(error = %chain(&error), code = ?error.code(),
                "confirmed incidents cannot follow the switching yet");
        }
    }

    async fn follow_all(&self, town: &Town) -> Result<(), Error> {
        let turns = {
            let mut conn = self.connection().await?;
            store::switching::unfollowed(&mut conn, TURNS).await?
        };
        let mut sets = Sets::new();
        let last = turns.len().saturating_sub(1);
        for (n, turn) in turns.iter().enumerate() {
            let confirmed = {
                let mut conn = self.connection().await?;
                store::incident::confirmed(&mut conn).await?
            };
            // Who confirmed it later was told how the network was switched then.
            let follows = |by: &Confirmation| n == last || by.at < turn.state.at;
            for incident in confirmed
                .iter()
                .filter(|one| one.confirmed.as_ref().is_some_and(follows))
            {
                self.follow_one(town, turn, incident, &mut sets).await?;
            }
            let mut conn = self.connection().await?;
            store::switching::followed(&mut conn, turn.key).await?;
        }
        Ok(())
    }

    async fn follow_one(
        &self,
        town: &Town,
        turn: &Turn,
        incident: &Incident,
        sets: &mut Sets,
    ) -> Result<(), Error> {
        let Some(change) = self.change(town, turn, incident, sets).await? else {
            return Ok(());
        };
        let points = change
            .left
            .iter()
            .map(|load| town.grid().load_id(*load).to_owned());
        let set = self
            .desk
            .peers
            .set_of(points.collect(), change.within.as_deref())
            .await;
        let set = set.map_err(relight_common::Error::peer(
            "the registry for who is fed another way",
        ))?;
        let mut work = Work::internal(&self.desk.db, "grouping", self.desk.clock.now()).await?;
        let event = Event::Followed {
            was: change.was,
            set_id: set.set_id.clone(),
            count: set.count,
            at: turn.state.at,
        };
        match super::apply(&mut work, incident.id, event).await {
            // Merged or over meanwhile.
            Ok(None) | Err(Error::Refused(_)) => return Ok(()),
            Err(error) => return Err(error),
            Ok(Some(_)) => {}
        }
        let fed = change.fed.iter().map(|(load, is_fed)| {
            store::ways::signal(&Fed {
                load: town.grid().load_id(*load).to_owned(),
                incident: incident.id,
                at: turn.state.at,
                is_fed: *is_fed,
            })
        });
        let (fed, now): (Vec<_>, _) = (fed.collect(), work.at());
        store::evidence::insert(work.conn(), store::ways::SWITCHING, &fed, now).await?;
        work.audit(
            "incident.followed_switching",
            incident.id,
            json!({ "device": turn.act.device, "closed": turn.act.is_closed, "set": set.set_id, "count": set.count }),
        );
        work.done().await?;
        Ok(())
    }

    /// Who is off because of the incident as it is switched now; none when they are the same.
    async fn change(
        &self,
        town: &Town,
        turn: &Turn,
        incident: &Incident,
        sets: &mut Sets,
    ) -> Result<Option<Change>, Error> {
        let device = incident
            .device
            .as_ref()
            .and_then(|device| town.grid().device(&device.id));
        let (Some(device), Some(affected), Some(by)) = (device, &incident.affected, &incident.confirmed)
        else {
            return Ok(None);
        };
        let begin = affected
            .followed
            .as_ref()
            .map_or(&affected.set_id, |known| &known.confirmed_set);
        let now = self.loads(town, &affected.set_id, sets).await?;
        let begin_loads = self.loads(town, begin, sets).await?;
        let (Some(now), Some(begin_loads)) = (now, begin_loads) else {
            return Ok(None);
        };
        let mut known: Loads = now.union(&begin_loads).copied().collect();
        if let Some(lost) = turn
            .act
            .lost_set
            .as_ref()
            .filter(|_| turn.act.basis == Some(incident.id.uuid()))
        {
            known.extend(self.loads(town, lost, sets).await?.unwrap_or_default());
        }
        let mut conn = self.connection().await?;
        let span = (by.at, turn.state.at);
        let closed_again =
            store::switching::closed_again(&mut conn, town.grid().device_id(device), span).await?;
        drop(conn);
        let switched = Switched::of(town.grid(), &turn.state.opened, &turn.state.closed);
        let fault = Fault {
            device,
            closed_again,
            known: &known,
        };
        let left = fed::still_off(town.grid(), &switched, fault);
        Ok((left != now).then(|| Change {
            within: left.is_subset(&begin_loads).then(|| begin.clone()),
            was: affected.set_id.clone(),
            fed: ways(&now, &left),
            left,
        }))
    }

    /// The loads of a stored set that are in this network; none when the registry does not know the set.
    async fn loads(&self, town: &Town, set: &str, sets: &mut Sets) -> Result<Option<Loads>, Error> {
        if let Some(known) = sets.get(set) {
            return Ok(Some(known.clone()));
        }
        let points = match self.desk.peers.members(set).await {
            Ok(points) => points,
            Err(status) if [Code::NotFound, Code::InvalidArgument].contains(&status.code()) => {
                return Ok(None);
            }
            Err(status) => {
                let asked = relight_common::Error::peer("the registry for the members of a set");
                return Err(asked(status).into());
            }
        };
        let loads: Loads = points
            .into_iter()
            .filter_map(|point| town.load_of(point))
            .collect();
        sets.insert(set.to_owned(), loads.clone());
        Ok(Some(loads))
    }
}
