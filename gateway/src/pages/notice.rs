//! `/notices/NUMBER`: the notice of disconnection (停电通知书) to print and serve; `/check-notice`: is it genuine?

use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use qrcode::{EcLevel, QrCode, render::svg};
use relight_common::{
    ask,
    edge::{Kind, Problem, Segment, at},
};
use relight_proto::arrears::v1::{Notice, NoticeRequest};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Visit, login::sign_in_first};
use crate::{
    api::{
        Language,
        arrears_notice::{ArrearsNotice, Service},
    },
    app::App,
    config::Areas,
    words,
};

/// Longest number that is asked for.
const NUMBER_MAX: usize = 32;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/notices/{number}", get(show))
        .route("/check-notice", get(check))
}

/// For staff and for the account holder; to others there is no such notice.
async fn show(State(app): State<App>, visit: Visit, Segment(number): Segment) -> Result<Response, Problem> {
    visit.sure()?;
    if !visit.is_signed_in() {
        return Ok(sign_in_first(&format!("/notices/{number}")));
    }
    let message = NoticeRequest { number };
    let (app, claims) = (&app, &visit.claims);
    let notice = ask!(app.edge(), claims, app.to().arrears, get_notice, message).await?;
    let house = (app.http().site.as_str(), app.notices().regulator.as_str());
    let sheet = Sheet::new(visit.language, notice, app.areas(), house)?;
    visit.page(app, "notice.html", sheet)
}

/// The notice in the reader's language.
#[derive(Debug, Serialize)]
pub struct Sheet {
    number: String,
    valid: bool,
    issued: String,
    unit: String,
    issuer: String,
    approver: String,
    name: String,
    account: String,
    address: String,
    amount: String,
    due: String,
    /// Where to pay, as the utility says; empty: the general words.
    pay_hint: String,
    bills: Vec<Row>,
    reminders: Vec<String>,
    basis: Vec<String>,
    stop: String,
    serve_by: String,
    reconnect_h: u32,
    policy: String,
    regulator: String,
    check_at: String,
    code: String,
    served: Option<Served>,
}

#[derive(Debug, Serialize)]
struct Row {
    period: String,
    amount: String,
    late_fee: String,
    due: String,
}

#[derive(Debug, Serialize)]
struct Served {
    method: String,
    at: String,
    server: String,
    received_by: String,
    witness: String,
    photo: String,
    /// Where staff look at it.
    photo_at: String,
    record: String,
    filing: String,
    place: String,
}

impl Sheet {
    fn new(
        language: Language,
        wire: Notice,
        areas: &Areas,
        (site, regulator): (&str, &str),
    ) -> Result<Self, Problem> {
        let case_id = wire.case_id.clone();
        let mut sheet = sheet(language, wire.into(), areas);
        sheet.check_at = format!("{site}/check-notice");
        sheet.code = code(&format!("{}?number={}", sheet.check_at, sheet.number))?;
        regulator.clone_into(&mut sheet.regulator);
        if let Some(served) = &mut sheet.served {
            served.photo_at = format!("/api/v1/photos/{}?case_id={case_id}", served.photo);
        }
        Ok(sheet)
    }
}

fn sheet(language: Language, notice: ArrearsNotice, areas: &Areas) -> Sheet {
    let zone: Tz = notice.zone.parse().unwrap_or(chrono_tz::UTC);
    let money = |cents: i64| money(language, cents, &notice.currency);
    let full = |at: Option<DateTime<Utc>>| at.map(|at| full(language, at, zone)).unwrap_or_default();
    let bills = notice.bills.iter().map(|bill| Row {
        period: match bill.period.as_str() {
            "" => words::say(language, "notice.without_bill", &[]),
            period => period.to_owned(),
        },
        amount: money(bill.amount_cents),
        late_fee: money(bill.late_fee_cents),
        due: bill.due_on.clone(),
    });
    let reminders = notice.reminders.iter().map(|reminder| {
        let channel = words::say(language, &format!("notice.channel_{}", reminder.channel), &[]);
        format!("{} ({channel})", full(reminder.at))
    });
    let (address, pay_hint) = match language {
        Language::ZhCn => (&notice.address_zh, &notice.pay_hint_zh),
        Language::En => (&notice.address_en, &notice.pay_hint_en),
    };
    let unit = areas.name(language, &notice.org_path).unwrap_or(&notice.org_path);
    let mut basis = notice.legal_basis.clone();
    if language == Language::ZhCn && notice.policy_version.starts_with("CN-") {
        basis = vec![words::say(language, "notice.basis_cn", &[])];
    }
    Sheet {
        number: notice.number.clone(),
        valid: notice.valid,
        issued: full(notice.issued_at),
        unit: unit.to_owned(),
        issuer: notice.issuer.clone(),
        approver: notice.approver.clone(),
        name: notice.customer_name.clone(),
        account: notice.account.clone(),
        address: address.clone(),
        amount: money(notice.amount_cents),
        due: notice.due_on.clone(),
        pay_hint: pay_hint.clone(),
        bills: bills.collect(),
        reminders: reminders.collect(),
        basis,
        stop: full(notice.stop_at),
        serve_by: full(notice.serve_by),
        reconnect_h: notice.reconnect_h,
        policy: notice.policy_version.clone(),
        regulator: String::new(),
        check_at: String::new(),
        code: String::new(),
        served: notice
            .service
            .as_ref()
            .map(|service| served(language, service, &full)),
    }
}

