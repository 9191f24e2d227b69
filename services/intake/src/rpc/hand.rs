//! What people change by hand: the device of a guess, which reports belong together, where a report hangs.

use relight_common::{Begun, Claims, Invalid, Role, Work, command::Meta, ids::derived, wire};
use relight_policy::AreaClass;
use relight_proto::intake::v1 as pb;
use serde_json::json;
use uuid::Uuid;

use super::{inferences, read};
use crate::{
    desk::Desk,
    domain::{
        IncidentId, ReportId,
        area::ArrivalLimits,
        facts::Facts,
        incident::{self, Device, Event, Incident, Refusal, State},
    },
    error::Error,
    news,
    store::{self, belief, evidence::Decided, number::Kind},
    worker,
};

/// Who corrects where a report hangs.
pub(super) const CORRECTORS: [Role; 2] = [Role::Agent, Role::Dispatcher];
const REPORTS_MAX: usize = 500;

/// What was done to an incident, for its history and the audit.
struct Note {
    what: &'static str,
    action: &'static str,
    device: Option<String>,
}

async fn note(work: &mut Work, incident: IncidentId, note: Note) -> Result<(), Error> {
    let decided = Decided::by_people(incident, work.at(), note.what, note.device.clone());
    store::evidence::decide(work.conn(), &decided).await?;
    store::evidence::stir(work.conn()).await?;
    work.audit(note.action, incident, json!({ "device": note.device }));
    Ok(())
}

async fn finish(desk: &Desk, work: Work, incident: &Incident) -> Result<pb::Incident, Error> {
    let reply = work.commit(news::incident(incident)).await?;
    desk.bell.notify_one();
    Ok(reply)
}

async fn check_visible(desk: &Desk, claims: &Claims, id: &str) -> Result<Incident, Error> {
    let mut conn = read::connection(desk).await?;
    inferences::visible(&mut conn, claims, id).await
}

/// Names the device of a guess.
pub(super) async fn overrule(
    desk: &Desk,
    claims: &Claims,
    message: &pb::OverruleRequest,
) -> Result<pb::Incident, Error> {
    let meta = Meta::new(&message.command_id, claims, message, desk.clock.now())?;
    let id = check_visible(desk, claims, &message.incident_id).await?.id;
    let (device, position) = inferences::device(desk, &message.device_id)?;
    let version = desk.atlas.town().map(|town| town.version()).unwrap_or_default();
    let mut work = match Work::begin::<pb::Incident>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let named = device.id.clone();
    let done = worker::apply(&mut work, id, Event::Name { device, position }).await?;
    let incident = done.ok_or(Error::NoIncident)?;
    let at = work.at();
    if belief::overrule(work.conn(), id, Some(&named), version, at).await? {
        let what = Note {
            what: "overruled",
            action: "incident.overruled",
            device: Some(named),
        };
        note(&mut work, id, what).await?;
    }
    finish(desk, work, &incident).await
}

/// Takes that back: the engine names the device again.
pub(super) async fn undo(
    desk: &Desk,
    claims: &Claims,
    message: &pb::UndoOverruleRequest,
) -> Result<pb::Incident, Error> {
    let meta = Meta::new(&message.command_id, claims, message, desk.clock.now())?;
    let id = check_visible(desk, claims, &message.incident_id).await?.id;
    let version = desk.atlas.town().map(|town| town.version()).unwrap_or_default();
    let mut work = match Work::begin::<pb::Incident>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let incident = store::incident::lock(work.conn(), id)
        .await?
        .ok_or(Error::NoIncident)?;
    let at = work.at();
    if belief::overrule(work.conn(), id, None, version, at).await? {
        let what = Note {
            what: "undone",
            action: "incident.overrule_undone",
            device: None,
        };
        note(&mut work, id, what).await?;
    }
    finish(desk, work, &incident).await
}

