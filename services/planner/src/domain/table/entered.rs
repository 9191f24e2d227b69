//! What was written down and entered later, words of another hand, the law that stays, plans that become faults.

use super::*;

fn off_at_time(permitted: Instant, at: Option<Instant>, now: Instant) -> Result<Moved, Refusal> {
    let mut one = outage(State::Ready);
    one.permit = Some(permit(permitted));
    let event = Event::SwitchOff {
        permit: permit(permitted).id,
        at,
    };
    run(&one, &event, "desk", &facts(), now)
}

/// domain.md 5.5 no. 40: the paper's time is the time.
#[test]
fn a_switching_on_paper_keeps_its_time_and_is_marked() {
    let (at, now) = (off_at() + min(4), off_at() + h(2));
    let (one, effects) = off_at_time(off_at(), Some(at), now).unwrap();
    assert_eq!((one.state, one.switched_off_at), (State::Off, Some(at)));
    assert_eq!(
        (one.marks, effects),
        (vec![Mark::EnteredLater], vec![Effect::Off])
    );
    let refused = |at| off_at_time(off_at(), Some(at), now).unwrap_err();
    assert_eq!(refused(now + min(1)), Refusal::InFuture(now));
    assert_eq!(refused(off_at() - min(1)), Refusal::Before(off_at()));
}

/// What happened without leave is recorded all the same, and the desk hears of it; a permit that lasts is not walked around.
#[test]
fn a_switching_without_leave_is_recorded_once_there_is_no_leave_to_ask_for() {
    let late = off_at() + min(9);
    let (one, effects) = off_at_time(off_at(), Some(late), off_at() + h(1)).unwrap();
    assert_eq!(one.marks, [Mark::OutsidePermit, Mark::EnteredLater]);
    assert!(
        matches!(&effects[..], [Effect::Off, Effect::Alarm { what: "outside_permit", because }] if because.en.contains("5 minutes") && because.zh.contains("5分钟")),
        "{effects:?}"
    );
    let mut locked = facts();
    locked.balance.locks = vec![words("exam")];
    let mut one = outage(State::Ready);
    one.permit = Some(permit(off_at()));
    let event = Event::SwitchOff {
        permit: permit(off_at()).id,
        at: Some(off_at() + min(1)),
    };
    let refused = run(&one, &event, "desk", &locked, off_at() + min(3));
    assert_eq!(refused.unwrap_err(), Refusal::Locked(vec![words("exam")]));
}

#[test]
fn a_permit_on_paper_has_its_own_five_minutes() {
    let permitted = |at| {
        let event = Event::Permit {
            id: permit(off_at()).id,
            number: words("D-7"),
            read_back: true,
            at: Some(at),
        };
        run(&outage(State::Ready), &event, "desk", &facts(), off_at() + h(1))
    };
    let (one, _) = permitted(off_at() + min(2)).unwrap();
    assert_eq!(one.permit.map(|permit| permit.at), Some(off_at() + min(2)));
    assert_eq!(
        permitted(off_at() + min(31)).unwrap_err(),
        Refusal::TooLate(off_at() + min(30))
    );
}

#[test]
fn supply_is_back_since_the_moment_that_was_written_down() {
    let restored = |at| {
        let event = Event::Restore {
            all: true,
            at: Some(at),
        };
        run(
            &outage(State::Restoring),
            &event,
            "desk",
            &facts(),
            off_at() + h(7),
        )
    };
    let back = off_at() + h(5);
    let (one, effects) = restored(back).unwrap();
    assert_eq!(
        (one.restored_at, one.marks),
        (Some(back), vec![Mark::EnteredLater])
    );
    assert_eq!(effects, [Effect::Back { all: true, at: back }]);
    assert_eq!(
        restored(off_at() - min(1)).unwrap_err(),
        Refusal::Before(off_at())
    );
}

