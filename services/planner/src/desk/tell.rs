//! What others are told. Customers are named by id only where not everybody in the set is meant.

use relight_common::{Work, wire::timestamp};
use relight_proto::{
    common::v1::Point,
    events::v1::{ContactWrong, OutageAlarm, OutageChanged, OutageNotice, OutageStep},
};
use uuid::Uuid;

use crate::{
    domain::{
        call::Call,
        event::{Effect, Kind},
        said::Said,
        window::{Instant, Window},
    },
    error::Error,
    store::{
        alarm::{self, Alarm},
        consecutive::{self, Neighbour},
        outage::Stored,
    },
};

/// The whole state of an outage.
pub fn changed(work: &mut Work, one: &Stored) {
    let (life, place) = (&one.life, &one.place);
    let payload = OutageChanged {
        outage_id: one.id.to_string(),
        number: one.number.clone(),
        state: life.state.word().to_owned(),
        plan_no: life.plan_no,
        class: life.class.told().to_owned(),
        affected_set_id: place.set.to_string(),
        affected_count: place.count.unsigned_abs(),
        off_at: Some(timestamp(life.window.off_at)),
        on_at: Some(timestamp(life.window.on_at)),
        switched_off_at: life.switched_off_at.map(timestamp),
        restored_at: life.restored_at.map(timestamp),
        line: one.words.line.clone(),
        area_zh: one.words.area_zh.clone(),
        area_en: one.words.area_en.clone(),
        device_ids: place.device_ids.clone(),
        position: place.position.map(|(lon, lat)| Point { lon, lat }),
        zone: place.zone.clone(),
    };
    work.tell(
        "outage.changed",
        one.id.uuid(),
        one.version,
        &place.org_path,
        &payload,
    );
}

/// What follows from a change; `customers`: when only these are meant.
///
/// # Errors
/// [`Error::Common`].
pub async fn effect(
    work: &mut Work,
    one: &Stored,
    effect: &Effect,
    section: Option<Uuid>,
    customers: Option<&[Uuid]>,
) -> Result<(), Error> {
    match effect {
        Effect::Tell { kind, before } => {
            let also = match kind {
                Kind::Notice | Kind::Reminder => consecutive::named(work.conn(), one).await?,
                _ => None,
            };
            notice(work, one, (*kind, *before), customers, also);
        }
        Effect::Back { all: true, at } => back(work, one, ("restored", *at), None),
        Effect::Back { all: false, at } => back(work, one, ("section_restored", *at), section),
        Effect::HandedOver { at } => back(work, one, ("handed_over", *at), None),
        Effect::Alarm { what, because } => alarm(work, one, what, because.clone()).await?,
        Effect::Publish | Effect::EndPlan { .. } | Effect::Off => {}
    }
    Ok(())
}

/// The number of this call is somebody else's. Each call is a subject of its own.
pub(super) fn contact_wrong(work: &mut Work, one: &Stored, customer: Uuid, called: &Call, by: &str) {
    let payload = ContactWrong {
        call_id: called.id.to_string(),
        customer_id: customer.to_string(),
        contact_id: called.contact.to_string(),
        called_by: by.to_owned(),
    };
    work.tell("contact.wrong", called.id, 1, &one.place.org_path, &payload);
}

/// Orders one notice. A void one is about the plan before: its window, its number.
fn notice(
    work: &mut Work,
    one: &Stored,
    (kind, before): (Kind, Option<Window>),
    customers: Option<&[Uuid]>,
    also: Option<Neighbour>,
) {
    let plan_no = match kind {
        Kind::Void => one.life.plan_no - 1,
        _ => one.life.plan_no,
    };
    let off_at = match kind {
        Kind::LateStart => one.life.starts_at(),
        _ => one.life.window.off_at,
    };
    let payload = OutageNotice {
        notice_id: one.id.notice(work.cause(), kind.word()).to_string(),
        outage_id: one.id.to_string(),
        number: one.number.clone(),
        plan_no,
        kind: kind.word().to_owned(),
        affected_set_id: one.place.set.to_string(),
        customer_ids: customers
            .unwrap_or_default()
            .iter()
            .map(Uuid::to_string)
            .collect(),
        off_at: Some(timestamp(off_at)),
        on_at: Some(timestamp(one.life.window.on_at)),
        previous_off_at: before.map(|window| timestamp(window.off_at)),
        previous_on_at: before.map(|window| timestamp(window.on_at)),
        line: one.words.line.clone(),
        area_zh: one.words.area_zh.clone(),
        area_en: one.words.area_en.clone(),
        reason_zh: one.words.reason_zh.clone(),
        reason_en: one.words.reason_en.clone(),
        zone: one.place.zone.clone(),
        class: one.life.class.told().to_owned(),
        also_affected_set_id: also
            .as_ref()
            .map(|other| other.set.to_string())
            .unwrap_or_default(),
        also_off_at: also.as_ref().map(|other| timestamp(other.off_at)),
        also_on_at: also.map(|other| timestamp(other.on_at)),
    };
    work.tell(
        "outage.notice",
        one.id.uuid(),
        one.version,
        &one.place.org_path,
        &payload,
    );
}

/// `section`: none means everybody who was still off because of it.
fn back(work: &mut Work, one: &Stored, (step, at): (&str, Instant), section: Option<Uuid>) {
    let payload = OutageStep {
        outage_id: one.id.to_string(),
        step: step.to_owned(),
        at: Some(timestamp(at)),
        restored_set_id: section.map_or_else(String::new, |set| set.to_string()),
        all: step != "section_restored",
        restored_count: one.life.restored_of(one.place.count.unsigned_abs()),
    };
    work.tell(
        "outage.step",
        one.id.uuid(),
        one.version,
        &one.place.org_path,
        &payload,
    );
}

/// An outage is not where it has to be by now.
///
/// # Errors
/// [`Error::Common`].
pub async fn alarm(work: &mut Work, one: &Stored, what: &str, because: Said) -> Result<(), Error> {
    let about = About {
        outage: one.id.uuid(),
        number: &one.number,
        version: one.version,
        org_path: &one.place.org_path,
        off_at: one.life.window.off_at,
    };
    raise(work, about, what, because).await
}

/// What an alarm is about.
pub(crate) struct About<'a> {
    pub(crate) outage: Uuid,
    pub(crate) number: &'a str,
    pub(crate) version: i64,
    pub(crate) org_path: &'a str,
    pub(crate) off_at: Instant,
}

/// Stores an alarm for the desk and tells it.
pub(crate) async fn raise(work: &mut Work, about: About<'_>, what: &str, because: Said) -> Result<(), Error> {
    metrics::counter!("relight_outage_alarms_total", "what" => what.to_owned()).increment(1);
    let alarm = Alarm {
        id: Uuid::now_v7(),
        outage: about.outage,
        number: about.number.to_owned(),
        org_path: about.org_path.to_owned(),
        what: what.to_owned(),
        because: because.en,
        because_zh: because.zh,
        off_at: about.off_at,
        raised_at: work.at(),
        acknowledged_at: None,
        acknowledged_by: None,
    };
    alarm::raise(work.conn(), &alarm).await?;
    let payload = OutageAlarm {
        outage_id: about.outage.to_string(),
        number: alarm.number,
        what: alarm.what,
        because: alarm.because,
        because_zh: alarm.because_zh,
        off_at: Some(timestamp(about.off_at)),
    };
    work.tell(
        "outage.alarm",
        about.outage,
        about.version,
        about.org_path,
        &payload,
    );
    Ok(())
}
