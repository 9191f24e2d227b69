//! What the HTTP edges (`gateway`, `mobile-api`) share: they translate, they never decide.
//!
//! Promises: a request without a live session reaches no service except through a handler that says so ([`Anyone`]);
//! every refusal is an RFC 9457 problem ([`Problem`]); a call that met `Unavailable` is sent once more with the same
//! message, so with the same command id ([`twice`]).

mod caller;
mod document;
mod http;
mod json;
mod limit;
pub mod order;
pub mod photo;
mod problem;
mod session;

use std::{future::Future, time::Duration};

use tonic::{Code, Response, Status};

pub use caller::{Anyone, Caller, CommandKey, Edge, Limited, Limits, RequestId, client_ip};
pub use document::complete;
pub use http::{dress, serve, system_routes, with_fallbacks};
pub use json::{Body, Params, Segment, parse};
pub use limit::Limit;
pub use problem::{FieldError, Kind, Problem};
pub use session::{SESSION_COOKIE, Sessions, claims_of, cookie};

/// Pause before the one repeat of a call that met `Unavailable`.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Calls, and calls once more when the service was unavailable.
///
/// # Errors
/// The service's refusal as a [`Problem`].
pub async fn twice<R, F, Fut>(mut call: F) -> Result<R, Problem>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Response<R>, Status>>,
{
    match call().await {
        Err(status) if status.code() == Code::Unavailable || problem::is_broken_connection(&status) => {
            tokio::time::sleep(AGAIN_AFTER).await;
            Ok(call().await?.into_inner())
        }
        reply => Ok(reply?.into_inner()),
    }
}

/// Asks a service as the caller: `ask!(edge, &claims, app.intake, get_report, message).await?`.
#[macro_export]
macro_rules! ask {
    ($edge:expr, $claims:expr, $client:expr, $method:ident, $message:expr) => {{
        let message = $message;
        $crate::edge::twice(move || {
            let mut client = $client.clone();
            let request = $edge.peers().request(message.clone(), $claims);
            async move { client.$method(request).await }
        })
    }};
}

/// An instant of the wire; one that is out of range counts as absent.
pub fn at(at: Option<prost_types::Timestamp>) -> Option<chrono::DateTime<chrono::Utc>> {
    crate::wire::instant_opt("at", at).ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    async fn calls(code: Code) -> u32 {
        let count = AtomicU32::new(0);
        let reply: Result<(), Problem> = twice(|| {
            count.fetch_add(1, Ordering::Relaxed);
            async move { Err(Status::new(code, "no")) }
        })
        .await;
        assert!(reply.is_err());
        count.into_inner()
    }

    #[tokio::test]
    async fn only_unavailable_is_sent_again_and_only_once() {
        assert_eq!(calls(Code::Unavailable).await, 2);
        for code in [
            Code::InvalidArgument,
            Code::DeadlineExceeded,
            Code::FailedPrecondition,
        ] {
            assert_eq!(calls(code).await, 1, "{code:?}");
        }
    }
}
