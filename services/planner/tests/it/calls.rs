//! Calls by telephone: the proof says who was reached at which number, and who was not reached proves nothing.

use relight_planner::{
    desk::act::Act,
    domain::{call::Outcome, event::Event, outage::State},
    store::call,
};

use crate::{
    given::{self, House, a_call, customer, min, outage, planner},
    then,
};

/// Announced, with everybody told but customer 2, who has to be.
async fn announced() -> anyhow::Result<House> {
    let house = given::house().await?;
    house.approved().await?;
    house.event(&planner(), Event::Announce).await?;
    house.served(1, "notice", &[1, 3, 4]).await?;
    house.clock.advance(min(10));
    Ok(house)
}

#[tokio::test]
async fn only_a_call_that_reached_somebody_proves_anything() -> anyhow::Result<()> {
    let house = announced().await?;
    for outcome in [Outcome::NoAnswer, Outcome::WrongPerson, Outcome::InvalidNumber] {
        let one = house.run(&planner(), house.call(2, outcome)).await??;
        assert_eq!(one.life.state, State::Approved, "{outcome:?}");
        house.clock.advance(min(1));
    }
    let alarms = then::alarms(&house.db).await?;
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert_eq!(alarms[0].0, "wrong_person");
    let told = then::strangers(&house.db).await?;
    assert_eq!(
        told,
        [(customer(2).to_string(), "pat".to_owned())],
        "the number is not used any more"
    );
    let one = house.run(&planner(), house.call(2, Outcome::Reached)).await??;
    assert_eq!(one.life.state, State::Noticed, "the last proof takes the notice");
    let all = call::list(house.db.pool(), outage(), Some(customer(2)), None, 10).await?;
    let said: Vec<_> = all
        .iter()
        .map(|one| (one.outcome.as_str(), one.called_by.as_str()))
        .collect();
    let expected = ["reached", "invalid_number", "wrong_person", "no_answer"].map(|word| (word, "pat"));
    assert_eq!(said, expected);
    let tied: i64 = sqlx::query_scalar(
        "select count(*) from planner.evidence e join planner.call c on c.id = e.call_id where e.channel = 'call'",
    )
    .fetch_one(house.db.pool())
    .await?;
    assert_eq!(tied, 1);
    Ok(())
}

/// What the program would not do, the schema refuses: a call as a proof without a number, one that reached nobody, and a
/// call that is changed.
#[tokio::test]
async fn the_database_takes_no_call_as_a_proof_that_reached_nobody() -> anyhow::Result<()> {
    let house = announced().await?;
    house.run(&planner(), house.call(2, Outcome::NoAnswer)).await??;
    for tie in [
        "null, null",
        "(select id from planner.call), null",
        "(select id from planner.call), 'reached'",
    ] {
        let insert = format!(
            "insert into planner.evidence (id, outage_id, plan_no, kind, customer_id, channel, at, recorded_by, call_id, call_outcome)
             select gen_random_uuid(), outage_id, 1, 'notice', customer_id, 'call', now(), 'x', {tie}
             from planner.recipient limit 1"
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(insert))
            .execute(house.db.pool())
            .await;
        assert!(done.is_err(), "{tie}");
    }
    let changed = sqlx::query("update planner.call set outcome = 'reached'")
        .execute(house.db.pool())
        .await;
    assert!(changed.is_err(), "a call was changed");
    Ok(())
}

/// An important customer who answers on the telephone: their words are tied to the number they were said at.
#[tokio::test]
async fn an_answer_on_the_telephone_names_the_number() -> anyhow::Result<()> {
    let house = announced().await?;
    let answer = Act::Acknowledge {
        customer: customer(1),
        text: "we start our own supply at eight".to_owned(),
    };
    let mut command = given::command(answer);
    command.call = Some(a_call(Outcome::Reached));
    house.run(&planner(), command).await??;
    let (purpose, text): (String, String) = sqlx::query_as(
        "select c.purpose, a.text from planner.acknowledgement a join planner.call c on c.id = a.call_id",
    )
    .fetch_one(house.db.pool())
    .await?;
    assert_eq!(purpose, "acknowledgement");
    assert!(text.contains("own supply"));
    Ok(())
}
