//! Important customers who are down to one supply (operations.md O23): told within minutes, asked to answer, and when they are
//! silent their account manager and then the duty manager. What was told stays as the archive.

use relight_common::{Work, ids::derived, wire::timestamp};
use relight_policy::Pack;
use relight_proto::events::v1::OutageNotice;
use serde_json::json;
use uuid::Uuid;

use super::tell::{About, raise};
use crate::{
    domain::{
        reliability::{About as Kind, End, Rung, Stand, Step, Times, Verdict, judge},
        said::Said,
        window::Instant,
    },
    error::Error,
    store::{
        outage,
        reliability::{self as table, Warning},
        told::Evidence,
    },
};

/// Timer: the customer is told, or silence climbs.
pub const WATCH: &str = "reliability.watch";
/// Kind of the notice of a warning.
pub const TELLS: &str = "reliability";
/// Kind of the notice that a fault switched them off.
pub const FAULT: &str = "fault";
/// Kind of the notice of its end.
pub const ENDS: &str = "reliability_over";

/// How a customer is supplied, as the registry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Who.
    pub customer: Uuid,
    /// An important customer.
    pub important: bool,
    /// How they stand.
    pub stand: Stand,
    /// Supplies as drawn, and with supply now.
    pub supplies: (i32, i32),
    /// Org unit of the supply concerned.
    pub org_path: String,
    /// IANA zone.
    pub zone: String,
    /// Streets of the supplies concerned, Chinese and English.
    pub area: [String; 2],
}

/// What was switched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    /// The device; empty: the network as a whole is another one.
    pub device_id: String,
    /// What for.
    pub basis_kind: String,
    /// The incident or outage.
    pub basis_id: Option<Uuid>,
    /// When.
    pub at: Instant,
}

/// What a switching means for one customer. Who was told that a fault has one of their supplies is not told once more that one is
/// left; who was to be told so hears that one is left.
///
/// # Errors
/// [`Error::Common`].
pub async fn looked(work: &mut Work, pack: &Pack, by: &Switched, at: &Looked) -> Result<(), Error> {
    table::alone(work.conn(), at.customer).await?;
    let open = table::open_of(work.conn(), at.customer, Kind::Supply).await?;
    match (judge(at.stand, at.important, open.is_some()), open) {
        (Verdict::Begin, _) => {
            let fault = table::open_of(work.conn(), at.customer, Kind::Fault).await?;
            match fault {
                Some(one) if one.told_at.is_none() && one.supplied > 0 => {
                    one_left(work, one, at.supplies).await
                }
                Some(_) => Ok(()),
                None => begin(work, pack, (Kind::Supply, None), by, at).await,
            }
        }
        (Verdict::End(how), Some(one)) => end(work, one, (how, by.at), at.supplies.1).await,
        _ => Ok(()),
    }
}

/// What is known of the network says more than that a fault has a part of them, which nobody was told yet.
async fn one_left(work: &mut Work, mut one: Warning, supplies: (i32, i32)) -> Result<(), Error> {
    one.kind = Kind::Supply.word().to_owned();
    (one.supplies, one.supplied) = supplies;
    save(work, &mut one).await?;
    work.audit(
        "reliability.one_left",
        one.id,
        json!({ "supplied": one.supplied }),
    );
    watch(work, &one).await
}

/// Somebody for whom a warning is open is no customer with several supplies any more.
///
/// # Errors
/// [`Error::Common`].
pub async fn gone(work: &mut Work, customer: Uuid, at: Instant) -> Result<(), Error> {
    match table::open_of(work.conn(), customer, Kind::Supply).await? {
        Some(one) => {
            let supplied = one.supplied;
            end(work, one, (End::Gone, at), supplied).await
        }
        None => Ok(()),
    }
}

