//! After triage: self-help that worked or did not, calls to people who depend on life-support, reports written on paper.

use chrono::TimeDelta;
use relight_common::{
    Begun, Claims, Code, Coded, Invalid, Role, Work,
    command::Meta,
    ids::derived,
    wire::{self, timestamp},
};
use relight_proto::intake::v1 as pb;
use serde_json::json;
use uuid::Uuid;

use super::{accept, read, together::Accepting};
use crate::{
    desk::Desk,
    domain::{
        IncidentId, ReportId,
        report::{Channel, Standing},
    },
    error::Error,
    news,
    store::{
        call::{self, Call},
        report, set_call,
    },
};

/// Who tells how self-help went.
pub(super) const HELPERS: [Role; 3] = [Role::Agent, Role::Dispatcher, Role::Customer];
/// Who calls.
pub(super) const CALLERS: [Role; 2] = [Role::Agent, Role::Dispatcher];
/// Who sees calls that nobody made in time.
const CLIMBED_TO: [Role; 1] = [Role::Manager];
/// Who sees calls at all.
pub(super) const CALLS_SEEN_BY: [Role; 3] = [Role::Agent, Role::Dispatcher, Role::Manager];
/// Who enters paper.
pub(super) const CLERKS: [Role; 4] = [Role::Agent, Role::Dispatcher, Role::UnitDesk, Role::Admin];
const REASONS: [&str; 4] = ["breaker", "own_wiring", "meter_key", "other"];
const BACKUP_MIN_MAX: u32 = 14 * 24 * 60;
const LINES_MAX: usize = 500;
const CALLS_MAX: i64 = 500;

/// Closes a report that self-help solved, or makes it a fault like any other.
pub(super) async fn helped(
    desk: &Desk,
    claims: &Claims,
    message: &pb::SelfHelpRequest,
) -> Result<pb::Report, Error> {
    let now = desk.clock.now();
    let id = ReportId::parse(&message.report_id)?;
    let solved = match message.outcome.as_str() {
        "solved" => true,
        "failed" => false,
        _ => return Err(Invalid::new("outcome", "must be solved or failed").into()),
    };
    if solved && !REASONS.contains(&message.reason.as_str()) {
        return Err(Invalid::new("reason", format!("must be one of {}", REASONS.join(", "))).into());
    }
    let meta = Meta::new(&message.command_id, claims, message, now)?;
    let mut work = match Work::begin::<pb::Report>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let stored = report::by_id(work.conn(), id).await?;
    let mut stored = stored
        .filter(|stored| read::may_see(claims, stored))
        .ok_or(Error::NoReport)?;
    let reason = solved.then_some("solved");
    if !report::helped(work.conn(), id, reason, now).await? {
        return Err(Error::NotHelping(id));
    }
    stored.report.standing = match reason {
        Some(reason) => Standing::Closed(reason.to_owned()),
        None => Standing::Open,
    };
    work.audit(
        "report.self_help",
        id,
        json!({ "outcome": message.outcome, "reason": message.reason }),
    );
    let reply = work.commit(news::report(&stored)).await?;
    desk.bell.notify_one();
    Ok(reply)
}

/// Who has to be called, and whose own supply ends when; managers see those that climbed.
pub(super) async fn calls(desk: &Desk, claims: &Claims) -> Result<pb::CallsWantedReply, Error> {
    let (now, climb) = (desk.clock.now(), desk.numbers_of.call_climb);
    let roles: &[Role] = if claims.has(&CALLERS) {
        &CALLERS
    } else {
        &CLIMBED_TO
    };
    let patterns = read::patterns(claims, roles);
    let calls = call::open(&mut *read::connection(desk).await?, &patterns, CALLS_MAX).await?;
    let seen = |call: &Call| claims.has(&CALLERS) || (call.called_at.is_none() && call.since + climb <= now);
    Ok(pb::CallsWantedReply {
        calls: calls
            .into_iter()
            .filter(seen)
            .map(|call| wanted(call, climb))
            .collect(),
    })
}

fn wanted(call: Call, climb: TimeDelta) -> pb::CallWanted {
    let text = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    pb::CallWanted {
        report_id: text(call.report),
        number: call.number,
        customer_id: text(call.customer),
        incident_id: text(call.incident),
        since: Some(timestamp(call.since)),
        climbs_at: call.called_at.is_none().then(|| timestamp(call.since + climb)),
        backup_until: call.backup_until.map(timestamp),
        called_by: call.called_by.unwrap_or_default(),
        called_at: call.called_at.map(timestamp),
    }
}

