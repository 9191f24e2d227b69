//! Records a switch-off that was done because of danger, tells everybody it concerns at once, and brings supply back when
//! somebody said that the danger is over (operations.md O1, O2). Never asks any gate.

use relight_common::{Work, wire::timestamp};
use relight_policy::Pack;
use relight_proto::{
    common::v1::Point,
    events::v1::{OutageChanged, OutageNotice, OutageStep},
};
use serde_json::json;
use uuid::Uuid;

use super::tell::{About, raise};
use crate::{
    domain::{
        safety::{Danger, is_told_late, tell_within, untold_at},
        said::Said,
        window::Instant,
    },
    error::Error,
    peers::Found,
    store::{
        outage,
        safety::{self, SwitchOff},
    },
};

/// Timer: whoever it concerns should have proof of being told by now.
pub const UNTOLD: &str = "safety.untold";

/// What is recorded.
#[derive(Debug, Clone)]
pub struct Record {
    /// Chosen by the sender.
    pub id: Uuid,
    /// Why it could not wait.
    pub danger: Danger,
    /// What was seen, who asked for it.
    pub basis: String,
    /// When it was done.
    pub switched_off_at: Instant,
    /// When supply is expected back.
    pub expected_on_at: Option<Instant>,
}

/// Records it, and orders that everybody is told: also when nobody hangs on it now, because a fault took supply before.
///
/// # Errors
/// [`Error::IdTaken`], [`Error::Common`].
pub async fn record(work: &mut Work, pack: &Pack, record: Record, found: Found) -> Result<SwitchOff, Error> {
    let (by, at) = (work.actor().to_owned(), work.at());
    let place = found.place;
    let zone = place.zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let number = outage::next_number(work.conn(), "S", at.with_timezone(&zone).date_naive()).await?;
    let (lon, lat) = place.position.unzip();
    let one = SwitchOff {
        id: record.id,
        number,
        version: 1,
        danger: record.danger.word().to_owned(),
        basis: record.basis,
        org_path: place.org_path.clone(),
        zone: place.zone.clone(),
        device_ids: place.device_ids.clone(),
        set: place.set,
        count: place.count,
        lon,
        lat,
        area_zh: found.area_zh,
        area_en: found.area_en,
        recorded_by: by,
        switched_off_at: record.switched_off_at,
        recorded_at: at,
        expected_on_at: record.expected_on_at,
        restored_at: None,
        cleared_by: String::new(),
        customers: i32::try_from(found.affected.len()).unwrap_or(i32::MAX),
        told_count: 0,
    };
    if !safety::insert(work.conn(), &one, &place).await? {
        return Err(Error::IdTaken(one.id));
    }
    changed(work, &one);
    if one.count > 0 {
        notice(work, &one, record.danger);
        watch(work, pack, &one).await?;
    }
    let detail = json!({
        "number": one.number, "danger": one.danger, "basis": one.basis, "device_ids": one.device_ids,
        "affected_count": one.count, "switched_off_at": one.switched_off_at,
    });
    work.audit("safety.recorded", one.id, detail);
    Ok(one)
}

/// Says at once that the record came late, and looks again when everybody should have been told.
async fn watch(work: &mut Work, pack: &Pack, one: &SwitchOff) -> Result<(), Error> {
    let within = tell_within(pack, one.switched_off_at);
    if is_told_late(one.switched_off_at, one.recorded_at, within) {
        let because = Said::new(
            "停电后登记过晚，客户因此告知过晚",
            "recorded so late after the switching that its customers are told late",
        );
        alarm(work, one, "safety", because).await?;
    }
    if let Some(within) = within {
        let due_at = untold_at(one.switched_off_at, one.recorded_at, within);
        work.set_timer(UNTOLD, one.id, due_at, 1).await?;
    }
    Ok(())
}

/// Everybody should have proof of being told by now: says how many have none. A person calls or goes there.
///
/// # Errors
/// [`Error::Common`].
pub async fn untold(work: &mut Work, id: Uuid) -> Result<(), Error> {
    let one = safety::lock(work.conn(), id).await?;
    let left = i64::from(one.customers) - one.told_count;
    if one.restored_at.is_some() || left <= 0 {
        return Ok(());
    }
    let all = one.customers;
    let because = Said::new(
        format!("{all}户中有{left}户没有告知凭证：请致电或上门"),
        format!("{left} of {all} customers have no proof that they were told: call them or go there"),
    );
    alarm(work, &one, "safety_untold", because).await
}

