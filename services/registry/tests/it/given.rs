//! A small network with five customers, and an API over a database of its own.
//!
//! ```text
//! S ─SW1─ A ─T1─ L1 (p1, p2)      p4 hangs on phases 1 and 2 of C; nothing feeds X, where p5 hangs
//!         ├─SW2─ B ─T2─ L2 (p3)
//!         ├─F1 (phase 1)─ C (p4)
//!         └─F2 (phase 2)─ C
//! ```

use std::sync::Arc;

use chrono::{DateTime, Utc};
use relight_common::{Claims, Clock, Grant, Role, secrets::Secrets};
use relight_grid::{
    Bus, Device, DeviceKind, End, Network, OnBad, Pack, Position, Source,
    pack::{
        AreaClass, Channel, Contact, ContactRole, Customer, CustomerClass, Language, OwnGeneration,
        ServicePoint,
    },
};
use relight_registry::{Api, Holder, ImportOptions, ImportReport, MIGRATIONS, NAME, Terms};
use relight_testkit::TestDb;
use tonic::Request;
use uuid::Uuid;

pub struct Registry {
    pub db: TestDb,
    pub api: Api,
    pub secrets: Secrets,
}

const TERMS: Terms = Terms {
    contact_stale_days: 365,
};

/// An empty registry.
pub async fn empty() -> anyhow::Result<Registry> {
    let db = relight_testkit::database(NAME, &MIGRATIONS).await?;
    let secrets = Secrets::ephemeral();
    let holder = Arc::new(Holder::new(db.clone()));
    let rules = (TERMS, relight_policy::Pack::load("CN-SGCC")?);
    let api = Api::new(db.clone(), &secrets, Clock::held(now()), holder, rules);
    Ok(Registry { db, api, secrets })
}

/// A registry with this pack in it.
pub async fn with(pack: Pack) -> anyhow::Result<Registry> {
    let registry = empty().await?;
    registry.import(pack).await?;
    Ok(registry)
}

impl Registry {
    pub async fn import(&self, pack: Pack) -> anyhow::Result<ImportReport> {
        self.import_at(pack, now()).await
    }

    pub async fn import_at(&self, pack: Pack, at: DateTime<Utc>) -> anyhow::Result<ImportReport> {
        let options = ImportOptions {
            at,
            ..options(OnBad::Refuse)
        };
        Ok(relight_registry::import(&self.db, &self.secrets, pack, &options).await?)
    }
}

pub fn options(on_bad: OnBad) -> ImportOptions {
    ImportOptions {
        on_bad,
        by: "admin-1".to_owned(),
        at: now(),
    }
}

pub fn now() -> DateTime<Utc> {
    "2026-03-01T02:10:00Z".parse().expect("an instant")
}

pub fn person(role: Role, org_path: &str) -> Claims {
    Claims::of(
        "person-1",
        vec![Grant {
            role,
            org_path: org_path.to_owned(),
        }],
    )
}

pub fn customer(id: Uuid) -> Claims {
    let mut claims = Claims::of(
        "person-2",
        vec![Grant {
            role: Role::Customer,
            org_path: String::new(),
        }],
    );
    claims.customer_id = Some(id);
    claims
}

/// `message` as sent by `claims`.
pub fn from<T>(claims: &Claims, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(claims.clone());
    request
}

pub fn small_pack() -> Pack {
    Pack {
        network: network(),
        service_points: vec![
            point("p1", "L1", "1", "A-1", "demo/city/east"),
            ServicePoint {
                own_generation: OwnGeneration::Pv,
                ..point("p2", "L1", "2", "A-2", "demo/city/east")
            },
            ServicePoint {
                area_class: AreaClass::Rural,
                ..point("p3", "L2", "1", "A-3", "demo/city/west")
            },
            point("p4", "C", "12", "A-4", "demo/city/east"),
            point("p5", "X", "1", "A-5", "demo/city/east"),
        ],
        customers: vec![
            account("A-1", "李伟", Language::ZhCn),
            Customer {
                class: CustomerClass::Important,
                ..account("A-2", "第一医院", Language::ZhCn)
            },
            Customer {
                life_support: true,
                ..account("A-3", "Ann Smith", Language::En)
            },
            account("A-4", "Bob_Smith", Language::En),
            account("A-5", "100% Shop", Language::En),
        ],
        contacts: vec![
            contact("A-1", Channel::Sms, "+8619900000001", Language::ZhCn),
            contact("A-1", Channel::Email, "li.wei@example.org", Language::ZhCn),
            contact("A-2", Channel::Sms, "+8619900000002", Language::ZhCn),
            contact("A-3", Channel::Sms, "+447700900003", Language::En),
            contact("A-4", Channel::Sms, "+447700900003", Language::En),
        ],
        streets: Vec::new(),
    }
}

fn network() -> Network {
    let at = |id: &str, lon: f64| Bus {
        id: id.to_owned(),
        position: Position::new(lon, 30.0),
    };
    Network {
        name: "small".to_owned(),
        buses: vec![
            at("S", 120.0),
            at("A", 120.1),
            at("B", 120.2),
            at("C", 120.3),
            at("L1", 120.4),
            at("L2", 120.5),
            at("X", 120.6),
        ],
        sources: vec![Source {
            bus: "S".to_owned(),
            phases: Some("123".parse().expect("phases")),
        }],
        devices: vec![
            device("SW1", DeviceKind::Breaker, "S", "A", "123"),
            device("SW2", DeviceKind::Switch, "A", "B", "123"),
            device("T1", DeviceKind::Transformer, "A", "L1", "123"),
            device("T2", DeviceKind::Transformer, "B", "L2", "123"),
            device("F1", DeviceKind::Fuse, "A", "C", "1"),
            device("F2", DeviceKind::Fuse, "A", "C", "2"),
            Device {
                open: true,
                ..device("TIE", DeviceKind::Switch, "S", "B", "123")
            },
        ],
        loads: Vec::new(),
    }
}

fn device(id: &str, kind: DeviceKind, from: &str, to: &str, phases: &str) -> Device {
    let end = |bus: &str| End {
        bus: bus.to_owned(),
        phases: phases.parse().expect("phases"),
    };
    Device {
        id: id.to_owned(),
        kind,
        ends: vec![end(from), end(to)],
        in_service: true,
        open: false,
        length_m: None,
    }
}

pub fn point(id: &str, bus: &str, phases: &str, account: &str, org_path: &str) -> ServicePoint {
    ServicePoint {
        id: id.to_owned(),
        bus: bus.to_owned(),
        phases: phases.parse().expect("phases"),
        account: account.to_owned(),
        meter_no: format!("M-{id}"),
        position: Position::new(120.0, 30.0).expect("in range"),
        area_class: AreaClass::Urban,
        zone: "Asia/Shanghai".to_owned(),
        org_path: org_path.to_owned(),
        address_zh: format!("中山路{id}号"),
        address_en: format!("{id} Zhongshan Road"),
        own_generation: OwnGeneration::None,
        voltage_v: None,
        in_service: true,
    }
}

pub fn account(account: &str, name: &str, language: Language) -> Customer {
    Customer {
        account: account.to_owned(),
        name: name.to_owned(),
        language,
        class: CustomerClass::Ordinary,
        life_support: false,
        dedicated_line: false,
        use_class: None,
        life_support_until: None,
    }
}

pub fn contact(account: &str, channel: Channel, value: &str, language: Language) -> Contact {
    Contact {
        account: account.to_owned(),
        channel,
        value: value.to_owned(),
        language,
        role: ContactRole::Customer,
        confirmed_on: None,
    }
}
