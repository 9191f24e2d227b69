//! Customers: search, one, why they are off, their interruptions and messages. Names, addresses and phone numbers
//! travel in bodies, never in addresses of requests.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use relight_common::{
    Claims, Role, ask,
    edge::{
        Body, Caller, Kind, Params, Problem, Segment, at,
        order::{AreaClass, Place},
    },
    wire::{text_required, uuid},
};
use relight_proto::{
    insight::v1::{HistoryRequest, Interruption as WireInterruption, WhyOffRequest},
    notify::v1::{ListMessagesRequest, Message as WireMessage},
    registry::v1::{
        Customer as WireCustomer, GetCustomerRequest, SearchCustomersRequest, ServicePoint as WirePoint,
        get_customer_request::By,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    list::{List, PageParams, page},
    sessions::Language,
};
use crate::{app::App, words};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(search))
        .routes(routes!(get))
        .routes(routes!(why_off))
        .routes(routes!(history))
        .routes(routes!(messages))
}

/// Where a customer is supplied.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServicePoint {
    service_point_id: String,
    /// Id in the grid file.
    external_id: String,
    transformer_id: String,
    position: Option<Place>,
    area_class: AreaClass,
    org_path: String,
    /// IANA zone.
    zone: String,
    address_zh: String,
    address_en: String,
    own_generation: bool,
    important: bool,
    life_support: bool,
    dedicated_line: bool,
    /// Nominal voltage of the supply, volts; 0: not known.
    voltage_v: u32,
}

impl From<WirePoint> for ServicePoint {
    fn from(point: WirePoint) -> Self {
        let area_class = point.area_class().into();
        Self {
            service_point_id: point.service_point_id,
            external_id: point.external_id,
            transformer_id: point.transformer_id,
            position: point.position.map(Place::from),
            area_class,
            org_path: point.org_path,
            zone: point.zone,
            address_zh: point.address_zh,
            address_en: point.address_en,
            own_generation: point.own_generation,
            important: point.important,
            life_support: point.life_support,
            dedicated_line: point.dedicated_line,
            voltage_v: point.voltage_v,
        }
    }
}

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Customer {
    customer_id: String,
    account: String,
    /// Masked unless the role needs it.
    name: String,
    language: Language,
    /// `ordinary`, `important`
    class: String,
    life_support: bool,
    dedicated_line: bool,
    /// `hospital`, `school`, `kindergarten`, `water`, `heating`, `telecom`, `traffic`, `hazardous`, `shared_meter`, `low_income`,
    /// `elderly_alone`; empty: none that asks more of a disconnection.
    use_class: String,
    /// Last day of the certificate of life support, ISO; empty: none on file. Past it a person decides, nothing ends by itself.
    life_support_until: String,
    service_points: Vec<ServicePoint>,
}

impl From<WireCustomer> for Customer {
    fn from(customer: WireCustomer) -> Self {
        let language = customer.language().into();
        Self {
            customer_id: customer.customer_id,
            account: customer.account,
            name: customer.name,
            language,
            class: customer.class,
            life_support: customer.life_support,
            dedicated_line: customer.dedicated_line,
            use_class: customer.use_class,
            life_support_until: customer.life_support_until,
            service_points: customer
                .service_points
                .into_iter()
                .map(ServicePoint::from)
                .collect(),
        }
    }
}

/// What to look for: one of both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// Account, or part of a name or address, 2 to 100 characters, Chinese or Latin. Where nobody has it, those who come
    /// nearest: typing mistakes are forgiven.
    #[serde(default)]
    text: Option<String>,
    /// Phone number or mail address, whole.
    #[serde(default)]
    contact: Option<String>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: String,
    /// Rows, 1 to 500; left out: 50.
    limit: Option<u32>,
}

/// Searches customers. Reads only, so no Idempotency-Key; the view of personal data is audited.
#[utoipa::path(post, path = "/api/v1/customers/search", tag = "customers", security(("session" = [])),
    request_body = Search, responses((status = 200, description = "A page", body = List<Customer>)))]
