//! What danger asks for beside the repair (operations.md O6): opened with the report, listed for the desks, settled by a person.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{
    Begun, Claims, Invalid, Role, Work,
    command::Meta,
    ids::derived,
    wire::{self, timestamp},
};
use relight_proto::{common::v1::Point, events::v1 as events, intake::v1 as pb};
use serde_json::json;
use uuid::Uuid;

use super::read;
use crate::{
    desk::Desk,
    domain::{
        ReportId,
        danger::{self, Kind, Refusal, Settled, State},
        group::Topology,
        place::Place,
    },
    error::Error,
    store::{
        danger::{self as table, Opening, Task},
        report::Report,
    },
    topology::Town,
};

/// Who does them.
pub(super) const HELPERS: [Role; 3] = [Role::Agent, Role::Dispatcher, Role::ControlRoom];
/// Who sees those that nobody did in time.
const CLIMBED_TO: [Role; 1] = [Role::Manager];
/// Who sees any.
pub(super) const SEEN_BY: [Role; 4] = [Role::Agent, Role::Dispatcher, Role::ControlRoom, Role::Manager];
const TASKS_MAX: i64 = 500;
/// Settled ones are shown this long.
const SHOWN: TimeDelta = TimeDelta::days(2);
const REFERENCE_MAX: usize = 200;
const NOTE_MAX: usize = 500;

/// Opens the tasks of those of these reports that tell of danger, and tells of them.
pub(crate) async fn open(desk: &Desk, work: &mut Work, reports: &[&Report]) -> Result<(), Error> {
    let town = desk.atlas.town();
    let of_danger = reports.iter().filter(|report| report.danger);
    let all: Vec<Opening> = of_danger
        .map(|report| Opening {
            report: report.id,
            at: report.received_at,
            org_path: report.place.org_path.clone(),
            device: town
                .as_ref()
                .map(|town| switch_above(town, &report.place))
                .unwrap_or_default(),
        })
        .collect();
    table::open(work.conn(), &all).await?;
    for one in &all {
        for kind in Kind::ALL {
            let device = if kind == Kind::Switching {
                one.device.as_str()
            } else {
                ""
            };
            tell(
                work,
                (one.report, kind),
                ("open", 1),
                (device, one.at),
                &one.org_path,
            );
        }
    }
    Ok(())
}

/// The nearest device above the place that can be switched.
fn switch_above(town: &Town, place: &Place) -> String {
    let way = town.way_of_place(place.load_id.as_deref(), place.transformer_id.as_deref());
    let grid = town.grid();
    let switches = way.iter().filter(|id| {
        let device = grid.device(id);
        device.is_some_and(|device| grid.device_kind(device).is_switching())
    });
    switches.map(|id| id.to_string()).next().unwrap_or_default()
}

fn tell(
    work: &mut Work,
    (report, kind): (ReportId, Kind),
    (state, version): (&str, i64),
    (device, at): (&str, DateTime<Utc>),
    org_path: &str,
) {
    let payload = events::DangerTask {
        report_id: report.to_string(),
        kind: kind.word().to_owned(),
        state: state.to_owned(),
        device_id: device.to_owned(),
        at: Some(timestamp(at)),
    };
    let subject = derived(report.uuid(), kind.word());
    work.tell("danger.task", subject, version, org_path, &payload);
}

/// The tasks of the caller's area.
pub(super) async fn list(
    desk: &Desk,
    claims: &Claims,
    message: &pb::ListDangerTasksRequest,
) -> Result<pb::ListDangerTasksReply, Error> {
    let (now, climb) = (desk.clock.now(), desk.numbers_of.call_climb);
    let helps = claims.has(&HELPERS);
    let patterns = read::patterns(claims, if helps { &HELPERS } else { &CLIMBED_TO });
    let since = message.settled.then(|| now - SHOWN);
    let tasks = table::list(&mut *read::connection(desk).await?, &patterns, since, TASKS_MAX).await?;
    let seen = |task: &Task| helps || task.state.settled().is_some() || task.opened_at + climb <= now;
    Ok(pb::ListDangerTasksReply {
        tasks: tasks
            .into_iter()
            .filter(seen)
            .map(|task| told(task, climb))
            .collect(),
    })
}

