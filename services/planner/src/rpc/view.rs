//! What is stored, as the wire says it.

use chrono::{DateTime, Utc};
use relight_common::{Invalid, Work, wire, wire::timestamp};
use relight_proto::{
    common::v1::PageRequest,
    planner::v1::{
        Announcement, Balance, Coverage, EndedPlan, Leader, Lock as WireLock, Outage as WireOutage,
        Recipient as WireRecipient, Window as WireWindow, Words as WireWords,
    },
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::{outage::Class, transition::PERMIT_TTL, window::Window},
    error::Error,
    store::{
        facts, leader, list,
        list::{Announced, Recipient},
        lock::Lock,
        outage::{Stored, Words},
    },
};

/// Rows of a page.
const PAGE: i64 = 50;
const PAGE_MAX: u32 = 500;

/// Where a page begins and how long it is. The cursor is the sort key of the last row.
pub(super) struct Page {
    after: String,
    pub(super) limit: i64,
}

impl Page {
    pub(super) fn read(page: Option<&PageRequest>) -> Result<Self, Invalid> {
        let size = page.map_or(0, |page| page.size);
        if size > PAGE_MAX {
            return Err(Invalid::new("page.size", "must be from 1 to 500"));
        }
        Ok(Self {
            after: page.map(|page| page.cursor.clone()).unwrap_or_default(),
            limit: if size == 0 { PAGE } else { i64::from(size) },
        })
    }

    pub(super) fn after_id(&self) -> Result<Option<Uuid>, Invalid> {
        let wrong = |_| Invalid::new("cursor", "must be the next_cursor of the page before");
        match self.after.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(wrong),
        }
    }

    pub(super) fn after_window(&self) -> Result<Option<(DateTime<Utc>, Uuid)>, Invalid> {
        if self.after.is_empty() {
            return Ok(None);
        }
        let key = self.after.split_once('/').and_then(|(at, id)| {
            let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
            Some((at, id.parse().ok()?))
        });
        let must = "must be the next_cursor of the page before";
        key.map(Some).ok_or_else(|| Invalid::new("cursor", must))
    }
}

pub(super) fn next<T>(rows: &[T], limit: i64, key: impl Fn(&T) -> String) -> String {
    let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == limit);
    rows.last().filter(|_| full).map(key).unwrap_or_default()
}

pub(super) async fn outage(work: &mut Work, one: &Stored) -> Result<WireOutage, Error> {
    read(work.conn(), one).await
}

pub(super) async fn read(conn: &mut PgConnection, one: &Stored) -> Result<WireOutage, Error> {
    let facts = facts::read(conn, one).await?;
    let ended = list::ended_plans(conn, one.id).await?;
    let leaders = leader::all(conn, one.id).await?;
    let (life, place) = (&one.life, &one.place);
    let mut marks: Vec<String> = life.marks.iter().map(|mark| mark.word().to_owned()).collect();
    if let Class::Temporary { .. } = life.class {
        marks.push("temporary".to_owned());
    }
    let request = match &life.class {
        Class::CustomerRequest { customer, note } => (customer.to_string(), note.clone()),
        Class::Planned | Class::Temporary { .. } => Default::default(),
    };
    Ok(WireOutage {
        outage_id: one.id.to_string(),
        number: one.number.clone(),
        org_path: place.org_path.clone(),
        zone: place.zone.clone(),
        state: life.state.word().to_owned(),
        version: one.version.unsigned_abs(),
        plan_no: life.plan_no,
        class: life.class.word().to_owned(),
        requested_by_customer_id: request.0,
        request_note: request.1,
        window: Some(window(life.window)),
        words: Some(words(&one.words)),
        device_ids: place.device_ids.clone(),
        affected_set_id: place.set.to_string(),
        grid_version: place.grid_version.clone(),
        affected_count: place.count.unsigned_abs(),
        restored_count: life.restored_of(place.count.unsigned_abs()),
        author: life.author.clone(),
        approver: life
            .approval
            .as_ref()
            .map(|one| one.by.clone())
            .unwrap_or_default(),
        announced_at: life.announced_at.map(timestamp),
        noticed_at: life.noticed_at.map(timestamp),
        ready_at: life.ready_at.map(timestamp),
        switched_off_at: life.switched_off_at.map(timestamp),
        restored_at: life.restored_at.map(timestamp),
        permit_id: life
            .permit
            .as_ref()
            .map(|permit| permit.id.to_string())
            .unwrap_or_default(),
        permit_until: life
            .permit
            .as_ref()
            .map(|permit| timestamp(permit.at + PERMIT_TTL)),
        balance: Some(Balance {
            conflicts: facts.balance.conflicts,
            above_count: facts.balance.above_count,
            above_hours: facts.balance.above_hours,
            single_source: facts.balance.single_source,
            locks: facts.balance.locks,
        }),
        coverage: Some(Coverage {
            required: facts.coverage.required,
            served: facts.coverage.served,
            individual_at: facts.coverage.individual_at.map(timestamp),
            unacknowledged: facts.coverage.unacknowledged,
            unreached: facts.coverage.unreached,
            backfeed_open: facts.backfeed_open,
            dedicated_open: facts.dedicated_open,
            uncalled: facts.uncalled,
        }),
        area_made: place.area_made.clone(),
        marks,
        ended_plans: ended.into_iter().map(ended_plan).collect(),
        leaders: leaders.into_iter().map(leader_of).collect(),
        order_number: one.order_number.clone(),
        crew_name: one.crew_name.clone(),
        network_added: one.network_added.unsigned_abs(),
        network_released: one.network_released.unsigned_abs(),
        template: one.template.clone(),
        ruled_pack: life
            .ruled
            .as_ref()
            .map(|ruled| ruled.pack.clone())
            .unwrap_or_default(),
        ruled_version: life
            .ruled
            .as_ref()
            .map(|ruled| ruled.version.clone())
            .unwrap_or_default(),
        ruled_at: life.ruled_at().map(timestamp),
        words_by: life
            .worded
            .as_ref()
            .map(|worded| worded.by.clone())
            .unwrap_or_default(),
        words_approved_by: life
            .worded
            .as_ref()
            .and_then(|worded| worded.approved_by.clone())
            .unwrap_or_default(),
    })
}

