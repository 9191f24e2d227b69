//! One debt walked through its life under the rules of CN-SGCC: due on 30 June 2026, notice served on Monday 10 August,
//! stop on Monday 17 August at 10:00 in Shanghai.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use relight_policy::Pack;

use super::{
    Case, Effect, Event, Instant, Law, Refusal, State,
    call::Call,
    case::{Held, HoldKind, Overdue, PreNotice, Reminder},
    class::Class,
    event::{Doing, Owed},
    facts::{Facts, Locks, Premises, Release},
    money::Terms,
    proof::{Method, Proof},
    transition::transition,
};

pub(super) static TERMS: Terms = Terms {
    minimum_debt_cents: 1_000,
    manager_above_cents: 1_000_000,
    stop_share_percent: 80,
    stop_days: 7,
    notice_tolerance_percent: 10,
    balance_max_age_s: 300,
    release_ttl_s: 300,
    warn_before_min: 35,
    pay_hint_zh: String::new(),
    pay_hint_en: String::new(),
};
pub(super) const DEBT: i64 = 50_000;
pub(super) const METER: &str = "3300118";

pub(super) fn utc(text: &str) -> Instant {
    text.parse().expect("a test's own instant")
}

/// Local time of Shanghai in 2026: `local("08-17 10:00")`.
pub(super) fn local(text: &str) -> Instant {
    let (day, time) = text.split_once(' ').expect("day and time");
    let seconds = if time.len() == 5 { ":00" } else { "" };
    utc(&format!("2026-{day}T{time}{seconds}+08:00"))
}

pub(super) fn law() -> Law {
    Law::new(Pack::load("CN-SGCC").expect("part of the program"))
}

pub(super) fn case() -> Case {
    Case {
        due_on: "2026-06-30".parse().expect("a day"),
        zone: chrono_tz::Asia::Shanghai,
        opened_at: local("07-01 02:00"),
        class: Class::Ordinary,
        registered: Some(Class::Ordinary),
        meter_no: METER.to_owned(),
        debt_cents: DEBT,
        balance_cents: DEBT,
        balance_at: local("07-01 00:00"),
        currency: "CNY".to_owned(),
        holds: BTreeMap::new(),
        reminders: Vec::new(),
        state: State::Overdue,
    }
}

/// The customer answered at their own number.
pub(super) fn call() -> Call {
    Call {
        contact: uuid::Uuid::from_u128(17),
        answered_by: "王小明".to_owned(),
        adult: true,
    }
}

pub(super) fn remind() -> Event {
    Event::Remind(Reminder {
        at: local("07-10 10:00"),
        channel: "phone".to_owned(),
        record: "call 17".to_owned(),
        call: Some(call()),
        photo_sha256: None,
    })
}

pub(super) fn propose() -> Event {
    Event::Propose {
        author: "li".to_owned(),
        reason: "reminded twice".to_owned(),
    }
}

pub(super) fn approve(approver: &str, manager: bool) -> Event {
    Event::Approve {
        approver: approver.to_owned(),
        approver_name: format!("name of {approver}"),
        manager,
        exception: manager.then(|| "nobody lives there".to_owned()),
    }
}

pub(super) fn issue(stop_at: &str) -> Event {
    Event::Issue {
        number: "T-20260810-0001".to_owned(),
        issuer: "li".to_owned(),
        stop_at: local(stop_at),
        overdue: Some(Overdue {
            cents: DEBT,
            until: case().due_on,
        }),
    }
}

/// Left at the door before a witness.
pub(super) fn posted(served_at: Instant) -> Proof {
    Proof {
        method: Method::PostedWithWitness,
        served_at,
        server: "chen".to_owned(),
        server_name: "陈工".to_owned(),
        position: Some((120.15, 30.28)),
        photo_sha256: Some("ab".repeat(32)),
        received_by: Some("nobody at home".to_owned()),
        signature_sha256: None,
        witness: Some("zhou".to_owned()),
        record: None,
        call: None,
    }
}

pub(super) fn serve(served_at: &str) -> Event {
    Event::Serve {
        proof: posted(local(served_at)),
        filing: None,
        occupants: None,
    }
}

