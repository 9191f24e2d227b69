//! What is lawful, asked of the policy pack. Nothing here counts days: every time comes from an answer of the pack, also
//! the ones searched for (the last useful moment of service), by asking "would it be lawful if".

use chrono::TimeDelta;
use relight_policy::{Answer, ArrearsDisconnect, ArrearsReconnect, NoRule, Pack, Question};

use super::{
    Instant, Refusal,
    case::{Approval, Basis, Case, Reminder, Served},
};

/// Lead times of the last warning that are tried, minutes: one of them is right in every pack there is.
const LEADS_MIN: [i64; 6] = [45, 75, 35, 60, 30, 90];
/// How far back service of a notice is searched for, days: longer than every holiday and the life of a notice.
const SERVICE_SEARCH_D: i64 = 40;
/// How far apart the hours of service are that are tried, hours: shorter than the open hours of a day in every pack, so that
/// the answer does not depend on the hour at which it is asked.
const SERVICE_SEARCH_STEP_H: i64 = 6;

/// What a notice rests on, as far as a pack has it.
const BASIS: [&str; 4] = [
    "arrears.overdue.law",
    "arrears.needs.reminder",
    "arrears.notice_min.law",
    "arrears.pre_notice_min.law",
];

/// The rules of one jurisdiction.
#[derive(Debug, Clone)]
pub struct Law {
    pack: Pack,
}

/// A disconnection, done or imagined.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    reminded_at: Instant,
    served_at: Instant,
    stop_at: Instant,
    pre_noticed_at: Instant,
    at: Instant,
    filed_at: Option<Instant>,
    manager_at: Option<Instant>,
}

/// When serving a notice for one stop time is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First moment.
    pub from: Instant,
    /// Last moment.
    pub by: Instant,
}

impl Law {
    /// Over this pack.
    pub fn new(pack: Pack) -> Self {
        Self { pack }
    }

    /// The pack.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// Whether the debt is old enough and reminded: some notice, had it been served, would have opened a lawful window by
    /// `now`. Nights and rest days have none, so notices of many days and hours are tried.
    pub fn is_old_enough(&self, case: &Case, reminder: &Reminder, now: Instant) -> bool {
        services_before(now).any(|served_at| {
            let facts = ArrearsDisconnect {
                due_on: Some(case.claimed_due_on()),
                reminded_at: Some(reminder.at),
                served_at: Some(served_at),
                balance_cents: Some(case.claimed_cents()),
                class: Some(case.class.in_policy()),
                ..ArrearsDisconnect::default()
            };
            // The window is what the whole answer says of it, at a hundredth of the work; whether anybody may be cut for
            // this debt at all, only the whole answer says.
            let window = self.pack.notice_window(&facts, &about(case));
            window.earliest.is_some_and(|opens| opens <= now) && {
                let answer = self.pack.ask(&Question::ArrearsDisconnect(facts), &about(case));
                answer.earliest.is_some_and(|opens| opens <= now)
            }
        })
    }

    /// Whether a notice served at `served_at` carries the stop time `stop_at`, given a right last warning.
    ///
    /// # Errors
    /// The pack's answer.
    pub fn carries(
        &self,
        case: &Case,
        reminder: &Reminder,
        served_at: Instant,
        stop_at: Instant,
    ) -> Result<(), Box<Answer>> {
        self.imagined(case, reminder, served_at, stop_at)
    }

    fn imagined(
        &self,
        case: &Case,
        reminder: &Reminder,
        served_at: Instant,
        at: Instant,
    ) -> Result<(), Box<Answer>> {
        let mut no = None;
        for lead in LEADS_MIN {
            let attempt = Attempt {
                reminded_at: reminder.at,
                served_at,
                stop_at: at,
                pre_noticed_at: at - TimeDelta::minutes(lead),
                at,
                filed_at: Some(served_at),
                manager_at: Some(served_at),
            };
            let answer = self.ask(case, &attempt, false);
            if answer.allowed() {
                return Ok(());
            }
            no.get_or_insert(answer);
        }
        Err(Box::new(no.expect("at least one lead was tried")))
    }

