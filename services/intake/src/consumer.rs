//! What others tell: the registry of a new network or a changed customer, dispatch of orders that restored supply.

use std::sync::Arc;

use prost::Message;
use relight_common::{
    Work,
    reader::{Consumer, Outcome},
};
use relight_proto::events::v1::{CustomerChanged, Event, WorkOrderStep};

use crate::{
    desk::Desk,
    domain::{
        IncidentId,
        incident::{self, Refusal},
    },
    error::Error,
    worker,
};

/// Reads the registry. Wakes this process; the others look for a newer network themselves every minute, and remember
/// accounts for a minute only.
#[derive(Debug)]
pub struct FromRegistry {
    desk: Arc<Desk>,
}

impl FromRegistry {
    /// For this desk.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }
}

impl Consumer for FromRegistry {
    type Prepared = ();
    type Error = Error;

    async fn prepare(&self, _: &Event) -> Result<(), Error> {
        Ok(())
    }

    async fn apply(&self, _: &mut Work, event: &Event, (): ()) -> Result<Outcome, Error> {
        match event.r#type.as_str() {
            "grid.versioned" => self.desk.atlas.look(),
            "customer.changed" => {
                let changed = decode::<CustomerChanged>(event)?;
                if let Ok(customer) = changed.customer_id.parse() {
                    self.desk.peers.forget(customer);
                }
            }
            _ => return Ok(Outcome::Unknown),
        }
        Ok(Outcome::Applied)
    }
}

/// Reads dispatch. An incident closes when everybody has supply again, not when the order is archived: a report that
/// comes after that is a new fault. A call-back that finds somebody still off opens it again.
#[derive(Debug, Clone, Copy)]
pub struct FromDispatch;

impl Consumer for FromDispatch {
    type Prepared = ();
    type Error = Error;

    async fn prepare(&self, _: &Event) -> Result<(), Error> {
        Ok(())
    }

    async fn apply(&self, work: &mut Work, event: &Event, (): ()) -> Result<Outcome, Error> {
        if event.r#type != "workorder.step" {
            return Ok(Outcome::Unknown);
        }
        let step = decode::<WorkOrderStep>(event)?;
        let Some(what) = meaning(&step) else {
            return Ok(Outcome::Applied);
        };
        let Ok(id) = IncidentId::parse(&step.incident_id) else {
            return Ok(Outcome::Applied);
        };
        match worker::apply(work, id, what).await {
            Ok(_) | Err(Error::Refused(Refusal::Merged(_) | Refusal::Closed(_))) => Ok(Outcome::Applied),
            Err(error) => Err(error),
        }
    }
}

fn meaning(step: &WorkOrderStep) -> Option<incident::Event> {
    match step.step.as_str() {
        "restored" | "section_restored" if step.all => Some(incident::Event::Close("restored")),
        "restored" => Some(incident::Event::Close("restored")),
        "archived" => Some(incident::Event::Close("archived")),
        "called_back" if step.call_back_result == "still_off" => Some(incident::Event::Reopen),
        _ => None,
    }
}

fn decode<M: Message + Default>(event: &Event) -> Result<M, Error> {
    let decoded = M::decode(event.data.as_slice());
    decoded.map_err(|error| relight_common::Error::Decode("an event's payload", error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_of_an_order_means_for_the_incident() {
        use incident::Event::{Close, Reopen};
        let cases = [
            ("restored", true, "", Some(Close("restored"))),
            ("restored", false, "", Some(Close("restored"))),
            ("section_restored", true, "", Some(Close("restored"))),
            ("section_restored", false, "", None),
            ("archived", false, "", Some(Close("archived"))),
            ("called_back", false, "still_off", Some(Reopen)),
            ("called_back", false, "satisfied", None),
            ("en_route", false, "", None),
            ("withdrawn", false, "", None),
            ("a step of a later release", true, "", None),
        ];
        for (step, all, result, right) in cases {
            let told = WorkOrderStep {
                step: step.to_owned(),
                all,
                call_back_result: result.to_owned(),
                ..Default::default()
            };
            assert_eq!(meaning(&told), right, "{step} {all} {result}");
        }
    }
}
