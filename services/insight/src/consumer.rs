//! Events of intake, dispatch, planner, arrears and registry become steps of the ledger.
//!
//! Everything that can put somebody off is a reason like an incident is: a planned outage from the moment it is switched off
//! (`outage`), an arrears case while its customer is cut (`arrears`), a switching for safety or at a customer's request
//! (`switched`). What was switched off for no reason is watched, and becomes an exception (`exceptions`).
//!
//! The two sources come in any order to each other. A step of an order names the incident version the order had seen;
//! until the ledger has applied that version the step waits (`Unavailable`: the reader tries again).

mod arrears;
mod outage;
mod switched;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use relight_common::{
    Db, Invalid, Work, dead_letter,
    ids::derived,
    reader::{Consumer, Outcome},
    wire,
};
use relight_proto::events::v1::{
    EtrChanged, Event, GridSwitched, IncidentChanged, OutageStep, WorkOrderStep,
};
use uuid::Uuid;

use crate::{
    domain::{
        class::Class,
        opening::State,
        outage as public,
        record::{CustomerId, IncidentId, Instant, StepId},
        restoring::{Restoration, Who},
    },
    error::Error,
    ledger::{self, Below},
    members::AffectedSets,
    store::{
        view::{self, View},
        voltage,
    },
};

/// Longest reason for which an incident is over.
const REASON_CHARS_MAX: usize = 50;

/// Types that the ledger has no use for.
const NOT_OURS: [&str; 11] = [
    "report.accepted",
    "workorder.alarm",
    "crew.changed",
    "outage.notice",
    "outage.alarm",
    "contact.wrong",
    "arrears.notice",
    "arrears.alarm",
    "customer.changed",
    "customers.changed",
    "grid.versioned",
];

/// Applies the events of the others.
#[derive(Debug)]
pub struct Ledger<S> {
    db: Db,
    sets: S,
}

impl<S: AffectedSets> Ledger<S> {
    /// A ledger over `db` that asks `sets` who is below a device.
    pub fn new(db: Db, sets: S) -> Self {
        Self { db, sets }
    }

    async fn fetch(&self, event: &Event) -> Result<Prepared, Error> {
        let asked = self.asked(event).await?;
        let mut voltages = BTreeMap::new();
        let mut found = [None, None, None];
        for (found, asked) in found.iter_mut().zip([asked.members, asked.was, asked.restored]) {
            let Some((set, at)) = asked else { continue };
            let members = self.sets.members(set, at).await?;
            voltages.extend(members.voltages);
            *found = Some(members.customers);
        }
        let [members, was, restored] = found;
        let was = asked.was.map(|(set, _)| set).zip(was);
        Ok(Prepared {
            members,
            was,
            restored,
            voltages,
        })
    }