    /// When a notice that names `stop_at` has to be served.
    ///
    /// # Errors
    /// [`Refusal::EmptyWindow`] when that is over at `now`, or no service at all makes it lawful.
    pub fn span(
        &self,
        case: &Case,
        reminder: &Reminder,
        stop_at: Instant,
        now: Instant,
    ) -> Result<Span, Refusal> {
        let lawful = |served_at: Instant| self.carries(case, reminder, served_at, stop_at).is_ok();
        let days_before = |days: i64| stop_at - TimeDelta::days(days);
        let empty = |serve_by: Option<Instant>, because: String| Refusal::EmptyWindow {
            stop_at,
            serve_by,
            because,
        };
        let Some(nearest) = (0..=SERVICE_SEARCH_D).find(|days| lawful(days_before(*days))) else {
            let answer = self.carries(case, reminder, now.min(stop_at), stop_at);
            let because = answer.err().map(|no| no.because).unwrap_or_default();
            return Err(empty(None, because));
        };
        let by = edge(days_before(nearest), days_before(nearest - 1), &lawful);
        let farthest = (nearest..=SERVICE_SEARCH_D)
            .take_while(|days| lawful(days_before(*days)))
            .last()
            .unwrap_or(nearest);
        let from = edge(days_before(farthest), days_before(farthest + 1), &lawful);
        if by < now {
            return Err(empty(Some(by), "the time to serve it has passed".to_owned()));
        }
        Ok(Span { from, by })
    }

    /// The lawful window of a notice served at `served_at` for `stop_at`.
    ///
    /// # Errors
    /// [`Refusal::Unlawful`] when the pack names none.
    pub fn window(
        &self,
        case: &Case,
        basis: &Basis,
        served_at: Instant,
        stop_at: Instant,
    ) -> Result<(Instant, Instant), Refusal> {
        let attempt = Attempt {
            reminded_at: basis.reminder.at,
            served_at,
            stop_at,
            pre_noticed_at: stop_at - TimeDelta::minutes(LEADS_MIN[0]),
            at: stop_at,
            filed_at: Some(served_at),
            manager_at: Some(served_at),
        };
        let answer = self.ask(case, &attempt, false);
        match (answer.earliest, answer.latest) {
            (Some(earliest), Some(latest)) => Ok((earliest.min(stop_at), latest.max(stop_at))),
            _ => Ok((stop_at, stop_at)),
        }
    }

    /// Whether the supply may be cut at `now`.
    ///
    /// # Errors
    /// [`Refusal::Unlawful`] with the pack's reason.
    pub fn may_cut(
        &self,
        case: &Case,
        served: &Served,
        pre_noticed_at: Instant,
        now: Instant,
    ) -> Result<(), Refusal> {
        let attempt = Attempt {
            reminded_at: served.basis.reminder.at,
            served_at: served.counts_from(),
            stop_at: served.notice.stop_at,
            pre_noticed_at,
            at: now,
            filed_at: served.filing.as_ref().map(|filing| filing.at),
            manager_at: manager_at(&served.basis.approval),
        };
        let answer = self.ask(case, &attempt, true);
        if answer.allowed() {
            Ok(())
        } else {
            Err(unlawful(answer))
        }
    }

    /// By when a customer who paid at `paid_at` has supply again; at once when the pack does not say.
    pub fn reconnect_by(&self, case: &Case, paid_at: Instant) -> Instant {
        let facts = ArrearsReconnect {
            paid_at: Some(paid_at),
        };
        let answer = self.pack.ask(&Question::ArrearsReconnect(facts), &about(case));
        answer.by.unwrap_or(paid_at)
    }

    /// How long a payment that is proven to be on its way holds a case; `None`: the pack does not say, until somebody lifts it.
    pub fn payment_hold(&self, case: &Case) -> Option<TimeDelta> {
        self.pack.duration("arrears.payment_hold", case.opened_at).ok()
    }

    /// When the limit of reconnection is watched and at risk.
    ///
    /// # Errors
    /// [`NoRule`] when the pack has no such shares.
    pub fn alarms(&self, paid_at: Instant, by: Instant) -> Result<[Instant; 2], NoRule> {
        let share = |path| {
            let percent = self.pack.percent(path, paid_at)?;
            Ok(paid_at + (by - paid_at) * i32::from(percent) / 100)
        };
        Ok([share("alarm.watch")?, share("alarm.at_risk")?])
    }

    /// The rules a notice rests on, in the words of the pack.
    pub fn basis(&self, case: &Case) -> Vec<String> {
        let leaf = |path: &&str| self.pack.leaf(path, case.opened_at).ok();
        let sources = BASIS.iter().filter_map(leaf).map(|leaf| leaf.source.clone());
        sources.collect()
    }

    /// ISO 4217 code of the money debts are counted in there.
    pub fn currency(&self) -> &str {
        self.pack.currency()
    }

    /// The version of the pack that rules the case.
    pub fn version(&self, case: &Case) -> String {
        let facts = ArrearsReconnect { paid_at: None };
        self.pack
            .ask(&Question::ArrearsReconnect(facts), &about(case))
            .pack_version
    }

