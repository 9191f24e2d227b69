//! The control room's seat on the wire.

use relight_common::{Begun, Claims, Invalid, Role, Work, command::Meta, error::refuse, wire};
use relight_proto::registry::v1::{
    self as pb, AdvanceSwitchingRequest, GetSwitchingRequest, GridStateReply, GridStateRequest,
    ListSwitchingsReply, ListSwitchingsRequest, RecordTelemetryReply, RecordTelemetryRequest,
    RequestSwitchingRequest, Switching, WhatIfReply, WhatIfRequest,
    advance_switching_request::Act as WireAct, switchings_server::Switchings,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, taken};
use crate::{
    domain::{affected::Summary, fold, question::external_id, switching::Act},
    error::Error,
    seat::{self, Step},
    sets,
    store::{
        affected_set, grid_state,
        switching::{self as table, Mark, Row},
    },
};

/// Who asks for a switching.
const ASK: [Role; 2] = [Role::ControlRoom, Role::Dispatcher];
/// Who decides about one.
const SEAT: [Role; 1] = [Role::ControlRoom];
/// Who sees them.
const SEE: [Role; 3] = [Role::ControlRoom, Role::Dispatcher, Role::Manager];
/// Who asks what would be.
pub(super) const WONDER: [Role; 4] = [Role::ControlRoom, Role::Dispatcher, Role::Planner, Role::Manager];
const TELEMETRY_MAX: usize = 500;
const REASON_MAX: usize = 500;
const NAME_MAX: usize = 100;
const BASES: [&str; 5] = ["", "incident", "outage", "safety", "customer_request"];

impl Api {
    async fn request_switching(
        &self,
        claims: &Claims,
        message: &RequestSwitchingRequest,
    ) -> Result<Switching, Error> {
        let now = self.clock.now();
        let meta = Meta::new(&message.command_id, claims, message, now)?;
        let mut row = read(message)?;
        let held = self.holder.current().await?;
        let device = held
            .grid
            .device(&row.device_id)
            .ok_or_else(|| sets::unknown_device(&held, "device_id", &row.device_id))?;
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        seat::lock(&mut work, &held).await?;
        row.device_id = held.grid.device_id(device).to_owned();
        let before = seat::state_now(&mut *work.conn(), &held).await?;
        if before.is_closed(&held.grid, device) == row.close {
            let word = if row.close { "closed" } else { "open" };
            return Err(Invalid::new("close", format!("{} is {word} already", row.device_id)).into());
        }
        let mut after = before.clone();
        after.set(&held.grid, device, row.close);
        let difference = held.difference(&before, &after);
        if !difference.lost.is_empty() && row.basis_kind.is_empty() {
            let must = format!(
                "must say what it is for: {} service points would lose supply",
                difference.lost.len()
            );
            return Err(Invalid::new("basis_kind", must).into());
        }
        let concerned = if difference.lost.is_empty() {
            &difference.restored
        } else {
            &difference.lost
        };
        let members = affected_set::pick(&mut *work.conn(), concerned, None).await?;
        row.org_path = place(claims, &Summary::of(&members).org_path)?;
        row.number = table::next_number(work.conn(), now.date_naive()).await?;
        (row.version, row.requested_at) = (1, now);
        row.requested_by = claims.actor.clone();
        if !table::insert(work.conn(), &row).await? {
            return Err(Error::SwitchingUnderWay(row.device_id));
        }
        let mark = Mark {
            what: "request".to_owned(),
            at: now,
            actor: claims.actor.clone(),
            note: row.reason.clone(),
            ..Mark::default()
        };
        table::mark(work.conn(), row.id, 1, &mark).await?;
        work.audit(
            "switching.requested",
            row.id,
            serde_json::json!({ "device_id": row.device_id, "close": row.close, "basis_kind": row.basis_kind }),
        );
        let told = view(&mut work, row).await?;
        Ok(work.commit(told).await?)
    }

