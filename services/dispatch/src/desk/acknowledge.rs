//! Somebody takes note of an alarm, by name; it no longer climbs.

use relight_common::{Claims, Work};
use relight_policy::Pack;

use super::{Change, rights};
use crate::{
    domain::{
        clock::{Level, Name},
        ids::OrderId,
    },
    error::Error,
    store::clock,
};

/// Acknowledges the alarm `level` of the order's clock `name`.
///
/// # Errors
/// [`Error::NoSuchAlarm`], [`Error::Denied`], [`Error::NoSuchOrder`].
pub async fn acknowledge(
    work: &mut Work,
    pack: &Pack,
    claims: &Claims,
    (id, name, level): (OrderId, Name, Level),
) -> Result<(), Error> {
    let mut change = Change::of(work, pack, id).await?;
    let order = &change.order;
    if !rights::may_decide(claims, &order.org_path, order.state.unit()) {
        return Err(Error::Denied(
            "a dispatcher of that area or the desk of the order's unit acknowledges alarms",
        ));
    }
    let missing = Error::NoSuchAlarm {
        clock: name.word(),
        level: level.word(),
    };
    let clocks = clock::latest(change.work.conn(), &[id.uuid()]).await?;
    let Some(clock) = clocks.into_iter().find(|clock| clock.name == name) else {
        return Err(missing);
    };
    if clock.level == level && clock.acknowledged_by.is_some() {
        return Ok(());
    }
    let now = change.work.at();
    if !clock::acknowledge(change.work.conn(), clock.id, level, &claims.actor, now).await? {
        return Err(missing);
    }
    change.bump();
    change.tell_alarm(&clock, level, clock.escalation, Some(&claims.actor));
    let audited = serde_json::json!({ "clock": name.word(), "level": level.word() });
    change.work.audit("order.alarm_acknowledged", id, audited);
    change.finish().await.map(drop)
}