/// `etr_at`: of a fault, when supply is expected back.
pub(super) async fn begin(
    work: &mut Work,
    pack: &Pack,
    (kind, etr_at): (Kind, Option<Instant>),
    by: &Switched,
    at: &Looked,
) -> Result<(), Error> {
    // Whoever keeps a supply waits for what a transfer brings, whatever took the other.
    let told_as = if at.supplies.1 > 0 { Kind::Supply } else { kind };
    let times = Times::of(pack, told_as, work.at());
    let seconds = |span: chrono::TimeDelta| i32::try_from(span.num_seconds()).unwrap_or(i32::MAX);
    let zone = at.zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let day = work.at().with_timezone(&zone).date_naive();
    let one = Warning {
        id: Uuid::now_v7(),
        number: outage::next_number(work.conn(), "W", day).await?,
        version: 1,
        kind: kind.word().to_owned(),
        customer_id: at.customer,
        org_path: at.org_path.clone(),
        zone: at.zone.clone(),
        supplies: at.supplies.0,
        supplied: at.supplies.1,
        area_zh: at.area[0].clone(),
        area_en: at.area[1].clone(),
        device_id: by.device_id.clone(),
        basis_kind: by.basis_kind.clone(),
        basis_id: by.basis_id,
        since_at: by.at,
        told_at: None,
        served_at: None,
        served_channel: None,
        acknowledged_at: None,
        acknowledged_by: None,
        acknowledged_channel: None,
        text: None,
        escalated_to: None,
        escalated_at: None,
        closed_at: None,
        closed_by: None,
        note: None,
        ended_at: None,
        ended_as: None,
        etr_at,
        tell_after_s: seconds(times.tell),
        account_manager_after_s: seconds(times.account_manager),
        duty_manager_after_s: seconds(times.duty_manager),
    };
    table::insert(work.conn(), &one).await?;
    let detail =
        json!({ "customer_id": one.customer_id, "device_id": one.device_id, "supplied": one.supplied });
    work.audit("reliability.began", one.id, detail);
    watch(work, &one).await
}

pub(super) async fn end(
    work: &mut Work,
    mut one: Warning,
    (how, at): (End, Instant),
    supplied: i32,
) -> Result<(), Error> {
    (one.ended_at, one.ended_as) = (Some(at), Some(how.word().to_owned()));
    one.supplied = supplied.min(one.supplies);
    save(work, &mut one).await?;
    // That supply is back after a fault is told as to everybody.
    if how == End::Restored && one.told_at.is_some() && !one.is_fault() {
        notice(work, &one, ENDS);
    }
    work.audit("reliability.ended", one.id, json!({ "as": how.word() }));
    watch(work, &one).await
}

/// Sets the timer of what time brings next, or takes it back.
async fn watch(work: &mut Work, one: &Warning) -> Result<(), Error> {
    match one.progress().next() {
        Some((at, _)) => Ok(work.set_timer(WATCH, one.id, at, one.version).await?),
        None => Ok(work.clear_timer(WATCH, one.id).await?),
    }
}

/// Its time came.
///
/// # Errors
/// [`Error::NoSuchWarning`], [`Error::Common`].
pub async fn fire(work: &mut Work, id: Uuid) -> Result<(), Error> {
    let mut one = table::lock(work.conn(), id).await?;
    match one.progress().next() {
        Some((at, step)) if at <= work.at() => match step {
            Step::Tell => tell(work, &mut one).await?,
            Step::Escalate(rung) => escalate(work, &mut one, rung).await?,
        },
        _ => {}
    }
    watch(work, &one).await
}

async fn tell(work: &mut Work, one: &mut Warning) -> Result<(), Error> {
    one.told_at = Some(work.at());
    save(work, one).await?;
    notice(work, one, if one.is_fault() { FAULT } else { TELLS });
    work.audit(
        "reliability.told",
        one.id,
        json!({ "customer_id": one.customer_id }),
    );
    if one.is_fault() {
        let (zh, what) = match one.supplied {
            0 => ("因故障停电", "is off by a fault"),
            _ => ("因故障失去一路电源", "has lost one of their supplies by a fault"),
        };
        let because = Said::new(
            format!("一户重要客户{zh}：已告知，须其确认"),
            format!("an important customer {what}: they are told and have to confirm"),
        );
        return alarm(work, one, FAULT, because).await;
    }
    let (left, all) = (one.supplied, one.supplies);
    let because = Said::new(
        format!("一户重要客户{all}路电源仅剩{left}路：已告知，须其确认"),
        format!("an important customer has {left} of {all} supplies left: they are told and have to confirm"),
    );
    alarm(work, one, "reliability", because).await
}

async fn escalate(work: &mut Work, one: &mut Warning, rung: Rung) -> Result<(), Error> {
    (one.escalated_to, one.escalated_at) = (Some(rung.word().to_owned()), Some(work.at()));
    save(work, one).await?;
    work.audit("reliability.escalated", one.id, json!({ "to": rung.word() }));
    let because = match one.is_fault() {
        true => Said::new(
            "一户因故障停电的重要客户未确认：请致电",
            "an important customer who is off by a fault has not acknowledged: call them",
        ),
        false => Said::new(
            "一户仅剩一路电源的重要客户未确认",
            "an important customer down to one supply has not acknowledged",
        ),
    };
    alarm(work, one, rung.word(), because).await
}