    fn ask(&self, case: &Case, attempt: &Attempt, with_holds: bool) -> Answer {
        let stopping = case
            .holds
            .iter()
            .filter(|(_, held)| with_holds && held.part.is_none());
        let holds = stopping.map(|(kind, _)| kind);
        let facts = ArrearsDisconnect {
            due_on: Some(case.claimed_due_on()),
            reminded_at: Some(attempt.reminded_at),
            served_at: Some(attempt.served_at),
            notified_stop_at: Some(attempt.stop_at),
            pre_noticed_at: Some(attempt.pre_noticed_at),
            at: Some(attempt.at),
            balance_cents: Some(case.claimed_cents()),
            class: Some(case.class.in_policy()),
            holds: holds.map(|kind| kind.in_policy()).collect(),
            filed_at: attempt.filed_at,
            manager_approved_at: attempt.manager_at,
        };
        self.pack.ask(&Question::ArrearsDisconnect(facts), &about(case))
    }
}

/// Time and place the pack answers for.
fn about(case: &Case) -> relight_policy::Case {
    relight_policy::Case {
        zone: Some(case.zone),
        ruled_at: Some(case.opened_at),
    }
}

fn manager_at(approval: &Approval) -> Option<Instant> {
    approval.manager.then_some(approval.at)
}

fn unlawful(answer: Answer) -> Refusal {
    Refusal::Unlawful {
        because: answer.because,
        earliest: answer.earliest,
    }
}

/// The last moment, to the second, on the way from `inside` to `outside` that is still inside.
fn edge(mut inside: Instant, mut outside: Instant, is_inside: &impl Fn(Instant) -> bool) -> Instant {
    while (outside - inside).abs() > TimeDelta::seconds(1) {
        let middle = inside + (outside - inside) / 2;
        if is_inside(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    inside
}

/// Moments at which a notice might have been served, the latest first.
fn services_before(now: Instant) -> impl Iterator<Item = Instant> {
    (1..=SERVICE_SEARCH_D * 24 / SERVICE_SEARCH_STEP_H)
        .map(move |steps| now - TimeDelta::hours(steps * SERVICE_SEARCH_STEP_H))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        class::Class,
        given::{case, law, local},
    };

    /// By whole answers alone: what the short way has to agree with.
    fn asked_in_full(law: &Law, case: &Case, reminder: &Reminder, now: Instant) -> bool {
        services_before(now).any(|served_at| {
            let facts = ArrearsDisconnect {
                due_on: Some(case.claimed_due_on()),
                reminded_at: Some(reminder.at),
                served_at: Some(served_at),
                balance_cents: Some(case.claimed_cents()),
                class: Some(case.class.in_policy()),
                ..ArrearsDisconnect::default()
            };
            let answer = law.pack.ask(&Question::ArrearsDisconnect(facts), &about(case));
            answer.earliest.is_some_and(|opens| opens <= now)
        })
    }

    #[test]
    fn the_short_way_to_old_enough_says_what_the_whole_answers_say() {
        let law = law();
        let reminder = Reminder {
            at: local("07-10 10:00"),
            channel: "phone".to_owned(),
            record: "call 17".to_owned(),
            call: None,
            photo_sha256: None,
        };
        let mut seen = [false; 2];
        for (class, balance_cents) in [
            (Class::Ordinary, 50_000),
            (Class::Ordinary, 1),
            (Class::LifeSupport, 50_000),
        ] {
            let case = Case {
                class,
                balance_cents,
                ..case()
            };
            for hours in (0..20 * 24).step_by(19) {
                let now = local("07-27 00:00") + TimeDelta::hours(hours);
                let short = law.is_old_enough(&case, &reminder, now);
                assert_eq!(
                    short,
                    asked_in_full(&law, &case, &reminder, now),
                    "{class:?} {balance_cents} {now}"
                );
                seen[usize::from(short)] = true;
            }
        }
        assert_eq!(seen, [true, true], "both answers came up");
    }

    #[test]
    fn a_debt_once_old_enough_is_so_at_every_hour_after() {
        let (law, case) = (law(), case());
        let reminder = Reminder {
            at: local("07-10 10:00"),
            channel: "phone".to_owned(),
            record: "call 17".to_owned(),
            call: None,
            photo_sha256: None,
        };
        let begin = local("07-27 00:00");
        let asked: Vec<bool> = (0..30 * 24)
            .map(|hours| law.is_old_enough(&case, &reminder, begin + TimeDelta::hours(hours)))
            .collect();
        let first = asked.iter().position(|is_old| *is_old).expect("it gets old");
        assert!(first > 0, "not from the start");
        assert!(asked[first..].iter().all(|is_old| *is_old), "{first}");
    }
}
