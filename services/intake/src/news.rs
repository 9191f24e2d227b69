//! From the domain to what others read: replies and events. The only place beside rpc and consumer that knows the wire.

use chrono::{DateTime, Utc};
use relight_common::{Work, wire::timestamp};
use relight_policy::AreaClass;
use relight_proto::{common::v1 as common, events::v1 as events, intake::v1 as pb};
use uuid::Uuid;

use crate::{
    domain::{
        IncidentId,
        facts::{Reporter, Reporters},
        incident::{Incident, State},
        place::{Place, Position},
        report::{KnownOutage, Standing},
        say::{self, Phrase},
    },
    store::{
        report::{Report, Stored},
        set_call::Person,
    },
};

pub(crate) fn area(area: AreaClass) -> common::AreaClass {
    match area {
        AreaClass::Urban => common::AreaClass::Urban,
        AreaClass::Rural => common::AreaClass::Rural,
        AreaClass::Remote => common::AreaClass::Remote,
    }
}

fn point(position: Position) -> common::Point {
    common::Point {
        lon: position.lon,
        lat: position.lat,
    }
}

fn known_outage(known: &KnownOutage) -> pb::KnownOutage {
    pb::KnownOutage {
        off_at: known.off_at.map(timestamp),
        etr_at: known.etr_at.map(timestamp),
        cause_code: known.cause.clone(),
        class: known.class.clone(),
        outage_id: known.outage.clone(),
    }
}

fn phrase(phrase: &Phrase) -> pb::Phrase {
    pb::Phrase {
        zh: phrase.zh.clone(),
        en: phrase.en.clone(),
    }
}

/// A report without anything that leads to a person: also what is remembered with a command.
pub(crate) fn report(stored: &Stored) -> pb::Report {
    let report = &stored.report;
    let known = report.triage.known().map(known_outage);
    let steps = match report.standing {
        Standing::Helping => say::self_help(),
        Standing::Open | Standing::Closed(_) => &[],
    };
    let text = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    pb::Report {
        report_id: report.id.to_string(),
        number: report.number.clone(),
        accepted_at: Some(timestamp(report.accepted_at)),
        triage: report.triage.word().to_owned(),
        incident_id: text(stored.incident.or(report.hint).map(|id| id.uuid())),
        customer_id: text(report.place.customer_id),
        channel: report.channel.word().to_owned(),
        danger: report.danger,
        urge_count: stored.urge_count,
        account: report.account.clone().unwrap_or_default(),
        known_outage: known,
        reporter_name: String::new(),
        reporter_phone: String::new(),
        address: String::new(),
        org_path: report.place.org_path.clone(),
        owner: stored.owner().to_owned(),
        confidential: report.confidential,
        call_wanted: report.call_wanted,
        say: Some(phrase(&say::say(
            &report.triage,
            report.danger,
            &report.place.zone,
        ))),
        steps: steps.iter().map(phrase).collect(),
        state: report.standing.word().to_owned(),
        close_reason: report.standing.reason().unwrap_or_default().to_owned(),
    }
}

/// The answer to somebody who asked again.
pub(crate) fn urged(stored: &Stored, known: Option<&KnownOutage>) -> pb::Report {
    pb::Report {
        triage: "urge".to_owned(),
        known_outage: known.map(known_outage),
        ..self::report(stored)
    }
}

pub(crate) fn incident(incident: &Incident) -> pb::Incident {
    let told = changed(incident, &Reporters::new(), &[]);
    pb::Incident {
        incident_id: told.incident_id,
        number: told.number,
        state: told.state,
        device_id: told.device_id,
        device_kind: told.device_kind,
        confirmed: told.confirmed,
        confirmed_by: told.confirmed_by,
        affected_set_id: told.affected_set_id,
        affected_count: told.affected_count,
        report_count: told.report_count,
        accepted_at: told.accepted_at,
        area_class: told.area_class,
        danger: told.danger,
        life_support: told.life_support,
        important: told.important,
        urge_count: told.urge_count,
        position: told.position,
        org_path: incident.org_path.clone(),
        version: incident.version.unsigned_abs(),
        off_at: told.off_at,
        merged_into: told.merged_into,
        parent_id: told.parent_id,
    }
}

