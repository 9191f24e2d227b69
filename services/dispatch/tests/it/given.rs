//! A room of its own per test: two units, four crews on shift, a clock that stands still until it is moved.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{
    Claims, Clock, Db, Grant, Role, Work, ids::derived_from_name, secrets::Secrets, timer, wire::timestamp,
};
use relight_dispatch::{
    MIGRATIONS, NAME,
    desk::{self, crews},
    domain::{
        crew::Fix,
        ids::{CrewId, IncidentId, OrderId, UnitId},
        place::Place,
    },
    live::Live,
    rpc::Api,
    store::{
        crew::{Crew, Member},
        incident::{Incident, Standing},
        unit::Unit,
    },
    timers::Timers,
};
use relight_policy::{AreaClass, Pack};
use relight_proto::{
    common::v1::{DeviceTime, Point},
    dispatch::v1::{
        ApplyRequest, Order, OrderEvent, dispatch_server::Dispatch, order_event as w, order_event::Event,
    },
};
use relight_testkit::TestDb;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::stand_in::StandIn;

pub const CITY: &str = "demo/city";
pub const WORK: Place = Place {
    lon: 120.15,
    lat: 30.28,
};

pub struct House {
    pub db: TestDb,
    pub api: Api,
    pub clock: Clock,
    pub pack: Pack,
    pub live: Arc<Live>,
    pub others: StandIn,
    pub secrets: Secrets,
}

pub fn t0() -> DateTime<Utc> {
    "2026-03-01T02:00:00Z".parse().expect("an instant")
}

pub fn minutes(n: i64) -> TimeDelta {
    TimeDelta::minutes(n)
}

