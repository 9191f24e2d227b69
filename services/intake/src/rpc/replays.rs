//! A past decision of the engine made again, with what was known when it was made.

use relight_common::{Claims, wire};
use relight_grid::infer::Weights;
use relight_proto::intake::v1 as pb;

use super::{inferences, read};
use crate::{
    desk::Desk,
    domain::mind::{Again, decide_again},
    error::Error,
    store::{evidence::Decided, replay},
};

/// Probabilities this close are the same: sums of the same numbers in another order.
const SAME_P: f64 = 1e-6;

/// Makes a decision again and compares.
pub(super) async fn decision(
    desk: &Desk,
    claims: &Claims,
    message: &pb::ReplayDecisionRequest,
) -> Result<pb::ReplayDecisionReply, Error> {
    let id = wire::uuid("decision_id", &message.decision_id)?;
    let mut conn = read::connection(desk).await?;
    let decided = replay::decision(&mut conn, id).await?.ok_or(Error::NoDecision)?;
    let incident = decided.incident.to_string();
    inferences::visible(&mut conn, claims, &incident)
        .await
        .map_err(|error| match error {
            Error::NoIncident => Error::NoDecision,
            other => other,
        })?;
    let (thought, basis) = decided.made_from.clone().ok_or(Error::NotMadeByEngine)?;
    let memory = replay::memory(&mut conn, &thought).await?;
    let weights = replay::weights(&mut conn, thought.weights).await?;
    let weights = Weights::parse(&weights).map_err(|_| Error::Stored("set of weights"))?;
    drop(conn);
    let (grid, lengths_m) = desk.atlas.network_of(thought.version).await?;
    let told = pb::ReplayDecisionReply {
        evidence: u32::try_from(memory.pieces.len()).unwrap_or(u32::MAX),
        named_device_ids: basis.named.iter().map(|(.., device)| device.clone()).collect(),
        ..Default::default()
    };
    let (numbers, now) = ((weights, desk.numbers_of.limits.clone()), decided.at);
    let thinking = move || decide_again(grid, &lengths_m, numbers, memory, &basis, now);
    let again = tokio::task::spawn_blocking(thinking).await;
    let again = again.map_err(|panic| Error::Network(panic.to_string()))?;
    Ok(reply(decided, again, told))
}

/// What is part of another or over comes out as no outage of its own.
fn is_same(decided: &Decided, again: Option<&Again>) -> bool {
    match again {
        Some(again) => {
            let p = decided.p.unwrap_or_default();
            decided.what == "now" && decided.device == again.device && (again.p - p).abs() < SAME_P
        }
        None => decided.what != "now",
    }
}

fn reply(decided: Decided, again: Option<Again>, told: pb::ReplayDecisionReply) -> pb::ReplayDecisionReply {
    let told = pb::ReplayDecisionReply {
        same: is_same(&decided, again.as_ref()),
        decided: Some(inferences::decision(decided)),
        ..told
    };
    let Some(again) = again else { return told };
    let candidates = again.candidates.into_iter();
    let candidates = candidates.map(|(device_id, equal, p)| pb::Candidate { device_id, equal, p });
    pb::ReplayDecisionReply {
        device_id: again.device.unwrap_or_default(),
        p: again.p,
        candidates: candidates.collect(),
        explanation: Some(inferences::phrase(again.why)),
        ..told
    }
}
