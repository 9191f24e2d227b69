//! Sessions of staff (login and password) and of customers (one-time code).

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use relight_common::{
    edge::{Body, Caller, CommandKey, Limited, Problem, at, twice},
    wire::{ACCOUNT_MAX, text, text_required},
};
use relight_proto::{
    access::v1::{
        ConfirmCodeRequest, LogInRequest, LogOutRequest, Person as WirePerson, RequestCodeRequest,
        Session as WireSession,
    },
    common::v1::Language as WireLanguage,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(log_in))
        .routes(routes!(who_am_i, log_out))
        .routes(routes!(request_code))
        .routes(routes!(confirm_code))
}

/// A language of the product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Language {
    /// Simplified Chinese.
    #[default]
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// English.
    #[serde(rename = "en")]
    En,
}

impl From<Language> for WireLanguage {
    fn from(language: Language) -> Self {
        match language {
            Language::ZhCn => WireLanguage::ZhCn,
            Language::En => WireLanguage::En,
        }
    }
}

impl From<WireLanguage> for Language {
    fn from(language: WireLanguage) -> Self {
        match language {
            WireLanguage::En => Language::En,
            WireLanguage::ZhCn | WireLanguage::Unspecified => Language::ZhCn,
        }
    }
}

/// Login and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogIn {
    /// Login name.
    #[schema(max_length = 100)]
    login: String,
    /// Password.
    #[schema(max_length = 200)]
    password: String,
}

/// One role at one place of the organisation and below it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    /// `admin`, `dispatcher`, `agent`, `unit_desk`, `crew`, `customer`
    pub(super) role: String,
    /// Org path; empty: everywhere.
    pub(super) org_path: String,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Person {
    person_id: String,
    /// Login name; empty for customers.
    login: String,
    display_name: String,
    grants: Vec<Grant>,
    /// The customer this is.
    customer_id: Option<String>,
    /// The crew whose phone this is.
    crew_id: Option<String>,
    /// The unit whose desk this is.
    unit_id: Option<String>,
    language: Language,
}

impl From<WirePerson> for Person {
    fn from(person: WirePerson) -> Self {
        let language = person.language().into();
        let grants = person.grants.into_iter().map(|grant| Grant {
            role: grant.role,
            org_path: grant.org_path,
        });
        let filled = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            person_id: person.person_id,
            login: person.login,
            display_name: person.display_name,
            grants: grants.collect(),
            customer_id: filled(person.customer_id),
            crew_id: filled(person.crew_id),
            unit_id: filled(person.unit_id),
            language,
        }
    }
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    /// Send it as `Authorization: Bearer TOKEN`. Keep it secret.
    token: String,
    expires_at: Option<DateTime<Utc>>,
    person: Option<Person>,
}

impl From<WireSession> for Session {
    fn from(session: WireSession) -> Self {
        Self {
            token: session.token,
            expires_at: at(session.expires_at),
            person: session.person.map(Person::from),
        }
    }
}

/// Logs a member of staff in.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "sessions", request_body = LogIn,
    responses((status = 201, description = "Logged in", body = Session)))]
async fn log_in(
    State(app): State<App>,
    _: Limited,
    Body(body): Body<LogIn>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    let session = open_session(&app, &body.login, &body.password).await?;
    Ok((StatusCode::CREATED, Json(session.into())))
}

/// A session for login and password. Also used by the page.
pub(crate) async fn open_session(app: &App, login: &str, password: &str) -> Result<WireSession, Problem> {
    let login = text_required("login", login, 100)?;
    if password.is_empty() || password.chars().count() > 200 {
        return Err(Problem::field("password", "must have 1 to 200 characters"));
    }
    let message = LogInRequest {
        login,
        password: password.to_owned(),
    };
    twice(|| {
        let (mut access, message) = (app.to().access.clone(), message.clone());
        async move { access.log_in(message).await }
    })
    .await
}

/// Who the session belongs to.
#[utoipa::path(get, path = "/api/v1/sessions/current", tag = "sessions", security(("session" = [])),
    responses((status = 200, description = "The person", body = Person)))]