/// Notes that one is done, or is not needed.
pub(super) async fn settle(
    desk: &Desk,
    claims: &Claims,
    message: &pb::SettleDangerTaskRequest,
) -> Result<pb::DangerTask, Error> {
    let report = ReportId::parse(&message.report_id)?;
    let kind = Kind::parse(&message.kind)
        .ok_or_else(|| Invalid::new("kind", "must be guard_site, switching or emergency_services"))?;
    let reference = wire::text("reference", &message.reference, REFERENCE_MAX)?;
    let note = wire::text("note", &message.note, NOTE_MAX)?;
    let meta = Meta::new(&message.command_id, claims, message, desk.clock.now())?;
    let mut work = match Work::begin::<pb::DangerTask>(&desk.db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    let mut task = table::lock(work.conn(), report)
        .await?
        .into_iter()
        .filter(|task| task.kind == kind)
        .find(|task| claims.has_at(&HELPERS, &task.org_path) || task.org_path.is_empty())
        .ok_or(Error::NoReport)?;
    let settled = Settled {
        by: work.actor().to_owned(),
        at: work.at(),
        reference,
        note,
    };
    task.state = match danger::settle(kind, &task.state, &message.outcome, settled.clone()) {
        Ok(state) => state,
        Err(Refusal::Field(invalid)) => return Err(invalid.into()),
        Err(settled @ Refusal::Settled(_)) => return Err(settled.into()),
    };
    save(&mut work, &mut task).await?;
    work.audit(
        "danger.settled",
        report,
        json!({ "kind": kind.word(), "outcome": task.state.word(), "reference": settled.reference, "note": settled.note }),
    );
    Ok(work.commit(told(task, desk.numbers_of.call_climb)).await?)
}

/// A person found the report to be false, for the reason they gave: what nobody did is needed no more.
pub(super) async fn withdraw(
    work: &mut Work,
    report: ReportId,
    (closing, why): (Uuid, &str),
) -> Result<(), Error> {
    for mut task in table::lock(work.conn(), report).await? {
        let closed = Settled {
            by: work.actor().to_owned(),
            at: work.at(),
            reference: String::new(),
            note: why.to_owned(),
        };
        let after = danger::withdraw(&task.state, closed);
        if after != task.state {
            (task.state, task.closing) = (after, Some(closing));
            save(work, &mut task).await?;
        }
    }
    Ok(())
}

/// That was wrong: what the closing settled is to be done, since when it was.
pub(super) async fn reopen(work: &mut Work, report: ReportId) -> Result<(), Error> {
    let all = table::lock(work.conn(), report).await?;
    for mut task in all.into_iter().filter(|task| task.closing.is_some()) {
        (task.state, task.closing) = (State::Open, None);
        save(work, &mut task).await?;
    }
    Ok(())
}

async fn save(work: &mut Work, task: &mut Task) -> Result<(), Error> {
    table::save(work.conn(), task).await?;
    let at = work.at();
    tell(
        work,
        (ReportId::from_uuid(task.report), task.kind),
        (task.state.word(), task.version),
        (&task.device, at),
        &task.org_path,
    );
    Ok(())
}

fn told(task: Task, climb: TimeDelta) -> pb::DangerTask {
    let settled = task.state.settled().cloned();
    let text = |of: fn(Settled) -> String| settled.clone().map(of).unwrap_or_default();
    pb::DangerTask {
        report_id: task.report.to_string(),
        report_number: task.number,
        kind: task.kind.word().to_owned(),
        state: task.state.word().to_owned(),
        opened_at: Some(timestamp(task.opened_at)),
        climbs_at: settled.is_none().then(|| timestamp(task.opened_at + climb)),
        device_id: task.device,
        danger_note: task.danger_note,
        org_path: task.org_path,
        position: task.position.map(|at| Point {
            lon: at.lon,
            lat: at.lat,
        }),
        reference: text(|by| by.reference),
        note: text(|by| by.note),
        settled_by: text(|by| by.by),
        settled_at: settled.as_ref().map(|by| timestamp(by.at)),
    }
}
