//! After the storm: everything has to settle by itself, and both processes have to end in good order.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    counter::Counter,
    pair::{BOTH, Pair},
};
use crate::{checks::Check, house::House, lag};

/// Longest time everything may take to settle.
const LIMIT: Duration = Duration::from_secs(300);

/// Waits until nothing is left to do.
pub(super) async fn settle(house: &House, pair: &Pair, counter: &Counter) -> anyhow::Result<Vec<Check>> {
    let mut conn = house.connect().await?;
    let begun = Instant::now();
    let mut left = lag::left(&mut conn).await?;
    while !left.is_empty() && begun.elapsed() < LIMIT {
        sleep(Duration::from_millis(200)).await;
        left = lag::left(&mut conn).await?;
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
