//! What others are told, in the contract's words.

use chrono::{DateTime, Utc};
use relight_common::{Work, wire::timestamp};
use relight_proto::events::v1::{CrewChanged, EtrChanged, WorkOrderAlarm, WorkOrderStep};
use uuid::Uuid;

use crate::{
    domain::{
        clock::{Level, Name},
        ids::OrderId,
        order::{CallBackResult, Course, Event, Section, State},
    },
    store::{crew::Told, order::Order},
};

/// Empty for an order that is no fault.
fn incident_of(order: &Order) -> String {
    order.incident.map(|id| id.to_string()).unwrap_or_default()
}

/// `workorder.step`; the order's state and version are already the new ones.
pub(super) fn step(
    work: &mut Work,
    order: &Order,
    word: &str,
    event: Option<&Event>,
    at: DateTime<Utc>,
    crew: (Option<Uuid>, &str),
) {
    let mut told = WorkOrderStep {
        order_id: order.id.to_string(),
        number: order.number.clone(),
        incident_id: incident_of(order),
        incident_version: order.incident_version.unsigned_abs(),
        step: word.to_owned(),
        at: Some(timestamp(at)),
        unit_id: order
            .state
            .unit()
            .map(|unit| unit.to_string())
            .unwrap_or_default(),
        crew_id: crew.0.map(|crew| crew.to_string()).unwrap_or_default(),
        crew_name: crew.1.to_owned(),
        cause_code: order.cause_code.clone(),
        kind: order.kind.word().to_owned(),
        subject_id: order
            .about
            .as_ref()
            .map(|about| about.subject.to_string())
            .unwrap_or_default(),
        ..WorkOrderStep::default()
    };
    match (&order.state, event) {
        (State::EnRoute { eta_at, .. }, _) => told.eta_at = eta_at.map(timestamp),
        (_, Some(Event::Restore(Section::Part { set_id, .. }))) => told.restored_set_id.clone_from(set_id),
        (_, Some(Event::Restore(Section::All { .. }) | Event::Subject(Course::Back))) => told.all = true,
        (_, Some(Event::CallBack { result })) => {
            told.call_back_result = CallBackResult::word(*result).to_owned()
        }
        _ => {}
    }
    work.tell(
        "workorder.step",
        order.id.uuid(),
        order.version,
        &order.org_path,
        &told,
    );
}

/// `etr.changed`
pub(super) fn etr(work: &mut Work, order: &Order, previous_at: Option<DateTime<Utc>>) {
    let told = EtrChanged {
        order_id: order.id.to_string(),
        incident_id: incident_of(order),
        incident_version: order.incident_version.unsigned_abs(),
        etr_at: order.etr.map(|etr| timestamp(etr.at)),
        previous_at: previous_at.map(timestamp),
        cause_code: order.cause_code.clone(),
        withdrawn: order.etr.is_none(),
    };
    work.tell(
        "etr.changed",
        order.id.uuid(),
        order.version,
        &order.org_path,
        &told,
    );
}

/// An alarm as it is told.
pub(super) struct Alarm<'a> {
    pub(super) clock: Name,
    pub(super) level: Level,
    pub(super) due_at: DateTime<Utc>,
    pub(super) escalation: i16,
    pub(super) acknowledged_by: Option<&'a str>,
}

/// `workorder.alarm`
pub(super) fn alarm(work: &mut Work, order: &Order, alarm: &Alarm<'_>) {
    let told = WorkOrderAlarm {
        order_id: order.id.to_string(),
        incident_id: incident_of(order),
        level: alarm.level.word().to_owned(),
        due_at: Some(timestamp(alarm.due_at)),
        acknowledged_by: alarm.acknowledged_by.unwrap_or_default().to_owned(),
        clock: alarm.clock.word().to_owned(),
        escalation: u32::from(alarm.escalation.unsigned_abs()),
    };
    work.tell(
        "workorder.alarm",
        order.id.uuid(),
        order.version,
        &order.org_path,
        &told,
    );
}

/// `crew.changed`
pub(super) fn crew(work: &mut Work, id: Uuid, told: &Told, on_shift: bool, active: Option<OrderId>) {
    let data = CrewChanged {
        crew_id: id.to_string(),
        name: told.name.clone(),
        unit_id: told.unit_id.to_string(),
        on_shift,
        active_order_id: active.map(|order| order.to_string()).unwrap_or_default(),
    };
    work.tell("crew.changed", id, told.version, &told.org_path, &data);
}
