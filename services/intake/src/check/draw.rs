//! The sample of a restoration, and the neighbours of a meter that says there is no supply.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Work, ids::derived};

use super::{due, tell, wake};
use crate::{
    desk::Desk,
    domain::{
        check::sample::{Candidate, Rules, sample},
        incident::{Incident, State},
    },
    error::Error,
    store::{
        self,
        check::{Check, Row},
        incident::reporters,
    },
    topology::Town,
};

/// A day, for what is capped by it.
const DAY: TimeDelta = TimeDelta::days(1);

/// Draws the check of a restoration that `event` told of. Without a network nobody knows who hangs where: nobody is asked.
/// Nor when the incident was over before: then this was told already.
pub(crate) async fn draw(
    desk: &Desk,
    work: &mut Work,
    event: &str,
    incident: &Incident,
    loads: &BTreeSet<String>,
    restored_at: DateTime<Utc>,
) -> Result<(), Error> {
    let (numbers, now) = (&desk.numbers_of, desk.clock.now());
    let is_late = restored_at < now - numbers.limits.still_off;
    let Some(town) = desk
        .atlas
        .town()
        .filter(|_| incident.state == State::Open && !is_late)
    else {
        return Ok(());
    };
    let check = Check {
        id: derived(incident.id.uuid(), &format!("check\n{event}")),
        incident: incident.id,
        restored_at,
    };
    let restored = of_this_step(work, incident, loads).await?;
    if restored.is_empty() || numbers.checks.rules.most == 0 {
        return Ok(());
    }
    if !store::check::insert(work.conn(), &check, incident, restored.len(), now).await? {
        return Ok(());
    }
    let candidates = candidates(desk, work, &check, &town, &restored).await?;
    let picked = sample(check.id, candidates, &numbers.checks.rules);
    ask(desk, work, &check, picked).await.map(drop)
}

/// Those who came back with this step; all of them when everybody had been back before and the incident was opened again.
async fn of_this_step(
    work: &mut Work,
    incident: &Incident,
    loads: &BTreeSet<String>,
) -> Result<Vec<String>, Error> {
    let all: Vec<String> = loads.iter().cloned().collect();
    let before = store::check::restored_before(work.conn(), incident.id, &all).await?;
    let new: Vec<String> = all
        .iter()
        .filter(|load| !before.contains(*load))
        .cloned()
        .collect();
    Ok(if new.is_empty() { all } else { new })
}

/// Those of these loads who may be asked.
async fn candidates(
    desk: &Desk,
    work: &mut Work,
    check: &Check,
    town: &Town,
    loads: &[String],
) -> Result<Vec<Candidate>, Error> {
    let (numbers, now) = (&desk.numbers_of.checks, desk.clock.now());
    let per_day = i64::from(numbers.per_day);
    let alone = store::check::left_alone(work.conn(), check.incident, loads, now - DAY, per_day).await?;
    let meters = store::check::with_meter(work.conn(), loads, now - numbers.heard).await?;
    let asked = loads.iter().filter(|load| !alone.contains(*load));
    Ok(asked.filter_map(|load| candidate(town, load, &meters)).collect())
}

fn candidate(town: &Town, load: &str, meters: &HashSet<String>) -> Option<Candidate> {
    let place = town.place_of(town.grid().load(load)?);
    Some(Candidate {
        load: load.to_owned(),
        transformer: place.transformer_id,
        customer: place.customer_id,
        service_point: place.service_point_id,
        life_support: place.life_support,
        important: place.important,
        has_meter: meters.contains(load),
        org_path: place.org_path,
    })
}

/// Asks these: meters are listed for head-ends, customers are told to notify.
async fn ask(desk: &Desk, work: &mut Work, check: &Check, picked: Vec<Candidate>) -> Result<Vec<Row>, Error> {
    if picked.is_empty() {
        return Ok(Vec::new());
    }
    let incident = check.incident.uuid();
    let mut known = reporters(work.conn(), &[incident]).await?;
    let reported = known.remove(&check.incident).unwrap_or_default();
    let is_night = |one: &Candidate| {
        one.life_support
            || one
                .customer
                .is_some_and(|customer| reported.contains_key(&customer))
    };
    let picked: Vec<(Candidate, bool)> = picked
        .into_iter()
        .map(|one| (one.clone(), is_night(&one)))
        .collect();
    let (numbers, now) = (&desk.numbers_of.checks, desk.clock.now());
    let ends = |is_ping| due(numbers, is_ping, now);
    let rows = store::check::ask(work.conn(), check, &picked, ends, now).await?;
    let by_text: Vec<&Row> = rows.iter().filter(|row| row.texted).collect();
    tell(desk, work, check, &by_text, &[]).await?;
    wake(work, check.id).await?;
    metrics::counter!("relight_restoration_asked_total").increment(rows.len() as u64);
    Ok(rows)
}

/// A meter says "off": some neighbours below its transformer whose meters can be pinged are asked too, so that meters alone
/// can say it.
pub(super) async fn widen(desk: &Desk, work: &mut Work, off: &Row) -> Result<(), Error> {
    let Some(town) = desk.atlas.town() else {
        return Ok(());
    };
    let below = beside(&town, &off.load);
    let mut near = candidates(desk, work, &off.check, &town, &below).await?;
    near.retain(|one| one.has_meter);
    let rules = Rules {
        percent: 0,
        least: desk.numbers_of.checks.widen,
        most: desk.numbers_of.checks.widen,
    };
    let picked = sample(off.check.id, near, &rules);
    ask(desk, work, &off.check, picked).await.map(drop)
}

/// The loads below the same transformer.
fn beside(town: &Town, load: &str) -> Vec<String> {
    let grid = town.grid();
    let transformer = grid
        .load(load)
        .and_then(|load| grid.normal_supply().transformer(load));
    let loads = transformer
        .map(|device| grid.affected(device).dead_loads)
        .unwrap_or_default();
    loads
        .into_iter()
        .map(|load| grid.load_id(load).to_owned())
        .filter(|other| other != load)
        .collect()
}