pub(super) fn warn(at: &str) -> Event {
    Event::PreNotice {
        warning: PreNotice {
            at: local(at),
            channel: "phone".to_owned(),
            record: "call 90".to_owned(),
            by: "li".to_owned(),
            by_name: "name of li".to_owned(),
            call: Some(call()),
            photo_sha256: None,
            witness: None,
        },
        safe_shutdown: None,
    }
}

pub(super) fn money(balance_cents: i64, as_of: &str) -> Event {
    owed(balance_cents, as_of, None, 0)
}

/// What billing says: the balance, its moment, the day of the oldest unpaid bill, and what was paid since the notice.
pub(super) fn owed(balance_cents: i64, as_of: &str, due_on: Option<&str>, paid_cents: i64) -> Event {
    Event::Money(Owed {
        balance_cents,
        as_of: local(as_of),
        due_on: due_on.map(|day| day.parse().expect("a day")),
        paid_cents,
        first_paid_at: None,
    })
}

pub(super) fn cut() -> Event {
    Event::Cut(Doing {
        scanned_meter_no: METER.to_owned(),
        by: "wang".to_owned(),
        second: "sun".to_owned(),
        photo_before_sha256: "cd".repeat(32),
        photo_after_sha256: "ef".repeat(32),
        missing_photo: None,
        nobody_at_risk: true,
        done_at: None,
        clock_off: Some(TimeDelta::zero()),
    })
}

pub(super) fn hold(kind: HoldKind) -> Event {
    Event::Hold {
        kind,
        held: Held::new(local("07-01 00:00"), None, "said on the phone"),
    }
}

pub(super) fn reconnect() -> Event {
    Event::Reconnect {
        told: true,
        by: "wang".to_owned(),
    }
}

pub(super) fn release(expires_at: &str) -> Release {
    Release {
        meter_no: METER.to_owned(),
        expires_at: local(expires_at),
        spent_at: None,
        spoken: false,
    }
}

/// The event, and what time alone does after it.
pub(super) fn apply(
    case: &Case,
    event: &Event,
    facts: &Facts<'_>,
    at: Instant,
) -> Result<(Case, Vec<Effect>), Refusal> {
    let (mut case, mut effects) = transition(case, event, facts, at)?;
    loop {
        let (next, more) = transition(&case, &Event::Look, facts, at)?;
        effects.extend(more);
        if next == case {
            return Ok((case, effects));
        }
        case = next;
    }
}

/// The way from overdue to closed, each step with its moment and the state it leads to.
pub(super) fn way() -> Vec<(Event, &'static str, &'static str)> {
    vec![
        (remind(), "07-10 11:00", "reminded"),
        (Event::Look, "08-05 09:00", "eligible"),
        (propose(), "08-05 10:00", "eligible"),
        (approve("hu", false), "08-06 09:00", "approved"),
        (issue("08-17 10:00"), "08-06 10:00", "notice_issued"),
        (serve("08-10 09:00"), "08-10 09:30", "notice_served"),
        (Event::Look, "08-17 09:05", "window_open"),
        (money(DEBT, "08-17 09:14"), "08-17 09:14", "window_open"),
        (warn("08-17 09:15"), "08-17 09:16", "pre_noticed"),
        (money(DEBT, "08-17 09:59"), "08-17 09:59", "pre_noticed"),
        (cut(), "08-17 10:02", "disconnected"),
        (money(0, "08-18 08:00"), "08-18 08:00", "reconnect_ordered"),
        (reconnect(), "08-18 11:00", "reconnected"),
        (Event::Close, "08-18 12:00", "closed"),
    ]
}

/// The first case on the way that is in `state`, and when it got there.
pub(super) fn in_state(state: &str) -> (Case, Instant) {
    let (law, release) = (law(), release("08-17 10:05"));
    let facts = Facts {
        law: &law,
        terms: &TERMS,
        premises: Premises::Supplied,
        locks: &Locks::Free,
        release: Some(&release),
    };
    let mut now = (case(), local("07-01 02:00"));
    for (event, at, _) in way() {
        if now.0.state.word() == state {
            return now;
        }
        now = match apply(&now.0, &event, &facts, local(at)) {
            Ok((next, _)) => (next, local(at)),
            Err(refusal) => panic!("{event:?} at {at}: {refusal}"),
        };
    }
    assert_eq!(now.0.state.word(), state, "not on the way");
    now
}
