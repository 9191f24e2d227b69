//! The machine (domain.md 5.3). Every move is written out; the catch-all may only refuse.

use super::{
    Effect, Event, Instant, Refusal, State,
    case::{Approval, Back, Basis, Case, Held, HoldKind, Notice, PreNotice, Proposal, Served},
    class::{Class, Needs},
    cut::{cut, supplied, unlocked},
    disprove::disprove,
    facts::Facts,
    known::{classify, registered},
    late,
    moment::{fresh, overdue, past},
    money,
    service::{self, Shown},
    stranger::stranger,
    upkeep::look,
    wrongful::{found_off, was_wrongful, wrongful},
};

pub(super) type Moved = Result<(Case, Vec<Effect>), Refusal>;

/// What `event` does to `case` at `now`, and what follows for others.
///
/// # Errors
/// [`Refusal`], which says what would be right.
pub fn transition(case: &Case, event: &Event, facts: &Facts<'_>, now: Instant) -> Moved {
    let mut case = case.clone();
    case.holds.retain(|_, held| held.is_on(now));
    match event {
        Event::Money(owed) => Ok(money::take(case, owed, facts, now)),
        Event::Look => Ok(look(case, facts, now)),
        Event::Disprove { record, stands_at } => Ok(disprove(case, (record, *stands_at), facts, now)),
        Event::Stranger { contact } => Ok(stranger(case, *contact, facts, now)),
        Event::FoundOff { off_at, reason } => found_off(case, event, (*off_at, reason), now),
        Event::FindWrongful { reason } if case.state.was_off().is_some() => {
            Ok(was_wrongful(case, None, reason, now))
        }
        Event::Cut(doing)
            if matches!(case.state, State::SettledBefore { .. }) && late::is_told_late(doing, now) =>
        {
            late::cut_before_payment(case, doing, facts, now)
        }
        _ if case.state.is_over() => refused(&case, event),
        Event::Hold { kind, held } => hold(case, (*kind, held), facts, now),
        Event::Release { kind } => {
            case.holds.remove(kind);
            Ok((case, Vec::new()))
        }
        Event::AcceptPlan { until } => plan(case, *until, now),
        Event::Registry(known) => Ok(registered(case, known, now)),
        // Registry says when that ends; nobody decides it on a case (O12).
        Event::Classify { class, .. } if case.class == Class::LifeSupport && *class != Class::LifeSupport => {
            Err(Refusal::NeverCut)
        }
        Event::Classify { class, reason } if !class.covers(case.class) && reason.is_empty() => {
            Err(Refusal::Field {
                field: "reason",
                must: "must say why this class asks less than the one before",
            })
        }
        Event::Classify { class, .. } => Ok(classify(case, *class, now)),
        Event::Withdraw { reason } if case.state.is_before_cut() => {
            case.state = State::Withdrawn {
                reason: reason.clone(),
            };
            Ok((case, vec![Effect::StopCrew]))
        }
        _ => step(case, event, facts, now),
    }
}

fn refused(case: &Case, event: &Event) -> Moved {
    Err(Refusal::NotAllowed {
        state: case.state.word(),
        event: event.word(),
    })
}

/// A payment on its way holds for the time of the pack from when it was first reported; a dispute about a part of the debt
/// voids the notice that named all of it, and the rest needs a new one.
fn hold(mut case: Case, (kind, held): (HoldKind, &Held), facts: &Facts<'_>, now: Instant) -> Moved {
    let mut held = held.clone();
    held.since = case.holds.get(&kind).map_or(now, |known| known.since);
    if let (HoldKind::Payment, Some(span)) = (kind, facts.law.payment_hold(&case)) {
        let end = held.since + span;
        if held.until.is_some_and(|until| until > end) {
            return Err(Refusal::Field {
                field: "until",
                must: "must be left out: a payment on its way holds as long as the policy pack says",
            });
        }
        held.until.get_or_insert(end);
    }
    if held.part.is_some_and(|part| part.cents >= case.balance_cents) {
        held.part = None;
    }
    let is_part = held.part.is_some();
    let mut effects = money::hold(&mut case, kind, held);
    if is_part {
        effects.extend(money::void(&mut case));
    }
    Ok((case, effects))
}

