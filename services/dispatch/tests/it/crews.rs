//! Who may be put on an order, and what happens when two dispatchers want the same crew at the same instant.

use std::sync::Arc;

use chrono::TimeDelta;
use relight_common::{Claims, Code, Role};
use relight_dispatch::{error::Error, live::Live, rpc::Api, store::assignment};
use relight_proto::{
    common::v1::PageRequest,
    dispatch::v1::{
        Crew as WireCrew, ListCrewsRequest, ListUnitsRequest, PutCrewRequest, PutUnitRequest,
        RecommendRequest, Unit as WireUnit, dispatch_server::Dispatch,
    },
};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::{given::*, then};

/// An order of incident `n` that unit 1 has taken.
async fn unit_has(house: &House, n: u8) -> anyhow::Result<relight_dispatch::domain::ids::OrderId> {
    let order = house.opened(n).await?;
    house.act(dispatcher(), order, dispatch(1)).await?;
    house.act(desk_of(1), order, unit_take()).await?;
    Ok(order)
}

#[tokio::test]
async fn each_rule_refuses_with_its_code() -> anyhow::Result<()> {
    let house = house().await?;
    let order = unit_has(&house, 1).await?;
    let shift = |from, to| Some((t0() + minutes(from), t0() + minutes(to)));
    let mut outdated = a_crew(1);
    outdated
        .members
        .iter_mut()
        .for_each(|m| m.qualifications.iter_mut().for_each(|q| q.1 = t0() - minutes(1)));
    let cases = [
        (
            "off_shift",
            relight_dispatch::store::crew::Crew {
                shift: shift(-60, 30),
                ..a_crew(1)
            },
        ),
        (
            "off_shift",
            relight_dispatch::store::crew::Crew {
                shift: shift(60, 300),
                ..a_crew(1)
            },
        ),
        (
            "skill",
            relight_dispatch::store::crew::Crew {
                skills: vec![],
                ..a_crew(1)
            },
        ),
        ("unqualified", outdated),
        (
            "rest",
            relight_dispatch::store::crew::Crew {
                shift: shift(-13 * 60, 120),
                ..a_crew(1)
            },
        ),
        (
            "other_unit",
            relight_dispatch::store::crew::Crew {
                unit: unit(2),
                ..a_crew(1)
            },
        ),
    ];
    for (code, crew) in cases {
        house.put(&crew).await?;
        let refused = house.act(desk_of(1), order, assign(1)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{code}");
        assert!(
            refused.message().starts_with(&format!("{code}: ")),
            "{code}: {refused}"
        );
    }
    house.put(&a_crew(1)).await?;
    assert_eq!(house.act(desk_of(1), order, assign(1)).await?.state, "assigned");
    let unknown = house.act(dispatcher(), order, reassign(99)).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    Ok(())
}

#[tokio::test]
async fn too_little_rest_before_the_shift_counts_from_the_shift_before() -> anyhow::Result<()> {
    let house = house().await?;
    let order = unit_has(&house, 1).await?;
    let mut crew = a_crew(1);
    crew.shift = Some((t0() - TimeDelta::hours(20), t0() - TimeDelta::hours(8)));
    house.put(&crew).await?;
    crew.shift = Some((t0() - minutes(60), t0() + minutes(600)));
    house.put(&crew).await?;
    let refused = house.act(desk_of(1), order, assign(1)).await.unwrap_err();
    assert!(refused.message().starts_with("rest: only 420 min"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn a_busy_crew_is_refused_naming_its_order() -> anyhow::Result<()> {
    let house = house().await?;
    let first = unit_has(&house, 1).await?;
    house.act(desk_of(1), first, assign(1)).await?;
    let second = unit_has(&house, 2).await?;
    let refused = house.act(desk_of(1), second, assign(1)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(refused.message(), "busy: the crew is on W-20260301-0001");
    Ok(())
}

/// Two processes, as far as the database can tell: pools of their own, at the same instant, many times.
#[tokio::test]
async fn of_two_dispatchers_at_the_same_instant_exactly_one_gets_the_crew() -> anyhow::Result<()> {
    let house = house().await?;
    let peers = house.others.serve(&house.secrets).await?;
    let mut apis = Vec::new();
    for _ in 0..2 {
        let db = house.db.another().await?;
        let live = Arc::new(Live::new(db.clone()));
        apis.push(Arc::new(Api::new(
            &db,
            &peers,
            &house.secrets,
            house.clock.clone(),
            house.pack.clone(),
            live,
        )));
    }
    for round in 0..10 {
        let orders = [
            unit_has(&house, 2 * round + 10).await?,
            unit_has(&house, 2 * round + 11).await?,
        ];
        let barrier = Arc::new(Barrier::new(2));
        let race = orders.iter().zip(&apis).map(|(order, api)| {
            let (order, api, barrier) = (*order, api.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                api.apply(from(desk_of(1), request(order, assign(1)))).await
            })
        });
        let mut won = Vec::new();
        for (order, racer) in orders.iter().zip(race.collect::<Vec<_>>()) {
            match racer.await? {
                Ok(_) => won.push(*order),
                Err(lost) => {
                    assert_eq!(lost.code(), Code::FailedPrecondition);
                    assert!(lost.message().starts_with("busy: the crew is on W-"), "{lost}");
                }
            }
        }
        assert_eq!(won.len(), 1, "round {round}");
        let active = "select count(*) from assignment where released_at is null";
        assert_eq!(then::count(&house.db, active).await?, 1);
        house.act(dispatcher(), won[0], reassign(2)).await?;
        house.clock.advance(minutes(3));
        house.fire().await?;
        assert_eq!(then::count(&house.db, active).await?, 0, "the offer lapsed");
    }
    Ok(())
}

/// The index itself, without the lock and the rules before it.
#[tokio::test]
async fn the_database_is_the_last_arbiter() -> anyhow::Result<()> {
    let house = house().await?;
    let orders = [house.opened(1).await?, house.opened(2).await?];
    let mut conn = house.db.pool().acquire().await?;
    assignment::give(&mut conn, orders[0], crew(1), t0()).await?;
    let twice = assignment::give(&mut conn, orders[1], crew(1), t0())
        .await
        .unwrap_err();
    assert!(
        matches!(twice, Error::CrewTaken(taken) if taken == crew(1)),
        "{twice}"
    );
    let doubled = assignment::give(&mut conn, orders[0], crew(2), t0())
        .await
        .unwrap_err();
    assert!(
        matches!(doubled, Error::OrderTaken(taken) if taken == orders[0]),
        "{doubled}"
    );
    assert_eq!(
        assignment::number_of_active(&mut conn, crew(1)).await?.as_deref(),
        Some("W-20260301-0001")
    );
    Ok(())
}

#[tokio::test]
async fn recommendations_rank_explain_and_follow_what_just_changed() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.opened(1).await?;
    for (n, metres) in [(1, 3_000.0), (2, 1_000.0), (3, 2_000.0)] {
        house.stand(n, metres);
    }
    let ask_for = |k, refused| {
        from(
            dispatcher(),
            RecommendRequest {
                order_id: order.to_string(),
                k,
                refused,
            },
        )
    };
    let ask = |k| ask_for(k, None);
    let all = house.api.recommend(ask(0)).await?.into_inner();
    let none = house.api.recommend(ask_for(0, Some(0))).await?.into_inner();
    assert_eq!((none.candidates, none.refused.len()), (all.candidates.clone(), 0));
    let names: Vec<_> = all.candidates.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["Crew 2", "Crew 3", "Crew 1"]);
    assert!((all.candidates[0].distance_m - 1_000.0).abs() < 1.0);
    // 1,000 m x 1.3 at 25 km/h.
    assert_eq!(all.candidates[0].travel_s, 188);
    assert_eq!(
        (all.detour, all.order_cost_s, all.speed_kmh.round()),
        (1.3, 120, 25.0)
    );
    assert_eq!(all.refused[0].refusals[0].code, "position_stale");
    house.act(dispatcher(), order, dispatch(1)).await?;
    house.act(desk_of(1), order, unit_take()).await?;
    let other = unit_has(&house, 2).await?;
    house.act(desk_of(1), other, assign(2)).await?;
    let now = house.api.recommend(ask(5)).await?.into_inner();
    assert_eq!(
        now.candidates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["Crew 1"]
    );
    let mut codes: Vec<_> = now
        .refused
        .iter()
        .map(|c| (c.name.as_str(), c.refusals[0].code.as_str()))
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            ("Crew 2", "busy"),
            ("Crew 3", "other_unit"),
            ("Crew 4", "other_unit")
        ]
    );
    house.clock.advance(minutes(31));
    let stale = house.api.recommend(ask(5)).await?.into_inner();
    assert!(stale.candidates.is_empty());
    Ok(())
}

