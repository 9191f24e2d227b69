//! `/report`: danger first, then who and where; the answer says the number and what happens next.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::{
    Claims, ask,
    edge::{Problem, at},
};
use relight_proto::{
    intake::v1::{Phrase, Report},
    registry::v1::{GetCustomerRequest, get_customer_request::By},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Fault, Fields, Visit, faults,
    status::{eta, has_crew, next as next_step},
};
use crate::{
    api::{Language, Neighbours, NewReport, accept_report},
    app::App,
    words,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/report", get(show).post(send))
}

/// The form, as filled in.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Form {
    /// Made with the form: the same form is one report, however often it is sent.
    pub command_id: String,
    /// `yes`, `no`
    pub danger: String,
    /// What the danger is.
    pub danger_note: String,
    /// Account number.
    pub account: String,
    /// Or name,
    pub name: String,
    /// phone
    pub phone: String,
    /// and address.
    pub address: String,
    /// `on`, `off`; empty: not known.
    pub neighbours: String,
    /// Words.
    pub note: String,
    csrf: String,
}

/// Fields of intake, of the form, and the words when they are wrong.
const KNOWN: [(&str, &str, &str); 6] = [
    ("account", "account", "error.account_wrong"),
    ("reporter_phone", "phone", "error.phone_wrong"),
    ("reporter_name", "name", "error.required"),
    ("address", "address", "error.required"),
    ("danger_note", "danger_note", ""),
    ("note", "note", ""),
];

impl Form {
    /// An empty form with an id of its own.
    pub fn fresh() -> Self {
        Self {
            command_id: Uuid::now_v7().to_string(),
            ..Self::default()
        }
    }

    /// What is missing. With danger nothing is.
    fn missing(&self, language: Language) -> Vec<Fault> {
        if self.danger == "yes" {
            return Vec::new();
        }
        let mut faults = Vec::new();
        if self.danger != "no" {
            faults.push(Fault::new(language, "danger", "report.no_danger"));
        }
        let three = [&self.name, &self.phone, &self.address];
        if self.account.trim().is_empty() && three.iter().any(|field| field.trim().is_empty()) {
            faults.push(Fault::new(language, "account", "report.no_account"));
        }
        faults
    }

    fn into_report(self, language: Language) -> NewReport {
        NewReport {
            danger: self.danger == "yes",
            danger_note: self.danger_note,
            account: self.account,
            reporter_name: self.name,
            reporter_phone: self.phone,
            address: self.address,
            note: self.note,
            language,
            neighbours: match self.neighbours.as_str() {
                "on" => Neighbours::On,
                "off" => Neighbours::Off,
                _ => Neighbours::Unknown,
            },
            ..NewReport::default()
        }
    }
}

async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    let form = Form {
        account: own_account(&app, &visit).await.unwrap_or_default(),
        ..Form::fresh()
    };
    visit.page(
        &app,
        "report.html",
        json!({"form": form, "faults": [], "unsure": false}),
    )
}

/// The account of a customer who is signed in. Nobody waits for it: without it they type it.
async fn own_account(app: &App, visit: &Visit) -> Option<String> {
    let customer_id = visit.claims.customer_id.filter(|_| visit.is_customer())?;
    let message = GetCustomerRequest {
        by: Some(By::CustomerId(customer_id.to_string())),
    };
    let found = ask!(
        app.edge(),
        &visit.claims,
        app.to().registry,
        get_customer,
        message
    )
    .await;
    found.ok().map(|customer| customer.account)
}

async fn send(State(app): State<App>, visit: Visit, Fields(form): Fields<Form>) -> Result<Response, Problem> {
    let again = |mut form: Form, faults: Vec<Fault>, unsure: bool| {
        // Something was refused, so nothing was kept: the corrected form is another command.
        if !unsure {
            form.command_id = Uuid::now_v7().to_string();
        }
        let status = if unsure {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::BAD_REQUEST
        };
        let page = visit.page(
            &app,
            "report.html",
            json!({"form": form, "faults": faults, "unsure": unsure}),
        )?;
        Ok((status, page).into_response())
    };
    let missing = form.missing(visit.language);
    if !missing.is_empty() {
        return again(form, missing, false);
    }
    let command_id = match Uuid::parse_str(&form.command_id) {
        Ok(id) => id.to_string(),
        Err(_) => return again(form, vec![Fault::new(visit.language, "", "error.expired")], false),
    };
    // Without the proof the report still counts: as one of the public.
    let claims = if visit.proves(&form.csrf) {
        visit.claims.clone()
    } else {
        Claims::anybody()
    };
    let report = form.clone().into_report(visit.language);
    match accept_report(&app, &claims, report, &command_id).await {
        Ok(report) => {
            let now = app.clock().now();
            visit.page(
                &app,
                "reported.html",
                Accepted::new(visit.language, &report, now, app.http().zone),
            )
        }
        Err(problem) if problem.is_transient() => again(form, Vec::new(), true),
        Err(problem) if problem.status < 500 => {
            let faults = faults(visit.language, &problem, &KNOWN);
            again(form, faults, false)
        }
        Err(problem) => Err(problem),
    }
}

