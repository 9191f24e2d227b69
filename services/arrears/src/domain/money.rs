//! What a payment does to a case (domain.md 5.3).

use chrono::TimeDelta;

use super::{
    Effect, Instant, Refusal,
    case::{Case, Held, HoldKind, State, Void},
};

/// The house's own numbers, none of them law. Section `arrears` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Below this no supply is cut, hundredths of the currency.
    pub minimum_debt_cents: i64,
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
/// All paid: the case ends, or supply comes back. Nearly all paid: it rests for some days, time to agree on a plan. Less:
/// it goes on, and a notice that names too much by now is void.
pub(super) fn take(
    mut case: Case,
    terms: &Terms,
    (balance_cents, as_of): (i64, Instant),
    now: Instant,
) -> Result<(Case, Vec<Effect>), Refusal> {
    if as_of < case.balance_at || case.state.is_over() {
        return Ok((case, Vec::new()));
    }
    let paid_something = balance_cents < case.balance_cents;
    case.balance_cents = balance_cents;
    case.balance_at = as_of;
    case.debt_cents = case.debt_cents.max(balance_cents);
    if balance_cents <= 0 {
        return Ok(settled(case, as_of));
    }
    if !case.state.is_before_cut() {
        return Ok((case, Vec::new()));
    }
    let mut effects = Vec::new();
    if paid_something && nearly_all(&case, terms) {
        let until = now + TimeDelta::days(terms.stop_days.into());
        let reason = "nearly all was paid; a plan for the rest is due".to_owned();
        effects = hold(&mut case, HoldKind::Plan, (Some(until), reason), now);
    }
    if names_too_much(&case, terms)
        && let Some(basis) = case.state.basis().cloned()
    {
        case.state = State::Expired {
            basis,
            void: Void::AmountWrong,
        };
        effects = vec![Effect::StopCrew];
    }
    Ok((case, effects))
}

/// Puts a hold on; a crew that waits for the stop time goes home, and the last warning is spent.
pub(super) fn hold(
    case: &mut Case,
    kind: HoldKind,
    (until, reason): (Option<Instant>, String),
    now: Instant,
) -> Vec<Effect> {
    let since = case.holds.get(&kind).map_or(now, |held| held.since);
    case.holds.insert(kind, Held { since, until, reason });
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
        before if before.is_before_cut() => (State::SettledBefore, vec![Effect::StopCrew]),
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
            let most = i128::from(case.balance_cents) * (100 + i128::from(terms.notice_tolerance_percent));
            i128::from(notice.amount_cents) * 100 > most
        })
}
