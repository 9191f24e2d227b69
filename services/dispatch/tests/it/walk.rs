//! The usual way, step by step, and the same command again.

use relight_common::Code;
use relight_proto::common::v1::Point;
use relight_proto::dispatch::v1::order_event as w;
use relight_proto::dispatch::v1::order_event::Event;

use relight_dispatch::{
    domain::place::Place,
    store::incident::{Incident, Standing},
};

use crate::{given::*, then};

#[tokio::test]
async fn an_order_walks_from_triage_to_the_archive_and_tells_every_step_once() -> anyhow::Result<()> {
    let house = house().await?;
    house.others.script().behind = 15;
    let order = house.brought_to("repairing").await?;
    house.clock.advance(minutes(1));
    let half = house.act(phone_of(1), order, restore_part("S1")).await?;
    assert_eq!(
        (half.state.as_str(), half.restored_count, half.affected_count),
        ("repairing", 15, 40)
    );
    for (claims, event) in the_way(t0()).into_iter().skip(8) {
        house.clock.advance(minutes(1));
        house.act(claims, order, event).await?;
    }
    let done = house.view(order).await?;
    assert_eq!(
        (done.state.as_str(), done.restored_count, done.number.as_str()),
        ("archived", 40, "W-20260301-0001")
    );
    assert_eq!(
        (
            done.crew_name.as_str(),
            done.unit_name.as_str(),
            done.cause_code.as_str()
        ),
        ("Crew 1", "Unit 1", "tree")
    );
    let way = "opened dispatched unit_took assigned taken en_route arrived surveyed repairing section_restored restored replied called_back archived";
    assert_eq!(then::words(&house.db).await?.join(" "), way);
    let steps = then::steps(&house.db).await?;
    let parts: Vec<_> = steps
        .iter()
        .filter(|s| s.step.contains("restored"))
        .map(|s| (s.restored_set_id.as_str(), s.all))
        .collect();
    assert_eq!(parts, [("set-S1", false), ("", true)]);
    assert!(
        steps[5].eta_at.is_some() && steps[5].crew_name == "Crew 1",
        "{:?}",
        steps[5]
    );
    assert_eq!(
        then::count(
            &house.db,
            "select count(*) from assignment where released_at is null"
        )
        .await?,
        0
    );
    assert_eq!(
        then::count(&house.db, "select count(*) from section_restored").await?,
        2
    );
    assert_eq!(then::clock(&done, "arrival").level, "none");
    assert!(then::clock(&done, "arrival").stopped_at.is_some());
    assert_eq!(
        then::count(&house.db, "select count(*) from clock where stopped_at is null").await?,
        0
    );
    assert_eq!(
        then::count(
            &house.db,
            "select count(*) from audit where action = 'order.step'"
        )
        .await?,
        14
    );
    Ok(())
}

#[tokio::test]
async fn versions_of_an_order_grow_with_everything_told() -> anyhow::Result<()> {
    let house = house().await?;
    house.brought_to("archived").await?;
    let doubled =
        "select count(*) from (select subject, version from outbox group by 1, 2 having count(*) > 1) d";
    assert_eq!(then::count(&house.db, doubled).await?, 0);
    Ok(())
}

#[tokio::test]
async fn the_same_command_three_times_is_one_step_with_one_reply_and_another_body_is_refused()
-> anyhow::Result<()> {
    let house = house().await?;
    let order = house.opened(1).await?;
    let sent = request(order, dispatch(1));
    let first = house.send(dispatcher(), sent.clone()).await?;
    for _ in 0..2 {
        house.clock.advance(minutes(1));
        assert_eq!(house.send(dispatcher(), sent.clone()).await?, first);
    }
    let mut other = request(order, dispatch(2));
    other.command_id = sent.command_id;
    let refused = house.send(dispatcher(), other).await.unwrap_err();
    assert_eq!(
        (refused.code(), then::field(&refused)),
        (Code::InvalidArgument, "command_id")
    );
    assert_eq!(then::words(&house.db).await?, ["opened", "dispatched"]);
    Ok(())
}

