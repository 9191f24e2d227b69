//! Everything people do with an outage after the draft.

use relight_common::{Claims, Work, ids::derived};
use relight_policy::Pack;
use serde_json::json;
use uuid::Uuid;

use super::{
    archive, calls, leaders, longer,
    refresh::refresh,
    rights,
    step::{With, law, save, step, unchanged},
};
use crate::{
    domain::{
        call::{Call, Outcome},
        event::{Event, Kind},
        ids::OutageId,
        law::said,
        outage::State,
        refusal::Refusal,
        window::Window,
    },
    error::Error,
    peers::Found,
    store::{
        crew,
        outage::{self, Stored, Words},
        people, task,
        told::{self, Evidence},
    },
};

/// Counter-proposals before somebody has to decide (domain.md 5.4).
const PROPOSALS_BEFORE_DECISION: usize = 3;

/// What somebody does.
#[derive(Debug, Clone)]
pub enum Act {
    /// A move of the machine.
    Event(Event),
    /// The next gate is asked: for the notice while it is approved, else the last one.
    Gate,
    /// Proofs that somebody was told, recorded by a person: one for each customer told in one go.
    Evidence(Vec<Evidence>),
    /// An important or life-support customer answered, verbatim.
    Acknowledge {
        /// Who.
        customer: Uuid,
        /// Their words.
        text: String,
    },
    /// A silent one of them is handed on, or the duty manager closes that.
    Escalate {
        /// Who.
        customer: Uuid,
        /// account_manager, duty_manager.
        to: &'static str,
        /// The duty manager decided to go on.
        closed: bool,
        /// Why.
        note: String,
    },
    /// A step of the talks with a dedicated-line customer.
    Negotiate {
        /// Who.
        customer: Uuid,
        /// proposed, countered, agreed, refused, decided.
        step: &'static str,
        /// The window talked about; the plan's when left out.
        window: Option<Window>,
        /// What was said.
        note: String,
    },
    /// Own generation is ticked.
    Isolate {
        /// Who.
        customer: Uuid,
        /// Called before supply returns, instead of isolated before work.
        told: bool,
    },
    /// A leader comes to work.
    CheckIn {
        /// Who.
        name: String,
        /// Of which team.
        team: String,
    },
    /// A leader says: people out, earths off, ticket ended.
    Clear {
        /// Who.
        name: String,
        /// Of which team; empty: there is one of that name.
        team: String,
        /// Who heard it, when it is not the crew's own phone that says so; empty: who records it.
        heard_by: String,
    },
    /// The affected set is taken anew.
    Refresh(Box<Found>),
}

/// One command.
#[derive(Debug, Clone)]
pub struct Command {
    /// On which outage.
    pub outage: OutageId,
    /// Refused when it is at another version; 0: whatever it is.
    pub expected_version: i64,
    /// What.
    pub act: Act,
    /// Why, in people's words.
    pub reason: String,
    /// The words of the announcement, when they are not those of the draft.
    pub words: Option<Words>,
    /// Customers above the yearly count and hours, from the ledger.
    pub above: Option<(u32, u32)>,
    /// The set that is back, for a restored section, and how many service points it has.
    pub section: Option<(Uuid, u32)>,
    /// The call by which a customer was told, or answered.
    pub call: Option<Call>,
}

/// Carries a command out.
///
/// # Errors
/// What stands in the way.
pub async fn apply(work: &mut Work, pack: &Pack, claims: &Claims, command: Command) -> Result<Stored, Error> {
    let mut one = outage::lock(work.conn(), command.outage).await?;
    let is_its_crew = crew::is_of(work.conn(), one.id, claims).await?;
    let crew = claims.crew_id.filter(|_| is_its_crew);
    rights::need(claims, &command.act, &one.place.org_path, is_its_crew)?;
    unchanged(&one, command.expected_version)?;
    match command.act.clone() {
        Act::Event(event) => event_on(work, pack, &mut one, &event, &command).await?,
        Act::Gate => {
            let event = if one.life.state == State::Approved {
                Event::Notice
            } else {
                Event::Gate
            };
            event_on(work, pack, &mut one, &event, &command).await?;
        }
        Act::Evidence(evidence) => evidence_of(work, pack, &mut one, evidence, command.call).await?,
        Act::Refresh(found) => refresh(work, &mut one, *found, command.words).await?,
        Act::CheckIn { name, team } => leaders::check_in(work, &mut one, (&team, &name), crew).await?,
        Act::Clear { name, team, heard_by } => {
            leaders::clear(work, &mut one, (&team, &name), crew, &heard_by).await?;
        }
        Act::Negotiate {
            customer,
            step,
            window,
            note,
        } => negotiate(work, pack, &mut one, customer, (step, window, &note)).await?,
        answer => answered(work, &mut one, answer, command.call).await?,
    }
    Ok(one)
}