    async fn advance_switching(
        &self,
        claims: &Claims,
        message: &AdvanceSwitchingRequest,
    ) -> Result<Switching, Error> {
        let now = self.clock.now();
        let meta = Meta::new(&message.command_id, claims, message, now)?;
        let id = wire::uuid("switching_id", &message.switching_id)?;
        let step = step(claims, message, now)?;
        let held = self.holder.current().await?;
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        seat::lock(&mut work, &held).await?;
        let row = table::lock(work.conn(), id).await?;
        let mut row = row
            .filter(|row| claims.has_at(&SEE, &row.org_path))
            .ok_or(Error::NoSwitching(id))?;
        let own = step.act == Act::Withdraw && row.requested_by == claims.actor;
        if !own && !claims.has_at(&SEAT, &row.org_path) {
            return Err(Error::SeatOnly);
        }
        let known = row.version.unsigned_abs();
        if message.expected_version != 0 && message.expected_version != known {
            return Err(Error::SwitchingMoved { id, known });
        }
        if let Some(at) = step.executed_at
            && at < row.requested_at
        {
            return Err(Invalid::new("at", "must not be before the switching was requested").into());
        }
        seat::advance(&mut work, &held, &mut row, step).await?;
        let told = view(&mut work, row).await?;
        Ok(work.commit(told).await?)
    }

    async fn get_switching(
        &self,
        claims: &Claims,
        message: &GetSwitchingRequest,
    ) -> Result<Switching, Error> {
        let id = wire::uuid("switching_id", &message.switching_id)?;
        let row = table::get(self.db.pool(), id).await?;
        let row = row
            .filter(|row| claims.has_at(&SEE, &row.org_path))
            .ok_or(Error::NoSwitching(id))?;
        self.shown(row).await
    }

    async fn list_switchings(
        &self,
        claims: &Claims,
        message: &ListSwitchingsRequest,
    ) -> Result<ListSwitchingsReply, Error> {
        let org = claims.org_patterns(&SEE);
        let filter = format!("switchings:{}:{}", message.open, org.join(" "));
        let page = self.cursors.page(&filter, message.page.as_ref())?;
        let rows = table::list(self.db.pool(), &org, message.open, page.after, page.size).await?;
        let last = rows.last().map(|row| (row.requested_at, row.id));
        let next_cursor = self.cursors.next(&filter, &page, rows.len(), last);
        let mut switchings = Vec::with_capacity(rows.len());
        for row in rows {
            switchings.push(self.shown(row).await?);
        }
        Ok(ListSwitchingsReply {
            switchings,
            next_cursor,
        })
    }

    async fn shown(&self, row: Row) -> Result<Switching, Error> {
        let mut work = Work::internal(&self.db, "", self.clock.now()).await?;
        view(&mut work, row).await
    }

    async fn record_telemetry(
        &self,
        claims: &Claims,
        message: &RecordTelemetryRequest,
    ) -> Result<RecordTelemetryReply, Error> {
        let now = self.clock.now();
        let meta = Meta::new(&message.command_id, claims, message, now)?;
        if !(1..=TELEMETRY_MAX).contains(&message.telemetry.len()) {
            return Err(Invalid::new("telemetry", "must have from 1 to 500 rows").into());
        }
        let told = message.telemetry.iter().map(|one| {
            let device_id = external_id("telemetry.device_id", &one.device_id)?;
            Ok::<_, Invalid>(grid_state::Telemetry {
                device_key: fold(&device_id),
                device_id,
                closed: one.closed,
                at: seat::past("telemetry.at", Some(wire::instant("telemetry.at", one.at)?), now)?,
            })
        });
        let mut told = told.collect::<Result<Vec<_>, _>>()?;
        // Several of one device count in the order of their times, whatever the order they came in.
        told.sort_by_key(|one| one.at);
        seat::record(&self.db, &self.holder, claims, (meta, told)).await
    }

