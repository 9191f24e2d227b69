//! Planned outages: everybody in the affected set is off from the moment of switching until their section is back.

use std::collections::{BTreeMap, BTreeSet};

use relight_common::{Invalid, Work, ids::derived, wire};
use relight_proto::events::v1::{Event, OutageChanged, OutageStep};
use uuid::Uuid;

use super::{IncidentState, decode};
use crate::{
    domain::{
        class::Class,
        opening::State,
        record::{CustomerId, IncidentId, Instant, StepId},
        restoring::{Restoration, Who},
    },
    error::Error,
    ledger,
    store::{records, view},
};

/// Cause of every record of an outage of this class.
fn cause_of(class: Class) -> &'static str {
    match class {
        Class::Safety => "safety",
        _ => "planned",
    }
}

/// `outage.changed` of one that was switched off.
pub(super) struct Told {
    pub(super) state: IncidentState,
    /// When people are told supply is back; nobody may know when it was switched off because of danger.
    on_at: Option<Instant>,
    /// What its crew is doing, in the words of orders.
    doing: &'static str,
}

/// What `event` means for the ledger; `None` while supply is still on.
pub(super) fn read(event: &Event) -> Result<Option<Told>, Error> {
    let told: OutageChanged = decode(event)?;
    let Some(off_at) = wire::instant_opt("switched_off_at", told.switched_off_at)? else {
        return Ok(None);
    };
    let state = IncidentState {
        id: IncidentId::parse(&told.outage_id)?,
        version: i64::try_from(event.version).map_err(|_| Invalid::new("version", "must be below 2^63"))?,
        state: if told.state == "archived" {
            State::Closed
        } else {
            State::Open
        },
        confirmed: true,
        affected_set: wire::uuid_opt("affected_set_id", &told.affected_set_id)?,
        off_at,
        position: told.position.map(|at| wire::point("position", at)).transpose()?,
        reporters: BTreeMap::new(),
        told_at: wire::instant("time", event.time)?,
        closed_because: String::new(),
        switched_at: None,
        opened: told.device_ids.clone(),
        class: class(&told.class)?,
        org_path: event.org_path.clone(),
        device_id: told.device_ids.first().cloned().unwrap_or_default(),
        device_kind: String::new(),
        number: told.number,
        zone: told.zone,
    };
    Ok(Some(Told {
        state,
        on_at: wire::instant_opt("on_at", told.on_at)?,
        doing: doing(&told.state),
    }))
}

fn class(word: &str) -> Result<Class, Invalid> {
    match word {
        "PLANNED" => Ok(Class::Planned),
        "TEMPORARY" => Ok(Class::Temporary),
        "SAFETY" => Ok(Class::Safety),
        _ => Err(Invalid::new("class", "must be PLANNED, TEMPORARY or SAFETY")),
    }
}

fn doing(state: &str) -> &'static str {
    match state {
        "working" | "restoring" => "repairing",
        "restored" => "restored",
        "archived" => "archived",
        _ => "arrived",
    }
}

/// Opens the records with the first state that is off, and keeps the announced end as the estimate.
pub(super) async fn changed(
    work: &mut Work,
    cause: Uuid,
    event: &Event,
    members: Option<BTreeSet<CustomerId>>,
) -> Result<(), Error> {
    let Some(told) = read(event)? else { return Ok(()) };
    ledger::take_state(work, cause, &told.state, members.map(Into::into)).await?;
    let reason = cause_of(told.state.class);
    view::note_order(work.conn(), told.state.id, told.doing, reason).await?;
    view::note_etr(work.conn(), told.state.id, told.on_at, reason).await
}

/// Supply is back to a section or to all. The state that switched it off came before: same aggregate, same partition.
pub(super) async fn step(
    work: &mut Work,
    cause: Uuid,
    told: &OutageStep,
    members: Option<BTreeSet<CustomerId>>,
) -> Result<(), Error> {
    let id = IncidentId::parse(&told.outage_id)?;
    let who = match (told.all, members) {
        (true, _) => Who::All,
        (false, Some(members)) => Who::These(members),
        (false, None) => {
            let must = "must name a set, or `all` must be true";
            return Err(Invalid::new("restored_set_id", must).into());
        }
    };
    let at = wire::instant("at", told.at)?;
    view::lock(work.conn(), id).await?;
    if told.step == "handed_over" {
        // The faults go on from the very instant at which the plan ends, however much later they were reported.
        records::begin_behind(work.conn(), id, at).await?;
    }
    if who == Who::All {
        view::note_all_restored(work.conn(), id, at).await?;
    }
    let step = StepId::from_uuid(derived(cause, "closed"));
    let touched = ledger::restore(work, step, id, &Restoration::new(at, who)).await?;
    ledger::recount(work, touched).await
}
