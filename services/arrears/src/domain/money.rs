//! What a payment does to a case (domain.md 5.3).

use chrono::{NaiveDate, TimeDelta};

use super::{
    Effect, Facts, Instant,
    case::{Case, Held, HoldKind, State, Void},
    disprove::carried,
    event::Owed,
    moment::overdue,
    stood,
};

/// The house's own numbers, none of them law. Section `arrears` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Below this no supply is cut, hundredths of the currency.
    pub minimum_debt_cents: i64,
    /// Above this a manager approves the disconnection, hundredths of the currency.
    pub manager_above_cents: i64,
    /// A payment of this share of the debt stops the case for a while, percent.
    pub stop_share_percent: u8,
    /// For so long, days.
    pub stop_days: u16,
    /// A notice that names so much more than is owed is void, percent.
    pub notice_tolerance_percent: u8,
    /// Greatest age of a balance on which a supply is cut, seconds.
    pub balance_max_age_s: u32,
    /// Life of a release, seconds; at most 300 (operations.md O9).
    pub release_ttl_s: u32,
    /// The last warning by text message is ordered so long before the notified stop, minutes.
    pub warn_before_min: u16,
    /// Where to pay, Chinese, at most 16 characters and no link (operations.md O15); empty: the enquiry number says it.
    pub pay_hint_zh: String,
    /// The same, English, at most 40 characters.
    pub pay_hint_en: String,
}

impl Terms {
    /// What is wrong with them, in words.
    pub fn fault(&self) -> Option<&'static str> {
        match self {
            terms if terms.minimum_debt_cents < 1 => Some("minimum_debt_cents must be at least 1"),
            terms if terms.manager_above_cents < 0 => Some("manager_above_cents must be at least 0"),
            terms if !(1..=100).contains(&terms.stop_share_percent) => {
                Some("stop_share_percent must be from 1 to 100")
            }
            terms if terms.notice_tolerance_percent > 100 => {
                Some("notice_tolerance_percent must be at most 100")
            }
            terms if !(1..=300).contains(&terms.balance_max_age_s) => {
                Some("balance_max_age_s must be from 1 to 300")
            }
            terms if !(1..=300).contains(&terms.release_ttl_s) => Some("release_ttl_s must be from 1 to 300"),
            terms if !(31..=85).contains(&terms.warn_before_min) => {
                Some("warn_before_min must be from 31 to 85")
            }
            terms if !is_hint(&terms.pay_hint_zh, 16) => {
                Some("pay_hint_zh must have at most 16 characters and no link")
            }
            terms if !is_hint(&terms.pay_hint_en, 40) => {
                Some("pay_hint_en must have at most 40 characters and no link")
            }
            _ => None,
        }
    }
}

/// A link in a message about money is what a fraud looks like.
fn is_hint(text: &str, max: usize) -> bool {
    text.chars().count() <= max && !["://", "www."].iter().any(|link| text.contains(link))
}

/// Takes over what billing says. An older balance than the last one changes nothing.
///
/// All paid that the case stands for: it ends, or supply comes back; newer debt is a case of its own. Nearly all paid: it
/// rests for some days, time to agree on a plan. Less: it goes on, and a notice that names too much by now is void.
pub(super) fn take(mut case: Case, owed: &Owed, facts: &Facts<'_>, now: Instant) -> (Case, Vec<Effect>) {
    if owed.as_of < case.balance_at || case.state.is_over() {
        return (case, Vec::new());
    }
    let paid_something = owed.balance_cents < case.balance_cents;
    let stood = owed
        .first_paid_at
        .and_then(|first| stood::of(&case, first, owed.as_of));
    case.balance_cents = owed.balance_cents;
    case.balance_at = owed.as_of;
    case.debt_cents = case.debt_cents.max(owed.balance_cents);
    if owed.balance_cents <= 0 || is_covered(&case, owed) {
        let (mut case, effects) = settled(case, owed.as_of);
        if matches!(case.state, State::SettledBefore { .. }) {
            case.state = State::SettledBefore { stood };
        }
        return (case, effects);
    }
    if !case.state.is_before_cut() {
        return (case, Vec::new());
    }
    let mut effects = next_bill(&mut case, owed, facts, now);
    if paid_something && nearly_all(&case, facts.terms) {
        let until = now + TimeDelta::days(facts.terms.stop_days.into());
        let held = Held::new(
            now,
            Some(until),
            "nearly all was paid; a plan for the rest is due",
        );
        effects.extend(hold(&mut case, HoldKind::Plan, held));
    }
    if names_too_much(&case, facts.terms) {
        effects.extend(void(&mut case));
    }
    (case, effects)
}

