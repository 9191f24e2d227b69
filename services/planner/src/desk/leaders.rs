//! Leaders come to work and clear. Supply returns only when each of them said so for themselves (operations.md O2).

use relight_common::Work;
use serde_json::json;
use uuid::Uuid;

use super::step::save;
use crate::{
    domain::outage::State,
    error::Error,
    store::{
        leader::{self, Clearance, Leader},
        outage::Stored,
    },
};

/// A leader comes to work; `crew`: their own phone says so. Also while supply returns: whoever is on the line must be known.
///
/// # Errors
/// [`Error::Unfit`], [`Error::Common`].
pub async fn check_in(
    work: &mut Work,
    one: &mut Stored,
    (team, name): (&str, &str),
    crew: Option<Uuid>,
) -> Result<(), Error> {
    if one.life.state != State::Ready && !one.life.state.is_off() {
        return Err(Error::Unfit(
            "leaders check in once the outage is ready and until supply is back",
        ));
    }
    let at = work.at();
    leader::check_in(work.conn(), one.id, (team, name), crew, at).await?;
    work.audit(
        "outage.checked_in",
        one.id,
        json!({ "team": team, "crew_id": crew }),
    );
    save(work, one).await
}

/// A leader says: people out, earths off, ticket ended. `crew`: the phone of that crew says so; else the control room heard it,
/// `heard_by` (empty: whoever records it).
///
/// # Errors
/// [`Error::Unfit`], [`Error::Common`].
pub async fn clear(
    work: &mut Work,
    one: &mut Stored,
    (team, name): (&str, &str),
    crew: Option<Uuid>,
    heard_by: &str,
) -> Result<(), Error> {
    let known = leader::all(work.conn(), one.id).await?;
    let Some(leader) = meant(&known, (team, name), crew)? else {
        return Ok(());
    };
    let by = work.actor().to_owned();
    let heard_by = if heard_by.is_empty() { &by } else { heard_by };
    let clearance = Clearance {
        by: &by,
        heard_by: crew.is_none().then_some(heard_by),
        at: work.at(),
    };
    leader::clear(work.conn(), one.id, leader, clearance).await?;
    let detail = json!({ "team": leader.team, "crew_id": crew, "heard_by": clearance.heard_by });
    work.audit("outage.cleared", one.id, detail);
    save(work, one).await
}

/// Who clears; none: they have. A crew clears nobody but whom its own phone checked in.
fn meant<'a>(
    known: &'a [Leader],
    (team, name): (&str, &str),
    crew: Option<Uuid>,
) -> Result<Option<&'a Leader>, Error> {
    let named = |one: &&Leader| one.name == name && (team.is_empty() || one.team == team);
    let named: Vec<_> = known.iter().filter(named).collect();
    if named.is_empty() {
        return Err(Error::Unfit("nobody of that name and team is checked in"));
    }
    let own = |one: &&&Leader| crew.is_none() || one.crew_id == crew;
    let own: Vec<_> = named.iter().filter(own).collect();
    let mut open = own.iter().filter(|one| one.cleared_at.is_none());
    match (own.is_empty(), open.next(), open.next()) {
        (true, ..) => Err(Error::Unfit(
            "a crew clears only whom its own phone checked in; tell the control room, which records what it heard",
        )),
        (_, Some(_), Some(_)) => Err(Error::Unfit(
            "several leaders of that name are at work; say the team too",
        )),
        (_, open, _) => Ok(open.map(|one| **one)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leader(team: &str, crew: Option<u128>, cleared: bool) -> Leader {
        let at = "2026-03-09T01:00:00Z".parse().unwrap();
        Leader {
            name: "Wang".to_owned(),
            team: team.to_owned(),
            crew_id: crew.map(Uuid::from_u128),
            checked_in_at: at,
            cleared_at: cleared.then_some(at),
            cleared_by: None,
            heard_by: None,
        }
    }

    /// Two leaders called Wang are two clearances, and a crew speaks for its own only.
    #[test]
    fn a_clearance_is_of_one_leader_who_is_at_work() {
        let both = [leader("Line 3", None, false), leader("Line 4", Some(7), false)];
        let team = |known: &[Leader], team: &str, name: &str, crew: Option<u128>| {
            let found = meant(known, (team, name), crew.map(Uuid::from_u128));
            found
                .map(|one| one.map(|one| one.team.clone()))
                .map_err(|error| error.to_string())
        };
        let some = |team: &str| Ok(Some(team.to_owned()));
        assert!(
            team(&both, "", "Wang", None)
                .unwrap_err()
                .contains("say the team")
        );
        assert_eq!(team(&both, "Line 3", "Wang", None), some("Line 3"));
        assert_eq!(team(&both, "", "Wang", Some(7)), some("Line 4"));
        assert!(
            team(&both, "Line 3", "Wang", Some(7))
                .unwrap_err()
                .contains("its own")
        );
        assert!(team(&both, "", "Wu", None).unwrap_err().contains("nobody"));
        let one_left = [leader("Line 3", None, true), leader("Line 4", Some(7), false)];
        assert_eq!(team(&one_left, "", "Wang", None), some("Line 4"));
        assert_eq!(team(&one_left, "Line 3", "Wang", None), Ok(None), "they have");
    }
}