/// Supply is back to a section or to all; `cleared_by` said that the danger is over and people are out.
///
/// # Errors
/// [`Error::Unfit`], [`Error::Common`].
pub async fn restore(
    work: &mut Work,
    mut one: SwitchOff,
    section: Option<Uuid>,
    cleared_by: &str,
) -> Result<SwitchOff, Error> {
    if one.restored_at.is_some() {
        return Err(Error::Unfit("everybody has supply again already"));
    }
    one.version += 1;
    cleared_by.clone_into(&mut one.cleared_by);
    if section.is_none() {
        one.restored_at = Some(work.at());
        work.clear_timer(UNTOLD, one.id).await?;
    }
    safety::save(work.conn(), &one).await?;
    changed(work, &one);
    let payload = OutageStep {
        outage_id: one.id.to_string(),
        step: if section.is_none() {
            "restored"
        } else {
            "section_restored"
        }
        .to_owned(),
        at: Some(timestamp(work.at())),
        restored_set_id: section.map(|set| set.to_string()).unwrap_or_default(),
        all: section.is_none(),
        ..OutageStep::default()
    };
    work.tell("outage.step", one.id, one.version, &one.org_path, &payload);
    let detail = json!({ "all": section.is_none(), "cleared_by": cleared_by });
    work.audit("safety.restored", one.id, detail);
    Ok(one)
}

fn changed(work: &mut Work, one: &SwitchOff) {
    let payload = OutageChanged {
        outage_id: one.id.to_string(),
        number: one.number.clone(),
        state: state(one).to_owned(),
        plan_no: 1,
        class: "SAFETY".to_owned(),
        affected_set_id: one.set.to_string(),
        affected_count: one.count.unsigned_abs(),
        off_at: Some(timestamp(one.switched_off_at)),
        on_at: one.expected_on_at.map(timestamp),
        switched_off_at: Some(timestamp(one.switched_off_at)),
        restored_at: one.restored_at.map(timestamp),
        line: one.device_ids.join(", "),
        area_zh: one.area_zh.clone(),
        area_en: one.area_en.clone(),
        device_ids: one.device_ids.clone(),
        position: one.lon.zip(one.lat).map(|(lon, lat)| Point { lon, lat }),
        zone: one.zone.clone(),
    };
    work.tell("outage.changed", one.id, one.version, &one.org_path, &payload);
}

/// off, restored.
pub fn state(one: &SwitchOff) -> &'static str {
    if one.restored_at.is_some() {
        "restored"
    } else {
        "off"
    }
}

fn notice(work: &mut Work, one: &SwitchOff, danger: Danger) {
    let (reason_zh, reason_en) = danger.said();
    let payload = OutageNotice {
        notice_id: relight_common::ids::derived(one.id, "safety").to_string(),
        outage_id: one.id.to_string(),
        number: one.number.clone(),
        plan_no: 1,
        kind: "safety".to_owned(),
        affected_set_id: one.set.to_string(),
        off_at: Some(timestamp(one.switched_off_at)),
        on_at: one.expected_on_at.map(timestamp),
        line: one.device_ids.join(", "),
        area_zh: one.area_zh.clone(),
        area_en: one.area_en.clone(),
        reason_zh: reason_zh.to_owned(),
        reason_en: reason_en.to_owned(),
        zone: one.zone.clone(),
        class: "SAFETY".to_owned(),
        ..OutageNotice::default()
    };
    work.tell("outage.notice", one.id, one.version, &one.org_path, &payload);
}

async fn alarm(work: &mut Work, one: &SwitchOff, what: &str, because: Said) -> Result<(), Error> {
    let about = About {
        outage: one.id,
        number: &one.number,
        version: one.version,
        org_path: &one.org_path,
        off_at: one.switched_off_at,
    };
    raise(work, about, what, because).await
}
