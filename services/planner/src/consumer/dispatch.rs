//! What dispatch tells: the work order of an outage, who has it, and that its crew is at work. A crew that arrives is
//! checked in: supply does not return before it has cleared (operations.md O2). Nothing else moves an outage by itself.

use relight_common::{
    Work,
    reader::{Consumer, Outcome},
    wire,
};
use relight_proto::events::v1::{Event, WorkOrderStep};
use serde_json::json;

use super::decode;
use crate::{
    desk::step::save,
    domain::{ids::OutageId, outage::State},
    error::Error,
    store::{crew, leader, outage},
};

/// Applies the events of dispatch.
#[derive(Debug, Clone, Copy)]
pub struct FromDispatch;

impl Consumer for FromDispatch {
    type Prepared = ();
    type Error = Error;

    async fn prepare(&self, _event: &Event) -> Result<(), Error> {
        Ok(())
    }

    async fn apply(&self, work: &mut Work, event: &Event, (): ()) -> Result<Outcome, Error> {
        match event.r#type.as_str() {
            "workorder.step" => {
                let step: WorkOrderStep = decode(event)?;
                if step.kind == "planned" {
                    taken(work, &step).await?;
                }
                Ok(Outcome::Applied)
            }
            "workorder.alarm" | "crew.changed" | "etr.changed" => Ok(Outcome::Applied),
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
