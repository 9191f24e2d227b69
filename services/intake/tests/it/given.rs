//! A town of two switches below one breaker, ten transformers below each, four customers at each:
//! account `A-s-t-c` hangs on transformer `Ts-t` below `SWs`. Area demo/east below SW1 is urban, demo/west is rural.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Claims, Clock, Grant, Role, secrets::Secrets};
use relight_grid::{Bus, Device, DeviceKind, End, Load, Network, Phases, Source, snapshot};
use relight_intake::{MIGRATIONS, NAME, desk::Desk, numbers::Numbers, rpc::Api, worker::Worker};
use relight_policy::Pack;
use relight_proto::{
    common::v1::{AreaClass, Point},
    intake::v1::{self as pb, intake_server::Intake},
    registry::v1::{AffectedSet, ServicePoint},
};
use relight_testkit::TestDb;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::stand_in::StandIn;

pub struct House {
    pub db: TestDb,
    pub desk: Arc<Desk>,
    pub api: Api,
    pub clock: Clock,
    pub worker: Worker,
    pub others: StandIn,
    pub peers: relight_common::grpc::Peers,
}

/// Intake beside a registry with the whole town, whose network is not loaded yet.
pub async fn house() -> anyhow::Result<House> {
    let db = relight_testkit::database(NAME, &MIGRATIONS).await?;
    let (secrets, clock) = (Secrets::ephemeral(), Clock::held(now()));
    let others = StandIn::default();
    others.say(|script| {
        script.accounts = points()
            .into_iter()
            .map(|point| (point.account.clone(), point))
            .collect();
        script.network = Some((
            Uuid::from_u128(7).to_string(),
            snapshot::write(&network()).expect("writing to memory"),
        ));
        script.sets = sets()
            .into_iter()
            .map(|set| (set.device_ids[0].to_lowercase(), set))
            .collect();
    });
    let peers = others.serve(&secrets).await?;
    let pack = Pack::load("CN-SGCC")?;
    let numbers = Numbers::new(&relight_common::config::section("intake")?)?;
    let desk = Arc::new(Desk::new(&db, &peers, &secrets, clock.clone(), pack, numbers));
    let api = Api::new(desk.clone());
    Ok(House {
        worker: Worker::new(desk.clone()),
        db,
        desk,
        api,
        clock,
        others,
        peers,
    })
}

/// The same with its network loaded.
pub async fn house_with_network() -> anyhow::Result<House> {
    let house = house().await?;
    house.desk.atlas.load().await?;
    Ok(house)
}

pub fn now() -> DateTime<Utc> {
    "2026-11-22T02:10:00Z".parse().expect("an instant")
}

impl House {
    pub async fn accept(&self, message: pb::AcceptReportRequest) -> Result<pb::Report, Status> {
        self.accept_as(agent(), message).await
    }

    pub async fn accept_as(
        &self,
        claims: Claims,
        message: pb::AcceptReportRequest,
    ) -> Result<pb::Report, Status> {
        Ok(self.api.accept_report(from(claims, message)).await?.into_inner())
    }

    /// One pass of the grouping worker.
    pub async fn group(&self) -> anyhow::Result<usize> {
        Ok(self
            .worker
            .pass(None, self.desk.atlas.town().as_ref(), false)
            .await?)
    }

    /// The desk of another process on the same database, which has loaded nothing yet.
    pub async fn restarted(&self) -> anyhow::Result<Arc<Desk>> {
        let numbers = Numbers::new(&relight_common::config::section("intake")?)?;
        let (pack, clock) = (Pack::load("CN-SGCC")?, self.clock.clone());
        let desk = Desk::new(&self.db, &self.peers, &Secrets::ephemeral(), clock, pack, numbers);
        Ok(Arc::new(desk))
    }

    pub fn later(&self, by: TimeDelta) {
        self.clock.advance(by);
    }
}

/// A request of this caller.
pub fn from<T>(claims: Claims, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(claims);
    request
}

pub fn staff(role: Role, org_path: &str) -> Claims {
    Claims::of(
        format!("{}-1", role.word()),
        vec![Grant {
            role,
            org_path: org_path.to_owned(),
        }],
    )
}

pub fn agent() -> Claims {
    staff(Role::Agent, "demo")
}

pub fn dispatcher() -> Claims {
    staff(Role::Dispatcher, "demo")
}

pub fn customer(account: &str) -> Claims {
    let mut claims = staff(Role::Customer, "");
    claims.customer_id = Some(customer_id(account));
    claims
}

