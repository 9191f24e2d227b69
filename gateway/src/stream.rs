//! `GET /api/v1/stream`: what changes, as server-sent events.
//!
//! Every gateway tails the event streams of intake, dispatch, insight, planner and arrears without a consumer group (`tail`) into a
//! ring ([`Hub`]). A client gets the events of its org paths and no personal data. An event's id is the position in
//! every stream, so another gateway can go on from it; a position that is no longer held gets `reset`, and the client
//! reads its lists again. Every second a `beat` says that the stream and its sources are alive.

mod fact;
mod hub;
mod tail;

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures_util::Stream;
use relight_common::{
    Claims,
    edge::{Caller, Kind, Problem},
};
use tokio::sync::OwnedSemaphorePermit;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{api::STAFF, app::App};

pub use hub::{Cursor, Hub, Item};
pub(crate) use tail::tail;

const BEAT: Duration = Duration::from_secs(1);
/// Beats between two looks whether the session still lives.
const SESSION_BEATS: u64 = 30;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(open))
}

/// Changes as server-sent events: `report.accepted`, `incident.changed`, `workorder.step`, `workorder.alarm`,
/// `etr.changed`, `crew.changed`, `interruption.step`, `outage.alarm`, `arrears.alarm`, `ledger.exception` (off for no known
/// reason), `call.wanted` (life-support: a person has to call), `danger.task` (opened or settled); `beat` every second; `reset` when events were lost: read the
/// lists again. Reconnect with `Last-Event-ID`.
#[utoipa::path(get, path = "/api/v1/stream", tag = "stream", security(("session" = [])),
    params(("Last-Event-ID" = Option<String>, Header, description = "Id of the last event seen")),
    responses((status = 200, description = "The stream", content_type = "text/event-stream", body = String)))]
async fn open(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    caller.need(&STAFF)?;
    let seat = app
        .hub()
        .seat()
        .ok_or_else(|| Problem::new(Kind::Unavailable, "too many open streams on this gateway"))?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let reader = Reader::new(app, caller, last, seat);
    let no_buffer = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((no_buffer, Sse::new(reader.events())).into_response())
}

/// One client.
struct Reader {
    app: App,
    hub: Hub,
    caller: Caller,
    cursor: Cursor,
    next: u64,
    /// What to say first.
    first: Vec<Event>,
    _seat: OwnedSemaphorePermit,
}

impl Reader {
    fn new(app: App, caller: Caller, last: Option<&str>, seat: OwnedSemaphorePermit) -> Self {
        let hub = app.hub();
        let told = last.map(Cursor::parse);
        let (head, next) = hub.head();
        let (cursor, next, first) = match told {
            // Everything from here on; the id lets the client come back to this place.
            None => (head, next, vec![named("hello", &head)]),
            Some(cursor) => match cursor.and_then(|cursor| Some((cursor, hub.resume(&cursor)?))) {
                Some((cursor, next)) => (cursor, next, Vec::new()),
                None => (head, next, vec![named("reset", &head)]),
            },
        };
        Self {
            app,
            hub,
            caller,
            cursor,
            next,
            first,
            _seat: seat,
        }
    }

    fn events(mut self) -> impl Stream<Item = Result<Event, Infallible>> {
        async_stream::stream! {
            for event in std::mem::take(&mut self.first) {
                yield Ok(event);
            }
            let mut bell = self.hub.bell();
            let mut beat = tokio::time::interval(BEAT);
            let mut beats = 0_u64;
            let stop = self.app.stop().clone();
            loop {
                for event in self.take() {
                    yield Ok(event);
                }
                tokio::select! {
                    () = stop.cancelled() => break,
                    changed = bell.changed() => if changed.is_err() { break },
                    _ = beat.tick() => {
                        beats += 1;
                        if beats.is_multiple_of(SESSION_BEATS) && !self.session_lives().await {
                            break;
                        }
                        yield Ok(self.beat());
                    }
                }
            }
        }
    }

    /// What is new for this client.
    fn take(&mut self) -> Vec<Event> {
        let Some(items) = self.hub.since(self.next) else {
            (self.cursor, self.next) = self.hub.head();
            return vec![named("reset", &self.cursor)];
        };
        self.next += items.len() as u64;
        let mut events = Vec::new();
        for item in items {
            // Resuming starts before the oldest event this client lacks; others of that time it has.
            if self.cursor.pass(&item) && may_see(&self.caller.claims, &item) {
                events.push(event_of(&item, &self.cursor));
            }
        }
        events
    }

    fn beat(&self) -> Event {
        let at = self.app.clock().now().to_rfc3339();
        let data = serde_json::json!({"at": at, "live": self.hub.is_live()});
        Event::default().event("beat").data(data.to_string())
    }

    /// Only a plain no ends the stream: access may be away for a moment.
    async fn session_lives(&self) -> bool {
        match self.app.edge().sessions().check(&self.caller.token).await {
            Ok(_) => true,
            Err(problem) => problem.is_transient(),
        }
    }
}

fn named(name: &str, cursor: &Cursor) -> Event {
    Event::default().event(name).id(cursor.to_string()).data("{}")
}

fn event_of(item: &Arc<Item>, cursor: &Cursor) -> Event {
    Event::default()
        .event(&item.kind)
        .id(cursor.to_string())
        .data(&item.json)
}

fn may_see(claims: &Claims, item: &Item) -> bool {
    claims.has_at(&STAFF, &item.org_path)
}

#[cfg(test)]
mod tests {
    use relight_common::{Grant, Role};

    use super::*;

    #[test]
    fn a_client_sees_its_own_org_paths_only() {
        let claims = |role, org_path: &str| {
            Claims::of(
                "p",
                vec![Grant {
                    role,
                    org_path: org_path.to_owned(),
                }],
            )
        };
        let item = Item {
            org_path: "demo/north".to_owned(),
            ..Item::default()
        };
        assert!(may_see(&claims(Role::Dispatcher, "demo"), &item));
        assert!(!may_see(&claims(Role::Dispatcher, "demo/south"), &item));
        assert!(!may_see(&claims(Role::Customer, ""), &item));
        assert!(!may_see(&Claims::anybody(), &item));
    }
}
