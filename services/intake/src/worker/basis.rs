//! Before meters alone make a fault the ledger is asked: a planned outage, a cut for debt or at the customer's own request
//! explains a meter that is off (operations.md O16, O17). Such a signal is kept and says nothing to the engine.

use std::collections::HashMap;

use uuid::Uuid;

use super::{SIGNALS, Worker};
use crate::{error::Error, store::evidence, topology::Town};

/// Most customers the ledger is asked about at once.
const ASKED: usize = 500;

impl Worker {
    /// Asks about every signal of a meter that is off and was not asked about. A ledger that does not answer in time explains
    /// nothing: the signal is weighed.
    pub(super) async fn explain(&self, town: &Town) -> Result<(), Error> {
        let signals = {
            let mut conn = self.connection().await?;
            evidence::unasked(&mut conn, SIGNALS).await?
        };
        if signals.is_empty() {
            return Ok(());
        }
        let mut of: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (signal, load) in &signals {
            if let Some(customer) = town.customer_of(load) {
                of.entry(customer).or_default().push(*signal);
            }
        }
        let mut explained = Vec::new();
        let customers: Vec<Uuid> = of.keys().copied().collect();
        for some in customers.chunks(ASKED) {
            let Some(known) = self
                .desk
                .peers
                .off_for_a_reason(some, self.desk.clock.now())
                .await
            else {
                break;
            };
            explained.extend(known.iter().flat_map(|customer| of[customer].clone()));
        }
        let asked: Vec<Uuid> = signals.into_iter().map(|(signal, _)| signal).collect();
        metrics::counter!("relight_signals_explained_total").increment(explained.len() as u64);
        let mut conn = self.connection().await?;
        evidence::asked(&mut conn, &asked, &explained).await
    }
}