fn served(language: Language, service: &Service, full: &impl Fn(Option<DateTime<Utc>>) -> String) -> Served {
    Served {
        method: words::say(language, &format!("notice.method_{}", service.method), &[]),
        at: full(service.at),
        server: service.server.clone(),
        received_by: service.received_by.clone(),
        witness: service.witness.clone(),
        photo: service.photo_sha256.clone(),
        photo_at: String::new(),
        record: service.record.clone(),
        filing: service.filing_receipt.clone(),
        place: service
            .position
            .map(|(lon, lat)| format!("{lat:.5}, {lon:.5}"))
            .unwrap_or_default(),
    }
}

/// Hundredths as people write money of that currency.
fn money(language: Language, cents: i64, currency: &str) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let (whole, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    match (language, currency) {
        (Language::ZhCn, "CNY") => format!("{sign}{whole}.{rest:02} 元"),
        _ => format!("{currency} {sign}{whole}.{rest:02}"),
    }
}

/// With the date written out and the zone: nobody may misread when supply stops.
pub(super) fn full(language: Language, at: DateTime<Utc>, zone: Tz) -> String {
    let at = at.with_timezone(&zone);
    match language {
        Language::ZhCn => at.format("%Y年%-m月%-d日 %H:%M").to_string(),
        Language::En => at.format("%-d %B %Y %H:%M (%Z)").to_string(),
    }
}

/// A square of modules, black on white whatever the page's colours.
fn code(text: &str) -> Result<String, Problem> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|_| Problem::new(Kind::Internal, "the address of this site is too long for a code"))?;
    let drawn = code
        .render::<svg::Color>()
        .min_dimensions(160, 160)
        .dark_color(svg::Color("#000000"))
        .light_color(svg::Color("#ffffff"))
        .build();
    // Inside a page the declaration of a file of its own has no place.
    let from = drawn.find("<svg").unwrap_or(0);
    Ok(drawn[from..].to_owned())
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    number: String,
}

/// Anybody may ask; the answer is about the paper and nothing of the debt.
async fn check(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let number = asked.number.trim().to_uppercase();
    if number.is_empty() {
        return visit.page(&app, "check_notice.html", json!({ "number": "", "answer": "" }));
    }
    if number.chars().count() > NUMBER_MAX {
        let context = json!({ "number": "", "answer": "unknown" });
        return visit.page(&app, "check_notice.html", context);
    }
    let message = NoticeRequest {
        number: number.clone(),
    };
    let (app, claims) = (&app, &visit.claims);
    let reply = ask!(app.edge(), claims, app.to().arrears, check_notice, message).await?;
    let zone: Tz = reply.zone.parse().unwrap_or(app.http().zone);
    let issued = at(reply.issued_at).map(|at| full(visit.language, at, zone));
    let context = json!({
        "number": number,
        "answer": answer(reply.genuine, reply.valid),
        "issued": issued.unwrap_or_default(),
    });
    visit.page(app, "check_notice.html", context)
}

fn answer(genuine: bool, valid: bool) -> &'static str {
    match (genuine, valid) {
        (true, true) => "stands",
        (true, false) => "void",
        (false, _) => "unknown",
    }
}

#[cfg(test)]
mod tests;
