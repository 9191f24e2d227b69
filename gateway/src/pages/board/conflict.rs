//! Devices that somebody set by hand and that telemetry sees otherwise: shown until one of the two agrees (operations.md O7).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::{Role, ask, edge::at};
use relight_proto::registry::v1::{GridStateRequest, Telemetry};
use serde::Serialize;

use super::super::Visit;
use crate::{api::Language, app::App, words};

/// Who sees them.
const SEEN_BY: [Role; 2] = [Role::Dispatcher, Role::ControlRoom];

/// One device.
#[derive(Debug, Serialize)]
pub(super) struct ConflictRow {
    device: String,
    what: String,
    since: String,
}

impl ConflictRow {
    /// In the words of the reader.
    pub(super) fn of(seen: &Telemetry, language: Language, (now, zone): (DateTime<Utc>, Tz)) -> Self {
        let key = match seen.closed {
            true => "board.conflict_closed",
            false => "board.conflict_open",
        };
        Self {
            device: seen.device_id.clone(),
            what: words::say(language, key, &[]),
            since: at(seen.at).map_or(String::new(), |at| words::short(at, now, zone)),
        }
    }
}

/// What telemetry says of devices that were set by hand to something else; none for who is not to see them.
pub(super) async fn conflicts(app: &App, visit: &Visit) -> Option<Vec<Telemetry>> {
    let claims = &visit.claims;
    if !claims.has(&SEEN_BY) {
        return Some(Vec::new());
    }
    let reply = ask!(
        app.edge(),
        claims,
        app.to().switchings,
        grid_state,
        GridStateRequest {}
    )
    .await;
    reply.ok().map(|reply| reply.conflicts)
}

#[cfg(test)]
mod tests {
    use relight_common::wire::timestamp;

    use super::*;

    #[test]
    fn what_telemetry_sees_is_said_in_the_words_of_the_reader() {
        let now: DateTime<Utc> = "2026-11-22T04:00:00Z".parse().unwrap();
        let said = |closed, language| {
            let seen = Telemetry {
                device_id: "F1-LBS3".to_owned(),
                closed,
                at: Some(timestamp(now)),
            };
            ConflictRow::of(&seen, language, (now, chrono_tz::UTC))
        };
        assert_eq!(
            said(true, Language::En).what,
            "Set open by hand, telemetry sees it closed"
        );
        assert_eq!(said(false, Language::ZhCn).what, "人工置为合闸，遥信为分闸");
        assert_eq!(said(true, Language::En).device, "F1-LBS3");
    }
}
