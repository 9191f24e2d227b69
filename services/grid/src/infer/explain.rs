//! Why the engine believes what it says, in words for a dispatcher.

use super::engine::Engine;
use super::incident::Incident;
use crate::model::DeviceIx;

pub(super) fn text(engine: &Engine, incident: &Incident) -> String {
    let grid = engine.grid();
    let named = |device: DeviceIx| format!("{} {}", grid.device_kind(device), grid.device_id(device));
    let Some(device) = incident.device else {
        return format!(
            "load {} reports; no single device puts it out",
            grid.load_id(incident.key.load)
        );
    };
    let mut parts = vec![if incident.premise {
        let load = grid.load_id(incident.loads[0]);
        format!(
            "only load {load} below {} reports: its own trouble, a false report, or the first word of more",
            named(device)
        )
    } else {
        who(incident, &named(device))
    }];
    let heard = incident.heard;
    match heard.meters {
        0 => {}
        1 => parts.push("1 meter confirms".to_owned()),
        more => parts.push(format!("{more} meters confirm")),
    }
    if heard.trips > 0 {
        parts.push("telemetry reports it open".to_owned());
    }
    if incident.overruled {
        parts.push("a dispatcher named the device".to_owned());
    } else if let Some(next) = incident
        .candidates
        .iter()
        .find(|candidate| candidate.device != device)
    {
        parts.push(format!(
            "next likely is {} ({:.0} %)",
            named(next.device),
            next.p * 100.0
        ));
    }
    if incident.restored_at_ms.is_some() {
        parts.push("meters have supply again".to_owned());
    } else if let Some(load) = incident.ask.filter(|_| incident.confidence < 0.9) {
        parts.push(format!(
            "a ping of load {} would tell them apart",
            grid.load_id(load)
        ));
    }
    parts.join("; ")
}

fn who(incident: &Incident, device: &str) -> String {
    let heard = incident.heard;
    if heard.transformers_below > 1 {
        format!(
            "{} of {} transformers below {device} have reported, {} of {} customers have called",
            heard.transformers, heard.transformers_below, heard.called, incident.customers
        )
    } else {
        format!(
            "{} of {} customers below {device} have called",
            heard.called, incident.customers
        )
    }
}
