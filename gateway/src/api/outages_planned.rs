//! Planned and temporary outages: from the draft to the archive, and what is announced.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use relight_common::{
    Claims, Role, ask,
    edge::{Anyone, Body, Caller, CommandKey, Params, Problem, Segment, at, parse},
    wire::{text_required, uuid},
};
use relight_proto::planner::v1::{
    ActRequest, Announcement as WireAnnouncement, AnnouncementsRequest, DraftRequest, GetRequest,
    ListRequest, RecipientsRequest, act_request::Action, get_request::By,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    list::{List, page},
    outages_event::OutageEvent,
    outages_people::Recipient,
    outages_shape::{PlannedOutage, Window, Words, window},
};
use crate::app::App;

/// Everybody who plans, decides, switches or tells people.
pub(super) const PLANNERS: [Role; 5] = [
    Role::Planner,
    Role::Manager,
    Role::Dispatcher,
    Role::Agent,
    Role::UnitDesk,
];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, draft))
        .routes(routes!(get))
        .routes(routes!(gate))
        .routes(routes!(recipients))
        .routes(routes!(act))
        .routes(routes!(announcements))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// One state; left out: all that are not over.
    #[serde(default)]
    state: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Planned outages of the caller's area, those that begin first first.
#[utoipa::path(get, path = "/api/v1/planned-outages", tag = "planned outages", params(ListParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<PlannedOutage>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<List<PlannedOutage>>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let message = ListRequest {
        state: params.state,
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().planner, list, message).await?;
    Ok(Json(List::of(reply.outages, reply.next_cursor)))
}

/// A new plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Draft {
    /// Chosen by the sender.
    outage_id: Uuid,
    /// External ids of what will be open, 1 to 500.
    device_ids: Vec<String>,
    /// When.
    window: Window,
    /// What people are told.
    words: Words,
    /// What it has to hold: `high_voltage`, `low_voltage`; left out: `high_voltage`, which asks for more.
    #[serde(default)]
    #[schema(max_length = 40)]
    template: String,
    /// Who asked for it, one of those affected; their wish is their notice, everybody else is told as of any plan.
    #[serde(default)]
    requested_by_customer_id: Option<Uuid>,
    /// How they asked, and the number of what they signed; needed with `requested_by_customer_id`.
    #[serde(default)]
    #[schema(max_length = 500)]
    request_note: String,
}

/// Drafts a planned outage: who is affected is computed from the network at once.
#[utoipa::path(post, path = "/api/v1/planned-outages", tag = "planned outages", security(("session" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Draft, responses((status = 201, description = "The draft", body = PlannedOutage)))]
async fn draft(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Body(body): Body<Draft>,
) -> Result<(StatusCode, Json<PlannedOutage>), Problem> {
    let claims = caller.need(&[Role::Planner, Role::Manager])?;
    let message = DraftRequest {
        command_id: key.to_string(),
        outage_id: body.outage_id.to_string(),
        device_ids: body.device_ids,
        window: Some(body.window.into()),
        words: Some(body.words.into()),
        template: body.template,
        requested_by_customer_id: body
            .requested_by_customer_id
            .map_or(String::new(), |id| id.to_string()),
        request_note: body.request_note,
    };
    let outage = ask!(app.edge(), claims, app.to().planner, draft, message).await?;
    Ok((StatusCode::CREATED, Json(outage.into())))
}

fn by(id: String) -> Result<GetRequest, Problem> {
    let by = if Uuid::parse_str(&id).is_ok() {
        By::OutageId(id)
    } else {
        By::Number(text_required("id", &id, 40)?)
    };
    Ok(GetRequest { by: Some(by) })
}

/// One planned outage by id or spoken number.
#[utoipa::path(get, path = "/api/v1/planned-outages/{id}", tag = "planned outages", security(("session" = [])),
    params(("id" = String, Path, description = "Outage id (UUID) or number")),
    responses((status = 200, description = "The outage", body = PlannedOutage)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<PlannedOutage>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let outage = ask!(app.edge(), claims, app.to().planner, get, by(id)?).await?;
    Ok(Json(outage.into()))
}

/// What the next gate says.
#[derive(Debug, Serialize, ToSchema)]
struct Gate {
    /// Whether it lets the outage through.
    allowed: bool,
    /// What stands in the way, in words.
    because: Vec<String>,
    /// What the law says of the notice and the window, with the arithmetic.
    law: String,
    /// The earliest lawful start with the notices there are.
    earliest: Option<DateTime<Utc>>,
}