/// Makes an incident of its own of some reports.
pub(super) async fn split(
    desk: &Desk,
    claims: &Claims,
    message: &pb::SplitRequest,
) -> Result<pb::Incident, Error> {
    let now = desk.clock.now();
    if message.report_ids.is_empty() || message.report_ids.len() > REPORTS_MAX {
        return Err(Invalid::new("report_ids", format!("must be 1 to {REPORTS_MAX} reports")).into());
    }
    let ids = message.report_ids.iter().map(|id| wire::uuid("report_ids", id));
    let mut reports = ids.collect::<Result<Vec<Uuid>, _>>()?;
    reports.sort_unstable();
    reports.dedup();
    let meta = Meta::new(&message.command_id, claims, message, now)?;
    let arrival = ArrivalLimits::of(&desk.pack, now)?;
    let mut work = match Work::begin::<pb::Incident>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let homes = belief::homes(work.conn(), &reports).await?;
    let from = match homes.first() {
        Some((_, from)) if homes.len() == reports.len() && homes.iter().all(|(_, id)| id == from) => *from,
        _ => return Err(Refusal::NotOne.into()),
    };
    let mut old = store::incident::lock(work.conn(), from)
        .await?
        .ok_or(Error::NoIncident)?;
    if !read::reaches(claims, &[Role::Dispatcher], &old.org_path) {
        return Err(Error::NoIncident);
    }
    let new = IncidentId::from_uuid(derived(work.cause().parse().unwrap_or_default(), "split"));
    let moved: Vec<(ReportId, IncidentId)> = homes.iter().map(|(report, _)| (*report, new)).collect();
    let mut facts = store::grouping::facts(work.conn(), &[from], &moved, &[]).await?;
    let (Some(mine), Some(theirs)) = (facts.remove(&new), facts.remove(&from)) else {
        return Err(Refusal::Emptied.into());
    };
    old.set_facts(theirs, &arrival);
    let old = store::incident::save(work.conn(), old).await?;
    let mut row = split_row(new, &old, &mine, place(&mut work, &reports).await?);
    row.set_facts(mine, &arrival);
    row.number = desk.numbers.next(Kind::Incident, now, &row.zone).await?;
    let row = store::incident::save(work.conn(), row).await?;
    let links: Vec<_> = moved.iter().map(|(report, id)| (*report, *id, true)).collect();
    store::grouping::link(work.conn(), &links, now).await?;
    let stirred = store::evidence::stir(work.conn()).await?;
    belief::leave_out(work.conn(), &reports, stirred).await?;
    worker::tell(&mut work, &[old, row.clone()]).await?;
    for id in [from, new] {
        let what = Note {
            what: "split",
            action: "incident.split",
            device: row.device.as_ref().map(|device| device.id.clone()),
        };
        note(&mut work, id, what).await?;
    }
    finish(desk, work, &row).await
}

/// The transformer of the first of these reports that has one.
async fn place(work: &mut Work, reports: &[Uuid]) -> Result<Option<String>, Error> {
    for report in reports {
        let stored = store::report::by_id(work.conn(), ReportId::from_uuid(*report)).await?;
        if let Some(transformer) = stored.and_then(|stored| stored.report.place.transformer_id) {
            return Ok(Some(transformer));
        }
    }
    Ok(None)
}

fn split_row(id: IncidentId, old: &Incident, facts: &Facts, transformer: Option<String>) -> Incident {
    Incident {
        id,
        number: String::new(),
        state: State::Open,
        device: transformer.map(|id| Device {
            id,
            kind: "transformer".to_owned(),
        }),
        confirmed: None,
        affected: None,
        report_count: 0,
        urge_count: 0,
        accepted_at: facts.accepted_at,
        last_report_at: facts.last_report_at,
        off_at: facts.accepted_at,
        area: AreaClass::Remote,
        danger: false,
        life_support: false,
        important: false,
        position: facts.placed.map(|placed| placed.position),
        org_path: old.org_path.clone(),
        zone: old.zone.clone(),
        version: 0,
        parent: None,
        signal_at: None,
        by_hand: true,
    }
}