#[tokio::test]
async fn the_event_that_led_here_changes_nothing_under_a_new_command_id() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("taken").await?;
    let before = house.view(order).await?;
    house.clock.advance(minutes(1));
    let again = house.act(phone_of(1), order, take()).await?;
    assert_eq!(again, before);
    Ok(())
}

#[tokio::test]
async fn still_off_opens_the_order_again_with_its_old_acceptance_and_a_new_clock() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("replied").await?;
    house.clock.advance(minutes(60));
    let open = house.act(agent(), order, call_back("still_off")).await?;
    assert_eq!(
        (open.state.as_str(), open.reopens, open.restored_count),
        ("triaged", 1, 0)
    );
    assert_eq!(
        open.accepted_at,
        Some(relight_common::wire::timestamp(t0() - minutes(1)))
    );
    let arrival = then::clock(&open, "arrival");
    assert_eq!(
        (arrival.started_at, arrival.stopped_at),
        (Some(relight_common::wire::timestamp(house.now())), None)
    );
    let told = then::steps(&house.db).await?.pop().expect("told");
    assert_eq!(
        (told.step.as_str(), told.call_back_result.as_str()),
        ("called_back", "still_off")
    );
    assert!(
        then::etrs(&house.db)
            .await?
            .last()
            .is_some_and(|etr| etr.withdrawn)
    );
    Ok(())
}

#[tokio::test]
async fn the_closing_crew_does_not_call_back_and_nothing_is_filed_without_call_back_or_reason()
-> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("replied").await?;
    let mut member = agent();
    member.actor = "second 1".to_owned();
    let own = house
        .act(member, order, call_back("satisfied"))
        .await
        .unwrap_err();
    assert_eq!(own.code(), Code::FailedPrecondition);
    let bare = house.act(dispatcher(), order, archive("")).await.unwrap_err();
    assert_eq!(bare.code(), Code::FailedPrecondition);
    let filed = house.act(dispatcher(), order, archive("storm, SMS sent")).await?;
    assert_eq!(filed.state, "archived");
    Ok(())
}

#[tokio::test]
async fn unsafe_work_is_refused_by_field() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("surveyed").await?;
    let Event::Repair(whole) = repair() else {
        unreachable!("repair() is a Repair")
    };
    let cases = [
        (
            "permission_no",
            w::Repair {
                permission_no: String::new(),
                ..whole.clone()
            },
        ),
        (
            "ticket_no",
            w::Repair {
                ticket_no: String::new(),
                ..whole.clone()
            },
        ),
        (
            "people",
            w::Repair {
                people: 1,
                ..whole.clone()
            },
        ),
        (
            "safe_steps",
            w::Repair {
                safe_steps: whole.safe_steps[..3].to_vec(),
                ..whole
            },
        ),
    ];
    for (field, repair) in cases {
        let refused = house
            .act(phone_of(1), order, Event::Repair(repair))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), then::field(&refused)),
            (Code::InvalidArgument, field)
        );
    }
    Ok(())
}

#[tokio::test]
async fn arrival_elsewhere_is_refused_with_the_distance() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("en_route").await?;
    let mut far = w::Arrive {
        position: Some(relight_proto::common::v1::Point {
            lon: WORK.lon,
            lat: WORK.lat + 0.01,
        }),
        ..Default::default()
    };
    let refused = house
        .act(phone_of(1), order, Event::Arrive(far.clone()))
        .await
        .unwrap_err();
    assert!(
        refused.code() == Code::FailedPrecondition && refused.message().contains("1112 m"),
        "{refused}"
    );
    (far.reason, far.photo_sha256) = ("bridge closed".to_owned(), "0a".repeat(32));
    let there = house.act(phone_of(1), order, Event::Arrive(far)).await?;
    assert_eq!(there.state, "arrived");
    let step = there.steps.last().expect("the arrival");
    assert_eq!(
        step.note, "bridge closed",
        "the desk sees that no position proves it"
    );
    Ok(())
}