async fn who_am_i(caller: Caller) -> Json<Person> {
    Json(WirePerson::clone(&caller.person).into())
}

/// Ends the session. Other gateways may honour it for 10 s more.
#[utoipa::path(delete, path = "/api/v1/sessions/current", tag = "sessions", security(("session" = [])),
    responses((status = 204, description = "Ended")))]
async fn log_out(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    close_session(&app, &caller.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a session. Also used by the page.
pub(crate) async fn close_session(app: &App, token: &str) -> Result<(), Problem> {
    app.edge().sessions().forget(token);
    let message = LogOutRequest {
        token: token.to_owned(),
    };
    twice(|| {
        let (mut access, message) = (app.to().access.clone(), message.clone());
        async move { access.log_out(message).await }
    })
    .await?;
    Ok(())
}

/// Asks for a one-time code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeRequest {
    /// Account number.
    #[schema(max_length = 64)]
    account: String,
    /// Phone number on file.
    #[schema(max_length = 30)]
    phone: String,
    /// Language of the message.
    #[serde(default)]
    language: Language,
}

/// A code is on its way if account and phone belong together; the answer is the same either way.
#[derive(Serialize, ToSchema)]
pub(super) struct CodeSent {
    /// The code is good until then.
    expires_at: Option<DateTime<Utc>>,
}

/// Sends a one-time code to a customer's phone.
#[utoipa::path(post, path = "/api/v1/codes", tag = "sessions", request_body = CodeRequest,
    params(("Idempotency-Key" = uuid::Uuid, Header, description = "Id of the command")),
    responses((status = 202, description = "Taken", body = CodeSent)))]
async fn request_code(
    State(app): State<App>,
    _: Limited,
    key: CommandKey,
    Body(body): Body<CodeRequest>,
) -> Result<(StatusCode, Json<CodeSent>), Problem> {
    let expires_at = send_code(&app, &key.to_string(), &body.account, &body.phone, body.language).await?;
    Ok((StatusCode::ACCEPTED, Json(CodeSent { expires_at })))
}

/// Sends a code. Also used by the page.
pub(crate) async fn send_code(
    app: &App,
    command_id: &str,
    account: &str,
    phone: &str,
    language: Language,
) -> Result<Option<DateTime<Utc>>, Problem> {
    let message = RequestCodeRequest {
        command_id: command_id.to_owned(),
        account: text_required("account", account, ACCOUNT_MAX)?,
        phone: text_required("phone", phone, 30)?,
        language: WireLanguage::from(language).into(),
    };
    let reply = twice(|| {
        let (mut access, message) = (app.to().access.clone(), message.clone());
        async move { access.request_code(message).await }
    })
    .await?;
    Ok(at(reply.expires_at))
}

/// A code to use up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeConfirm {
    /// Account number.
    #[schema(max_length = 64)]
    account: String,
    /// The code.
    #[schema(max_length = 20)]
    code: String,
}

/// Opens a customer's session with the code. A code works once.
#[utoipa::path(post, path = "/api/v1/codes/confirm", tag = "sessions", request_body = CodeConfirm,
    responses((status = 201, description = "Logged in", body = Session)))]
async fn confirm_code(
    State(app): State<App>,
    _: Limited,
    Body(body): Body<CodeConfirm>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    let session = use_code(&app, &body.account, &body.code).await?;
    Ok((StatusCode::CREATED, Json(session.into())))
}

/// A session for a code. Also used by the page. Not repeated on `Unavailable`: a code works once.
pub(crate) async fn use_code(app: &App, account: &str, code: &str) -> Result<WireSession, Problem> {
    let message = ConfirmCodeRequest {
        account: text_required("account", account, ACCOUNT_MAX)?,
        code: text("code", code, 20)?.replace(char::is_whitespace, ""),
    };
    let mut access = app.to().access.clone();
    Ok(access.confirm_code(message).await?.into_inner())
}
