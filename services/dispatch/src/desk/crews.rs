//! Units and crews: put by the admin or a loader, told when their shift or order changes.

use relight_common::{Invalid, Work};

use super::tell;
use crate::{
    domain::ids::CrewId,
    error::Error,
    store::{
        crew::{self, Crew},
        crew_fact,
        unit::{self, Unit},
    },
};

/// Timer kind: a shift begins.
pub(crate) const SHIFT_START: &str = "shift.start";
/// Timer kind: a shift ends.
pub(crate) const SHIFT_END: &str = "shift.end";

/// Makes or replaces a unit.
///
/// # Errors
/// [`Error::Common`].
pub async fn put_unit(work: &mut Work, unit: &Unit) -> Result<(), Error> {
    unit::put(work.conn(), unit).await?;
    work.audit("unit.put", unit.id, serde_json::json!({ "name": unit.name }));
    Ok(())
}

/// Makes or replaces a crew with its members and its shift, and wakes when the shift begins and ends.
///
/// # Errors
/// [`Error::Common`] naming the field that is wrong, [`Error::NoSuchUnit`].
pub async fn put_crew(work: &mut Work, crew: &Crew) -> Result<(), Error> {
    check(crew)?;
    unit::get(work.conn(), crew.unit)
        .await?
        .ok_or(Error::NoSuchUnit(crew.unit))?;
    let version = crew::put(work.conn(), crew).await?;
    if let Some((starts_at, ends_at)) = crew.shift {
        for (kind, at) in [(SHIFT_START, starts_at), (SHIFT_END, ends_at)] {
            if at > work.at() {
                work.set_timer(kind, crew.id.uuid(), at, version).await?;
            }
        }
    }
    work.audit(
        "crew.put",
        crew.id,
        serde_json::json!({ "name": crew.name, "unit": crew.unit }),
    );
    tell(work, crew.id).await
}

/// Marks a crew as changed and tells how it stands now.
pub(super) async fn tell(work: &mut Work, id: CrewId) -> Result<(), Error> {
    tell_all(work, &[id]).await
}

/// The same for several.
pub(super) async fn tell_all(work: &mut Work, ids: &[CrewId]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let now = work.at();
    let mut told = crew::touch(work.conn(), ids).await?;
    for facts in crew_fact::many(work.conn(), ids, now).await? {
        let told = told.remove(&facts.id).ok_or(Error::NoSuchCrew(facts.id))?;
        let on_shift = facts.shift.is_some_and(|shift| shift.is_on(now));
        let active = facts.active.map(|(order, _)| order);
        tell::crew(work, facts.id.uuid(), &told, on_shift, active);
    }
    Ok(())
}

fn check(crew: &Crew) -> Result<(), Invalid> {
    if crew.members.iter().filter(|member| member.leader).count() > 1 {
        return Err(Invalid::new("members", "must have one leader at most"));
    }
    let mut people: Vec<_> = crew.members.iter().map(|member| &member.person_id).collect();
    people.sort_unstable();
    people.dedup();
    if people.len() < crew.members.len() {
        return Err(Invalid::new("members", "must name each person once"));
    }
    match crew.shift {
        Some((starts_at, ends_at))
            if ends_at <= starts_at || ends_at - starts_at > chrono::TimeDelta::hours(24) =>
        {
            Err(Invalid::new(
                "shift_end_at",
                "must lie after shift_start_at, by 24 hours at most",
            ))
        }
        _ => Ok(()),
    }
}
