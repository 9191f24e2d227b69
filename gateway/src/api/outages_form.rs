//! The form of a plan: what was considered instead of switching off, and the words of the departments (operations.md O31).

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Problem, Segment, at, parse},
    wire::uuid,
};
use relight_proto::planner::v1::{
    self as w, ConsiderRequest, CountersignRequest, GetFormRequest, ListTemplatesRequest,
    countersign_request::Step,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::list::List;
use crate::app::App;

/// Who sees forms; some of them sign for a department.
const READ: [Role; 6] = [
    Role::Planner,
    Role::Manager,
    Role::Dispatcher,
    Role::Agent,
    Role::UnitDesk,
    Role::ControlRoom,
];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(templates))
        .routes(routes!(get))
        .routes(routes!(consider))
        .routes(routes!(countersign))
}

/// A word with its names.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Named {
    /// As it is sent.
    word: String,
    /// Chinese.
    zh: String,
    /// English.
    en: String,
}

impl From<w::Named> for Named {
    fn from(one: w::Named) -> Self {
        Self {
            word: one.word,
            zh: one.zh,
            en: one.en,
        }
    }
}

/// What plans of one kind have to hold.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct PlanTemplate {
    /// Its name.
    name: Option<Named>,
    /// Considered instead of switching off, each with a reason, before the plan is submitted.
    alternatives: Vec<Named>,
    /// Who countersigns before it is approved.
    departments: Vec<Named>,
}

impl From<w::PlanTemplate> for PlanTemplate {
    fn from(one: w::PlanTemplate) -> Self {
        Self {
            name: one.name.map(Named::from),
            alternatives: one.alternatives.into_iter().map(Named::from).collect(),
            departments: one.departments.into_iter().map(Named::from).collect(),
        }
    }
}

/// What was considered instead of switching off.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Alternative {
    /// `live_work`, `transfer`, `generator_truck`
    kind: String,
    /// Used for some of the customers; otherwise it does not do.
    used: bool,
    /// Why it does not do, or for whom it does.
    reason: String,
    /// Who wrote that.
    considered_by: String,
    /// When.
    considered_at: Option<DateTime<Utc>>,
}

impl From<w::Alternative> for Alternative {
    fn from(one: w::Alternative) -> Self {
        Self {
            kind: one.kind,
            used: one.used,
            reason: one.reason,
            considered_by: one.considered_by,
            considered_at: at(one.considered_at),
        }
    }
}

/// One way of the plan to a department and back.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Countersign {
    /// `dispatch`, `equipment`, `marketing`, `supply_station`
    department: String,
    /// Of which plan; one that was moved is signed anew.
    plan_no: u32,
    /// From 1; one more after each refusal.
    round: u32,
    /// When it was sent.
    sent_at: Option<DateTime<Utc>>,
    /// By whom.
    sent_by: String,
    /// When the department had it.
    received_at: Option<DateTime<Utc>>,
    /// Who had it; empty: nobody yet.
    received_by: String,
    /// When it was signed.
    signed_at: Option<DateTime<Utc>>,
    /// By whom; empty: by nobody yet.
    signed_by: String,
    /// `agreed`, `refused`; empty: not signed.
    verdict: String,
    /// Why.
    reason: String,
}

impl From<w::Countersign> for Countersign {
    fn from(one: w::Countersign) -> Self {
        Self {
            department: one.department,
            plan_no: one.plan_no,
            round: one.round,
            sent_at: at(one.sent_at),
            sent_by: one.sent_by,
            received_at: at(one.received_at),
            received_by: one.received_by,
            signed_at: at(one.signed_at),
            signed_by: one.signed_by,
            verdict: one.verdict,
            reason: one.reason,
        }
    }
}

/// The form of one plan, and what it lacks.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct PlanForm {
    /// UUID.
    outage_id: String,
    /// Of the outage.
    version: u64,
    /// What it has to hold.
    template: Option<PlanTemplate>,
    /// What was considered.
    alternatives: Vec<Alternative>,
    /// By department, the newest plan and round first.
    countersigns: Vec<Countersign>,
    /// Alternatives nobody considered: the plan is not submitted without.
    not_considered: Vec<String>,
    /// Departments that have not signed the present plan: it is not approved without.
    not_signed: Vec<String>,
    /// Departments that refused it.
    refused: Vec<String>,
}

impl From<w::PlanForm> for PlanForm {
    fn from(one: w::PlanForm) -> Self {
        Self {
            outage_id: one.outage_id,
            version: one.version,
            template: one.template.map(PlanTemplate::from),
            alternatives: one.alternatives.into_iter().map(Alternative::from).collect(),
            countersigns: one.countersigns.into_iter().map(Countersign::from).collect(),
            not_considered: one.not_considered,
            not_signed: one.not_signed,
            refused: one.refused,
        }
    }
}