pub fn seconds(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

fn id(name: &str) -> Uuid {
    derived_from_name(name)
}

pub fn unit(n: u8) -> UnitId {
    UnitId::from_uuid(id(&format!("unit {n}")))
}

/// Crews 1 and 2 belong to unit 1, 3 and 4 to unit 2.
pub fn crew(n: u8) -> CrewId {
    CrewId::from_uuid(id(&format!("crew {n}")))
}

pub fn incident(n: u8) -> IncidentId {
    IncidentId::from_uuid(id(&format!("incident {n}")))
}

pub fn order(n: u8) -> OrderId {
    OrderId::of_incident(incident(n))
}

fn with(role: Role) -> Claims {
    Claims::of(
        format!("{}-1", role.word()),
        vec![Grant {
            role,
            org_path: CITY.to_owned(),
        }],
    )
}

pub fn dispatcher() -> Claims {
    with(Role::Dispatcher)
}

pub fn agent() -> Claims {
    with(Role::Agent)
}

pub fn admin() -> Claims {
    with(Role::Admin)
}

pub fn desk_of(n: u8) -> Claims {
    Claims {
        unit_id: Some(unit(n).uuid()),
        ..with(Role::UnitDesk)
    }
}

pub fn phone_of(n: u8) -> Claims {
    Claims {
        actor: format!("leader {n}"),
        crew_id: Some(crew(n).uuid()),
        ..with(Role::Crew)
    }
}

/// A request of this caller.
pub fn from<T>(claims: Claims, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(claims);
    request
}

pub async fn house() -> anyhow::Result<House> {
    let db = relight_testkit::database(NAME, &MIGRATIONS).await?;
    let (clock, secrets, others) = (Clock::held(t0()), Secrets::ephemeral(), StandIn::default());
    let (pack, live) = (Pack::load("CN-SGCC")?, Arc::new(Live::new(Db::clone(&db))));
    let peers = others.serve(&secrets).await?;
    let api = Api::new(&db, &peers, &secrets, clock.clone(), pack.clone(), live.clone());
    let house = House {
        db,
        api,
        clock,
        pack,
        live,
        others,
        secrets,
    };
    house.staff().await?;
    Ok(house)
}

pub fn a_crew(n: u8) -> Crew {
    let until = t0() + TimeDelta::days(200);
    let skills = ["fault_repair", "switching"].map(str::to_owned);
    let member = |name: String, leader| Member {
        person_id: name.clone(),
        name,
        leader,
        qualifications: skills.iter().map(|skill| (skill.clone(), until)).collect(),
    };
    Crew {
        id: crew(n),
        name: format!("Crew {n}"),
        unit: unit(n.div_ceil(2)),
        org_path: format!("{CITY}/station{}", n.div_ceil(2)),
        skills: skills.to_vec(),
        members: vec![
            member(format!("leader {n}"), true),
            member(format!("second {n}"), false),
        ],
        shift: Some((t0() - minutes(60), t0() + minutes(10 * 60))),
        phone: format!("9559800{n}"),
    }
}

pub fn an_incident(n: u8) -> Incident {
    Incident {
        id: incident(n),
        number: format!("I-20260301-000{n}"),
        version: 1,
        standing: Standing::Open,
        org_path: format!("{CITY}/station1"),
        accepted_at: t0() - minutes(1),
        area: AreaClass::Urban,
        device_id: "F12".to_owned(),
        device_kind: "fuse".to_owned(),
        confirmed: false,
        affected_set_id: "set-all".to_owned(),
        affected_count: 40,
        danger: false,
        life_support: false,
        important: false,
        urge_count: 0,
        place: Some(WORK),
        supply: Vec::new(),
        zone: "Asia/Shanghai".to_owned(),
    }
}

impl House {
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn staff(&self) -> anyhow::Result<()> {
        let mut work = Work::internal(&self.db, "staff", self.now()).await?;
        for n in 1..=2 {
            let unit = Unit {
                id: unit(n),
                name: format!("Unit {n}"),
                org_path: format!("{CITY}/station{n}"),
                area_org_paths: vec![],
            };
            crews::put_unit(&mut work, &unit).await?;
        }
        for n in 1..=4 {
            crews::put_crew(&mut work, &a_crew(n)).await?;
        }
        Ok(work.done().await?)
    }

    pub async fn put(&self, crew: &Crew) -> anyhow::Result<()> {
        let mut work = Work::internal(&self.db, "put", self.now()).await?;
        crews::put_crew(&mut work, crew).await?;
        work.done().await?;
        self.live.changed();
        Ok(())
    }

    /// Intake tells of an incident.
    pub async fn told(&self, incident: &Incident) -> anyhow::Result<()> {
        let mut work = Work::internal(&self.db, "incident.changed", self.now()).await?;
        desk::take(&mut work, &self.pack, incident).await?;
        Ok(work.done().await?)
    }

    /// An open order for incident `n`.
    pub async fn opened(&self, n: u8) -> anyhow::Result<OrderId> {
        self.told(&an_incident(n)).await?;
        Ok(order(n))
    }

    /// Time passes; timers due by then fire at the new time.
    pub async fn later(&self, by: TimeDelta) -> anyhow::Result<usize> {
        self.clock.advance(by);
        self.fire().await
    }

    pub async fn fire(&self) -> anyhow::Result<usize> {
        Ok(timer::fire_due(&self.db, self.now(), &Timers::new(self.pack.clone())).await?)
    }

    pub fn stand(&self, n: u8, metres_north: f64) {
        let place = Place {
            lat: WORK.lat + metres_north / 111_195.0,
            ..WORK
        };
        self.live.put_fixes([(
            crew(n),
            Fix {
                place,
                at: self.now(),
                heading_deg: 90.0,
            },
        )]);
    }

    pub async fn send(&self, claims: Claims, request: ApplyRequest) -> Result<Order, Status> {
        self.api
            .apply(from(claims, request))
            .await
            .map(tonic::Response::into_inner)
    }

    pub async fn act(&self, claims: Claims, order: OrderId, event: Event) -> Result<Order, Status> {
        self.send(claims, request(order, event)).await
    }

    /// The order of incident 1 brought as far as `state` by crew 1, one minute per step.
    pub async fn brought_to(&self, state: &str) -> anyhow::Result<OrderId> {
        let order = self.opened(1).await?;
        for (claims, event) in the_way(self.now()) {
            let now = self.view(order).await?;
            if now.state == state {
                return Ok(order);
            }
            self.clock.advance(minutes(1));
            self.act(claims, order, event).await?;
        }
        anyhow::ensure!(self.view(order).await?.state == state, "no way leads to {state}");
        Ok(order)
    }

    pub async fn view(&self, order: OrderId) -> Result<Order, Status> {
        let by = Some(relight_proto::dispatch::v1::get_order_request::By::OrderId(
            order.to_string(),
        ));
        let request = relight_proto::dispatch::v1::GetOrderRequest { by };
        self.api
            .get_order(from(dispatcher(), request))
            .await
            .map(tonic::Response::into_inner)
    }
}

/// A new command.
pub fn request(order: OrderId, event: Event) -> ApplyRequest {
    ApplyRequest {
        command_id: Uuid::now_v7().to_string(),
        order_id: order.to_string(),
        event: Some(OrderEvent { event: Some(event) }),
        device_time: None,
        on_behalf: false,
    }
}

pub fn device_time(at: DateTime<Utc>, offset: TimeDelta, received_at: DateTime<Utc>) -> DeviceTime {
    DeviceTime {
        device_at: Some(timestamp(at)),
        offset_ms: offset.num_milliseconds(),
        received_at: Some(timestamp(received_at)),
    }
}

pub fn dispatch(n: u8) -> Event {
    Event::Dispatch(w::Dispatch {
        unit_id: unit(n).to_string(),
    })
}
pub fn unit_take() -> Event {
    Event::UnitTake(w::UnitTake {})
}
pub fn unit_return() -> Event {
    Event::UnitReturn(w::UnitReturn {
        reason: "overload".to_owned(),
    })
}
pub fn assign(n: u8) -> Event {
    Event::Assign(w::Assign {
        crew_id: crew(n).to_string(),
    })
}
pub fn reassign(n: u8) -> Event {
    Event::Reassign(w::Reassign {
        crew_id: crew(n).to_string(),
        reason: "nearer".to_owned(),
    })
}
pub fn take() -> Event {
    Event::Take(w::Take {})
}
pub fn leave(eta_at: DateTime<Utc>) -> Event {
    Event::Leave(w::Leave {
        eta_at: Some(timestamp(eta_at)),
    })
}
pub fn arrive() -> Event {
    Event::Arrive(w::Arrive {
        position: Some(Point {
            lon: WORK.lon,
            lat: WORK.lat,
        }),
        ..w::Arrive::default()
    })
}
/// Arrival shown by a reason and a photo.
pub fn arrive_by_photo() -> Event {
    Event::Arrive(w::Arrive {
        position: None,
        reason: "no place is known".to_owned(),
        photo_sha256: "0a".repeat(32),
    })
}
pub fn survey(etr_at: DateTime<Utc>) -> Event {
    Event::Survey(w::Survey {
        cause_code: "tree".to_owned(),
        etr_at: Some(timestamp(etr_at)),
        ..w::Survey::default()
    })
}
pub fn repair() -> Event {
    let safe_steps = ["off", "tested_dead", "earthed", "signs"]
        .map(str::to_owned)
        .to_vec();
    Event::Repair(w::Repair {
        permission_no: "DD-7".to_owned(),
        ticket_no: "T-1".to_owned(),
        people: 2,
        safe_steps,
    })
}
pub fn suspend(review_at: DateTime<Utc>) -> Event {
    Event::Suspend(w::Suspend {
        reason: "material".to_owned(),
        review_at: Some(timestamp(review_at)),
    })
}
pub fn restore_all() -> Event {
    Event::RestoreSection(w::RestoreSection {
        all: true,
        verified_by: "call".to_owned(),
        ..w::RestoreSection::default()
    })
}
pub fn restore_part(device: &str) -> Event {
    let device_ids = vec![device.to_owned()];
    Event::RestoreSection(w::RestoreSection {
        device_ids,
        verified_by: "meter".to_owned(),
        ..w::RestoreSection::default()
    })
}
pub fn reply() -> Event {
    Event::Reply(w::Reply {
        cause_code: "tree".to_owned(),
        owner: "utility".to_owned(),
        note: String::new(),
    })
}
pub fn call_back(result: &str) -> Event {
    Event::CallBack(w::CallBack {
        result: result.to_owned(),
        note: String::new(),
    })
}
pub fn archive(reason: &str) -> Event {
    Event::Archive(w::Archive {
        no_call_back_reason: reason.to_owned(),
    })
}
pub fn set_etr(etr_at: DateTime<Utc>) -> Event {
    Event::SetEtr(w::SetEtr {
        etr_at: Some(timestamp(etr_at)),
        cause_code: String::new(),
    })
}

/// The usual way of an order with crew 1.
pub fn the_way(start: DateTime<Utc>) -> Vec<(Claims, Event)> {
    vec![
        (dispatcher(), dispatch(1)),
        (desk_of(1), unit_take()),
        (desk_of(1), assign(1)),
        (phone_of(1), take()),
        (phone_of(1), leave(start + minutes(20))),
        (phone_of(1), arrive()),
        (phone_of(1), survey(start + minutes(90))),
        (phone_of(1), repair()),
        (phone_of(1), restore_all()),
        (phone_of(1), reply()),
        (agent(), call_back("satisfied")),
        (dispatcher(), archive("")),
    ]
}