/// The answer to a report.
#[derive(Debug, Clone, Serialize)]
pub struct Accepted {
    number: String,
    accepted: String,
    danger: bool,
    /// What happens next.
    next: String,
    known: Option<Known>,
    /// What the reporter can try, in order.
    steps: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Known {
    since: Option<String>,
    /// Why, where it is no fault.
    why: Option<String>,
    cause: Option<String>,
    eta: String,
}

impl Accepted {
    /// In words, seen from `now`.
    pub fn new(language: Language, report: &Report, now: DateTime<Utc>, zone: Tz) -> Self {
        let known = report.known_outage.as_ref().map(|known| Known {
            since: at(known.off_at).map(|at| words::when(language, at, now, zone)),
            why: why(language, &known.class),
            cause: cause(language, &known.cause_code),
            eta: next_step(language, &known.class, at(known.etr_at))
                .unwrap_or_else(|| eta(language, at(known.etr_at), now, zone)),
        });
        let by_switching = report
            .known_outage
            .as_ref()
            .is_some_and(|known| !has_crew(&known.class));
        let said = |key: &str| words::say(language, key, &[]);
        let spoken = |phrase: &Phrase| match language {
            Language::En => phrase.en.clone(),
            Language::ZhCn => phrase.zh.clone(),
        };
        let next = match report.triage.as_str() {
            "known_outage" if by_switching => said("done.next_switched"),
            "known_outage" => said("done.next_known"),
            "urge" => said("done.next_urge"),
            "undetermined" => said("done.next_undetermined"),
            "new" => said("done.next_new"),
            // What only this customer's supply is about is said by intake.
            _ => report
                .say
                .as_ref()
                .map_or_else(|| said("done.next_undetermined"), spoken),
        };
        Self {
            number: report.number.clone(),
            accepted: at(report.accepted_at)
                .map_or_else(String::new, |at| words::when(language, at, now, zone)),
            danger: report.danger,
            next,
            known,
            steps: report.steps.iter().map(spoken).collect(),
        }
    }
}

/// Why the ledger says that somebody is off, where it is no fault.
pub(super) fn why(language: Language, class: &str) -> Option<String> {
    let is_fault = matches!(class, "FAULT" | "");
    (!is_fault).then(|| words::say(language, words::why(class), &[]))
}

/// A cause in words; a code nobody has words for is not shown.
pub(super) fn cause(language: Language, code: &str) -> Option<String> {
    words::find(language, &format!("cause.{code}"), &[])
}

#[cfg(test)]
mod tests {
    use relight_proto::intake::v1::KnownOutage;

    use super::*;

    fn form(danger: &str, account: &str, three: [&str; 3]) -> Form {
        Form {
            danger: danger.to_owned(),
            account: account.to_owned(),
            name: three[0].to_owned(),
            phone: three[1].to_owned(),
            address: three[2].to_owned(),
            ..Form::fresh()
        }
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_missing_when_there_is_danger() {
        let all = ["Li", "13900000000", "Road 1"];
        let table = [
            (form("", "1", [""; 3]), vec!["danger"]),
            (form("no", "", [""; 3]), vec!["account"]),
            (form("no", " ", ["Li", "", "Road 1"]), vec!["account"]),
            (form("", "", all), vec!["danger"]),
            (form("no", "1", [""; 3]), vec![]),
            (form("no", "", all), vec![]),
            (form("yes", "", [""; 3]), vec![]),
        ];
        for (form, expected) in table {
            let missing = form.missing(Language::En);
            let fields: Vec<&str> = missing.iter().map(|fault| fault.field.as_str()).collect();
            assert_eq!(fields, expected, "{form:?}");
        }
    }

    #[test]
    fn what_intake_refuses_is_shown_at_the_field_of_the_form() {
        let problem = Problem::field("reporter_phone", "must be E.164");
        let shown = faults(Language::En, &problem, &KNOWN);
        assert_eq!(shown[0].field, "phone");
        assert!(!shown[0].text.contains("E.164"), "{}", shown[0].text);
    }

    /// Nobody waits for a crew where the control room switched off because of danger, and the reason is said.
    #[test]
    fn who_is_off_by_a_switching_hears_why() {
        let report = Report {
            triage: "known_outage".to_owned(),
            known_outage: Some(KnownOutage {
                class: "SAFETY".to_owned(),
                ..KnownOutage::default()
            }),
            ..Report::default()
        };
        let said = Accepted::new(Language::En, &report, DateTime::UNIX_EPOCH, chrono_tz::UTC);
        let known = said.known.unwrap();
        assert_eq!(
            known.why.unwrap(),
            "We switched off because people were in danger."
        );
        assert!(
            !known.eta.contains("crew") && !said.next.contains("crew"),
            "{}",
            said.next
        );
    }

    #[test]
    fn a_lapsed_estimate_is_not_told_as_one() {
        let now: DateTime<Utc> = "2026-11-22T04:00:00Z".parse().unwrap();
        let zone = chrono_tz::Asia::Shanghai;
        let later = eta(
            Language::En,
            Some(now + chrono::TimeDelta::minutes(40)),
            now,
            zone,
        );
        assert_eq!(later, "We expect it back today at 12:40pm.");
        let passed = eta(Language::En, Some(now - chrono::TimeDelta::minutes(1)), now, zone);
        assert!(passed.starts_with("We had expected"), "{passed}");
        assert!(eta(Language::En, None, now, zone).starts_with("We do not know"));
    }
}