async fn search(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<Search>,
) -> Result<Json<List<Customer>>, Problem> {
    let claims = caller.need(&[Role::Agent, Role::Dispatcher])?;
    match (body.text, body.contact) {
        (Some(text), None) => {
            let text = text_required("text", &text, 100)?;
            if text.chars().count() < 2 {
                return Err(Problem::field("text", "must have at least 2 characters"));
            }
            let message = SearchCustomersRequest {
                text,
                page: Some(page(body.cursor, body.limit)?),
            };
            let reply = ask!(app.edge(), claims, app.to().registry, search_customers, message).await?;
            Ok(Json(List::of(reply.customers, reply.next_cursor)))
        }
        (None, Some(contact)) => {
            let by = By::Contact(text_required("contact", &contact, 200)?);
            let customer = find(&app, claims, by).await?;
            Ok(Json(List::of(vec![customer], String::new())))
        }
        _ => Err(Problem::field("text", "must be given, or contact, and not both")),
    }
}

/// One customer from registry. Also used by the status page.
pub(crate) async fn find(app: &App, claims: &Claims, by: By) -> Result<WireCustomer, Problem> {
    let message = GetCustomerRequest { by: Some(by) };
    ask!(app.edge(), claims, app.to().registry, get_customer, message).await
}

/// Staff see the customers of their area, a customer sees itself.
fn may_see<'a>(caller: &'a Caller, id: &str) -> Result<(&'a Claims, String), Problem> {
    let claims = caller.need(&[Role::Agent, Role::Dispatcher, Role::Customer])?;
    let id = uuid("id", id)?;
    if !claims.has(&[Role::Agent, Role::Dispatcher]) && claims.customer_id != Some(id) {
        return Err(Problem::new(
            Kind::Forbidden,
            "a customer may see its own data only",
        ));
    }
    Ok((claims, id.to_string()))
}

/// One customer.
#[utoipa::path(get, path = "/api/v1/customers/{id}", tag = "customers", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Customer id")),
    responses((status = 200, description = "The customer", body = Customer)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<Customer>, Problem> {
    let (claims, id) = may_see(&caller, &id)?;
    Ok(Json(find(&app, claims, By::CustomerId(id)).await?.into()))
}

/// Time without supply.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Interruption {
    /// Of a fault; one of the three ids is given.
    incident_id: String,
    /// Of planned work.
    outage_id: String,
    /// The arrears case or switching.
    basis_id: String,
    /// `FAULT`, `PLANNED`, `TEMPORARY`, `CURTAILMENT`, `SAFETY`, `ARREARS`, `CUSTOMER_REQUEST`
    class: String,
    /// Classes of other reasons that keep the customer off too, while open.
    also: Vec<String>,
    off_at: Option<DateTime<Utc>>,
    /// Absent: still off.
    on_at: Option<DateTime<Utc>>,
    confirmed: bool,
    cause_code: String,
    /// Expected restoration.
    etr_at: Option<DateTime<Utc>>,
    /// The customer reported it.
    reporter: bool,
    /// State of the work order while it is open.
    order_state: String,
}

impl From<WireInterruption> for Interruption {
    fn from(interruption: WireInterruption) -> Self {
        Self {
            incident_id: interruption.incident_id,
            outage_id: interruption.outage_id,
            basis_id: interruption.basis_id,
            class: interruption.class,
            also: interruption.also,
            off_at: at(interruption.off_at),
            on_at: at(interruption.on_at),
            confirmed: interruption.confirmed,
            cause_code: interruption.cause_code,
            etr_at: at(interruption.etr_at),
            reporter: interruption.reporter,
            order_state: interruption.order_state,
        }
    }
}

/// Why a customer is off: the one open record of the ledger, or nothing.
#[derive(Debug, Serialize, ToSchema)]
struct WhyOff {
    /// Absent: not known to be off.
    interruption: Option<Interruption>,
    /// The same in words a customer understands.
    reason: Option<Reason>,
}

