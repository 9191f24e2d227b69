//! Cuts and reconnections through work orders: a payment calls the crew off wherever it is.

use chrono::TimeDelta;
use relight_common::{Code, wire::timestamp};
use relight_proto::{common::v1 as common, registry::v1::ServicePoint};
use tonic::Status;
use uuid::Uuid;

use crate::{given::*, then, told::*};

/// Crew 1 does meters and nothing else.
async fn meter_house() -> anyhow::Result<House> {
    let house = house().await?;
    let mut meters = a_crew(1);
    let until = t0() + TimeDelta::days(200);
    meters.skills = vec!["meter_work".to_owned()];
    for member in &mut meters.members {
        member.qualifications = vec![("meter_work".to_owned(), until)];
    }
    house.put(&meters).await?;
    house.others.script().point = Some(ServicePoint {
        position: Some(common::Point {
            lon: WORK.lon,
            lat: WORK.lat,
        }),
        area_class: common::AreaClass::Rural.into(),
        ..ServicePoint::default()
    });
    Ok(house)
}

#[tokio::test]
async fn a_payment_while_the_crew_drives_calls_it_off_at_once_and_the_phone_says_why() -> anyhow::Result<()> {
    let house = meter_house().await?;
    house.arrears(vec![case_is("pre_noticed", 4, |_| {})]).await?;
    let order = house.sent(cut(), "en_route").await?;
    assert_eq!(
        (order.kind.as_str(), order.subject_number.as_str(), order.off_at),
        ("disconnect", "A-20260301-0001", Some(timestamp(stop_at())))
    );
    assert_eq!(then::clock(&order, "start").due_at, Some(timestamp(stop_at())));
    assert_eq!(order.area_class(), common::AreaClass::Rural);
    let cursor = house.synced(1, "").await?.cursor;
    // The registry is away: stopping a crew asks nobody.
    house.others.script().failure = Some(Status::unavailable("away"));
    house
        .arrears(vec![case_is("settled_before", 5, |told| told.stop_crew = true)])
        .await?;
    let told = house.synced(1, &cursor).await?;
    assert!(told.orders.is_empty());
    let gone = &told.gone_orders[0];
    assert_eq!(
        (
            gone.order_id.clone(),
            gone.because.as_str(),
            gone.warning.as_str()
        ),
        (cut().to_string(), "paid: do not cut", "do_not_cut")
    );
    let arriving = house.act(phone_of(1), cut(), arrive()).await.unwrap_err();
    assert_eq!(arriving.code(), Code::PermissionDenied, "no longer its order");
    let active = "select count(*) from assignment where released_at is null";
    assert_eq!(then::count(&house.db, active).await?, 0, "free for other work");
    let told = then::steps(&house.db).await?;
    let last = told.iter().find(|step| step.step == "withdrawn").expect("told");
    assert_eq!(
        (last.kind.as_str(), last.subject_id.clone()),
        ("disconnect", case().to_string())
    );
    Ok(())
}

/// Those nobody is sent to are stored together; the one with a crew on its way is stopped all the same.
#[tokio::test]
async fn a_payment_among_many_others_calls_its_crew_off() -> anyhow::Result<()> {
    let house = meter_house().await?;
    house.arrears(vec![case_is("pre_noticed", 4, |_| {})]).await?;
    house.sent(cut(), "en_route").await?;
    let others = |state, version| {
        (0..20_u128).map(move |n| {
            case_is(state, version, |told| {
                told.case_id = Uuid::from_u128(n).to_string()
            })
        })
    };
    let mut told: Vec<_> = others("window_open", 3).collect();
    told.push(case_is("settled_before", 5, |told| told.stop_crew = true));
    told.extend(others("settled_before", 4));
    told.extend(others("window_open", 3));
    house.arrears(told).await?;
    assert_eq!(house.view(cut()).await?.state, "withdrawn");
    let settled = "select count(*) from subject where state = 'settled_before'";
    assert_eq!(then::count(&house.db, settled).await?, 21);
    assert_eq!(
        then::count(&house.db, "select count(*) from work_order").await?,
        1
    );
    Ok(())
}

#[tokio::test]
async fn a_stop_stays_until_a_new_warning_and_older_news_do_not_send_anybody() -> anyhow::Result<()> {
    let house = meter_house().await?;
    house
        .arrears(vec![
            case_is("pre_noticed", 4, |_| {}),
            case_is("pre_noticed", 5, |told| told.stop_crew = true),
            case_is("pre_noticed", 6, |_| {}),
            case_is("pre_noticed", 3, |_| {}),
        ])
        .await?;
    let stopped = house.view(cut()).await?;
    assert_eq!(
        (
            stopped.state.as_str(),
            stopped.withdrawn_because.as_str(),
            stopped.warning.as_str()
        ),
        ("withdrawn", "stopped: do not cut", "do_not_cut")
    );
    house
        .arrears(vec![
            case_is("window_open", 7, |_| {}),
            case_is("pre_noticed", 8, |_| {}),
        ])
        .await?;
    assert_eq!(house.view(cut()).await?.state, "triaged", "warned anew");
    // Out of order: paid is known, and the last warning comes after it.
    house
        .arrears(vec![
            case_is("settled_before", 10, |_| {}),
            case_is("pre_noticed", 9, |_| {}),
        ])
        .await?;
    assert_eq!(house.view(cut()).await?.withdrawn_because, "paid: do not cut");
    Ok(())
}