/// A report by account over the hotline.
pub fn by_account(account: &str) -> pb::AcceptReportRequest {
    pb::AcceptReportRequest {
        command_id: Uuid::now_v7().to_string(),
        account: account.to_owned(),
        channel: "hotline".to_owned(),
        ..Default::default()
    }
}

/// A report of somebody without an account.
pub fn by_address() -> pb::AcceptReportRequest {
    pb::AcceptReportRequest {
        command_id: Uuid::now_v7().to_string(),
        reporter_name: "Li Wei".to_owned(),
        reporter_phone: "0571 8888 0000".to_owned(),
        address: "1 Lake Street".to_owned(),
        channel: "web".to_owned(),
        ..Default::default()
    }
}

pub fn customer_id(account: &str) -> Uuid {
    relight_common::ids::derived_from_name(account)
}

/// Transformers stand about a kilometre apart, customers of one a few metres.
pub fn position(switch: u32, transformer: u32, customer: u32) -> Point {
    Point {
        lon: 120.0 + f64::from(transformer) * 0.01 + f64::from(customer) * 0.0001,
        lat: 30.0 + f64::from(switch) * 0.1,
    }
}

fn everyone() -> impl Iterator<Item = (u32, u32, u32)> {
    (1..=2).flat_map(|s| (1..=10).flat_map(move |t| (1..=4).map(move |c| (s, t, c))))
}

fn points() -> Vec<ServicePoint> {
    everyone()
        .map(|(s, t, c)| {
            let account = format!("A-{s}-{t}-{c}");
            ServicePoint {
                service_point_id: relight_common::ids::derived_from_name(&format!("point {account}"))
                    .to_string(),
                customer_id: customer_id(&account).to_string(),
                external_id: format!("L{s}-{t}-{c}"),
                bus: format!("low{s}-{t}"),
                transformer_id: format!("T{s}-{t}"),
                position: Some(position(s, t, c)),
                area_class: if s == 1 {
                    AreaClass::Urban
                } else {
                    AreaClass::Rural
                }
                .into(),
                org_path: if s == 1 { "demo/east" } else { "demo/west" }.to_owned(),
                zone: "Asia/Shanghai".to_owned(),
                life_support: (s, t, c) == (1, 1, 4),
                important: (s, t, c) == (1, 1, 3),
                account,
                ..Default::default()
            }
        })
        .collect()
}

fn sets() -> Vec<AffectedSet> {
    let set = |device: String, count, life_support| AffectedSet {
        set_id: relight_common::ids::derived_from_name(&device).to_string(),
        grid_version: Uuid::from_u128(7).to_string(),
        count,
        life_support,
        position: Some(Point {
            lon: 120.5,
            lat: 30.5,
        }),
        device_ids: vec![device],
        ..Default::default()
    };
    let transformers = (1..=2).flat_map(|s| (1..=10).map(move |t| (format!("T{s}-{t}"), 4, 0)));
    [
        ("SW1".to_owned(), 40, 1),
        ("SW2".to_owned(), 40, 0),
        ("CB".to_owned(), 80, 1),
    ]
    .into_iter()
    .chain(transformers)
    .map(|(device, count, life)| set(device, count, life))
    .collect()
}

/// source - CB - bus - SWs - feeder s - Ts-t - low s-t - loads
pub fn network() -> Network {
    let phases = Phases::new(&[1]).expect("one phase");
    let mut network = Network {
        name: "town".to_owned(),
        sources: vec![Source {
            bus: "source".to_owned(),
            phases: None,
        }],
        ..Default::default()
    };
    let mut buses = vec!["source".to_owned(), "bus".to_owned()];
    let mut device = |id: String, kind, from: &str, to: &str| {
        let end = |bus: &str| End {
            bus: bus.to_owned(),
            phases,
        };
        network.devices.push(Device {
            id,
            kind,
            ends: vec![end(from), end(to)],
            in_service: true,
            open: false,
            length_m: None,
        });
    };
    device("CB".to_owned(), DeviceKind::Breaker, "source", "bus");
    for s in 1..=2 {
        let feeder = format!("feeder{s}");
        device(format!("SW{s}"), DeviceKind::Switch, "bus", &feeder);
        for t in 1..=10 {
            let low = format!("low{s}-{t}");
            device(format!("T{s}-{t}"), DeviceKind::Transformer, &feeder, &low);
            buses.push(low);
        }
        buses.push(feeder);
    }
    network.buses = buses.into_iter().map(|id| Bus { id, position: None }).collect();
    network.loads = everyone()
        .map(|(s, t, c)| Load {
            id: format!("L{s}-{t}-{c}"),
            bus: format!("low{s}-{t}"),
            phases,
            customers: 1,
            in_service: true,
        })
        .collect();
    network
}
