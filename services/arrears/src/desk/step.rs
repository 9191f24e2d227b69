//! One event on one case: the machine, then what time alone does, until nothing changes.

use std::sync::Arc;

use relight_common::{Work, wire::timestamp};
use relight_proto::events::v1::ArrearsChanged;
use serde_json::json;
use uuid::Uuid;

use super::{
    breach,
    fired::{LOOK, RECONNECT, Spot, wake},
    message,
};
use crate::{
    domain::{
        Case, Effect, Event, Facts, Instant, Law, Release, Site, State, class::Class, message::Kind,
        money::Terms, next_look, transition,
    },
    error::Error,
    store::{
        self,
        case::{self, Step, Stored},
        notice, release,
    },
};

/// The rules of this house.
#[derive(Debug, Clone)]
pub struct House {
    /// What is lawful.
    pub law: Arc<Law>,
    /// Our own numbers.
    pub terms: Terms,
}

impl House {
    /// The facts of one moment.
    pub fn facts<'a>(&'a self, site: &'a Site, release: Option<&'a Release>) -> Facts<'a> {
        Facts {
            law: &self.law,
            terms: &self.terms,
            premises: site.premises,
            locks: &site.locks,
            release,
        }
    }
}

/// Carries `event` out on `stored` and saves every step it led to. Returns whether anything changed.
pub(super) async fn step(
    work: &mut Work,
    stored: &mut Stored,
    event: &Event,
    facts: &Facts<'_>,
) -> Result<bool, Error> {
    let at = work.at();
    let before = stored.doc.state.word();
    let (next, effects) = transition(&stored.doc, event, facts, at)?;
    let mut changed = take(work, stored, event, (next, effects)).await?;
    loop {
        let (next, effects) = transition(&stored.doc, &Event::Look, facts, at)?;
        if !take(work, stored, &Event::Look, (next, effects)).await? {
            break;
        }
        changed = true;
    }
    if changed || matches!(event, Event::Look) {
        let is_entered = before != stored.doc.state.word();
        timers(work, stored, facts, (at, is_entered)).await?;
    }
    Ok(changed)
}

async fn take(
    work: &mut Work,
    stored: &mut Stored,
    event: &Event,
    (next, effects): (Case, Vec<Effect>),
) -> Result<bool, Error> {
    if next == stored.doc.0 {
        return Ok(false);
    }
    let comes_near = is_near(&next) && !is_near(&stored.doc);
    let follows = Kind::follows(&stored.doc.state, &next.state);
    let late = breach::late(&stored.doc.state, &next.state);
    // A proof stays what it is when the case moves on: paid, expired, closed.
    let proven = next
        .state
        .served()
        .filter(|new| stored.doc.state.served() != Some(new));
    let proven = proven.cloned();
    let only_confirmed = Case {
        balance_at: next.balance_at,
        ..stored.doc.0.clone()
    } == next;
    stored.doc.0 = next;
    if only_confirmed {
        // The same balance of a later moment is no news to anybody.
        case::save(work.conn(), stored).await?;
        return Ok(false);
    }
    stored.version += 1;
    let step = Step {
        event: event.word().to_owned(),
        state: stored.doc.state.word().to_owned(),
        at: work.at(),
        actor: work.actor().to_owned(),
    };
    case::save_step(work.conn(), stored, &step).await?;
    if let Some(served) = proven {
        let by = (step.at, step.actor.as_str());
        notice::keep_service(work.conn(), &served, stored.version, by).await?;
    }
    let stop_crew = effects.contains(&Effect::StopCrew);
    if stop_crew {
        let at = work.at();
        release::spend(work.conn(), stored.id, at).await?;
    }
    let detail = json!({ "event": step.event, "state": step.state, "version": stored.version });
    work.audit("arrears.step", stored.id, detail);
    if effects.contains(&Effect::Report) {
        work.audit("arrears.wrongful", stored.id, json!({ "state": step.state }));
        breach::wrongful(work, stored, event).await?;
    }
    if let Some((off_at, due_at)) = late {
        breach::reconnected_late(work, stored, off_at, due_at).await?;
    }
    if let State::Reconnected { on_at, .. } = &stored.doc.state {
        store::breach::is_on(work.conn(), stored.id, *on_at).await?;
    }
    tell(work, stored, stop_crew);
    if let Some(kind) = follows {
        message::order(work, stored, kind).await?;
    }
    if comes_near {
        wake(work, stored, "vulnerable", step.at, Spot::default()).await?;
    }
    Ok(true)
}

/// Somebody vulnerable may be proposed to be cut, whichever of the two came first.
fn is_near(case: &Case) -> bool {
    let is_early = matches!(case.state, State::Overdue | State::Reminded { .. });
    case.class == Class::Vulnerable && case.state.is_before_cut() && !is_early
}

/// The whole state, so that the latest version is enough. No debt, no name.
pub(super) fn tell(work: &mut Work, stored: &Stored, stop_crew: bool) {
    let (on_at, wrongful, by) = match &stored.doc.state {
        State::Reconnected { on_at, back, .. } => {
            let wrongful = matches!(back, crate::domain::case::Back::Wrongful { .. });
            (Some(*on_at), wrongful, None)
        }
        State::ReconnectOrdered { by, .. } => (None, false, Some(*by)),
        State::Wrongful { found_at, .. } => (None, true, Some(*found_at)),
        State::Closed { wrongful, on_at, .. } => (*on_at, *wrongful, None),
        _ => (None, false, None),
    };
    let told = ArrearsChanged {
        case_id: stored.id.to_string(),
        customer_id: stored.customer_id.to_string(),
        service_point_id: stored.service_point_id.to_string(),
        state: stored.doc.state.word().to_owned(),
        off_at: stored.doc.state.off_since().map(timestamp),
        on_at: on_at.map(timestamp),
        reconnect_by: by.map(timestamp),
        wrongful,
        stop_crew,
        zone: stored.doc.zone.name().to_owned(),
        number: stored.number.clone(),
        stop_at: stored.doc.state.notice().map(|notice| timestamp(notice.stop_at)),
    };
    work.tell(
        "arrears.changed",
        stored.id,
        stored.version,
        &stored.org_path,
        &told,
    );
}

/// The next moment somebody has to look at the case; `is_entered`: it has just come to its state.
async fn timers(
    work: &mut Work,
    stored: &Stored,
    facts: &Facts<'_>,
    (now, is_entered): (Instant, bool),
) -> Result<(), Error> {
    let (id, version): (Uuid, i64) = (stored.id, stored.version);
    if stored.doc.state.is_over() {
        return case::clear_timers(work.conn(), id).await;
    }
    match next_look(&stored.doc, now) {
        Some(at) => work.set_timer(LOOK, id, at, version).await?,
        None => work.clear_timer(LOOK, id).await?,
    }
    message::set_warning(work, stored, facts, now).await?;
    match super::fired::next_alarm(&stored.doc, facts, (now, is_entered)) {
        Some((at, _)) => work.set_timer(RECONNECT, id, at, version).await?,
        None => work.clear_timer(RECONNECT, id).await?,
    }
    Ok(())
}