#[tokio::test]
async fn a_cut_is_filed_and_the_reconnection_is_urgent_with_a_clock_of_its_own() -> anyhow::Result<()> {
    let house = meter_house().await?;
    house.arrears(vec![case_is("pre_noticed", 4, |_| {})]).await?;
    house.sent(cut(), "arrived").await?;
    let off_at = house.now();
    house
        .arrears(vec![case_is("disconnected", 5, |told| {
            told.off_at = Some(timestamp(off_at))
        })])
        .await?;
    let done = house.view(cut()).await?;
    assert_eq!((done.state.as_str(), done.warning.as_str()), ("archived", ""));
    assert_eq!(then::clock(&done, "start").stopped_at, Some(timestamp(off_at)));
    let by = house.now() + TimeDelta::hours(4);
    let ordered = |told: &mut relight_proto::events::v1::ArrearsChanged| {
        told.off_at = Some(timestamp(off_at));
        told.reconnect_by = Some(timestamp(by));
    };
    house
        .arrears(vec![
            case_is("paid", 6, |_| {}),
            case_is("reconnect_ordered", 7, ordered),
        ])
        .await?;
    assert_eq!(
        house.view(cut()).await?.state,
        "archived",
        "what is done stays done"
    );
    let back = house.sent(reconnection(), "arrived").await?;
    assert_eq!(
        (back.kind.as_str(), back.priority.as_str(), back.reconnect_by),
        ("reconnect", "urgent", Some(timestamp(by)))
    );
    assert_eq!(then::clock(&back, "reconnect").due_at, Some(timestamp(by)));
    let refused = house.act(phone_of(1), reconnection(), reply()).await.unwrap_err();
    assert!(
        refused
            .message()
            .contains("record the reconnection in the arrears case"),
        "{refused}"
    );
    let on_at = house.now();
    house
        .arrears(vec![case_is("reconnected", 8, |told| {
            told.on_at = Some(timestamp(on_at))
        })])
        .await?;
    let filed = house.view(reconnection()).await?;
    assert_eq!(filed.state, "archived");
    assert_eq!(
        then::clock(&filed, "reconnect").stopped_at,
        Some(timestamp(on_at))
    );
    Ok(())
}

#[tokio::test]
async fn a_wrongful_cut_asks_for_its_reconnection_at_once() -> anyhow::Result<()> {
    let house = meter_house().await?;
    let found = |told: &mut relight_proto::events::v1::ArrearsChanged| {
        (told.wrongful, told.reconnect_by) = (true, Some(timestamp(t0())));
    };
    house.arrears(vec![case_is("wrongful", 9, found)]).await?;
    house.later(seconds(1)).await?;
    let order = house.view(reconnection()).await?;
    assert_eq!(
        then::clock(&order, "reconnect").level,
        "breach",
        "due since it was found"
    );
    assert_eq!(order.priority, "urgent");
    Ok(())
}

#[tokio::test]
async fn a_crew_for_faults_does_not_cut_and_one_that_cuts_is_not_free_for_a_fault() -> anyhow::Result<()> {
    let house = meter_house().await?;
    house.arrears(vec![case_is("pre_noticed", 4, |_| {})]).await?;
    house.sent(cut(), "unit_taken").await?;
    let refused = house.act(desk_of(1), cut(), assign(2)).await.unwrap_err();
    assert_eq!(
        refused.message(),
        "skill: the crew is not sent out for meter_work"
    );
    let mut both = a_crew(2);
    both.skills.push("meter_work".to_owned());
    for member in &mut both.members {
        member
            .qualifications
            .push(("meter_work".to_owned(), t0() + TimeDelta::days(9)));
    }
    house.put(&both).await?;
    house.act(desk_of(1), cut(), assign(2)).await?;
    let fault = house.opened(1).await?;
    house.act(dispatcher(), fault, dispatch(1)).await?;
    house.act(desk_of(1), fault, unit_take()).await?;
    let busy = house.act(desk_of(1), fault, assign(2)).await.unwrap_err();
    assert!(busy.message().starts_with("busy: the crew is on W-"), "{busy}");
    Ok(())
}

#[tokio::test]
async fn at_a_meter_whose_place_is_unknown_arrival_is_shown_by_a_photo() -> anyhow::Result<()> {
    let house = meter_house().await?;
    house.others.script().point = None;
    house.arrears(vec![case_is("pre_noticed", 4, |_| {})]).await?;
    assert_eq!(house.sent(cut(), "en_route").await?.position, None);
    let refused = house.act(phone_of(1), cut(), arrive()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    let there = house.act(phone_of(1), cut(), arrive_by_photo()).await?;
    assert_eq!(there.state, "arrived");
    Ok(())
}
