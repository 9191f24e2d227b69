//! The steps of the ledger: each runs inside one transaction of a reader and tells the others what it opened or closed.

use std::collections::{BTreeMap, BTreeSet};

use relight_common::{Work, ids::derived};
use relight_proto::events::v1::InterruptionStep;
use uuid::Uuid;

use crate::{
    consumer::IncidentState,
    domain::{
        class::Ids,
        opening::{Act, Incident, Moved, State},
        outage,
        record::{CustomerId, IncidentId, Instant, Open, RecordId, StepId, Waiting},
        restoring::{Restoration, Who},
    },
    error::Error,
    store::{closing, held, records, view, view::View},
};

/// Audited customers per entry.
const AUDIT_CHUNK: usize = 1_000;

/// Who is below what failed or was switched off, as the registry says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Below {
    /// Members of the affected set.
    pub(crate) members: BTreeSet<CustomerId>,
    /// The set before, which a switching changed, and its members.
    pub(crate) was: Option<(Uuid, BTreeSet<CustomerId>)>,
}

impl From<BTreeSet<CustomerId>> for Below {
    fn from(members: BTreeSet<CustomerId>) -> Self {
        Self { members, was: None }
    }
}

/// Takes over a state of an incident; an older or equal version than the stored one changes nothing.
///
/// `below`: the affected set, when it is confirmed and not applied yet, or reports moved away.
pub(crate) async fn take_state(
    work: &mut Work,
    cause: Uuid,
    state: &IncidentState,
    below: Option<Below>,
) -> Result<(), Error> {
    let before = view::lock(work.conn(), state.id).await?;
    if state.version <= before.version {
        return Ok(());
    }
    let new_set = state.affected_set.is_some() && state.affected_set != before.affected_set_id;
    if new_set && below.is_none() {
        return Err(Error::SetChanged(state.id));
    }
    // Asked before the state in between was applied: who joined and who left would be those of both.
    let was = below.as_ref().and_then(|below| below.was.as_ref());
    if new_set && state.switched_at.is_some() && was.map(|(set, _)| *set) != before.affected_set_id {
        return Err(Error::SetChanged(state.id));
    }
    view::save(work.conn(), state).await?;
    let holder = view::holder(work.conn(), state.id).await?;
    let mut touched = merge(work, state.id, holder).await?;
    let moved = below
        .as_ref()
        .filter(|_| new_set)
        .and_then(|below| moved(state, below));
    if let Some(moved) = &moved {
        touched.extend(feed(work, cause, state.id, moved).await?);
    }
    if state.state == State::Closed {
        if outage::is_final(&before.order_state) {
            touched.extend(finish(work, cause, state.id).await?);
        }
    } else {
        let members = below.map(|below| below.members);
        touched.extend(open(work, cause, (state, moved), holder, members, new_set).await?);
        if state.confirmed && holder == state.id {
            records::begin_again(work.conn(), holder, state.off_at).await?;
        }
        if let Some(at) = before.all_restored_at {
            let step = StepId::from_uuid(derived(cause, "closed"));
            touched.extend(restore(work, step, state.id, &Restoration::new(at, Who::All)).await?);
        }
    }
    recount(work, touched).await
}

/// What a switching made of the affected set. Without the set before, this is one that corrects it.
fn moved(state: &IncidentState, below: &Below) -> Option<Moved> {
    let (at, (_, was)) = state.switched_at.zip(below.was.as_ref())?;
    Some(Moved::of(at.max(state.off_at), was, &below.members))
}

/// Those who are fed another way are back since the switching, and told.
async fn feed(work: &mut Work, cause: Uuid, id: IncidentId, moved: &Moved) -> Result<BTreeSet<Uuid>, Error> {
    if moved.left.is_empty() {
        return Ok(BTreeSet::new());
    }
    let step = StepId::from_uuid(derived(cause, "fed"));
    let fed = Restoration::by_switching(moved.at, moved.left.clone());
    restore(work, step, id, &fed).await
}

/// Sees that the records of `id` and of what was merged into it lie with `holder`.
async fn merge(work: &mut Work, id: IncidentId, holder: IncidentId) -> Result<BTreeSet<Uuid>, Error> {
    let mut touched = BTreeSet::from([id.uuid()]);
    let family = view::family(work.conn(), id).await?;
    if holder == id && family.len() == 1 {
        return Ok(touched);
    }
    let known = if holder == id {
        None
    } else {
        Some(view::lock(work.conn(), holder).await?)
    };
    let givers = records::hand_over(work.conn(), &family, holder).await?;
    if givers.is_empty() {
        return Ok(touched);
    }
    if let Some(View {
        confirmed: true,
        off_at: Some(off_at),
        ..
    }) = known
    {
        records::begin_again(work.conn(), holder, off_at).await?;
    }
    let detail = serde_json::json!({ "from": givers, "to": holder });
    work.audit("interruption.handed_over", id, detail);
    touched.extend(givers);
    touched.insert(holder.uuid());
    Ok(touched)
}