fn put_crew(crew: WireCrew) -> PutCrewRequest {
    PutCrewRequest {
        command_id: Uuid::now_v7().to_string(),
        crew: Some(crew),
    }
}

async fn listed(house: &House, claims: relight_common::Claims) -> anyhow::Result<Vec<WireCrew>> {
    Ok(house
        .api
        .list_crews(from(claims, ListCrewsRequest::default()))
        .await?
        .into_inner()
        .crews)
}

#[tokio::test]
async fn a_crew_is_put_read_back_and_put_again_without_doubling() -> anyhow::Result<()> {
    let house = house().await?;
    house.stand(1, 0.0);
    let mut crew = listed(&house, admin()).await?.remove(0);
    assert_eq!(
        (crew.name.as_str(), crew.members.len(), crew.phone.as_str()),
        ("Crew 1", 2, "95598001")
    );
    assert_eq!(crew.position.map(|at| at.lat), Some(WORK.lat));
    crew.name = "Crew one".to_owned();
    crew.members.truncate(1);
    let sent = put_crew(crew.clone());
    let first = house
        .api
        .put_crew(from(admin(), sent.clone()))
        .await?
        .into_inner();
    let again = house
        .api
        .put_crew(from(admin(), sent.clone()))
        .await?
        .into_inner();
    assert_eq!((&first, first.members.len()), (&again, 1));
    let other = PutCrewRequest {
        crew: Some(WireCrew {
            name: "Crew uno".to_owned(),
            ..crew
        }),
        ..sent
    };
    assert_eq!(
        house.api.put_crew(from(admin(), other)).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(listed(&house, admin()).await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn wrong_fields_of_a_crew_and_a_unit_are_named() -> anyhow::Result<()> {
    let house = house().await?;
    let crew = listed(&house, admin()).await?.remove(0);
    type Change = fn(&mut WireCrew);
    let cases: [(&str, Change); 10] = [
        ("crew_id", |c| c.crew_id = "x".to_owned()),
        ("unit_id", |c| c.unit_id = "x".to_owned()),
        ("name", |c| c.name = " ".to_owned()),
        ("name", |c| c.name = "x".repeat(101)),
        // Events and boards show the name: it names nobody.
        ("name", |c| {
            c.name = "刘洋组 Crew 12".to_owned();
            c.members[0].name = "刘洋".to_owned();
        }),
        ("name", |c| {
            c.name = "Night crew of WU GANG".to_owned();
            c.members[1].name = "Wu Gang".to_owned();
        }),
        ("shift_end_at", |c| c.shift_end_at = None),
        ("shift_end_at", |c| c.shift_end_at = c.shift_start_at),
        ("members", |c| c.members[1].leader = true),
        ("members", |c| {
            c.members[1].person_id = c.members[0].person_id.clone()
        }),
    ];
    for (field, change) in cases {
        let mut wrong = crew.clone();
        change(&mut wrong);
        let refused = house
            .api
            .put_crew(from(admin(), put_crew(wrong)))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), then::field(&refused)),
            (Code::InvalidArgument, field)
        );
    }
    let homeless = WireCrew {
        unit_id: Uuid::nil().to_string(),
        ..crew
    };
    assert_eq!(
        house
            .api
            .put_crew(from(admin(), put_crew(homeless)))
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    let unit = WireUnit {
        unit_id: Uuid::now_v7().to_string(),
        ..WireUnit::default()
    };
    let put = PutUnitRequest {
        command_id: Uuid::now_v7().to_string(),
        unit: Some(unit),
    };
    assert_eq!(
        then::field(&house.api.put_unit(from(admin(), put)).await.unwrap_err()),
        "name"
    );
    Ok(())
}

#[tokio::test]
async fn only_the_admin_of_that_area_puts_and_everybody_sees_their_own() -> anyhow::Result<()> {
    let house = house().await?;
    let crew = listed(&house, admin()).await?.remove(0);
    let refused = house
        .api
        .put_crew(from(dispatcher(), put_crew(crew.clone())))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let unit = WireUnit {
        unit_id: unit(1).to_string(),
        name: "Mine".to_owned(),
        org_path: "elsewhere".to_owned(),
        area_org_paths: vec![],
    };
    let put = PutUnitRequest {
        command_id: Uuid::now_v7().to_string(),
        unit: Some(unit),
    };
    assert_eq!(
        house.api.put_unit(from(admin(), put)).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    assert_eq!(listed(&house, dispatcher()).await?.len(), 4);
    assert_eq!(listed(&house, desk_of(2)).await?.len(), 2);
    assert_eq!(listed(&house, phone_of(3)).await?.len(), 1);
    assert!(
        listed(&house, agent())
            .await?
            .iter()
            .all(|crew| crew.phone.is_empty()),
        "duty phones are not for agents"
    );
    let sheet = listed(&house, Claims::service("gateway")).await?;
    assert!(
        sheet.iter().any(|crew| !crew.phone.is_empty()),
        "the sheet on paper has them"
    );
    let other = listed(&house, Claims::service("notify")).await?;
    assert!(other.iter().all(|crew| crew.phone.is_empty()), "no other service");
    let mut stranger = dispatcher();
    stranger.grants[0].org_path = "other".to_owned();
    assert_eq!(listed(&house, stranger).await?.len(), 0);
    assert!(stranger_units(&house).await?.is_empty());
    Ok(())
}

async fn stranger_units(house: &House) -> anyhow::Result<Vec<WireUnit>> {
    let mut stranger = dispatcher();
    stranger.grants[0].role = Role::Customer;
    Ok(house
        .api
        .list_units(from(stranger, ListUnitsRequest::default()))
        .await?
        .into_inner()
        .units)
}

#[tokio::test]
async fn pages_of_crews_and_units_follow_their_cursor() -> anyhow::Result<()> {
    let house = house().await?;
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest {
            cursor: cursor.clone(),
            size: 3,
        });
        let reply = house
            .api
            .list_crews(from(
                admin(),
                ListCrewsRequest {
                    page,
                    unit_id: String::new(),
                },
            ))
            .await?
            .into_inner();
        names.extend(reply.crews.into_iter().map(|crew| crew.name));
        cursor = reply.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["Crew 1", "Crew 2", "Crew 3", "Crew 4"]);
    let first = ListUnitsRequest {
        page: Some(PageRequest {
            cursor: String::new(),
            size: 1,
        }),
    };
    let units = house.api.list_units(from(admin(), first)).await?.into_inner();
    let second = ListUnitsRequest {
        page: Some(PageRequest {
            cursor: units.next_cursor,
            size: 1,
        }),
    };
    let more = house.api.list_units(from(admin(), second)).await?.into_inner();
    assert_eq!(
        (units.units[0].name.as_str(), more.units[0].name.as_str()),
        ("Unit 1", "Unit 2")
    );
    let broken = ListUnitsRequest {
        page: Some(PageRequest {
            cursor: "AAAA".to_owned(),
            size: 1,
        }),
    };
    assert_eq!(
        then::field(&house.api.list_units(from(admin(), broken)).await.unwrap_err()),
        "page.cursor"
    );
    Ok(())
}
