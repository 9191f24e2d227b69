//! What a planned outage or an arrears case means for its orders: opened, kept up to date, moved along, withdrawn and
//! opened again. Repeating it changes nothing, so consumers, the timer and the reconciler share it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use relight_common::Work;
use relight_policy::Pack;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::{By, Change, crews};
use crate::{
    domain::{
        clock::Name,
        device_time::Stamp,
        ids::{CrewId, OrderId, SubjectId},
        order::{Course, Event, State},
        subject::{Errand, Stage, Subject},
    },
    error::Error,
    store::{
        clock::{self, Clock},
        crew, incident,
        order::{self, Order},
        subject,
    },
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

/// Brings the orders of a subject in line with it.
///
/// # Errors
/// [`Error::Common`].
pub async fn settle(work: &mut Work, pack: &Pack, id: SubjectId) -> Result<(), Error> {
    settle_all(work, pack, &[id], |_, _| Span::current()).await
}

/// The same for several. What they have is read at once: crews on their way have to be stopped within a second, however many
/// cases are paid in it. `begin` is called before each one, and gives the span it is done in.
///
/// # Errors
/// [`Error::Common`].
pub async fn settle_all(
    work: &mut Work,
    pack: &Pack,
    ids: &[SubjectId],
    begin: impl Fn(&mut Work, SubjectId) -> Span,
) -> Result<(), Error> {
    let mut known = Known::lock(work, ids).await?;
    let mut moved = BTreeSet::new();
    for id in ids {
        let span = begin(work, *id);
        if let Some((subject, orders)) = known.take(*id) {
            let crews = settle_one(work, pack, &subject, orders).instrument(span).await?;
            moved.extend(crews);
        }
    }
    let moved: Vec<CrewId> = moved.into_iter().collect();
    crews::tell_all(work, &moved).await
}

/// Subjects with their orders and the clocks of those, all locked.
struct Known {
    subjects: BTreeMap<SubjectId, Subject>,
    orders: BTreeMap<SubjectId, Vec<Timed>>,
}

/// An order with the latest of its clocks.
type Timed = (Order, Vec<Clock>);

impl Known {
    /// In the order everybody locks in: subjects, orders, crews.
    async fn lock(work: &mut Work, ids: &[SubjectId]) -> Result<Self, Error> {
        let subjects = subject::lock(work.conn(), ids).await?;
        let found = order::lock_of(work.conn(), ids).await?;
        let crews: Vec<CrewId> = found
            .iter()
            .filter_map(|order| order.state.occupied_crew())
            .collect();
        if !crews.is_empty() {
            crew::lock(work.conn(), &crews).await?;
        }
        let mut clocks = clocks_of(work, &found).await?;
        let mut orders: BTreeMap<SubjectId, Vec<_>> = BTreeMap::new();
        for order in found {
            let clocks = clocks.remove(&order.id).unwrap_or_default();
            let subject = order.about.as_ref().map(|about| about.subject);
            let of = subject.ok_or(Error::Stored("subject of an order"))?;
            orders.entry(of).or_default().push((order, clocks));
        }
        Ok(Self { subjects, orders })
    }

    fn take(&mut self, id: SubjectId) -> Option<(Subject, Vec<Timed>)> {
        let subject = self.subjects.remove(&id)?;
        Some((subject, self.orders.remove(&id).unwrap_or_default()))
    }
}

async fn clocks_of(work: &mut Work, orders: &[Order]) -> Result<BTreeMap<OrderId, Vec<Clock>>, Error> {
    let mut clocks: BTreeMap<OrderId, Vec<Clock>> = BTreeMap::new();
    let ids: Vec<Uuid> = orders.iter().map(|order| order.id.uuid()).collect();
    if !ids.is_empty() {
        for clock in clock::latest(work.conn(), &ids).await? {
            clocks.entry(clock.order).or_default().push(clock);
        }
    }
    Ok(clocks)
}

/// First the orders there are, so that their crews are free, then the one that is missing. Returns the crews that moved.
async fn settle_one(
    work: &mut Work,
    pack: &Pack,
    known: &Subject,
    orders: Vec<Timed>,
) -> Result<BTreeSet<CrewId>, Error> {
    let there: BTreeSet<OrderId> = orders.iter().map(|(order, _)| order.id).collect();
    let mut moved = BTreeSet::new();
    for (order, clocks) in orders {
        let mut change = Change::over(work, pack, order);
        change.clocks = Some(clocks);
        change.keep_up_with(known).await?;
        change.follow_subject(known).await?;
        moved.extend(change.finish_order().await?);
    }
    let (id, now) = (known.id, work.at());
    if let Some(errand) = known.wants(now)
        && !there.contains(&errand.order(id))
    {
        open(work, pack, known, &errand).await?;
    }
    if let Some(at) = known.opens_at().filter(|at| *at > now) {
        work.set_timer(OPENS, id.uuid(), at, known.version).await?;
    }
    Ok(moved)
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