/// Takes down a call, and how long the customer's own supply lasts.
pub(super) async fn called(
    desk: &Desk,
    claims: &Claims,
    message: &pb::CalledRequest,
) -> Result<pb::CallWanted, Error> {
    let now = desk.clock.now();
    if message.backup_min.is_some_and(|minutes| minutes > BACKUP_MIN_MAX) {
        return Err(Invalid::new("backup_min", "must be at most 20160 (14 days)").into());
    }
    let whom = Whom::of(message)?;
    let meta = Meta::new(&message.command_id, claims, message, now)?;
    let mut work = match Work::begin::<pb::CallWanted>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let until = message
        .backup_min
        .map(|minutes| now + TimeDelta::minutes(i64::from(minutes)));
    let actor = work.actor().to_owned();
    // Nobody answered: that is kept in the audit, and the call stays wanted.
    let by = until.map(|until| (actor.as_str(), until));
    let call = match whom {
        Whom::Reported(id) => {
            let stored = report::by_id(work.conn(), id).await?;
            stored
                .filter(|stored| read::may_see(claims, stored))
                .ok_or(Error::NoReport)?;
            work.audit("report.called", id, json!({ "backup_min": message.backup_min }));
            let call = call::done(work.conn(), id, by, now).await?;
            call.ok_or(Error::NoReport)?
        }
        Whom::InSet(incident, customer) => {
            let patterns = read::patterns(claims, &CALLERS);
            let call = set_call::done(work.conn(), (incident, customer), &patterns, by, now).await?;
            let about = json!({ "customer_id": customer, "backup_min": message.backup_min });
            work.audit("incident.called", incident, about);
            call.ok_or(Error::NoCall)?
        }
    };
    Ok(work.commit(wanted(call, desk.numbers_of.call_climb)).await?)
}

/// Whose call it is.
enum Whom {
    Reported(ReportId),
    /// Of an incident, without a report of their own.
    InSet(IncidentId, Uuid),
}

impl Whom {
    fn of(message: &pb::CalledRequest) -> Result<Whom, Error> {
        if !message.report_id.is_empty() {
            return Ok(Whom::Reported(ReportId::parse(&message.report_id)?));
        }
        let incident = IncidentId::parse(&message.incident_id)?;
        Ok(Whom::InSet(
            incident,
            wire::uuid("customer_id", &message.customer_id)?,
        ))
    }
}

/// Takes reports written on paper, each by itself and with its own time.
pub(super) async fn import(
    desk: &Desk,
    accepting: &Accepting,
    claims: &Claims,
    batch: &pb::PaperBatch,
) -> Result<pb::PaperReply, Error> {
    let command = relight_common::wire::uuid("command_id", &batch.command_id)?;
    if batch.lines.is_empty() || batch.lines.len() > LINES_MAX {
        return Err(Invalid::new("lines", format!("must be 1 to {LINES_MAX} reports")).into());
    }
    let mut lines = Vec::with_capacity(batch.lines.len());
    for (place, line) in batch.lines.iter().enumerate() {
        lines.push(
            match one_line(desk, accepting, claims, command, place, line).await {
                Ok(report) => pb::PaperLine {
                    report: Some(report),
                    ..Default::default()
                },
                Err(error) => fault(&error),
            },
        );
    }
    Ok(pb::PaperReply { lines })
}

async fn one_line(
    desk: &Desk,
    accepting: &Accepting,
    claims: &Claims,
    command: Uuid,
    place: usize,
    line: &pb::AcceptReportRequest,
) -> Result<pb::Report, Error> {
    if line.reported_at.is_none() {
        return Err(Invalid::new("reported_at", "must be given: the time written on the paper").into());
    }
    let line = pb::AcceptReportRequest {
        command_id: derived(command, &format!("line {place}")).to_string(),
        channel: Channel::Paper.word().to_owned(),
        ..line.clone()
    };
    accept::accept(desk, accepting, claims, &line).await
}

fn fault(error: &Error) -> pb::PaperLine {
    let is_ours = matches!(error.code(), Code::Internal | Code::Unavailable | Code::Aborted);
    if is_ours {
        tracing::error!(error = %relight_common::error::chain(error), "a line of a paper batch was not stored");
    }
    pb::PaperLine {
        report: None,
        field: error.field().unwrap_or_default().to_owned(),
        problem: if is_ours {
            "could not be stored now; send the batch again".to_owned()
        } else {
            error.to_string()
        },
        again: is_ours,
    }
}
