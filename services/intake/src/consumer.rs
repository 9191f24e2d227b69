//! What others tell: the registry of a new network, a switching or a changed customer, dispatch of orders that restored
//! supply. What notify tells is in `answers`.

mod answers;

pub use self::answers::FromNotify;

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use prost::Message;
use relight_common::{
    Code, Work,
    reader::{Consumer, Outcome},
    wire,
};
use relight_proto::events::v1::{CustomerChanged, Event, GridSwitched, WorkOrderStep};
use uuid::Uuid;

use crate::{
    check,
    desk::Desk,
    domain::{
        IncidentId,
        incident::{self, Incident},
        mind::Switching,
        signal::Heard,
        trip,
    },
    error::Error,
    store::{self, changed::EVERYBODY, evidence::Signal},
    worker,
};

/// Reads the registry. Wakes this process; the others look for a newer network and for changed customers themselves every minute,
/// and remember accounts for a minute only.
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

    async fn apply(&self, work: &mut Work, event: &Event, (): ()) -> Result<Outcome, Error> {
        match event.r#type.as_str() {
            "grid.versioned" => self.desk.atlas.look(),
            "grid.switched" => {
                switched(work, decode::<GridSwitched>(event)?).await?;
                self.desk.bell.notify_one();
            }
            "customer.changed" => {
                let (changed, now) = (decode::<CustomerChanged>(event)?, work.at());
                if let Ok(customer) = changed.customer_id.parse() {
                    self.desk.peers.forget(customer);
                    store::changed::note(work.conn(), customer, now).await?;
                    self.desk.atlas.changed(customer);
                }
            }
            "customers.changed" => {
                let now = work.at();
                self.desk.peers.forget_all();
                store::changed::note(work.conn(), EVERYBODY, now).await?;
                self.desk.atlas.all_changed(now);
            }
            _ => return Ok(Outcome::Unknown),
        }
        Ok(Outcome::Applied)
    }
}

async fn switched(work: &mut Work, told: GridSwitched) -> Result<(), Error> {
    // One without a version or time says nothing about any network.
    let (Ok(version), Ok(at)) = (told.grid_version.parse::<Uuid>(), wire::instant("at", told.at)) else {
        return Ok(());
    };
    let before = store::switching::tripped(work.conn()).await?;
    let tripped = trip::tripped(
        trip::Told {
            device: &told.device_id,
            is_closed: told.is_closed,
            seen_only: told.seen_only,
            opened: &told.opened,
        },
        &before,
    );
    let number = i64::try_from(told.state_no).unwrap_or(i64::MAX);
    if let Some(seen) = seen(&told, (&before, &tripped), (version, at)) {
        let now = work.at();
        store::evidence::insert(work.conn(), "registry", &[seen], now).await?;
    }
    let act = store::switching::Act {
        basis: wire::uuid_opt("basis_id", &told.basis_id)?,
        lost_set: Some(told.lost_set_id).filter(|set| !set.is_empty()),
        device: told.device_id,
        is_closed: told.is_closed,
    };
    let state = Switching {
        at,
        opened: told.opened,
        closed: told.closed,
    };
    store::switching::switched(work.conn(), (version, number), (&state, &act), &tripped).await
}

/// A device that trips, or is closed after it had, is evidence as if intake's own telemetry had seen it.
fn seen(
    told: &GridSwitched,
    (before, tripped): (&[String], &[String]),
    (version, at): (Uuid, DateTime<Utc>),
) -> Option<Signal> {
    let has = |ids: &[String]| ids.contains(&told.device_id);
    let heard = match (told.is_closed, has(before), has(tripped)) {
        (false, false, true) => Heard::ScadaOpen,
        (true, true, _) => Heard::ScadaClosed,
        _ => return None,
    };
    Some(Signal {
        external_id: format!("{version}:{}", told.state_no),
        heard,
        load: None,
        device: Some(told.device_id.clone()),
        at,
        incident: None,
    })
}

/// Reads dispatch. An incident closes when everybody has supply again, not when the order is archived: a report that
/// comes after that is a new fault. A call-back that finds somebody still off opens it again. Who was restored is
/// evidence: a report from there afterwards is about something else.
#[derive(Debug, Clone)]
pub struct FromDispatch {
    desk: Arc<Desk>,
}

