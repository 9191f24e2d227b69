//! A ledger with a database of its own, and events made by hand.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use relight_common::{
    Claims, Clock, Grant, Role, Work, dead_letter,
    reader::{Consumer, apply_batch},
    wire::timestamp,
};
use relight_insight::{
    consumer::Ledger,
    domain::record::{CustomerId, IncidentId},
    error::Error,
    members::{AffectedSets, Members},
    rpc::Api,
};
use relight_proto::{
    common::v1::Point,
    events::v1::{EtrChanged, Event, IncidentChanged, InterruptionStep, Reporter, WorkOrderStep},
    insight::v1::{Interruption, MembersRequest, StepMembersRequest, WhyOffRequest, insight_server::Insight},
};
use relight_testkit::{TestDb, database};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use uuid::Uuid;

pub(crate) const ORG: &str = "demo/east-lake/station-2";

/// Minute `m` of the story.
pub(crate) fn at(m: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a date of 2026") + TimeDelta::minutes(m)
}

pub(crate) fn people(n: usize) -> Vec<CustomerId> {
    (0..n).map(|_| CustomerId::new()).collect()
}

/// Affected sets by id, as the registry would give them.
#[derive(Debug, Default)]
pub(crate) struct Sets(
    Mutex<BTreeMap<Uuid, Members>>,
    /// Asked for, and for which moment.
    Mutex<Vec<(Uuid, DateTime<Utc>)>>,
);

impl Sets {
    fn put(&self, members: &[(CustomerId, u32)]) -> Uuid {
        let (id, mut set) = (Uuid::now_v7(), Members::default());
        members
            .iter()
            .for_each(|(customer, volts)| set.add(*customer, *volts));
        self.0
            .lock()
            .expect("no test panics while holding it")
            .insert(id, set);
        id
    }

    /// For which moments this set was asked.
    pub(crate) fn asked(&self, set: Uuid) -> Vec<DateTime<Utc>> {
        let asked = self.1.lock().expect("no test panics while holding it");
        asked
            .iter()
            .filter(|(id, _)| *id == set)
            .map(|(_, at)| *at)
            .collect()
    }
}

impl AffectedSets for &'static Sets {
    async fn members(&self, set: Uuid, at: DateTime<Utc>) -> Result<Members, Error> {
        self.1
            .lock()
            .expect("no test panics while holding it")
            .push((set, at));
        let found = self
            .0
            .lock()
            .expect("no test panics while holding it")
            .get(&set)
            .cloned();
        found.ok_or(Error::Peer("the registry", "no such set"))
    }
}

/// A state of an incident, built up by a test.
#[derive(Debug, Clone)]
pub(crate) struct Incident {
    pub(crate) id: IncidentId,
    pub(crate) version: u64,
    pub(crate) told: IncidentChanged,
}

impl Incident {
    pub(crate) fn reported(by: &[(CustomerId, i64)]) -> Self {
        let id = IncidentId::new();
        let reporter = |(customer, minute): &(CustomerId, i64)| Reporter {
            report_id: Uuid::now_v7().to_string(),
            customer_id: customer.to_string(),
            accepted_at: Some(timestamp(at(*minute))),
        };
        let first = by.iter().map(|(_, minute)| *minute).min().unwrap_or(0);
        let told = IncidentChanged {
            incident_id: id.to_string(),
            number: "I-1".to_owned(),
            state: "open".to_owned(),
            accepted_at: Some(timestamp(at(first))),
            off_at: Some(timestamp(at(first))),
            position: Some(Point {
                lon: 120.153_44,
                lat: 30.287_66,
            }),
            reporters: by.iter().map(reporter).collect(),
            zone: "Asia/Shanghai".to_owned(),
            ..IncidentChanged::default()
        };
        Self { id, version: 1, told }
    }

    pub(crate) fn next(&mut self, change: impl FnOnce(&mut IncidentChanged)) -> &Self {
        self.version += 1;
        change(&mut self.told);
        self
    }

    pub(crate) fn report(&mut self, customer: CustomerId, minute: i64) -> &Self {
        self.next(|told| {
            told.reporters.push(Reporter {
                report_id: Uuid::now_v7().to_string(),
                customer_id: customer.to_string(),
                accepted_at: Some(timestamp(at(minute))),
            });
        })
    }
}

pub(crate) struct World {
    pub(crate) db: TestDb,
    pub(crate) api: Api,
    pub(crate) clock: Clock,
    sets: &'static Sets,
    seq: AtomicU64,
}

pub(crate) async fn world() -> anyhow::Result<World> {
    let db = database("insight", &relight_insight::MIGRATIONS).await?;
    let clock = Clock::held(at(100));
    let api = Api::new(db.clone(), clock.clone(), &[7; 32]);
    let sets = Box::leak(Box::default());
    Ok(World {
        db,
        api,
        clock,
        sets,
        seq: AtomicU64::new(0),
    })
}

