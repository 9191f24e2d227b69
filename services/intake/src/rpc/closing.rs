//! An agent finds that a report is no fault, or takes that back. What the report said leaves the evidence and comes back to it; the
//! incident it was in follows at once, the inference with the next pass.

use relight_common::{Begun, Claims, Invalid, Role, Work, command::Meta, ids::derived, wire};
use relight_proto::intake::v1 as pb;
use serde_json::json;

use super::{danger, read};
use crate::{
    desk::Desk,
    domain::{
        IncidentId, ReportId,
        area::ArrivalLimits,
        incident::{Incident, State},
        report::closing::{self, Closing, Reason},
    },
    error::Error,
    news,
    store::{
        self, closing as table,
        evidence::{self, Decided},
        report::Stored,
    },
    worker,
};

/// Who closes reports and opens them again.
pub(super) const CLOSERS: [Role; 2] = [Role::Agent, Role::Dispatcher];
const NOTE_MAX: usize = 500;

/// Closes a report as no fault.
pub(super) async fn close(
    desk: &Desk,
    claims: &Claims,
    message: &pb::CloseReportRequest,
) -> Result<pb::Report, Error> {
    let now = desk.clock.now();
    let id = ReportId::parse(&message.report_id)?;
    let reason = reason(message, id)?;
    let note = wire::text_required("note", &message.note, NOTE_MAX)?;
    let arrival = ArrivalLimits::of(&desk.pack, now)?;
    let meta = Meta::new(&message.command_id, claims, message, now)?;
    let mut work = match Work::begin::<pb::Report>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let before = locked(&mut work, claims, id).await?;
    if let Reason::Duplicate(twin) = reason {
        check_twin(&mut work, claims, twin).await?;
    }
    let closing = Closing {
        reason,
        customer_told: message.customer_told,
        by_dispatcher: read::reaches(claims, &[Role::Dispatcher], &before.report.place.org_path),
    };
    closing::close(&before.report.standing, before.report.danger, closing)?;
    let (row, by, now) = (
        derived(work.cause().parse().unwrap_or_default(), "closing"),
        work.actor().to_owned(),
        work.at(),
    );
    let stirred = evidence::stir(work.conn()).await?;
    table::close(work.conn(), (row, id), (closing, &note), (&by, now), stirred).await?;
    danger::withdraw(&mut work, id, (row, &note)).await?;
    if let Some(incident) = before.incident {
        leave(&mut work, incident, &arrival).await?;
    }
    work.audit(
        "report.closed",
        id,
        json!({ "reason": reason.word(), "note": note, "incident": before.incident }),
    );
    finish(desk, work, id).await
}

/// Takes a closing back.
pub(super) async fn reopen(
    desk: &Desk,
    claims: &Claims,
    message: &pb::ReopenReportRequest,
) -> Result<pb::Report, Error> {
    let id = ReportId::parse(&message.report_id)?;
    let note = wire::text_required("note", &message.note, NOTE_MAX)?;
    let meta = Meta::new(&message.command_id, claims, message, desk.clock.now())?;
    let mut work = match Work::begin::<pb::Report>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let before = locked(&mut work, claims, id).await?;
    closing::reopen(&before.report.standing)?;
    let (by, now) = (work.actor().to_owned(), work.at());
    let stirred = evidence::stir(work.conn()).await?;
    table::reopen(work.conn(), id, &note, (&by, now), stirred).await?;
    danger::reopen(&mut work, id).await?;
    work.audit(
        "report.reopened",
        id,
        json!({ "was": before.report.standing.reason(), "note": note }),
    );
    finish(desk, work, id).await
}

fn reason(message: &pb::CloseReportRequest, id: ReportId) -> Result<Reason, Invalid> {
    let of_duplicate = message.reason == "duplicate";
    if !of_duplicate && !message.duplicate_of_id.is_empty() {
        return Err(Invalid::new(
            "duplicate_of_id",
            "must be empty unless the reason is duplicate",
        ));
    }
    match message.reason.as_str() {
        "false_report" => Ok(Reason::False),
        "customer_internal" => Ok(Reason::CustomerInternal),
        "duplicate" => match wire::uuid("duplicate_of_id", &message.duplicate_of_id)? {
            same if same == id.uuid() => Err(Invalid::new("duplicate_of_id", "must be another report")),
            twin => Ok(Reason::Duplicate(twin.into())),
        },
        _ => Err(Invalid::new(
            "reason",
            "must be false_report, duplicate or customer_internal",
        )),
    }
}

/// The report as it is, locked; incidents are locked first, as the worker does.
async fn locked(work: &mut Work, claims: &Claims, id: ReportId) -> Result<Stored, Error> {
    let found = store::report::by_id(work.conn(), id).await?;
    if let Some(incident) = found.and_then(|stored| stored.incident) {
        store::incident::lock(work.conn(), incident).await?;
    }
    table::lock(work.conn(), id).await?;
    let stored = store::report::by_id(work.conn(), id).await?;
    stored
        .filter(|stored| {
            CLOSERS
                .iter()
                .any(|role| read::reaches(claims, &[*role], &stored.report.place.org_path))
        })
        .ok_or(Error::NoReport)
}

/// The report that stays is one that is not closed.
async fn check_twin(work: &mut Work, claims: &Claims, twin: ReportId) -> Result<(), Error> {
    let stored = store::report::by_id(work.conn(), twin).await?;
    let stands = stored
        .filter(|stored| read::may_see(claims, stored))
        .is_some_and(|stored| stored.report.standing.reason().is_none());
    stands.then_some(()).ok_or_else(|| {
        Invalid::new(
            "duplicate_of_id",
            "must be a report that is open, among those you may see",
        )
        .into()
    })
}

/// The incident adds up without it. A guess that nothing speaks for any more is none.
async fn leave(work: &mut Work, id: IncidentId, arrival: &ArrivalLimits) -> Result<(), Error> {
    let Some(incident) = store::incident::lock(work.conn(), id).await? else {
        return Ok(());
    };
    if incident.state != State::Open {
        return Ok(());
    }
    let facts = store::grouping::facts(work.conn(), &[id], &[], &[])
        .await?
        .remove(&id);
    let after = match facts {
        Some(facts) => {
            let mut after = incident;
            after.set_facts(facts, arrival);
            after
        }
        None => emptied(incident),
    };
    let after = store::incident::save(work.conn(), after).await?;
    let device = after.device.as_ref().map(|device| device.id.clone());
    let decided = Decided::by_people(id, work.at(), "withdrawn", device);
    evidence::decide(work.conn(), &decided).await?;
    worker::tell(work, &[after]).await
}

/// What is left when nobody reported it: what is confirmed, or began with a signal, goes on.
fn emptied(incident: Incident) -> Incident {
    let goes_on = incident.confirmed.is_some() || incident.signal_at.is_some();
    Incident {
        report_count: 0,
        danger: false,
        state: match goes_on {
            true => State::Open,
            false => State::Closed("no_evidence".to_owned()),
        },
        ..incident
    }
}

async fn finish(desk: &Desk, mut work: Work, id: ReportId) -> Result<pb::Report, Error> {
    let stored = store::report::by_id(work.conn(), id)
        .await?
        .ok_or(Error::NoReport)?;
    let reply = work.commit(news::report(&stored)).await?;
    desk.bell.notify_one();
    Ok(reply)
}
