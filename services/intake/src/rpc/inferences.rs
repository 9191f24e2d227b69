//! What the engine believes and why, for people; and the same evidence thought through again.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use relight_common::{Claims, Invalid, Role, wire::timestamp};
use relight_grid::infer::Weights;
use relight_proto::intake::v1 as pb;
use sqlx::PgConnection;

use super::read::{self, INCIDENT_READERS, reaches};
use crate::{
    desk::Desk,
    domain::{
        IncidentId,
        incident::Incident,
        mind::{Replayed, replay},
    },
    error::Error,
    store::{
        self,
        belief::{self, Believed, Item},
        check,
        evidence::Decided,
    },
    topology::Town,
};

/// Who asks which meters should be pinged.
pub(super) const PINGERS: [Role; 4] = [Role::Service, Role::Scada, Role::Dispatcher, Role::Admin];
const PINGS_MAX: i64 = 500;
/// Why a meter is asked: it tells devices apart.
const CANDIDATES: &str = "candidates";
/// Or: is supply back?
const RESTORED: &str = "restored";
const EVIDENCE_MAX: i64 = 10_000;
/// Evidence this long before an incident may say something about it.
pub(crate) const BEFORE: TimeDelta = TimeDelta::hours(4);

/// The incident, if the caller may see it.
pub(super) async fn visible(conn: &mut PgConnection, claims: &Claims, id: &str) -> Result<Incident, Error> {
    let found = store::incident::by_id(conn, IncidentId::parse(id)?).await?;
    found
        .filter(|incident| reaches(claims, &INCIDENT_READERS, &incident.org_path))
        .ok_or(Error::NoIncident)
}

pub(super) async fn get(
    desk: &Desk,
    claims: &Claims,
    message: &pb::GetInferenceRequest,
) -> Result<pb::Inference, Error> {
    let mut conn = read::connection(desk).await?;
    let incident = visible(&mut conn, claims, &message.incident_id).await?;
    let believed = belief::of(&mut conn, incident.id).await?;
    Ok(believed.map_or_else(
        || pb::Inference {
            incident_id: incident.id.to_string(),
            ..Default::default()
        },
        inference,
    ))
}

fn inference(believed: Believed) -> pb::Inference {
    let candidates = believed.candidates.into_iter().map(|one| pb::Candidate {
        device_id: one.device,
        equal: one.equal,
        p: one.p,
    });
    pb::Inference {
        incident_id: believed.incident.to_string(),
        grid_version: believed.version.to_string(),
        candidates: candidates.collect(),
        confidence: believed.confidence,
        customers: believed.customers,
        explanation: Some(phrase(believed.why)),
        ask_load_id: believed.ask.unwrap_or_default(),
        overruled: believed.overruled.is_some(),
        premise: believed.premise,
        decided_at: Some(timestamp(believed.decided_at)),
        restored_at: believed.restored_at.map(timestamp),
    }
}

pub(super) fn phrase((zh, en): (String, String)) -> pb::Phrase {
    pb::Phrase { zh, en }
}

pub(super) async fn pings(desk: &Desk, claims: &Claims) -> Result<pb::PingsWantedReply, Error> {
    let patterns = read::patterns(claims, &PINGERS);
    let mut conn = read::connection(desk).await?;
    let wanted = belief::pings(&mut conn, &patterns, PINGS_MAX).await?;
    let restored = check::pings(&mut conn, &patterns, PINGS_MAX).await?;
    let pings = wanted.into_iter().filter_map(|believed| {
        Some(pb::pings_wanted_reply::Ping {
            incident_id: believed.incident.to_string(),
            load_id: believed.ask?,
            device_ids: believed
                .candidates
                .into_iter()
                .take(2)
                .map(|one| one.device)
                .collect(),
            why: CANDIDATES.to_owned(),
        })
    });
    let most = usize::try_from(PINGS_MAX).unwrap_or_default();
    Ok(pb::PingsWantedReply {
        pings: pings
            .chain(restored.into_iter().map(is_back))
            .take(most)
            .collect(),
    })
}

fn is_back(ping: check::Ping) -> pb::pings_wanted_reply::Ping {
    pb::pings_wanted_reply::Ping {
        incident_id: ping.incident.to_string(),
        load_id: ping.load,
        device_ids: Vec::new(),
        why: RESTORED.to_owned(),
    }
}