    async fn grid_state(&self) -> Result<GridStateReply, Error> {
        let held = self.holder.current().await?;
        let (number, at) = grid_state::number(self.db.pool(), held.grid.version()).await?;
        let state = seat::state_now(self.db.pool(), &held).await?;
        let (opened, closed) = state.ids(&held.grid);
        let conflicts = grid_state::conflicts(self.db.pool()).await?;
        Ok(GridStateReply {
            grid_version: held.grid.version().to_string(),
            state_no: number.unsigned_abs(),
            opened,
            closed,
            at: at.map(wire::timestamp),
            conflicts: conflicts.iter().map(telemetry).collect(),
        })
    }
}

/// What is asked for, without what only the store knows.
fn read(message: &RequestSwitchingRequest) -> Result<Row, Invalid> {
    let device_id = external_id("device_id", &message.device_id)?;
    let basis_kind = message.basis_kind.trim();
    if !BASES.contains(&basis_kind) {
        let must = "must be incident, outage, safety or customer_request, or left out";
        return Err(Invalid::new("basis_kind", must));
    }
    let basis_id = wire::uuid_opt("basis_id", &message.basis_id)?;
    if matches!(basis_kind, "incident" | "outage") != basis_id.is_some() {
        let must = "must be the incident or planned outage, and nothing for other bases";
        return Err(Invalid::new("basis_id", must));
    }
    Ok(Row {
        id: wire::uuid("switching_id", &message.switching_id)?,
        number: String::new(),
        device_key: fold(&device_id),
        device_id,
        close: message.close,
        state: "requested".to_owned(),
        basis_kind: basis_kind.to_owned(),
        basis_id,
        reason: wire::text_required("reason", &message.reason, REASON_MAX)?,
        org_path: String::new(),
        version: 0,
        requested_by: String::new(),
        requested_at: chrono::DateTime::UNIX_EPOCH,
        executed_by: None,
        executed_at: None,
        grid_version: None,
        state_no: None,
        lost_set_id: None,
        restored_set_id: None,
    })
}

/// Where a switching belongs: with those it concerns; with whoever asks when it concerns nobody.
fn place(claims: &Claims, concerned: &str) -> Result<String, Error> {
    if !concerned.is_empty() {
        return if claims.has_at(&ASK, concerned) {
            Ok(concerned.to_owned())
        } else {
            Err(Error::OtherArea)
        };
    }
    let own = claims.grants.iter().find(|grant| ASK.contains(&grant.role));
    Ok(own.map(|grant| grant.org_path.clone()).unwrap_or_default())
}

