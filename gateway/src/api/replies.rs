//! What people answered that no word explains, and contacts that turned out to be somebody else's.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use relight_common::{
    Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, Segment, at},
    wire::uuid,
};
use relight_proto::notify::v1::{
    AcknowledgeReplyRequest, ListRepliesRequest, ListWrongRequest, Reply as WireReply, ReportWrongRequest,
    WithdrawWrongRequest, WrongContact as WireWrong, report_wrong_request::By,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::list::{List, page};
use crate::app::App;

/// Who reads answers and says whose contact is not whose.
const DESK: [Role; 3] = [Role::Agent, Role::Dispatcher, Role::Manager];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(replies))
        .routes(routes!(acknowledge))
        .routes(routes!(wrong_contacts, report))
        .routes(routes!(withdraw))
}

/// An answer by text that means nothing to the platform: a person reads it.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct UnclearReply {
    /// UUID.
    reply_id: String,
    /// The latest message the number got before it.
    message_id: String,
    /// What that was for.
    purpose: String,
    /// Whose contact it came from; empty: the phone given with a report.
    customer_id: String,
    /// Last digits of the number.
    from_masked: String,
    /// What they wrote; left out of the answer to an acknowledgement.
    said: String,
    /// When it came.
    received_at: Option<DateTime<Utc>>,
    /// When somebody read it.
    acknowledged_at: Option<DateTime<Utc>>,
    /// Who; empty while nobody has.
    acknowledged_by: String,
    /// What came of it.
    note: String,
}

impl From<WireReply> for UnclearReply {
    fn from(one: WireReply) -> Self {
        Self {
            reply_id: one.reply_id,
            message_id: one.message_id,
            purpose: one.purpose,
            customer_id: one.customer_id,
            from_masked: one.from_masked,
            said: one.said,
            received_at: at(one.received_at),
            acknowledged_at: at(one.acknowledged_at),
            acknowledged_by: one.acknowledged_by,
            note: one.note,
        }
    }
}

/// Which answers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only those nobody acknowledged.
    #[serde(default)]
    open: bool,
    /// `next_cursor` of the page before; left out: the first page.
    #[serde(default)]
    #[param(max_length = 1000)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Answers a person has to read, those that wait longest first; looking is recorded.
#[utoipa::path(get, path = "/api/v1/replies", tag = "messages", params(Which), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<UnclearReply>)))]
async fn replies(
    State(app): State<App>,
    caller: Caller,
    Params(which): Params<Which>,
) -> Result<Json<List<UnclearReply>>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = ListRepliesRequest {
        open: which.open,
        page: Some(page(which.cursor, which.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().replies, list, message).await?;
    Ok(Json(List::of(reply.replies, reply.next_cursor)))
}

/// What came of an answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// No personal data.
    #[serde(default)]
    #[schema(max_length = 200)]
    note: String,
}

/// The caller has read an answer; who was first stays.
#[utoipa::path(post, path = "/api/v1/replies/{id}/acknowledgement", tag = "messages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Id of the answer"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Seen, responses((status = 200, description = "The answer", body = UnclearReply)))]
async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Seen>,
) -> Result<Json<UnclearReply>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = AcknowledgeReplyRequest {
        command_id: key.to_string(),
        reply_id: uuid("id", &id)?.to_string(),
        note: body.note,
    };
    let one = ask!(app.edge(), claims, app.to().replies, acknowledge, message).await?;
    Ok(Json(one.into()))
}

/// A contact that is somebody else's: no debt is told to it any more, and nothing that reaches it is proof.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct WrongContact {
    /// UUID.
    wrong_id: String,
    /// Whose contact it is not.
    customer_id: String,
    /// `sms`, `email`
    channel: String,
    /// Last digits, or domain.
    recipient_masked: String,
    /// When it was said.
    reported_at: Option<DateTime<Utc>>,
    /// Person, or `reply`: an answer to a message said so.
    reported_by: String,
    /// What they said.
    note: String,
    /// When it was taken back.
    withdrawn_at: Option<DateTime<Utc>>,
    /// By whom; empty: it stands.
    withdrawn_by: String,
    /// Why it is the right contact after all.
    withdrawn_reason: String,
}

