//! A new outage: what opens, who is affected, what people are told.

use relight_common::Work;
use relight_policy::Pack;
use serde_json::json;
use uuid::Uuid;

use super::{
    step::{law, zone_of},
    tell,
};
use crate::{
    domain::{
        form::Template,
        ids::OutageId,
        outage::{Class, Outage},
        window::Window,
    },
    error::Error,
    store::{
        individually,
        outage::{self, Place, Stored, Words},
        people::{self, Affected},
        requester,
    },
};

/// Everything a draft says.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Chosen by the sender.
    pub id: OutageId,
    /// When.
    pub window: Window,
    /// What people are told.
    pub words: Words,
    /// What it has to hold.
    pub template: &'static Template,
    /// What opens, who is affected.
    pub place: Place,
    /// Everybody affected.
    pub affected: Vec<Affected>,
    /// Who asked for it, and how; none: nobody did.
    pub request: Option<(Uuid, String)>,
}

/// Stores a draft with everybody it affects.
///
/// # Errors
/// [`Error::IdTaken`], [`Error::NotAffected`] when who asked for it is not, [`Error::Common`].
pub async fn draft(work: &mut Work, pack: &Pack, draft: Draft) -> Result<Stored, Error> {
    let (author, at) = (work.actor().to_owned(), work.at());
    let asked = draft.request.as_ref().map(|(customer, _)| *customer);
    if let Some(stranger) = asked.filter(|asked| draft.affected.iter().all(|one| one.customer != *asked)) {
        return Err(Error::NotAffected(stranger));
    }
    let mut one = Stored {
        id: draft.id,
        number: String::new(),
        version: 1,
        place: draft.place,
        words: draft.words,
        above_count: 0,
        above_hours: 0,
        conflicts: Vec::new(),
        template: draft.template.word.clone(),
        justification: String::new(),
        note: String::new(),
        order_number: String::new(),
        crew_name: String::new(),
        network_added: 0,
        network_released: 0,
        life: Outage::draft(author, draft.window),
    };
    if let Some((customer, note)) = draft.request {
        one.life.class = Class::CustomerRequest { customer, note };
    }
    let day = at.with_timezone(&zone_of(&one)).date_naive();
    one.number = outage::next_number(work.conn(), "P", day).await?;
    if !outage::insert(work.conn(), &one, at).await? {
        return Err(Error::IdTaken(one.id.uuid()));
    }
    individually::classes(work.conn(), one.id, &law(pack, &one).told_individually(at)).await?;
    people::add(work.conn(), one.id, &draft.affected, at).await?;
    if let Some(customer) = asked {
        requester::asked_for_it(work.conn(), (one.id, customer), one.life.window, at).await?;
    }
    tell::changed(work, &one);
    work.audit("outage.drafted", one.id, facts(&one));
    Ok(one)
}

fn facts(one: &Stored) -> serde_json::Value {
    json!({
        "number": one.number,
        "class": one.life.class,
        "template": one.template,
        "device_ids": one.place.device_ids,
        "affected_set_id": one.place.set,
        "grid_version": one.place.grid_version,
        "affected_count": one.place.count,
        "off_at": one.life.window.off_at,
        "on_at": one.life.window.on_at,
    })
}
