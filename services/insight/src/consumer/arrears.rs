//! A customer cut for an unpaid bill: off from the cut to the reconnection, whatever else happens meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use relight_common::{Invalid, Work, ids::derived, wire};
use relight_proto::events::v1::{ArrearsChanged, Event};
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
    store::view,
};

const CAUSE: &str = "arrears";

/// Opens the record of the case's customer while they are cut, and ends it once supply is back. Until when supply has to be
/// back is the estimate.
pub(super) async fn changed(work: &mut Work, cause: Uuid, event: &Event) -> Result<(), Error> {
    let told: ArrearsChanged = decode(event)?;
    let id = IncidentId::parse(&told.case_id)?;
    let off_at = wire::instant_opt("off_at", told.off_at)?;
    let on_at = wire::instant_opt("on_at", told.on_at)?;
    if let Some(off_at) = off_at {
        let customer = CustomerId::parse(&told.customer_id)?;
        let state = state(event, &told, id, off_at)?;
        ledger::take_state(work, cause, &state, Some(BTreeSet::from([customer]).into())).await?;
        let by = wire::instant_opt("reconnect_by", told.reconnect_by)?;
        view::note_etr(work.conn(), id, by, CAUSE).await?;
    }
    match on_at {
        Some(at) => back(work, cause, id, at).await,
        None => Ok(()),
    }
}

fn state(
    event: &Event,
    told: &ArrearsChanged,
    id: IncidentId,
    off_at: Instant,
) -> Result<IncidentState, Error> {
    Ok(IncidentState {
        id,
        version: i64::try_from(event.version).map_err(|_| Invalid::new("version", "must be below 2^63"))?,
        number: told.number.clone(),
        org_path: event.org_path.clone(),
        zone: told.zone.clone(),
        state: State::Open,
        confirmed: true,
        // The one customer needs no set of the registry; the case stands for it, so that it is applied once.
        affected_set: Some(id.uuid()),
        off_at,
        position: None,
        device_id: String::new(),
        device_kind: String::new(),
        reporters: BTreeMap::new(),
        told_at: wire::instant("time", event.time)?,
        closed_because: String::new(),
        switched_at: None,
        opened: Vec::new(),
        class: Class::Arrears,
    })
}

async fn back(work: &mut Work, cause: Uuid, id: IncidentId, at: Instant) -> Result<(), Error> {
    let known = view::lock(work.conn(), id).await?;
    if known.all_restored_at.is_some_and(|known| known >= at) {
        return Ok(());
    }
    view::note_all_restored(work.conn(), id, at).await?;
    let step = StepId::from_uuid(derived(cause, "closed"));
    let touched = ledger::restore(work, step, id, &Restoration::new(at, Who::All)).await?;
    ledger::recount(work, touched).await
}