/// P5: words that came after the approval are announced by somebody else than who wrote them.
#[test]
fn nobody_announces_words_of_their_own() {
    let mut approved = outage(State::Approved);
    approved.announced_at = None;
    let go = |one: &Outage, event, by| run(one, &event, by, &facts(), announced_at()).map(|(one, _)| one);
    let reworded = go(&approved, Event::Reword, "author").unwrap();
    assert_eq!(
        go(&reworded, Event::Announce, "author").unwrap_err(),
        Refusal::OwnWords
    );
    let announced = go(&reworded, Event::Announce, "boss").unwrap();
    let worded = announced.worded.clone().unwrap();
    assert_eq!(
        (worded.by.as_str(), worded.approved_by.as_deref()),
        ("author", Some("boss"))
    );
    assert_eq!(
        go(&announced, Event::Reword, "author").unwrap_err(),
        Refusal::Announced
    );
    assert!(
        go(&approved, Event::Announce, "author").is_ok(),
        "those approved are nobody's own"
    );
}

/// domain.md 5.5 no. 35: the law of the announcement stays with the plan, and ends with it.
#[test]
fn the_law_of_the_announcement_stays_with_the_plan() {
    let mut approved = outage(State::Approved);
    approved.announced_at = None;
    let (one, _) = run(&approved, &Event::Announce, "boss", &facts(), announced_at()).unwrap();
    let ruled = one.ruled.clone().unwrap();
    assert_eq!((ruled.pack.as_str(), ruled.at), ("CN-SGCC", announced_at()));
    assert!(ruled.version.starts_with("CN-SGCC@"), "{}", ruled.version);
    // Another pack in the deployment changes nothing for it.
    let another = Pack::load("AU-NERR").unwrap();
    let law = Law::of(&another, &one, ZONE, Vec::new());
    assert_eq!((law.pack.id(), law.ruled_at), ("CN-SGCC", Some(announced_at())));
    assert_eq!(
        Law::of(&another, &approved, ZONE, Vec::new()).pack.id(),
        "AU-NERR"
    );
    let window = Window {
        off_at: off_at() + TimeDelta::days(9),
        on_at: off_at() + TimeDelta::days(9) + h(6),
    };
    let moved = Event::Move {
        window,
        justification: words("rain"),
    };
    let (next, _) = run(&one, &moved, "boss", &facts(), announced_at() + h(1)).unwrap();
    assert_eq!(
        next.ruled, None,
        "the next plan has the law of its own announcement"
    );
}

/// domain.md 5.5 no. 26.
#[test]
fn what_cannot_be_restored_ends_where_it_was_told_to_and_goes_on_as_a_fault() {
    let over = |without_fault, facts: &Facts, now| {
        let event = Event::HandOver { without_fault };
        run(&outage(State::Working), &event, "desk", facts, now)
    };
    let (end, later) = (window().on_at, window().on_at + h(1));
    assert_eq!(
        over(0, &facts(), end - min(1)).unwrap_err(),
        Refusal::StillPlanned(end)
    );
    assert_eq!(over(3, &facts(), later).unwrap_err(), Refusal::NotInFault(3));
    let mut working = facts();
    working.uncleared = 1;
    assert_eq!(over(0, &working, later).unwrap_err(), Refusal::NotCleared(1));
    let (one, effects) = over(0, &facts(), later).unwrap();
    assert_eq!((one.state, one.restored_at), (State::Restored, Some(end)));
    assert_eq!(effects, [Effect::HandedOver { at: end }]);
    assert_eq!(one.marks, [Mark::Overrun, Mark::HandedOver]);
}

/// The last second that carries the window, found by asking.
#[test]
fn the_last_lawful_moment_of_a_notice_is_seven_days_before() {
    let pack = Pack::load("CN-SGCC").unwrap();
    let mut one = outage(State::Approved);
    one.announced_at = Some(announced_at() - h(3));
    assert_eq!(
        Law::of(&pack, &one, ZONE, Vec::new()).latest_notice(&one),
        Some(announced_at())
    );
    one.announced_at = Some(announced_at() + min(1));
    assert_eq!(Law::of(&pack, &one, ZONE, Vec::new()).latest_notice(&one), None);
}