async fn event_on(
    work: &mut Work,
    pack: &Pack,
    one: &mut Stored,
    event: &Event,
    command: &Command,
) -> Result<(), Error> {
    word(one, event, command.words.as_ref())?;
    let limits_passed = compared(one, command.above);
    match event {
        Event::Balance { justification }
        | Event::Approve { justification }
        | Event::Move { justification, .. }
            if !justification.is_empty() =>
        {
            one.justification.clone_from(justification);
        }
        Event::Archive { note } => one.note.clone_from(note),
        _ => {}
    }
    let with = With {
        reason: &command.reason,
        section: command.section,
        limits_passed,
    };
    let by = work.actor().to_owned();
    step(work, pack, one, event, &by, with).await?;
    if matches!(event, Event::Archive { .. }) {
        archive::keep(work, pack, one).await?;
    }
    if matches!(event, Event::Extend { .. }) {
        longer::alarms(work, one, command.above, limits_passed).await?;
    }
    Ok(())
}

/// Words are written anew by `reword`; what is announced is what somebody else has read.
fn word(one: &mut Stored, event: &Event, words: Option<&Words>) -> Result<(), Error> {
    match (event, words) {
        (Event::Reword, Some(words)) => one.words = words.clone(),
        (Event::Announce, Some(words)) if *words != one.words => {
            return Err(Error::Unfit(
                "the words differ from those approved; write them with reword, and another person announces them",
            ));
        }
        _ => {}
    }
    Ok(())
}

/// Notes what the ledger said; true when more customers are above a limit than when it was compared before.
fn compared(one: &mut Stored, above: Option<(u32, u32)>) -> bool {
    let Some((count, hours)) = above else {
        return false;
    };
    let before = (one.above_count, one.above_hours);
    one.above_count = i32::try_from(count).unwrap_or(i32::MAX);
    one.above_hours = i32::try_from(hours).unwrap_or(i32::MAX);
    one.above_count > before.0 || one.above_hours > before.1
}

/// Evidence counts for the present plan; with the last of it the notice is taken at once, if the law carries it.
async fn evidence_of(
    work: &mut Work,
    pack: &Pack,
    one: &mut Stored,
    evidence: Vec<Evidence>,
    call: Option<Call>,
) -> Result<(), Error> {
    let announced_at = one.life.announced_at.ok_or(Error::Unfit(
        "there is nothing to tell people before the announcement is out",
    ))?;
    let kind = evidence.first().map_or(Kind::Notice, |proof| about(one, proof));
    let mut checked = Vec::with_capacity(evidence.len());
    for proof in evidence {
        let known = people::affected(work.conn(), one.id, proof.customer).await?;
        if proof.channel == "community" && !known.is_ordinary() {
            return Err(Error::OneByOne(proof.customer));
        }
        if proof.at < announced_at || proof.at > work.at() {
            return Err(Error::Unfit(
                "people are told after the announcement and not in the future",
            ));
        }
        if let Some(call) = &call {
            calls::record(work, one, proof.customer, (kind.word(), proof.at), call).await?;
            if call.outcome != Outcome::Reached {
                return save(work, one).await;
            }
        }
        let detail = json!({ "customer": proof.customer, "channel": proof.channel, "at": proof.at });
        work.audit("outage.told", one.id, detail);
        checked.push(Evidence {
            by: work.actor().to_owned(),
            call: call.as_ref().map(|call| call.id),
            ..proof
        });
    }
    told::add(work.conn(), (one.id, one.life.plan_no, kind), &checked).await?;
    if kind == Kind::LateStart {
        first_told(work, one, &checked).await?;
    }
    if matches!(kind, Kind::Notice | Kind::LateStart) {
        let told: Vec<Uuid> = checked.iter().map(|proof| proof.customer).collect();
        let (by, at) = (work.actor().to_owned(), work.at());
        task::done(work.conn(), (one.id, one.life.plan_no), &told, &by, at).await?;
    }
    save(work, one).await?;
    take_notice(work, pack, one).await
}

/// Who hears of the outage only now, with its later start, has their notice with it.
async fn first_told(work: &mut Work, one: &Stored, proofs: &[Evidence]) -> Result<(), Error> {
    let customers: Vec<Uuid> = proofs.iter().map(|proof| proof.customer).collect();
    let untold = people::untold(work.conn(), one.id, &customers).await?;
    let first = proofs.iter().filter(|proof| untold.contains(&proof.customer));
    let notices: Vec<_> = first
        .map(|proof| Evidence {
            id: derived(proof.id, Kind::Notice.word()),
            ..proof.clone()
        })
        .collect();
    told::add(work.conn(), (one.id, one.life.plan_no, Kind::Notice), &notices).await
}

/// What a proof is about: a call after the end was put off is about that; else the later start where it was known by then.
fn about(one: &Stored, proof: &Evidence) -> Kind {
    let longer = one.life.call_since().is_some_and(|since| proof.at >= since);
    let later = one.life.late_start.as_ref();
    if longer && proof.channel == "call" {
        Kind::Extended
    } else if later.is_some_and(|later| proof.at >= later.at) {
        Kind::LateStart
    } else {
        Kind::Notice
    }
}

