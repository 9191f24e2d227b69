//! What each move asks for: an offer in time, arrival at the work, a whole survey, safe work, a call-back by others.

use chrono::TimeDelta;

use super::{
    table::{WORK, context, finding, reply, safe_work, t0, team, unit},
    *,
};
use crate::domain::place::Place;

#[test]
fn an_offer_ends_on_its_second() {
    let team = team();
    let take_by = t0() + TimeDelta::minutes(3);
    let crew_offer = State::Assigned { team, take_by };
    let unit_offer = State::Dispatched {
        unit: team.unit,
        take_by,
    };
    let in_time = take_by - TimeDelta::seconds(1);
    assert!(transition(&crew_offer, &Event::Take, &context(), in_time).is_ok());
    assert!(transition(&unit_offer, &Event::TakeUnit, &context(), in_time).is_ok());
    assert_eq!(
        transition(&crew_offer, &Event::Take, &context(), take_by),
        Err(Refusal::TooLate { take_by })
    );
    assert_eq!(
        transition(&unit_offer, &Event::TakeUnit, &context(), take_by),
        Err(Refusal::TooLate { take_by })
    );
}

#[test]
fn a_second_return_is_the_dispatchers() {
    let state = State::UnitTaken {
        unit: unit(1),
        freed: None,
    };
    let event = Event::Return {
        reason: ReturnReason::Overload,
    };
    let again = Context {
        returns: 1,
        ..context()
    };
    let forced = Context {
        may_force: true,
        ..again.clone()
    };
    assert_eq!(
        transition(&state, &event, &again, t0()),
        Err(Refusal::ReturnedBefore)
    );
    assert!(transition(&state, &event, &forced, t0()).is_ok());
}

#[test]
fn arrival_is_at_the_work_or_explained_with_a_photo() {
    let state = State::EnRoute {
        team: team(),
        eta_at: None,
    };
    // One thousandth of a degree of latitude is 111.2 m.
    let at = |lat: f64| {
        Event::Arrive(Arrival {
            position: Some(Place { lat, ..WORK }),
            explained: None,
        })
    };
    let explained = ("bridge closed".to_owned(), "ab".repeat(32));
    let far_but_explained = Event::Arrive(Arrival {
        position: None,
        explained: Some(explained),
    });
    let nowhere = Event::Arrive(Arrival {
        position: None,
        explained: None,
    });
    assert!(transition(&state, &at(WORK.lat + 0.001_7), &context(), t0()).is_ok());
    assert_eq!(
        transition(&state, &at(WORK.lat + 0.002), &context(), t0()),
        Err(Refusal::NotThere { metres_off: 223 })
    );
    assert!(transition(&state, &far_but_explained, &context(), t0()).is_ok());
    assert_eq!(
        transition(&state, &nowhere, &context(), t0()),
        Err(Refusal::NoPosition)
    );
    let unknown_work = Context {
        place: None,
        ..context()
    };
    assert_eq!(
        transition(&state, &at(WORK.lat), &unknown_work, t0()),
        Err(Refusal::PlaceUnknown)
    );
    assert_eq!(
        transition(&state, &nowhere, &unknown_work, t0()),
        Err(Refusal::NoPosition)
    );
    assert!(transition(&state, &far_but_explained, &unknown_work, t0()).is_ok());
}

#[test]
fn a_supply_point_of_a_child_order_is_the_work_too() {
    let state = State::EnRoute {
        team: team(),
        eta_at: None,
    };
    let north = |lat: f64| Place {
        lat: WORK.lat + lat,
        ..WORK
    };
    let at = |place| {
        Event::Arrive(Arrival {
            position: Some(place),
            explained: None,
        })
    };
    let child = |place| Context {
        place,
        supply: vec![north(0.01), north(0.02)],
        ..context()
    };
    for place in [Some(WORK), None] {
        assert!(transition(&state, &at(north(0.021)), &child(place), t0()).is_ok());
        assert_eq!(
            transition(&state, &at(north(0.023)), &child(place), t0()),
            Err(Refusal::NotThere { metres_off: 334 })
        );
    }
    assert!(transition(&state, &at(WORK), &child(Some(WORK)), t0()).is_ok());
}

