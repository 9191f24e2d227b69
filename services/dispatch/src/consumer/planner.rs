//! What the planner tells: planned and temporary outages open, move and end orders.

use prost::Message;
use relight_common::{
    Invalid, Work,
    reader::{Consumer, Outcome},
    wire,
};
use relight_policy::{AreaClass, Pack};
use relight_proto::events::v1::{Event, OutageChanged, OutageStep};

use crate::{
    desk,
    domain::{
        ids::SubjectId,
        place::Place,
        subject::{Subject, What},
    },
    error::Error,
    store::order,
};

/// Class of a safety switch-off.
const SAFETY: &str = "SAFETY";

/// Applies the events of the planner.
#[derive(Debug, Clone)]
pub struct FromPlanner {
    pack: Pack,
}

impl FromPlanner {
    /// Offers get their limits from `pack`.
    pub fn new(pack: Pack) -> Self {
        Self { pack }
    }
}

impl Consumer for FromPlanner {
    type Prepared = ();
    type Error = Error;

    async fn prepare(&self, _event: &Event) -> Result<(), Error> {
        Ok(())
    }

    async fn apply(&self, work: &mut Work, event: &Event, (): ()) -> Result<Outcome, Error> {
        match event.r#type.as_str() {
            "outage.changed" => {
                let told = OutageChanged::decode(event.data.as_slice())
                    .map_err(|error| relight_common::Error::Decode("an event's payload", error))?;
                // What was switched off because of danger has its incident: its work is that incident's order.
                if told.class == SAFETY {
                    return Ok(Outcome::Applied);
                }
                desk::take_subject(work, &self.pack, &read(event, told)?).await?;
                Ok(Outcome::Applied)
            }
            "outage.step" => {
                let step = OutageStep::decode(event.data.as_slice())
                    .map_err(|error| relight_common::Error::Decode("an event's payload", error))?;
                let subject = SubjectId::parse(&step.outage_id)?;
                order::note_restored(work.conn(), subject, step.restored_count).await?;
                Ok(Outcome::Applied)
            }
            "outage.notice" | "outage.alarm" | "contact.wrong" => Ok(Outcome::Applied),
            _ => Ok(Outcome::Unknown),
        }
    }
}

fn read(event: &Event, told: OutageChanged) -> Result<Subject, Invalid> {
    Ok(Subject {
        id: SubjectId::parse(&told.outage_id)?,
        what: What::Outage,
        version: super::version(event)?,
        stopped: false,
        org_path: event.org_path.clone(),
        plan_no: i32::try_from(told.plan_no).map_err(|_| Invalid::new("plan_no", "must fit in 31 bits"))?,
        off_at: Some(wire::instant("off_at", told.off_at)?),
        on_at: Some(wire::instant("on_at", told.on_at)?),
        reconnect_by: None,
        began_at: wire::instant_opt("switched_off_at", told.switched_off_at)?,
        ended_at: wire::instant_opt("restored_at", told.restored_at)?,
        device_id: told.device_ids.join(", "),
        affected_count: told.affected_count,
        place: told
            .position
            .map(|point| wire::point("position", point))
            .transpose()?
            .map(|(lon, lat)| Place { lon, lat }),
        area: AreaClass::Urban,
        number: told.number,
        state: told.state,
        zone: told.zone,
        line: told.line,
        affected_set_id: told.affected_set_id,
    })
}
