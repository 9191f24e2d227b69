//! Which device an incident probably is, why, and what people change about it.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Problem, Segment, at},
    wire::{text_required, uuid},
};
use relight_proto::intake::v1 as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{STAFF, incidents::Incident, reports::Phrase};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(inference))
        .routes(routes!(evidence))
        .routes(routes!(replay))
        .routes(routes!(replay_decision))
        .routes(routes!(overrule))
        .routes(routes!(undo))
        .routes(routes!(split))
        .routes(routes!(merge))
}

/// A device that may be the one.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceCandidate {
    device_id: String,
    /// Devices that put out the same customers: told apart only by looking.
    equal: Vec<String>,
    /// Probability.
    p: f64,
}

impl From<pb::Candidate> for DeviceCandidate {
    fn from(one: pb::Candidate) -> Self {
        Self {
            device_id: one.device_id,
            equal: one.equal,
            p: one.p,
        }
    }
}

/// What is believed of an incident.
#[derive(Debug, Serialize, ToSchema)]
struct Inference {
    incident_id: String,
    /// On this version of the network; empty: nothing is known of it.
    grid_version: String,
    /// Probable device first, then the runner-up and the rest.
    candidates: Vec<DeviceCandidate>,
    /// Probability that the device is right.
    confidence: f64,
    /// Probably off. A guess: nobody is told because of it.
    customers: u32,
    /// Why, in plain words.
    explanation: Option<Phrase>,
    /// The meter that, asked now, would tell the likeliest two apart.
    ask_load_id: String,
    /// A dispatcher named the device.
    overruled: bool,
    /// One customer's own premises explain it.
    premise: bool,
    decided_at: Option<DateTime<Utc>>,
    /// Since when enough of those who reported are back.
    restored_at: Option<DateTime<Utc>>,
}

/// What is believed of an incident, and why.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/inference", tag = "incidents", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Incident id")),
    responses((status = 200, description = "What is believed", body = Inference)))]
async fn inference(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<Inference>, Problem> {
    let claims = caller.need(&STAFF)?;
    let message = pb::GetInferenceRequest {
        incident_id: uuid("id", &id)?.to_string(),
    };
    let told = ask!(app.edge(), claims, app.to().inferences, get, message).await?;
    let candidates = told.candidates.into_iter().map(DeviceCandidate::from);
    Ok(Json(Inference {
        incident_id: told.incident_id,
        grid_version: told.grid_version,
        candidates: candidates.collect(),
        confidence: told.confidence,
        customers: told.customers,
        explanation: told.explanation.map(Phrase::from),
        ask_load_id: told.ask_load_id,
        overruled: told.overruled,
        premise: told.premise,
        decided_at: at(told.decided_at),
        restored_at: at(told.restored_at),
    }))
}

/// One piece of evidence.
#[derive(Debug, Serialize, ToSchema)]
struct Piece {
    /// When it happened.
    at: Option<DateTime<Utc>>,
    /// When it came.
    received_at: Option<DateTime<Utc>>,
    /// `call`, `last_gasp`, `ping_off`, `ping_on`, `scada_open`, `scada_closed`, `restored`, `fed_again`, `lost_again`
    kind: String,
    load_id: String,
    device_id: String,
    /// Who said it.
    source: String,
    /// Of a call.
    report_id: String,
}

/// One decision.
#[derive(Debug, Serialize, ToSchema)]
struct Decision {
    /// By which it can be made again; empty in a replay.
    id: String,
    at: Option<DateTime<Utc>>,
    /// `now`, `merged`, `gone`, `overruled`, `undone`, `confirmed`, `split`, `corrected`, `withdrawn`
    what: String,
    device_id: String,
    /// Probability, of the engine's own decisions.
    p: f64,
    explanation: Option<Phrase>,
    grid_version: String,
}

impl From<pb::Decision> for Decision {
    fn from(decision: pb::Decision) -> Self {
        Self {
            id: decision.decision_id,
            at: at(decision.at),
            what: decision.what,
            device_id: decision.device_id,
            p: decision.p,
            explanation: decision.explanation.map(Phrase::from),
            grid_version: decision.grid_version,
        }
    }
}

/// What speaks about an incident, and what was made of it.
#[derive(Debug, Serialize, ToSchema)]
struct Evidence {
    /// Oldest first, at most 10,000.
    evidence: Vec<Piece>,
    decisions: Vec<Decision>,
}

/// The evidence behind an incident and every decision about it.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/evidence", tag = "incidents", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Incident id")),
    responses((status = 200, description = "Evidence and decisions", body = Evidence)))]
async fn evidence(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<Evidence>, Problem> {
    let claims = caller.need(&STAFF)?;
    let message = pb::EvidenceRequest {
        incident_id: uuid("id", &id)?.to_string(),
    };
    let told = ask!(app.edge(), claims, app.to().inferences, evidence, message).await?;
    let pieces = told.evidence.into_iter().map(|piece| Piece {
        at: at(piece.at),
        received_at: at(piece.received_at),
        kind: piece.kind,
        load_id: piece.load_id,
        device_id: piece.device_id,
        source: piece.source,
        report_id: piece.report_id,
    });
    Ok(Json(Evidence {
        evidence: pieces.collect(),
        decisions: told.decisions.into_iter().map(Decision::from).collect(),
    }))
}

/// The stored evidence, thought through again.
#[derive(Debug, Serialize, ToSchema)]
struct Replay {
    /// At the moments it happened.
    decisions: Vec<Decision>,
    /// What it ends with.
    device_id: String,
    confidence: f64,
    /// The same device as the incident has.
    same: bool,
}

/// Thinks the stored evidence of an incident through again. Changes nothing.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/replay", tag = "incidents", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Incident id")),
    responses((status = 200, description = "What it leads to", body = Replay)))]