    /// Which sets have to be known for this event.
    async fn asked(&self, event: &Event) -> Result<Asked, Error> {
        let mut asked = Asked::default();
        match event.r#type.as_str() {
            "grid.switched" => {
                let told: GridSwitched = decode(event)?;
                let at = wire::instant("at", told.at)?;
                let set = |name, id: &str| Ok::<_, Invalid>(wire::uuid_opt(name, id)?.map(|set| (set, at)));
                asked.members = set("lost_set_id", &told.lost_set_id)?;
                asked.restored = set("restored_set_id", &told.restored_set_id)?;
            }
            "incident.changed" => {
                let state = IncidentState::read(event)?;
                asked.was = self.set_before(&state).await?;
                asked.members = self.new_set(&state).await?;
            }
            "workorder.step" => {
                let step: WorkOrderStep = decode(event)?;
                let set =
                    wire::uuid_opt("restored_set_id", &step.restored_set_id)?.filter(|_| is_ours(&step));
                let at = wire::instant_opt("at", step.at)?;
                asked.members = self.part(set, &step.incident_id, at).await?;
            }
            "outage.changed" => {
                if let Some(told) = outage::read(event)? {
                    asked.members = self.new_set(&told.state).await?;
                }
            }
            "outage.step" => {
                let step: OutageStep = decode(event)?;
                let set = wire::uuid_opt("restored_set_id", &step.restored_set_id)?;
                let at = wire::instant_opt("at", step.at)?;
                asked.members = self.part(set, &step.outage_id, at).await?;
            }
            _ => {}
        }
        Ok(asked)
    }

    /// A section that is back, with those who had it when supply ended: the records are theirs. The moment it came back
    /// stands in while the beginning is in the same batch as the end.
    async fn part(
        &self,
        set: Option<Uuid>,
        reason: &str,
        back_at: Option<Instant>,
    ) -> Result<Option<(Uuid, Instant)>, Error> {
        let Some(set) = set else { return Ok(None) };
        let off_at = view::off_at(self.db.pool(), IncidentId::parse(reason)?).await?;
        let at = off_at.or(back_at);
        Ok(Some((
            set,
            at.ok_or_else(|| Invalid::new("at", "must be given"))?,
        )))
    }

    /// The set that a switching changed, when this state says so and that was not applied.
    async fn set_before(&self, state: &IncidentState) -> Result<Option<(Uuid, Instant)>, Error> {
        let (version, applied) = view::applied(self.db.pool(), state.id).await?;
        let is_new = state.version > version && state.affected_set.is_some() && state.affected_set != applied;
        let set = applied.filter(|_| is_new && state.switched_at.is_some());
        Ok(set.map(|set| (set, state.off_at)))
    }

    /// The affected set of this state, unless its members were applied before. They are needed once more when a report
    /// moved away: who is below the device stays.
    async fn new_set(&self, state: &IncidentState) -> Result<Option<(Uuid, Instant)>, Error> {
        if state.affected_set.is_none() {
            return Ok(None);
        }
        let (version, applied) = view::applied(self.db.pool(), state.id).await?;
        if state.version <= version {
            return Ok(None);
        }
        let reporters: Vec<Uuid> = state.reporters.keys().map(|customer| customer.uuid()).collect();
        let news = state.affected_set != applied
            || view::has_moved_reporters(self.db.pool(), state.id, &reporters).await?;
        let set = state.affected_set.filter(|_| news);
        Ok(set.map(|set| (set, state.off_at)))
    }
}

/// Sets, each with the moment for which its members are asked.
#[derive(Debug, Default)]
struct Asked {
    members: Option<(Uuid, Instant)>,
    was: Option<(Uuid, Instant)>,
    restored: Option<(Uuid, Instant)>,
}

/// What was asked before the transaction.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// Members of a set that is new, that was restored, or that lost supply by a switching.
    members: Option<BTreeSet<CustomerId>>,
    /// The set that a switching changed, and its members.
    was: Option<(Uuid, BTreeSet<CustomerId>)>,
    /// Who got supply by a switching.
    restored: Option<BTreeSet<CustomerId>>,
    /// At which voltage any of them are supplied.
    voltages: BTreeMap<CustomerId, i32>,
}

impl<S: AffectedSets> Consumer for Ledger<S> {
    type Prepared = Prepared;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Prepared, Error> {
        self.fetch(event).await
    }

    async fn apply(&self, work: &mut Work, event: &Event, prepared: Prepared) -> Result<Outcome, Error> {
        let cause = wire::uuid("id", &event.id)?;
        let Prepared {
            members,
            was,
            restored,
            voltages,
        } = prepared;
        voltage::keep(work.conn(), &voltages).await?;
        match event.r#type.as_str() {
            "incident.changed" => {
                let below = members.map(|members| Below { members, was });
                ledger::take_state(work, cause, &IncidentState::read(event)?, below).await?;
            }
            "workorder.step" => order_step(work, cause, &decode(event)?, members).await?,
            "etr.changed" => etr_changed(work, &decode(event)?).await?,
            "outage.changed" => outage::changed(work, cause, event, members).await?,
            "outage.step" => outage::step(work, cause, &decode(event)?, members).await?,
            "arrears.changed" => arrears::changed(work, cause, event).await?,
            "grid.switched" => switched::apply(work, cause, event, members, restored).await?,
            "supply.off" => switched::signalled(work, event).await?,
            known if NOT_OURS.contains(&known) => {}
            _ => return Ok(Outcome::Unknown),
        }
        Ok(Outcome::Applied)
    }
}

