//! Cuts told after they were done, and locks: judged by the moment that counts.

use super::super::{
    event::Doing,
    facts::{Facts, Locks, Premises, Release},
    given::{DEBT, TERMS, apply, cut, in_state, issue, law, local, money, release, warn},
};
use super::*;

fn done(at: &str, change: fn(&mut Doing)) -> Event {
    let Event::Cut(mut doing) = cut() else {
        panic!("a cut")
    };
    doing.done_at = Some(local(at));
    change(&mut doing);
    Event::Cut(doing)
}

fn spoken(expires_at: &str) -> Release {
    Release {
        spoken: true,
        ..release(expires_at)
    }
}

/// Told an hour later nobody knows of the balance or the premises of that minute any more: the code was given on them.
fn told(case: &Case, event: &Event, at: &str, release: &Release) -> Result<Case, Refusal> {
    with(case, event, local(at), Premises::Unknown, release).map(|(case, _)| case)
}

#[test]
fn a_cut_without_a_signal_is_judged_by_the_code_of_its_moment() {
    let (warned, _) = in_state("pre_noticed");
    let cut_at = |at| done(at, |_| ());
    let good = spoken("08-17 10:05");
    let off = told(&warned, &cut_at("08-17 10:02"), "08-17 10:40", &good).unwrap();
    assert_eq!(off.state.off_since(), Some(local("08-17 10:02")));
    let refused = |event: Event, release: &Release| told(&warned, &event, "08-17 10:40", release).err();
    // After the code ended, before it was given, by a leave that was fetched online, taken back before, before the stop.
    let online = release("08-17 10:05");
    let taken_back = Release {
        spent_at: Some(local("08-17 10:01")),
        ..good.clone()
    };
    for (at, release) in [
        ("08-17 10:05", &good),
        ("08-17 09:59:59", &good),
        ("08-17 10:02", &online),
        ("08-17 10:02", &taken_back),
    ] {
        assert!(refused(cut_at(at), release).is_some(), "{at} {release:?}");
    }
    let other_meter = done("08-17 10:02", |doing| doing.scanned_meter_no = "1".to_owned());
    assert_eq!(refused(other_meter, &good), Some(Refusal::WrongMeter));
    assert!(
        told(&warned, &cut_at("08-17 10:41"), "08-17 10:40", &good).is_err(),
        "it lies ahead"
    );
    // Used or taken back later does not matter.
    let spent_later = Release {
        spent_at: Some(local("08-17 10:30")),
        ..good
    };
    assert!(told(&warned, &cut_at("08-17 10:02"), "08-17 10:40", &spent_later).is_ok());
}

/// The time of the warning ran out before the crew had a signal again.
#[test]
fn a_lawful_cut_told_after_the_warning_ran_out_is_lawful() {
    let (warned, _) = in_state("pre_noticed");
    let code = spoken("08-17 10:05");
    let (open, _) = with(
        &warned,
        &Event::Look,
        local("08-17 10:50"),
        Premises::Unknown,
        &code,
    )
    .unwrap();
    assert_eq!(open.state.word(), "window_open");
    let cut_at = done("08-17 10:02", |_| ());
    let off = told(&open, &cut_at, "08-17 12:00", &code).unwrap();
    assert_eq!(off.state.word(), "disconnected");
    // Somebody else was warned: nothing is left to cut on.
    let stranger = Event::Disprove {
        record: "call 90".to_owned(),
        stands_at: None,
    };
    let (open, _) = go(&open, &stranger, local("08-17 11:00")).unwrap();
    assert!(told(&open, &cut_at, "08-17 12:00", &code).is_err());
}

/// What the desk recorded by voice gets its photos from the phone, once, under the same code.
#[test]
fn a_cut_told_by_voice_gets_its_photos_later() {
    let (warned, _) = in_state("pre_noticed");
    let code = spoken("08-17 10:05");
    let by_voice = done("08-17 10:02", |doing| {
        doing.photo_before_sha256.clear();
        doing.photo_after_sha256.clear();
    });
    let off = told(&warned, &by_voice, "08-17 10:10", &code).unwrap();
    let phone = done("08-17 10:02", |_| ());
    assert!(told(&off, &phone, "08-17 11:00", &release("08-17 10:05")).is_err());
    let whole = told(&off, &phone, "08-17 11:00", &code).unwrap();
    let State::Disconnected { cut, .. } = &whole.state else {
        panic!("still off")
    };
    assert_eq!((cut.at, cut.photo_after_sha256.len()), (local("08-17 10:02"), 64));
    assert!(told(&whole, &phone, "08-17 11:01", &code).is_err(), "once");
}

#[test]
fn a_lock_and_no_answer_about_locks_stop_notice_warning_and_cut() {
    let law = law();
    let release = release("08-17 10:05");
    let locked = Locks::Locked {
        reason: "event: exam".to_owned(),
        until: local("08-18 18:00"),
    };
    for (state, event, at) in [
        ("approved", issue("08-17 10:00"), "08-06 10:00"),
        ("window_open", warn("08-17 09:15"), "08-17 09:16"),
        ("pre_noticed", cut(), "08-17 10:02"),
    ] {
        let (case, _) = in_state(state);
        let now = local(at);
        let (case, _) = go(&case, &money(DEBT, at), now).unwrap();
        let on = |locks: &Locks| {
            let facts = Facts {
                law: &law,
                terms: &TERMS,
                premises: Premises::Supplied,
                locks,
                release: Some(&release),
            };
            apply(&case, &event, &facts, now).map(|(case, _)| case.state.word())
        };
        assert!(on(&Locks::Free).is_ok(), "{state}");
        assert_eq!(on(&Locks::Unknown), Err(Refusal::LocksUnknown), "{state}");
        let refused = on(&locked).expect_err(state).to_string();
        assert!(
            refused.contains("exam") && refused.contains("2026-08-18 10:00:00 UTC"),
            "{refused}"
        );
    }
}
