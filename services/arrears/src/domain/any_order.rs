//! No sequence of events at any times leads to a cut that should not be. The conditions are judged here by plain
//! arithmetic, not by the policy engine: an independent checker.

use std::collections::BTreeSet;

use chrono::{Days, TimeDelta};
use proptest::prelude::*;

use super::{
    Case, Event, Instant, State,
    case::{HoldKind, Overdue},
    class::Class,
    event::{Doing, Owed},
    facts::{Facts, Locks, Premises, Release},
    given::{DEBT, METER, TERMS, approve, call, case, hold, law, local, posted, propose, reconnect, remind},
    known::Known,
    proof::Method,
    transition::transition,
};

/// An event and how long after the one before.
type Step = (Event, TimeDelta);

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(remind()),
        3 => Just(propose()),
        3 => prop_oneof![Just("li"), Just("hu")].prop_flat_map(|who| any::<bool>().prop_map(move |m| approve(who, m))),
        4 => (0_i64..14, 0_i64..24).prop_map(|(days, hours)| Event::Issue {
            number: "T-1".to_owned(),
            issuer: "li".to_owned(),
            stop_at: local("08-10 00:00") + TimeDelta::days(days) + TimeDelta::hours(hours),
            overdue: Some(Overdue { cents: DEBT, until: case().due_on }),
        }),
        4 => (0_usize..Method::ALL.len(), 0_i64..240).prop_map(|(method, hours)| {
            let mut proof = posted(local("08-05 00:00") + TimeDelta::hours(hours));
            proof.method = Method::ALL[method];
            Event::Serve { proof, filing: None, occupants: None }
        }),
        4 => Just(Event::Look),
        2 => prop_oneof![Just(0_i64), Just(-1), Just(DEBT), Just(DEBT / 4), 1..DEBT]
            .prop_map(|cents| Event::Money(Owed { balance_cents: cents, as_of: Instant::MIN_UTC, due_on: None, paid_cents: 0, first_paid_at: None })),
        2 => (DEBT / 5..2 * DEBT, prop_oneof![Just(0_i64), Just(DEBT), 1..2 * DEBT], 0_u64..60).prop_map(|(cents, paid_cents, days)| Event::Money(Owed {
            balance_cents: cents,
            as_of: Instant::MIN_UTC,
            due_on: Some(case().due_on + Days::new(days)),
            paid_cents,
            first_paid_at: None,
        })),
        2 => (0_usize..5).prop_map(|n| hold(HoldKind::ALL[n])),
        3 => (0_usize..5).prop_map(|n| Event::Release { kind: HoldKind::ALL[n] }),
        1 => (0_usize..9).prop_map(|n| Event::Classify { class: Class::ALL[n], reason: "known better".to_owned() }),
        1 => (0_usize..9, any::<bool>()).prop_map(|(n, same)| Event::Registry(Known {
            class: Class::ALL[n],
            meter_no: if same { METER.to_owned() } else { "1".to_owned() },
            elsewhere: false,
        })),
        1 => Just(Event::Stranger { contact: call().contact }),
        5 => (any::<bool>(), prop::bool::weighted(0.8)).prop_map(|(right, shown)| Event::Cut(Doing {
            scanned_meter_no: if right { METER.to_owned() } else { "1".to_owned() },
            by: "wang".to_owned(),
            second: "sun".to_owned(),
            photo_before_sha256: "ab".repeat(32),
            photo_after_sha256: "ab".repeat(32),
            missing_photo: (!shown).then_some("photo_before_sha256"),
            nobody_at_risk: true,
            done_at: None,
            clock_off: None,
        })),
        1 => Just(reconnect()),
        2 => prop_oneof![Just("call 17"), Just("call 90")]
            .prop_map(|record| Event::Disprove { record: record.to_owned(), stands_at: None }),
    ]
}

/// Mostly the right way, with anything anywhere, so that many sequences come far.
fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let noise = prop::collection::vec((0_usize..14, any_event(), 0_i64..200), 0..4);
    let bend = prop::collection::vec((0_usize..14, -240_i64..240), 0..3);
    (noise, bend).prop_map(|(noise, bend)| woven(&noise, &bend))
}

fn woven(noise: &[(usize, Event, i64)], bend: &[(usize, i64)]) -> Vec<Step> {
    let mut at = local("07-01 02:00");
    let mut steps = Vec::new();
    for (n, (event, right_at, _)) in super::given::way().into_iter().enumerate() {
        let bent: i64 = bend
            .iter()
            .filter(|(at, _)| *at == n)
            .map(|(_, minutes)| minutes)
            .sum();
        let next = (local(right_at) + TimeDelta::minutes(bent)).max(at);
        for (_, odd, minutes) in noise.iter().filter(|(at, ..)| *at == n) {
            let gap = TimeDelta::minutes(*minutes).min(next - at);
            steps.push((odd.clone(), gap));
            at += gap;
        }
        steps.push((event, next - at));
        at = next;
    }
    steps
}

/// What was seen on the way.
#[derive(Default)]
struct Seen {
    /// Records of the proofs that fell away and were not given anew.
    lost: BTreeSet<String>,
    /// All that the notice named as past its day was paid since.
    covered: bool,
}

