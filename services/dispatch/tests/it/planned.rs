//! Planned outages through work orders: opened in time, followed, moved and called off; two kinds and one crew.

use std::sync::Arc;

use chrono::TimeDelta;
use relight_common::{Code, reconcile::Reconciler, wire::timestamp};
use relight_dispatch::{live::Live, reconcile::Mender, rpc::Api};
use relight_proto::dispatch::v1::{RecommendRequest, dispatch_server::Dispatch};
use tokio::sync::Barrier;

use crate::{given::*, then, told::*};

#[tokio::test]
async fn a_ready_outage_walks_through_its_order_and_the_crew_begins_on_arrival() -> anyhow::Result<()> {
    let house = house().await?;
    house.planner(vec![outage_is("ready", 3, |_| {})]).await?;
    let order = planned(1);
    let opened = house.view(order).await?;
    assert_eq!(
        (
            opened.state.as_str(),
            opened.kind.as_str(),
            opened.subject_number.as_str()
        ),
        ("triaged", "planned", "P-20260301-0001")
    );
    assert_eq!(
        (
            opened.incident_id.as_str(),
            opened.affected_count,
            opened.device_id.as_str(),
            opened.line.as_str()
        ),
        ("", 120, "SW1, SW2", "10 kV West")
    );
    assert_eq!(opened.org_path, format!("{CITY}/station1"));
    let start = then::clock(&opened, "start");
    assert_eq!(
        (start.started_at, start.due_at),
        (Some(timestamp(t0())), Some(timestamp(off_at())))
    );

    // Switched off from the control room while the crew still drives: it is not at work before it is there.
    house.sent(order, "en_route").await?;
    let off = |told: &mut relight_proto::events::v1::OutageChanged| {
        told.switched_off_at = Some(timestamp(off_at()))
    };
    house.clock.advance(off_at() - house.now());
    house.planner(vec![outage_is("off", 4, off)]).await?;
    let driving = house.view(order).await?;
    assert_eq!(driving.state, "en_route");
    assert_eq!(
        then::clock(&driving, "start").stopped_at,
        Some(timestamp(off_at()))
    );
    let there = house.act(phone_of(1), order, arrive()).await?;
    assert_eq!(there.state, "repairing");
    house.clock.advance(minutes(90));
    let back_at = house.now() - minutes(2);
    let back = |told: &mut relight_proto::events::v1::OutageChanged| {
        off(told);
        told.restored_at = Some(timestamp(back_at));
    };
    house.planner(vec![outage_is("restored", 7, back)]).await?;
    let restored = house.view(order).await?;
    assert_eq!(
        (restored.state.as_str(), restored.restored_count),
        ("restored", 120)
    );
    house.planner(vec![outage_is("archived", 8, back)]).await?;
    let filed = house.view(order).await?;
    assert_eq!(filed.state, "archived");
    assert!(filed.clocks.iter().all(|clock| clock.stopped_at.is_some()));

    let steps = then::steps(&house.db).await?;
    assert!(steps.iter().all(|step| {
        step.kind == "planned" && step.subject_id == outage().to_string() && step.incident_id.is_empty()
    }));
    let of = |word: &str| steps.iter().find(|step| step.step == word).expect("told").clone();
    assert_eq!(
        of("restored").at,
        Some(timestamp(back_at)),
        "when the planner says"
    );
    assert_eq!(of("arrived").crew_id, crew(1).to_string());
    let by_planner = "select count(*) from order_step where actor = 'service:planner'";
    assert_eq!(
        then::count(&house.db, by_planner).await?,
        4,
        "opened, repairing, restored, archived"
    );
    Ok(())
}

#[tokio::test]
async fn doubled_late_and_older_news_change_nothing() -> anyhow::Result<()> {
    let house = house().await?;
    let ready = outage_is("ready", 5, |_| {});
    house
        .planner(vec![
            ready.clone(),
            ready,
            outage_is("noticed", 4, |told| told.plan_no = 9),
        ])
        .await?;
    assert_eq!(then::words(&house.db).await?, ["opened"]);
    house
        .planner(vec![
            outage_is("off", 7, |_| {}),
            outage_is("cancelled", 6, |_| {}),
        ])
        .await?;
    assert_eq!(
        house.view(planned(1)).await?.state,
        "triaged",
        "the older one came too late"
    );
    // Nobody of ours was there: nothing is claimed of anybody.
    house.planner(vec![outage_is("archived", 9, |_| {})]).await?;
    let over = house.view(planned(1)).await?;
    assert_eq!(
        (over.state.as_str(), over.withdrawn_because.as_str()),
        ("withdrawn", "done without a crew of this order")
    );
    assert_eq!(then::words(&house.db).await?, ["opened", "withdrawn"]);
    Ok(())
}