/// What the customer said, and how it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Verbatim.
    pub text: String,
    /// call, visit, esign.
    pub channel: String,
}

/// The customer answered; the first answer stays.
///
/// # Errors
/// [`Error::Common`].
pub async fn acknowledge(work: &mut Work, mut one: Warning, answer: Answer) -> Result<Warning, Error> {
    if one.acknowledged_at.is_some() {
        return Ok(one);
    }
    let by = work.actor().to_owned();
    work.audit(
        "reliability.acknowledged",
        one.id,
        json!({ "channel": answer.channel }),
    );
    (one.acknowledged_at, one.acknowledged_by) = (Some(work.at()), Some(by));
    (one.text, one.acknowledged_channel) = (Some(answer.text), Some(answer.channel));
    save(work, &mut one).await?;
    watch(work, &one).await?;
    Ok(one)
}

/// The duty manager takes the silence on; the first one stays.
///
/// # Errors
/// [`Error::Unfit`] before it climbed to them, [`Error::Common`].
pub async fn close(work: &mut Work, mut one: Warning, note: String) -> Result<Warning, Error> {
    if one.closed_at.is_some() {
        return Ok(one);
    }
    if one.escalated_to.as_deref() != Some(Rung::DutyManager.word()) {
        return Err(Error::Unfit("the silence is not with the duty manager yet"));
    }
    let by = work.actor().to_owned();
    (one.closed_at, one.closed_by, one.note) = (Some(work.at()), Some(by), Some(note));
    save(work, &mut one).await?;
    work.audit("reliability.closed", one.id, json!({}));
    watch(work, &one).await?;
    Ok(one)
}

/// notify tells what became of the notice: delivered is proof, a stranger's number takes it back.
///
/// # Errors
/// [`Error::NoSuchWarning`], [`Error::Common`].
pub async fn served(
    work: &mut Work,
    id: Uuid,
    proofs: &[Evidence],
    strangers: &[(Uuid, String)],
) -> Result<(), Error> {
    let mut one = table::lock(work.conn(), id).await?;
    let before = one.clone();
    let mine = proofs.iter().filter(|proof| proof.customer == one.customer_id);
    if let Some(first) = mine
        .min_by_key(|proof| proof.at)
        .filter(|_| one.served_at.is_none())
    {
        (one.served_at, one.served_channel) = (Some(first.at), Some(first.channel.clone()));
    }
    let is_proof = |(customer, channel): &(Uuid, String)| {
        *customer == before.customer_id && one.served_channel.as_ref() == Some(channel)
    };
    let fell = strangers.iter().any(is_proof);
    if fell {
        (one.served_at, one.served_channel) = (None, None);
    }
    if one == before {
        return Ok(());
    }
    save(work, &mut one).await?;
    if fell && one.ended_at.is_none() {
        let because = Said::new(
            "一户重要客户的预警发到了他人的号码",
            "the warning of an important customer went to somebody else's number",
        );
        alarm(work, &one, "wrong_person", because).await?;
    }
    Ok(())
}

pub(super) async fn save(work: &mut Work, one: &mut Warning) -> Result<(), Error> {
    one.version += 1;
    table::save(work.conn(), one).await
}

fn notice(work: &mut Work, one: &Warning, kind: &str) {
    let at = match kind {
        ENDS => one.ended_at,
        FAULT => one.etr_at,
        _ => None,
    };
    let payload = OutageNotice {
        notice_id: derived(one.id, kind).to_string(),
        outage_id: one.id.to_string(),
        number: one.number.clone(),
        plan_no: 1,
        kind: kind.to_owned(),
        customer_ids: vec![one.customer_id.to_string()],
        off_at: Some(timestamp(one.since_at)),
        on_at: at.map(timestamp),
        area_zh: one.area_zh.clone(),
        area_en: one.area_en.clone(),
        zone: one.zone.clone(),
        class: if one.is_fault() { "FAULT" } else { "RELIABILITY" }.to_owned(),
        ..OutageNotice::default()
    };
    work.tell("outage.notice", one.id, one.version, &one.org_path, &payload);
}

async fn alarm(work: &mut Work, one: &Warning, what: &str, because: Said) -> Result<(), Error> {
    let about = About {
        outage: one.id,
        number: &one.number,
        version: one.version,
        org_path: &one.org_path,
        off_at: one.since_at,
    };
    raise(work, about, what, because).await
}