pub(super) fn window(window: Window) -> WireWindow {
    WireWindow {
        off_at: Some(timestamp(window.off_at)),
        on_at: Some(timestamp(window.on_at)),
    }
}

pub(super) fn words(words: &Words) -> WireWords {
    WireWords {
        area_zh: words.area_zh.clone(),
        area_en: words.area_en.clone(),
        line: words.line.clone(),
        reason_zh: words.reason_zh.clone(),
        reason_en: words.reason_en.clone(),
    }
}

fn ended_plan(one: list::Ended) -> EndedPlan {
    EndedPlan {
        plan_no: one.plan_no.unsigned_abs(),
        window: Some(window(Window {
            off_at: one.off_at,
            on_at: one.on_at,
        })),
        reason: one.reason,
        ended_at: Some(timestamp(one.ended_at)),
        noticed: one.noticed,
    }
}

fn leader_of(one: leader::Leader) -> Leader {
    Leader {
        name: one.name,
        team: one.team,
        checked_in_at: Some(timestamp(one.checked_in_at)),
        cleared_at: one.cleared_at.map(timestamp),
        cleared_by: one.cleared_by.unwrap_or_default(),
        heard_by: one.heard_by.unwrap_or_default(),
    }
}

pub(super) fn recipient(one: Recipient) -> WireRecipient {
    WireRecipient {
        customer_id: one.customer_id.to_string(),
        important: one.important,
        life_support: one.life_support,
        dedicated_line: one.dedicated_line,
        own_generation: one.own_generation,
        channel: one.served_channel.unwrap_or_default(),
        served_at: one.served_at.map(timestamp),
        acknowledged_at: one.acknowledged_at.map(timestamp),
        escalated_to: one.escalated_to.unwrap_or_default(),
        escalation_closed: one.closed,
        isolated_at: one.isolated_at.map(timestamp),
        told_at: one.told_at.map(timestamp),
        negotiation: one.negotiation.unwrap_or_default(),
        late_joiner: one.late_joiner,
        own_lead: one.own_lead,
        call_before: one.call_before,
    }
}

pub(super) fn announcement(one: Announced) -> Announcement {
    Announcement {
        number: one.number,
        plan_no: one.plan_no.unsigned_abs(),
        class: one.class,
        state: one.state,
        words: Some(WireWords {
            area_zh: one.area_zh,
            area_en: one.area_en,
            line: one.line,
            reason_zh: one.reason_zh,
            reason_en: one.reason_en,
        }),
        window: Some(window(Window {
            off_at: one.off_at,
            on_at: one.on_at,
        })),
        zone: one.zone,
        published_at: one.announced_at.map(timestamp),
    }
}

pub(super) fn lock(lock: Lock) -> WireLock {
    WireLock {
        lock_id: lock.id.to_string(),
        kind: lock.kind,
        org_path: lock.org_path,
        from_at: Some(wire::timestamp(lock.from_at)),
        until_at: Some(wire::timestamp(lock.until_at)),
        reason: lock.reason,
        lifted_by: lock.lifted_by.unwrap_or_default(),
    }
}