#[tokio::test]
async fn a_crew_at_planned_work_is_relieved_and_the_next_one_begins_on_arrival() -> anyhow::Result<()> {
    let house = house().await?;
    house.planner(vec![outage_is("ready", 3, |_| {})]).await?;
    house.sent(planned(1), "arrived").await?;
    house.planner(vec![outage_is("working", 5, |_| {})]).await?;
    assert_eq!(house.view(planned(1)).await?.state, "repairing");
    let relieved = house.act(dispatcher(), planned(1), reassign(2)).await?;
    assert_eq!(
        (relieved.state.as_str(), relieved.crew_id),
        ("assigned", crew(2).to_string())
    );
    for event in [take(), leave(house.now() + minutes(9)), arrive()] {
        house.act(phone_of(2), planned(1), event).await?;
    }
    let there = house.view(planned(1)).await?;
    assert_eq!(
        (there.state.as_str(), there.crew_id),
        ("repairing", crew(2).to_string())
    );
    let active = "select count(*) from assignment where released_at is null";
    assert_eq!(then::count(&house.db, active).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_safety_switch_off_is_no_errand_and_holds_up_nothing() -> anyhow::Result<()> {
    let house = house().await?;
    let safety = |told: &mut relight_proto::events::v1::OutageChanged| {
        (told.class, told.on_at) = ("SAFETY".to_owned(), None);
    };
    house
        .planner(vec![
            outage_is("off", 1, safety),
            outage_is("restored", 2, safety),
        ])
        .await?;
    assert_eq!(
        then::count(&house.db, "select count(*) from work_order").await?,
        0
    );
    Ok(())
}

#[tokio::test]
async fn a_noticed_outage_gets_its_order_a_day_before_by_itself() -> anyhow::Result<()> {
    let house = house().await?;
    let in_two_days = |told: &mut relight_proto::events::v1::OutageChanged| {
        told.off_at = Some(timestamp(t0() + TimeDelta::hours(48)));
        told.on_at = Some(timestamp(t0() + TimeDelta::hours(50)));
    };
    house.planner(vec![outage_is("noticed", 2, in_two_days)]).await?;
    assert_eq!(house.view(planned(1)).await.unwrap_err().code(), Code::NotFound);
    house.later(TimeDelta::hours(24) - seconds(1)).await?;
    assert_eq!(house.view(planned(1)).await.unwrap_err().code(), Code::NotFound);
    house.later(seconds(1)).await?;
    assert_eq!(house.view(planned(1)).await?.state, "triaged");
    Ok(())
}

#[tokio::test]
async fn a_later_start_of_the_same_plan_moves_the_clock_and_the_phone_sees_it() -> anyhow::Result<()> {
    let house = house().await?;
    house.planner(vec![outage_is("ready", 3, |_| {})]).await?;
    house.sent(planned(1), "taken").await?;
    let cursor = house.synced(1, "").await?.cursor;
    let later = |told: &mut relight_proto::events::v1::OutageChanged| {
        told.off_at = Some(timestamp(off_at() + TimeDelta::hours(2)));
    };
    house.planner(vec![outage_is("ready", 4, later)]).await?;
    let news = house.synced(1, &cursor).await?;
    let order = &news.orders[0];
    assert_eq!(order.off_at, Some(timestamp(off_at() + TimeDelta::hours(2))));
    assert_eq!(then::clock(order, "start").due_at, order.off_at);
    let moved = order
        .steps
        .iter()
        .find(|step| step.step == "moved")
        .expect("recorded");
    assert_eq!(moved.note, "now 2026-03-01T09:00:00Z to 2026-03-01T10:00:00Z");
    // 70 % of seven hours, not of five.
    house.later(t0() + minutes(7 * 42 - 1) - house.now()).await?;
    assert!(
        then::alarms(&house.db)
            .await?
            .iter()
            .all(|(clock, ..)| clock != "start")
    );
    house.later(minutes(1)).await?;
    let alarms = then::alarms(&house.db).await?;
    assert!(
        alarms
            .iter()
            .any(|(clock, level, ..)| (clock.as_str(), level.as_str()) == ("start", "watch"))
    );
    Ok(())
}

#[tokio::test]
async fn a_move_to_another_day_frees_the_crew_and_a_new_order_follows() -> anyhow::Result<()> {
    let house = house().await?;
    house.planner(vec![outage_is("ready", 3, |_| {})]).await?;
    house.sent(planned(1), "en_route").await?;
    let cursor = house.synced(1, "").await?.cursor;
    let second = |told: &mut relight_proto::events::v1::OutageChanged| {
        told.plan_no = 2;
        told.off_at = Some(timestamp(off_at() + TimeDelta::days(8)));
        told.on_at = Some(timestamp(off_at() + TimeDelta::days(8) + TimeDelta::hours(3)));
    };
    house.planner(vec![outage_is("approved", 4, second)]).await?;
    let told = house.synced(1, &cursor).await?;
    assert_eq!(told.gone, [planned(1).to_string()]);
    let gone = &told.gone_orders[0];
    assert_eq!(
        (
            gone.kind.as_str(),
            gone.state.as_str(),
            gone.because.as_str(),
            gone.warning.as_str()
        ),
        (
            "planned",
            "withdrawn",
            "moved to another day; a new order follows",
            ""
        )
    );
    let active = "select count(*) from assignment where released_at is null";
    assert_eq!(then::count(&house.db, active).await?, 0);
    house.planner(vec![outage_is("ready", 6, second)]).await?;
    assert_eq!(house.view(planned(2)).await?.state, "triaged");
    assert_eq!(house.view(planned(1)).await?.state, "withdrawn");
    Ok(())
}

#[tokio::test]
async fn an_outage_that_is_noticed_again_after_all_opens_the_same_order_again() -> anyhow::Result<()> {
    let house = house().await?;
    house
        .planner(vec![
            outage_is("ready", 3, |_| {}),
            outage_is("approved", 4, |_| {}),
        ])
        .await?;
    let withdrawn = house.view(planned(1)).await?;
    assert_eq!(withdrawn.withdrawn_because, "the outage is approved again");
    house.planner(vec![outage_is("noticed", 5, |_| {})]).await?;
    let again = house.view(planned(1)).await?;
    assert_eq!(again.state, "triaged");
    let running: Vec<_> = again
        .clocks
        .iter()
        .filter(|clock| clock.stopped_at.is_none())
        .collect();
    assert_eq!(
        running
            .iter()
            .map(|clock| clock.name.as_str())
            .collect::<Vec<_>>(),
        ["start"]
    );
    Ok(())
}

#[tokio::test]
async fn the_steps_of_a_fault_are_refused_with_what_to_do_instead() -> anyhow::Result<()> {
    let house = house().await?;
    house.planner(vec![outage_is("ready", 3, |_| {})]).await?;
    house.sent(planned(1), "arrived").await?;
    let soon = house.now() + minutes(30);
    for event in [
        survey(soon),
        repair(),
        suspend(soon),
        restore_all(),
        restore_part("SW1"),
        reply(),
        set_etr(soon),
    ] {
        let refused = house.act(phone_of(1), planned(1), event).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(
            refused.message().starts_with("a planned order cannot ")
                && refused.message().contains("switch off with a permit"),
            "{refused}"
        );
    }
    assert!(
        house.others.script().sets.is_empty(),
        "a refused step asks nobody"
    );
    for event in [call_back("satisfied"), archive("done")] {
        let refused = house.act(dispatcher(), planned(1), event).await.unwrap_err();
        assert!(
            refused.message().starts_with("a planned order cannot "),
            "{refused}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn planned_work_needs_a_crew_for_it_or_for_faults() -> anyhow::Result<()> {
    let house = house().await?;
    let mut meters = a_crew(1);
    meters.skills = vec!["meter_work".to_owned()];
    house.put(&meters).await?;
    house.planner(vec![outage_is("ready", 3, |_| {})]).await?;
    house.sent(planned(1), "unit_taken").await?;
    for n in 1..=2 {
        house.stand(n, 500.0);
    }
    let ask = RecommendRequest {
        order_id: planned(1).to_string(),
        k: 5,
        refused: None,
    };
    let found = house.api.recommend(from(desk_of(1), ask)).await?.into_inner();
    assert_eq!(found.candidates[0].crew_id, crew(2).to_string());
    let refused = house.act(desk_of(1), planned(1), assign(1)).await.unwrap_err();
    assert_eq!(
        refused.message(),
        "skill: the crew is not sent out for planned_work or fault_repair"
    );
    assert_eq!(
        house.act(desk_of(1), planned(1), assign(2)).await?.state,
        "assigned"
    );
    Ok(())
}

/// Two processes, as far as the database can tell, and orders of two kinds.
#[tokio::test]
async fn one_crew_is_never_on_a_fault_and_on_a_planned_outage() -> anyhow::Result<()> {
    let house = house().await?;
    let peers = house.others.serve(&house.secrets).await?;
    let mut apis = Vec::new();
    for _ in 0..2 {
        let db = house.db.another().await?;
        let live = Arc::new(Live::new(db.clone()));
        let clock = house.clock.clone();
        let api = Api::new(&db, &peers, &house.secrets, clock, house.pack.clone(), live);
        apis.push(Arc::new(api));
    }
    for round in 1..=10u8 {
        let second = |told: &mut relight_proto::events::v1::OutageChanged| told.plan_no = u32::from(round);
        house
            .planner(vec![outage_is("ready", u64::from(round), second)])
            .await?;
        let orders = [planned(u32::from(round)), house.opened(round + 10).await?];
        for order in orders {
            house.act(dispatcher(), order, dispatch(1)).await?;
            house.act(desk_of(1), order, unit_take()).await?;
        }
        let barrier = Arc::new(Barrier::new(2));
        let race = orders.iter().zip(&apis).map(|(order, api)| {
            let (order, api, barrier) = (*order, api.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                api.apply(from(desk_of(1), request(order, assign(1)))).await
            })
        });
        let mut won = 0;
        for racer in race.collect::<Vec<_>>() {
            match racer.await? {
                Ok(_) => won += 1,
                Err(lost) => assert!(lost.message().starts_with("busy: the crew is on W-"), "{lost}"),
            }
        }
        assert_eq!(won, 1, "round {round}");
        let active = "select count(*) from assignment where released_at is null";
        assert_eq!(then::count(&house.db, active).await?, 1, "round {round}");
        house.later(minutes(3)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_an_event_or_a_timer_should_have_done_is_mended_once() -> anyhow::Result<()> {
    let house = house().await?;
    let mender = Mender::new(house.pack.clone());
    house.planner(vec![outage_is("ready", 3, |_| {})]).await?;
    house.sent(planned(1), "arrived").await?;
    assert_eq!(mender.pass(&house.db, house.now()).await?, 0, "in order");
    sqlx::query("update subject set state = 'cancelled'")
        .execute(house.db.pool())
        .await?;
    assert_eq!(mender.pass(&house.db, house.now()).await?, 1);
    assert_eq!(
        house.view(planned(1)).await?.withdrawn_because,
        "the outage is cancelled"
    );
    sqlx::query("update subject set state = 'noticed', plan_no = 2")
        .execute(house.db.pool())
        .await?;
    assert_eq!(mender.pass(&house.db, house.now()).await?, 1);
    assert_eq!(house.view(planned(2)).await?.state, "triaged");
    assert_eq!(mender.pass(&house.db, house.now()).await?, 0);
    Ok(())
}

/// A section that is back by the planner's word shows in the order of the crew; what comes late takes nothing away.
#[tokio::test]
async fn a_section_that_is_back_shows_in_the_order() -> anyhow::Result<()> {
    let house = house().await?;
    house.planner(vec![outage_is("ready", 3, |_| {})]).await?;
    let order = planned(1);
    assert_eq!(house.view(order).await?.restored_count, 0);
    house.planner(vec![section_back(4, 50)]).await?;
    house.planner(vec![section_back(5, 40)]).await?;
    assert_eq!(house.view(order).await?.restored_count, 50);
    Ok(())
}
