//! Making a guess a fact: somebody who can know names the device, and who is off is taken down as a stored set.

use relight_common::{Begun, Claims, Code, Invalid, Role, Work, command::Meta, wire};
use relight_proto::{intake::v1 as pb, registry::v1::AffectedSet};
use tonic::Status;

use crate::{
    desk::Desk,
    domain::{
        IncidentId,
        group::Topology,
        incident::{Affected, Confirmer, Device, Event},
        place::Position,
    },
    error::Error,
    news,
    rpc::read::reaches,
    store, worker,
};

const DEVICE_MAX: usize = 200;

/// Dispatchers, and dispatch itself for what a crew found.
pub(super) fn may(claims: &Claims) -> Result<(), Status> {
    if claims.is_service("dispatch") {
        Ok(())
    } else {
        claims.need(&[Role::Dispatcher])
    }
}

/// Confirms or corrects the device of an open incident.
pub(super) async fn confirm(
    desk: &Desk,
    claims: &Claims,
    message: &pb::ConfirmDeviceRequest,
) -> Result<pb::Incident, Error> {
    let now = desk.clock.now();
    let id = IncidentId::parse(&message.incident_id)?;
    let named = wire::text_required("device_id", &message.device_id, DEVICE_MAX)?;
    let by = Confirmer::parse(&message.confirmed_by)
        .ok_or_else(|| Invalid::new("confirmed_by", "must be dispatcher, crew or meter"))?;
    let meta = Meta::new(&message.command_id, claims, message, now)?;
    check_visible(desk, claims, id).await?;
    let set = affected_set(desk, &named).await?;
    let mut work = match Work::begin::<pb::Incident>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let event = event(desk, named, by, set);
    let incident = worker::apply(&mut work, id, event)
        .await?
        .ok_or(Error::NoIncident)?;
    let device = incident.device.as_ref().map(|device| device.id.clone());
    work.audit(
        "incident.confirmed",
        incident.id,
        serde_json::json!({ "device": device, "by": by.word(), "version": incident.version }),
    );
    let reply = work.commit(news::incident(&incident)).await?;
    // Guesses below the confirmed device become part of it.
    desk.bell.notify_one();
    Ok(reply)
}

async fn check_visible(desk: &Desk, claims: &Claims, id: IncidentId) -> Result<(), Error> {
    let mut conn = desk
        .db
        .pool()
        .acquire()
        .await
        .map_err(Error::db("take a connection"))?;
    let incident = store::incident::by_id(&mut conn, id).await?;
    let roles = [Role::Dispatcher, Role::Service];
    incident
        .filter(|incident| reaches(claims, &roles, &incident.org_path))
        .map(drop)
        .ok_or(Error::NoIncident)
}

/// Before the transaction: the same device gives the same set, so a repeat is safe.
pub(crate) async fn affected_set(desk: &Desk, device: &str) -> Result<AffectedSet, Error> {
    desk.peers
        .affected_set(device)
        .await
        .map_err(|status| match status.code() {
            Code::NotFound | Code::InvalidArgument => {
                Invalid::new("device_id", "must be the id of a device of the current network").into()
            }
            _ => relight_common::Error::peer("the registry for the affected set")(status).into(),
        })
}

/// The event that confirms `named`.
pub(crate) fn event(desk: &Desk, named: String, by: Confirmer, set: AffectedSet) -> Event {
    let town = desk.atlas.town();
    let kind = town.as_ref().map_or("", |town| town.kind(&named)).to_owned();
    // The registry's spelling of the device, so that grouping finds it.
    let id = match set.device_ids.as_slice() {
        [only] => only.clone(),
        _ => named,
    };
    Event::Confirm {
        position: town
            .and_then(|town| town.position(&id))
            .or(set.position.map(|point| Position {
                lon: point.lon,
                lat: point.lat,
            })),
        device: Device { id, kind },
        by,
        affected: Affected {
            set_id: set.set_id,
            count: set.count,
            followed: None,
        },
        important: set.important > 0,
        life_support: set.life_support > 0,
    }
}
