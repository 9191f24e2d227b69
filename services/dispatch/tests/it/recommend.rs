//! What is remembered of an order between recommendations, and what never is.

use std::sync::Arc;

use relight_common::{Claims, Code, Db};
use relight_dispatch::{domain::ids::OrderId, live::Live, rpc::Api, store::incident::Incident};
use relight_proto::dispatch::v1::{RecommendReply, RecommendRequest, dispatch_server::Dispatch};
use tonic::Status;

use crate::given::*;

async fn ask(api: &Api, claims: Claims, order: OrderId) -> Result<RecommendReply, Status> {
    let request = RecommendRequest {
        order_id: order.to_string(),
        k: 5,
        refused: None,
    };
    let reply = api.recommend(from(claims, request)).await;
    reply.map(tonic::Response::into_inner)
}

/// Another replica that remembers nothing, with the same positions.
async fn fresh(house: &House) -> anyhow::Result<Api> {
    let live = Arc::new(Live::new(Db::clone(&house.db)));
    let fixes = |n| house.live.read().known(crew(n)).and_then(|known| known.fix);
    live.put_fixes((1..=4).filter_map(|n| Some((crew(n), fixes(n)?))));
    let peers = house.others.serve(&house.secrets).await?;
    let (clock, pack) = (house.clock.clone(), house.pack.clone());
    Ok(Api::new(&house.db, &peers, &house.secrets, clock, pack, live))
}

/// Crews 1 to 3, each a kilometre further north.
async fn staffed() -> anyhow::Result<House> {
    let house = house().await?;
    for n in 1..=3 {
        house.stand(n, 1_000.0 * f64::from(n));
    }
    Ok(house)
}

fn names(reply: &RecommendReply) -> Vec<&str> {
    reply.candidates.iter().map(|crew| crew.name.as_str()).collect()
}

#[tokio::test]
async fn what_this_replica_did_to_an_order_is_seen_by_its_next_recommendation() -> anyhow::Result<()> {
    let house = staffed().await?;
    let order = house.opened(1).await?;
    let before = ask(&house.api, dispatcher(), order).await?;
    assert_eq!(names(&before), ["Crew 1", "Crew 2", "Crew 3"]);
    house.act(dispatcher(), order, dispatch(2)).await?;
    house.act(desk_of(2), order, unit_take()).await?;
    assert_eq!(names(&ask(&house.api, desk_of(2), order).await?), ["Crew 3"]);
    let unit_1 = ask(&house.api, desk_of(1), order).await.unwrap_err();
    assert_eq!(unit_1.code(), Code::PermissionDenied);
    Ok(())
}

#[tokio::test]
async fn an_order_that_an_event_moved_is_seen_there_within_a_second() -> anyhow::Result<()> {
    let house = staffed().await?;
    let order = house.opened(1).await?;
    ask(&house.api, dispatcher(), order).await?;
    let north = relight_dispatch::domain::place::Place {
        lat: WORK.lat + 3_000.0 / 111_195.0,
        ..WORK
    };
    house
        .told(&Incident {
            version: 2,
            place: Some(north),
            ..an_incident(1)
        })
        .await?;
    house.clock.advance(seconds(1));
    let moved = ask(&house.api, dispatcher(), order).await?;
    assert_eq!(names(&moved), ["Crew 3", "Crew 2", "Crew 1"]);
    assert_eq!(moved, ask(&fresh(&house).await?, dispatcher(), order).await?);
    Ok(())
}

#[tokio::test]
async fn a_caller_from_another_area_is_refused_a_remembered_order_too() -> anyhow::Result<()> {
    let house = staffed().await?;
    let order = house.opened(1).await?;
    let mut far = dispatcher();
    far.grants[0].org_path = "demo/other".to_owned();
    for _ in 0..2 {
        for claims in [far.clone(), agent(), desk_of(1), phone_of(1), Claims::anybody()] {
            let refused = ask(&house.api, claims, order).await.unwrap_err();
            assert_eq!(refused.code(), Code::PermissionDenied);
        }
        ask(&house.api, dispatcher(), order).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_archived_order_is_answered_as_by_a_replica_that_remembers_nothing() -> anyhow::Result<()> {
    let house = staffed().await?;
    let order = house.brought_to("called_back").await?;
    ask(&house.api, desk_of(1), order).await?;
    house.act(dispatcher(), order, archive("")).await?;
    let now = ask(&house.api, dispatcher(), order).await?;
    assert_eq!(now, ask(&fresh(&house).await?, dispatcher(), order).await?);
    let (own, other) = (
        ask(&house.api, desk_of(1), order).await,
        ask(&fresh(&house).await?, desk_of(1), order).await,
    );
    assert_eq!(own.map_err(|e| e.code()), other.map_err(|e| e.code()));
    Ok(())
}

#[tokio::test]
async fn that_an_order_is_not_there_is_not_remembered() -> anyhow::Result<()> {
    let house = staffed().await?;
    let missing = ask(&house.api, dispatcher(), order(1)).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    house.opened(1).await?;
    assert_eq!(ask(&house.api, dispatcher(), order(1)).await?.candidates.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_shift_entered_long_ago_counts_from_the_end_of_the_one_before() -> anyhow::Result<()> {
    let house = staffed().await?;
    let order = house.opened(1).await?;
    let mut next = a_crew(2);
    next.shift = Some((t0() + minutes(24 * 60), t0() + minutes(34 * 60)));
    house.put(&next).await?;
    sqlx::query("update dispatch.crew set changed_at = now() - interval '1 hour'")
        .execute(house.db.pool())
        .await?;
    let before = ask(&house.api, dispatcher(), order).await?;
    assert_eq!(names(&before), ["Crew 1", "Crew 2", "Crew 3"]);
    house.clock.advance(minutes(25 * 60));
    // The next look is due.
    house.live.changed();
    for n in 1..=3 {
        house.stand(n, 1_000.0 * f64::from(n));
    }
    assert_eq!(names(&ask(&house.api, dispatcher(), order).await?), ["Crew 2"]);
    Ok(())
}