pub(super) async fn evidence(
    desk: &Desk,
    claims: &Claims,
    message: &pb::EvidenceRequest,
) -> Result<pb::EvidenceReply, Error> {
    let mut conn = read::connection(desk).await?;
    let incident = visible(&mut conn, claims, &message.incident_id).await?;
    let mut loads: BTreeSet<String> = store::incident::loads(&mut conn, incident.id)
        .await?
        .into_iter()
        .collect();
    let devices: Vec<String> = incident.device.iter().map(|device| device.id.clone()).collect();
    if let Some(town) = desk.atlas.town() {
        loads.extend(below(&town, &devices));
    }
    let loads: Vec<String> = loads.into_iter().collect();
    let since = incident.off_at - TimeDelta::hours(1);
    let items = belief::items(&mut conn, incident.id, &loads, &devices, since, EVIDENCE_MAX).await?;
    let decisions = belief::decisions(&mut conn, incident.id, EVIDENCE_MAX).await?;
    Ok(pb::EvidenceReply {
        evidence: items.into_iter().map(item).collect(),
        decisions: decisions.into_iter().map(decision).collect(),
    })
}

fn below(town: &Town, devices: &[String]) -> Vec<String> {
    let grid = town.grid();
    let known = devices.iter().filter_map(|device| grid.device(device));
    let loads = known.flat_map(|device| grid.affected(device).dead_loads);
    loads.map(|load| grid.load_id(load).to_owned()).collect()
}

fn item(item: Item) -> pb::EvidenceItem {
    pb::EvidenceItem {
        at: Some(timestamp(item.at)),
        received_at: Some(timestamp(item.received_at)),
        kind: item.kind,
        load_id: item.load.unwrap_or_default(),
        device_id: item.device.unwrap_or_default(),
        source: item.source,
        report_id: item.report.map(|id| id.to_string()).unwrap_or_default(),
    }
}

pub(super) fn decision(decided: Decided) -> pb::Decision {
    pb::Decision {
        decision_id: decided.id.to_string(),
        at: Some(timestamp(decided.at)),
        what: decided.what.to_owned(),
        device_id: decided.device.unwrap_or_default(),
        p: decided.p.unwrap_or_default(),
        explanation: Some(phrase(decided.why)),
        grid_version: decided.version.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// Thinks the stored evidence through again on the present network.
pub(super) async fn again(
    desk: &Desk,
    claims: &Claims,
    message: &pb::ReplayRequest,
) -> Result<pb::ReplayReply, Error> {
    let mut conn = read::connection(desk).await?;
    let incident = visible(&mut conn, claims, &message.incident_id).await?;
    let town = desk.atlas.town().ok_or_else(|| {
        Error::Common(relight_common::Error::peer("the registry for the network")(
            tonic::Status::unavailable("the network is not loaded yet"),
        ))
    })?;
    let mut memory = store::evidence::memory(&mut conn, town.version(), incident.off_at - BEFORE).await?;
    memory.findings = belief::findings(&mut conn, incident.id).await?;
    drop(conn);
    let (weights, limits): (Weights, _) = (desk.numbers_of.weights.clone(), desk.numbers_of.limits.clone());
    let (until, grid) = (desk.clock.now(), town.clone());
    let thought = tokio::task::spawn_blocking(move || {
        replay(
            grid.grid().clone(),
            grid.lengths_m(),
            weights,
            limits,
            memory,
            until,
        )
    });
    let replayed = thought.await.map_err(|panic| Error::Network(panic.to_string()))?;
    Ok(reply(&incident, town.version(), replayed))
}

fn reply(incident: &Incident, version: uuid::Uuid, replayed: Replayed) -> pb::ReplayReply {
    let last = replayed.steps.last().cloned();
    let device = last
        .as_ref()
        .and_then(|last| last.device.clone())
        .unwrap_or_default();
    let known = incident.device.as_ref().map_or("", |device| device.id.as_str());
    let decisions = replayed.steps.into_iter().map(|step| pb::Decision {
        decision_id: String::new(),
        at: Some(timestamp(step.at)),
        what: "now".to_owned(),
        device_id: step.device.unwrap_or_default(),
        p: step.p,
        explanation: Some(phrase(step.why)),
        grid_version: version.to_string(),
    });
    pb::ReplayReply {
        decisions: decisions.collect(),
        confidence: last.map_or(0.0, |last| last.p),
        same: device == known,
        device_id: device,
    }
}

/// The device of the present network, in its own spelling, with its kind and place.
pub(super) fn device(
    desk: &Desk,
    id: &str,
) -> Result<
    (
        crate::domain::incident::Device,
        Option<crate::domain::place::Position>,
    ),
    Error,
> {
    use crate::domain::group::Topology;
    let named = relight_common::wire::text_required("device_id", id, 200)?;
    let town = desk.atlas.town();
    let known = town.as_ref().and_then(|town| {
        let device = town.grid().device(&named)?;
        let id = town.grid().device_id(device).to_owned();
        let kind = town.kind(&id).to_owned();
        let position = town.position(&id);
        Some((crate::domain::incident::Device { id, kind }, position))
    });
    known.ok_or_else(|| Invalid::new("device_id", "must be the id of a device of the current network").into())
}
