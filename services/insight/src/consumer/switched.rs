//! What the control room or SCADA switched. For safety or at a customer's request it is itself the reason to be off; for an
//! incident or a planned outage that is the reason, and what a switching brought back is back; for nothing known, somebody has
//! to look (operations.md O17).

use std::collections::{BTreeMap, BTreeSet};

use relight_common::{Invalid, Work, ids::derived, wire};
use relight_proto::events::v1::{Event, GridSwitched, SupplyOff};
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
    exceptions::{self, Watched},
    ledger,
    store::{records, view},
};

/// Longest id of a meter.
const LOAD_MAX: usize = 200;

type Members = Option<BTreeSet<CustomerId>>;

/// One switching: who lost supply, and who got it.
pub(super) async fn apply(
    work: &mut Work,
    cause: Uuid,
    event: &Event,
    lost: Members,
    restored: Members,
) -> Result<(), Error> {
    let told: GridSwitched = decode(event)?;
    let at = wire::instant("at", told.at)?;
    let basis = wire::uuid_opt("basis_id", &told.basis_id)?;
    if let Some(restored) = restored.filter(|restored| !restored.is_empty()) {
        let named = basis.filter(|_| matches!(told.basis_kind.as_str(), "incident" | "outage"));
        back(work, cause, named, at, &restored).await?;
        exceptions::supplied(work, &restored).await?;
    }
    let Some(lost) = lost.filter(|lost| !lost.is_empty()) else {
        return Ok(());
    };
    let class = match (told.basis_kind.as_str(), basis) {
        ("incident" | "outage", Some(_)) => return Ok(()),
        ("safety", Some(basis)) => (Class::Safety, basis),
        ("customer_request", Some(basis)) => (Class::CustomerRequest, basis),
        _ => {
            let watched = Watched {
                id: derived(cause, "exception"),
                kind: "switching",
                device_id: told.device_id,
                org_path: event.org_path.clone(),
                off_at: at,
                members: lost,
                place: String::new(),
            };
            return exceptions::watch(work, &watched).await;
        }
    };
    let state = reason(event, &told, class, at)?;
    ledger::take_state(work, cause, &state, Some(lost)).await
}

/// A meter says that a supply is off, and intake has no incident for it. Whose meter nobody knows is one all the same.
pub(super) async fn signalled(work: &mut Work, event: &Event) -> Result<(), Error> {
    let told: SupplyOff = decode(event)?;
    let customer = match told.customer_id.as_str() {
        "" => None,
        id => Some(CustomerId::parse(id)?),
    };
    let watched = Watched {
        id: wire::uuid("signal_id", &told.signal_id)?,
        kind: if told.relay_open { "relay" } else { "signal" },
        device_id: String::new(),
        org_path: event.org_path.clone(),
        off_at: wire::instant("off_at", told.off_at)?,
        place: match customer {
            Some(_) => String::new(),
            None => wire::text_required("load_id", &told.load_id, LOAD_MAX)?,
        },
        members: customer.into_iter().collect(),
    };
    exceptions::watch(work, &watched).await
}

/// The switching as a reason to be off.
fn reason(
    event: &Event,
    told: &GridSwitched,
    (class, id): (Class, Uuid),
    at: Instant,
) -> Result<IncidentState, Error> {
    Ok(IncidentState {
        id: IncidentId::from_uuid(id),
        version: i64::try_from(event.version).map_err(|_| Invalid::new("version", "must be below 2^63"))?,
        number: String::new(),
        org_path: event.org_path.clone(),
        zone: String::new(),
        state: State::Open,
        confirmed: true,
        affected_set: wire::uuid_opt("lost_set_id", &told.lost_set_id)?,
        off_at: at,
        position: None,
        device_id: told.device_id.clone(),
        device_kind: String::new(),
        reporters: BTreeMap::new(),
        told_at: wire::instant("time", event.time)?,
        closed_because: String::new(),
        class,
    })
}

/// Ends what the switching ended: the records of the incident or outage it was done for, and those whose only reason was an
/// earlier switching. Other faults below the device are none of its business.
async fn back(
    work: &mut Work,
    cause: Uuid,
    named: Option<Uuid>,
    at: Instant,
    restored: &BTreeSet<CustomerId>,
) -> Result<(), Error> {
    let customers: Vec<Uuid> = restored.iter().map(|customer| customer.uuid()).collect();
    let mut ended = records::switched_off(work.conn(), &customers).await?;
    ended.extend(named);
    let mut touched = BTreeSet::new();
    for reason in ended {
        let id = IncidentId::from_uuid(reason);
        if view::applied(work.conn(), id).await?.0 == 0 {
            continue;
        }
        let step = StepId::from_uuid(derived(cause, &format!("closed:{reason}")));
        let who = Who::These(restored.clone());
        touched.extend(ledger::restore(work, step, id, &Restoration { at, who }).await?);
    }
    ledger::recount(work, touched).await
}
