//! What arrears tells: a last warning opens an order to cut, a payment withdraws it at once, a reconnection opens one.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use relight_common::{
    Db, Invalid, Work,
    grpc::{Outgoing, Peers},
    reader::{Consumer, Outcome, apply_one},
    telemetry, wire,
};
use relight_policy::{AreaClass, Pack};
use relight_proto::{
    events::v1::{ArrearsChanged, Event},
    registry::v1::{GetServicePointRequest, get_service_point_request::By, registry_client::RegistryClient},
};

use super::area;
use crate::{
    desk,
    domain::{
        ids::SubjectId,
        place::Place,
        subject::{Subject, What},
    },
    error::Error,
    store::{db, subject},
};

/// Applies the events of arrears.
#[derive(Debug, Clone)]
pub struct FromArrears {
    pack: Pack,
    db: Db,
    registry: RegistryClient<Outgoing>,
}

impl FromArrears {
    /// Offers get their limits from `pack`; where the meter is, is asked of the registry.
    pub fn new(pack: Pack, db: Db, peers: &Peers) -> Self {
        Self {
            pack,
            db,
            registry: RegistryClient::new(peers.to("registry")),
        }
    }

    /// Where the supply point is: asked once per case, and only for an order to be opened. Stopping a crew waits for
    /// nobody.
    async fn locate(&self, told: &Subject, service_point: &str) -> Result<Option<(Place, AreaClass)>, Error> {
        if told.wants(chrono::DateTime::UNIX_EPOCH).is_none() {
            return Ok(None);
        }
        let mut conn = self.db.pool().acquire().await.map_err(db("get a connection"))?;
        if subject::has_place(&mut conn, told.id).await? {
            return Ok(None);
        }
        drop(conn);
        let request = GetServicePointRequest {
            by: Some(By::ServicePointId(service_point.to_owned())),
        };
        let reply = self.registry.clone().get_service_point(request).await;
        let point = match reply {
            Ok(point) => point.into_inner(),
            // Without a place the crew shows by a reason and a photo where it arrived.
            Err(status) if status.code() == tonic::Code::NotFound => return Ok(None),
            Err(status) => return Err(relight_common::Error::peer("the registry")(status).into()),
        };
        let area = area(point.area_class());
        let place = point.position.map(|at| wire::point("position", at)).transpose()?;
        Ok(place.map(|(lon, lat)| (Place { lon, lat }, area)))
    }
}

impl Consumer for FromArrears {
    type Prepared = Option<Subject>;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Option<Subject>, Error> {
        if event.r#type != "arrears.changed" {
            return Ok(None);
        }
        let told = ArrearsChanged::decode(event.data.as_slice())
            .map_err(|error| relight_common::Error::Decode("an event's payload", error))?;
        let service_point = told.service_point_id.clone();
        let mut told = read(event, told)?;
        if let Some((place, area)) = self.locate(&told, &service_point).await? {
            (told.place, told.area) = (Some(place), area);
        }
        Ok(Some(told))
    }

    async fn apply(&self, work: &mut Work, event: &Event, told: Option<Subject>) -> Result<Outcome, Error> {
        match (event.r#type.as_str(), told) {
            (_, Some(told)) => {
                desk::take_subject(work, &self.pack, &told).await?;
                Ok(Outcome::Applied)
            }
            ("arrears.notice" | "arrears.alarm", None) => Ok(Outcome::Applied),
            _ => Ok(Outcome::Unknown),
        }
    }

    /// Nobody is sent to most cases: all are stored together, and only those with an order, or that want one, are looked at. A
    /// thousand payments must not keep a crew waiting that has to be stopped.
    async fn apply_all(&self, work: &mut Work, events: Vec<(&Event, Option<Subject>)>) -> Result<(), Error> {
        let (mut gathered, mut ids) = (Vec::with_capacity(events.len()), BTreeSet::new());
        for (event, told) in events {
            let Some(told) = told else {
                apply_one(self, work, event, None).await?;
                continue;
            };
            if !ids.insert(told.id) {
                self.take(work, std::mem::take(&mut gathered)).await?;
                ids = BTreeSet::from([told.id]);
            }
            gathered.push((event, told));
        }
        self.take(work, gathered).await
    }
}

impl FromArrears {
    /// Takes what is told of different cases.
    async fn take(&self, work: &mut Work, told: Vec<(&Event, Subject)>) -> Result<(), Error> {
        if told.is_empty() {
            return Ok(());
        }
        let subjects: Vec<&Subject> = told.iter().map(|(_, told)| told).collect();
        let new = subject::put_all(work.conn(), &subjects).await?;
        let ordered = subject::with_orders(work.conn(), &new).await?;
        let now = work.at();
        let concerned = |told: &Subject| {
            new.contains(&told.id) && (ordered.contains(&told.id) || told.wants(now).is_some())
        };
        let by_id: BTreeMap<SubjectId, &Event> = told
            .iter()
            .filter(|(_, told)| concerned(told))
            .map(|(event, told)| (told.id, *event))
            .collect();
        let ids: Vec<SubjectId> = by_id.keys().copied().collect();
        desk::settle_subjects(work, &self.pack, &ids, |work, id| {
            let event = by_id[&id];
            work.set_cause(event.id.clone());
            telemetry::consume_span(event)
        })
        .await
    }
}

fn read(event: &Event, told: ArrearsChanged) -> Result<Subject, Invalid> {
    Ok(Subject {
        id: SubjectId::parse(&told.case_id)?,
        what: What::Case,
        version: super::version(event)?,
        stopped: told.stop_crew,
        org_path: event.org_path.clone(),
        plan_no: 0,
        off_at: wire::instant_opt("stop_at", told.stop_at)?,
        on_at: None,
        reconnect_by: wire::instant_opt("reconnect_by", told.reconnect_by)?,
        began_at: wire::instant_opt("off_at", told.off_at)?,
        ended_at: wire::instant_opt("on_at", told.on_at)?,
        line: String::new(),
        device_id: String::new(),
        affected_set_id: String::new(),
        affected_count: 1,
        place: None,
        area: AreaClass::Urban,
        number: told.number,
        state: told.state,
        zone: told.zone,
    })
}
