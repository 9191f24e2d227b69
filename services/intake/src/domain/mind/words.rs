//! Why the engine believes what it says, in Chinese; the English words are the engine's own.

use relight_grid::{DeviceIx, DeviceKind, Grid, infer::Incident};

fn kind(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Line => "线路",
        DeviceKind::Switch => "开关",
        DeviceKind::Breaker => "断路器",
        DeviceKind::Recloser => "重合器",
        DeviceKind::Fuse => "熔断器",
        DeviceKind::Transformer => "变压器",
        DeviceKind::Reactor => "电抗器",
    }
}

/// The explanation for a dispatcher, with the network's own ids.
pub(super) fn chinese(grid: &Grid, incident: &Incident) -> String {
    let named = |device: DeviceIx| format!("{} {}", kind(grid.device_kind(device)), grid.device_id(device));
    let Some(device) = incident.device else {
        return format!(
            "用电点 {} 报修;没有单一设备能使其停电",
            grid.load_id(incident.key.load)
        );
    };
    let mut parts = vec![who(grid, incident, &named(device))];
    let heard = incident.heard;
    if heard.meters > 0 {
        parts.push(format!("{} 块电表证实", heard.meters));
    }
    if heard.trips > 0 {
        parts.push("遥测显示已分闸".to_owned());
    }
    if incident.overruled {
        parts.push("设备由调度员指定".to_owned());
    } else if let Some(next) = incident.candidates.iter().find(|one| one.device != device) {
        parts.push(format!(
            "其次可能是{}({:.0} %)",
            named(next.device),
            next.p * 100.0
        ));
    }
    if incident.restored_at_ms.is_some() {
        parts.push("电表已恢复供电".to_owned());
    } else if let Some(load) = incident.ask.filter(|_| incident.confidence < 0.9) {
        parts.push(format!("召测用电点 {} 的电表可以区分", grid.load_id(load)));
    }
    parts.join(";")
}

fn who(grid: &Grid, incident: &Incident, device: &str) -> String {
    let heard = incident.heard;
    if incident.premise {
        let load = incident.loads.first().map_or("", |load| grid.load_id(*load));
        return format!("{device} 下只有用电点 {load} 报修:客户内部故障、误报,或更大故障的第一个电话");
    }
    if heard.transformers_below > 1 {
        format!(
            "{device} 下 {} 台变压器中有 {} 台报修,{} 户中有 {} 户来电",
            heard.transformers_below, heard.transformers, incident.customers, heard.called
        )
    } else {
        format!(
            "{device} 下 {} 户中有 {} 户来电",
            incident.customers, heard.called
        )
    }
}
