//! One order locked for one transaction, and everything a step of it brings with it: who is on it, clocks, estimate,
//! the crew's feed, the list of steps, what is told.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use relight_common::Work;
use relight_policy::Pack;
use serde_json::json;

use super::{apply::detail, crews, tell};
use crate::{
    domain::{
        crew::skills_for,
        device_time::Stamp,
        ids::{CrewId, OrderId},
        order::{Back, CallBackResult, Context, Course, Event, Limits, Section, State, transition},
        rules::{self, Moment, Need},
    },
    error::Error,
    store::{
        assignment,
        clock::Clock,
        crew, crew_fact, feed, incident, order,
        order::Order,
        step::{self, NewStep},
    },
};

/// Who does a step, and when it happened.
#[derive(Debug, Clone)]
pub struct By {
    /// Person id, or `service:dispatch`.
    pub actor: String,
    /// Corrected time of the step.
    pub stamp: Stamp,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// A dispatcher records it for the crew or the unit.
    pub on_behalf: bool,
    /// The caller decides for the control room.
    pub may_force: bool,
    /// The crew whose phone it is.
    pub crew: Option<CrewId>,
    /// Words.
    pub note: String,
}

impl By {
    /// Dispatch itself: a timer, an event, the reconciler.
    pub fn itself(work: &Work, order: &Order, note: impl Into<String>) -> Self {
        let at = work.at().max(order.last_step_at);
        Self {
            actor: work.actor().to_owned(),
            stamp: Stamp { at, skewed: false },
            received_at: work.at(),
            on_behalf: false,
            may_force: false,
            crew: None,
            note: note.into(),
        }
    }
}

/// A locked order.
#[derive(Debug)]
pub struct Change<'w> {
    pub(super) work: &'w mut Work,
    pub(super) pack: &'w Pack,
    /// The order as it will be saved.
    pub order: Order,
    /// Crews whose phones have to know.
    concerned: BTreeSet<CrewId>,
    /// Crews that came to it or left it: the others have to know.
    moved: BTreeSet<CrewId>,
    /// The latest clocks of each name, once they are read.
    pub(super) clocks: Option<Vec<Clock>>,
    /// The version the order had when it was locked.
    was: i64,
}

impl<'w> Change<'w> {
    /// Locks an order.
    ///
    /// # Errors
    /// [`Error::NoSuchOrder`], [`Error::Common`].
    pub async fn of(work: &'w mut Work, pack: &'w Pack, id: OrderId) -> Result<Self, Error> {
        let order = order::lock(work.conn(), id)
            .await?
            .ok_or_else(|| Error::NoSuchOrder(id.to_string()))?;
        Ok(Self::over(work, pack, order))
    }

    pub(super) fn over(work: &'w mut Work, pack: &'w Pack, order: Order) -> Self {
        let was = order.version;
        let concerned = order.state.team().map(|team| team.crew).into_iter().collect();
        Self {
            work,
            pack,
            order,
            concerned,
            moved: BTreeSet::new(),
            clocks: None,
            was,
        }
    }

    /// A new version: something visible changed.
    pub(super) fn bump(&mut self) {
        self.order.version += 1;
    }

    /// What the machine has to know beside the state.
    pub(super) async fn context(
        work: &mut Work,
        pack: &Pack,
        order: &Order,
        by: &By,
    ) -> Result<Context, Error> {
        let limit = |path| pack.duration(path, by.stamp.at.max(order.accepted_at));
        let mut supply = order.supply.clone();
        if let Some(incident) = order.incident {
            supply.extend(incident::merged_places(work.conn(), incident).await?);
        }
        let is_closing_crew = match order.state.team() {
            Some(team) if order.state.occupied_crew().is_none() => {
                by.crew == Some(team.crew) || order::is_member(work.conn(), team.crew, &by.actor).await?
            }
            _ => false,
        };
        Ok(Context {
            kind: order.kind,
            place: order.place,
            supply,
            last_step_at: order.last_step_at,
            returns: order.returns.unsigned_abs(),
            may_force: by.may_force,
            is_closing_crew,
            limits: Limits {
                unit_take: limit("dispatch.unit_take")?,
                crew_take: limit("dispatch.crew_take")?,
            },
        })
    }

