//! Fault reports.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use relight_common::{
    Claims, Invalid, Role, ask,
    edge::{Anyone, Body, Caller, CommandKey, Problem, Segment, at, order::Place},
    wire::{ACCOUNT_MAX, REPORTER_NAME_MAX, point, text, timestamp},
};
use relight_proto::{
    common::v1::Language as WireLanguage,
    intake::v1::{
        AcceptReportRequest, GetReportRequest, Phrase as WirePhrase, Report as WireReport, UrgeRequest,
        get_report_request::By,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::sessions::Language;
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(accept))
        .routes(routes!(get))
        .routes(routes!(urge))
}

/// How a report came in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Channel {
    /// Telephone.
    Hotline,
    /// Service hall.
    Hall,
    /// Told to somebody on site.
    OnSite,
    /// Page or program.
    #[default]
    Web,
    /// Text message.
    Sms,
    /// Handed over by another desk.
    Transfer,
    /// On paper, entered late.
    Paper,
}

impl Channel {
    fn word(self) -> &'static str {
        match self {
            Channel::Hotline => "hotline",
            Channel::Hall => "hall",
            Channel::OnSite => "on_site",
            Channel::Web => "web",
            Channel::Sms => "sms",
            Channel::Transfer => "transfer",
            Channel::Paper => "paper",
        }
    }
}

/// A fault report: danger first; then an account, or name, phone and address or position.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReport {
    /// Fallen wire, fire, smoke, somebody hurt. Asked first.
    pub(crate) danger: bool,
    /// What the danger is.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) danger_note: String,
    /// Account number.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub(crate) account: String,
    /// Name, when there is no account.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub(crate) reporter_name: String,
    /// Phone number, when there is no account.
    #[serde(default)]
    #[schema(max_length = 30)]
    pub(crate) reporter_phone: String,
    /// Address, when there is no account.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub(crate) address: String,
    /// Where it is, instead of an address.
    #[serde(default)]
    pub(crate) position: Option<Place>,
    /// How it came in; staff only, the public is `web`.
    #[serde(default)]
    pub(crate) channel: Channel,
    /// For late entry: when the customer reported. Never in the future.
    #[serde(default)]
    pub(crate) reported_at: Option<DateTime<Utc>>,
    /// What the reporter says.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub(crate) note: String,
    /// Language of the messages to the reporter.
    #[serde(default)]
    pub(crate) language: Language,
    /// Asked second: do the neighbours have supply?
    #[serde(default)]
    pub(crate) neighbours: Neighbours,
    /// The name and number are for the desk that took the report only.
    #[serde(default)]
    pub(crate) confidential: bool,
}

/// What the reporter sees around.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Neighbours {
    /// Not asked, or the reporter does not know.
    #[default]
    Unknown,
    /// They have supply: dark only here.
    On,
    /// They are off too.
    Off,
}

impl Neighbours {
    fn word(self) -> &'static str {
        match self {
            Neighbours::Unknown => "",
            Neighbours::On => "on",
            Neighbours::Off => "off",
        }
    }
}

impl NewReport {
    /// The message for intake. Danger is passed on as it is: intake leaves out what is wrong and refuses nothing for it.
    ///
    /// # Errors
    /// The first field that is out of bounds.
    pub(crate) fn into_wire(self, command_id: &str) -> Result<AcceptReportRequest, Invalid> {
        if self.danger {
            return Ok(AcceptReportRequest {
                command_id: command_id.to_owned(),
                ..self.unchecked()
            });
        }
        if let Some(place) = self.position {
            point("position", place.into())?;
        }
        let report = self.unchecked();
        Ok(AcceptReportRequest {
            command_id: command_id.to_owned(),
            danger_note: text("danger_note", &report.danger_note, 500)?,
            account: text("account", &report.account, ACCOUNT_MAX)?,
            reporter_name: text("reporter_name", &report.reporter_name, REPORTER_NAME_MAX)?,
            reporter_phone: text("reporter_phone", &report.reporter_phone, 30)?,
            address: text("address", &report.address, 300)?,
            note: text("note", &report.note, 1_000)?,
            ..report
        })
    }

