//! The gates: what they refuse, in which words, and what the database refuses beside them.

use relight_planner::{
    desk::act::Act,
    domain::{event::Event, outage::State, window::Window},
};

use crate::{
    given::{self, customer, dispatcher, h, manager, min, outage, planner, t0, window},
    then,
};

/// 167.9 hours are not 168: the same notice carries a window six minutes later.
#[tokio::test]
async fn the_gate_refuses_167_9_hours() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    house.clock.advance(h(24) + min(6));
    house.event(&planner(), Event::Announce).await?;
    house.served(1, "notice", &[1, 2, 3, 4]).await?;
    assert_eq!(house.stored().await?.life.state, State::Approved);
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.contains("167.9") && words.contains("168"), "{words}");
    Ok(())
}

#[tokio::test]
async fn one_customer_without_proof_holds_the_notice_and_a_visit_ends_that() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    house.event(&planner(), Event::Announce).await?;
    house.served(1, "notice", &[1, 3]).await?;
    let words = house.refused(&planner(), Act::Gate).await?;
    assert!(words.starts_with("1 customers who must be told"), "{words}");
    house.clock.advance(min(10));
    let one = house.act(&planner(), house.visit(2, Some(vec![7; 32]))).await?;
    assert_eq!(one.life.state, State::Noticed, "the last proof takes the notice");
    Ok(())
}

/// Who is reached by no channel is worked by a person before anything is ready (operations.md O22).
#[tokio::test]
async fn nobody_is_left_unreached() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    house.event(&planner(), Event::Announce).await?;
    house.served(1, "notice", &[1, 2, 3]).await?;
    house.act(&planner(), house_answers(1)).await?;
    house.until(window().off_at - h(4)).await?;
    let alarms = then::alarms(&house.db).await?;
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert!(alarms[0].1.contains("reached by no channel"), "{alarms:?}");
    house.act(&planner(), house.visit(4, Some(vec![7; 32]))).await?;
    assert_eq!(house.act(&planner(), Act::Gate).await?.life.state, State::Ready);
    Ok(())
}

fn house_answers(n: u8) -> Act {
    Act::Acknowledge {
        customer: customer(n),
        text: "understood, thank you".to_owned(),
    }
}

/// Silent by T-24 h: the account manager; by T-4 h: the duty manager decides, with a reason.
#[tokio::test]
async fn an_important_customer_who_is_silent_goes_up_until_somebody_decides() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    let escalated = async || -> anyhow::Result<Option<String>> {
        let to = "select escalated_to from planner.acknowledgement where customer_id = $1";
        Ok(sqlx::query_scalar(to)
            .bind(customer(1))
            .fetch_optional(house.db.pool())
            .await?)
    };
    house.until(window().off_at - h(24)).await?;
    assert_eq!(escalated().await?.as_deref(), Some("account_manager"));
    house.until(window().off_at - h(4)).await?;
    assert_eq!(escalated().await?.as_deref(), Some("duty_manager"));
    assert_eq!(house.stored().await?.life.state, State::Noticed);
    let alarms = then::alarms(&house.db).await?;
    let what: Vec<_> = alarms.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(what, ["account_manager", "duty_manager", "gate"]);
    let close = Act::Escalate {
        customer: customer(1),
        to: "duty_manager",
        closed: true,
        note: "spoke with their watch, they run on their own supply".to_owned(),
    };
    assert!(
        house
            .refused(&planner(), close.clone())
            .await?
            .contains("manager")
    );
    house.act(&manager(), close).await?;
    assert_eq!(house.act(&planner(), Act::Gate).await?.life.state, State::Ready);
    Ok(())
}