impl FromDispatch {
    /// For this desk.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// The loads of a restored section, as the registry has it.
    async fn section(&self, set: &str) -> Result<Vec<String>, Error> {
        let Some(town) = self.desk.atlas.town().filter(|_| !set.is_empty()) else {
            return Ok(Vec::new());
        };
        let points = match self.desk.peers.members(set).await {
            Ok(points) => points,
            Err(status) if [Code::NotFound, Code::InvalidArgument].contains(&status.code()) => {
                tracing::warn!(
                    set.id = set,
                    "the registry does not know a restored section; nobody is taken as back"
                );
                return Ok(Vec::new());
            }
            Err(status) => {
                let asked = relight_common::Error::peer("the registry for a restored section");
                return Err(asked(status).into());
            }
        };
        let loads = points.into_iter().filter_map(|point| town.load_of(point));
        Ok(loads.map(|load| town.grid().load_id(load).to_owned()).collect())
    }

    /// The loads below the device of an incident.
    fn below(&self, incident: &Incident) -> Vec<String> {
        let town = self.desk.atlas.town();
        let found = town.as_ref().zip(incident.device.as_ref());
        let loads = found.and_then(|(town, device)| {
            let device = town.grid().device(&device.id)?;
            Some(town.grid().affected(device).dead_loads)
        });
        let name = |load| town.as_ref().map(|town| town.grid().load_id(load).to_owned());
        loads.unwrap_or_default().into_iter().filter_map(name).collect()
    }

    /// Whom the incident put out: those below its device and those who reported. False: no device says whom else.
    async fn affected(
        &self,
        work: &mut Work,
        incident: &Incident,
    ) -> Result<(BTreeSet<String>, bool), Error> {
        let mut affected: BTreeSet<String> = self.below(incident).into_iter().collect();
        let is_known = !affected.is_empty();
        affected.extend(store::incident::loads(work.conn(), incident.id).await?);
        Ok((affected, is_known))
    }

    async fn restore(
        &self,
        work: &mut Work,
        event: &Event,
        step: &WorkOrderStep,
        section: Vec<String>,
    ) -> Result<(), Error> {
        let Ok(id) = IncidentId::parse(&step.incident_id) else {
            return Ok(());
        };
        let Some(incident) = store::incident::lock(work.conn(), id).await? else {
            return Ok(());
        };
        let now = work.at();
        let at = wire::instant_opt("at", step.at)?.unwrap_or(now).min(now);
        let mut loads: BTreeSet<String> = section.into_iter().collect();
        let (affected, is_known) = self.affected(work, &incident).await?;
        if step.all || step.step == "restored" {
            loads.extend(affected.iter().cloned());
        }
        // Nobody is asked who was never off, whatever section was named.
        let mut asked = loads.clone();
        asked.retain(|load| !is_known || affected.contains(load));
        let restored = loads.into_iter().map(|load| Signal {
            external_id: format!("{}/{load}", event.id),
            heard: Heard::Restored,
            load: Some(load),
            device: None,
            at,
            incident: Some(id),
        });
        let restored: Vec<_> = restored.collect();
        check::draw(&self.desk, work, &event.id, &incident, &asked, at).await?;
        store::evidence::insert(work.conn(), "dispatch", &restored, now).await?;
        self.desk.bell.notify_one();
        Ok(())
    }
}

impl Consumer for FromDispatch {
    type Prepared = Vec<String>;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Vec<String>, Error> {
        if event.r#type != "workorder.step" {
            return Ok(Vec::new());
        }
        let step = decode::<WorkOrderStep>(event)?;
        let is_restoration = ["section_restored", "restored"].contains(&step.step.as_str());
        if is_restoration && !step.all && !step.incident_id.is_empty() {
            self.section(&step.restored_set_id).await
        } else {
            Ok(Vec::new())
        }
    }

    async fn apply(&self, work: &mut Work, event: &Event, section: Vec<String>) -> Result<Outcome, Error> {
        if event.r#type != "workorder.step" {
            return Ok(Outcome::Unknown);
        }
        let step = decode::<WorkOrderStep>(event)?;
        if ["section_restored", "restored"].contains(&step.step.as_str()) {
            self.restore(work, event, &step, section).await?;
        }
        let Some(what) = meaning(&step) else {
            return Ok(Outcome::Applied);
        };
        let Ok(id) = IncidentId::parse(&step.incident_id) else {
            return Ok(Outcome::Applied);
        };
        match worker::apply(work, id, what).await {
            Ok(_) | Err(Error::Refused(_)) => Ok(Outcome::Applied),
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