/// O28: where nobody knows the place, no position proves that the crew is there, whoever says so.
#[tokio::test]
async fn arrival_at_a_place_nobody_knows_asks_for_a_reason_and_a_photo() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("en_route").await?;
    let nowhere = Incident {
        version: 2,
        place: None,
        ..an_incident(1)
    };
    house.told(&nowhere).await?;
    let mut by_radio = request(order, arrive());
    by_radio.on_behalf = true;
    for sent in [
        house.act(phone_of(1), order, arrive()).await,
        house.send(dispatcher(), by_radio).await,
    ] {
        let refused = sent.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains("a reason and a photo"), "{refused}");
    }
    assert_eq!(house.view(order).await?.state, "en_route");
    assert_eq!(
        house.act(phone_of(1), order, arrive_by_photo()).await?.state,
        "arrived"
    );
    Ok(())
}

/// O28: a child order is arrived at where those who are still off are supplied, however far that is from its transformer.
#[tokio::test]
async fn a_child_order_is_arrived_at_at_its_own_supply_point() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("en_route").await?;
    let home = Place {
        lat: WORK.lat + 0.005,
        ..WORK
    };
    let child = Incident {
        version: 2,
        supply: vec![home],
        ..an_incident(1)
    };
    house.told(&child).await?;
    let at = |lat: f64| {
        Event::Arrive(w::Arrive {
            position: Some(Point { lon: WORK.lon, lat }),
            ..w::Arrive::default()
        })
    };
    let refused = house
        .act(phone_of(1), order, at(home.lat + 0.002))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(
        house.act(phone_of(1), order, at(home.lat + 0.001)).await?.state,
        "arrived"
    );
    Ok(())
}

/// O28: the work of a child that turned out to be part of another incident is also at the child's place.
#[tokio::test]
async fn a_merged_childs_place_is_one_of_the_order_it_became_part_of() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("en_route").await?;
    let home = Place {
        lat: WORK.lat + 0.005,
        ..WORK
    };
    let arrive = || {
        Event::Arrive(w::Arrive {
            position: Some(Point {
                lon: WORK.lon,
                lat: home.lat,
            }),
            ..w::Arrive::default()
        })
    };
    // Another incident, merged before it said where its people are, is no place of the work.
    let other = Incident {
        place: Some(home),
        standing: Standing::Merged { into: incident(1) },
        ..an_incident(3)
    };
    house.told(&other).await?;
    let refused = house.act(phone_of(1), order, arrive()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);

    let child = Incident {
        place: None,
        supply: vec![home],
        ..an_incident(2)
    };
    house.told(&child).await?;
    // Its reports went over: it has no supply points of its own any more.
    let merged = Incident {
        version: 2,
        standing: Standing::Merged { into: incident(1) },
        supply: Vec::new(),
        ..child
    };
    house.told(&merged).await?;
    assert_eq!(house.act(phone_of(1), order, arrive()).await?.state, "arrived");
    Ok(())
}

#[tokio::test]
async fn steps_are_never_changed() -> anyhow::Result<()> {
    let house = house().await?;
    house.opened(1).await?;
    for sql in ["update order_step set actor = 'x'", "delete from order_step"] {
        let refused = sqlx::query(sql).execute(house.db.pool()).await.unwrap_err();
        assert!(refused.to_string().contains("never changed"), "{refused}");
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_order_a_missing_event_and_a_broken_id_are_named() -> anyhow::Result<()> {
    let house = house().await?;
    let unknown = house.act(dispatcher(), order(9), dispatch(1)).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let mut broken = request(order(1), dispatch(1));
    broken.order_id = "7".to_owned();
    assert_eq!(
        then::field(&house.send(dispatcher(), broken).await.unwrap_err()),
        "order_id"
    );
    let mut empty = request(order(1), dispatch(1));
    empty.event = None;
    assert_eq!(
        then::field(&house.send(dispatcher(), empty).await.unwrap_err()),
        "event"
    );
    let order = house.opened(1).await?;
    let nowhere = Event::Dispatch(w::Dispatch {
        unit_id: uuid::Uuid::nil().to_string(),
    });
    assert_eq!(
        house.act(dispatcher(), order, nowhere).await.unwrap_err().code(),
        Code::NotFound
    );
    Ok(())
}