/// Where a life hangs on supply nobody switches off before they, or who answers for them, have said so: a text that was
/// delivered is not enough (domain.md 5.5 no. 20).
#[tokio::test]
async fn a_life_support_customer_who_is_silent_holds_the_gate() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    sqlx::query("update planner.recipient set life_support = true where customer_id = $1")
        .bind(customer(3))
        .execute(house.db.pool())
        .await?;
    house.answered(1).await?;
    house.until(window().off_at - h(4)).await?;
    assert_eq!(house.stored().await?.life.state, State::Noticed);
    let alarms = then::alarms(&house.db).await?;
    let what: Vec<_> = alarms.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(what, ["account_manager", "duty_manager", "gate"]);
    let words = house.refused(&planner(), house_answers(4)).await?;
    assert!(words.contains("life-support"), "an ordinary customer: {words}");
    house.answered(3).await?;
    assert_eq!(house.act(&planner(), Act::Gate).await?.life.state, State::Ready);
    Ok(())
}

#[tokio::test]
async fn the_author_does_not_approve_and_the_database_agrees() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.drafted(outage(), window()).await?;
    let both = given::with("pat", relight_common::Role::Manager);
    let justification = String::from("alone in the office");
    house.submitted().await?;
    let balance = Event::Balance {
        justification: justification.clone(),
    };
    house.event(&planner(), balance).await?;
    let approve = Act::Event(Event::Approve { justification });
    assert!(
        house
            .refused(&both, approve.clone())
            .await?
            .contains("another person")
    );
    assert!(house.refused(&planner(), approve).await?.contains("manager"));
    let direct = sqlx::query("update planner.outage set approver = author")
        .execute(house.db.pool())
        .await;
    let broken = direct.expect_err("an approver who is the author");
    assert_eq!(
        relight_common::error::constraint(&broken),
        Some("outage_approved_by_another")
    );
    Ok(())
}

/// Off without a permit, or before the announced time, is refused by the database whatever a program does.
#[tokio::test]
async fn the_database_refuses_off_without_a_permit_and_changed_evidence() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    for (what, permit_at, off_at) in [
        ("no permit", None, window().off_at),
        ("an old permit", Some(window().off_at), window().off_at + min(6)),
        (
            "too early",
            Some(window().off_at - min(1)),
            window().off_at - min(1),
        ),
    ] {
        let done = sqlx::query("update planner.outage set permit_at = $1, switched_off_at = $2")
            .bind(permit_at)
            .bind(off_at)
            .execute(house.db.pool())
            .await;
        assert!(done.is_err(), "{what}");
    }
    let changed = sqlx::query("update planner.evidence set at = at - interval '1 hour'")
        .execute(house.db.pool())
        .await;
    assert!(changed.is_err(), "evidence was changed");
    Ok(())
}

#[tokio::test]
async fn two_people_on_one_outage_do_not_overwrite_each_other() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.drafted(outage(), window()).await?;
    let one = house
        .considers(&planner(), &["live_work", "transfer", "generator_truck"])
        .await??;
    let mut first = given::command(Act::Event(Event::Submit));
    first.expected_version = one.version;
    let mut second = given::command(Act::Event(Event::Cancel));
    second.expected_version = one.version;
    house.run(&planner(), first).await??;
    let refused = house
        .run(&dispatcher(), second)
        .await?
        .expect_err("an old version");
    assert!(refused.to_string().contains("read it again"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn who_may_not_do_it_is_told_so_and_nothing_happens() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.approved().await?;
    let elsewhere = relight_common::Claims::of(
        "far",
        vec![relight_common::Grant {
            role: relight_common::Role::Manager,
            org_path: "demo/county".to_owned(),
        }],
    );
    let cancel = Act::Event(Event::Cancel);
    assert!(!house.refused(&elsewhere, cancel).await?.is_empty());
    let later = Window {
        off_at: window().off_at + h(48),
        on_at: window().on_at + h(48),
    };
    let moved = Act::Event(Event::Move {
        window: later,
        justification: String::new(),
    });
    assert!(house.refused(&planner(), moved).await?.contains("manager"));
    assert_eq!(house.stored().await?.life.window, window());
    assert!(house.now() >= t0());
    Ok(())
}