    /// Applies an event. False: it had led here before, nothing changes.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Rule`], [`Error::CrewTaken`], [`Error::Common`].
    pub async fn step(&mut self, event: &Event, by: &By) -> Result<bool, Error> {
        let context = Self::context(self.work, self.pack, &self.order, by).await?;
        let before = self.order.state.clone();
        let after = transition(&before, event, &context, by.stamp.at)?;
        if after == before {
            return Ok(false);
        }
        self.order.state = after;
        self.move_crews(&before, event, by).await?;
        self.note_facts(event, by.stamp.at);
        self.bump();
        // A subject that went on without a crew of ours takes its order off the board, whatever it did itself.
        let word = match self.order.state {
            State::Withdrawn { .. } => "withdrawn",
            _ => event.step(),
        };
        self.record(word, Some(event), by).await?;
        self.run_clocks(&before, event, by.stamp.at).await?;
        self.run_estimate(event, by).await?;
        Ok(true)
    }

    /// The first step of a new order.
    pub(super) async fn opened(&mut self, by: &By) -> Result<(), Error> {
        self.bump();
        self.record("opened", None, by).await?;
        self.start_first(by.stamp.at).await
    }

    /// Frees the crew that has it no longer, and puts the new one on it after asking the rules.
    async fn move_crews(&mut self, before: &State, event: &Event, by: &By) -> Result<(), Error> {
        let (old, new) = (before.occupied_crew(), self.order.state.occupied_crew());
        if old == new {
            return Ok(());
        }
        let both: Vec<CrewId> = old.into_iter().chain(new).collect();
        if crew::lock(self.work.conn(), &both).await? < both.len() {
            return Err(Error::NoSuchCrew(new.or(old).expect("one of them changed")));
        }
        if let Some(new) = new {
            self.ask_the_rules(new, by.received_at).await?;
        }
        if old.is_some() {
            assignment::free(self.work.conn(), self.order.id, event.step(), by.stamp.at).await?;
        }
        if let Some(new) = new {
            assignment::give(self.work.conn(), self.order.id, new, by.stamp.at).await?;
        }
        self.concerned.extend(&both);
        self.moved.extend(both);
        Ok(())
    }

    async fn ask_the_rules(&mut self, id: CrewId, now: DateTime<Utc>) -> Result<(), Error> {
        let crew = crew_fact::one(self.work.conn(), id, now)
            .await?
            .ok_or(Error::NoSuchCrew(id))?;
        let need = Need {
            skills: skills_for(self.order.kind, &self.order.device_kind),
            unit: self.order.state.unit(),
        };
        match rules::against_giving(&crew, &need, &Moment::at(now))
            .into_iter()
            .next()
        {
            Some(broken) => Err(Error::Rule(broken)),
            None => Ok(()),
        }
    }

    /// Facts that outlive the state they came from.
    fn note_facts(&mut self, event: &Event, at: DateTime<Utc>) {
        let order = &mut self.order;
        order.last_step_at = at;
        match event {
            Event::Return { .. } => order.returns += 1,
            Event::Survey(finding) => order.cause_code.clone_from(&finding.cause_code),
            Event::Reply(reply) => order.cause_code.clone_from(&reply.cause_code),
            Event::Restore(Section::Part { customers, .. }) => {
                let all = i32::try_from(order.affected_count).unwrap_or(i32::MAX);
                let more = i32::try_from(*customers).unwrap_or(i32::MAX);
                order.restored_count = order.restored_count.saturating_add(more).min(all.max(more));
            }
            Event::Restore(Section::All { .. }) | Event::Subject(Course::Back) => {
                order.restored_count = i32::try_from(order.affected_count).unwrap_or(i32::MAX);
            }
            Event::CallBack {
                result: CallBackResult::StillOff,
            } => {
                order.reopens += 1;
                order.restored_count = 0;
            }
            _ => {}
        }
        order.archived_at = order.state.is_over().then_some(at);
    }

