//! Who depends on life-support and lies in a confirmed set is called at once, reported or not, and also when that becomes known only
//! while they are off (operations.md O8).

use relight_common::{Code, Coded, Work, error::chain};
use serde_json::json;

use super::{Worker, apply};
use crate::{
    domain::{IncidentId, incident::Event},
    error::Error,
    news,
    store::set_call,
    topology::Town,
};

/// Incidents looked up in one pass.
const BATCH: i64 = 50;

impl Worker {
    /// Wants the people of newly confirmed sets called. What cannot be looked up now is tried again in the next pass.
    pub(super) async fn call_out(&self, town: &Town) {
        if let Err(error) = self.look_up(town).await {
            tracing::warn!(error = %chain(&error), code = ?error.code(),
                "people on life-support in a confirmed set cannot be looked up yet");
        }
    }

    async fn look_up(&self, town: &Town) -> Result<(), Error> {
        let missing = {
            let mut conn = self.connection().await?;
            set_call::missing(&mut conn, BATCH).await?
        };
        for (incident, set) in missing {
            let members = match self.desk.peers.members(&set).await {
                Ok(members) => members,
                // A set that does not exist has nobody in it.
                Err(status) if status.code() == Code::NotFound => Vec::new(),
                Err(status) => {
                    let asked = relight_common::Error::peer("the registry for the people of a set");
                    return Err(asked(status).into());
                }
            };
            self.want(incident, &set, &town.on_life_support(&members)).await?;
        }
        Ok(())
    }

    async fn want(&self, incident: IncidentId, set: &str, people: &[set_call::Person]) -> Result<(), Error> {
        let mut work = Work::internal(&self.desk.db, "grouping", self.desk.clock.now()).await?;
        if !people.is_empty() {
            match apply(&mut work, incident, Event::OnLifeSupport).await {
                // It ended meanwhile.
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let now = work.at();
        let new = set_call::want(work.conn(), (incident, set), people, now).await?;
        for person in people.iter().filter(|person| new.contains(&person.customer)) {
            news::tell_set_call_wanted(&mut work, incident, person);
        }
        work.audit("incident.calls_wanted", incident, json!({ "new": new.len() }));
        work.done().await?;
        Ok(())
    }
}