/// Why, in both languages.
#[derive(Debug, Serialize, ToSchema)]
struct Reason {
    zh: String,
    en: String,
}

impl Reason {
    fn of(class: &str) -> Self {
        let key = words::why(class);
        Self {
            zh: words::say(Language::ZhCn, key, &[]),
            en: words::say(Language::En, key, &[]),
        }
    }
}

/// Why this customer is off.
#[utoipa::path(get, path = "/api/v1/customers/{id}/why_off", tag = "customers", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Customer id")),
    responses((status = 200, description = "What the ledger says", body = WhyOff)))]
async fn why_off(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<WhyOff>, Problem> {
    let (claims, id) = may_see(&caller, &id)?;
    let interruption = open_interruption(&app, claims, id).await?.map(Interruption::from);
    let reason = interruption.as_ref().map(|open| Reason::of(&open.class));
    Ok(Json(WhyOff { interruption, reason }))
}

/// The open record of one customer. Also used by the status page.
pub(crate) async fn open_interruption(
    app: &App,
    claims: &Claims,
    customer_id: String,
) -> Result<Option<WireInterruption>, Problem> {
    let message = WhyOffRequest {
        customer_ids: vec![customer_id],
    };
    let reply = ask!(app.edge(), claims, app.to().insight, why_off, message).await?;
    Ok(reply.open.into_iter().next())
}

/// Interruptions of a customer, newest first.
#[utoipa::path(get, path = "/api/v1/customers/{id}/interruptions", tag = "customers", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Customer id"), PageParams),
    responses((status = 200, description = "A page", body = List<Interruption>)))]
async fn history(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Interruption>>, Problem> {
    let (claims, customer_id) = may_see(&caller, &id)?;
    let message = HistoryRequest {
        customer_id,
        page: Some(params.into_wire()?),
    };
    let reply = ask!(app.edge(), claims, app.to().insight, history, message).await?;
    Ok(Json(List::of(reply.interruptions, reply.next_cursor)))
}

/// A message to a person.
#[derive(Debug, Serialize, ToSchema)]
struct Message {
    message_id: String,
    /// `accepted`, `crew_en_route`, `etr`, `restored`, `code`
    purpose: String,
    incident_id: String,
    /// `sms`, `email`
    channel: String,
    /// `queued`, `submitting`, `submitted`, `delivered`, `failed`, `unknown`, `superseded`, `expired`
    state: String,
    template: String,
    template_version: u32,
    language: Language,
    created_at: Option<DateTime<Utc>>,
    submitted_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    segments: u32,
    /// Last digits only.
    recipient_masked: String,
}

impl From<WireMessage> for Message {
    fn from(message: WireMessage) -> Self {
        let language = message.language().into();
        Self {
            message_id: message.message_id,
            purpose: message.purpose,
            incident_id: message.incident_id,
            channel: message.channel,
            state: message.state,
            template: message.template,
            template_version: message.template_version,
            language,
            created_at: at(message.created_at),
            submitted_at: at(message.submitted_at),
            delivered_at: at(message.delivered_at),
            segments: message.segments,
            recipient_masked: message.recipient_masked,
        }
    }
}

/// Messages to a customer, newest first.
#[utoipa::path(get, path = "/api/v1/customers/{id}/messages", tag = "customers", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Customer id"), PageParams),
    responses((status = 200, description = "A page", body = List<Message>)))]
async fn messages(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Message>>, Problem> {
    let (claims, customer_id) = may_see(&caller, &id)?;
    let message = ListMessagesRequest {
        incident_id: String::new(),
        customer_id,
        page: Some(params.into_wire()?),
    };
    let reply = ask!(app.edge(), claims, app.to().notify, list_messages, message).await?;
    Ok(Json(List::of(reply.messages, reply.next_cursor)))
}
