//! Estimates (O19): a crew's wins until it lapses; a lapsed one is withdrawn and told.

use relight_common::{Code, wire::timestamp};

use crate::{given::*, then};

#[tokio::test]
async fn an_estimate_prompts_a_quarter_hour_before_and_is_withdrawn_when_it_lapses() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("surveyed").await?;
    let etr_at = t0() + minutes(90);
    let told = then::etrs(&house.db).await?;
    assert_eq!(
        (told.len(), told[0].etr_at, told[0].cause_code.as_str()),
        (1, Some(timestamp(etr_at)), "tree")
    );
    house.later(etr_at - minutes(15) - house.now()).await?;
    let alarms = then::alarms(&house.db).await?;
    assert!(
        alarms
            .iter()
            .any(|(clock, level, ..)| (clock.as_str(), level.as_str()) == ("etr", "watch")),
        "{alarms:?}"
    );
    assert!(house.view(order).await?.etr_at.is_some());
    house.later(minutes(15)).await?;
    assert_eq!(house.view(order).await?.etr_at, None);
    let last = then::etrs(&house.db).await?.pop().expect("told");
    assert_eq!(
        (last.withdrawn, last.etr_at, last.previous_at),
        (true, None, Some(timestamp(etr_at)))
    );
    let dispatchers = house
        .act(dispatcher(), order, set_etr(house.now() + minutes(60)))
        .await?;
    assert!(
        dispatchers.etr_at.is_some(),
        "after it lapsed the dispatcher may speak"
    );
    Ok(())
}

#[tokio::test]
async fn a_crews_estimate_wins_over_the_dispatchers() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.opened(1).await?;
    house
        .act(dispatcher(), order, set_etr(t0() + minutes(60)))
        .await?;
    let same = house
        .act(dispatcher(), order, set_etr(t0() + minutes(60)))
        .await?;
    assert_eq!(
        then::etrs(&house.db).await?.len(),
        1,
        "the same estimate is not told twice"
    );
    assert_eq!(same.state, "triaged");
    for (claims, event) in the_way(t0()).into_iter().take(7) {
        house.act(claims, order, event).await?;
    }
    let refused = house
        .act(dispatcher(), order, set_etr(t0() + minutes(120)))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    house
        .act(phone_of(1), order, set_etr(t0() + minutes(120)))
        .await?;
    let mut by_radio = request(order, set_etr(t0() + minutes(150)));
    by_radio.on_behalf = true;
    house.send(dispatcher(), by_radio).await?;
    let told: Vec<_> = then::etrs(&house.db)
        .await?
        .into_iter()
        .map(|etr| etr.etr_at)
        .collect();
    assert_eq!(
        told,
        [60, 90, 120, 150].map(|m| Some(timestamp(t0() + minutes(m))))
    );
    for etr_at in [house.now(), house.now() + minutes(15 * 24 * 60)] {
        let wrong = house.act(phone_of(1), order, set_etr(etr_at)).await.unwrap_err();
        assert_eq!(
            (wrong.code(), then::field(&wrong)),
            (Code::InvalidArgument, "etr_at")
        );
    }
    Ok(())
}

#[tokio::test]
async fn suspending_and_reassigning_withdraw_the_estimate() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("surveyed").await?;
    house.act(dispatcher(), order, reassign(2)).await?;
    assert!(
        then::etrs(&house.db)
            .await?
            .last()
            .is_some_and(|etr| etr.withdrawn)
    );
    let reasons: Vec<String> = sqlx::query_scalar("select reason from etr order by n")
        .fetch_all(house.db.pool())
        .await?;
    assert_eq!(reasons, ["survey", "reassigned"]);
    Ok(())
}

#[tokio::test]
async fn the_end_of_the_shift_withdraws_the_estimate_of_the_crew_that_goes_home() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.opened(1).await?;
    let way = the_way(t0());
    for (claims, event) in way.into_iter().take(6) {
        house.act(claims, order, event).await?;
    }
    house
        .act(phone_of(1), order, survey(t0() + minutes(11 * 60)))
        .await?;
    house.later(minutes(10 * 60)).await?;
    assert_eq!(house.view(order).await?.etr_at, None);
    let reason: String = sqlx::query_scalar("select reason from etr order by n desc limit 1")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(reason, "shift_end");
    Ok(())
}

#[tokio::test]
async fn nothing_is_estimated_after_everybody_is_back() -> anyhow::Result<()> {
    let house = house().await?;
    let order = house.brought_to("restored").await?;
    let refused = house
        .act(dispatcher(), order, set_etr(t0() + minutes(300)))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    house.later(minutes(120)).await?;
    assert!(
        !then::etrs(&house.db).await?.iter().any(|etr| etr.withdrawn),
        "an estimate that came true is not withdrawn"
    );
    Ok(())
}
