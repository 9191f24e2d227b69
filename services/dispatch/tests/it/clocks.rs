//! Clocks: alarms at 70 and 90 percent and at the limit, climbing until acknowledged; offers lapse; nothing resets arrival.

use relight_common::{Code, wire::timestamp};
use relight_proto::dispatch::v1::{AcknowledgeAlarmRequest, dispatch_server::Dispatch};
use uuid::Uuid;

use crate::{given::*, then};

fn told(clock: &str, level: &str, escalation: u32, by: &str) -> (String, String, u32, String) {
    (clock.to_owned(), level.to_owned(), escalation, by.to_owned())
}

fn acknowledge(clock: &str, level: &str) -> AcknowledgeAlarmRequest {
    AcknowledgeAlarmRequest {
        command_id: Uuid::now_v7().to_string(),
        order_id: order(1).to_string(),
        clock: clock.to_owned(),
        level: level.to_owned(),
    }
}

#[tokio::test]
async fn the_arrival_clock_warns_twice_breaks_and_climbs_until_somebody_acknowledges() -> anyhow::Result<()> {
    let house = house().await?;
    house.opened(1).await?;
    let opened = house.view(order(1)).await?;
    assert_eq!(
        then::clock(&opened, "arrival").rule,
        "CN-SGCC fault.arrival.urban 45 min"
    );
    // Accepted one minute before t0: 70 % of 45 min is 31.5 min.
    house.later(minutes(30) + seconds(29)).await?;
    assert!(then::alarms(&house.db).await?.is_empty());
    house.later(seconds(1)).await?;
    house.later(minutes(2)).await?;
    house.later(minutes(2)).await?;
    house.later(minutes(2)).await?;
    let climbed = [
        told("arrival", "watch", 0, ""),
        told("arrival", "watch", 1, ""),
        told("arrival", "watch", 2, ""),
    ];
    assert_eq!(then::alarms(&house.db).await?, climbed);
    house.later(minutes(3)).await?;
    let seen = house
        .api
        .acknowledge_alarm(from(dispatcher(), acknowledge("arrival", "at_risk")))
        .await?
        .into_inner();
    assert_eq!(then::clock(&seen, "arrival").acknowledged_by, "dispatcher-1");
    house.later(minutes(4)).await?;
    house.later(seconds(30)).await?;
    let alarms = then::alarms(&house.db).await?;
    let rest = [
        told("arrival", "at_risk", 0, ""),
        told("arrival", "at_risk", 0, "dispatcher-1"),
        told("arrival", "breach", 0, ""),
    ];
    assert_eq!(alarms[3..], rest);
    Ok(())
}

#[tokio::test]
async fn an_acknowledgement_is_remembered_and_only_for_alarms_there_are() -> anyhow::Result<()> {
    let house = house().await?;
    house.opened(1).await?;
    let early = house
        .api
        .acknowledge_alarm(from(dispatcher(), acknowledge("arrival", "watch")))
        .await
        .unwrap_err();
    assert_eq!(early.code(), Code::FailedPrecondition);
    house.later(minutes(31)).await?;
    let sent = acknowledge("arrival", "watch");
    let first = house
        .api
        .acknowledge_alarm(from(dispatcher(), sent.clone()))
        .await?
        .into_inner();
    let again = house
        .api
        .acknowledge_alarm(from(dispatcher(), sent.clone()))
        .await?
        .into_inner();
    assert_eq!(first, again);
    let other = AcknowledgeAlarmRequest {
        level: "breach".to_owned(),
        ..sent
    };
    assert_eq!(
        then::field(
            &house
                .api
                .acknowledge_alarm(from(dispatcher(), other))
                .await
                .unwrap_err()
        ),
        "command_id"
    );
    for (clock, level, field) in [("lunch", "watch", "clock"), ("arrival", "none", "level")] {
        let wrong = house
            .api
            .acknowledge_alarm(from(dispatcher(), acknowledge(clock, level)))
            .await
            .unwrap_err();
        assert_eq!(then::field(&wrong), field);
    }
    let stranger = house
        .api
        .acknowledge_alarm(from(desk_of(2), acknowledge("arrival", "watch")))
        .await
        .unwrap_err();
    assert_eq!(stranger.code(), Code::PermissionDenied);
    Ok(())
}

