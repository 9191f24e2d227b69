//! `/status`: a customer's own supply, after a one-time code.

mod view;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use relight_common::{
    ask,
    edge::{Problem, at},
};
use relight_proto::{
    common::v1::PageRequest, insight::v1::HistoryRequest, intake::v1::ListReportsRequest,
    registry::v1::get_customer_request::By,
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    Fault, Fields, Visit, faults,
    frame::{session_cookie, set_cookie},
};
use crate::{
    api::{find, open_interruption, send_code, urge_report, use_code},
    app::App,
    words,
};

pub use view::{Known, Status};
pub(super) use view::{eta, has_crew, next};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/status", get(show))
        .route("/status/code", post(code).get(start_again))
        .route("/status/confirm", post(confirm).get(start_again))
        .route("/status/urge", post(urge).get(start_again))
}

/// Who changes the language on the answer to a form, or opens its address again, comes back to the page of the form.
async fn start_again(uri: Uri) -> Redirect {
    match words::asked(uri.query().unwrap_or_default()) {
        Some(language) => Redirect::to(&format!("/status?lang={}", words::tag(language))),
        None => Redirect::to("/status"),
    }
}

async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    visit.sure()?;
    if !visit.is_customer() {
        return sign_in(&app, &visit, "", &[]);
    }
    let context = json!({"status": own(&app, &visit).await?, "urged": false});
    visit.page(&app, "status.html", context)
}

fn sign_in(app: &App, visit: &Visit, account: &str, faults: &[Fault]) -> Result<Response, Problem> {
    let context = json!({"account": account, "faults": faults, "command_id": Uuid::now_v7()});
    let page = visit.page(app, "sign_in.html", context)?;
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    Ok((status, page).into_response())
}

/// What every service knows about the customer; what one cannot say now is left out, and said so.
async fn own(app: &App, visit: &Visit) -> Result<Status, Problem> {
    let claims = &visit.claims;
    let id = claims.customer_id.unwrap_or_default().to_string();
    let page = |size| {
        Some(PageRequest {
            cursor: String::new(),
            size,
        })
    };
    let reports = ListReportsRequest {
        customer_id: id.clone(),
        page: page(5),
        ..ListReportsRequest::default()
    };
    let history = HistoryRequest {
        customer_id: id.clone(),
        page: page(5),
    };
    let (customer, open, reports, history) = tokio::join!(
        find(app, claims, By::CustomerId(id.clone())),
        open_interruption(app, claims, id.clone()),
        ask!(app.edge(), claims, app.to().intake, list_reports, reports),
        ask!(app.edge(), claims, app.to().insight, history, history),
    );
    let known = Known {
        customer: customer.ok(),
        // Without the ledger there is nothing true to say.
        open: open?,
        reports: reports.ok().map(|reply| reply.reports),
        history: history.ok().map(|reply| reply.interruptions),
    };
    Ok(Status::new(
        visit.language,
        known,
        app.areas(),
        app.clock().now(),
        app.http().zone,
    ))
}

#[derive(Deserialize)]
struct CodeForm {
    #[serde(default)]
    account: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    command_id: String,
    #[serde(default)]
    csrf: String,
}

async fn code(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<CodeForm>,
) -> Result<Response, Problem> {
    if !visit.proves(&form.csrf) || Uuid::parse_str(&form.command_id).is_err() {
        let expired = [Fault::new(visit.language, "", "error.expired")];
        return sign_in(&app, &visit, &form.account, &expired);
    }
    match send_code(&app, &form.command_id, &form.account, &form.phone, visit.language).await {
        Ok(expires_at) => {
            let now = app.clock().now();
            let until = expires_at.map(|at| words::when(visit.language, at, now, app.http().zone));
            visit.page(
                &app,
                "code.html",
                json!({"account": form.account, "until": until, "faults": []}),
            )
        }
        Err(problem) if problem.status == 400 => {
            let known = [
                ("account", "account", "error.required"),
                ("phone", "phone", "error.phone_wrong"),
            ];
            sign_in(
                &app,
                &visit,
                &form.account,
                &faults(visit.language, &problem, &known),
            )
        }
        Err(problem) => Err(problem),
    }
}

#[derive(Deserialize)]
struct ConfirmForm {
    #[serde(default)]
    account: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    csrf: String,
}

async fn confirm(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<ConfirmForm>,
) -> Result<Response, Problem> {
    if !visit.proves(&form.csrf) {
        let expired = [Fault::new(visit.language, "", "error.expired")];
        return sign_in(&app, &visit, &form.account, &expired);
    }
    match use_code(&app, &form.account, &form.code).await {
        Ok(session) => {
            let mut response = Redirect::to("/status").into_response();
            set_cookie(&mut response, &session_cookie(&app, &session.token));
            Ok(response)
        }
        Err(problem) if problem.status < 500 && problem.status != 429 => {
            let wrong = [Fault::new(visit.language, "code", "error.code_wrong")];
            let context = json!({"account": form.account, "until": null, "faults": wrong});
            let page = visit.page(&app, "code.html", context)?;
            Ok((StatusCode::BAD_REQUEST, page).into_response())
        }
        Err(problem) => Err(problem),
    }
}

#[derive(Deserialize)]
struct UrgeForm {
    #[serde(default)]
    report_id: String,
    #[serde(default)]
    command_id: String,
    #[serde(default)]
    csrf: String,
}

async fn urge(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<UrgeForm>,
) -> Result<Response, Problem> {
    visit.check(&form.csrf)?;
    if !visit.is_customer() {
        return sign_in(&app, &visit, "", &[]);
    }
    let command_id = relight_common::wire::uuid("command_id", &form.command_id)?.to_string();
    let report = urge_report(&app, &visit.claims, &form.report_id, &command_id).await?;
    tracing::debug!(at = ?at(report.accepted_at), "urged");
    let context = json!({"status": own(&app, &visit).await?, "urged": true});
    visit.page(&app, "status.html", context)
}
