//! Deny by default: who may do what to an order.

use relight_common::{Claims, Code};
use relight_proto::dispatch::v1::order_event::Event;

use crate::{given::*, then};

/// Everybody, by a letter.
fn callers() -> [(char, Claims); 9] {
    let mut far = dispatcher();
    far.grants[0].org_path = "demo/other".to_owned();
    [
        ('d', dispatcher()),
        ('f', far),
        ('a', agent()),
        ('u', desk_of(1)),
        ('v', desk_of(2)),
        ('c', phone_of(1)),
        ('k', phone_of(2)),
        ('m', admin()),
        ('p', Claims::anybody()),
    ]
}

#[tokio::test]
async fn every_event_has_its_people() -> anyhow::Result<()> {
    let house = house().await?;
    // State in which it is tried, event, letters of those who may, and of those who may with on_behalf.
    let later = t0() + minutes(90);
    let table: Vec<(&str, Event, &str, &str)> = vec![
        ("triaged", dispatch(1), "d", "d"),
        ("dispatched", unit_take(), "u", "d"),
        ("dispatched", unit_return(), "u", "d"),
        ("unit_taken", assign(1), "u", "d"),
        ("assigned", reassign(2), "d", "d"),
        ("assigned", take(), "c", "d"),
        ("taken", leave(later), "c", "d"),
        ("en_route", arrive(), "c", "d"),
        ("arrived", survey(later), "c", "d"),
        ("arrived", set_etr(later), "dc", "d"),
        ("surveyed", repair(), "c", "d"),
        ("repairing", suspend(t0() + minutes(60)), "c", "d"),
        ("repairing", restore_all(), "c", "d"),
        ("restored", reply(), "c", "d"),
        ("replied", call_back("satisfied"), "da", "d"),
        ("called_back", archive(""), "da", "d"),
    ];
    // Each event is tried, by those who may not, in the state in which it fits; the order then goes one step on.
    let order = house.opened(1).await?;
    let mut way = the_way(t0()).into_iter();
    let mut state = "triaged".to_owned();
    for (at, event, may, behalf) in table {
        while state != at {
            let (claims, next) = way.next().expect("the way leads there");
            state = house.act(claims, order, next).await?.state;
        }
        for (letter, claims) in callers() {
            for (on_behalf, allowed) in [(false, may), (true, behalf)] {
                let mut sent = request(order, event.clone());
                sent.on_behalf = on_behalf;
                if !allowed.contains(letter) {
                    let refused = house.send(claims.clone(), sent).await.unwrap_err();
                    assert_eq!(
                        refused.code(),
                        Code::PermissionDenied,
                        "{letter} {on_behalf} {event:?}"
                    );
                }
            }
        }
    }
    assert_eq!(state, "called_back", "every refusal left the order alone");
    Ok(())
}

#[tokio::test]
async fn a_dispatcher_records_for_crew_and_unit_by_radio_and_it_is_marked() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.opened(1).await?;
    for (_, event) in the_way(t0()).into_iter().take(9) {
        let mut sent = request(order, event);
        sent.on_behalf = true;
        house.send(dispatcher(), sent).await?;
    }
    let order = house.view(order).await?;
    assert_eq!(order.state, "restored");
    assert!(
        order
            .steps
            .iter()
            .skip(1)
            .all(|step| step.on_behalf && step.actor == "dispatcher-1"),
        "{:?}",
        order.steps
    );
    assert_eq!(
        then::count(
            &house.db,
            "select count(*) from audit where (detail ->> 'on_behalf')::boolean"
        )
        .await?,
        9
    );
    Ok(())
}

#[tokio::test]
async fn without_a_token_nothing_is_answered() -> anyhow::Result<()> {
    use relight_proto::dispatch::v1::dispatch_server::Dispatch;
    let house = house().await?;
    let bare = house
        .api
        .apply(tonic::Request::new(request(order(1), take())))
        .await
        .unwrap_err();
    assert_eq!(bare.code(), Code::Unauthenticated);
    Ok(())
}