/// Opens what this state opens, and withdraws who is not off because of it.
async fn open(
    work: &mut Work,
    cause: Uuid,
    (state, moved): (&IncidentState, Option<Moved>),
    holder: IncidentId,
    below: Option<BTreeSet<CustomerId>>,
    new_set: bool,
) -> Result<BTreeSet<Uuid>, Error> {
    let incident = Incident {
        id: state.id,
        holder,
        confirmed: state.confirmed,
        off_at: state.off_at,
        reporters: state.reporters.clone(),
        // A set that was applied before opens nobody again.
        members: below.clone().filter(|_| new_set),
        moved,
    };
    let step = StepId::from_uuid(derived(cause, "opened"));
    let mut touched = BTreeSet::from([holder.uuid()]);
    let acts = acts(work, &incident, state.earliest()).await?;
    let opened = carry_out(work, acts, step, state.id, &mut touched).await?;
    let known = Incident {
        members: below,
        ..incident
    };
    touched.extend(withdraw(work, cause, &known).await?);
    let since = known.moved.as_ref().map_or(state.off_at, |moved| moved.at);
    tell(work, (step, "opened", false), holder, since, opened).await?;
    Ok(touched)
}

/// These lost the other supply they had while `outage` went on: off for it again, since `at`.
pub(crate) async fn off_again(
    work: &mut Work,
    cause: Uuid,
    outage: IncidentId,
    customers: BTreeSet<CustomerId>,
    at: Instant,
) -> Result<BTreeSet<Uuid>, Error> {
    let known = view::lock(work.conn(), outage).await?;
    let off_at = known.off_at.unwrap_or(at);
    let moved = Moved::of(at.max(off_at), &BTreeSet::new(), &customers);
    let incident = Incident {
        id: outage,
        holder: outage,
        confirmed: true,
        off_at,
        reporters: BTreeMap::new(),
        members: Some(customers),
        moved: Some(moved),
    };
    let step = StepId::from_uuid(derived(cause, &format!("again:{outage}")));
    let mut touched = BTreeSet::from([outage.uuid()]);
    let acts = acts(work, &incident, off_at).await?;
    let opened = carry_out(work, acts, step, outage, &mut touched).await?;
    tell(work, (step, "opened", false), outage, at, opened).await?;
    Ok(touched)
}

/// What this state does. Who is off because of it already, as nearly all are of an incident that grows, is not looked at.
async fn acts(work: &mut Work, incident: &Incident, earliest: Instant) -> Result<Vec<Act>, Error> {
    let unsettled = held::unsettled(work.conn(), incident.holder, &incident.latest()).await?;
    if unsettled.is_empty() {
        return Ok(Vec::new());
    }
    let customers: Vec<Uuid> = unsettled.iter().map(|c| c.uuid()).collect();
    let held = held::of_customers(work.conn(), &customers).await?;
    let back = records::back(work.conn(), &customers, incident.id, earliest).await?;
    Ok(incident.acts(&unsettled, &held, &back))
}

