//! Who was told what, when, on which channel, with what words and what proof: for the desk, by incident, outage, case or
//! customer, and for a customer about themselves.

use relight_common::{Claims, Invalid, Role, error::refuse, wire};
use relight_proto::notify::v1::{
    ListToldReply, ListToldRequest, Message, ToldMessage, messages_server::Messages,
};
use serde_json::json;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, own, size, to_wire};
use crate::{
    domain::notice::{Channel, Language, Purpose},
    error::Error,
    store::{
        list::{self, Told, WantedTold},
        message::STATES,
    },
    template::Rendered,
};

/// Who sees everything that was told in their area.
const DESK: [Role; 3] = [Role::Dispatcher, Role::Agent, Role::Manager];
/// Who sees what was told of outages in their area.
const PLAN: [Role; 1] = [Role::Planner];

#[tonic::async_trait]
impl Messages for Api {
    async fn list(&self, request: Request<ListToldRequest>) -> Result<Response<ListToldReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&[
            Role::Dispatcher,
            Role::Agent,
            Role::Manager,
            Role::Planner,
            Role::Customer,
        ])?;
        let reply = self.told(&claims, request.into_inner()).await;
        reply.map(Response::new).map_err(refuse("notify"))
    }
}

/// What is asked for, read.
struct Asked {
    incident: Option<Uuid>,
    outage: Option<Uuid>,
    case: Option<Uuid>,
    customer: Option<Uuid>,
    before: Option<Uuid>,
}

impl Asked {
    fn read(request: &ListToldRequest, cursor: &str) -> Result<Self, Invalid> {
        if !request.state.is_empty() && !STATES.contains(&request.state.as_str()) {
            return Err(Invalid::new(
                "state",
                format!("must be one of {}", STATES.join(", ")),
            ));
        }
        Ok(Self {
            incident: wire::uuid_opt("incident_id", &request.incident_id)?,
            outage: wire::uuid_opt("outage_id", &request.outage_id)?,
            case: wire::uuid_opt("case_id", &request.case_id)?,
            customer: wire::uuid_opt("customer_id", &request.customer_id)?,
            before: wire::uuid_opt("page.cursor", cursor)?,
        })
    }

    fn is_about_something(&self) -> bool {
        let about = [self.incident, self.outage, self.case, self.customer];
        about.iter().any(Option::is_some)
    }
}

impl Api {
    async fn told(&self, claims: &Claims, request: ListToldRequest) -> Result<ListToldReply, Error> {
        let page = request.page.clone().unwrap_or_default();
        let size = size(&page);
        let mut asked = Asked::read(&request, &page.cursor)?;
        let is_staff = claims.has(&DESK) || claims.has(&PLAN);
        if !is_staff {
            asked.customer = Some(own(claims, asked.customer)?);
        }
        if !asked.is_about_something() {
            let must = "must be given, or outage_id, case_id, customer_id";
            return Err(Invalid::new("incident_id", must).into());
        }
        let (org, plan_org) = (claims.org_patterns(&DESK), claims.org_patterns(&PLAN));
        let wanted = WantedTold {
            incident: asked.incident,
            outage: asked.outage,
            case: asked.case,
            customer: asked.customer,
            state: &request.state,
            org: is_staff.then_some(&org[..]),
            plan_org: &plan_org,
            before: asked.before,
            limit: i64::from(size),
        };
        let rows = list::told(self.db.pool(), &wanted).await?;
        if is_staff {
            self.seen(claims, "messages", rows.len()).await?;
        }
        let is_full = rows.len() == usize::try_from(size).unwrap_or(usize::MAX);
        let next_cursor = rows
            .last()
            .filter(|_| is_full)
            .map_or(String::new(), |row| row.id.to_string());
        let messages = rows.into_iter().map(|row| self.in_words(row, is_staff));
        Ok(ListToldReply {
            messages: messages.collect(),
            next_cursor,
        })
    }

    /// A message with its words. A code is never shown; who shares a contact is for staff only.
    fn in_words(&self, row: Told, is_staff: bool) -> ToldMessage {
        let words = self.words_of(&row);
        let (subject, text) = words.map_or_else(Default::default, |words| (words.subject, words.text));
        let id = |id: Option<Uuid>| id.map_or(String::new(), |id| id.to_string());
        let also_told = row.also_told.iter().filter(|_| is_staff);
        ToldMessage {
            outage_id: id(row.outage_id),
            case_id: id(row.case_id),
            text,
            subject,
            proof: proof(&row).to_owned(),
            reason: row.reason.clone(),
            tries: row.tries.unsigned_abs(),
            contact_role: row.contact_role.clone(),
            due_at: Some(wire::timestamp(row.due_at)),
            also_told: also_told.map(Uuid::to_string).collect(),
            message: Some(wire_of(row)),
        }
    }

    fn words_of(&self, row: &Told) -> Option<Rendered> {
        let purpose = Purpose::parse(&row.purpose).filter(|purpose| *purpose != Purpose::Code)?;
        let (language, channel) = (Language::parse(&row.language)?, Channel::parse(&row.channel)?);
        let vars = self.sealer.open(row.id, &row.sealed)?;
        let template = (row.template.as_str(), row.template_version);
        let words = self.book.render(row.id, template, language, channel, &vars);
        words
            .inspect_err(|error| {
                tracing::warn!(message.id = %row.id, purpose = purpose.word(), %error, "a message has no words any more");
            })
            .ok()
    }

    /// A view of what people were told is a view of personal data (operations.md O33).
    pub(super) async fn seen(&self, claims: &Claims, what: &str, rows: usize) -> Result<(), Error> {
        let request = claims.request_id;
        let mut work =
            relight_common::Work::internal(&self.db, request.to_string(), self.clock.now()).await?;
        let detail = json!({ "by": claims.actor, "what": what, "rows": rows });
        work.audit("messages.seen", request, detail);
        Ok(work.done().await?)
    }
}

/// What shows that it arrived: a text by the receipt of the network; mail has none (domain.md 4.1).
fn proof(row: &Told) -> &'static str {
    match (row.state.as_str(), row.channel.as_str()) {
        ("delivered", "sms") => "receipt",
        ("submitted" | "delivered", _) => "handed_over",
        _ => "none",
    }
}

fn wire_of(row: Told) -> Message {
    to_wire(list::Listed {
        id: row.id,
        purpose: row.purpose,
        incident_id: row.incident_id,
        customer_id: row.customer_id,
        channel: row.channel,
        state: row.state,
        template: row.template,
        template_version: row.template_version,
        language: row.language,
        created_at: row.created_at,
        submitted_at: row.submitted_at,
        delivered_at: row.delivered_at,
        segments: row.segments,
        masked: row.masked,
    })
}
