//! What planner orders: notices of planned and temporary outages. The order is written down with the position of the
//! reader; [`crate::spread`] finds the people.

use chrono_tz::Tz;
use prost::Message;
use relight_common::{Invalid, Work, telemetry, wire};
use relight_proto::events::v1::{Event, InterruptionStep, OutageNotice};
use uuid::Uuid;

use super::{
    Notices, Plan,
    fault::{News, Telling},
};
use crate::{
    domain::{
        outage::{Kind, Outage},
        words::Facts,
    },
    error::Error,
    store::{
        message::{self, About},
        notice::{self, Order},
    },
};

/// A notice to be ordered.
#[derive(Debug)]
pub struct Ordered {
    id: Uuid,
    outage: Uuid,
    plan_no: i32,
    kind: Kind,
    is_for_all: bool,
}

/// Reads what an event orders; `None`: a kind this release does not know.
///
/// # Errors
/// Names the field that is wrong.
pub fn read(notice: &OutageNotice, zone: Tz) -> Result<Option<Outage>, Invalid> {
    let Some(kind) = Kind::parse(&notice.kind) else {
        return Ok(None);
    };
    if notice.customer_ids.is_empty() && notice.affected_set_id.is_empty() {
        return Err(Invalid::new("affected_set_id", "must be given, or customer_ids"));
    }
    Ok(Some(Outage {
        kind,
        number: notice.number.clone(),
        is_temporary: notice.class == "TEMPORARY",
        off_at: wire::instant("off_at", notice.off_at)?,
        on_at: match kind {
            Kind::Safety | Kind::Reliability | Kind::Fault => wire::instant_opt("on_at", notice.on_at)?,
            _ => Some(wire::instant("on_at", notice.on_at)?),
        },
        was_off_at: wire::instant_opt("previous_off_at", notice.previous_off_at)?,
        was_on_at: wire::instant_opt("previous_on_at", notice.previous_on_at)?,
        also: wire::instant_opt("also_off_at", notice.also_off_at)?
            .zip(wire::instant_opt("also_on_at", notice.also_on_at)?),
        line: notice.line.clone(),
        area: [notice.area_zh.clone(), notice.area_en.clone()],
        reason: [notice.reason_zh.clone(), notice.reason_en.clone()],
        zone: notice.zone.parse().unwrap_or(zone),
    }))
}

impl Notices {
    pub(super) fn outage_notice(&self, notice: &OutageNotice) -> Result<Plan, Error> {
        let Some(outage) = read(notice, self.zone)? else {
            return Ok(Plan::Unknown);
        };
        Ok(Plan::Order(Ordered {
            id: wire::uuid("notice_id", &notice.notice_id)?,
            outage: wire::uuid("outage_id", &notice.outage_id)?,
            plan_no: i32::try_from(notice.plan_no).unwrap_or(i32::MAX),
            kind: outage.kind,
            is_for_all: notice.customer_ids.is_empty(),
        }))
    }

    /// Supply is back after a planned outage: told to those whose record the ledger closed, by the number they know. Where
    /// nobody was told of the outage, nobody is told of its end.
    pub(super) async fn outage_over(&self, step: &InterruptionStep, outage: Uuid) -> Result<Plan, Error> {
        let step_id = wire::uuid("step_id", &step.step_id)?;
        let Some((payload, org_path)) = notice::latest(self.db.pool(), outage).await? else {
            return Ok(Plan::Nothing);
        };
        let told = OutageNotice::decode(payload.as_slice())
            .map_err(|error| relight_common::Error::Decode("a stored notice", error))?;
        let members = self.people.step_members(step_id).await?;
        let telling = Telling {
            facts: Facts::Restored {
                number: told.number,
                on_at: wire::instant("at", step.at)?,
                by_switching: step.by_switching,
            },
            zone: told.zone.parse().unwrap_or(self.zone),
            org_path,
            recipients: self.people.recipients(&members).await?,
        };
        Ok(News::told(None, (step_id, 1), telling))
    }

    /// Writes the order down. What it makes untrue and was not sent is taken back at once, also from pages to come.
    pub(super) async fn order(&self, work: &mut Work, event: &Event, ordered: &Ordered) -> Result<(), Error> {
        let now = self.clock.now();
        let order = Order {
            id: ordered.id,
            outage: Some(ordered.outage),
            case: None,
            plan_no: ordered.plan_no,
            kind: ordered.kind.word(),
            org_path: &event.org_path,
            rank: ordered.kind.purpose().rank(),
            payload: &event.data,
            ordered_at: now,
            traceparent: &telemetry::traceparent(),
        };
        let is_new = notice::order(work.conn(), &order).await?;
        work.ring_after_commit(&self.bells.notices);
        if !is_new || !ordered.is_for_all {
            return Ok(());
        }
        let purposes = ordered.kind.takes_back();
        let about = About::Outage(ordered.outage);
        message::take_back(work.conn(), about, purposes, None, now).await?;
        let kinds: Vec<String> = Kind::ALL
            .iter()
            .filter(|kind| purposes.contains(&kind.purpose()))
            .map(|kind| kind.word().to_owned())
            .collect();
        notice::end_older(work.conn(), ordered.outage, ordered.id, &kinds).await
    }
}