fn note(seen: &mut Seen, before: &Case, event: &Event) {
    match event {
        Event::Disprove { record, .. } => drop(seen.lost.insert(record.clone())),
        Event::Stranger { .. } => seen.lost.extend(["call 17".to_owned(), "call 90".to_owned()]),
        Event::Remind(given) => drop(seen.lost.remove(&given.record)),
        Event::PreNotice { warning, .. } => drop(seen.lost.remove(&warning.record)),
        Event::Issue { .. } => seen.covered = false,
        Event::Money(owed) if before.state.notice().is_some() => {
            let next_bill = owed.due_on.is_some_and(|day| day > case().due_on);
            seen.covered |= owed.paid_cents >= DEBT || next_bill;
        }
        _ => {}
    }
}

/// Why this cut should not have been.
fn wrong(before: &Case, seen: &Seen, facts: &Facts<'_>, now: Instant) -> Option<&'static str> {
    let State::PreNoticed { served, pre_notice } = &before.state else {
        return Some("no last warning");
    };
    let (proof, basis) = (&served.proof, &served.basis);
    let release = facts.release?;
    let since = now - proof.served_at;
    [
        (before.balance_cents <= 0, "nothing owed"),
        (
            before
                .holds
                .values()
                .any(|held| held.until.is_none_or(|until| now < until)),
            "held",
        ),
        (before.class == Class::LifeSupport, "life support"),
        (
            before.class.needs().is_some_and(|needs| needs.manager) && !basis.approval.manager,
            "the class needs a manager",
        ),
        (
            before.class.needs().is_some_and(|needs| needs.filing) && served.filing.is_none(),
            "the class needs a copy at the authority",
        ),
        (!proof.method.serves() || proof.photo_sha256.is_none(), "no proof"),
        (
            since < TimeDelta::hours(168),
            "less than seven days since service",
        ),
        (
            now - pre_notice.at < TimeDelta::minutes(30),
            "warned less than 30 minutes ago",
        ),
        (now < served.notice.stop_at, "before the time on the notice"),
        (
            release.expires_at <= now || release.spent_at.is_some(),
            "release expired",
        ),
        (
            release.expires_at > now + TimeDelta::minutes(5),
            "release of a later moment",
        ),
        (
            basis.approval.approver == basis.proposal.author,
            "the author approved",
        ),
        (facts.premises != Premises::Supplied, "other outage"),
        (*facts.locks != Locks::Free, "locked"),
        (basis.reminder.at > now, "not reminded"),
        (
            seen.lost.contains(&basis.reminder.record),
            "somebody else was reminded",
        ),
        (seen.lost.contains(&pre_notice.record), "somebody else was warned"),
        (seen.covered, "all that was noticed is paid"),
        (now - before.balance_at > TimeDelta::minutes(5), "stale balance"),
    ]
    .into_iter()
    .find_map(|(is_wrong, why)| is_wrong.then_some(why))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_cut_wrongly(steps in any_steps(), supplied in prop::bool::weighted(0.9), unlocked in prop::bool::weighted(0.9), life_s in -60_i64..400, spent in prop::bool::weighted(0.1)) {
        let law = law();
        let premises = if supplied { Premises::Supplied } else { Premises::Unknown };
        let locks = if unlocked { Locks::Free } else { Locks::Unknown };
        let (mut case, mut now, mut seen) = (case(), local("07-01 02:00"), Seen::default());
        for (mut event, gap) in steps {
            now += gap;
            if let Event::Money(owed) = &mut event && owed.as_of == Instant::MIN_UTC {
                owed.as_of = now;
            }
            let release = Release { meter_no: METER.to_owned(), expires_at: now + TimeDelta::seconds(life_s), spent_at: spent.then_some(now), spoken: false };
            let facts = Facts { law: &law, terms: &TERMS, premises, locks: &locks, release: Some(&release) };
            for event in [event, Event::Look] {
                if let Ok((after, _)) = transition(&case, &event, &facts, now) {
                    let cut_now = after.state.word() == "disconnected" && case.state.word() != "disconnected";
                    if cut_now {
                        let shown = matches!(&event, Event::Cut(doing) if doing.missing_photo.is_none());
                        prop_assert!(shown, "cut without a photo that is stored");
                        prop_assert_eq!(wrong(&case, &seen, &facts, now), None);
                    }
                    note(&mut seen, &case, &event);
                    case = after;
                }
            }
        }
    }
}

/// The checker above would not help if nothing were ever cut.
#[test]
fn the_right_way_woven_without_noise_ends_in_a_cut() {
    let law = law();
    let release = Release {
        meter_no: METER.to_owned(),
        expires_at: local("08-17 10:05"),
        spent_at: None,
        spoken: false,
    };
    let facts = Facts {
        law: &law,
        terms: &TERMS,
        premises: Premises::Supplied,
        locks: &Locks::Free,
        release: Some(&release),
    };
    let (mut case, mut now) = (case(), local("07-01 02:00"));
    let mut seen = Vec::new();
    for (event, gap) in woven(&[], &[]) {
        now += gap;
        case = super::given::apply(&case, &event, &facts, now)
            .expect("the right way")
            .0;
        seen.push(case.state.word());
    }
    assert!(seen.contains(&"disconnected"));
}