/// Asks the gate without moving anything: may it, and why not.
#[utoipa::path(get, path = "/api/v1/planned-outages/{id}/gate", tag = "planned outages", security(("session" = [])),
    params(("id" = String, Path, description = "Outage id (UUID) or number")),
    responses((status = 200, description = "The answer", body = Gate)))]
async fn gate(State(app): State<App>, caller: Caller, Segment(id): Segment) -> Result<Json<Gate>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let reply = ask!(app.edge(), claims, app.to().planner, explain, by(id)?).await?;
    Ok(Json(Gate {
        allowed: reply.allowed,
        because: reply.because,
        law: reply.law,
        earliest: at(reply.earliest),
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecipientParams {
    /// `all` (also when left out), `required`, `unreached`, `unacknowledged`, `backfeed`, `dedicated`, `uncalled`
    #[serde(default)]
    which: String,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Who is affected and where they stand; every look is audited.
#[utoipa::path(get, path = "/api/v1/planned-outages/{id}/recipients", tag = "planned outages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id"), RecipientParams),
    responses((status = 200, description = "A page", body = List<Recipient>)))]
async fn recipients(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<RecipientParams>,
) -> Result<Json<List<Recipient>>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let which = if params.which.is_empty() {
        "all".to_owned()
    } else {
        params.which
    };
    let message = RecipientsRequest {
        outage_id: uuid("id", &id)?.to_string(),
        which,
        page: Some(page(params.cursor, params.limit)?),
    };
    let reply = ask!(app.edge(), claims, app.to().planner, recipients, message).await?;
    Ok(Json(List::of(reply.recipients, reply.next_cursor)))
}

/// What happens to the outage.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Act {
    /// The event. Read on its own: so a fault inside is told with its place.
    #[schema(value_type = OutageEvent)]
    event: serde_json::Value,
    /// Refused when the outage is at another version; left out: whatever it is.
    #[serde(default)]
    expected_version: u64,
}

/// Does one thing with the outage. Refusals say what stands in the way.
#[utoipa::path(post, path = "/api/v1/planned-outages/{id}/events", tag = "planned outages", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Outage id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = Act, responses((status = 200, description = "The outage after it", body = PlannedOutage)))]
async fn act(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<Act>,
) -> Result<Json<PlannedOutage>, Problem> {
    let claims = caller.need(&PLANNERS)?;
    let event: OutageEvent = parse("event", body.event)?;
    let action: Action = event.into();
    let photo = match &action {
        Action::Evidence(evidence) => evidence.photo_sha256.as_str(),
        _ => "",
    };
    let message = ActRequest {
        command_id: key.to_string(),
        outage_id: uuid("id", &id)?.to_string(),
        expected_version: body.expected_version,
        photos_stored: app.photos().stored([photo]),
        action: Some(action),
    };
    let outage = ask!(app.edge(), claims, app.to().planner, act, message).await?;
    Ok(Json(outage.into()))
}

/// What is announced to the public.
#[derive(Debug, Serialize, ToSchema)]
struct Announcement {
    /// Spoken number.
    number: String,
    /// Which plan; an earlier one of the same number is void.
    plan_no: u32,
    /// `PLANNED`, `TEMPORARY`
    class: String,
    /// `approved` and `noticed`: announced; `cancelled` and `aborted`: does not take place.
    state: String,
    /// Area, line and reason. Never names.
    words: Words,
    /// When.
    window: Option<Window>,
    /// IANA zone of the place.
    zone: String,
    /// Since when it is published.
    published_at: Option<DateTime<Utc>>,
}

impl From<WireAnnouncement> for Announcement {
    fn from(one: WireAnnouncement) -> Self {
        Self {
            number: one.number,
            plan_no: one.plan_no,
            class: one.class,
            state: one.state,
            words: one.words.map(Words::from).unwrap_or_default(),
            window: window(one.window),
            zone: one.zone,
            published_at: at(one.published_at),
        }
    }
}

/// Planned outages that are announced: area, line and time. Open to the public, limited by address.
#[utoipa::path(get, path = "/api/v1/announcements", tag = "planned outages",
    responses((status = 200, description = "What is announced and not over", body = List<Announcement>)))]
async fn announcements(State(app): State<App>, _: Anyone) -> Result<Json<List<Announcement>>, Problem> {
    let anybody = Claims::anybody();
    let reply = ask!(
        app.edge(),
        &anybody,
        app.to().planner,
        announcements,
        AnnouncementsRequest {}
    )
    .await?;
    Ok(Json(List::of(reply.announcements, String::new())))
}