impl World {
    pub(crate) fn set(&self, members: &[CustomerId]) -> String {
        let unknown: Vec<_> = members.iter().map(|customer| (*customer, 0)).collect();
        self.sets.put(&unknown).to_string()
    }

    /// A set whose members are supplied at so many volts.
    pub(crate) fn set_at(&self, members: &[(CustomerId, u32)]) -> String {
        self.sets.put(members).to_string()
    }

    /// For which moments the members of this set were asked.
    pub(crate) fn asked_for(&self, set: Uuid) -> Vec<DateTime<Utc>> {
        self.sets.asked(set)
    }

    pub(crate) fn event(&self, kind: &str, subject: &str, version: u64, data: &impl Message) -> Event {
        Event {
            id: Uuid::now_v7().to_string(),
            r#type: kind.to_owned(),
            subject: subject.to_owned(),
            version,
            time: Some(timestamp(self.clock.now())),
            org_path: ORG.to_owned(),
            seq: self.seq.fetch_add(1, Ordering::Relaxed) + 1,
            data: data.encode_to_vec(),
            ..Event::default()
        }
    }

    pub(crate) fn ledger(&self) -> Ledger<&'static Sets> {
        Ledger::new(self.db.clone(), self.sets)
    }

    /// Applies events as the reader of `source` would.
    pub(crate) async fn apply(&self, source: &'static str, events: Vec<Event>) -> anyhow::Result<()> {
        let (last, stop) = (
            events.last().map_or(0, |event| event.seq),
            CancellationToken::new(),
        );
        let reached = apply_batch(&self.db, source, 0, events, &self.ledger(), &stop).await?;
        anyhow::ensure!(reached.unsigned_abs() == last, "reached {reached} of {last}");
        Ok(())
    }

    /// Tries one event once; the reader would try again as long as this says `Unavailable`.
    pub(crate) async fn attempt(&self, event: &Event) -> Result<(), Error> {
        let ledger = self.ledger();
        let prepared = ledger.prepare(event).await?;
        let mut work = Work::internal(&self.db, event.id.clone(), self.clock.now()).await?;
        ledger.apply(&mut work, event, prepared).await?;
        Ok(work.done().await?)
    }

    pub(crate) async fn incident(&self, incident: &Incident) -> anyhow::Result<()> {
        let event = self.event(
            "incident.changed",
            &incident.told.incident_id,
            incident.version,
            &incident.told,
        );
        self.apply("intake", vec![event]).await?;
        self.nothing_parked().await
    }

    /// Confirms the device: the incident's set is now these.
    pub(crate) async fn confirm(
        &self,
        incident: &mut Incident,
        members: &[CustomerId],
    ) -> anyhow::Result<()> {
        let set = self.set(members);
        incident.next(|told| {
            told.confirmed = true;
            told.affected_set_id = set;
        });
        self.incident(incident).await
    }

    /// The incident's set follows a switching: these are off by it since `minute`.
    pub(crate) async fn follow(
        &self,
        incident: &mut Incident,
        members: &[CustomerId],
        minute: i64,
    ) -> anyhow::Result<()> {
        let set = self.set(members);
        incident.next(|told| {
            told.affected_set_id = set;
            told.switched_at = Some(timestamp(at(minute)));
        });
        self.incident(incident).await
    }

    pub(crate) fn step(&self, incident: &Incident, step: &str, minute: i64) -> WorkOrderStep {
        WorkOrderStep {
            order_id: Uuid::now_v7().to_string(),
            incident_id: incident.told.incident_id.clone(),
            incident_version: incident.version,
            step: step.to_owned(),
            at: Some(timestamp(at(minute))),
            ..WorkOrderStep::default()
        }
    }

    pub(crate) async fn order(&self, step: &WorkOrderStep) -> anyhow::Result<()> {
        let event = self.event("workorder.step", &step.order_id, 1, step);
        self.apply("dispatch", vec![event]).await?;
        self.nothing_parked().await
    }

    pub(crate) async fn restore(
        &self,
        incident: &Incident,
        minute: i64,
        members: Option<&[CustomerId]>,
    ) -> anyhow::Result<()> {
        let word = if members.is_some() {
            "section_restored"
        } else {
            "restored"
        };
        let mut step = self.step(incident, word, minute);
        step.all = members.is_none();
        step.restored_set_id = members.map_or_else(String::new, |members| self.set(members));
        self.order(&step).await
    }

    pub(crate) async fn etr(&self, incident: &Incident, minute: Option<i64>) -> anyhow::Result<()> {
        let told = EtrChanged {
            order_id: Uuid::now_v7().to_string(),
            incident_id: incident.told.incident_id.clone(),
            incident_version: incident.version,
            etr_at: minute.map(|minute| timestamp(at(minute))),
            cause_code: "equipment".to_owned(),
            withdrawn: minute.is_none(),
            ..EtrChanged::default()
        };
        let event = self.event("etr.changed", &told.order_id, 1, &told);
        self.apply("dispatch", vec![event]).await?;
        self.nothing_parked().await
    }

    pub(crate) async fn nothing_parked(&self) -> anyhow::Result<()> {
        let parked = dead_letter::open(self.db.pool(), None, None).await?;
        anyhow::ensure!(
            parked.is_empty(),
            "parked: {:?}",
            parked.iter().map(|l| &l.reason).collect::<Vec<_>>()
        );
        Ok(())
    }

    /// Open records: (customer, incident, begin).
    pub(crate) async fn off(&self) -> anyhow::Result<Vec<(Uuid, Uuid, DateTime<Utc>)>> {
        Ok(sqlx::query_as(
            "select customer_id, incident_id, off_at from interruption_open order by customer_id",
        )
        .fetch_all(self.db.pool())
        .await?)
    }

    /// Who is off since which minute, in the order of their ids.
    pub(crate) async fn off_since(&self) -> anyhow::Result<Vec<(CustomerId, i64)>> {
        let rows = self.off().await?;
        let minute = |off: DateTime<Utc>| (off - at(0)).num_minutes();
        Ok(rows
            .into_iter()
            .map(|(id, _, off)| (CustomerId::from_uuid(id), minute(off)))
            .collect())
    }

    /// Minutes of all closed records.
    pub(crate) async fn minutes(&self) -> anyhow::Result<i64> {
        let seconds: Option<f64> =
            sqlx::query_scalar("select sum(extract(epoch from on_at - off_at))::float8 from interruption")
                .fetch_one(self.db.pool())
                .await?;
        Ok((seconds.unwrap_or(0.0) / 60.0).round() as i64)
    }

    /// Steps told to the others, in order.
    pub(crate) async fn told(&self) -> anyhow::Result<Vec<InterruptionStep>> {
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("select data from outbox where type = 'interruption.step' order by id")
                .fetch_all(self.db.pool())
                .await?;
        rows.into_iter()
            .map(|(data,)| Ok(InterruptionStep::decode(data.as_slice())?))
            .collect()
    }

    pub(crate) async fn audited(&self, action: &str) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar("select count(*) from audit where action = $1")
            .bind(action)
            .fetch_one(self.db.pool())
            .await?)
    }

    pub(crate) async fn why(&self, claims: &Claims, who: &[CustomerId]) -> Result<Vec<Interruption>, Status> {
        let customer_ids = who.iter().map(ToString::to_string).collect();
        let reply = self
            .api
            .why_off(asked(claims, WhyOffRequest { customer_ids }))
            .await?;
        Ok(reply.into_inner().open)
    }

    /// Everybody in pages of `limit`.
    pub(crate) async fn members(
        &self,
        incident: &Incident,
        limit: u32,
    ) -> Result<Vec<(String, bool)>, Status> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let ask = MembersRequest {
                incident_id: incident.told.incident_id.clone(),
                min_incident_version: incident.version,
                after,
                limit,
            };
            let reply = self.api.members(asked(&notify(), ask)).await?.into_inner();
            all.extend(reply.members.into_iter().map(|m| (m.customer_id, m.reporter)));
            after = reply.next_after;
            if after.is_empty() {
                return Ok(all);
            }
        }
    }

    pub(crate) async fn step_members(&self, step_id: &str, limit: u32) -> Result<Vec<String>, Status> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let ask = StepMembersRequest {
                step_id: step_id.to_owned(),
                after,
                limit,
            };
            let reply = self.api.step_members(asked(&notify(), ask)).await?.into_inner();
            all.extend(reply.members.into_iter().map(|m| m.customer_id));
            after = reply.next_after;
            if after.is_empty() {
                return Ok(all);
            }
        }
    }
}

pub(crate) fn asked<T>(claims: &Claims, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(claims.clone());
    request
}

pub(crate) fn notify() -> Claims {
    Claims::service("notify")
}

pub(crate) fn staff(role: Role, org_path: &str) -> Claims {
    Claims::of(
        Uuid::now_v7().to_string(),
        vec![Grant {
            role,
            org_path: org_path.to_owned(),
        }],
    )
}

pub(crate) fn customer(id: CustomerId) -> Claims {
    let mut claims = staff(Role::Customer, "");
    claims.customer_id = Some(id.uuid());
    claims
}
