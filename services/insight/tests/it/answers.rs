//! What the ledger answers, to whom, and whom it refuses.

use relight_common::{Claims, Role};
use relight_proto::{
    common::v1::PageRequest,
    insight::v1::{
        HistoryRequest, MembersRequest, PublicOutage, PublicOutagesRequest, StepMembersRequest,
        WhyOffRequest, insight_server::Insight,
    },
};
use tonic::{Code, Request};
use uuid::Uuid;

use crate::given::{Incident, ORG, World, asked, at, customer, notify, people, staff, world};

async fn listed(world: &World) -> anyhow::Result<Vec<PublicOutage>> {
    let reply = world
        .api
        .public_outages(asked(&Claims::anybody(), PublicOutagesRequest {}))
        .await?;
    Ok(reply.into_inner().outages)
}

#[tokio::test]
async fn why_off_says_since_when_why_and_until_when() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(3);
    let mut fault = Incident::reported(&[(who[0], 3)]);
    world.confirm(&mut fault, &who[..2]).await?;
    world.etr(&fault, Some(130)).await?;
    world.order(&world.step(&fault, "en_route", 5)).await?;
    let open = world.why(&notify(), &who).await?;
    assert_eq!(open.len(), 2);
    let first = open.iter().find(|o| o.customer_id == who[0].to_string()).unwrap();
    assert_eq!(first.off_at.unwrap().seconds, at(3).timestamp());
    assert_eq!(first.etr_at.unwrap().seconds, at(130).timestamp());
    assert_eq!(
        (first.class.as_str(), first.cause_code.as_str()),
        ("FAULT", "equipment")
    );
    assert!(first.confirmed && first.reporter && first.order_state == "en_route");
    assert!(
        !open
            .iter()
            .any(|o| o.reporter && o.customer_id != who[0].to_string())
    );

    world.clock.advance(chrono::TimeDelta::minutes(31));
    assert!(
        world.why(&notify(), &who).await?[0].etr_at.is_none(),
        "a lapsed estimate is not shown"
    );
    world.clock.advance(chrono::TimeDelta::minutes(-31));
    world.etr(&fault, None).await?;
    assert!(
        world.why(&notify(), &who).await?[0].etr_at.is_none(),
        "a withdrawn one neither"
    );
    Ok(())
}

#[tokio::test]
async fn a_customer_asks_about_the_own_account_only_and_staff_about_their_area() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    world.incident(&Incident::reported(&[(who[0], 3)])).await?;
    assert_eq!(world.why(&customer(who[0]), &who[..1]).await?.len(), 1);
    for (claims, asked_for) in [
        (customer(who[0]), &who[..]),
        (customer(who[1]), &who[..1]),
        (Claims::anybody(), &who[..1]),
        (staff(Role::Customer, ""), &who[..1]),
    ] {
        assert_eq!(
            world.why(&claims, asked_for).await.unwrap_err().code(),
            Code::PermissionDenied
        );
    }
    for (path, found) in [("", 1), ("demo", 1), (ORG, 1), ("demo/east", 0), ("other", 0)] {
        let agent = staff(Role::Agent, path);
        assert_eq!(world.why(&agent, &who).await?.len(), found, "{path}");
        let ask = HistoryRequest {
            customer_id: who[0].to_string(),
            page: None,
        };
        let reply = world.api.history(asked(&agent, ask)).await?.into_inner();
        assert_eq!(reply.interruptions.len(), found, "{path}");
    }
    let ask = HistoryRequest {
        customer_id: who[0].to_string(),
        page: None,
    };
    let refused = world
        .api
        .history(asked(&customer(who[1]), ask.clone()))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(
        world.api.history(Request::new(ask)).await.unwrap_err().code(),
        Code::Unauthenticated
    );
    Ok(())
}

#[tokio::test]
async fn history_pages_through_open_and_closed_records_newest_first() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(1);
    for begin in [0, 20, 40] {
        let fault = Incident::reported(&[(who[0], begin)]);
        world.incident(&fault).await?;
        if begin < 40 {
            world.restore(&fault, begin + 5, None).await?;
        }
    }
    let (mut begins, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest {
            cursor: cursor.clone(),
            size: 1,
        });
        let ask = HistoryRequest {
            customer_id: who[0].to_string(),
            page,
        };
        let reply = world
            .api
            .history(asked(&customer(who[0]), ask))
            .await?
            .into_inner();
        begins.extend(
            reply
                .interruptions
                .iter()
                .map(|i| (i.off_at.unwrap().seconds, i.on_at.is_some())),
        );
        cursor = reply.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    let expected =
        [(at(40), false), (at(20), true), (at(0), true)].map(|(t, closed)| (t.timestamp(), closed));
    assert_eq!(begins, expected);
    let page = Some(PageRequest {
        cursor: "AAAA".to_owned(),
        size: 1,
    });
    let ask = HistoryRequest {
        customer_id: who[0].to_string(),
        page,
    };
    let refused = world
        .api
        .history(asked(&customer(who[0]), ask))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    Ok(())
}

#[tokio::test]
async fn members_wait_until_the_ledger_has_the_version_asked_for() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(3);
    let mut fault = Incident::reported(&[(who[0], 3)]);
    assert_eq!(
        world.members(&fault, 2).await.unwrap_err().code(),
        Code::Unavailable
    );
    world.incident(&fault).await?;
    assert_eq!(world.members(&fault, 2).await?, [(who[0].to_string(), true)]);
    let later = Incident {
        version: fault.version + 1,
        ..fault.clone()
    };
    assert_eq!(
        world.members(&later, 2).await.unwrap_err().code(),
        Code::Unavailable
    );
    world.confirm(&mut fault, &who).await?;
    assert_eq!(world.members(&later, 2).await?.len(), 3);
    let ask = MembersRequest {
        incident_id: Uuid::now_v7().to_string(),
        ..MembersRequest::default()
    };
    assert_eq!(
        world.api.members(asked(&notify(), ask)).await.unwrap_err().code(),
        Code::NotFound
    );
    Ok(())
}

