//! Events as clients see them: what happened and to what, no personal data.

use prost::Message;
use relight_common::edge::at;
use relight_proto::events::v1::{
    ArrearsAlarm, CallWanted, CrewChanged, DangerTask, EtrChanged, Event, IncidentChanged, InterruptionStep,
    LedgerException, OutageAlarm, ReportAccepted, WorkOrderAlarm, WorkOrderStep,
};
use serde_json::{Value, json};

use super::hub::Item;

/// The event for the ring; of a type clients are not shown, without JSON.
pub(super) fn item_of(slot: usize, event: Event) -> Item {
    let json = data(&event).map(|data| {
        json!({
            "type": event.r#type, "subject": event.subject, "version": event.version,
            "org_path": event.org_path, "time": at(event.time), "data": data,
        })
        .to_string()
    });
    Item {
        slot,
        seq: event.seq,
        kind: event.r#type,
        org_path: event.org_path,
        json: json.unwrap_or_default(),
    }
}

fn data(event: &Event) -> Option<Value> {
    let bytes = event.data.as_slice();
    match event.r#type.as_str() {
        "report.accepted" => ReportAccepted::decode(bytes).ok().map(report),
        "incident.changed" => IncidentChanged::decode(bytes).ok().map(incident),
        "workorder.step" => WorkOrderStep::decode(bytes).ok().map(step),
        "workorder.alarm" => WorkOrderAlarm::decode(bytes).ok().map(alarm),
        "etr.changed" => EtrChanged::decode(bytes).ok().map(etr),
        "crew.changed" => CrewChanged::decode(bytes).ok().map(crew),
        "interruption.step" => InterruptionStep::decode(bytes).ok().map(interruption),
        "outage.alarm" => OutageAlarm::decode(bytes).ok().map(outage_alarm),
        "arrears.alarm" => ArrearsAlarm::decode(bytes).ok().map(arrears_alarm),
        "ledger.exception" => LedgerException::decode(bytes).ok().map(exception),
        "call.wanted" => CallWanted::decode(bytes).ok().map(call),
        "danger.task" => DangerTask::decode(bytes).ok().map(danger),
        _ => None,
    }
}

fn report(report: ReportAccepted) -> Value {
    json!({
        "report_id": report.report_id, "number": report.number, "accepted_at": at(report.accepted_at),
        "danger": report.danger, "triage": report.triage, "incident_id": report.incident_id,
    })
}

fn incident(incident: IncidentChanged) -> Value {
    json!({
        "incident_id": incident.incident_id, "number": incident.number, "state": incident.state,
        "device_id": incident.device_id, "confirmed": incident.confirmed,
        "affected_count": incident.affected_count, "report_count": incident.report_count,
        "danger": incident.danger, "life_support": incident.life_support, "important": incident.important,
        "urge_count": incident.urge_count, "merged_into": incident.merged_into,
        "position": incident.position.map(|p| json!({"lon": p.lon, "lat": p.lat})),
    })
}

fn step(step: WorkOrderStep) -> Value {
    json!({
        "order_id": step.order_id, "number": step.number, "incident_id": step.incident_id, "step": step.step,
        "kind": step.kind, "subject_id": step.subject_id,
        "at": at(step.at), "unit_id": step.unit_id, "crew_id": step.crew_id, "crew_name": step.crew_name,
        "eta_at": at(step.eta_at), "cause_code": step.cause_code, "all": step.all,
    })
}

fn alarm(alarm: WorkOrderAlarm) -> Value {
    json!({
        "order_id": alarm.order_id, "incident_id": alarm.incident_id, "clock": alarm.clock,
        "level": alarm.level, "due_at": at(alarm.due_at), "acknowledged_by": alarm.acknowledged_by,
    })
}

fn etr(etr: EtrChanged) -> Value {
    json!({
        "order_id": etr.order_id, "incident_id": etr.incident_id, "etr_at": at(etr.etr_at),
        "previous_at": at(etr.previous_at), "cause_code": etr.cause_code, "withdrawn": etr.withdrawn,
    })
}

fn crew(crew: CrewChanged) -> Value {
    json!({
        "crew_id": crew.crew_id, "name": crew.name, "unit_id": crew.unit_id, "on_shift": crew.on_shift,
        "active_order_id": crew.active_order_id,
    })
}

fn interruption(step: InterruptionStep) -> Value {
    json!({
        "step_id": step.step_id, "incident_id": step.incident_id, "kind": step.kind, "at": at(step.at),
        "customers": step.customers,
    })
}