pub(crate) fn decode<M: Message + Default>(event: &Event) -> Result<M, Error> {
    M::decode(event.data.as_slice()).map_err(|e| relight_common::Error::Decode("an event", e).into())
}

/// `incident.changed`, read and checked.
#[derive(Debug, Clone)]
pub(crate) struct IncidentState {
    pub(crate) id: IncidentId,
    pub(crate) version: i64,
    pub(crate) number: String,
    pub(crate) org_path: String,
    pub(crate) zone: String,
    pub(crate) state: State,
    pub(crate) confirmed: bool,
    /// Only of a confirmed device: a guess opens nobody (O18).
    pub(crate) affected_set: Option<Uuid>,
    pub(crate) off_at: Instant,
    pub(crate) position: Option<(f64, f64)>,
    pub(crate) device_id: String,
    pub(crate) device_kind: String,
    pub(crate) reporters: BTreeMap<CustomerId, BTreeSet<Instant>>,
    pub(crate) told_at: Instant,
    pub(crate) class: Class,
    /// Why it is over; empty while it is not, and when nobody told.
    pub(crate) closed_because: String,
    /// The affected set is as it is by a switching of that moment.
    pub(crate) switched_at: Option<Instant>,
    /// Of planned work: everything that is switched off for it. Of the others there is `device_id` alone.
    pub(crate) opened: Vec<String>,
}

impl IncidentState {
    fn read(event: &Event) -> Result<Self, Error> {
        let told: IncidentChanged = decode(event)?;
        let accepted_at = wire::instant_opt("accepted_at", told.accepted_at)?;
        let off_at = wire::instant_opt("off_at", told.off_at)?.or(accepted_at);
        let affected_set = wire::uuid_opt("affected_set_id", &told.affected_set_id)?;
        Ok(Self {
            id: IncidentId::parse(&told.incident_id)?,
            version: i64::try_from(event.version)
                .map_err(|_| Invalid::new("version", "must be below 2^63"))?,
            state: state_of(&told)?,
            affected_set: affected_set.filter(|_| told.confirmed),
            off_at: off_at.ok_or_else(|| Invalid::new("off_at", "must be given"))?,
            position: told.position.map(|at| wire::point("position", at)).transpose()?,
            reporters: reporters_of(&told)?,
            told_at: wire::instant("time", event.time)?,
            org_path: event.org_path.clone(),
            number: told.number,
            zone: told.zone,
            confirmed: told.confirmed,
            device_id: told.device_id,
            device_kind: told.device_kind,
            class: Class::Fault,
            closed_because: wire::text("closed_because", &told.closed_because, REASON_CHARS_MAX)?,
            switched_at: wire::instant_opt("switched_at", told.switched_at)?,
            opened: Vec::new(),
        })
    }

    /// Devices of planned work, in lower case.
    pub(crate) fn devices(&self) -> Vec<String> {
        self.opened.iter().map(|id| id.to_lowercase()).collect()
    }

    /// The earliest moment a record of this state may begin.
    pub(crate) fn earliest(&self) -> Instant {
        let reports = self.reporters.values().filter_map(|times| times.first().copied());
        reports.chain([self.off_at]).min().unwrap_or(self.off_at)
    }
}

fn state_of(told: &IncidentChanged) -> Result<State, Invalid> {
    match told.state.as_str() {
        "open" => Ok(State::Open),
        "closed" => Ok(State::Closed),
        "merged" if told.merged_into == told.incident_id => {
            Err(Invalid::new("merged_into", "must be another incident"))
        }
        "merged" => wire::uuid("merged_into", &told.merged_into)
            .map(IncidentId::from_uuid)
            .map(State::Merged),
        _ => Err(Invalid::new("state", "must be open, merged or closed")),
    }
}