    /// The message without a command id, every field as it is: intake checks it.
    pub(crate) fn unchecked(self) -> AcceptReportRequest {
        AcceptReportRequest {
            command_id: String::new(),
            danger: self.danger,
            danger_note: self.danger_note,
            account: self.account,
            reporter_name: self.reporter_name,
            reporter_phone: self.reporter_phone,
            address: self.address,
            position: self.position.map(Into::into),
            channel: self.channel.word().to_owned(),
            reported_at: self.reported_at.map(timestamp),
            note: self.note,
            language: WireLanguage::from(self.language).into(),
            neighbours: self.neighbours.word().to_owned(),
            confidential: self.confidential,
        }
    }
}

/// What is known about the outage the reporter is in.
#[derive(Debug, Serialize, ToSchema)]
pub struct KnownOutage {
    /// Off since.
    pub off_at: Option<DateTime<Utc>>,
    /// Expected restoration.
    pub etr_at: Option<DateTime<Utc>>,
    /// Cause; empty: not known.
    pub cause_code: String,
    /// `FAULT`, `PLANNED`, `TEMPORARY`, `CURTAILMENT`
    pub class: String,
    /// The planned outage behind it.
    pub outage_id: String,
}

/// The same in both languages.
#[derive(Debug, Serialize, ToSchema)]
pub struct Phrase {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl From<WirePhrase> for Phrase {
    fn from(phrase: WirePhrase) -> Self {
        Self {
            zh: phrase.zh,
            en: phrase.en,
        }
    }
}

/// A report as it was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Report {
    /// UUID.
    pub report_id: String,
    /// Spoken number.
    #[schema(example = "F-20261122-0042")]
    pub number: String,
    /// Never moves.
    pub accepted_at: Option<DateTime<Utc>>,
    /// `new`, `known_outage`, `urge`, `undetermined`, `customer_side`, `cut`, `prepaid`,
    /// `own_request`, `left`
    pub triage: String,
    /// Set when it belongs to an incident.
    pub incident_id: String,
    /// Set when the customer is known.
    pub customer_id: String,
    /// How it came in.
    pub channel: String,
    /// Danger was reported.
    pub danger: bool,
    /// How often the customer urged.
    pub urge_count: u32,
    /// Account number.
    pub account: String,
    /// Set when the customer is in a known outage.
    pub known_outage: Option<KnownOutage>,
    /// As given; masked unless the role needs it.
    pub reporter_name: String,
    /// As given; masked unless the role needs it.
    pub reporter_phone: String,
    /// As given; masked unless the role needs it.
    pub address: String,
    /// Where in the organisation.
    pub org_path: String,
    /// Who took it and answers for it: the first-contact owner.
    pub owner: String,
    /// The contact is for the desk that took the report only.
    pub confidential: bool,
    /// A person has to call at once: life-support.
    pub call_wanted: bool,
    /// What to say to the reporter.
    pub say: Option<Phrase>,
    /// `customer_side`: what the reporter can try, in order.
    pub steps: Vec<Phrase>,
    /// `open`, `helping`, `closed`
    pub state: String,
    /// Closed: `solved`, `known_outage`, `cut`, `prepaid`, `own_request`;
    /// by a person: `false_report`, `duplicate`, `customer_internal`
    pub close_reason: String,
}

impl From<WireReport> for Report {
    fn from(report: WireReport) -> Self {
        let known_outage = report.known_outage.map(|known| KnownOutage {
            off_at: at(known.off_at),
            etr_at: at(known.etr_at),
            cause_code: known.cause_code,
            class: known.class,
            outage_id: known.outage_id,
        });
        Self {
            report_id: report.report_id,
            number: report.number,
            accepted_at: at(report.accepted_at),
            triage: report.triage,
            incident_id: report.incident_id,
            customer_id: report.customer_id,
            channel: report.channel,
            danger: report.danger,
            urge_count: report.urge_count,
            account: report.account,
            known_outage,
            reporter_name: report.reporter_name,
            reporter_phone: report.reporter_phone,
            address: report.address,
            org_path: report.org_path,
            owner: report.owner,
            confidential: report.confidential,
            call_wanted: report.call_wanted,
            say: report.say.map(Phrase::from),
            steps: report.steps.into_iter().map(Phrase::from).collect(),
            state: report.state,
            close_reason: report.close_reason,
        }
    }
}

