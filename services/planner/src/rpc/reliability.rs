//! The contract of reliability warnings: who of the area sees them, notes the customer's answer, or takes silence on.

use relight_common::{Begun, Claims, Invalid, Role, Work, command::Meta, wire, wire::timestamp};
use relight_proto::planner::v1::{
    AcknowledgeWarningRequest, CloseWarningRequest, GetWarningRequest, ListWarningsReply,
    ListWarningsRequest, ReliabilityWarning, reliability_warnings_server::ReliabilityWarnings,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Api, answer,
    parse::TEXT_MAX,
    taken,
    view::{Page, next},
};
use crate::{
    desk::{
        reliability::{self as desk, Answer},
        rights::SEE,
    },
    error::Error,
    store::reliability::{self, Warning},
};

/// Who notes what the customer said.
const SERVE: [Role; 4] = [Role::Planner, Role::Manager, Role::Agent, Role::Dispatcher];
/// Who takes silence on.
const DECIDE: [Role; 1] = [Role::Manager];
/// How an answer comes.
const CHANNELS: [&str; 3] = ["call", "visit", "esign"];

fn read(request: &AcknowledgeWarningRequest) -> Result<Answer, Invalid> {
    if !CHANNELS.contains(&request.channel.as_str()) {
        return Err(Invalid::new("channel", "must be call, visit or esign"));
    }
    Ok(Answer {
        text: wire::text_required("text", &request.text, TEXT_MAX)?,
        channel: request.channel.clone(),
    })
}

impl Api {
    async fn warnings(
        &self,
        claims: &Claims,
        request: ListWarningsRequest,
    ) -> Result<ListWarningsReply, Error> {
        let page = Page::read(request.page.as_ref())?;
        let org = claims.org_patterns(&SEE);
        let wanted = (org.as_slice(), request.open);
        let rows = reliability::page(self.db.pool(), wanted, page.after_window()?, page.limit).await?;
        let next_cursor = next(&rows, page.limit, |one| {
            format!("{}/{}", one.since_at.timestamp_micros(), one.id)
        });
        Ok(ListWarningsReply {
            warnings: rows.into_iter().map(shown).collect(),
            next_cursor,
        })
    }

    async fn warning(
        &self,
        claims: &Claims,
        request: GetWarningRequest,
    ) -> Result<ReliabilityWarning, Error> {
        let id = wire::uuid("warning_id", &request.warning_id)?;
        let one = reliability::find(self.db.pool(), id, &claims.org_patterns(&SEE)).await?;
        Ok(shown(one))
    }

    async fn warning_answered(
        &self,
        claims: &Claims,
        request: AcknowledgeWarningRequest,
    ) -> Result<ReliabilityWarning, Error> {
        let meta = Meta::new(&request.command_id, claims, &request, self.clock.now())?;
        let (id, said) = (wire::uuid("warning_id", &request.warning_id)?, read(&request)?);
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let one = theirs(&mut work, claims, &SERVE, id).await?;
        let one = desk::acknowledge(&mut work, one, said).await?;
        Ok(work.commit(shown(one)).await?)
    }

    async fn warning_closed(
        &self,
        claims: &Claims,
        request: CloseWarningRequest,
    ) -> Result<ReliabilityWarning, Error> {
        let meta = Meta::new(&request.command_id, claims, &request, self.clock.now())?;
        let id = wire::uuid("warning_id", &request.warning_id)?;
        let note = wire::text_required("note", &request.note, TEXT_MAX)?;
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let one = theirs(&mut work, claims, &DECIDE, id).await?;
        let one = desk::close(&mut work, one, note).await?;
        Ok(work.commit(shown(one)).await?)
    }
}

/// The warning, locked, when the caller has one of `roles` there.
async fn theirs(work: &mut Work, claims: &Claims, roles: &[Role], id: Uuid) -> Result<Warning, Error> {
    let one = reliability::lock(work.conn(), id).await?;
    if claims.has_at(roles, &one.org_path) {
        return Ok(one);
    }
    // Elsewhere nobody learns that there is one.
    Err(Error::NoSuchWarning(id))
}

fn shown(one: Warning) -> ReliabilityWarning {
    ReliabilityWarning {
        warning_id: one.id.to_string(),
        number: one.number,
        org_path: one.org_path,
        zone: one.zone,
        customer_id: one.customer_id.to_string(),
        supplies: one.supplies.unsigned_abs(),
        supplied: one.supplied.unsigned_abs(),
        area_zh: one.area_zh,
        area_en: one.area_en,
        device_id: one.device_id,
        basis_kind: one.basis_kind,
        basis_id: one.basis_id.map(|id| id.to_string()).unwrap_or_default(),
        since_at: Some(timestamp(one.since_at)),
        told_at: one.told_at.map(timestamp),
        served_at: one.served_at.map(timestamp),
        served_channel: one.served_channel.unwrap_or_default(),
        acknowledged_at: one.acknowledged_at.map(timestamp),
        acknowledged_by: one.acknowledged_by.unwrap_or_default(),
        acknowledged_channel: one.acknowledged_channel.unwrap_or_default(),
        text: one.text.unwrap_or_default(),
        escalated_to: one.escalated_to.unwrap_or_default(),
        escalated_at: one.escalated_at.map(timestamp),
        closed_at: one.closed_at.map(timestamp),
        closed_by: one.closed_by.unwrap_or_default(),
        note: one.note.unwrap_or_default(),
        ended_at: one.ended_at.map(timestamp),
        ended_as: one.ended_as.unwrap_or_default(),
        kind: one.kind,
        etr_at: one.etr_at.map(timestamp),
    }
}

#[tonic::async_trait]
impl ReliabilityWarnings for Api {
    async fn list(
        &self,
        request: Request<ListWarningsRequest>,
    ) -> Result<Response<ListWarningsReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.warnings(&claims, request).await)
    }

    async fn get(&self, request: Request<GetWarningRequest>) -> Result<Response<ReliabilityWarning>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.warning(&claims, request).await)
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeWarningRequest>,
    ) -> Result<Response<ReliabilityWarning>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SERVE)?;
        answer(self.warning_answered(&claims, request).await)
    }

    async fn close(
        &self,
        request: Request<CloseWarningRequest>,
    ) -> Result<Response<ReliabilityWarning>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&DECIDE)?;
        answer(self.warning_closed(&claims, request).await)
    }
}
