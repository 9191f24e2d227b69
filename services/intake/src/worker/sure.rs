//! Guesses that meters or telemetry make facts (O18): the registry is asked who is off, then the device is confirmed.

use relight_common::{Coded, Work, error::chain};

use super::{Held, Worker};
use crate::{
    domain::{
        IncidentId,
        incident::{Confirmer, State},
    },
    error::Error,
    rpc::confirm,
    store::{self, evidence::Decided},
};

impl Worker {
    /// Confirms what is sure. What cannot be confirmed now is tried again in the next pass.
    pub(super) async fn make_sure(&self, held: &mut Held) {
        for (id, device) in std::mem::take(&mut held.sure) {
            if let Err(error) = self.confirm(id, &device).await {
                tracing::warn!(error = %chain(&error), code = ?error.code(), incident.id = %id,
                    "meters cannot confirm the device yet");
                if error.code() == relight_common::Code::Unavailable {
                    held.sure.insert(id, device);
                }
            }
        }
    }

    async fn confirm(&self, id: IncidentId, device: &str) -> Result<(), Error> {
        let set = confirm::affected_set(&self.desk, device).await?;
        let mut work = Work::internal(&self.desk.db, "grouping", self.desk.clock.now()).await?;
        let now = store::incident::lock(work.conn(), id).await?;
        let still = now.is_some_and(|incident| {
            let named = incident.device.as_ref().map(|device| device.id.as_str());
            incident.state == State::Open && incident.confirmed.is_none() && named == Some(device)
        });
        if !still {
            return Ok(());
        }
        let event = confirm::event(&self.desk, device.to_owned(), Confirmer::Meter, set);
        let Some(incident) = super::apply(&mut work, id, event).await? else {
            return Ok(());
        };
        let decided = Decided::by_people(id, work.at(), "confirmed", Some(device.to_owned()));
        store::evidence::decide(work.conn(), &decided).await?;
        work.audit(
            "incident.confirmed",
            id,
            serde_json::json!({ "device": device, "by": "meter", "version": incident.version }),
        );
        work.done().await?;
        self.desk.bell.notify_one();
        Ok(())
    }
}