/// Reports a fault. Open to the public, limited by address. Danger is never refused for what else is missing.
#[utoipa::path(post, path = "/api/v1/reports", tag = "reports", request_body = NewReport,
    params(("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    responses((status = 201, description = "Accepted and stored", body = Report)))]
async fn accept(
    State(app): State<App>,
    anyone: Anyone,
    key: CommandKey,
    Body(mut body): Body<NewReport>,
) -> Result<(StatusCode, Json<Report>), Problem> {
    if anyone.caller.is_none() {
        public_terms(&body)?;
        body.channel = Channel::Web;
    }
    let report = accept_report(&app, &anyone.claims, body, &key.to_string()).await?;
    Ok((StatusCode::CREATED, Json(report.into())))
}

/// The public speaks for now and for itself.
fn public_terms(body: &NewReport) -> Result<(), Problem> {
    if body.channel != Channel::Web {
        return Err(Problem::field("channel", "must be web, or a session is needed"));
    }
    if body.reported_at.is_some() {
        return Err(Problem::field(
            "reported_at",
            "must be left out: late entry needs a session",
        ));
    }
    Ok(())
}

/// Hands a report to intake. Also used by the page.
pub(crate) async fn accept_report(
    app: &App,
    claims: &Claims,
    report: NewReport,
    command_id: &str,
) -> Result<WireReport, Problem> {
    let message = report.into_wire(command_id)?;
    ask!(app.edge(), claims, app.to().intake, accept_report, message).await
}

/// One report by id or spoken number.
#[utoipa::path(get, path = "/api/v1/reports/{id}", tag = "reports", security(("session" = [])),
    params(("id" = String, Path, description = "Report id (UUID) or number (F-...)")),
    responses((status = 200, description = "The report", body = Report)))]
async fn get(State(app): State<App>, caller: Caller, Segment(id): Segment) -> Result<Json<Report>, Problem> {
    let claims = caller.need(&[Role::Agent, Role::Dispatcher, Role::UnitDesk, Role::Customer])?;
    let by = if Uuid::parse_str(&id).is_ok() {
        By::ReportId(id)
    } else {
        By::Number(id)
    };
    let message = GetReportRequest { by: Some(by) };
    let report = ask!(app.edge(), claims, app.to().intake, get_report, message).await?;
    Ok(Json(report.into()))
}

/// Urges a report: counted, no second report.
#[utoipa::path(post, path = "/api/v1/reports/{id}/urge", tag = "reports", security(("session" = [])),
    params(("id" = Uuid, Path, description = "Report id"),
        ("Idempotency-Key" = Uuid, Header, description = "Id of the command")),
    responses((status = 200, description = "The report", body = Report)))]
async fn urge(
    State(app): State<App>,
    caller: Caller,
    key: CommandKey,
    Segment(id): Segment,
) -> Result<Json<Report>, Problem> {
    let claims = caller.need(&[Role::Agent, Role::Dispatcher, Role::Customer])?;
    let report = urge_report(&app, claims, &id, &key.to_string()).await?;
    Ok(Json(report.into()))
}

/// Urges. Also used by the page.
pub(crate) async fn urge_report(
    app: &App,
    claims: &Claims,
    report_id: &str,
    command_id: &str,
) -> Result<WireReport, Problem> {
    let message = UrgeRequest {
        command_id: command_id.to_owned(),
        report_id: relight_common::wire::uuid("id", report_id)?.to_string(),
    };
    ask!(app.edge(), claims, app.to().intake, urge, message).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_out_of_bounds_names_the_field() {
        let with = |change: fn(&mut NewReport)| {
            let mut report = NewReport::default();
            change(&mut report);
            report
                .into_wire("id")
                .map(|_| ())
                .map_err(|invalid| invalid.field)
        };
        type Change = fn(&mut NewReport);
        let table: [(Change, &str); 4] = [
            (|r| r.address = "x".repeat(301), "address"),
            (|r| r.account = "1\u{0}2".to_owned(), "account"),
            (|r| r.note = "x".repeat(1_001), "note"),
            (
                |r| {
                    r.position = Some(Place {
                        lon: f64::NAN,
                        lat: 0.0,
                    });
                },
                "position",
            ),
        ];
        for (change, field) in table {
            assert_eq!(with(change).unwrap_err(), field);
        }
        assert!(with(|r| r.danger = true).is_ok());
    }

    #[test]
    fn the_public_may_not_backdate_nor_choose_the_channel() {
        let late = NewReport {
            reported_at: Some(Utc::now()),
            ..NewReport::default()
        };
        assert_eq!(public_terms(&late).unwrap_err().errors[0].field, "reported_at");
        let hall = NewReport {
            channel: Channel::Hall,
            ..NewReport::default()
        };
        assert_eq!(public_terms(&hall).unwrap_err().errors[0].field, "channel");
        assert!(public_terms(&NewReport::default()).is_ok());
    }
}
