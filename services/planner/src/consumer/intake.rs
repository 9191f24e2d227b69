//! What intake tells of incidents: important customers whom a confirmed fault switched off are told and asked to answer
//! (operations.md O23). A guess is told to nobody (O18).

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{
    Clock, Db, Work,
    reader::{Consumer, Outcome},
    wire,
};
use relight_policy::Pack;
use relight_proto::events::v1::{Event, IncidentChanged};
use uuid::Uuid;

use super::decode;
use crate::{
    desk::fault::{self as desk, Fault},
    domain::reliability::End,
    error::Error,
    peers::Others,
    store::fault,
};

/// A notice is worth nothing later than this after supply failed: whoever reads old events wakes nobody.
const NEWS: TimeDelta = TimeDelta::hours(12);

/// Applies the events of intake.
#[derive(Debug, Clone)]
pub struct FromIntake {
    db: Db,
    clock: Clock,
    others: Others,
    pack: Pack,
}

/// What an event means for warnings.
#[derive(Debug)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// Supply failed there, and these are without.
    Confirmed(Fault),
    /// It is part of another incident.
    Merged(Uuid, Uuid),
    /// It is over.
    Over(Uuid, (End, DateTime<Utc>)),
}

impl FromIntake {
    /// Asks `others` who is important; the law comes from `pack`.
    pub fn new(db: Db, clock: Clock, others: Others, pack: Pack) -> Self {
        Self {
            db,
            clock,
            others,
            pack,
        }
    }

    /// The affected set is asked for once, not with every report that follows.
    async fn confirmed(&self, event: &Event, told: IncidentChanged) -> Result<Found, Error> {
        let incident = wire::uuid("incident_id", &told.incident_id)?;
        let set = wire::uuid("affected_set_id", &told.affected_set_id)?;
        let since_at = wire::instant("off_at", told.off_at.or(told.accepted_at).or(event.time))?;
        let mut conn = (self.db.pool().acquire().await).map_err(Error::db("get a connection"))?;
        let known = fault::known(&mut conn, incident).await?;
        drop(conn);
        if known.set == Some(set) || self.clock.now() - since_at > NEWS {
            return Ok(Found::Nothing);
        }
        Ok(Found::Confirmed(Fault {
            incident,
            set,
            device_id: told.device_id,
            since_at,
            switched_at: wire::instant_opt("switched_at", told.switched_at)?,
            org_path: event.org_path.clone(),
            zone: told.zone,
            important: self.others.important(set).await?,
        }))
    }
}

/// How it ended: back, or never a fault.
fn over(event: &Event, told: &IncidentChanged) -> Result<Found, Error> {
    let how = match told.closed_because.as_str() {
        "supply_found" | "no_evidence" => End::Gone,
        _ => End::Restored,
    };
    let at = wire::instant("time", event.time)?;
    Ok(Found::Over(
        wire::uuid("incident_id", &told.incident_id)?,
        (how, at),
    ))
}

impl Consumer for FromIntake {
    type Prepared = Found;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Found, Error> {
        if event.r#type != "incident.changed" {
            return Ok(Found::Nothing);
        }
        let told: IncidentChanged = decode(event)?;
        match told.state.as_str() {
            "open" if told.confirmed && !told.affected_set_id.is_empty() => self.confirmed(event, told).await,
            "merged" => Ok(Found::Merged(
                wire::uuid("incident_id", &told.incident_id)?,
                wire::uuid("merged_into", &told.merged_into)?,
            )),
            "closed" => over(event, &told),
            _ => Ok(Found::Nothing),
        }
    }

    async fn apply(&self, work: &mut Work, _event: &Event, found: Found) -> Result<Outcome, Error> {
        match found {
            Found::Nothing => {}
            Found::Confirmed(found) => desk::confirmed(work, &self.pack, &found).await?,
            Found::Merged(incident, into) => desk::merged(work, incident, into).await?,
            Found::Over(incident, how) => desk::over(work, incident, None, how).await?,
        }
        // Reports, restorations and what else intake tells are nothing to a planner.
        Ok(Outcome::Applied)
    }
}
