//! Who was told what, when, with what proof: for the desk by incident, outage, case or customer; for customers themselves.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Caller, Params, Problem, at},
};
use relight_proto::{
    common::v1::Language as WireLanguage,
    notify::v1::{ListToldRequest, ToldMessage},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    list::{List, page},
    sessions::Language,
};
use crate::app::App;

/// Who sees what was told.
const SEE: [Role; 5] = [
    Role::Dispatcher,
    Role::Agent,
    Role::Manager,
    Role::Planner,
    Role::Customer,
];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A message to somebody.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct SentMessage {
    /// UUID.
    message_id: String,
    /// Why: `accepted`, `crew_en_route`, `etr`, `restored`, `outage_notice`, `outage_reminder`, `arrears_reminder`, and so on.
    purpose: String,
    /// The incident it is about; empty: none.
    incident_id: String,
    /// The planned outage or safety switch-off; empty: none.
    outage_id: String,
    /// The arrears case; empty: none.
    case_id: String,
    /// Whose contact it goes to; empty: the phone given with a report.
    customer_id: String,
    /// Customers who share the contact and are told by the same message.
    also_told: Vec<String>,
    /// Whose contact it went to: `customer`, `carer`, `property_manager`, `other`; only the customer's own proves that they were told
    contact_role: String,
    /// `sms`, `email`
    channel: String,
    /// Last digits, or domain.
    recipient_masked: String,
    /// `held` (second channel, until the deadline of the first), `queued`, `submitting`, `submitted`, `delivered`, `failed`,
    /// `unknown`, `superseded`, `expired`, `spared` (the first channel was enough)
    state: String,
    /// Why it stands where it stands.
    reason: String,
    /// `receipt` (the network says that it is on the phone), `handed_over` (proves nothing), `none`
    proof: String,
    /// Of mails.
    subject: String,
    /// The words as they were sent; empty for codes.
    text: String,
    /// `zh-CN`, `en`
    language: Language,
    /// When it was made.
    created_at: Option<DateTime<Utc>>,
    /// Not before.
    due_at: Option<DateTime<Utc>>,
    /// When the provider had all of it.
    submitted_at: Option<DateTime<Utc>>,
    /// When all of it was on the phone.
    delivered_at: Option<DateTime<Utc>>,
    /// Short messages it took.
    segments: u32,
    /// Tries so far.
    tries: u32,
}

impl From<ToldMessage> for SentMessage {
    fn from(told: ToldMessage) -> Self {
        let one = told.message.unwrap_or_default();
        Self {
            language: WireLanguage::try_from(one.language).unwrap_or_default().into(),
            message_id: one.message_id,
            purpose: one.purpose,
            incident_id: one.incident_id,
            outage_id: told.outage_id,
            case_id: told.case_id,
            customer_id: one.customer_id,
            also_told: told.also_told,
            contact_role: told.contact_role,
            channel: one.channel,
            recipient_masked: one.recipient_masked,
            state: one.state,
            reason: told.reason,
            proof: told.proof,
            subject: told.subject,
            text: told.text,
            created_at: at(one.created_at),
            due_at: at(told.due_at),
            submitted_at: at(one.submitted_at),
            delivered_at: at(one.delivered_at),
            segments: one.segments,
            tries: told.tries,
        }
    }
}

/// Which messages; staff name one thing at least.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct About {
    /// About this incident.
    incident_id: Option<Uuid>,
    /// About this planned outage or safety switch-off.
    outage_id: Option<Uuid>,
    /// About this arrears case.
    case_id: Option<Uuid>,
    /// To this customer; a customer sees their own in any case.
    customer_id: Option<Uuid>,
    /// Only in this state.
    #[serde(default)]
    #[param(max_length = 20)]
    state: String,
    /// `next_cursor` of the page before; left out: the first page.
    #[serde(default)]
    #[param(max_length = 1000)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Who was told what, the newest first; looking is recorded.
#[utoipa::path(get, path = "/api/v1/messages", tag = "messages", params(About), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<SentMessage>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(about): Params<About>,
) -> Result<Json<List<SentMessage>>, Problem> {
    let claims = caller.need(&SEE)?;
    let id = |id: Option<Uuid>| id.map_or(String::new(), |id| id.to_string());
    let message = ListToldRequest {
        incident_id: id(about.incident_id),
        outage_id: id(about.outage_id),
        case_id: id(about.case_id),
        customer_id: id(about.customer_id),
        state: about.state,
        page: Some(page(about.cursor, about.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().messages, list, message).await?;
    Ok(Json(List::of(reply.messages, reply.next_cursor)))
}