/// Whether all the case stands for is paid, oldest first: what its notice named as past its day; before the cut also what
/// the customer was reminded of.
fn is_covered(case: &Case, owed: &Owed) -> bool {
    let is_past = |day: NaiveDate| owed.due_on.is_some_and(|due_on| due_on > day);
    let noticed = case.state.notice().is_some_and(|notice| match notice.overdue {
        Some(overdue) => is_past(overdue.until) || owed.paid_cents >= overdue.cents,
        None => is_past(case.due_on) || owed.paid_cents >= notice.amount_cents,
    });
    let unreminded = is_past(case.due_on)
        && !owed.due_on.is_some_and(|day| is_reminded_of(case, day))
        && case.state.is_before_cut();
    noticed || unreminded
}

fn is_reminded_of(case: &Case, due_on: NaiveDate) -> bool {
    let next = Case {
        due_on,
        ..case.clone()
    };
    let reminder = case.state.reminder();
    reminder.is_some_and(|reminder| overdue(&next, reminder.at).is_ok())
}

/// The oldest bill is paid, the next was reminded of too: the days count from that one, and what it does not carry falls.
fn next_bill(case: &mut Case, owed: &Owed, facts: &Facts<'_>, now: Instant) -> Vec<Effect> {
    let Some(due_on) = owed.due_on.filter(|due_on| *due_on > case.due_on) else {
        return Vec::new();
    };
    case.due_on = due_on;
    match case.state.reminder().cloned() {
        Some(reminder) if !carried(case, &reminder, facts.law, now) => {
            case.state = State::Reminded { reminder };
            vec![Effect::StopCrew]
        }
        _ => Vec::new(),
    }
}

/// Voids the notice, if there is one: the debt it names is not true any more.
pub(super) fn void(case: &mut Case) -> Vec<Effect> {
    match (case.state.notice(), case.state.basis().cloned()) {
        (Some(_), Some(basis)) if case.state.is_before_cut() => {
            case.state = State::Expired {
                basis,
                void: Void::AmountWrong,
            };
            vec![Effect::StopCrew]
        }
        _ => Vec::new(),
    }
}

/// Puts a hold on; a crew that waits for the stop time goes home, and the last warning is spent.
pub(super) fn hold(case: &mut Case, kind: HoldKind, held: Held) -> Vec<Effect> {
    let since = case.holds.get(&kind).map_or(held.since, |known| known.since);
    case.holds.insert(kind, Held { since, ..held });
    call_back(case)
}

/// Takes the last warning back.
pub(super) fn call_back(case: &mut Case) -> Vec<Effect> {
    match case.state.clone() {
        State::PreNoticed { served, .. } => {
            case.state = State::WindowOpen { served, unused: None };
            vec![Effect::StopCrew]
        }
        _ => Vec::new(),
    }
}

/// Nothing is owed any more, or a plan stands for it.
pub(super) fn settled(mut case: Case, paid_at: Instant) -> (Case, Vec<Effect>) {
    let (state, effects) = match case.state {
        before if before.is_before_cut() => (State::SettledBefore { stood: None }, vec![Effect::StopCrew]),
        State::Disconnected { cut, .. } => (State::Paid { cut, paid_at }, Vec::new()),
        later => (later, Vec::new()),
    };
    case.state = state;
    (case, effects)
}

fn nearly_all(case: &Case, terms: &Terms) -> bool {
    let paid = i128::from(case.debt_cents) - i128::from(case.balance_cents);
    case.balance_cents < terms.minimum_debt_cents
        || paid * 100 >= i128::from(case.debt_cents) * i128::from(terms.stop_share_percent)
}

fn names_too_much(case: &Case, terms: &Terms) -> bool {
    case.state.is_before_cut()
        && case.state.notice().is_some_and(|notice| {
            let most = i128::from(case.claimed_cents()) * (100 + i128::from(terms.notice_tolerance_percent));
            i128::from(notice.amount_cents) * 100 > most
        })
}