#[tokio::test]
async fn members_are_for_services_and_the_control_room_of_the_place() -> anyhow::Result<()> {
    let world = world().await?;
    let fault = Incident::reported(&[(people(1)[0], 3)]);
    world.incident(&fault).await?;
    let step_id = world.told().await?[0].step_id.clone();
    for (claims, code) in [
        (notify(), Code::Ok),
        (staff(Role::Dispatcher, "demo"), Code::Ok),
        (staff(Role::Dispatcher, "other"), Code::NotFound),
        (staff(Role::Crew, ""), Code::PermissionDenied),
        (Claims::anybody(), Code::PermissionDenied),
    ] {
        let ask = MembersRequest {
            incident_id: fault.told.incident_id.clone(),
            ..MembersRequest::default()
        };
        let answer = world.api.members(asked(&claims, ask)).await;
        assert_eq!(answer.map_or_else(|s| s.code(), |_| Code::Ok), code, "{claims:?}");
        let ask = StepMembersRequest {
            step_id: step_id.clone(),
            ..StepMembersRequest::default()
        };
        let answer = world.api.step_members(asked(&claims, ask)).await;
        assert_eq!(answer.map_or_else(|s| s.code(), |_| Code::Ok), code, "{claims:?}");
    }
    Ok(())
}

#[tokio::test]
async fn wrong_questions_name_the_field() -> anyhow::Result<()> {
    let world = world().await?;
    let field = |status: tonic::Status| {
        assert_eq!(status.code(), Code::InvalidArgument);
        status
            .metadata()
            .get("relight-field")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    let many = WhyOffRequest {
        customer_ids: vec![Uuid::now_v7().to_string(); 501],
    };
    assert_eq!(
        field(world.api.why_off(asked(&notify(), many)).await.unwrap_err()),
        "customer_ids"
    );
    let none = WhyOffRequest {
        customer_ids: vec!["42".to_owned()],
    };
    assert_eq!(
        field(world.api.why_off(asked(&notify(), none)).await.unwrap_err()),
        "customer_id"
    );
    let ask = HistoryRequest {
        customer_id: String::new(),
        page: None,
    };
    assert_eq!(
        field(world.api.history(asked(&notify(), ask)).await.unwrap_err()),
        "customer_id"
    );
    let ask = MembersRequest {
        incident_id: "x".to_owned(),
        ..MembersRequest::default()
    };
    assert_eq!(
        field(world.api.members(asked(&notify(), ask)).await.unwrap_err()),
        "incident_id"
    );
    let ask = StepMembersRequest {
        step_id: Uuid::now_v7().to_string(),
        after: "x".to_owned(),
        limit: 1,
    };
    assert_eq!(
        field(world.api.step_members(asked(&notify(), ask)).await.unwrap_err()),
        "after"
    );
    let ask = StepMembersRequest {
        step_id: Uuid::now_v7().to_string(),
        ..StepMembersRequest::default()
    };
    assert_eq!(
        world
            .api
            .step_members(asked(&notify(), ask))
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    Ok(())
}

#[tokio::test]
async fn the_public_list_follows_an_outage_to_two_hours_after_its_end() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(4);
    let mut fault = Incident::reported(&[(who[0], 3)]);
    world.incident(&fault).await?;
    let only = |mut all: Vec<PublicOutage>| {
        assert_eq!(all.len(), 1);
        all.remove(0)
    };
    let first = only(listed(&world).await?);
    assert_eq!((first.status.as_str(), first.customers_off), ("reported", 1));
    assert!(first.position.is_none(), "one household has no position");
    world.confirm(&mut fault, &who).await?;
    world.etr(&fault, Some(130)).await?;
    let confirmed = only(listed(&world).await?);
    assert_eq!(
        (confirmed.status.as_str(), confirmed.area.as_str()),
        ("confirmed", "Station 2, East Lake")
    );
    let place = confirmed.position.unwrap();
    assert_eq!((place.lon, place.lat), (120.153, 30.288));
    assert_eq!(
        (confirmed.zone.as_str(), confirmed.etr_at.unwrap().seconds),
        ("Asia/Shanghai", at(130).timestamp())
    );
    world.order(&world.step(&fault, "en_route", 5)).await?;
    assert_eq!(only(listed(&world).await?).status, "crew_on_the_way");
    world.order(&world.step(&fault, "arrived", 15)).await?;
    assert_eq!(only(listed(&world).await?).status, "crew_on_site");
    world.restore(&fault, 30, Some(&who[..1])).await?;
    let partly = only(listed(&world).await?);
    assert_eq!(
        (
            partly.status.as_str(),
            partly.customers_off,
            partly.customers_restored
        ),
        ("partly_restored", 3, 1)
    );
    world.restore(&fault, 90, None).await?;
    let restored = only(listed(&world).await?);
    assert_eq!(
        (
            restored.status.as_str(),
            restored.customers_off,
            restored.customers_restored
        ),
        ("restored", 0, 4)
    );
    assert_eq!(restored.restored_at.unwrap().seconds, at(90).timestamp());
    world.clock.advance(chrono::TimeDelta::minutes(111));
    assert!(listed(&world).await?.is_empty());
    Ok(())
}