/// Takes the notice when it is complete and lawful; leaves it when not.
///
/// # Errors
/// [`Error::Common`].
pub async fn take_notice(work: &mut Work, pack: &Pack, one: &mut Stored) -> Result<(), Error> {
    if one.life.state != State::Approved || one.life.announced_at.is_none() {
        return Ok(());
    }
    match step(
        work,
        pack,
        one,
        &Event::Notice,
        super::alarm::ITSELF,
        With::default(),
    )
    .await
    {
        Ok(()) | Err(Error::Refused(_)) => Ok(()),
        Err(other) => Err(other),
    }
}

async fn negotiate(
    work: &mut Work,
    pack: &Pack,
    one: &mut Stored,
    customer: Uuid,
    (word, window, note): (&'static str, Option<Window>, &str),
) -> Result<(), Error> {
    if !people::affected(work.conn(), one.id, customer)
        .await?
        .dedicated_line
    {
        return Err(Error::Unfit("talks are held with dedicated-line customers"));
    }
    if word == "decided" {
        may_decide(work, pack, one, customer).await?;
    }
    let by = work.actor().to_owned();
    let before = one.version;
    step(work, pack, one, &Event::Negotiate, &by, With::default()).await?;
    let (window, at) = (window.unwrap_or(one.life.window), work.at());
    people::negotiate(work.conn(), (one.id, customer), (word, window, note), &by, at).await?;
    if one.version == before {
        save(work, one).await?;
    }
    Ok(())
}

/// Silence is not agreement, and a decision against a customer needs somebody else than the author, and their refusal, three
/// proposals or the working days they have to answer (domain.md 5.2, 5.4).
async fn may_decide(work: &mut Work, pack: &Pack, one: &Stored, customer: Uuid) -> Result<(), Error> {
    if work.actor() == one.life.author {
        return Err(Refusal::OwnPlan.into());
    }
    let talks = people::talks(work.conn(), one.id, customer).await?;
    let refused = talks.first().is_some_and(|talk| talk.step == "refused");
    let proposals: Vec<_> = talks.iter().filter(|talk| talk.step == "proposed").collect();
    if refused || proposals.len() >= PROPOSALS_BEFORE_DECISION {
        return Ok(());
    }
    let first = proposals.last().map(|talk| talk.at);
    let answer = law(pack, one).talked_enough(first, work.at());
    if answer.allowed() {
        Ok(())
    } else {
        Err(Refusal::StillTalking(said(&answer)).into())
    }
}

async fn answered(work: &mut Work, one: &mut Stored, act: Act, call: Option<Call>) -> Result<(), Error> {
    let (by, at, plan_no) = (work.actor().to_owned(), work.at(), one.life.plan_no);
    let detail = match act {
        Act::Acknowledge { customer, text } => {
            must_answer(work, one, customer).await?;
            if let Some(call) = &call {
                calls::record(work, one, customer, ("acknowledgement", at), call).await?;
            }
            let said = (text.as_str(), call.as_ref().map(|call| call.id));
            people::acknowledge(work.conn(), (one.id, plan_no, customer), said, &by, at).await?;
            json!({ "customer": customer, "acknowledged": true })
        }
        Act::Escalate {
            customer,
            to,
            closed,
            note,
        } => {
            must_answer(work, one, customer).await?;
            let close = (closed.then_some(by.as_str()), note.as_str());
            people::escalate(work.conn(), (one.id, plan_no, customer), to, close, at).await?;
            json!({ "customer": customer, "to": to, "closed": closed })
        }
        Act::Isolate { customer, told } => {
            let known = people::affected(work.conn(), one.id, customer).await?;
            if told && !known.is_called_before() {
                return Err(Error::Unfit(
                    "nobody has to call a customer with one supply of low voltage and no own generation",
                ));
            }
            if !told && !known.own_generation {
                return Err(Error::Unfit(
                    "the customer has no own generation and no second supply at this place",
                ));
            }
            people::tick(work.conn(), (one.id, customer), told, &by, at).await?;
            json!({ "customer": customer, "told": told })
        }
        _ => return Err(Error::Unfit("this is no answer of a customer")),
    };
    work.audit("outage.answered", one.id, detail);
    save(work, one).await
}

/// Who is important, or lives by the supply, is asked to acknowledge, and only what was announced.
async fn must_answer(work: &mut Work, one: &Stored, customer: Uuid) -> Result<(), Error> {
    if one.life.announced_at.is_none() {
        return Err(Error::Unfit(
            "there is nothing to acknowledge before the announcement is out",
        ));
    }
    let known = people::affected(work.conn(), one.id, customer).await?;
    if known.important || known.life_support {
        Ok(())
    } else {
        Err(Error::Unfit(
            "only important and life-support customers acknowledge",
        ))
    }
}
