//! What others ask of notify: who was told what, and sending a one-time code.

mod reply;
mod told;
mod wrong;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::{
    Begun, Claims, Clock, Db, Invalid, Role, Work, command::Meta, error::refuse, telemetry, wire,
};
use relight_proto::{
    common::v1::{Language as WireLanguage, PageRequest},
    notify::v1::{
        ListMessagesReply, ListMessagesRequest, Message, SendCodeReply, SendCodeRequest,
        notify_server::Notify,
    },
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    bells::Bells,
    domain::{
        notice::{ContactRole, Language, Purpose},
        words::{Facts, House},
    },
    error::Error,
    people::{Contact, People, Reach, language},
    seal::{Sealer, mask},
    store::{
        list::{self, Listed, Wanted},
        message::{self, Notice, Row},
    },
    template::Book,
};

/// Most rows of a page.
const PAGE_MAX: u32 = 500;
/// Rows of a page when none is asked for.
const PAGE: u32 = 50;
/// Longest code, characters.
pub const CODE_MAX: usize = 12;

/// The service.
#[derive(Debug, Clone)]
pub struct Api {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// Contacts of customers.
    pub people: Arc<People>,
    /// Seals codes.
    pub sealer: Sealer,
    /// The templates.
    pub book: Arc<Book>,
    /// Who we are.
    pub house: House,
    /// Zone of the house.
    pub zone: Tz,
    /// Rung for messages that are written.
    pub bells: Arc<Bells>,
}

#[tonic::async_trait]
impl Notify for Api {
    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&[Role::Dispatcher, Role::Agent, Role::Customer])?;
        let reply = self.list_by(&claims, request.into_inner()).await;
        reply.map(Response::new).map_err(refuse("notify"))
    }

    async fn send_code(&self, request: Request<SendCodeRequest>) -> Result<Response<SendCodeReply>, Status> {
        let claims = wire::caller(&request)?;
        if !claims.is_service("access") {
            return Err(Status::permission_denied(
                "codes are sent for the service access only",
            ));
        }
        let reply = self.code(&claims, request.into_inner()).await;
        reply.map(Response::new).map_err(refuse("notify"))
    }
}

impl Api {
    async fn list_by(
        &self,
        claims: &Claims,
        request: ListMessagesRequest,
    ) -> Result<ListMessagesReply, Error> {
        let page = request.page.unwrap_or_default();
        let size = size(&page);
        let incident = wire::uuid_opt("incident_id", &request.incident_id)?;
        let customer = wire::uuid_opt("customer_id", &request.customer_id)?;
        let desk = [Role::Dispatcher, Role::Agent];
        let org_patterns = claims.org_patterns(&desk);
        let is_desk = claims.has(&desk);
        let customer = if is_desk {
            customer
        } else {
            Some(own(claims, customer)?)
        };
        if incident.is_none() && customer.is_none() {
            return Err(Invalid::new("incident_id", "must be given, or customer_id").into());
        }
        let wanted = Wanted {
            incident,
            customer,
            org_patterns: is_desk.then_some(&org_patterns[..]),
            before: wire::uuid_opt("page.cursor", &page.cursor)?,
            limit: i64::from(size),
        };
        let rows = list::list(self.db.pool(), &wanted).await?;
        let is_full = rows.len() == usize::try_from(size).unwrap_or(usize::MAX);
        let next_cursor = rows
            .last()
            .filter(|_| is_full)
            .map_or(String::new(), |row| row.id.to_string());
        Ok(ListMessagesReply {
            messages: rows.into_iter().map(to_wire).collect(),
            next_cursor,
        })
    }

    async fn code(&self, claims: &Claims, request: SendCodeRequest) -> Result<SendCodeReply, Error> {
        let now = self.clock.now();
        let meta =
            Meta::new(&request.command_id, claims, &request, now).map_err(relight_common::Error::from)?;
        let wanted = Code::read(&request, now)?;
        // Repeats are answered from memory below; looking the contact up first keeps the transaction off the network.
        let contacts = self.people.contacts(&[wanted.customer]).await?;
        let contact = contacts
            .into_iter()
            .find(|one| one.id == wanted.contact && !one.role.is_beside())
            .ok_or(Error::NoContact)?;
        let subject = meta.id.uuid();
        match Work::begin::<SendCodeReply>(&self.db, meta).await? {
            Begun::Before(reply) => Ok(reply),
            Begun::New(work) => self.write_code(work, subject, &wanted, &contact).await,
        }
    }

