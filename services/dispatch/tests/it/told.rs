//! The planner and arrears as dispatch hears them: events made by hand, read as a batch.

use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use relight_common::{
    Db, Work,
    ids::derived_from_name,
    reader::{Consumer, Outcome},
    wire::timestamp,
};
use relight_dispatch::{
    consumer::{FromArrears, FromPlanner},
    domain::{
        ids::{OrderId, SubjectId},
        order::Kind,
    },
    error::Error,
};
use relight_proto::{
    common::v1::Point,
    dispatch::v1::{CrewChangesReply, CrewChangesRequest, Order, dispatch_server::Dispatch},
    events::v1::{ArrearsChanged, Event, OutageChanged, OutageStep},
};

use crate::given::*;

/// When the planned outage begins, five hours after the tests do.
pub fn off_at() -> DateTime<Utc> {
    t0() + TimeDelta::hours(5)
}

pub fn stop_at() -> DateTime<Utc> {
    t0() + minutes(40)
}

fn id(name: &str) -> SubjectId {
    SubjectId::from_uuid(derived_from_name(name))
}

pub fn outage() -> SubjectId {
    id("outage 1")
}

pub fn case() -> SubjectId {
    id("case 1")
}

/// The order of plan `plan_no` of the outage.
pub fn planned(plan_no: u32) -> OrderId {
    OrderId::of_errand(outage(), Kind::Planned, &plan_no.to_string())
}

/// The order to cut the case.
pub fn cut() -> OrderId {
    OrderId::of_errand(case(), Kind::Disconnect, &stop_at().timestamp().to_string())
}

pub fn reconnection() -> OrderId {
    OrderId::of_errand(case(), Kind::Reconnect, "")
}

fn event(kind: &str, subject: SubjectId, version: u64, data: Vec<u8>) -> Event {
    Event {
        id: uuid::Uuid::now_v7().to_string(),
        r#type: kind.to_owned(),
        subject: subject.to_string(),
        org_path: format!("{CITY}/station1"),
        version,
        data,
        ..Event::default()
    }
}

/// So many have supply again.
pub fn section_back(version: u64, restored_count: u32) -> Event {
    let told = OutageStep {
        outage_id: outage().to_string(),
        step: "section_restored".to_owned(),
        restored_count,
        ..OutageStep::default()
    };
    event("outage.step", outage(), version, told.encode_to_vec())
}

pub fn outage_is(state: &str, version: u64, change: impl FnOnce(&mut OutageChanged)) -> Event {
    let mut told = OutageChanged {
        outage_id: outage().to_string(),
        number: "P-20260301-0001".to_owned(),
        state: state.to_owned(),
        plan_no: 1,
        class: "PLANNED".to_owned(),
        affected_set_id: "set-planned".to_owned(),
        affected_count: 120,
        off_at: Some(timestamp(off_at())),
        on_at: Some(timestamp(off_at() + TimeDelta::hours(3))),
        line: "10 kV West".to_owned(),
        device_ids: vec!["SW1".to_owned(), "SW2".to_owned()],
        position: Some(Point {
            lon: WORK.lon,
            lat: WORK.lat,
        }),
        zone: "Asia/Shanghai".to_owned(),
        ..OutageChanged::default()
    };
    change(&mut told);
    event("outage.changed", outage(), version, told.encode_to_vec())
}

pub fn case_is(state: &str, version: u64, change: impl FnOnce(&mut ArrearsChanged)) -> Event {
    let mut told = ArrearsChanged {
        case_id: case().to_string(),
        service_point_id: "sp-1".to_owned(),
        state: state.to_owned(),
        stop_at: (state == "pre_noticed").then(|| timestamp(stop_at())),
        zone: "Asia/Shanghai".to_owned(),
        number: "A-20260301-0001".to_owned(),
        ..ArrearsChanged::default()
    };
    change(&mut told);
    event("arrears.changed", case(), version, told.encode_to_vec())
}

impl House {
    /// Reads what the planner tells.
    pub async fn planner(&self, events: Vec<Event>) -> anyhow::Result<()> {
        self.read(&FromPlanner::new(self.pack.clone()), events).await
    }

    /// Reads what arrears tells, all in one transaction.
    pub async fn arrears(&self, events: Vec<Event>) -> anyhow::Result<()> {
        let (db, peers) = (Db::clone(&self.db), self.others.serve(&self.secrets).await?);
        let consumer = FromArrears::new(self.pack.clone(), db, &peers);
        let prepared = consumer.prepare_all(&events.iter().collect::<Vec<_>>()).await?;
        let mut work = Work::internal(&self.db, "a batch", self.now()).await?;
        consumer
            .apply_all(&mut work, events.iter().zip(prepared).collect())
            .await?;
        Ok(work.done().await?)
    }

    /// As a reader does, by the clock of the house.
    async fn read<C: Consumer<Error = Error>>(&self, consumer: &C, events: Vec<Event>) -> anyhow::Result<()> {
        for event in events {
            let prepared = consumer.prepare(&event).await?;
            let mut work = Work::internal(&self.db, event.id.clone(), self.now()).await?;
            let outcome = consumer.apply(&mut work, &event, prepared).await?;
            anyhow::ensure!(
                matches!(outcome, Outcome::Applied),
                "{} is not read",
                event.r#type
            );
            work.done().await?;
        }
        Ok(())
    }

    /// Brings an order to `state` by crew 1 of unit 1, as far as going there takes it.
    pub async fn sent(&self, order: OrderId, state: &str) -> anyhow::Result<Order> {
        for (claims, event) in the_way(self.now()).into_iter().take(6) {
            let now = self.view(order).await?;
            if now.state == state {
                return Ok(now);
            }
            self.clock.advance(seconds(30));
            self.act(claims, order, event).await?;
        }
        let now = self.view(order).await?;
        anyhow::ensure!(now.state == state, "{} is not {state}", now.state);
        Ok(now)
    }

    /// What the phone of crew `n` gets.
    pub async fn synced(&self, n: u8, cursor: &str) -> anyhow::Result<CrewChangesReply> {
        let request = CrewChangesRequest {
            crew_id: crew(n).to_string(),
            cursor: cursor.to_owned(),
        };
        Ok(self
            .api
            .crew_changes(from(phone_of(n), request))
            .await?
            .into_inner())
    }
}