#[tokio::test]
async fn a_unit_that_does_not_take_loses_the_order_with_an_alarm_that_climbs_until_it_is_offered_again()
-> anyhow::Result<()> {
    let house = house().await?;
    let order = house.opened(1).await?;
    house.act(dispatcher(), order, dispatch(1)).await?;
    house.later(minutes(3)).await?;
    let back = house.view(order).await?;
    assert_eq!(
        (back.state.as_str(), back.unit_id.as_str(), back.returns),
        ("triaged", "", 0)
    );
    let late = house.act(desk_of(1), order, unit_take()).await.unwrap_err();
    assert_eq!(
        late.code(),
        Code::PermissionDenied,
        "the order is no longer theirs"
    );
    house.later(minutes(2)).await?;
    house.act(dispatcher(), order, dispatch(2)).await?;
    house.act(desk_of(2), order, unit_take()).await?;
    house.later(minutes(2)).await?;
    let alarms = then::alarms(&house.db).await?;
    assert_eq!(
        alarms,
        [
            told("unit_take", "breach", 0, ""),
            told("unit_take", "breach", 1, "")
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_crew_that_does_not_take_loses_the_order_to_its_unit_and_is_free() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("assigned").await?;
    house.later(minutes(3)).await?;
    let back = house.view(order).await?;
    assert_eq!((back.state.as_str(), back.crew_id.as_str()), ("unit_taken", ""));
    assert_eq!(
        then::alarms(&house.db).await?,
        [told("crew_take", "breach", 0, "")]
    );
    assert_eq!(house.act(desk_of(1), order, assign(1)).await?.state, "assigned");
    Ok(())
}

#[tokio::test]
async fn a_taken_offer_does_not_lapse() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("taken").await?;
    house.later(minutes(10)).await?;
    assert_eq!(house.view(order).await?.state, "taken");
    assert!(then::alarms(&house.db).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn returning_and_reassigning_never_move_the_arrival_clock() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.opened(1).await?;
    let arrival = then::clock(&house.view(order).await?, "arrival").clone();
    house.act(dispatcher(), order, dispatch(1)).await?;
    house.clock.advance(minutes(1));
    let returned = house.act(desk_of(1), order, unit_return()).await?;
    assert_eq!((returned.state.as_str(), returned.returns), ("triaged", 1));
    house.act(dispatcher(), order, dispatch(1)).await?;
    let second = house.act(desk_of(1), order, unit_return()).await.unwrap_err();
    assert_eq!(second.code(), Code::FailedPrecondition);
    let mut forced = request(order, unit_return());
    forced.on_behalf = true;
    assert_eq!(house.send(dispatcher(), forced).await?.returns, 2);
    house.act(dispatcher(), order, dispatch(1)).await?;
    house.act(desk_of(1), order, unit_take()).await?;
    house.act(desk_of(1), order, assign(1)).await?;
    house.act(phone_of(1), order, take()).await?;
    let moved = house.act(dispatcher(), order, reassign(2)).await?;
    assert_eq!(
        (moved.state.as_str(), moved.crew_name.as_str()),
        ("assigned", "Crew 2")
    );
    assert_eq!(then::clock(&moved, "arrival"), &arrival);
    let free = "select count(*) from assignment where released_at is null and crew_id <> (select crew_id from work_order)";
    assert_eq!(then::count(&house.db, free).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_report_entered_late_alarms_at_once() -> anyhow::Result<()> {
    let house = house().await?;
    let mut late = an_incident(1);
    late.accepted_at = t0() - minutes(50);
    house.told(&late).await?;
    house.fire().await?;
    assert_eq!(then::alarms(&house.db).await?, [told("arrival", "breach", 0, "")]);
    Ok(())
}

/// The phone was offline: it arrived in time, and we hear of it after the alarm.
#[tokio::test]
async fn an_arrival_in_time_that_is_heard_late_is_no_breach() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("en_route").await?;
    let arrived_at = house.now() + minutes(5);
    house.later(minutes(50)).await?;
    assert_eq!(then::clock(&house.view(order).await?, "arrival").level, "breach");
    let mut late = request(order, arrive());
    late.device_time = Some(device_time(arrived_at, seconds(0), house.now()));
    let order = house.send(phone_of(1), late).await?;
    let arrival = then::clock(&order, "arrival");
    assert_eq!(
        (arrival.level.as_str(), arrival.stopped_at),
        ("none", Some(timestamp(arrived_at)))
    );
    let before = then::alarms(&house.db).await?.len();
    house.later(minutes(10)).await?;
    assert_eq!(
        then::alarms(&house.db).await?.len(),
        before,
        "an arrival in time no longer climbs"
    );
    Ok(())
}

#[tokio::test]
async fn a_suspension_frees_the_crew_and_is_reviewed() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("repairing").await?;
    let far = house
        .act(phone_of(1), order, suspend(house.now() + minutes(121)))
        .await
        .unwrap_err();
    assert_eq!(then::field(&far), "review_at");
    let off = house
        .act(phone_of(1), order, suspend(house.now() + minutes(30)))
        .await?;
    assert_eq!(
        (off.state.as_str(), off.crew_id.as_str(), off.etr_at),
        ("suspended", "", None)
    );
    house.later(minutes(30)).await?;
    assert_eq!(then::alarms(&house.db).await?, [told("review", "breach", 0, "")]);
    let on = house.act(dispatcher(), order, w_resume()).await?;
    assert_eq!(
        (on.state.as_str(), on.unit_name.as_str()),
        ("unit_taken", "Unit 1")
    );
    assert_eq!(house.act(desk_of(1), order, assign(1)).await?.state, "assigned");
    Ok(())
}

fn w_resume() -> relight_proto::dispatch::v1::order_event::Event {
    relight_proto::dispatch::v1::order_event::Event::Resume(
        relight_proto::dispatch::v1::order_event::Resume {},
    )
}