async fn replay(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<Replay>, Problem> {
    let claims = caller.need(&STAFF)?;
    let message = pb::ReplayRequest {
        incident_id: uuid("id", &id)?.to_string(),
    };
    let told = ask!(app.edge(), claims, app.to().inferences, replay, message).await?;
    Ok(Json(Replay {
        decisions: told.decisions.into_iter().map(Decision::from).collect(),
        device_id: told.device_id,
        confidence: told.confidence,
        same: told.same,
    }))
}

/// A decision made again, with what was known when it was made.
#[derive(Debug, Serialize, ToSchema)]
struct MadeAgain {
    /// As it was made.
    decided: Option<Decision>,
    /// As it comes out again; empty: no outage of its own.
    device_id: String,
    p: f64,
    candidates: Vec<DeviceCandidate>,
    explanation: Option<Phrase>,
    /// The same device, as sure; or no outage of its own, again.
    same: bool,
    /// Pieces of evidence that were known then.
    evidence: u32,
    /// What people had named or confirmed around it.
    named_device_ids: Vec<String>,
}

/// Makes one decision again from the evidence that had come by then, on the network as it was and was switched, with the weights and
/// the words of people of then. Changes nothing. 409: not decided by the engine. The ids are those of an incident's `evidence`.
#[utoipa::path(get, path = "/api/v1/decisions/{id}/replay", tag = "incidents", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Decision id")),
    responses((status = 200, description = "What it comes to", body = MadeAgain)))]
async fn replay_decision(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<MadeAgain>, Problem> {
    let claims = caller.need(&STAFF)?;
    let message = pb::ReplayDecisionRequest {
        decision_id: uuid("id", &id)?.to_string(),
    };
    let told = ask!(app.edge(), claims, app.to().replays, decision, message).await?;
    Ok(Json(MadeAgain {
        decided: told.decided.map(Decision::from),
        device_id: told.device_id,
        p: told.p,
        candidates: told.candidates.into_iter().map(DeviceCandidate::from).collect(),
        explanation: told.explanation.map(Phrase::from),
        same: told.same,
        evidence: told.evidence,
        named_device_ids: told.named_device_ids,
    }))
}

/// The device a dispatcher believes in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Overrule {
    /// External id of the device.
    #[schema(max_length = 100)]
    device_id: String,
}

/// Names the device of a guess. It stays a guess: nobody more is told. `confirm` makes it a fact.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/overrule", tag = "incidents", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Incident id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Overrule, responses((status = 200, description = "The incident", body = Incident)))]
async fn overrule(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Overrule>,
) -> Result<Json<Incident>, Problem> {
    let claims = caller.need(&[Role::Dispatcher])?;
    let message = pb::OverruleRequest {
        command_id: key.to_string(),
        incident_id: uuid("id", &id)?.to_string(),
        device_id: text_required("device_id", &body.device_id, 100)?,
    };
    let incident = ask!(app.edge(), claims, app.to().inferences, overrule, message).await?;
    Ok(Json(incident.into()))
}

/// Takes that back: the engine names the device again.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/overrule/undo", tag = "incidents", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Incident id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    responses((status = 200, description = "The incident", body = Incident)))]
async fn undo(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
) -> Result<Json<Incident>, Problem> {
    let claims = caller.need(&[Role::Dispatcher])?;
    let message = pb::UndoOverruleRequest {
        command_id: key.to_string(),
        incident_id: uuid("id", &id)?.to_string(),
    };
    let incident = ask!(app.edge(), claims, app.to().inferences, undo_overrule, message).await?;
    Ok(Json(incident.into()))
}

/// Reports that are another fault.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Split {
    /// All of one incident, at most 500; not all it has.
    #[schema(max_items = 500)]
    report_ids: Vec<String>,
}

/// Makes an incident of its own of some reports; each keeps its acceptance.
#[utoipa::path(post, path = "/api/v1/incidents/split", tag = "incidents", security(("session" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Split, responses((status = 200, description = "The new incident", body = Incident)))]
async fn split(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Body(body): Body<Split>,
) -> Result<Json<Incident>, Problem> {
    let claims = caller.need(&[Role::Dispatcher])?;
    let message = pb::SplitRequest {
        command_id: key.to_string(),
        report_ids: body.report_ids,
    };
    let incident = ask!(app.edge(), claims, app.to().inferences, split, message).await?;
    Ok(Json(incident.into()))
}

/// The incident that lives on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Merge {
    /// UUID.
    into_id: String,
}

/// Makes this incident part of another; its reports keep their acceptance.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/merge", tag = "incidents", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Incident id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Merge, responses((status = 200, description = "The incident that lives on", body = Incident)))]
async fn merge(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Merge>,
) -> Result<Json<Incident>, Problem> {
    let claims = caller.need(&[Role::Dispatcher])?;
    let message = pb::MergeRequest {
        command_id: key.to_string(),
        incident_id: uuid("id", &id)?.to_string(),
        into_id: uuid("into_id", &body.into_id)?.to_string(),
    };
    let incident = ask!(app.edge(), claims, app.to().inferences, merge, message).await?;
    Ok(Json(incident.into()))
}