fn changed(incident: &Incident, reporters: &Reporters, supply: &[Position]) -> events::IncidentChanged {
    let device = incident.device.clone();
    let (device_id, device_kind) = device.map(|device| (device.id, device.kind)).unwrap_or_default();
    let affected = incident.affected.as_ref();
    events::IncidentChanged {
        incident_id: incident.id.to_string(),
        number: incident.number.clone(),
        state: incident.state.word().to_owned(),
        device_id,
        device_kind,
        confirmed: incident.confirmed.is_some(),
        confirmed_by: incident
            .confirmed
            .as_ref()
            .map(|by| by.by.word().to_owned())
            .unwrap_or_default(),
        affected_set_id: affected.map(|set| set.set_id.clone()).unwrap_or_default(),
        affected_count: affected.map_or(0, |set| set.count),
        switched_at: affected
            .and_then(|set| set.followed.as_ref())
            .map(|followed| timestamp(followed.at)),
        report_count: incident.report_count,
        accepted_at: Some(timestamp(incident.accepted_at)),
        off_at: Some(timestamp(incident.off_at)),
        area_class: area(incident.area).into(),
        danger: incident.danger,
        life_support: incident.life_support,
        important: incident.important,
        urge_count: incident.urge_count,
        position: incident.position.map(point),
        merged_into: match &incident.state {
            State::Merged(into) => into.to_string(),
            State::Open | State::Closed(_) => String::new(),
        },
        reporters: reporters.values().map(reporter).collect(),
        zone: incident.zone.clone(),
        parent_id: incident.parent.map(|id| id.to_string()).unwrap_or_default(),
        supply_points: supply.iter().copied().map(point).collect(),
        closed_because: match &incident.state {
            State::Closed(reason) => reason.clone(),
            State::Open | State::Merged(_) => String::new(),
        },
    }
}

fn reporter(reporter: &Reporter) -> events::Reporter {
    events::Reporter {
        report_id: reporter.report_id.to_string(),
        customer_id: reporter.customer_id.to_string(),
        accepted_at: Some(timestamp(reporter.accepted_at)),
    }
}

/// Tells `incident.changed` after commit; `supply`: of a child, where those who are still off are supplied.
pub(crate) fn tell_incident(
    work: &mut Work,
    incident: &Incident,
    reporters: &Reporters,
    supply: Option<&Vec<Position>>,
) {
    let subject = incident.id.uuid();
    work.tell(
        "incident.changed",
        subject,
        incident.version,
        &incident.org_path,
        &changed(incident, reporters, supply.map_or(&[], Vec::as_slice)),
    );
}

/// Tells `call.wanted` after commit: a person has to call this customer at once.
pub(crate) fn tell_call_wanted(work: &mut Work, report: &Report) {
    let text = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let payload = events::CallWanted {
        report_id: report.id.to_string(),
        customer_id: text(report.place.customer_id),
        incident_id: text(report.hint.map(|id| id.uuid())),
        at: Some(timestamp(report.received_at)),
    };
    let subject = relight_common::ids::derived(report.id.uuid(), "call");
    work.tell("call.wanted", subject, 1, &report.place.org_path, &payload);
}

/// Tells `call.wanted` of somebody who did not report.
pub(crate) fn tell_set_call_wanted(work: &mut Work, incident: IncidentId, person: &Person) {
    let payload = events::CallWanted {
        customer_id: person.customer.to_string(),
        incident_id: incident.to_string(),
        at: Some(timestamp(work.at())),
        ..events::CallWanted::default()
    };
    let subject = relight_common::ids::derived(incident.uuid(), &format!("call\n{}", person.customer));
    work.tell("call.wanted", subject, 1, &person.org_path, &payload);
}

/// What the own relay of a meter has to do with its being off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relay {
    /// Nothing, for all anybody knows.
    Unknown,
    /// It opened.
    Opened,
    /// It is open still, though what explained it is over.
    Lasting,
}

/// Tells `supply.off` after commit: a meter is off, or (`relay`) cut its customer, and nothing explains it yet.
pub(crate) fn tell_supply_off(
    work: &mut Work,
    (evidence, at): (Uuid, DateTime<Utc>),
    place: &Place,
    relay: Relay,
) {
    let text = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let payload = events::SupplyOff {
        signal_id: evidence.to_string(),
        customer_id: text(place.customer_id),
        service_point_id: text(place.service_point_id),
        off_at: Some(timestamp(at)),
        load_id: place.load_id.clone().unwrap_or_default(),
        relay_open: relay != Relay::Unknown,
        lasting: relay == Relay::Lasting,
    };
    work.tell("supply.off", evidence, 1, &place.org_path, &payload);
}

/// Version of a report's news when it was accepted.
pub(crate) const ACCEPTED: i64 = 1;
/// And when it was found late whose it is.
pub(crate) const PLACED: i64 = 2;

/// Tells `report.accepted` after commit.
pub(crate) fn tell_report(work: &mut Work, report: &Report, version: i64) {
    let payload = events::ReportAccepted {
        report_id: report.id.to_string(),
        number: report.number.clone(),
        customer_id: report
            .place
            .customer_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        service_point_id: report
            .place
            .service_point_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        accepted_at: Some(timestamp(report.accepted_at)),
        danger: report.danger,
        triage: report.triage.word().to_owned(),
        incident_id: report.hint.map(|id| id.to_string()).unwrap_or_default(),
    };
    work.tell(
        "report.accepted",
        report.id.uuid(),
        version,
        &report.place.org_path,
        &payload,
    );
}