/// Reports by customer; reporters nobody could match to a customer are not in the ledger.
fn reporters_of(told: &IncidentChanged) -> Result<BTreeMap<CustomerId, BTreeSet<Instant>>, Invalid> {
    let mut reporters = BTreeMap::<CustomerId, BTreeSet<Instant>>::new();
    for reporter in told
        .reporters
        .iter()
        .filter(|reporter| !reporter.customer_id.is_empty())
    {
        let customer = CustomerId::parse(&reporter.customer_id)?;
        let at = wire::instant("reporters.accepted_at", reporter.accepted_at)?;
        reporters.entry(customer).or_default().insert(at);
    }
    Ok(reporters)
}

/// Locks the incident an order step refers to, once the ledger knows the version the order had seen.
async fn wait_for(work: &mut Work, incident: IncidentId, version: u64) -> Result<View, Error> {
    let known = view::lock(work.conn(), incident).await?;
    let wanted = i64::try_from(version.max(1)).unwrap_or(i64::MAX);
    if known.version >= wanted {
        return Ok(known);
    }
    if dead_letter::waits(work.conn(), "intake", &incident.to_string()).await? {
        return Err(Error::BehindParked(incident));
    }
    Err(Error::NotYet {
        incident,
        known: known.version,
        wanted,
    })
}

/// Orders for a planned outage, a disconnection or a reconnection have no incident: their own service tells what becomes of
/// the supply.
fn is_ours(step: &WorkOrderStep) -> bool {
    !step.incident_id.is_empty()
}

async fn order_step(
    work: &mut Work,
    cause: Uuid,
    told: &WorkOrderStep,
    members: Option<BTreeSet<CustomerId>>,
) -> Result<(), Error> {
    if !is_ours(told) {
        return Ok(());
    }
    let incident = IncidentId::parse(&told.incident_id)?;
    let known = wait_for(work, incident, told.incident_version).await?;
    let state = public::order_state(&known.order_state, &told.step);
    view::note_order(work.conn(), incident, state, &told.cause_code).await?;
    let mut touched = BTreeSet::new();
    if let Some(restoration) = restoration_of(told, members)? {
        if restoration.who == Who::All {
            view::note_all_restored(work.conn(), incident, restoration.at).await?;
        }
        let step = StepId::from_uuid(derived(cause, "closed"));
        touched.extend(ledger::restore(work, step, incident, &restoration).await?);
    }
    if public::is_final(state) {
        touched.extend(ledger::finish(work, cause, incident).await?);
    }
    ledger::recount(work, touched).await
}

fn restoration_of(
    told: &WorkOrderStep,
    members: Option<BTreeSet<CustomerId>>,
) -> Result<Option<Restoration>, Invalid> {
    let who = match (told.step.as_str(), told.all, members) {
        ("section_restored" | "restored", true, _) | ("restored", false, None) => Who::All,
        ("section_restored" | "restored", false, Some(members)) => Who::These(members),
        ("section_restored", false, None) => {
            return Err(Invalid::new(
                "restored_set_id",
                "must name a set, or `all` must be true",
            ));
        }
        _ => return Ok(None),
    };
    let at = wire::instant("at", told.at)?;
    Ok(Some(Restoration::new(at, who)))
}

async fn etr_changed(work: &mut Work, told: &EtrChanged) -> Result<(), Error> {
    if told.incident_id.is_empty() {
        return Ok(());
    }
    let incident = IncidentId::parse(&told.incident_id)?;
    wait_for(work, incident, told.incident_version).await?;
    let etr_at = wire::instant_opt("etr_at", told.etr_at)?.filter(|_| !told.withdrawn);
    view::note_etr(work.conn(), incident, etr_at, &told.cause_code).await
}
