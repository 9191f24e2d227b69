//! The machine (domain.md 5.3). Every move is written out; the catch-all may only refuse.

use chrono::TimeDelta;

use super::{
    Effect, Event, Instant, Refusal, State,
    case::{Approval, Back, Basis, Case, Cut, HoldKind, Notice, PreNotice, Proposal, Served},
    class::{Class, Needs},
    disprove::disprove,
    event::Doing,
    facts::{Facts, Premises},
    known::{classify, registered},
    moment::{overdue, past},
    money::{self, Terms},
    stranger::stranger,
};

type Moved = Result<(Case, Vec<Effect>), Refusal>;

/// What `event` does to `case` at `now`, and what follows for others.
///
/// # Errors
/// [`Refusal`], which says what would be right.
pub fn transition(case: &Case, event: &Event, facts: &Facts<'_>, now: Instant) -> Moved {
    let mut case = case.clone();
    case.holds
        .retain(|_, held| held.until.is_none_or(|until| now < until));
    match event {
        Event::Money { balance_cents, as_of } => {
            money::take(case, facts.terms, (*balance_cents, *as_of), now)
        }
        Event::Look => Ok(look(case, facts, now)),
        Event::Disprove { record, stands_at } => Ok(disprove(case, (record, *stands_at), facts, now)),
        Event::Stranger { contact } => Ok(stranger(case, *contact, facts, now)),
        Event::FoundOff { off_at, reason } => found_off(case, event, (*off_at, reason), now),
        _ if case.state.is_over() => refused(&case, event),
        Event::Hold { kind, until, reason } => Ok(hold(case, *kind, (*until, reason.clone()), now)),
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

fn hold(mut case: Case, kind: HoldKind, why: (Option<Instant>, String), now: Instant) -> (Case, Vec<Effect>) {
    let effects = money::hold(&mut case, kind, why, now);
    (case, effects)
}

/// Before the cut a plan holds the case; after it, it counts as payment.
fn plan(case: Case, until: Instant, now: Instant) -> Moved {
    if until <= now {
        return Err(Refusal::Field {
            field: "until",
            must: "must lie ahead",
        });
    }
    match case.state {
        State::Disconnected { .. } => Ok(money::settled(case, now)),
        _ => Ok(hold(
            case,
            HoldKind::Plan,
            (Some(until), "a plan was agreed".to_owned()),
            now,
        )),
    }
}

pub(super) fn wrongful(mut case: Case, off_at: Instant, reason: &str, now: Instant) -> (Case, Vec<Effect>) {
    case.state = State::Wrongful {
        off_at,
        found_at: now,
        reason: reason.to_owned(),
    };
    (case, vec![Effect::StopCrew, Effect::Report])
}

fn found_off(case: Case, event: &Event, (off_at, reason): (Instant, &str), now: Instant) -> Moved {
    if off_at > now {
        return Err(Refusal::Field {
            field: "off_at",
            must: "must not lie ahead",
        });
    }
    // Paid or given up, and cut all the same: that is the worst of them.
    let is_settled = matches!(case.state, State::SettledBefore | State::Withdrawn { .. });
    if case.state.is_before_cut() || is_settled {
        Ok(wrongful(case, off_at, reason, now))
    } else {
        refused(&case, event)
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
            let needs = open_way(&case, facts)?;
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
            },
        ) => {
            open_way(&case, facts)?;
            let span = facts.law.span(&case, &basis.reminder, *stop_at, now)?;
            let notice = Notice {
                number: number.clone(),
                issued_at: now,
                issuer: issuer.clone(),
                stop_at: *stop_at,
                amount_cents: case.balance_cents,
                serve_from: span.from.max(now),
                serve_by: span.by,
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
            let needs = open_way(&case, facts)?;
            proof.check(notice.issued_at, now)?;
            class_served(
                needs,
                proof.method.is_visit(),
                filing.is_some(),
                occupants.is_some(),
            )?;
            let stop_at = notice.stop_at;
            if let Err(no) = facts
                .law
                .carries(&case, &basis.reminder, proof.served_at, stop_at)
            {
                return Err(Refusal::EmptyWindow {
                    stop_at,
                    serve_by: Some(notice.serve_by),
                    because: no.because,
                });
            }
            let (opens_at, ends_at) = facts.law.window(&case, &basis, proof.served_at, stop_at)?;
            let served = Served {
                basis,
                notice,
                proof: proof.clone(),
                filing: filing.clone(),
                occupants: occupants.clone(),
                opens_at,
                ends_at,
            };
            State::NoticeServed { served }
        }
        (
            State::WindowOpen { served },
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
    if !case.holds.is_empty() {
        return Err(Refusal::Held(case.holds.keys().copied().collect()));
    }
    if case.balance_cents < facts.terms.minimum_debt_cents {
        return Err(Refusal::NothingOwed);
    }
    Ok(needs)
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
        return class_needs("manager", "this class needs the approval of a manager");
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
    warning.check()?;
    let needs = open_way(case, facts)?;
    fresh(case, facts.terms, now)?;
    supplied(facts.premises)?;
    let stop_at = served.notice.stop_at.max(now);
    facts.law.may_cut(case, served, warning.at, stop_at)?;
    Ok(needs)
}

/// How far the clock of billing may be ahead of ours.
pub const AHEAD_MAX: TimeDelta = TimeDelta::seconds(60);

/// A balance of later than now is no fresher: our clock was set back, and nobody knows how old it is.
pub(super) fn fresh(case: &Case, terms: &Terms, now: Instant) -> Result<(), Refusal> {
    let max_s = i64::from(terms.balance_max_age_s);
    let age = now - case.balance_at;
    if age.num_seconds() > max_s || age < -AHEAD_MAX {
        return Err(Refusal::BalanceStale {
            as_of: case.balance_at,
            max_s,
        });
    }
    Ok(())
}

fn supplied(premises: Premises) -> Result<(), Refusal> {
    match premises {
        Premises::Supplied => Ok(()),
        Premises::Off => Err(Refusal::OtherOutage),
        Premises::Unknown => Err(Refusal::PremisesUnknown),
    }
}

/// Whether the supply may be cut at `now` on the meter that was scanned: asked for a release, and again when it is used.
///
/// # Errors
/// [`Refusal`]; nobody cuts then.
pub fn check_cut(
    case: &Case,
    scanned_meter_no: &str,
    facts: &Facts<'_>,
    now: Instant,
) -> Result<(), Refusal> {
    let State::PreNoticed { served, pre_notice } = &case.state else {
        return Err(Refusal::NotAllowed {
            state: case.state.word(),
            event: "release",
        });
    };
    if scanned_meter_no != case.meter_no {
        return Err(Refusal::WrongMeter);
    }
    open_way(case, facts)?;
    fresh(case, facts.terms, now)?;
    supplied(facts.premises)?;
    facts.law.may_cut(case, served, pre_notice.at, now)
}

fn cut(case: &Case, doing: &Doing, facts: &Facts<'_>, now: Instant) -> Result<Cut, Refusal> {
    check_cut(case, &doing.scanned_meter_no, facts, now)?;
    let release = facts
        .release
        .ok_or(Refusal::NoRelease("there is none for this case"))?;
    if release.meter_no != doing.scanned_meter_no {
        return Err(Refusal::NoRelease("it is for another meter"));
    }
    if release.spent {
        return Err(Refusal::NoRelease("it was used or taken back"));
    }
    if release.expires_at <= now {
        return Err(Refusal::NoRelease("it has expired"));
    }
    if release.expires_at > now + TimeDelta::seconds(facts.terms.release_ttl_s.into()) {
        return Err(Refusal::NoRelease(
            "it was given later than now: a clock was set back",
        ));
    }
    if doing.by == doing.second {
        return Err(Refusal::Field {
            field: "second",
            must: "must be another person than the one who cuts",
        });
    }
    if !doing.nobody_at_risk {
        return Err(Refusal::Field {
            field: "nobody_at_risk",
            must: "must be confirmed on site",
        });
    }
    Ok(Cut {
        at: now,
        by: doing.by.clone(),
        second: doing.second.clone(),
        photo_before_sha256: doing.photo_before_sha256.clone(),
        photo_after_sha256: doing.photo_after_sha256.clone(),
    })
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

/// What time alone does.
fn look(mut case: Case, facts: &Facts<'_>, now: Instant) -> (Case, Vec<Effect>) {
    let mut effects = Vec::new();
    case.state = match case.state.clone() {
        State::Reminded { reminder }
            if open_way(&case, facts).is_ok() && facts.law.is_old_enough(&case, &reminder, now) =>
        {
            State::Eligible {
                reminder,
                proposal: None,
            }
        }
        State::NoticeIssued { basis, notice } if notice.serve_by < now => lapsed(basis),
        State::NoticeServed { served } if served.opens_at <= now => State::WindowOpen { served },
        State::WindowOpen { served } if served.ends_at < now => lapsed(served.basis),
        State::PreNoticed { served, pre_notice }
            if served.notice.stop_at < now
                && facts.law.may_cut(&case, &served, pre_notice.at, now).is_err() =>
        {
            effects.push(Effect::StopCrew);
            State::WindowOpen { served }
        }
        State::Paid { cut, paid_at } => {
            let by = facts.law.reconnect_by(&case, paid_at);
            State::ReconnectOrdered { cut, paid_at, by }
        }
        same => same,
    };
    (case, effects)
}

fn lapsed(basis: Basis) -> State {
    State::Expired {
        basis,
        void: super::case::Void::Lapsed,
    }
}
