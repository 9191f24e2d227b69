//! The network changed: who is affected is taken again. Who is added needs a notice and the full lead of their own, who is
//! released is told (domain.md 5.5 no. 11 to 13).

use std::collections::BTreeSet;

use relight_common::Work;
use serde_json::json;
use uuid::Uuid;

use super::{alarm::ITSELF, step::save, tell};
use crate::{
    domain::{
        event::{Effect, Kind},
        outage::Worded,
    },
    error::Error,
    peers::Found,
    store::{
        outage::{Stored, Words},
        people, published,
    },
};

/// Takes the affected set anew.
///
/// # Errors
/// [`Error::Unfit`] once supply is off, and with words once the announcement is out; [`Error::Common`].
pub async fn refresh(
    work: &mut Work,
    one: &mut Stored,
    found: Found,
    words: Option<Words>,
) -> Result<(), Error> {
    if !one.life.state.is_before() {
        return Err(Error::Unfit(
            "the affected set stands once supply is off or the outage is over",
        ));
    }
    if words.is_some() && one.life.announced_at.is_some() {
        return Err(Error::Unfit(
            "the announcement is out: its area follows the set, and words of your own would have been read by nobody else; leave words out",
        ));
    }
    let at = work.at();
    let before: BTreeSet<Uuid> = people::customers(work.conn(), one.id)
        .await?
        .into_iter()
        .collect();
    let now: BTreeSet<Uuid> = found.affected.iter().map(|one| one.customer).collect();
    let added: Vec<Uuid> = now.difference(&before).copied().collect();
    let released: Vec<Uuid> = before.difference(&now).copied().collect();
    people::add(work.conn(), one.id, &found.affected, at).await?;
    people::release(work.conn(), one.id, &released, at).await?;
    if one.life.announced_at.is_some() {
        people::need_own_lead(work.conn(), one.id, &added).await?;
    }
    if words.is_some() && one.life.approval.is_some() {
        let by = work.actor().to_owned();
        one.life.worded = Some(Worded::unread(by, at));
    }
    reword(one, &found, words, added.len() + released.len() > 0);
    one.place = found.place;
    (one.network_added, one.network_released) = (0, 0);
    save(work, one).await?;
    if one.life.announced_at.is_some() {
        let by = work.actor().to_owned();
        published::follow(work.conn(), one, (&by, ITSELF), at).await?;
        told(work, one, Kind::Notice, &added).await?;
        told(work, one, Kind::Released, &released).await?;
    }
    let detail = json!({
        "affected_set_id": one.place.set, "grid_version": one.place.grid_version,
        "added": added.len(), "released": released.len(), "area_zh": one.words.area_zh,
    });
    work.audit("outage.refreshed", one.id, detail);
    Ok(())
}

/// What the public reads follows the set. Before the announcement it is as somebody words it, and an area somebody wrote stays theirs;
/// after it nobody may be left out of it, and it is as made from the addresses.
fn reword(one: &mut Stored, found: &Found, words: Option<Words>, differs: bool) {
    let as_made = one.words.area_zh == one.place.area_made;
    if let Some(words) = words {
        one.words = words;
    } else if as_made || (differs && one.life.announced_at.is_some()) {
        one.words.area_zh.clone_from(&found.area_zh);
        one.words.area_en.clone_from(&found.area_en);
    }
}

/// Tells these customers, if there are any.
///
/// # Errors
/// [`Error::Common`].
pub(super) async fn told(work: &mut Work, one: &Stored, kind: Kind, customers: &[Uuid]) -> Result<(), Error> {
    if customers.is_empty() {
        return Ok(());
    }
    let tells = Effect::Tell { kind, before: None };
    tell::effect(work, one, &tells, None, Some(customers)).await
}
