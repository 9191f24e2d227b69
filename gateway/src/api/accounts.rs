//! Accounts of staff, for administrators.

use axum::{Json, extract::State};
use relight_common::{
    Invalid, Role, ask,
    edge::{Body, Caller, CommandKey, Params, Problem, Segment},
    wire::{text, text_required, uuid, uuid_opt},
};
use relight_proto::{
    access::v1::{Grant as WireGrant, ListAccountsRequest, Person as WirePerson, PutAccountRequest},
    common::v1::Language as WireLanguage,
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    list::{List, PageParams},
    sessions::{Grant, Language, Person},
};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(put))
}

/// Accounts.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", params(PageParams), security(("session" = [])),
    responses((status = 200, description = "A page", body = List<Person>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Person>>, Problem> {
    let claims = caller.need(&[Role::Admin])?;
    let message = ListAccountsRequest {
        page: Some(params.into_wire()?),
    };
    let reply = ask!(app.edge(), claims, app.to().access, list_accounts, message).await?;
    Ok(Json(List::of(reply.people, reply.next_cursor)))
}

/// What an account is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountBody {
    /// Login name.
    #[schema(max_length = 100)]
    login: String,
    /// Name shown to others.
    #[schema(max_length = 100)]
    display_name: String,
    /// Roles by org path; at most 50.
    grants: Vec<Grant>,
    /// The crew whose phone this is.
    #[serde(default)]
    crew_id: String,
    /// The unit whose desk this is.
    #[serde(default)]
    unit_id: String,
    /// Language.
    #[serde(default)]
    language: Language,
    /// Left out: the password stays.
    #[serde(default)]
    #[schema(max_length = 200)]
    password: String,
    /// May no longer log in.
    #[serde(default)]
    disabled: bool,
}

/// Makes or changes an account.
#[utoipa::path(put, path = "/api/v1/accounts/{id}", tag = "accounts", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Person id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    request_body = AccountBody, responses((status = 200, description = "The person", body = Person)))]
async fn put(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
    Body(body): Body<AccountBody>,
) -> Result<Json<Person>, Problem> {
    let claims = caller.need(&[Role::Admin])?;
    if body.password.chars().count() > 200 {
        return Err(Problem::field("password", "must have at most 200 characters"));
    }
    let message = PutAccountRequest {
        command_id: key.to_string(),
        password: body.password.clone(),
        disabled: body.disabled,
        person: Some(person_of(&id, body)?),
    };
    let person = ask!(app.edge(), claims, app.to().access, put_account, message).await?;
    Ok(Json(person.into()))
}

fn person_of(id: &str, body: AccountBody) -> Result<WirePerson, Invalid> {
    if body.grants.len() > 50 {
        return Err(Invalid::new("grants", "must have at most 50 entries"));
    }
    uuid_opt("crew_id", &body.crew_id)?;
    uuid_opt("unit_id", &body.unit_id)?;
    let grants = body.grants.iter().map(|grant| {
        Ok(WireGrant {
            role: text_required("grants.role", &grant.role, 50)?,
            org_path: text("grants.org_path", &grant.org_path, 200)?,
        })
    });
    Ok(WirePerson {
        person_id: uuid("id", id)?.to_string(),
        login: text_required("login", &body.login, 100)?,
        display_name: text_required("display_name", &body.display_name, 100)?,
        grants: grants.collect::<Result<_, Invalid>>()?,
        crew_id: body.crew_id,
        unit_id: body.unit_id,
        language: WireLanguage::from(body.language).into(),
        ..WirePerson::default()
    })
}
