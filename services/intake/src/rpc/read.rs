//! Reading reports and incidents. What is not the caller's is not there; a view of personal data is audited.

use relight_common::{Claims, Invalid, Role, Work, wire};
use relight_proto::{
    common::v1::Language,
    intake::v1::{self as pb, get_incident_request::By as ByIncident, get_report_request::By as ByReport},
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::accept::binding;
use crate::{
    desk::Desk,
    domain::{IncidentId, ReportId},
    error::Error,
    news, parse,
    store::{
        incident,
        report::{self, Filter, Stored},
    },
};

/// Staff who read reports of their area, with contacts.
const STAFF: [Role; 4] = [Role::Agent, Role::Dispatcher, Role::UnitDesk, Role::Admin];
/// Who reads reports without contacts as well.
const READERS: [Role; 7] = [
    Role::Agent,
    Role::Dispatcher,
    Role::UnitDesk,
    Role::Admin,
    Role::Manager,
    Role::ControlRoom,
    Role::Service,
];
/// Who reads incidents.
pub(super) const INCIDENT_READERS: [Role; 8] = [
    Role::Agent,
    Role::Dispatcher,
    Role::UnitDesk,
    Role::Admin,
    Role::Manager,
    Role::ControlRoom,
    Role::Service,
    Role::Crew,
];
/// Reporters given at once.
const REPORTERS_MAX: i64 = 10_000;
const NUMBER_MAX: usize = 32;

/// Whether one of the roles reaches `org_path`. What nobody could place yet is everybody's: it must not be lost.
pub(super) fn reaches(claims: &Claims, roles: &[Role], org_path: &str) -> bool {
    claims.has_at(roles, org_path) || (org_path.is_empty() && claims.has(roles))
}

/// The same as patterns for SQL.
pub(super) fn patterns(claims: &Claims, roles: &[Role]) -> Vec<String> {
    let mut patterns = claims.org_patterns(roles);
    patterns.push(String::new());
    patterns
}

/// Whether this report is one the caller may see.
pub(super) fn may_see(claims: &Claims, stored: &Stored) -> bool {
    let place = &stored.report.place;
    let own = claims.has(&[Role::Customer])
        && claims
            .customer_id
            .is_some_and(|own| place.customer_id == Some(own));
    own || reaches(claims, &READERS, &place.org_path)
}

pub(super) async fn connection(desk: &Desk) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>, Error> {
    desk.db
        .pool()
        .acquire()
        .await
        .map_err(Error::db("take a connection"))
}

pub(super) async fn report(
    desk: &Desk,
    claims: &Claims,
    message: &pb::GetReportRequest,
) -> Result<pb::Report, Error> {
    let mut conn = connection(desk).await?;
    let stored = match &message.by {
        Some(ByReport::ReportId(id)) => report::by_id(&mut conn, ReportId::parse(id)?).await?,
        Some(ByReport::Number(number)) => {
            let number = wire::text_required("number", number, NUMBER_MAX)?;
            report::by_number(&mut conn, &number).await?
        }
        None => return Err(Invalid::new("report_id", "must be given, or number").into()),
    };
    drop(conn);
    let stored = stored
        .filter(|stored| may_see(claims, stored))
        .ok_or(Error::NoReport)?;
    let mut reply = news::report(&stored);
    let report = &stored.report;
    let whose = claims.has(&[Role::Admin]) || claims.actor == stored.owner() || claims.actor == report.actor;
    if reaches(claims, &STAFF, &report.place.org_path) && (!report.confidential || whose) {
        reveal(desk, claims, &stored, &mut reply).await?;
    }
    Ok(reply)
}

/// Adds what leads to a person, and notes who looked.
async fn reveal(desk: &Desk, claims: &Claims, stored: &Stored, reply: &mut pb::Report) -> Result<(), Error> {
    let report = &stored.report;
    let open = |field: &str, sealed: &Option<Vec<u8>>| match sealed {
        Some(sealed) => desk.seal.open(&binding(report.id, field), sealed),
        None => Ok(String::new()),
    };
    reply.reporter_name = open("name", &report.name)?;
    reply.reporter_phone = open("phone", &report.phone)?;
    reply.address = report.address.clone();
    let mut work = Work::internal(&desk.db, claims.request_id.to_string(), desk.clock.now()).await?;
    work.audit(
        "report.contact_viewed",
        report.id,
        serde_json::json!({ "viewer": claims.actor }),
    );
    work.done().await?;
    Ok(())
}

pub(super) async fn reports(
    desk: &Desk,
    claims: &Claims,
    message: &pb::ListReportsRequest,
) -> Result<pb::ListReportsReply, Error> {
    let incident = wire::uuid_opt("incident_id", &message.incident_id)?;
    let customer = wire::uuid_opt("customer_id", &message.customer_id)?;
    let filter = filter(claims, incident, customer)?;
    let words = format!(
        "reports {incident:?} {:?} {:?}",
        filter.customer, filter.org_patterns
    );
    let page = desk.cursors.page(&words, message.page.as_ref())?;
    let rows = report::page(&mut *connection(desk).await?, &filter, &page).await?;
    let last = rows
        .last()
        .map(|last| (last.report.accepted_at, last.report.id.uuid()));
    Ok(pb::ListReportsReply {
        next_cursor: desk.cursors.next(&words, &page, rows.len(), last),
        reports: rows.iter().map(news::report).collect(),
    })
}

/// Staff see their area, a customer their own.
fn filter(claims: &Claims, incident: Option<Uuid>, customer: Option<Uuid>) -> Result<Filter, Error> {
    if claims.has(&READERS) {
        return Ok(Filter {
            incident,
            customer,
            org_patterns: patterns(claims, &READERS),
            owned_by: None,
        });
    }
    match claims.customer_id.filter(|_| claims.has(&[Role::Customer])) {
        Some(own) if customer.is_none_or(|asked| asked == own) => Ok(Filter {
            incident,
            customer: Some(own),
            org_patterns: vec!["%".to_owned()],
            owned_by: None,
        }),
        _ => Err(Error::Denied("you may list your own reports only".to_owned())),
    }
}

pub(super) async fn incident(
    desk: &Desk,
    claims: &Claims,
    message: &pb::GetIncidentRequest,
) -> Result<pb::Incident, Error> {
    let mut conn = connection(desk).await?;
    let found = match &message.by {
        Some(ByIncident::IncidentId(id)) => incident::by_id(&mut conn, IncidentId::parse(id)?).await?,
        Some(ByIncident::Number(number)) => {
            let number = wire::text_required("number", number, NUMBER_MAX)?;
            incident::by_number(&mut conn, &number).await?
        }
        None => return Err(Invalid::new("incident_id", "must be given, or number").into()),
    };
    let seen = found.filter(|incident| reaches(claims, &INCIDENT_READERS, &incident.org_path));
    seen.map(|incident| news::incident(&incident))
        .ok_or(Error::NoIncident)
}

pub(super) async fn incidents(
    desk: &Desk,
    claims: &Claims,
    message: &pb::ListIncidentsRequest,
) -> Result<pb::ListIncidentsReply, Error> {
    let state = match message.state.as_str() {
        "" | "open" => "open",
        "closed" => "closed",
        "merged" => "merged",
        _ => return Err(Invalid::new("state", "must be open, closed or merged, or left out").into()),
    };
    let patterns = patterns(claims, &INCIDENT_READERS);
    let words = format!("incidents {state} {patterns:?}");
    let page = desk.cursors.page(&words, message.page.as_ref())?;
    let rows = incident::page(&mut *connection(desk).await?, state, &patterns, &page).await?;
    let last = rows.last().map(|last| (last.accepted_at, last.id.uuid()));
    Ok(pb::ListIncidentsReply {
        next_cursor: desk.cursors.next(&words, &page, rows.len(), last),
        incidents: rows.iter().map(news::incident).collect(),
    })
}

/// Who reported, with the number they left: for notify, of one incident or one report.
pub(super) async fn reporters(
    desk: &Desk,
    message: &pb::ReportersRequest,
) -> Result<pb::ReportersReply, Error> {
    let incident = wire::uuid_opt("incident_id", &message.incident_id)?;
    let one = wire::uuid_opt("report_id", &message.report_id)?;
    let mut conn = connection(desk).await?;
    let stored = match (incident, one) {
        (_, Some(report)) => {
            let stored = report::by_id(&mut conn, ReportId::from_uuid(report)).await?;
            vec![stored.ok_or(Error::NoReport)?]
        }
        (Some(incident), None) => of_incident(&mut conn, incident).await?,
        (None, None) => return Err(Invalid::new("incident_id", "must be given, or report_id").into()),
    };
    let reporters = stored
        .iter()
        .map(|stored| contact(desk, stored))
        .collect::<Result<_, Error>>()?;
    Ok(pb::ReportersReply { reporters })
}

/// The reports of an incident; those of a merged one are with the incident it became part of.
async fn of_incident(conn: &mut PgConnection, incident: Uuid) -> Result<Vec<Stored>, Error> {
    use crate::domain::incident::State;
    let mut id = IncidentId::from_uuid(incident);
    loop {
        let found = incident::by_id(conn, id).await?.ok_or(Error::NoIncident)?;
        match found.state {
            State::Merged(into) => id = into,
            State::Open | State::Closed(_) => break,
        }
    }
    report::of_incident(conn, id.uuid(), REPORTERS_MAX).await
}

fn contact(desk: &Desk, stored: &Stored) -> Result<pb::ReporterContact, Error> {
    let report = &stored.report;
    let phone = match &report.phone {
        Some(sealed) => desk.seal.open(&binding(report.id, "phone"), sealed)?,
        None => String::new(),
    };
    let language = match report.language.as_str() {
        "zh-CN" => Language::ZhCn,
        "en" => Language::En,
        _ => Language::Unspecified,
    };
    Ok(pb::ReporterContact {
        report_id: report.id.to_string(),
        number: report.number.clone(),
        customer_id: report
            .place
            .customer_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        // What a danger report had instead of a number is for people to read, not to send to.
        phone: parse::e164(&phone).unwrap_or_default(),
        language: language.into(),
    })
}
