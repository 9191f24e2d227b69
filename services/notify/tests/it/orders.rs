//! Orders of planner and arrears as the tests give them, and what notify tells back.

use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use relight_common::{lease, wire};
use relight_notify::{
    served::Teller,
    spread::{Ahead, Spreader},
};
use relight_proto::{
    arrears::v1::TextOfReply,
    events::v1::{ArrearsNotice, Event, NoticeServed, OutageNotice},
    registry::v1::Member,
};
use uuid::Uuid;

use crate::world::{World, at, house};

/// 09:00 to 17:00 on 30 November in Shanghai.
pub(crate) const OFF: &str = "2026-11-30T01:00:00Z";
pub(crate) const ON: &str = "2026-11-30T09:00:00Z";

/// A notice of `kind` to everybody in `set`.
pub(crate) fn outage(kind: &str, outage: Uuid, set: Uuid) -> OutageNotice {
    OutageNotice {
        notice_id: Uuid::now_v7().to_string(),
        outage_id: outage.to_string(),
        number: "P-20261130-0001".into(),
        plan_no: 1,
        kind: kind.into(),
        affected_set_id: set.to_string(),
        off_at: Some(wire::timestamp(at(OFF))),
        on_at: Some(wire::timestamp(at(ON))),
        line: "10kV城北线".into(),
        area_zh: "示例路1至20号".into(),
        area_en: "1 to 20 Example Road".into(),
        reason_zh: "检修".into(),
        reason_en: "maintenance".into(),
        zone: "Asia/Shanghai".into(),
        class: "PLANNED".into(),
        ..OutageNotice::default()
    }
}

/// A plain member of a set.
pub(crate) fn member(customer: Uuid) -> Member {
    Member {
        service_point_id: Uuid::now_v7().to_string(),
        customer_id: customer.to_string(),
        ..Member::default()
    }
}

/// What arrears says of a debt.
pub(crate) fn text(stop_at: DateTime<Utc>) -> TextOfReply {
    TextOfReply {
        account_tail: "0610".into(),
        amount_cents: 12_345,
        currency: "CNY".into(),
        due_on: "2026-10-01".into(),
        stop_at: Some(wire::timestamp(stop_at)),
        notice_number: "N-20261122-0003".into(),
        off_at: Some(wire::timestamp(stop_at)),
        reconnect_by: Some(wire::timestamp(stop_at + TimeDelta::hours(24))),
        on_at: Some(wire::timestamp(stop_at + TimeDelta::hours(2))),
        hours: 24,
        pay_hint_zh: "营业厅".into(),
        pay_hint_en: "any office".into(),
        ..TextOfReply::default()
    }
}

impl World {
    /// A set of these members.
    pub(crate) fn set(&self, members: Vec<Member>) -> Uuid {
        let set = Uuid::now_v7();
        self.town.known().sets.insert(set, members);
        set
    }

    pub(crate) fn ordered(&self, notice: &OutageNotice) -> Event {
        let outage = notice.outage_id.parse().expect("an id");
        self.event("outage.notice", outage, 1, notice)
    }

    /// A notice of `kind` about a debt of `customer`.
    pub(crate) fn debt(&self, kind: &str, case: Uuid, customer: Uuid) -> Event {
        let notice = ArrearsNotice {
            notice_id: Uuid::now_v7().to_string(),
            case_id: case.to_string(),
            number: "A-20261122-0001".into(),
            customer_id: customer.to_string(),
            kind: kind.into(),
            zone: "Asia/Shanghai".into(),
        };
        self.event("arrears.notice", case, 1, &notice)
    }

    pub(crate) fn spreader(&self) -> Spreader {
        Spreader {
            db: self.db.clone(),
            clock: self.clock.clone(),
            people: self.people.clone(),
            sealer: self.sealer.clone(),
            book: self.book.clone(),
            house: house(),
            zone: chrono_tz::Asia::Shanghai,
            bells: self.bells.clone(),
        }
    }

    /// Spreads everything that is ordered. Returns the number of pages.
    pub(crate) async fn spread(&self) -> anyhow::Result<usize> {
        let (spreader, mut ahead, mut pages) = (self.spreader(), Ahead::default(), 0);
        while self.next_page(&spreader, &mut ahead).await? {
            pages += 1;
        }
        Ok(pages)
    }

    /// Spreads one page, by a spreader that dies after it; false when there is none.
    pub(crate) async fn page(&self) -> anyhow::Result<bool> {
        self.next_page(&self.spreader(), &mut Ahead::default()).await
    }

    async fn next_page(&self, spreader: &Spreader, ahead: &mut Ahead) -> anyhow::Result<bool> {
        let lease = self.lease().await?;
        let is_page = spreader.round(&lease, ahead).await?;
        lease::give_back(self.db.pool(), &lease).await?;
        Ok(is_page)
    }

    /// Orders and spreads these notices.
    pub(crate) async fn notify(&self, notices: &[&OutageNotice]) -> anyhow::Result<()> {
        let events = notices.iter().map(|notice| self.ordered(notice));
        self.apply(events.collect()).await?;
        self.spread().await.map(drop)
    }

    /// Everything told of notices so far: (notice, kind, customer, channel, result), in order; tells what waits first.
    pub(crate) async fn served(&self) -> anyhow::Result<Vec<(String, String, String, String, String)>> {
        let (teller, lease) = (
            Teller {
                db: self.db.clone(),
                clock: self.clock.clone(),
            },
            self.lease().await?,
        );
        while teller.round(&lease).await? {}
        lease::give_back(self.db.pool(), &lease).await?;
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("select data from outbox where type = 'notice.served' order by id")
                .fetch_all(self.db.pool())
                .await?;
        let mut told = Vec::new();
        for (data,) in rows {
            let event = NoticeServed::decode(data.as_slice())?;
            anyhow::ensure!(event.results.len() <= 500 && !event.results.is_empty());
            anyhow::ensure!(event.outage_id.is_empty() != event.case_id.is_empty());
            for one in event.results {
                told.push((
                    event.notice_id.clone(),
                    event.kind.clone(),
                    one.customer_id,
                    one.channel,
                    one.result,
                ));
            }
        }
        Ok(told)
    }

    /// (customer, channel, result) of everything told, sorted.
    pub(crate) async fn results(&self) -> anyhow::Result<Vec<(String, String, String)>> {
        let told = self.served().await?.into_iter();
        let mut told: Vec<_> = told
            .map(|(_, _, who, channel, result)| (who, channel, result))
            .collect();
        told.sort_unstable();
        Ok(told)
    }
}

/// A result as [`World::results`] gives it.
pub(crate) fn result(customer: Uuid, channel: &str, result: &str) -> (String, String, String) {
    (customer.to_string(), channel.to_owned(), result.to_owned())
}
