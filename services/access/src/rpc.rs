//! The wire side: log in, check, log out, one-time codes, accounts.

mod accounts;
mod codes;
mod log_in;

use std::{sync::Arc, time::Duration};

use relight_common::{Claims, Clock, Db, Grant, Invalid, Role, cursor::Cursors, error::refuse, wire};
use relight_proto::{
    access::v1::{
        self as pb, CheckSessionRequest, ConfirmCodeRequest, ListAccountsReply, ListAccountsRequest,
        LogInRequest, LogOutReply, LogOutRequest, PutAccountRequest, RequestCodeReply, RequestCodeRequest,
        Session, access_server::Access,
    },
    common::v1::Language as WireLanguage,
};
use tokio::sync::Notify;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    domain::account::Language,
    error::Error,
    outside::Outside,
    secret::{Keyed, Passwords},
    store::{people::Person, sessions::Bearer},
};

/// Serves access.
#[derive(Debug)]
pub struct Api<O> {
    db: Db,
    clock: Clock,
    outside: Arc<O>,
    passwords: Passwords,
    keyed: Keyed,
    cursors: Cursors,
    /// Rung when a code waits to be sent.
    bell: Arc<Notify>,
    pace: Duration,
}

/// What an [`Api`] is made of.
#[derive(Debug)]
pub struct Parts<O> {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// The other services.
    pub outside: Arc<O>,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Derives codes.
    pub keyed: Keyed,
    /// Signs page cursors.
    pub cursor_key: [u8; 32],
    /// Rung when a code waits to be sent.
    pub bell: Arc<Notify>,
    /// Shortest time of an answer about codes; [`PACE`] but in tests.
    pub pace: Duration,
}

/// Shortest time of an answer about codes: longer than the work, so that the time tells nothing.
pub const PACE: Duration = Duration::from_millis(250);

impl<O: Outside> Api<O> {
    /// Serves access with these parts.
    pub fn new(parts: Parts<O>) -> Self {
        Self {
            db: parts.db,
            clock: parts.clock,
            outside: parts.outside,
            passwords: parts.passwords,
            keyed: parts.keyed,
            cursors: Cursors::new(&parts.cursor_key),
            bell: parts.bell,
            pace: parts.pace,
        }
    }
}

/// Reads a language.
fn language(word: i32) -> Result<Language, Invalid> {
    match WireLanguage::try_from(word) {
        Ok(WireLanguage::Unspecified) => Ok(Language::Unset),
        Ok(WireLanguage::ZhCn) => Ok(Language::ZhCn),
        Ok(WireLanguage::En) => Ok(Language::En),
        Err(_) => Err(Invalid::new("language", "must be LANGUAGE_ZH_CN or LANGUAGE_EN")),
    }
}

/// A language on the wire.
pub(crate) fn wire_language(language: Language) -> WireLanguage {
    match language {
        Language::Unset => WireLanguage::Unspecified,
        Language::ZhCn => WireLanguage::ZhCn,
        Language::En => WireLanguage::En,
    }
}

fn wire_grants(grants: &[Grant]) -> Vec<pb::Grant> {
    let grant = |grant: &Grant| pb::Grant {
        role: grant.role.word().to_owned(),
        org_path: grant.org_path.clone(),
    };
    grants.iter().map(grant).collect()
}

fn id_text(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn wire_person(person: &Person) -> pb::Person {
    pb::Person {
        person_id: person.id.to_string(),
        login: person.login.clone(),
        display_name: person.display_name.clone(),
        grants: wire_grants(&person.grants),
        customer_id: String::new(),
        crew_id: id_text(person.crew_id),
        unit_id: id_text(person.unit_id),
        language: wire_language(person.language).into(),
    }
}

/// A customer as a person: known by the customer's id, with the role at every org path, for the own account only.
fn wire_customer(customer: Uuid, language: Language) -> pb::Person {
    pb::Person {
        person_id: customer.to_string(),
        customer_id: customer.to_string(),
        grants: wire_grants(&[Grant {
            role: Role::Customer,
            org_path: String::new(),
        }]),
        language: wire_language(language).into(),
        ..pb::Person::default()
    }
}

fn wire_bearer(bearer: Bearer) -> pb::Person {
    let language = Language::of_tag(&bearer.language);
    if let Some(customer) = bearer.customer_id {
        return wire_customer(customer, language);
    }
    pb::Person {
        person_id: id_text(bearer.person_id),
        login: bearer.login.unwrap_or_default(),
        display_name: bearer.display_name.unwrap_or_default(),
        grants: wire_grants(&bearer.grants),
        customer_id: String::new(),
        crew_id: id_text(bearer.crew_id),
        unit_id: id_text(bearer.unit_id),
        language: wire_language(language).into(),
    }
}

fn answer<T>(result: Result<T, Error>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(refuse("access"))
}

#[tonic::async_trait]
impl<O: Outside> Access for Api<O> {
    async fn log_in(&self, request: Request<LogInRequest>) -> Result<Response<Session>, Status> {
        answer(self.log_in_with(request.get_ref()).await)
    }

    async fn check_session(
        &self,
        request: Request<CheckSessionRequest>,
    ) -> Result<Response<pb::Person>, Status> {
        answer(self.bearer_of(&request.get_ref().token).await)
    }

    async fn log_out(&self, request: Request<LogOutRequest>) -> Result<Response<LogOutReply>, Status> {
        answer(self.end_session(&request.get_ref().token).await)
    }

    async fn request_code(
        &self,
        request: Request<RequestCodeRequest>,
    ) -> Result<Response<RequestCodeReply>, Status> {
        answer(self.paced(self.make_code(request.get_ref())).await)
    }

    async fn confirm_code(&self, request: Request<ConfirmCodeRequest>) -> Result<Response<Session>, Status> {
        answer(self.paced(self.use_code(request.get_ref())).await)
    }

    async fn put_account(&self, request: Request<PutAccountRequest>) -> Result<Response<pb::Person>, Status> {
        let claims = admin(&request)?;
        answer(self.put(&claims, request.get_ref()).await)
    }

    async fn list_accounts(
        &self,
        request: Request<ListAccountsRequest>,
    ) -> Result<Response<ListAccountsReply>, Status> {
        let claims = admin(&request)?;
        answer(self.list(&claims, request.get_ref()).await)
    }
}

fn admin<T>(request: &Request<T>) -> Result<Claims, Status> {
    let claims = wire::caller(request)?;
    claims.need(&[Role::Admin])?;
    Ok(claims)
}
