//! Calls through gRPC with mTLS, closed loop, over the one connection a gateway has. The callers share one thread: they
//! are the driver, and what they do not use is the server's.

use std::time::{Duration, Instant};

use relight_common::{claims::Role, grpc::Peers};
use relight_proto::dispatch::v1::{RecommendRequest, dispatch_client::DispatchClient};
use tokio::{runtime::Builder, task::JoinSet};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{
    recommend::K,
    served::{Served, signed},
};
use crate::statistics::per_s;

/// Callers at one time, the seats of a storm night. Half as many go in step over one connection, and a third of the
/// processors rests: they ask together, wait together and read together.
pub(super) const CALLERS: usize = 32;

/// Recommendations, one order after the other.
pub(super) async fn recommendations_per_s(
    served: &Served,
    orders: &[String],
    time: Duration,
) -> anyhow::Result<f64> {
    let token = served.token(Role::Dispatcher)?;
    let orders = orders.to_vec();
    on_one_thread(served, async move |peers| {
        let client = DispatchClient::new(peers.to("dispatch"));
        answers_per_s(time, move |n| {
            let order_id = orders[n % orders.len()].clone();
            // As the peer: who may, nobody who may not.
            let ask = RecommendRequest {
                order_id,
                k: 10,
                refused: Some(0),
            };
            let request = signed(ask, &token);
            let mut client = client.clone();
            async move {
                let found = client.recommend(request).await?.into_inner();
                let count = found.candidates.len();
                anyhow::ensure!(count == K, "{count} of {K} candidates");
                Ok(())
            }
        })
        .await
    })
    .await
}

/// What a call costs that asks nothing and is told nothing: no answer through gRPC can come faster on this machine.
pub(super) async fn empty_calls_per_s(served: &Served, time: Duration) -> anyhow::Result<f64> {
    on_one_thread(served, async move |peers| {
        let client = HealthClient::new(peers.to("dispatch"));
        answers_per_s(time, move |_| {
            let mut client = client.clone();
            async move {
                client.check(HealthCheckRequest::default()).await?;
                Ok(())
            }
        })
        .await
    })
    .await
}

/// Calls with a connection of their own on a thread of their own.
async fn on_one_thread<F>(served: &Served, calls: F) -> anyhow::Result<f64>
where
    F: AsyncFnOnce(Peers) -> anyhow::Result<f64> + Send + 'static,
{
    let connect = served.caller();
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { calls(connect()?).await })
    });
    thread.await?
}

/// Each caller asks again as soon as it is answered; `call` is told which question of all it is.
async fn answers_per_s<F>(
    time: Duration,
    call: impl Fn(usize) -> F + Clone + Send + 'static,
) -> anyhow::Result<f64>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for n in 0..CALLERS {
        let call = call.clone();
        callers.spawn(async move {
            let mut count = 0;
            while begun.elapsed() < time {
                call(n + count * CALLERS).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(done) = callers.join_next().await {
        count += done??;
    }
    Ok(per_s(count, begun.elapsed()))
}
