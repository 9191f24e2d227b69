//! What somebody has to do at once: call who depends on life-support, say why a supply is off.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::{
    Role, ask,
    edge::{Problem, at},
};
use relight_proto::{
    common::v1::PageRequest,
    insight::v1::{Exception, ListExceptionsRequest, SettleExceptionRequest},
    intake::v1::{CallWanted, CalledRequest, CallsWantedRequest},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::{Fields, Visit};
use crate::{api::Language, app::App, words};

/// Who calls.
pub(super) const CALLERS: [Role; 2] = [Role::Agent, Role::Dispatcher];
/// Who sees calls; managers when nobody made them in time.
const CALLS_SEEN_BY: [Role; 3] = [Role::Agent, Role::Dispatcher, Role::Manager];
/// Who says what an exception was.
const SETTLERS: [Role; 3] = [Role::Dispatcher, Role::ControlRoom, Role::Manager];
/// Exceptions on the board; the rest is in the API.
const EXCEPTIONS_MAX: u32 = 20;

/// Somebody nobody has called yet.
#[derive(Debug, Serialize)]
pub(super) struct CallRow {
    number: String,
    report_id: String,
    incident_id: String,
    customer_id: String,
    since: String,
    /// Nobody called in time.
    climbed: bool,
    /// Set when the viewer may call.
    command_id: Option<String>,
}

impl CallRow {
    /// Rows of the calls nobody made.
    pub(super) fn of(calls: &[CallWanted], (now, zone): (DateTime<Utc>, Tz), may_call: bool) -> Vec<Self> {
        let open = calls.iter().filter(|call| call.called_at.is_none());
        let row = |call: &CallWanted| Self {
            number: call.number.clone(),
            report_id: call.report_id.clone(),
            incident_id: call.incident_id.clone(),
            customer_id: call.customer_id.clone(),
            since: at(call.since).map_or(String::new(), |at| words::short(at, now, zone)),
            climbed: at(call.climbs_at).is_some_and(|at| at <= now),
            command_id: may_call.then(|| Uuid::now_v7().to_string()),
        };
        open.map(row).collect()
    }
}

/// Off for no known reason.
#[derive(Debug, Serialize)]
pub(super) struct ExceptionRow {
    exception_id: String,
    what: String,
    /// Device that was switched, or meter.
    place: String,
    customers: u32,
    since: String,
    command_id: String,
}

impl ExceptionRow {
    /// In the words of the reader; a kind of a later release by its own word.
    pub(super) fn of(one: &Exception, language: Language, (now, zone): (DateTime<Utc>, Tz)) -> Self {
        let key = format!("board.exception_{}", one.kind);
        let place = [&one.device_id, &one.place].into_iter().find(|id| !id.is_empty());
        Self {
            exception_id: one.exception_id.clone(),
            what: words::find(language, &key, &[]).unwrap_or_else(|| one.kind.clone()),
            place: place.cloned().unwrap_or_default(),
            customers: one.customers,
            since: at(one.off_at).map_or(String::new(), |at| words::short(at, now, zone)),
            command_id: Uuid::now_v7().to_string(),
        }
    }
}

/// Whether the viewer may take a call down.
pub(super) fn may_call(visit: &Visit) -> bool {
    visit.claims.has(&CALLERS)
}

/// Calls that are wanted; none for who is not to see them.
pub(super) async fn calls(app: &App, visit: &Visit) -> Option<Vec<CallWanted>> {
    let claims = &visit.claims;
    if !claims.has(&CALLS_SEEN_BY) {
        return Some(Vec::new());
    }
    let reply = ask!(
        app.edge(),
        claims,
        app.to().triage,
        calls_wanted,
        CallsWantedRequest {}
    )
    .await;
    reply.ok().map(|reply| reply.calls)
}

/// Open exceptions of the ledger; none for who is not to see them.
pub(super) async fn exceptions(app: &App, visit: &Visit) -> Option<Vec<Exception>> {
    let claims = &visit.claims;
    if !claims.has(&SETTLERS) {
        return Some(Vec::new());
    }
    let message = ListExceptionsRequest {
        open: true,
        page: Some(PageRequest {
            cursor: String::new(),
            size: EXCEPTIONS_MAX,
        }),
    };
    let reply = ask!(app.edge(), claims, app.to().books, list_exceptions, message).await;
    reply.ok().map(|reply| reply.exceptions)
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct CalledForm {
    report_id: String,
    incident_id: String,
    customer_id: String,
    /// Minutes; empty: nobody answered.
    backup_min: String,
    command_id: String,
    csrf: String,
}

/// Takes a call down.
pub(super) async fn called(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<CalledForm>,
) -> Result<Response, Problem> {
    visit.check(&form.csrf)?;
    let claims = &visit.claims;
    claims.need(&CALLERS)?;
    let minutes = form.backup_min.trim();
    let backup_min = (!minutes.is_empty()).then(|| minutes.parse());
    let backup_min = backup_min
        .transpose()
        .map_err(|_| Problem::field("backup_min", "must be minutes, or empty when nobody answered"))?;
    let message = CalledRequest {
        command_id: form.command_id,
        report_id: form.report_id,
        incident_id: form.incident_id,
        customer_id: form.customer_id,
        backup_min,
    };
    ask!(app.edge(), claims, app.to().triage, called, message).await?;
    Ok(Redirect::to("/board").into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct SettleForm {
    exception_id: String,
    note: String,
    command_id: String,
    csrf: String,
}

/// Says what an exception was.
pub(super) async fn settle(
    State(app): State<App>,
    visit: Visit,
    Fields(form): Fields<SettleForm>,
) -> Result<Response, Problem> {
    visit.check(&form.csrf)?;
    let claims = &visit.claims;
    claims.need(&SETTLERS)?;
    let message = SettleExceptionRequest {
        command_id: form.command_id,
        exception_id: form.exception_id,
        note: form.note,
    };
    ask!(app.edge(), claims, app.to().books, settle_exception, message).await?;
    Ok(Redirect::to("/board").into_response())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use relight_common::wire::timestamp;

    use super::*;

    #[test]
    fn a_call_is_on_the_board_until_it_was_made_and_climbs_when_nobody_makes_it() {
        let now: DateTime<Utc> = "2026-11-22T04:00:00Z".parse().unwrap();
        let call = |climbs_in: i64, called: bool| CallWanted {
            number: "F-20261122-0001".to_owned(),
            climbs_at: Some(timestamp(now + TimeDelta::minutes(climbs_in))),
            called_at: called.then(|| timestamp(now)),
            ..CallWanted::default()
        };
        let calls = [call(5, false), call(-1, false), call(-1, true)];
        let rows = CallRow::of(&calls, (now, chrono_tz::UTC), false);
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (row.climbed, row.command_id.is_some()))
            .collect();
        assert_eq!(seen, [(false, false), (true, false)]);
        assert!(
            CallRow::of(&calls, (now, chrono_tz::UTC), true)[0]
                .command_id
                .is_some()
        );
    }

    #[test]
    fn an_exception_says_what_and_where_in_the_words_of_the_reader() {
        let now: DateTime<Utc> = "2026-11-22T04:00:00Z".parse().unwrap();
        let relay = Exception {
            kind: "relay".to_owned(),
            place: "L1".to_owned(),
            ..Exception::default()
        };
        let said = |language| ExceptionRow::of(&relay, language, (now, chrono_tz::UTC));
        assert_eq!(
            said(Language::En).what,
            "A meter cut somebody off, and no case says why"
        );
        assert_eq!(said(Language::ZhCn).what, "电表已拉闸但没有停电依据");
        assert_eq!(said(Language::En).place, "L1");
    }
}
