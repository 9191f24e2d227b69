//! What dispatch tells: the work order of an outage, who has it, and that its crew is at work. A crew that arrives is
//! checked in: supply does not return before it has cleared (operations.md O2). Nothing else moves an outage by itself.

use relight_common::{
    Db, Work,
    reader::{Consumer, Outcome},
    wire,
};
use relight_proto::events::v1::{EtrChanged, Event, WorkOrderStep};
use serde_json::json;
use uuid::Uuid;

use super::decode;
use crate::{
    desk::{fault, step::save},
    domain::{ids::OutageId, outage::State, reliability::End},
    error::Error,
    peers::Others,
    store::{crew, leader, outage, reliability},
};

/// Applies the events of dispatch.
#[derive(Debug, Clone)]
pub struct FromDispatch {
    db: Db,
    others: Others,
}

impl FromDispatch {
    /// Asks `others` who is back.
    pub fn new(db: Db, others: Others) -> Self {
        Self { db, others }
    }

    /// The important customers of a section that is back, where some of its fault are still to answer.
    async fn back(&self, step: &WorkOrderStep) -> Result<Vec<Uuid>, Error> {
        let set = wire::uuid_opt("restored_set_id", &step.restored_set_id)?;
        let incident = wire::uuid_opt("incident_id", &step.incident_id)?;
        let (Some(set), Some(incident)) = (set, incident) else {
            return Ok(Vec::new());
        };
        let mut conn = (self.db.pool().acquire().await).map_err(Error::db("get a connection"))?;
        let open = reliability::of_incident(&mut conn, incident).await?;
        drop(conn);
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.others.important(set).await?;
        Ok(found.into_iter().map(|hit| hit.customer).collect())
    }
}

impl Consumer for FromDispatch {
    type Prepared = Vec<Uuid>;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Vec<Uuid>, Error> {
        if event.r#type != "workorder.step" {
            return Ok(Vec::new());
        }
        let step: WorkOrderStep = decode(event)?;
        self.back(&step).await
    }

    async fn apply(&self, work: &mut Work, event: &Event, back: Vec<Uuid>) -> Result<Outcome, Error> {
        match event.r#type.as_str() {
            "workorder.step" => {
                let step: WorkOrderStep = decode(event)?;
                if step.kind == "planned" {
                    taken(work, &step).await?;
                } else if !back.is_empty() {
                    let incident = wire::uuid("incident_id", &step.incident_id)?;
                    let at = wire::instant("at", step.at)?;
                    fault::over(work, incident, Some(&back), (End::Restored, at)).await?;
                }
                Ok(Outcome::Applied)
            }
            "etr.changed" => {
                let told: EtrChanged = decode(event)?;
                if let Some(incident) = wire::uuid_opt("incident_id", &told.incident_id)? {
                    let etr_at = wire::instant_opt("etr_at", told.etr_at)?;
                    fault::estimated(work, incident, etr_at.filter(|_| !told.withdrawn)).await?;
                }
                Ok(Outcome::Applied)
            }
            "workorder.alarm" | "crew.changed" => Ok(Outcome::Applied),
            _ => Ok(Outcome::Unknown),
        }
    }
}

async fn taken(work: &mut Work, step: &WorkOrderStep) -> Result<(), Error> {
    let mut one = outage::lock(work.conn(), OutageId::parse(&step.subject_id)?).await?;
    if one.life.state.is_over() {
        return Ok(());
    }
    match (step.step.as_str(), step.crew_id.as_str()) {
        ("returned" | "unit_lapsed" | "crew_lapsed" | "withdrawn", _) => {
            crew::note(work.conn(), one.id, None).await?;
        }
        (_, "") => {}
        (_, id) => crew::note(work.conn(), one.id, Some(wire::uuid("crew_id", id)?)).await?,
    }
    let crew = match step.step.as_str() {
        // It went back to a desk: nobody has it.
        "returned" | "unit_lapsed" | "crew_lapsed" | "withdrawn" => "",
        _ if step.crew_name.is_empty() => one.crew_name.as_str(),
        _ => step.crew_name.as_str(),
    };
    let crew = crew.to_owned();
    let arrived = step.step == "arrived" && !crew.is_empty() && may_be_at_work(one.life.state);
    if !arrived && one.order_number == step.number && one.crew_name == crew {
        return Ok(());
    }
    (one.order_number, one.crew_name) = (step.number.clone(), crew);
    if arrived {
        let at = work.at();
        let who = (one.order_number.as_str(), one.crew_name.as_str());
        let crew = wire::uuid_opt("crew_id", &step.crew_id)?;
        leader::check_in(work.conn(), one.id, who, crew, at).await?;
        let detail = json!({ "team": one.order_number, "order_id": step.order_id });
        work.audit("outage.checked_in", one.id, detail);
    }
    save(work, &mut one).await
}

/// On the spot from shortly before the start until supply is back.
fn may_be_at_work(state: State) -> bool {
    matches!(state, State::Noticed | State::Ready) || state.is_off()
}
