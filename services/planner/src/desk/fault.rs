//! Important customers whom a fault switched off (operations.md O23): once the place of the fault is confirmed each is told at
//! once, with the estimate, and asked to answer; silence climbs as that of any warning. Who is back is left alone.

use relight_common::Work;
use relight_policy::Pack;
use serde_json::json;
use uuid::Uuid;

use super::reliability::{Looked, Switched, begin, end, save};
use crate::{
    domain::{
        reliability::{About, End, Stand},
        window::Instant,
    },
    error::Error,
    store::{fault, reliability as table},
};

/// The confirmed place of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The incident.
    pub incident: Uuid,
    /// Everybody it switched off.
    pub set: Uuid,
    /// The device.
    pub device_id: String,
    /// Off since.
    pub since_at: Instant,
    /// When a switching made the set what it is: who is not in it any more is fed another way since then.
    pub switched_at: Option<Instant>,
    /// Org unit of the incident.
    pub org_path: String,
    /// IANA zone.
    pub zone: String,
    /// The important customers among them.
    pub important: Vec<Hit>,
}

/// An important customer without supply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Who.
    pub customer: Uuid,
    /// How many of their supplies are off.
    pub supplies: i32,
    /// How many others have supply.
    pub kept: i32,
    /// Streets of these, Chinese and English.
    pub area: [String; 2],
}

/// The place is confirmed, or another one than before, or the network was switched: who is not off by it is left alone, or is back; who is
/// new is told.
///
/// # Errors
/// [`Error::Common`].
pub async fn confirmed(work: &mut Work, pack: &Pack, found: &Fault) -> Result<(), Error> {
    let known = fault::known(work.conn(), found.incident).await?;
    if known.set == Some(found.set) {
        return Ok(());
    }
    fault::looked(work.conn(), found.incident, Some(found.set)).await?;
    let how = match found.switched_at {
        Some(at) => (End::Restored, at),
        None => (End::Gone, work.at()),
    };
    for one in table::of_incident(work.conn(), found.incident).await? {
        if found.important.iter().all(|hit| hit.customer != one.customer_id) {
            end(work, one, how, 0).await?;
        }
    }
    let mut important: Vec<&Hit> = found.important.iter().collect();
    important.sort_by_key(|hit| hit.customer);
    for hit in important {
        if !is_told(work, hit).await? {
            warn(work, pack, found, hit, known.etr_at).await?;
        }
    }
    Ok(())
}

/// Told once, whichever came first: who keeps a supply has heard of it by the warning that one is left, as by one of a fault. Who
/// keeps none was told of less than that by either, and hears it.
async fn is_told(work: &mut Work, hit: &Hit) -> Result<bool, Error> {
    table::alone(work.conn(), hit.customer).await?;
    let supply = table::open_of(work.conn(), hit.customer, About::Supply).await?;
    let fault = table::open_of(work.conn(), hit.customer, About::Fault).await?;
    if hit.kept > 0 {
        return Ok(supply.is_some() || fault.is_some());
    }
    let told_all = fault.as_ref().is_some_and(|one| one.supplied == 0);
    let of_less = [supply, fault.filter(|one| one.supplied > 0)];
    let at = work.at();
    for one in of_less.into_iter().flatten() {
        end(work, one, (End::Off, at), 0).await?;
    }
    Ok(told_all)
}

async fn warn(
    work: &mut Work,
    pack: &Pack,
    found: &Fault,
    hit: &Hit,
    etr_at: Option<Instant>,
) -> Result<(), Error> {
    let by = Switched {
        device_id: found.device_id.clone(),
        basis_kind: "incident".to_owned(),
        basis_id: Some(found.incident),
        at: found.since_at,
    };
    let at = Looked {
        customer: hit.customer,
        important: true,
        stand: Stand::Off,
        supplies: (hit.supplies.saturating_add(hit.kept), hit.kept),
        org_path: found.org_path.clone(),
        zone: found.zone.clone(),
        area: hit.area.clone(),
    };
    begin(work, pack, (About::Fault, etr_at), &by, &at).await
}

/// Supply is back, or there never was a fault; `customers`: of these only.
///
/// # Errors
/// [`Error::Common`].
pub async fn over(
    work: &mut Work,
    incident: Uuid,
    customers: Option<&[Uuid]>,
    (how, at): (End, Instant),
) -> Result<(), Error> {
    if customers.is_none() {
        fault::looked(work.conn(), incident, None).await?;
    }
    for one in table::of_incident(work.conn(), incident).await? {
        if customers.is_none_or(|all| all.contains(&one.customer_id)) {
            let back = if how == End::Restored { one.supplies } else { 0 };
            end(work, one, (how, at), back).await?;
        }
    }
    Ok(())
}

/// The incident is part of another one: the warnings go with it.
///
/// # Errors
/// [`Error::Common`].
pub async fn merged(work: &mut Work, incident: Uuid, into: Uuid) -> Result<(), Error> {
    for mut one in table::of_incident(work.conn(), incident).await? {
        one.basis_id = Some(into);
        save(work, &mut one).await?;
        work.audit("reliability.merged", one.id, json!({ "incident_id": into }));
    }
    Ok(())
}

/// There is an estimate, another one, or none any more. It is told as to everybody; a notice that is still to be written
/// has it.
///
/// # Errors
/// [`Error::Common`].
pub async fn estimated(work: &mut Work, incident: Uuid, etr_at: Option<Instant>) -> Result<(), Error> {
    fault::estimated(work.conn(), incident, etr_at).await?;
    for mut one in table::of_incident(work.conn(), incident).await? {
        one.etr_at = etr_at;
        save(work, &mut one).await?;
    }
    Ok(())
}