fn step(
    claims: &Claims,
    message: &AdvanceSwitchingRequest,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Step, Invalid> {
    let act = message
        .act
        .as_ref()
        .ok_or_else(|| Invalid::new("act", "must be given"))?;
    let mut mark = Mark {
        at: now,
        actor: claims.actor.clone(),
        ..Mark::default()
    };
    let mut executed_at = None;
    let act = match act {
        WireAct::Acknowledge(_) => Act::Acknowledge,
        WireAct::Permit(permit) => {
            mark.name = wire::text_required("name", &permit.name, NAME_MAX)?;
            mark.permit_no = wire::text_required("number", &permit.number, NAME_MAX)?;
            mark.read_back = permit.read_back;
            Act::Permit {
                read_back: permit.read_back,
            }
        }
        WireAct::Execute(execute) => {
            let at = seat::past("at", wire::instant_opt("at", execute.at)?, now)?;
            executed_at = Some(at);
            mark.at = at;
            Act::Execute
        }
        WireAct::Confirm(_) => Act::Confirm,
        WireAct::Return(_) => Act::Return,
        WireAct::Refuse(note) => {
            mark.note = wire::text_required("reason", &note.reason, REASON_MAX)?;
            Act::Refuse
        }
        WireAct::Withdraw(note) => {
            mark.note = wire::text_required("reason", &note.reason, REASON_MAX)?;
            Act::Withdraw
        }
    };
    mark.what = act.word().to_owned();
    Ok(Step {
        act,
        mark,
        executed_at,
    })
}

fn telemetry(told: &grid_state::Telemetry) -> pb::Telemetry {
    pb::Telemetry {
        device_id: told.device_id.clone(),
        closed: told.closed,
        at: Some(wire::timestamp(told.at)),
    }
}

/// A switching as it is told, with its marks and what telemetry says.
async fn view(work: &mut Work, row: Row) -> Result<Switching, Error> {
    let marks = table::marks(&mut *work.conn(), row.id).await?;
    let seen = grid_state::telemetry(&mut *work.conn(), std::slice::from_ref(&row.device_key)).await?;
    let seen = seen.first();
    let devices = grid_state::devices(&mut *work.conn()).await?;
    let holds = devices.iter().any(|device| device.switching_id == Some(row.id));
    let conflict = (row.state == "executed" || holds) && seen.is_some_and(|told| told.closed != row.close);
    let (lost, restored) = (
        count(work, row.lost_set_id).await?,
        count(work, row.restored_set_id).await?,
    );
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    Ok(Switching {
        switching_id: row.id.to_string(),
        number: row.number,
        device_id: row.device_id,
        close: row.close,
        state: row.state,
        basis_kind: row.basis_kind,
        basis_id: id(row.basis_id),
        reason: row.reason,
        org_path: row.org_path,
        version: row.version.unsigned_abs(),
        marks: marks.into_iter().map(mark).collect(),
        telemetry: seen.map(telemetry),
        conflict,
        grid_version: id(row.grid_version),
        state_no: row.state_no.unwrap_or(0).unsigned_abs(),
        lost_set_id: id(row.lost_set_id),
        restored_set_id: id(row.restored_set_id),
        lost,
        restored,
        requested_at: Some(wire::timestamp(row.requested_at)),
    })
}

async fn count(work: &mut Work, set: Option<Uuid>) -> Result<u32, Error> {
    let Some(set) = set else { return Ok(0) };
    let set = affected_set::find(&mut *work.conn(), set).await?;
    Ok(set.map_or(0, |set| set.count.unsigned_abs()))
}

fn mark(row: Mark) -> pb::SwitchingMark {
    pb::SwitchingMark {
        what: row.what,
        at: Some(wire::timestamp(row.at)),
        actor: row.actor,
        name: row.name,
        permit_no: row.permit_no,
        read_back: row.read_back,
        note: row.note,
    }
}

fn answer<T>(result: Result<T, Error>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(refuse("registry"))
}

#[tonic::async_trait]
impl Switchings for Api {
    async fn request_switching(
        &self,
        request: Request<RequestSwitchingRequest>,
    ) -> Result<Response<Switching>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&ASK)?;
        answer(self.request_switching(&claims, &message).await)
    }

    async fn advance_switching(
        &self,
        request: Request<AdvanceSwitchingRequest>,
    ) -> Result<Response<Switching>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&ASK)?;
        answer(self.advance_switching(&claims, &message).await)
    }

    async fn get_switching(
        &self,
        request: Request<GetSwitchingRequest>,
    ) -> Result<Response<Switching>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.get_switching(&claims, &message).await)
    }

    async fn list_switchings(
        &self,
        request: Request<ListSwitchingsRequest>,
    ) -> Result<Response<ListSwitchingsReply>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.list_switchings(&claims, &message).await)
    }

    async fn record_telemetry(
        &self,
        request: Request<RecordTelemetryRequest>,
    ) -> Result<Response<RecordTelemetryReply>, Status> {
        let (claims, message) = taken(request)?;
        if !claims.is_service("intake") {
            claims.need(&[Role::Scada])?;
        }
        answer(self.record_telemetry(&claims, &message).await)
    }

    async fn grid_state(
        &self,
        request: Request<GridStateRequest>,
    ) -> Result<Response<GridStateReply>, Status> {
        let (claims, _) = taken(request)?;
        if !claims.has(&[Role::Service]) {
            claims.need(&WONDER)?;
        }
        answer(self.grid_state().await)
    }

    async fn what_if(&self, request: Request<WhatIfRequest>) -> Result<Response<WhatIfReply>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&WONDER)?;
        answer(self.what_if(&claims, &message).await)
    }
}
