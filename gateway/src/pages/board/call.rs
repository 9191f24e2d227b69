//! `/board/call`: whom to call who depends on life-support. Not on the board itself, which hangs on a wall: who looks, looks at
//! one customer, and registry notes it.

use axum::{
    extract::{Query, State},
    response::Response,
};
use relight_common::{ask, edge::Problem};
use relight_proto::{
    intake::v1::{GetReportRequest, Report, get_report_request},
    registry::v1::{
        Customer, CustomerContact, GetCustomerRequest, ListCustomerContactsRequest, get_customer_request,
    },
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::{Visit, login::sign_in_first};
use super::urgent::CALLERS;
use crate::{api::Language, app::App, words};

/// Whose call.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    customer_id: Uuid,
    /// What they said themselves, if they reported.
    report_id: Option<Uuid>,
}

/// One customer, for whoever calls.
#[derive(Debug, Serialize)]
struct Page {
    name: String,
    account: String,
    addresses: Vec<String>,
    numbers: Vec<Row>,
    /// Who reported, and from which number.
    reporter: Option<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Row {
    masked: String,
    whose: String,
    stale: bool,
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    visit.sure()?;
    if !visit.is_signed_in() {
        return Ok(sign_in_first("/board"));
    }
    visit.claims.need(&CALLERS)?;
    let customer = customer(&app, &visit, asked.customer_id).await?;
    let contacts = contacts(&app, &visit, asked.customer_id).await?;
    let report = match asked.report_id {
        Some(id) => Some(report(&app, &visit, id).await?),
        None => None,
    };
    visit.page(
        &app,
        "call.html",
        page(visit.language, customer, &contacts, report),
    )
}

async fn customer(app: &App, visit: &Visit, id: Uuid) -> Result<Customer, Problem> {
    let message = GetCustomerRequest {
        by: Some(get_customer_request::By::CustomerId(id.to_string())),
    };
    ask!(
        app.edge(),
        &visit.claims,
        app.to().registry,
        get_customer,
        message
    )
    .await
}

async fn contacts(app: &App, visit: &Visit, id: Uuid) -> Result<Vec<CustomerContact>, Problem> {
    let message = ListCustomerContactsRequest {
        customer_id: id.to_string(),
    };
    let reply = ask!(app.edge(), &visit.claims, app.to().contacts, list, message).await?;
    Ok(reply.contacts)
}

async fn report(app: &App, visit: &Visit, id: Uuid) -> Result<Report, Problem> {
    let message = GetReportRequest {
        by: Some(get_report_request::By::ReportId(id.to_string())),
    };
    ask!(app.edge(), &visit.claims, app.to().intake, get_report, message).await
}

/// A mail address is no number, and a property manager does not answer for the customer.
fn page(
    language: Language,
    customer: Customer,
    contacts: &[CustomerContact],
    report: Option<Report>,
) -> Page {
    let called = contacts
        .iter()
        .filter(|one| one.channel == "sms" && one.role != "property_manager");
    let row = |one: &CustomerContact| Row {
        masked: one.masked.clone(),
        whose: words::say(language, &format!("call.role_{}", one.role), &[]),
        stale: one.stale,
    };
    let addresses = customer.service_points.into_iter().map(|point| match language {
        Language::ZhCn => point.address_zh,
        Language::En => point.address_en,
    });
    Page {
        name: customer.name,
        account: customer.account,
        addresses: addresses.filter(|address| !address.is_empty()).collect(),
        numbers: called.map(row).collect(),
        reporter: report
            .map(|report| (report.reporter_name, report.reporter_phone))
            .filter(|(_, phone)| !phone.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_calls_sees_the_numbers_of_the_customer_and_of_who_cares_for_them() {
        let contact = |channel: &str, role: &str| CustomerContact {
            channel: channel.to_owned(),
            role: role.to_owned(),
            masked: "***0042".to_owned(),
            ..CustomerContact::default()
        };
        let contacts = [
            contact("sms", "customer"),
            contact("sms", "carer"),
            contact("sms", "property_manager"),
            contact("email", "customer"),
        ];
        let shown = page(Language::En, Customer::default(), &contacts, None);
        let whose: Vec<&str> = shown.numbers.iter().map(|row| row.whose.as_str()).collect();
        assert_eq!(whose, ["the customer", "who cares for them"]);
        assert!(shown.reporter.is_none());
    }
}