/// Makes one incident part of another.
pub(super) async fn merge(
    desk: &Desk,
    claims: &Claims,
    message: &pb::MergeRequest,
) -> Result<pb::Incident, Error> {
    let now = desk.clock.now();
    let meta = Meta::new(&message.command_id, claims, message, now)?;
    let gone = check_visible(desk, claims, &message.incident_id).await?.id;
    let into = check_visible(desk, claims, &message.into_id).await?.id;
    let arrival = ArrivalLimits::of(&desk.pack, now)?;
    let mut work = match Work::begin::<pb::Incident>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    // Always in the same order, as the worker does.
    let mut rows = Vec::new();
    for id in std::collections::BTreeSet::from([gone, into]) {
        rows.push(
            store::incident::lock(work.conn(), id)
                .await?
                .ok_or(Error::NoIncident)?,
        );
    }
    let find = |id: IncidentId| {
        rows.iter()
            .find(|row| row.id == id)
            .cloned()
            .ok_or(Error::NoIncident)
    };
    let (before, mut lives) = (find(gone)?, find(into)?);
    match &lives.state {
        State::Open => {}
        State::Merged(other) => return Err(Refusal::Merged(*other).into()),
        State::Closed(reason) => return Err(Refusal::Closed(reason.clone()).into()),
    }
    if before.confirmed.is_some() && lives.confirmed.is_none() {
        return Err(Refusal::Confirmed.into());
    }
    let after = incident::transition(before.clone(), Event::Merge(into), now)?;
    if after == before {
        return finish(desk, work, &lives).await;
    }
    lives.take_in(&before, &arrival);
    let lives = store::incident::save(work.conn(), lives).await?;
    let after = store::incident::save(work.conn(), after).await?;
    store::grouping::relink(work.conn(), gone, into).await?;
    store::evidence::rebind(work.conn(), gone, into).await?;
    worker::tell(&mut work, &[lives.clone(), after]).await?;
    for id in [gone, into] {
        let what = Note {
            what: "merged",
            action: "incident.merged",
            device: None,
        };
        note(&mut work, id, what).await?;
    }
    finish(desk, work, &lives).await
}

/// Corrects the transformer of a report; what it means for incidents is weighed again.
pub(super) async fn correct(
    desk: &Desk,
    claims: &Claims,
    message: &pb::CorrectLinkRequest,
) -> Result<pb::Report, Error> {
    let meta = Meta::new(&message.command_id, claims, message, desk.clock.now())?;
    let id = ReportId::parse(&message.report_id)?;
    let (transformer, load) = transformer(desk, id, &message.transformer_id)?;
    let mut work = match Work::begin::<pb::Report>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let stored = store::report::by_id(work.conn(), id).await?;
    let stored = stored
        .filter(|stored| read::may_see(claims, stored))
        .ok_or(Error::NoReport)?;
    let stirred = store::evidence::stir(work.conn()).await?;
    belief::correct(work.conn(), id, &transformer, load.as_deref(), stirred).await?;
    work.audit(
        "report.link_corrected",
        id,
        json!({ "from": stored.report.place.transformer_id, "to": transformer }),
    );
    if let Some(incident) = stored.incident {
        let what = Note {
            what: "corrected",
            action: "incident.link_corrected",
            device: Some(transformer),
        };
        note(&mut work, incident, what).await?;
    }
    let reply = work.commit(news::report(&stored)).await?;
    desk.bell.notify_one();
    Ok(reply)
}

/// The transformer in the network's spelling, and a load below it that stands for the report.
fn transformer(desk: &Desk, report: ReportId, id: &str) -> Result<(String, Option<String>), Error> {
    let named = wire::text_required("transformer_id", id, 200)?;
    let wrong = || Invalid::new("transformer_id", "must be a transformer of the current network");
    let town = desk.atlas.town().ok_or_else(wrong)?;
    let grid = town.grid();
    let device = grid
        .device(&named)
        .filter(|device| grid.device_kind(*device) == relight_grid::DeviceKind::Transformer)
        .ok_or_else(wrong)?;
    let below = grid.affected(device).dead_loads;
    let nth = report.uuid().as_u128() % u128::try_from(below.len().max(1)).unwrap_or(1);
    let load = usize::try_from(nth).ok().and_then(|nth| below.get(nth));
    let load = load.map(|load| grid.load_id(*load).to_owned());
    Ok((grid.device_id(device).to_owned(), load))
}
