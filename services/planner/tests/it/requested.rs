//! An outage at a customer's wish: the wish is the basis and their notice, everybody else is told as of any plan.

use relight_planner::{
    desk::{act::Act, draft},
    domain::{
        event::Event,
        outage::{Class, State},
    },
    error::Error,
    store::outage::Stored,
};

use crate::{
    given::{self, House, customer, h, manager, outage, planner, window},
    then,
};

impl House {
    /// Customer `n` asks for it.
    async fn asked_for(&self, n: u8) -> anyhow::Result<Result<Stored, Error>> {
        let draft = draft::Draft {
            request: Some((customer(n), "application A-77, signed".to_owned())),
            ..given::a_draft(outage(), window())
        };
        self.try_itself(async |work| draft::draft(work, &self.pack, draft).await)
            .await
    }

    async fn channel_of(&self, n: u8) -> anyhow::Result<Option<String>> {
        let sql = "select served_channel from planner.recipient where outage_id = $1 and customer_id = $2";
        Ok(sqlx::query_scalar(sql)
            .bind(outage().uuid())
            .bind(customer(n))
            .fetch_one(self.db.pool())
            .await?)
    }
}

/// Customer 1 is important, and asked for it: they need no notice and no answer; the three others need theirs.
#[tokio::test]
async fn who_asked_is_served_by_the_wish_and_the_others_by_their_notice() -> anyhow::Result<()> {
    let house = given::house().await?;
    let one = house.asked_for(1).await??;
    assert!(matches!(&one.life.class, Class::CustomerRequest { customer: who, .. } if *who == customer(1)));
    house.approved_from_draft().await?;
    house.event(&planner(), Event::Announce).await?;
    house.served(1, "notice", &[3]).await?;
    assert_eq!(
        house.stored().await?.life.state,
        State::Approved,
        "2 has a generator and no notice"
    );
    house.served(1, "notice", &[2]).await?;
    assert_eq!(house.stored().await?.life.state, State::Noticed);
    let told = then::classes(&house.db).await?;
    assert!(told.iter().all(|class| class == "PLANNED"), "{told:?}");

    // A text that reached somebody else takes nothing from the wish.
    house.results(1, "notice", &[1], "delivered").await?;
    house.results(1, "notice", &[1], "wrong_person").await?;
    assert_eq!(house.channel_of(1).await?.as_deref(), Some("request"));
    house.until(window().off_at - h(20)).await?;
    assert!(
        house.refused(&planner(), Act::Gate).await?.contains("no channel"),
        "4 heard nothing"
    );
    house.served(1, "notice", &[4]).await?;
    assert_eq!(house.act(&planner(), Act::Gate).await?.life.state, State::Ready);
    Ok(())
}

/// It is no defect that cannot wait.
#[tokio::test]
async fn a_wish_is_nothing_temporary_and_comes_from_somebody_affected() -> anyhow::Result<()> {
    let house = given::house().await?;
    let stranger = house.asked_for(99).await?.expect_err("not affected");
    assert!(
        matches!(stranger, Error::NotAffected(who) if who == customer(99)),
        "{stranger}"
    );
    house.asked_for(2).await??;
    house.approved_from_draft().await?;
    house.until(window().off_at - h(30)).await?;
    let why = "a defect".to_owned();
    house
        .refused(&manager(), Act::Event(Event::Convert { why }))
        .await?;
    let blank = sqlx::query(
        "update planner.outage set life = jsonb_set(life, '{class,note}', '\" \"') where id = $1",
    )
    .bind(outage().uuid())
    .execute(house.db.pool())
    .await
    .expect_err("a wish has words");
    assert!(blank.to_string().contains("outage_customer_request"), "{blank}");
    Ok(())
}
