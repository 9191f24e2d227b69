//! How many are left to reach is kept by the schema, not counted at the gate.

use std::collections::BTreeSet;

use relight_planner::store::people::{self, Affected};

use crate::given::{self, House, customer, outage};

fn ordinary(n: u8) -> Affected {
    Affected {
        customer: customer(n),
        important: false,
        life_support: false,
        dedicated_line: false,
        own_generation: false,
    }
}

/// The number that is kept, which is what counting says.
async fn left(house: &House) -> anyhow::Result<i64> {
    let (kept, counted): (i64, i64) = sqlx::query_as(
        "select (select unreached from reach where outage_id = $1),
             (select count(*) from recipient where outage_id = $1 and released_at is null and served_at is null)",
    )
    .bind(outage().uuid())
    .fetch_one(house.db.pool())
    .await?;
    assert_eq!(kept, counted);
    Ok(kept)
}

#[tokio::test]
async fn the_number_left_to_reach_is_what_counting_says_whatever_happens() -> anyhow::Result<()> {
    let house = given::house().await?;
    let mut seen = BTreeSet::new();
    house.noticed().await?;
    let reached = left(&house).await?;
    seen.insert(reached);
    house.results(1, "notice", &[2], "wrong_person").await?;
    assert_eq!(left(&house).await?, reached + 1);
    let (id, at) = (outage(), house.now());
    let some: Vec<Affected> = (40..60).map(ordinary).collect();
    for _ in 0..2 {
        house
            .by_itself(async |work| people::add(work.conn(), id, &some, at).await)
            .await?;
        assert_eq!(left(&house).await?, reached + 21, "the same again adds nobody");
    }
    let gone: Vec<_> = some[..5].iter().map(|one| one.customer).collect();
    house
        .by_itself(async |work| people::release(work.conn(), id, &gone, at).await)
        .await?;
    assert_eq!(left(&house).await?, reached + 16);
    house
        .by_itself(async |work| people::add(work.conn(), id, &some[..2], at).await)
        .await?;
    assert_eq!(left(&house).await?, reached + 18, "affected again");
    sqlx::query("delete from recipient where customer_id = $1")
        .bind(customer(59))
        .execute(house.db.pool())
        .await?;
    assert_eq!(left(&house).await?, reached + 17);
    house
        .by_itself(async |work| people::begin_plan(work.conn(), id).await)
        .await?;
    seen.insert(left(&house).await?);
    assert_eq!(seen.len(), 2, "a new plan reaches nobody yet");
    Ok(())
}