    /// Appends the step, and tells it.
    pub(super) async fn record(
        &mut self,
        word: &'static str,
        event: Option<&Event>,
        by: &By,
    ) -> Result<(), Error> {
        let new = NewStep {
            step: word,
            stamp: by.stamp,
            received_at: by.received_at,
            actor: &by.actor,
            note: by.note.clone(),
            on_behalf: by.on_behalf,
            detail: event.map_or_else(|| json!({}), detail),
        };
        let customers = self.back_by(event);
        let n = step::append(self.work.conn(), self.order.id, &self.order.state, &new).await?;
        if let Some(Event::Restore(section)) = event {
            let (set_id, verified_by) = match section {
                Section::Part {
                    set_id, verified_by, ..
                } => (Some(set_id.as_str()), *verified_by),
                Section::All { verified_by } => (None, *verified_by),
            };
            step::restored(
                self.work.conn(),
                (self.order.id, n),
                by.stamp.at,
                set_id,
                customers,
                verified_by,
            )
            .await?;
        }
        self.tell_step(word, event, by).await?;
        let audited = json!({ "step": word, "number": self.order.number, "state": self.order.state.word(),
            "on_behalf": by.on_behalf, "at": by.stamp.at, "version": self.order.version });
        self.work.audit("order.step", self.order.id, audited);
        Ok(())
    }

    /// Customers a restoration step brings back.
    fn back_by(&self, event: Option<&Event>) -> i32 {
        match event {
            Some(Event::Restore(Section::Part { customers, .. })) => {
                i32::try_from(*customers).unwrap_or(i32::MAX)
            }
            _ => i32::try_from(self.order.affected_count).unwrap_or(i32::MAX),
        }
    }

    async fn tell_step(&mut self, word: &str, event: Option<&Event>, by: &By) -> Result<(), Error> {
        let crew = self.order.state.team().map(|team| team.crew);
        let name = match crew {
            Some(crew) => crew_fact::one(self.work.conn(), crew, by.received_at)
                .await?
                .map(|crew| crew.name),
            None => None,
        };
        let named = (crew.map(CrewId::uuid), name.as_deref().unwrap_or_default());
        tell::step(self.work, &self.order, word, event, by.stamp.at, named);
        Ok(())
    }

    /// Saves the order if anything changed, notes it for the phones concerned, and tells of the crews that moved. True when
    /// something did.
    ///
    /// # Errors
    /// [`Error::Common`].
    pub async fn finish(mut self) -> Result<bool, Error> {
        let changed = self.save().await?;
        let moved: Vec<CrewId> = self.moved.into_iter().collect();
        crews::tell_all(self.work, &moved).await?;
        Ok(changed)
    }

    /// The same, but gives the crews that moved for the caller to tell of.
    pub(super) async fn finish_order(mut self) -> Result<BTreeSet<CrewId>, Error> {
        self.save().await?;
        Ok(self.moved)
    }

    async fn save(&mut self) -> Result<bool, Error> {
        if self.order.version == self.was {
            return Ok(false);
        }
        order::save(self.work.conn(), &self.order).await?;
        let has = self
            .order
            .state
            .team()
            .map(|team| team.crew)
            .filter(|_| !self.order.state.is_over());
        self.concerned.extend(has);
        for crew in &self.concerned {
            feed::note(self.work.conn(), *crew, self.order.id, has != Some(*crew)).await?;
        }
        Ok(true)
    }

    /// Whether the order came back to the desk because the customer is still off.
    pub(super) fn is_still_off(&self) -> bool {
        matches!(
            self.order.state,
            State::Triaged {
                back: Some(Back::StillOff)
            }
        )
    }
}