    async fn write_code(
        &self,
        mut work: Work,
        subject: Uuid,
        wanted: &Code,
        contact: &Contact,
    ) -> Result<SendCodeReply, Error> {
        let (id, now) = (Uuid::now_v7(), work.at());
        let expires_at = Purpose::Code.expires_at(now, Some(wanted.expires_at));
        let minutes = (expires_at - now).num_minutes().max(1);
        let facts = Facts::Code {
            code: wanted.code.clone(),
            minutes,
        };
        let notice = Notice {
            purpose: Purpose::Code,
            subject,
            version: 1,
            incident: None,
            outage: None,
            case: None,
            org_path: "",
            zone: self.zone.name(),
            template: Purpose::Code.template(),
            template_version: self.book.current(Purpose::Code.template()),
            traceparent: &telemetry::traceparent(),
            created_at: now,
        };
        let language = wanted.language.unwrap_or(contact.language);
        let row = Row {
            id,
            reach: Reach::Contact {
                customer: wanted.customer,
                contact: wanted.contact,
            },
            channel: contact.channel,
            recipient: self.sealer.recipient(&contact.value),
            masked: mask(contact.channel, &contact.value),
            night: true,
            language,
            sealed: self
                .sealer
                .seal(id, &facts.vars(&self.house, language, self.zone)),
            due_at: now,
            expires_at,
            held: false,
            role: ContactRole::Own,
        };
        let rows = [row];
        message::insert(work.conn(), &notice, &rows).await?;
        work.audit(
            "message.code",
            id,
            serde_json::json!({ "customer": wanted.customer }),
        );
        let reply = SendCodeReply {
            message_id: id.to_string(),
        };
        self.bells.ring_after(&mut work, &rows);
        Ok(work.commit(reply).await?)
    }
}

/// Rows of a page.
fn size(page: &PageRequest) -> u32 {
    match page.size {
        0 => PAGE,
        size => size.min(PAGE_MAX),
    }
}

/// A code to be sent, read from the wire.
struct Code {
    customer: Uuid,
    contact: Uuid,
    code: String,
    language: Option<Language>,
    expires_at: DateTime<Utc>,
}

impl Code {
    fn read(request: &SendCodeRequest, now: DateTime<Utc>) -> Result<Self, Invalid> {
        let code = wire::text_required("code", &request.code, CODE_MAX)?;
        if !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Invalid::new("code", "must be ASCII letters and digits"));
        }
        let expires_at = wire::instant("expires_at", request.expires_at)?;
        if expires_at <= now {
            return Err(Invalid::new("expires_at", "must be in the future"));
        }
        let is_given = request.language != WireLanguage::Unspecified as i32;
        Ok(Self {
            customer: wire::uuid("customer_id", &request.customer_id)?,
            contact: wire::uuid("contact_id", &request.contact_id)?,
            code,
            language: is_given.then(|| language(request.language)),
            expires_at,
        })
    }
}

/// A customer sees their own messages, asked for or not.
fn own(claims: &Claims, asked: Option<Uuid>) -> Result<Uuid, Error> {
    match (claims.customer_id, asked) {
        (Some(own), None) => Ok(own),
        (Some(own), Some(asked)) if own == asked => Ok(own),
        _ => Err(Error::NotYours),
    }
}

fn to_wire(row: Listed) -> Message {
    let language = match Language::parse(&row.language) {
        Some(Language::ZhCn) => WireLanguage::ZhCn,
        Some(Language::En) => WireLanguage::En,
        None => WireLanguage::Unspecified,
    };
    Message {
        message_id: row.id.to_string(),
        purpose: row.purpose,
        incident_id: row.incident_id.map_or(String::new(), |id| id.to_string()),
        customer_id: row.customer_id.map_or(String::new(), |id| id.to_string()),
        channel: row.channel,
        state: row.state,
        template: row.template,
        template_version: row.template_version.unsigned_abs(),
        language: language as i32,
        created_at: Some(wire::timestamp(row.created_at)),
        submitted_at: row.submitted_at.map(wire::timestamp),
        delivered_at: row.delivered_at.map(wire::timestamp),
        segments: u32::from(row.segments.unsigned_abs()),
        recipient_masked: row.masked,
    }
}
