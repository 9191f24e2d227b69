//! What the control room or SCADA switched. For safety or at a customer's request it is itself the reason to be off; for an
//! incident or a planned outage that is the reason, and what a switching brought back is back; for nothing known, somebody has
//! to look (operations.md O17).
//!
//! Whose confirmed fault a switching ends is said by intake, which knows the way around it (`switched_at`): that somebody is below a
//! device that was closed does not say that the fault is not above them.

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
        restoring::Restoration,
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
    let opened: Vec<String> = told.opened.iter().map(|id| id.to_lowercase()).collect();
    if let Some(restored) = restored.filter(|restored| !restored.is_empty()) {
        let named = basis.filter(|_| matches!(told.basis_kind.as_str(), "incident" | "outage"));
        back(work, cause, (named, &opened), at, &restored).await?;
        exceptions::supplied(work, &restored).await?;
    }
    let Some(lost) = lost.filter(|lost| !lost.is_empty()) else {
        return Ok(());
    };
    off_again(work, cause, &opened, at, &lost).await?;
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
    ledger::take_state(work, cause, &state, Some(lost.into())).await
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
        device_id: match customer {
            Some(_) => wire::text("load_id", &told.load_id, LOAD_MAX)?,
            None => String::new(),
        },
        org_path: event.org_path.clone(),
        off_at: wire::instant("off_at", told.off_at)?,
        place: match customer {
            Some(_) => String::new(),
            None => wire::text_required("load_id", &told.load_id, LOAD_MAX)?,
        },
        members: customer.into_iter().collect(),
    };
    exceptions::watch(work, &watched).await?;
    if told.lasting {
        exceptions::decide(work, watched.id).await?;
    }
    Ok(())
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
        switched_at: None,
        opened: Vec::new(),
        class,
    })
}

/// Ends what the switching ended: the records of the guess or outage it was done for, those whose only reason was an earlier switching,
/// and those of planned work all of whose devices are open: who has supply then has it another way.
async fn back(
    work: &mut Work,
    cause: Uuid,
    (named, opened): (Option<Uuid>, &[String]),
    at: Instant,
    restored: &BTreeSet<CustomerId>,
) -> Result<(), Error> {
    let customers: Vec<Uuid> = restored.iter().map(|customer| customer.uuid()).collect();
    let mut ended = records::switched_off(work.conn(), &customers).await?;
    ended.extend(records::planned_off(work.conn(), &customers, opened).await?);
    if let Some(named) = named
        && !view::is_confirmed_fault(work.conn(), named).await?
    {
        ended.insert(named);
    }
    let mut touched = BTreeSet::new();
    for reason in ended {
        let id = IncidentId::from_uuid(reason);
        if view::applied(work.conn(), id).await?.0 == 0 {
            continue;
        }
        let step = StepId::from_uuid(derived(cause, &format!("closed:{reason}")));
        let fed = Restoration::by_switching(at, restored.clone());
        touched.extend(ledger::restore(work, step, id, &fed).await?);
    }
    ledger::recount(work, touched).await
}

/// Whom an earlier switching had fed another way while their planned outage goes on, and who lost that supply: off for the outage again.
async fn off_again(
    work: &mut Work,
    cause: Uuid,
    opened: &[String],
    at: Instant,
    lost: &BTreeSet<CustomerId>,
) -> Result<(), Error> {
    let customers: Vec<Uuid> = lost.iter().map(|customer| customer.uuid()).collect();
    let fed = records::fed_another_way(work.conn(), &customers, opened).await?;
    let mut touched = BTreeSet::new();
    for (outage, customers) in fed {
        touched.extend(ledger::off_again(work, cause, outage, customers, at).await?);
    }
    ledger::recount(work, touched).await
}