impl From<WireWrong> for WrongContact {
    fn from(one: WireWrong) -> Self {
        Self {
            wrong_id: one.wrong_id,
            customer_id: one.customer_id,
            channel: one.channel,
            recipient_masked: one.recipient_masked,
            reported_at: at(one.reported_at),
            reported_by: one.reported_by,
            note: one.note,
            withdrawn_at: at(one.withdrawn_at),
            withdrawn_by: one.withdrawn_by,
            withdrawn_reason: one.withdrawn_reason,
        }
    }
}

/// Of whom.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// The customer.
    customer_id: Uuid,
}

/// Contacts of a customer that are somebody else's, the newest first, also those taken back.
#[utoipa::path(get, path = "/api/v1/wrong-contacts", tag = "messages", params(Whose), security(("session" = [])),
    responses((status = 200, description = "All of them", body = List<WrongContact>),
        (status = 404, description = "No such customer in the caller's area")))]
async fn wrong_contacts(
    State(app): State<App>,
    caller: Caller,
    Params(whose): Params<Whose>,
) -> Result<Json<List<WrongContact>>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = ListWrongRequest {
        customer_id: whose.customer_id.to_string(),
    };
    let reply = ask!(app.edge(), claims, app.to().wrong_person, list, message).await?;
    Ok(Json(List::of(reply.contacts, String::new())))
}

/// Somebody said: this is not my number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wrong {
    /// Whose contact it is not.
    customer_id: Uuid,
    /// A message that reached somebody else; or `contact_id`.
    message_id: Option<Uuid>,
    /// A contact on file; or `message_id`.
    contact_id: Option<Uuid>,
    /// What they said; no personal data.
    #[serde(default)]
    #[schema(max_length = 200)]
    note: String,
}

impl Wrong {
    fn by(&self) -> Result<By, Problem> {
        match (self.message_id, self.contact_id) {
            (Some(id), None) => Ok(By::MessageId(id.to_string())),
            (None, Some(id)) => Ok(By::ContactId(id.to_string())),
            _ => Err(Problem::field(
                "message_id",
                "must be given, or contact_id, not both",
            )),
        }
    }
}

/// A contact is somebody else's: from now on no debt is told to it, and what reached it proves nothing.
#[utoipa::path(post, path = "/api/v1/wrong-contacts", tag = "messages", security(("session" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Wrong, responses((status = 201, description = "Noted", body = WrongContact),
        (status = 404, description = "No such message or contact in the caller's area")))]
async fn report(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Body(body): Body<Wrong>,
) -> Result<(StatusCode, Json<WrongContact>), Problem> {
    let claims = caller.need(&DESK)?;
    let message = ReportWrongRequest {
        command_id: key.to_string(),
        customer_id: body.customer_id.to_string(),
        by: Some(body.by()?),
        note: body.note,
    };
    let one = ask!(app.edge(), claims, app.to().wrong_person, report, message).await?;
    Ok((StatusCode::CREATED, Json(one.into())))
}

/// Why it is the right contact after all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TakeBack {
    /// Kept with the note.
    #[schema(max_length = 200)]
    reason: String,
}

/// It is the right contact after all; old proof does not become good again by it.
#[utoipa::path(post, path = "/api/v1/wrong-contacts/{id}/withdrawal", tag = "messages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Id of the note"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = TakeBack, responses((status = 200, description = "Taken back", body = WrongContact),
        (status = 404, description = "None that stands in the caller's area")))]
async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<TakeBack>,
) -> Result<Json<WrongContact>, Problem> {
    let claims = caller.need(&DESK)?;
    let message = WithdrawWrongRequest {
        command_id: key.to_string(),
        wrong_id: uuid("id", &id)?.to_string(),
        reason: body.reason,
    };
    let one = ask!(app.edge(), claims, app.to().wrong_person, withdraw, message).await?;
    Ok(Json(one.into()))
}
