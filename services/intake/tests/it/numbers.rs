//! Spoken numbers: none twice, by the day of the place.

use std::collections::BTreeSet;

use relight_intake::store::number::{Kind, Numbers};

use crate::given::{house, now};

/// Two processes and many tasks at once: no number twice, also past 9999.
#[tokio::test]
async fn no_number_is_given_out_twice() -> anyhow::Result<()> {
    let house = house().await?;
    sqlx::query("insert into intake.number_block (kind, day, next) values ('report', '2026-11-22', 9950)")
        .execute(house.db.pool())
        .await?;
    let other = house.db.another().await?;
    let processes = [Numbers::new(&house.db), Numbers::new(&other)].map(std::sync::Arc::new);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..300 {
        let numbers = processes[n % 2].clone();
        tasks.spawn(async move { numbers.next(Kind::Report, now(), "Asia/Shanghai").await });
    }
    let given = tasks
        .join_all()
        .await
        .into_iter()
        .collect::<Result<BTreeSet<_>, _>>()?;
    assert_eq!(given.len(), 300);
    assert!(given.contains("F-20261122-9950") && given.contains("F-20261122-10000"));
    Ok(())
}

#[tokio::test]
async fn the_day_is_that_of_the_place() -> anyhow::Result<()> {
    let house = house().await?;
    let numbers = Numbers::new(&house.db);
    let late = "2026-11-22T17:00:00Z".parse()?;
    assert_eq!(
        numbers.next(Kind::Report, late, "Asia/Shanghai").await?,
        "F-20261123-0001"
    );
    assert_eq!(numbers.next(Kind::Incident, late, "").await?, "I-20261122-0001");
    assert_eq!(
        numbers.next(Kind::Incident, late, "Atlantis/Town").await?,
        "I-20261122-0002"
    );
    Ok(())
}
