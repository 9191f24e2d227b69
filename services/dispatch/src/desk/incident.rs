//! What an incident's state means for its order: opened once, kept up to date, merged or withdrawn while nobody is on
//! it, opened again. Repeating it changes nothing, so the consumer and the reconciler share it.

use chrono::{DateTime, Utc};
use relight_common::Work;
use relight_policy::Pack;

use super::{By, Change};
use crate::{
    domain::{
        ids::{IncidentId, OrderId},
        order::{Event, State},
    },
    error::Error,
    store::{
        incident::{self, Incident, Standing},
        order,
    },
};

/// Takes what intake tells, unless something later is known.
///
/// # Errors
/// [`Error::Common`].
pub async fn take(work: &mut Work, pack: &Pack, told: &Incident) -> Result<(), Error> {
    if incident::put(work.conn(), told).await? {
        settle(work, pack, told.id).await
    } else {
        Ok(())
    }
}

/// Brings the order of an incident in line with it, and the order it was merged into. True when something changed.
///
/// # Errors
/// [`Error::Common`].
pub async fn settle(work: &mut Work, pack: &Pack, id: IncidentId) -> Result<(), Error> {
    let Some(known) = incident::get(work.conn(), id).await? else {
        return Ok(());
    };
    let accepted_at = earliest(work, &known).await?;
    match order::lock(work.conn(), OrderId::of_incident(id)).await? {
        None if known.standing == Standing::Open => open(work, pack, &known, accepted_at).await?,
        None => {}
        Some(order) => {
            let mut change = Change::over(work, pack, order);
            change.keep_up(&known, accepted_at).await?;
            change.follow(known.standing).await?;
            change.finish().await?;
        }
    }
    if let Standing::Merged { into } = known.standing {
        hand_over(work, pack, into).await?;
    }
    Ok(())
}

async fn earliest(work: &mut Work, incident: &Incident) -> Result<DateTime<Utc>, Error> {
    let merged = incident::earliest_merged(work.conn(), incident.id).await?;
    Ok(merged.map_or(incident.accepted_at, |merged| merged.min(incident.accepted_at)))
}

async fn open(
    work: &mut Work,
    pack: &Pack,
    incident: &Incident,
    accepted_at: DateTime<Utc>,
) -> Result<(), Error> {
    let (id, now) = (OrderId::of_incident(incident.id), work.at());
    let number = incident::next_order_number(work.conn(), &incident.zone, now).await?;
    let (state, place) = (
        State::Triaged { back: None },
        (incident.id, incident.org_path.as_str()),
    );
    order::insert(work.conn(), (id, &number), place, &state, accepted_at, now).await?;
    let mut change = Change::of(work, pack, id).await?;
    let by = By::itself(change.work, &change.order, "");
    change.order.last_step_at = by.stamp.at;
    change.opened(&by).await?;
    change.finish().await.map(drop)
}

/// The parent of a merged incident keeps the earliest acceptance; its own news may have come before.
async fn hand_over(work: &mut Work, pack: &Pack, parent: IncidentId) -> Result<(), Error> {
    let Some(known) = incident::get(work.conn(), parent).await? else {
        return Ok(());
    };
    let accepted_at = earliest(work, &known).await?;
    let Some(order) = order::lock(work.conn(), OrderId::of_incident(parent)).await? else {
        return Ok(());
    };
    let mut change = Change::over(work, pack, order);
    change.keep_up(&known, accepted_at).await?;
    change.finish().await.map(drop)
}

impl Change<'_> {
    /// Facts of the incident on the order: they are joined when read, so only what is copied is written here.
    async fn keep_up(&mut self, incident: &Incident, accepted_at: DateTime<Utc>) -> Result<(), Error> {
        self.bump();
        self.order.org_path.clone_from(&incident.org_path);
        if accepted_at < self.order.accepted_at {
            self.order.accepted_at = accepted_at;
        }
        self.rebase_arrival().await.map(drop)
    }

    /// Merged or closed: the order goes too while nobody is on it; open again: so is the order. What the customer
    /// reopened ("still off") is not the incident's to end.
    async fn follow(&mut self, standing: Standing) -> Result<(), Error> {
        let event = match standing {
            Standing::Merged { into } => Event::Merge {
                into: OrderId::of_incident(into),
            },
            Standing::Closed => Event::Withdraw,
            Standing::Open => Event::Reopen,
        };
        let fits = match standing {
            Standing::Open => matches!(self.order.state, State::Merged { .. } | State::Withdrawn { .. }),
            _ => self.order.state.is_free() && self.order.reopens == 0,
        };
        if fits {
            let by = By::itself(self.work, &self.order, "");
            self.step(&event, &by).await?;
        }
        Ok(())
    }
}
