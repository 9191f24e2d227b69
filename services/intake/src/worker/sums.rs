//! What the changed incidents add up to: what was known of them and what came, or anew from their reports when some moved.

use std::collections::{BTreeMap, BTreeSet};

use relight_common::Work;
use uuid::Uuid;

use crate::{
    domain::{
        IncidentId,
        facts::{Facts, Moves, Reporters, Total, Totals},
        incident::{Incident, State},
    },
    error::Error,
    store,
};

/// The sums of one pass.
pub(super) struct Sums {
    totals: BTreeMap<IncidentId, Total>,
    /// Added up anew: who reported is read once their reports are where they belong.
    anew: Vec<Uuid>,
}

impl Sums {
    /// Adds up before anything is stored.
    pub(super) async fn new(work: &mut Work, known: &mut Totals, moves: Moves<'_>) -> Result<Self, Error> {
        let (changed, homes) = (moves.changed, moves.homes.clone());
        let (mut totals, mut anew) = (BTreeMap::new(), BTreeSet::new());
        for (id, total) in known.after(moves) {
            match total {
                Some(total) => drop(totals.insert(id, total)),
                None => drop(anew.insert(id)),
            }
        }
        if !anew.is_empty() {
            let gone = changed.values().filter_map(|row| match row.state {
                State::Merged(into) if anew.contains(&into) => Some((row.id, into)),
                State::Merged(_) | State::Open | State::Closed(_) => None,
            });
            let (lives, gone): (Vec<_>, Vec<_>) = (anew.iter().copied().collect(), gone.collect());
            let facts = store::grouping::facts(work.conn(), &lives, &homes, &gone).await?;
            let mine = facts.into_iter().filter(|(id, _)| anew.contains(id));
            totals.extend(mine.map(|(id, facts)| (id, Total::from(facts))));
        }
        metrics::counter!("relight_incidents_added_up_anew_total").increment(anew.len() as u64);
        Ok(Self {
            totals,
            anew: anew.into_iter().map(IncidentId::uuid).collect(),
        })
    }

    pub(super) fn facts(&self, id: IncidentId) -> Option<&Facts> {
        self.totals.get(&id)?.facts.as_ref()
    }

    /// Reads who reported what was added up anew.
    pub(super) async fn complete(&mut self, work: &mut Work) -> Result<(), Error> {
        if self.anew.is_empty() {
            return Ok(());
        }
        for (id, reporters) in store::incident::reporters(work.conn(), &self.anew).await? {
            self.totals.entry(id).or_default().reporters = reporters;
        }
        Ok(())
    }

    /// Nobody of what was merged: its reports went.
    pub(super) fn reporters(&self, id: IncidentId) -> Option<&Reporters> {
        self.totals.get(&id).map(|total| &total.reporters)
    }

    /// Leaves what is open to the next pass.
    pub(super) fn keep(mut self, saved: &[Incident], known: &mut Totals) {
        for row in saved.iter().filter(|row| row.state == State::Open) {
            known.keep(row.id, self.totals.remove(&row.id).unwrap_or_default());
        }
    }
}
