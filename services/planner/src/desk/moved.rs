//! People move, networks change: what that means for an outage that is announced or being planned.

use relight_common::Work;
use relight_policy::Pack;
use serde_json::json;
use uuid::Uuid;

use super::{
    refresh::told,
    step::{law, save, zone_of},
    tell,
};
use crate::{
    domain::{
        event::Kind,
        ids::OutageId,
        said::{Said, clock},
    },
    error::Error,
    store::{
        outage::{self, Stored},
        people::{self, Affected},
    },
};

/// Where a customer stands to an outage, as the registry says it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The outage.
    pub outage: Uuid,
    /// The set that was looked at.
    pub set: Uuid,
    /// Who.
    pub customer: Uuid,
    /// What they are to it; none: no supply point of theirs is in the set.
    pub stands: Option<Affected>,
}

/// How far the network is from the one an outage was planned on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The outage.
    pub outage: Uuid,
    /// The set that was looked at.
    pub set: Uuid,
    /// Customers who would be added.
    pub added: u32,
    /// Customers who would be released.
    pub released: u32,
}

/// Somebody moved in or out of a planned outage, or became somebody who has to be told otherwise. Before the announcement
/// nobody knows of it: the list is kept right, and the notice goes to whoever is in it then.
///
/// # Errors
/// [`Error::Common`].
pub async fn customer(work: &mut Work, pack: &Pack, moved: &Moved) -> Result<(), Error> {
    let Some(mut one) = still(work, moved.outage, moved.set).await? else {
        return Ok(());
    };
    let known = match people::affected(work.conn(), one.id, moved.customer).await {
        Ok(known) => Some(known),
        Err(Error::NotAffected(_)) => None,
        Err(other) => return Err(other),
    };
    let at = work.at();
    match (known, moved.stands) {
        (None, Some(new)) => joined(work, pack, &mut one, new).await,
        (Some(_), None) => {
            people::release(work.conn(), one.id, &[moved.customer], at).await?;
            save(work, &mut one).await?;
            if one.life.announced_at.is_some() {
                told(work, &one, Kind::Released, &[moved.customer]).await?;
            }
            Ok(())
        }
        (Some(known), Some(new)) if known != new => {
            people::add(work.conn(), one.id, &[new], at).await?;
            work.audit(
                "outage.recipient_changed",
                one.id,
                json!({ "customer": moved.customer }),
            );
            save(work, &mut one).await
        }
        _ => Ok(()),
    }
}

/// As long before as people are reminded and earlier a notice reaches them in time; later a person calls.
async fn joined(work: &mut Work, pack: &Pack, one: &mut Stored, new: Affected) -> Result<(), Error> {
    let at = work.at();
    if one.life.announced_at.is_none() {
        people::add(work.conn(), one.id, &[new], at).await?;
        return save(work, one).await;
    }
    people::join(work.conn(), one.id, new, at).await?;
    save(work, one).await?;
    let in_time = at <= one.life.window.off_at - law(pack, one).remind_before(&one.life);
    if in_time {
        told(work, one, Kind::Notice, &[new.customer]).await?;
    } else {
        let (customer, starts_at) = (new.customer, clock(one.life.starts_at(), zone_of(one)));
        let because = Said::new(
            format!("客户{customer}新入住：请在{starts_at}前致电"),
            format!("customer {customer} moved in: call them before {starts_at}"),
        );
        tell::alarm(work, one, "late_joiner", because).await?;
    }
    let detail = json!({ "customer": new.customer, "by_notice": in_time });
    work.audit("outage.late_joiner", one.id, detail);
    Ok(())
}

/// The network changed: said once per difference; the gate holds while somebody would be added.
///
/// # Errors
/// [`Error::Common`].
pub async fn network(work: &mut Work, differs: &Difference) -> Result<(), Error> {
    let Some(mut one) = still(work, differs.outage, differs.set).await? else {
        return Ok(());
    };
    let numbers = (clamped(differs.added), clamped(differs.released));
    if (one.network_added, one.network_released) == numbers {
        return Ok(());
    }
    (one.network_added, one.network_released) = numbers;
    save(work, &mut one).await?;
    let detail = json!({ "added": differs.added, "released": differs.released });
    work.audit("outage.network_changed", one.id, detail);
    if differs.added + differs.released > 0 {
        let (added, released) = (differs.added, differs.released);
        let because = Said::new(
            format!("电网结构有变化：将增加{added}户、减少{released}户；请重新计算影响范围"),
            format!(
                "the network changed: {added} customers would be added and {released} released; take the affected set again"
            ),
        );
        tell::alarm(work, &one, "network", because).await?;
    }
    Ok(())
}

fn clamped(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The outage, if what was found out about it is still about its present set, and supply is on.
async fn still(work: &mut Work, id: Uuid, set: Uuid) -> Result<Option<Stored>, Error> {
    let one = outage::lock(work.conn(), OutageId::from_uuid(id)).await?;
    Ok(Some(one).filter(|one| one.life.state.is_before() && one.place.set == set))
}