/// Writes what was decided. Returns how many records were opened.
async fn carry_out(
    work: &mut Work,
    acts: Vec<Act>,
    step: StepId,
    incident: IncidentId,
    touched: &mut BTreeSet<Uuid>,
) -> Result<usize, Error> {
    let (mut open, mut waiting, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for act in acts {
        match act {
            Act::Open(claim) => open.push(Open {
                id: RecordId::new(),
                claim,
                opened_by: step,
            }),
            Act::Wait(claim) => waiting.push(Waiting { claim, on_at: None }),
            Act::Note(customer, at) => notes.push((customer, at)),
        }
    }
    if !waiting.is_empty() {
        metrics::counter!("relight_ledger_conflicts_total").increment(waiting.len() as u64);
        touched.insert(incident.uuid());
    }
    if records::insert_open(work.conn(), &open).await? < open.len() {
        return Err(Error::Raced(incident));
    }
    records::insert_waiting(work.conn(), &waiting).await?;
    records::pull_back(work.conn(), &waiting).await?;
    records::note_reports(work.conn(), &notes).await?;
    Ok(open.len())
}

/// Takes back the records this incident has no reason for any more. What another incident claims goes on for that one.
async fn withdraw(work: &mut Work, cause: Uuid, incident: &Incident) -> Result<BTreeSet<Uuid>, Error> {
    if incident.keeps_all() {
        return Ok(BTreeSet::new());
    }
    if let Some(kept) = &incident.kept() {
        closing::drop_waiting(work.conn(), incident.id, Some(kept)).await?;
    }
    closing::drop_moved(work.conn(), incident.id, &incident.concerned()).await?;
    let family = view::family(work.conn(), incident.id).await?;
    let reporters: Vec<Uuid> = incident.reporters.keys().map(|c| c.uuid()).collect();
    let by_report = incident.members.is_none();
    let own = held::of_others(work.conn(), (incident.holder, &family), &reporters, by_report).await?;
    let held: Vec<Uuid> = own.iter().map(|open| open.claim.customer.uuid()).collect();
    let elsewhere = records::reported_elsewhere(work.conn(), &held, &family).await?;
    let gone: BTreeSet<CustomerId> = incident.let_go(&own, &elsewhere).into_iter().collect();
    let records: Vec<Open> = own
        .into_iter()
        .filter(|open| gone.contains(&open.claim.customer))
        .collect();
    take_back(work, cause, incident.id, records, incident.off_at).await
}

async fn take_back(
    work: &mut Work,
    cause: Uuid,
    incident: IncidentId,
    records: Vec<Open>,
    at: Instant,
) -> Result<BTreeSet<Uuid>, Error> {
    if records.is_empty() {
        return Ok(BTreeSet::new());
    }
    let customers: Vec<CustomerId> = records.iter().map(|open| open.claim.customer).collect();
    for chunk in customers.chunks(AUDIT_CHUNK) {
        work.audit(
            "interruption.withdrawn",
            incident,
            serde_json::json!({ "customers": chunk }),
        );
    }
    let step = StepId::from_uuid(derived(cause, "withdrawn"));
    closing::note_step(work.conn(), step, incident, "withdrawn", at).await?;
    let ended = closing::end_all(work.conn(), records, None, step).await?;
    closing::count_step(
        work.conn(),
        step,
        i32::try_from(customers.len()).unwrap_or(i32::MAX),
    )
    .await?;
    Ok(ended.touched)
}

/// Supply came back: ends the records the step names, and tells who is back. A step done before changes nothing.
pub(crate) async fn restore(
    work: &mut Work,
    step: StepId,
    incident: IncidentId,
    restoration: &Restoration,
) -> Result<BTreeSet<Uuid>, Error> {
    if !closing::note_step(work.conn(), step, incident, "closed", restoration.at).await? {
        return Ok(BTreeSet::new());
    }
    let holder = view::holder(work.conn(), incident).await?;
    if holder != incident {
        view::lock(work.conn(), holder).await?;
    }
    let family = view::family(work.conn(), incident).await?;
    closing::restore_waiting(work.conn(), holder, &family, restoration).await?;
    let mut records = held::of_family(work.conn(), holder, &family).await?;
    records.retain(|open| restoration.ends(&open.claim));
    let ended = closing::end_all(work.conn(), records, Some(restoration.at), step).await?;
    let told = (step, "closed", restoration.by_switching);
    tell(work, told, holder, restoration.at, ended.back).await?;
    let mut touched = ended.touched;
    touched.insert(holder.uuid());
    Ok(touched)
}

/// What is left of a closed incident when its order is over: customers of a confirmed fault, and of a guess that ended because supply
/// came back, are taken to be back since it was closed; those of any other guess were never off. Nobody is told "restored" by this:
/// nobody has verified it (O18).
pub(crate) async fn finish(
    work: &mut Work,
    cause: Uuid,
    incident: IncidentId,
) -> Result<BTreeSet<Uuid>, Error> {
    let before = view::lock(work.conn(), incident).await?;
    let Some(closed_at) = before.closed_at.filter(|_| before.state == "closed") else {
        return Ok(BTreeSet::new());
    };
    let family = view::family(work.conn(), incident).await?;
    closing::drop_waiting(work.conn(), incident, None).await?;
    let records = held::of_family(work.conn(), incident, &family).await?;
    if !outage::was_real(before.confirmed, &before.closed_because) {
        return take_back(work, cause, incident, records, closed_at).await;
    }
    if records.is_empty() {
        return Ok(BTreeSet::new());
    }
    let step = StepId::from_uuid(derived(cause, "ended"));
    closing::note_step(work.conn(), step, incident, "ended", closed_at).await?;
    work.audit(
        "interruption.ended_with_incident",
        incident,
        serde_json::json!({ "customers": records.len() }),
    );
    Ok(closing::end_all(work.conn(), records, Some(closed_at), step)
        .await?
        .touched)
}

/// Counts anew in the incidents touched.
pub(crate) async fn recount(work: &mut Work, touched: BTreeSet<Uuid>) -> Result<(), Error> {
    let ids: Vec<Uuid> = touched.into_iter().collect();
    view::recount(work.conn(), &ids).await
}

/// Tells the others about a step that concerned anybody.
async fn tell(
    work: &mut Work,
    (step, kind, by_switching): (StepId, &'static str, bool),
    incident: IncidentId,
    at: Instant,
    customers: usize,
) -> Result<(), Error> {
    if customers == 0 {
        return Ok(());
    }
    closing::note_step(work.conn(), step, incident, kind, at).await?;
    if by_switching {
        closing::note_switching(work.conn(), step).await?;
    }
    let count = i32::try_from(customers).unwrap_or(i32::MAX);
    closing::count_step(work.conn(), step, count).await?;
    let version = view::next_version(work.conn(), incident).await?;
    let view = view::lock(work.conn(), incident).await?;
    let ids = Ids::of(&view.class, incident.uuid());
    let payload = InterruptionStep {
        step_id: step.to_string(),
        incident_id: ids.incident,
        outage_id: ids.outage,
        basis_id: ids.basis,
        class: view.class,
        kind: kind.to_owned(),
        at: Some(relight_common::wire::timestamp(at)),
        customers: count.unsigned_abs(),
        by_switching,
    };
    work.tell(
        "interruption.step",
        incident.uuid(),
        version,
        &view.org_path,
        &payload,
    );
    Ok(())
}
