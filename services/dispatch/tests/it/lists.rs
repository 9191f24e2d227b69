//! Lists: danger nobody has reached on top, then the clock that runs out first; pages by cursor, everybody their own.

use relight_common::{Claims, Code};
use relight_policy::AreaClass;
use relight_proto::{
    common::v1::PageRequest,
    dispatch::v1::{GetOrderRequest, ListOrdersRequest, dispatch_server::Dispatch, get_order_request::By},
};

use crate::{given::*, then};

async fn numbers(house: &House, claims: Claims, request: ListOrdersRequest) -> anyhow::Result<Vec<String>> {
    let reply = house.api.list_orders(from(claims, request)).await?.into_inner();
    Ok(reply
        .orders
        .into_iter()
        .map(|order| order.number[11..].to_owned())
        .collect())
}

#[tokio::test]
async fn open_orders_sort_by_the_clock_that_runs_out_first() -> anyhow::Result<()> {
    let house = house().await?;
    for (n, area) in [
        (1, AreaClass::Remote),
        (2, AreaClass::Rural),
        (3, AreaClass::Urban),
    ] {
        house
            .told(&relight_dispatch::store::incident::Incident {
                area,
                ..an_incident(n)
            })
            .await?;
    }
    assert_eq!(
        numbers(&house, dispatcher(), ListOrdersRequest::default()).await?,
        ["0003", "0002", "0001"]
    );
    house.act(dispatcher(), order(1), dispatch(1)).await?;
    assert_eq!(
        numbers(&house, dispatcher(), ListOrdersRequest::default()).await?,
        ["0001", "0003", "0002"]
    );
    Ok(())
}

/// operations.md O6: until somebody is there, whatever clocks run.
#[tokio::test]
async fn danger_nobody_has_reached_comes_before_every_clock() -> anyhow::Result<()> {
    let house = house().await?;
    house.told(&an_incident(1)).await?;
    let danger = relight_dispatch::store::incident::Incident {
        area: AreaClass::Remote,
        danger: true,
        ..an_incident(2)
    };
    house.told(&danger).await?;
    let listed = async || numbers(&house, dispatcher(), ListOrdersRequest::default()).await;
    assert_eq!(listed().await?, ["0002", "0001"]);
    house.stand(1, 0.0);
    let way = [
        (dispatcher(), dispatch(1)),
        (desk_of(1), unit_take()),
        (desk_of(1), assign(1)),
        (phone_of(1), take()),
        (phone_of(1), leave(house.now() + minutes(20))),
    ];
    for (claims, event) in way {
        house.act(claims, order(2), event).await?;
        assert_eq!(listed().await?, ["0002", "0001"]);
    }
    house.act(phone_of(1), order(2), arrive()).await?;
    assert_eq!(listed().await?, ["0001", "0002"]);
    Ok(())
}

#[tokio::test]
async fn pages_follow_their_cursor_and_refuse_another_lists() -> anyhow::Result<()> {
    let house = house().await?;
    for n in 1..=5 {
        house.opened(n).await?;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest {
            cursor: cursor.clone(),
            size: 2,
        });
        let reply = house
            .api
            .list_orders(from(
                dispatcher(),
                ListOrdersRequest {
                    page,
                    ..Default::default()
                },
            ))
            .await?
            .into_inner();
        seen.extend(reply.orders.into_iter().map(|order| order.order_id));
        if reply.next_cursor.is_empty() {
            break;
        }
        cursor = reply.next_cursor;
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    let page = Some(PageRequest { cursor, size: 2 });
    let wrong = house
        .api
        .list_orders(from(
            dispatcher(),
            ListOrdersRequest {
                page,
                archived: true,
                ..Default::default()
            },
        ))
        .await;
    assert_eq!(then::field(&wrong.unwrap_err()), "page.cursor");
    Ok(())
}

#[tokio::test]
async fn everybody_sees_their_own_orders() -> anyhow::Result<()> {
    let house = house().await?;
    house.opened(2).await?;
    let order = house.brought_to("taken").await?;
    let mut stranger = dispatcher();
    stranger.grants[0].org_path = "demo/cityhall".to_owned();
    for (claims, count) in [
        (dispatcher(), 2),
        (agent(), 2),
        (desk_of(1), 1),
        (desk_of(2), 0),
        (phone_of(1), 1),
        (phone_of(2), 0),
        (stranger.clone(), 0),
    ] {
        let who = claims.actor.clone();
        assert_eq!(
            numbers(&house, claims, ListOrdersRequest::default()).await?.len(),
            count,
            "{who}"
        );
    }
    let by = |by| GetOrderRequest { by: Some(by) };
    for claims in [stranger, desk_of(2), phone_of(2), Claims::anybody()] {
        let refused = house
            .api
            .get_order(from(claims, by(By::OrderId(order.to_string()))))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let number = house.view(order).await?.number;
    for way in [By::Number(number), By::IncidentId(incident(1).to_string())] {
        let found = house
            .api
            .get_order(from(phone_of(1), by(way)))
            .await?
            .into_inner();
        assert_eq!(found.order_id, order.to_string());
    }
    let unknown = house
        .api
        .get_order(from(dispatcher(), by(By::Number("W-1".to_owned()))))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    Ok(())
}

#[tokio::test]
async fn archived_orders_have_a_list_of_their_own() -> anyhow::Result<()> {
    let house = house().await?;
    house.brought_to("archived").await?;
    house.opened(2).await?;
    let over = ListOrdersRequest {
        archived: true,
        ..Default::default()
    };
    assert_eq!(numbers(&house, dispatcher(), over).await?, ["0001"]);
    assert_eq!(
        numbers(&house, dispatcher(), ListOrdersRequest::default()).await?,
        ["0002"]
    );
    Ok(())
}