/// What plans of high and of low voltage have to hold, with the names in both languages.
#[utoipa::path(get, path = "/api/v1/plan-templates", tag = "planned outages", security(("session" = [])),
    responses((status = 200, description = "The templates", body = List<PlanTemplate>)))]
async fn templates(State(app): State<App>, caller: Caller) -> Result<Json<List<PlanTemplate>>, Problem> {
    let claims = caller.need(&READ)?;
    let ask = ListTemplatesRequest {};
    let reply = ask!(app.edge(), claims, app.to().plan_forms, templates, ask).await?;
    Ok(Json(List::of(reply.templates, String::new())))
}

/// The form of a plan: alternatives, countersigns with the times of each leg, and what is missing.
#[utoipa::path(get, path = "/api/v1/planned-outages/{id}/form", tag = "planned outages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id")),
    responses((status = 200, description = "The form", body = PlanForm)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<PlanForm>, Problem> {
    let claims = caller.need(&READ)?;
    let message = GetFormRequest {
        outage_id: uuid("id", &id)?.to_string(),
    };
    let form = ask!(app.edge(), claims, app.to().plan_forms, get, message).await?;
    Ok(Json(form.into()))
}

/// Why an alternative does not do, or for whom it does.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Considered {
    /// `live_work`, `transfer`, `generator_truck`
    #[schema(max_length = 40)]
    kind: String,
    /// Used for some of the customers.
    #[serde(default)]
    used: bool,
    /// Why, or for whom.
    #[schema(max_length = 500)]
    reason: String,
}

/// What was considered instead of switching off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Consider {
    /// Another template: `high_voltage`, `low_voltage`; left out: it stays.
    #[serde(default)]
    #[schema(max_length = 40)]
    template: String,
    /// Each kind once.
    alternatives: Vec<Considered>,
    /// Refused when the outage is at another version; left out: whatever it is.
    #[serde(default)]
    expected_version: u64,
}

/// Writes why alternatives do not do, until a department has agreed.
#[utoipa::path(post, path = "/api/v1/planned-outages/{id}/alternatives", tag = "planned outages",
    security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Consider, responses((status = 200, description = "The form after it", body = PlanForm)))]
async fn consider(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Consider>,
) -> Result<Json<PlanForm>, Problem> {
    let claims = caller.need(&[Role::Planner, Role::Manager])?;
    let alternatives = body.alternatives.into_iter().map(|one| w::Alternative {
        kind: one.kind,
        used: one.used,
        reason: one.reason,
        ..w::Alternative::default()
    });
    let message = ConsiderRequest {
        command_id: key.to_string(),
        outage_id: uuid("id", &id)?.to_string(),
        expected_version: body.expected_version,
        template: body.template,
        alternatives: alternatives.collect(),
    };
    let form = ask!(app.edge(), claims, app.to().plan_forms, consider, message).await?;
    Ok(Json(form.into()))
}

/// One step of a plan to a department and back: `{"type": "send"}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum CountersignStep {
    /// A planner sends the plan.
    Send {
        /// Left out: to every department of the template that has not agreed.
        #[serde(default)]
        departments: Vec<String>,
    },
    /// The department has it.
    Receive {
        /// Which.
        department: String,
    },
    /// The department answers; never through the author of the plan.
    Sign {
        /// Which.
        department: String,
        /// `agreed`, `refused`
        verdict: String,
        /// Needed when it refuses.
        #[serde(default)]
        reason: String,
    },
}

impl From<CountersignStep> for Step {
    fn from(step: CountersignStep) -> Self {
        match step {
            CountersignStep::Send { departments } => Step::Send(w::SendPlan { departments }),
            CountersignStep::Receive { department } => Step::Receive(w::ReceivePlan { department }),
            CountersignStep::Sign {
                department,
                verdict,
                reason,
            } => Step::Sign(w::SignPlan {
                department,
                verdict,
                reason,
            }),
        }
    }
}

/// What happens.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Signing {
    /// The step. Read on its own: so a fault inside is told with its place.
    #[schema(value_type = CountersignStep)]
    step: serde_json::Value,
    /// Refused when the outage is at another version; left out: whatever it is.
    #[serde(default)]
    expected_version: u64,
}

/// Sends the plan to departments, or takes what one of them says.
#[utoipa::path(post, path = "/api/v1/planned-outages/{id}/countersigns", tag = "planned outages",
    security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Signing, responses((status = 200, description = "The form after it", body = PlanForm)))]
async fn countersign(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Signing>,
) -> Result<Json<PlanForm>, Problem> {
    let claims = caller.need(&READ)?;
    let step: CountersignStep = parse("step", body.step)?;
    let message = CountersignRequest {
        command_id: key.to_string(),
        outage_id: uuid("id", &id)?.to_string(),
        expected_version: body.expected_version,
        step: Some(step.into()),
    };
    let form = ask!(app.edge(), claims, app.to().plan_forms, countersign, message).await?;
    Ok(Json(form.into()))
}