/// Without the reason: its words name customers by id.
fn outage_alarm(alarm: OutageAlarm) -> Value {
    json!({
        "outage_id": alarm.outage_id, "number": alarm.number, "what": alarm.what, "off_at": at(alarm.off_at),
    })
}

/// Which case, and nothing of the debt.
fn arrears_alarm(alarm: ArrearsAlarm) -> Value {
    json!({
        "case_id": alarm.case_id, "number": alarm.number, "level": alarm.level, "due_at": at(alarm.due_at),
    })
}

/// Without the meter: where one stands says whose it is.
fn exception(exception: LedgerException) -> Value {
    json!({
        "exception_id": exception.exception_id, "kind": exception.kind, "device_id": exception.device_id,
        "off_at": at(exception.off_at), "customers": exception.customers, "state": exception.state,
    })
}

/// Without whom: the list says it to those who call.
fn call(call: CallWanted) -> Value {
    json!({ "report_id": call.report_id, "incident_id": call.incident_id, "at": at(call.at) })
}

fn danger(task: DangerTask) -> Value {
    json!({
        "report_id": task.report_id, "kind": task.kind, "state": task.state, "device_id": task.device_id,
        "at": at(task.at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, data: Vec<u8>) -> Event {
        Event {
            r#type: kind.to_owned(),
            seq: 5,
            org_path: "demo".to_owned(),
            data,
            ..Event::default()
        }
    }

    #[test]
    fn a_report_is_shown_without_the_customer() {
        let report = ReportAccepted {
            number: "F-1".to_owned(),
            customer_id: "the-customer".to_owned(),
            service_point_id: "the-point".to_owned(),
            ..ReportAccepted::default()
        };
        let item = item_of(3, event("report.accepted", report.encode_to_vec()));
        assert!(item.json.contains("F-1"));
        assert!(!item.json.contains("the-customer") && !item.json.contains("the-point"));
        assert_eq!((item.slot, item.seq), (3, 5));
    }

    #[test]
    fn an_alarm_of_an_outage_is_shown_without_whom_it_is_about() {
        let alarm = OutageAlarm {
            number: "P-20261127-0001".to_owned(),
            what: "late_joiner".to_owned(),
            because: "customer the-customer moved in: call them".to_owned(),
            because_zh: "客户the-customer新入住".to_owned(),
            ..OutageAlarm::default()
        };
        let item = item_of(13, event("outage.alarm", alarm.encode_to_vec()));
        assert!(item.json.contains("late_joiner") && item.json.contains("P-20261127-0001"));
        assert!(!item.json.contains("the-customer"), "{}", item.json);
    }

    #[test]
    fn an_alarm_of_arrears_names_its_case() {
        let alarm = ArrearsAlarm {
            number: "A-20261127-0001".to_owned(),
            level: "unknown_meter".to_owned(),
            ..ArrearsAlarm::default()
        };
        let item = item_of(17, event("arrears.alarm", alarm.encode_to_vec()));
        assert!(item.json.contains("A-20261127-0001") && item.json.contains("unknown_meter"));
        assert_eq!(item_of(17, event("arrears.changed", vec![])).json, "");
    }

    #[test]
    fn who_is_off_without_a_reason_and_who_is_to_be_called_is_shown_without_names() {
        let exception = LedgerException {
            kind: "relay".to_owned(),
            place: "the-meter".to_owned(),
            ..LedgerException::default()
        };
        let item = item_of(9, event("ledger.exception", exception.encode_to_vec()));
        assert!(
            item.json.contains("relay") && !item.json.contains("the-meter"),
            "{}",
            item.json
        );
        let call = CallWanted {
            report_id: "the-report".to_owned(),
            customer_id: "the-customer".to_owned(),
            ..CallWanted::default()
        };
        let item = item_of(0, event("call.wanted", call.encode_to_vec()));
        assert!(
            item.json.contains("the-report") && !item.json.contains("the-customer"),
            "{}",
            item.json
        );
    }

    #[test]
    fn an_unknown_or_broken_event_moves_the_position_and_is_not_shown() {
        for event in [
            event("comet.seen", vec![]),
            event("incident.changed", vec![0xff]),
            event("customer.changed", vec![]),
            event("customers.changed", vec![]),
        ] {
            assert_eq!(item_of(0, event).json, "");
        }
    }
}
