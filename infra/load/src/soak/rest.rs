//! After the storm: everything has to settle by itself, and both processes have to end in good order.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::{Instant, sleep};

use super::{
    counter::Counter,
    pair::{BOTH, Pair},
};
use crate::{
    checks::Check,
    house::House,
    lag::{self, over_services},
};

/// Longest time everything may take to settle.
const LIMIT: Duration = Duration::from_secs(300);

/// Waits until nothing is left to do.
pub(super) async fn settle(house: &House, pair: &Pair, counter: &Counter) -> anyhow::Result<Vec<Check>> {
    let mut conn = house.connect().await?;
    let begun = Instant::now();
    let mut left = left(&mut conn).await?;
    while !left.is_empty() && begun.elapsed() < LIMIT {
        sleep(Duration::from_millis(200)).await;
        left = self::left(&mut conn).await?;
        for n in 0..BOTH {
            anyhow::ensure!(
                !pair.ended(n).await?,
                "a process ended by itself while settling; see its log"
            );
        }
    }
    println!("settled after {:.1} s", begun.elapsed().as_secs_f64());
    let what = format!("everything is settled within {} s", LIMIT.as_secs());
    Ok(vec![Check::new(what, counter.acknowledged().count(), left)])
}

/// What is not finished, in words.
async fn left(conn: &mut PgConnection) -> anyhow::Result<Vec<String>> {
    let lag = lag::look(conn).await?;
    let urges: i64 = sqlx::query_scalar("select count(*) from intake.urge where not folded")
        .fetch_one(&mut *conn)
        .await?;
    let messages: i64 =
        sqlx::query_scalar("select count(*) from notify.message where state in ('queued', 'submitting')")
            .fetch_one(&mut *conn)
            .await?;
    let select = "select count(*) from {s}.audit where n is null";
    let unsealed: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(over_services(select)))
        .fetch_all(conn)
        .await?;
    let counts = [
        ("events without a number", lag.unnumbered),
        ("events not read", lag.unread),
        ("reports in no incident", lag.ungrouped),
        ("urges not counted", urges),
        ("messages not handed over", messages),
        ("audit entries not sealed", unsealed.iter().sum()),
    ];
    Ok(counts
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(what, n)| format!("{n} {what}"))
        .collect())
}

/// SIGTERM to both.
pub(super) async fn stop(pair: &Pair) -> anyhow::Result<Vec<Check>> {
    let mut broken = Vec::new();
    for n in 0..BOTH {
        if !pair.stop_one(n).await? {
            broken.push(format!("process {n}"));
        }
    }
    Ok(vec![Check::new(
        "a process told to stop ends with exit code 0",
        BOTH,
        broken,
    )])
}
