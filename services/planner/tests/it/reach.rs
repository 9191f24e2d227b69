//! How many are left to reach, and how many need something of their own, is kept by the schema, not counted at the gate.

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
        voltage_v: None,
        several_supplies: false,
    }
}

/// Every number that is kept is what counting says.
async fn counted(house: &House) -> anyhow::Result<()> {
    const KEPT: &str = "select array[unreached, required, served, late_joiners, unacknowledged, told_late_start, backfeed_open,
        backfeed_untold, single_source] from reach where outage_id = $1";
    const COUNTED: &str = "select array[
            count(*) filter (where served_at is null), count(*) filter (where own), count(served_at) filter (where own),
            count(joined_at) filter (where own),
            count(*) filter (where (important or life_support) and settled_at is null), count(late_told_at) filter (where own),
            count(*) filter (where own_generation and isolated_at is null), count(*) filter (where call_before and told_at is null),
            count(*) filter (where important and not several_supplies)]
        from (select *, individually or own_lead as own from recipient) r
        where outage_id = $1 and released_at is null";
    let of = async |query: &'static str| -> anyhow::Result<Vec<i64>> {
        let row = sqlx::query_scalar(query).bind(outage().uuid());
        Ok(row.fetch_one(house.db.pool()).await?)
    };
    assert_eq!(of(KEPT).await?, of(COUNTED).await?);
    Ok(())
}

/// How many are left to reach.
async fn left(house: &House) -> anyhow::Result<i64> {
    counted(house).await?;
    let left = sqlx::query_scalar("select unreached from reach where outage_id = $1").bind(outage().uuid());
    Ok(left.fetch_one(house.db.pool()).await?)
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

/// Answers, isolation and a late start move the other numbers: each step leaves them as counting says.
#[tokio::test]
async fn the_numbers_of_those_with_needs_of_their_own_are_what_counting_says() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.noticed().await?;
    counted(&house).await?;
    let (id, at) = (outage(), house.now());
    let special = |n| Affected {
        important: true,
        own_generation: n == 71,
        ..ordinary(n)
    };
    for n in [70, 71] {
        house
            .by_itself(async |work| people::join(work.conn(), id, special(n), at).await)
            .await?;
        counted(&house).await?;
    }
    let who = (id, customer(71));
    house
        .by_itself(async |work| {
            people::tick(work.conn(), who, false, "mo", at).await?;
            people::tick(work.conn(), who, true, "mo", at).await?;
            people::acknowledge(work.conn(), (id, 1, customer(70)), ("yes", None), "mo", at).await
        })
        .await?;
    counted(&house).await?;
    house.results(1, "notice", &[70, 71], "delivered").await?;
    counted(&house).await?;
    for change in [
        "update recipient set late_told_at = added_at",
        "update recipient set important = not important, dedicated_line = not dedicated_line",
        "update recipient set own_lead = not own_lead, several_supplies = not several_supplies, call_before = not call_before
             where not own_generation",
        "update recipient set individually = not individually",
        "delete from recipient r where not exists (select from evidence e where e.customer_id = r.customer_id)
             and not exists (select from acknowledgement a where a.customer_id = r.customer_id)",
    ] {
        sqlx::query(change).execute(house.db.pool()).await?;
        counted(&house).await?;
    }
    house
        .by_itself(async |work| people::begin_plan(work.conn(), id).await)
        .await?;
    counted(&house).await
}
