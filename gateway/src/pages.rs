//! Server-rendered pages: for customers in plain words, for the control room as a wallboard. They work without
//! JavaScript; small script files only keep them fresh.

pub mod announcements;
pub mod assets;
pub mod board;
mod frame;
mod humane;
mod login;
pub mod notice;
pub mod outages;
mod photos;
pub mod report;
mod start;
pub mod status;
mod templates;
mod transfer;

use axum::{Router, extract::FromRequest, extract::Request};
use relight_common::edge::Problem;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{api::Language, app::App, words};

pub use frame::{Frame, Visit};
pub(crate) use humane::humane;
pub use templates::Templates;

/// Every page.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(start::routes())
        .merge(report::routes())
        .merge(status::routes())
        .merge(outages::routes())
        .merge(announcements::routes())
        .merge(notice::routes())
        .merge(transfer::routes())
        .merge(photos::routes())
        .merge(login::routes())
        .merge(board::routes())
        .merge(assets::routes())
}

/// The fields of a form.
struct Fields<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(fields)) => Ok(Self(fields)),
            Err(refusal) => Err(Problem::of_status(refusal.status(), refusal.body_text())),
        }
    }
}

/// A form that only proves where it came from.
#[derive(Deserialize)]
struct Proof {
    #[serde(default)]
    csrf: String,
}

/// What is wrong with one field of a form, in the reader's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Id of the field.
    pub field: String,
    /// What is right.
    pub text: String,
}

impl Fault {
    fn new(language: Language, field: &str, key: &str) -> Self {
        Self {
            field: field.to_owned(),
            text: words::say(language, key, &[]),
        }
    }
}

/// What a service refused, at the fields of a form. `known`: (field of the service, field of the form, words).
fn faults(language: Language, problem: &Problem, known: &[(&str, &str, &str)]) -> Vec<Fault> {
    let fault = |field: &str, detail: &str| {
        let found = known.iter().find(|(wire, ..)| *wire == field);
        Fault {
            field: found.map_or_else(|| field.to_owned(), |(_, form, _)| (*form).to_owned()),
            text: match found {
                Some((_, _, key)) if !key.is_empty() => words::say(language, key, &[]),
                _ => words::say(language, "error.field_wrong", &[("detail", detail)]),
            },
        }
    };
    if problem.errors.is_empty() {
        return vec![fault("", &problem.detail)];
    }
    problem
        .errors
        .iter()
        .map(|e| fault(&e.field, &e.detail))
        .collect()
}
