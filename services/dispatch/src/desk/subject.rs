//! What a planned outage or an arrears case means for its orders: opened, kept up to date, moved along, withdrawn and
//! opened again. Repeating it changes nothing, so consumers, the timer and the reconciler share it.

use chrono::{DateTime, SecondsFormat, Utc};
use relight_common::Work;
use relight_policy::Pack;

use super::{By, Change};
use crate::{
    domain::{
        clock::Name,
        device_time::Stamp,
        ids::SubjectId,
        order::{Course, Event, State},
        subject::{Errand, Stage, Subject},
    },
    error::Error,
    store::{incident, order, subject},
};

/// Kind of the timer that opens the order of a noticed outage.
pub(crate) const OPENS: &str = "subject.opens";

/// Takes what the planner or arrears tells, unless something later is known.
///
/// # Errors
/// [`Error::Common`].
pub async fn take(work: &mut Work, pack: &Pack, told: &Subject) -> Result<(), Error> {
    if subject::put(work.conn(), told).await? {
        settle(work, pack, told.id).await
    } else {
        Ok(())
    }
}

/// Brings the orders of a subject in line with it: first those there are, so that their crews are free, then the one that
/// is missing.
///
/// # Errors
/// [`Error::Common`].
pub async fn settle(work: &mut Work, pack: &Pack, id: SubjectId) -> Result<(), Error> {
    let orders = subject::lock_orders(work.conn(), id).await?;
    let Some(known) = subject::get(work.conn(), id).await? else {
        return Ok(());
    };
    for order in &orders {
        let mut change = Change::of(work, pack, *order).await?;
        change.keep_up_with(&known).await?;
        change.follow_subject(&known).await?;
        change.finish().await?;
    }
    let now = work.at();
    if let Some(errand) = known.wants(now)
        && !orders.contains(&errand.order(id))
    {
        open(work, pack, &known, &errand).await?;
    }
    match known.opens_at().filter(|at| *at > now) {
        Some(at) => Ok(work.set_timer(OPENS, id.uuid(), at, known.version).await?),
        None => Ok(()),
    }
}

async fn open(work: &mut Work, pack: &Pack, subject: &Subject, errand: &Errand) -> Result<(), Error> {
    let now = work.at();
    let number = incident::next_order_number(work.conn(), &subject.zone, now).await?;
    order::insert_errand(work.conn(), &number, subject, errand, now).await?;
    let mut change = Change::of(work, pack, errand.order(subject.id)).await?;
    let by = change.by_owner(subject, now, "");
    change.opened(&by).await?;
    change.finish().await.map(drop)
}

impl Change<'_> {
    /// A crew that comes to an outage that is off already begins on arrival.
    pub(super) async fn catch_up(&mut self) -> Result<(), Error> {
        let is_there = matches!(self.order.state, State::Arrived { .. });
        let Some(about) = self.order.about.as_ref().filter(|_| is_there) else {
            return Ok(());
        };
        let id = about.subject;
        match subject::get(self.work.conn(), id).await? {
            Some(known) => self.follow_subject(&known).await,
            None => Ok(()),
        }
    }

    /// The owner of the subject moves the order, at a time between the last step and now.
    fn by_owner(&self, subject: &Subject, at: DateTime<Utc>, note: &str) -> By {
        let now = self.work.at();
        By {
            actor: subject.what.owner().to_owned(),
            stamp: Stamp {
                at: at.min(now).max(self.order.last_step_at),
                skewed: false,
            },
            received_at: now,
            on_behalf: false,
            may_force: false,
            crew: None,
            note: note.to_owned(),
        }
    }

    /// The window of the same plan may move; the order's clock and its crew's phone follow.
    async fn keep_up_with(&mut self, subject: &Subject) -> Result<(), Error> {
        if self.order.state.is_over() {
            return Ok(());
        }
        if self.order.org_path != subject.org_path {
            self.order.org_path.clone_from(&subject.org_path);
            self.bump();
        }
        let Some(about) = &mut self.order.about else {
            return Ok(());
        };
        let Some(wanted) = subject.holds(about.errand.kind, &about.errand.slot) else {
            return Ok(());
        };
        if wanted == about.errand {
            return Ok(());
        }
        let note = window(&wanted);
        about.errand = wanted;
        let by = self.by_owner(subject, self.work.at(), &note);
        self.order.last_step_at = by.stamp.at;
        self.bump();
        self.record("moved", None, &by).await?;
        self.rebase_start().await
    }

    /// Moves the order to where its subject is. What is over stays, except that a withdrawn one is opened again when its
    /// plan or notice holds after all.
    async fn follow_subject(&mut self, subject: &Subject) -> Result<(), Error> {
        let Some(about) = self.order.about.clone() else {
            return Ok(());
        };
        let kind = about.errand.kind;
        let stage = subject.stage(kind, &about.errand.slot);
        let now = self.work.at();
        if subject.has_begun() {
            self.stop(Name::Start, subject.began_at.unwrap_or(now), false)
                .await?;
        }
        if matches!(self.order.state, State::Withdrawn { .. }) {
            if subject.wants(now).as_ref() == Some(&about.errand) {
                let by = self.by_owner(subject, now, "");
                self.step(&Event::Reopen, &by).await?;
            }
            return Ok(());
        }
        match stage {
            Stage::Follow(course) if course.concerns(&self.order.state) => {
                let (at, note) = match &course {
                    Course::Back | Course::Done => (subject.done_at(kind).unwrap_or(now), ""),
                    Course::Works => (now, ""),
                    Course::Ended { because } => (now, because.as_str()),
                };
                let by = self.by_owner(subject, at, note);
                self.step(&Event::Subject(course.clone()), &by).await.map(drop)
            }
            _ => Ok(()),
        }
    }
}

fn window(errand: &Errand) -> String {
    let said = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    match errand.on_at {
        Some(on_at) => format!("now {} to {}", said(errand.due_at), said(on_at)),
        None => format!("now {}", said(errand.due_at)),
    }
}