/// A plan holds the case and, once it is over, the next one. After the cut it counts as payment too.
fn plan(mut case: Case, until: Instant, now: Instant) -> Moved {
    if until <= now {
        return Err(Refusal::Field {
            field: "until",
            must: "must lie ahead",
        });
    }
    let held = Held::new(now, Some(until), "a plan was agreed");
    let effects = money::hold(&mut case, HoldKind::Plan, held);
    match case.state {
        State::Disconnected { .. } => Ok(money::settled(case, now)),
        _ => Ok((case, effects)),
    }
}

/// The steps people take, one after the other.
fn step(mut case: Case, event: &Event, facts: &Facts<'_>, now: Instant) -> Moved {
    let mut effects = Vec::new();
    case.state = match (case.state.clone(), event) {
        (State::Overdue | State::Reminded { .. }, Event::Remind(reminder)) => {
            past("reminded_at", reminder.at, now)?;
            overdue(&case, reminder.at)?;
            reminder.check()?;
            case.reminders.push(reminder.clone());
            State::Reminded {
                reminder: reminder.clone(),
            }
        }
        (State::Eligible { reminder, .. }, Event::Propose { author, reason }) => {
            open_way(&case, facts)?;
            State::Eligible {
                reminder,
                proposal: Some(Proposal {
                    author: author.clone(),
                    reason: reason.clone(),
                }),
            }
        }
        (
            State::Eligible { reminder, proposal },
            Event::Approve {
                approver,
                approver_name,
                manager,
                exception,
            },
        ) => {
            let needs = approval_of(&case, facts)?;
            let approval = Approval {
                approver: approver.clone(),
                approver_name: approver_name.clone(),
                manager: *manager,
                at: now,
                exception: exception.clone(),
            };
            let basis = approved(reminder, proposal, approval, needs)?;
            State::Approved { basis }
        }
        (
            State::Approved { basis } | State::Expired { basis, .. },
            Event::Issue {
                number,
                issuer,
                stop_at,
                overdue,
            },
        ) => {
            open_way(&case, facts)?;
            unlocked(facts.locks)?;
            let span = facts.law.span(&case, &basis.reminder, *stop_at, now)?;
            let notice = Notice {
                number: number.clone(),
                issued_at: now,
                issuer: issuer.clone(),
                stop_at: *stop_at,
                amount_cents: case.claimed_cents(),
                serve_from: span.from.max(now),
                serve_by: span.by,
                overdue: *overdue,
            };
            State::NoticeIssued { basis, notice }
        }
        (
            State::NoticeIssued { basis, notice },
            Event::Serve {
                proof,
                filing,
                occupants,
            },
        ) => {
            let shown = Shown {
                proof,
                filing,
                occupants,
            };
            let served = service::first(&case, (basis, notice), &shown, facts, now)?;
            State::NoticeServed { served }
        }
        (
            state @ (State::NoticeServed { .. } | State::WindowOpen { .. } | State::PreNoticed { .. }),
            Event::Serve {
                proof,
                filing,
                occupants,
            },
        ) => {
            let shown = Shown {
                proof,
                filing,
                occupants,
            };
            let Some(served) = state.served().cloned() else {
                return refused(&case, event);
            };
            let served = service::another(&case, served, &shown, facts, now)?;
            service::with(state, served)
        }
        (
            State::WindowOpen { served, .. },
            Event::PreNotice {
                warning,
                safe_shutdown,
            },
        ) => {
            let needs = may_warn(&case, &served, warning, facts, now)?;
            if needs.safe_shutdown && safe_shutdown.is_none() {
                return class_needs("safe_shutdown", "must name the agreement on a safe shut-down");
            }
            State::PreNoticed {
                served,
                pre_notice: warning.clone(),
            }
        }
        (State::PreNoticed { served, .. }, Event::Cut(doing)) => {
            let cut = cut(&case, doing, facts, now)?;
            State::Disconnected { cut, served }
        }
        (
            State::WindowOpen {
                served,
                unused: Some(_),
            },
            Event::Cut(doing),
        ) if late::is_told_late(doing, now) => {
            let cut = cut(&case, doing, facts, now)?;
            State::Disconnected { cut, served }
        }
        (State::Disconnected { cut, served }, Event::Cut(doing)) => {
            let cut = late::with_photos(cut, doing, facts)?;
            State::Disconnected { cut, served }
        }
        (
            State::Disconnected { cut, .. } | State::Paid { cut, .. } | State::ReconnectOrdered { cut, .. },
            Event::FindWrongful { reason },
        ) => {
            let (case, follows) = wrongful(case, cut.at, reason, now);
            return Ok((case, follows));
        }
        (State::ReconnectOrdered { cut, paid_at, .. }, Event::Reconnect { told, .. }) => {
            told_first(*told)?;
            back(cut.at, Back::Paid { at: paid_at }, now)
        }
        (
            State::Wrongful {
                off_at,
                found_at,
                reason,
            },
            Event::Reconnect { told, .. },
        ) => {
            told_first(*told)?;
            effects.push(Effect::StopCrew);
            back(off_at, Back::Wrongful { found_at, reason }, now)
        }
        (State::Reconnected { back, off_at, on_at }, Event::Close) => State::Closed {
            wrongful: matches!(back, Back::Wrongful { .. }),
            off_at: Some(off_at),
            on_at: Some(on_at),
        },
        // The catch-all may only refuse; every move is written out above.
        _ => return refused(&case, event),
    };
    Ok((case, effects))
}

