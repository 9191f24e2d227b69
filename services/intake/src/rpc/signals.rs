//! Signals of meters and telemetry. Stored as they come; the worker weighs them.

use std::collections::BTreeMap;

use relight_common::{Claims, Invalid, Role, Work, wire};
use relight_proto::intake::v1 as pb;

use crate::{
    desk::Desk,
    domain::signal::{self, BATCH_MAX},
    error::Error,
    peers::{Account, TRIAGE},
    store::{self, evidence::Signal},
    topology::Town,
};

/// Who may send signals.
pub(super) const SENDERS: [Role; 4] = [Role::Service, Role::Scada, Role::Admin, Role::Dispatcher];
const ID_MAX: usize = 120;

/// Stores the signals of a batch; what is wrong is named, the rest is taken.
pub(super) async fn take(
    desk: &Desk,
    claims: &Claims,
    batch: &pb::SignalBatch,
) -> Result<pb::SignalsReply, Error> {
    let now = desk.clock.now();
    let source = signal::source(&batch.source)?;
    if batch.signals.len() > BATCH_MAX {
        return Err(Invalid::new("signals", format!("must be at most {BATCH_MAX} in one call")).into());
    }
    let town = desk.atlas.town();
    let mut faults = Vec::new();
    // The same id twice in one batch is one signal.
    let mut good: BTreeMap<String, Signal> = BTreeMap::new();
    let mut doubled = 0;
    for told in &batch.signals {
        match read(desk, town.as_deref(), told, now).await {
            Ok(signal) => {
                let before = good.insert(signal.external_id.clone(), signal);
                doubled += u32::from(before.is_some());
            }
            Err(invalid) => faults.push(pb::SignalFault {
                external_id: told.external_id.chars().take(ID_MAX).collect(),
                field: invalid.field.to_string(),
                problem: invalid.must.to_string(),
            }),
        }
    }
    let signals: Vec<Signal> = good.into_values().collect();
    let taken = store_all(desk, claims, source, &signals).await?;
    desk.bell.notify_one();
    metrics::counter!("relight_signals_taken_total").increment(u64::from(taken));
    let sent = u32::try_from(signals.len()).unwrap_or(u32::MAX);
    Ok(pb::SignalsReply {
        taken,
        repeated: sent - taken + doubled,
        faults,
    })
}

async fn store_all(desk: &Desk, claims: &Claims, source: &str, signals: &[Signal]) -> Result<u32, Error> {
    let now = desk.clock.now();
    let mut work = Work::internal(&desk.db, claims.request_id.to_string(), now).await?;
    let taken = store::evidence::insert(work.conn(), source, signals, now).await?;
    let of_credit = store::credit::keep(work.conn(), signals).await?;
    work.done().await?;
    if of_credit {
        desk.credit.forget();
    }
    Ok(u32::try_from(taken).unwrap_or(u32::MAX))
}

async fn read(
    desk: &Desk,
    town: Option<&Town>,
    told: &pb::Signal,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Signal, Invalid> {
    let external_id = wire::text_required("external_id", &told.external_id, ID_MAX)?;
    let heard = signal::kind(&told.kind)?;
    let at = signal::time(wire::instant("at", told.at)?, now)?;
    let (load, device) = if heard.is_telemetry() {
        (None, Some(device(town, told)?))
    } else {
        (Some(load(desk, town, told).await?), None)
    };
    Ok(Signal {
        external_id,
        heard,
        load,
        device,
        at,
        incident: None,
    })
}

fn device(town: Option<&Town>, told: &pb::Signal) -> Result<String, Invalid> {
    let id = wire::text_required("device_id", &told.device_id, ID_MAX)?;
    let Some(town) = town else { return Ok(id) };
    let grid = town.grid();
    let known = grid.device(&id).map(|device| grid.device_id(device).to_owned());
    known.ok_or_else(|| Invalid::new("device_id", "is not in the present network"))
}

/// The load of a meter: as in the grid file, or of an account.
async fn load(desk: &Desk, town: Option<&Town>, told: &pb::Signal) -> Result<String, Invalid> {
    let id = wire::text("load_id", &told.load_id, ID_MAX)?;
    if !id.is_empty() {
        let Some(town) = town else { return Ok(id) };
        let grid = town.grid();
        let known = grid.load(&id).map(|load| grid.load_id(load).to_owned());
        return known.ok_or_else(|| Invalid::new("load_id", "is not a meter of the present network"));
    }
    let account = wire::text_required("account", &told.account, ID_MAX)
        .map_err(|_| Invalid::new("load_id", "must be given, or account"))?;
    match desk.peers.account(&account, TRIAGE).await {
        Account::Known(point) if !point.load_id.is_empty() => Ok(point.load_id.clone()),
        Account::Known(_) | Account::Unknown => Err(Invalid::new("account", "has no meter here")),
        Account::NoAnswer => Err(Invalid::new(
            "account",
            "could not be looked up now; send this signal again",
        )),
    }
}