#[test]
fn a_survey_has_a_cause_and_an_estimate_ahead() {
    let state = State::Arrived {
        team: team(),
        arrived_at: t0(),
    };
    let survey = |cause: &str, etr_at| {
        Event::Survey(Finding {
            cause_code: cause.to_owned(),
            etr_at,
        })
    };
    let refused = |event| transition(&state, &event, &context(), t0()).unwrap_err();
    assert_eq!(
        refused(survey("", Some(t0() + TimeDelta::hours(1)))),
        Refusal::NoCause
    );
    assert_eq!(refused(survey("tree", None)), Refusal::NoEtr);
    assert_eq!(refused(survey("tree", Some(t0()))), Refusal::NoEtr);
}

#[test]
fn work_without_every_safe_step_in_order_is_refused() {
    let state = State::Surveyed {
        team: team(),
        finding: finding(),
    };
    let without = |change: fn(&mut SafeWork)| {
        let mut work = safe_work();
        change(&mut work);
        transition(&state, &Event::Repair(work), &context(), t0())
            .unwrap_err()
            .field()
    };
    assert_eq!(without(|w| w.permission_no.clear()), Some("permission_no"));
    assert_eq!(without(|w| w.ticket_no.clear()), Some("ticket_no"));
    assert_eq!(without(|w| w.people = 1), Some("people"));
    for missing in 0..4 {
        let mut work = safe_work();
        work.steps.remove(missing);
        let refusal = transition(&state, &Event::Repair(work), &context(), t0()).unwrap_err();
        assert_eq!(refusal.field(), Some("safe_steps"));
    }
    assert_eq!(without(|w| w.steps.swap(1, 2)), Some("safe_steps"));
}

#[test]
fn a_suspension_is_reviewed_within_two_hours() {
    let state = State::Arrived {
        team: team(),
        arrived_at: t0(),
    };
    let until = |review_at| {
        let event = Event::Suspend {
            reason: "permit".to_owned(),
            review_at,
        };
        transition(&state, &event, &context(), t0())
    };
    assert!(until(t0() + REVIEW_MAX).is_ok());
    assert_eq!(
        until(t0() + REVIEW_MAX + TimeDelta::seconds(1)),
        Err(Refusal::ReviewTooFar)
    );
    assert_eq!(until(t0()), Err(Refusal::ReviewTooFar));
}

#[test]
fn the_closing_crew_does_not_call_its_own_customer() {
    let state = State::Replied {
        team: team(),
        reply: reply(),
    };
    let own = Context {
        is_closing_crew: true,
        ..context()
    };
    for result in [CallBackResult::Satisfied, CallBackResult::StillOff] {
        assert_eq!(
            transition(&state, &Event::CallBack { result }, &own, t0()),
            Err(Refusal::OwnCallBack)
        );
    }
}

#[test]
fn nothing_is_filed_without_a_call_back_or_a_reason() {
    let state = State::Replied {
        team: team(),
        reply: reply(),
    };
    let none = Event::Archive {
        no_call_back_reason: None,
    };
    let empty = Event::Archive {
        no_call_back_reason: Some(String::new()),
    };
    assert_eq!(
        transition(&state, &none, &context(), t0()),
        Err(Refusal::NoCallBack)
    );
    assert_eq!(
        transition(&state, &empty, &context(), t0()),
        Err(Refusal::NoCallBack)
    );
}

#[test]
fn a_reply_has_a_cause() {
    let state = State::Restored {
        team: team(),
        restored_at: t0(),
        finding: finding(),
    };
    let reply = Reply {
        cause_code: String::new(),
        owner: Owner::Utility,
    };
    assert_eq!(
        transition(&state, &Event::Reply(reply), &context(), t0()),
        Err(Refusal::NoCause)
    );
}