/// Whether anything stands in the way of going on; what the class needs when not.
pub(super) fn open_way(case: &Case, facts: &Facts<'_>) -> Result<Needs, Refusal> {
    let needs = case.class.needs().ok_or(Refusal::NeverCut)?;
    let stopped_by = case.stopped_by(facts.terms.minimum_debt_cents);
    if !stopped_by.is_empty() {
        return Err(Refusal::Held(stopped_by));
    }
    if case.claimed_cents() < facts.terms.minimum_debt_cents {
        return Err(Refusal::NothingOwed);
    }
    Ok(needs)
}

/// What the approval needs by the class and by the amount.
fn approval_of(case: &Case, facts: &Facts<'_>) -> Result<Needs, Refusal> {
    let needs = open_way(case, facts)?;
    Ok(Needs {
        manager: needs.manager || case.claimed_cents() > facts.terms.manager_above_cents,
        ..needs
    })
}

fn approved(
    reminder: super::case::Reminder,
    proposal: Option<Proposal>,
    approval: Approval,
    needs: Needs,
) -> Result<Basis, Refusal> {
    let proposal = proposal.ok_or(Refusal::NoProposal)?;
    if proposal.author == approval.approver {
        return Err(Refusal::OwnProposal);
    }
    if needs.manager && !approval.manager {
        return class_needs("manager", "this class or amount needs the approval of a manager");
    }
    if needs.exception && approval.exception.is_none() {
        return class_needs(
            "exception",
            "a supply that several share is not cut: must say why it is done all the same",
        );
    }
    Ok(Basis {
        reminder,
        proposal,
        approval,
    })
}

fn class_needs<T>(field: &'static str, must: &'static str) -> Result<T, Refusal> {
    Err(Refusal::ClassNeeds { field, must })
}

pub(super) fn class_served(
    needs: Needs,
    is_visit: bool,
    is_filed: bool,
    occupants_told: bool,
) -> Result<(), Refusal> {
    if needs.visit && !is_visit {
        return class_needs("method", "this class is served by a visit");
    }
    if needs.filing && !is_filed {
        return class_needs("filing", "must name the receipt of the copy at the authority");
    }
    if needs.occupants && !occupants_told {
        return class_needs("occupants", "must say how the occupants were told");
    }
    Ok(())
}

/// A last warning is worth giving: nothing in the way, and with it the stop time is lawful.
fn may_warn(
    case: &Case,
    served: &Served,
    warning: &PreNotice,
    facts: &Facts<'_>,
    now: Instant,
) -> Result<Needs, Refusal> {
    past("warned_at", warning.at, now)?;
    warning.check(served.proof.photo_sha256.as_ref())?;
    let needs = open_way(case, facts)?;
    fresh(case, facts.terms, now)?;
    supplied(facts.premises)?;
    unlocked(facts.locks)?;
    let stop_at = served.notice.stop_at.max(now);
    facts.law.may_cut(case, served, warning.at, stop_at)?;
    Ok(needs)
}

fn told_first(told: bool) -> Result<(), Refusal> {
    if told {
        Ok(())
    } else {
        Err(Refusal::Field {
            field: "customer_told",
            must: "must be confirmed: the customer was told to switch off before supply returns",
        })
    }
}

fn back(off_at: Instant, back: Back, on_at: Instant) -> State {
    State::Reconnected { off_at, on_at, back }
}
