//! The contract of what is kept of an outage: announcements, the transfer sheet, how the notice was given.

use relight_common::{Claims, wire::timestamp};
use relight_proto::planner::v1::{
    ClassCoverage, NoticeCompliance, PlanRecordRequest, ProofCount, PublishedAnnouncement, PublishedReply,
    TransferSheet, plan_records_server::PlanRecords,
};
use tonic::{Request, Response, Status};

use super::{Api, answer, outage_id, taken, view};
use crate::{
    desk::{archive, rights::SEE},
    domain::window::Window,
    error::Error,
    store::{
        compliance::Compliance,
        outage::{self, Stored},
        published::{self, Published},
    },
};

impl Api {
    async fn of_record(&self, claims: &Claims, request: &PlanRecordRequest) -> Result<Stored, Error> {
        let id = outage_id(&request.outage_id)?;
        outage::find(self.db.pool(), Some(id.uuid()), "", &claims.org_patterns(&SEE)).await
    }

    async fn published_of(
        &self,
        claims: &Claims,
        request: PlanRecordRequest,
    ) -> Result<PublishedReply, Error> {
        let one = self.of_record(claims, &request).await?;
        let rows = published::list(self.db.pool(), one.id).await?;
        Ok(PublishedReply {
            announcements: rows.into_iter().map(announcement).collect(),
        })
    }

    async fn compliance_of(
        &self,
        claims: &Claims,
        request: PlanRecordRequest,
    ) -> Result<NoticeCompliance, Error> {
        let one = self.of_record(claims, &request).await?;
        let found = archive::compliance(&mut *self.conn().await?, &self.pack, &one).await?;
        Ok(compliance(found, &one))
    }

    async fn sheet_of(&self, claims: &Claims, request: PlanRecordRequest) -> Result<TransferSheet, Error> {
        let one = self.of_record(claims, &request).await?;
        let mut conn = self.conn().await?;
        let found = archive::compliance(&mut conn, &self.pack, &one).await?;
        let ended = published::list(self.db.pool(), one.id).await?;
        let ends = ended.iter().map(|told| told.on_at);
        let mut ends_told: Vec<_> = ends.chain([one.life.window.on_at]).collect();
        ends_told.dedup();
        Ok(TransferSheet {
            customers: count(found.customers),
            compliance: Some(compliance(found, &one)),
            outage: Some(view::read(&mut conn, &one).await?),
            made_at: Some(timestamp(self.clock.now())),
            ends_told: ends_told.into_iter().map(timestamp).collect(),
        })
    }
}

fn count(n: i64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn announcement(one: Published) -> PublishedAnnouncement {
    PublishedAnnouncement {
        plan_no: one.plan_no.unsigned_abs(),
        edition: one.edition.unsigned_abs(),
        class: one.class,
        window: Some(view::window(Window {
            off_at: one.off_at,
            on_at: one.on_at,
        })),
        words: Some(view::words(&one.words)),
        written_by: one.written_by,
        approved_by: one.approved_by,
        announced_by: one.announced_by,
        published_at: Some(timestamp(one.published_at)),
        pack_version: one.pack_version,
        void_at: one.void_at.map(timestamp),
    }
}

fn compliance(found: Compliance, one: &Stored) -> NoticeCompliance {
    let classes = found.classes.into_iter().map(|of| ClassCoverage {
        class: of.class,
        customers: count(of.customers),
        told: count(of.told),
        in_time: count(of.in_time),
        acknowledged: count(of.acknowledged),
    });
    let proofs = found.proofs.into_iter().map(|of| ProofCount {
        kind: of.kind,
        channel: of.channel,
        count: count(of.count),
    });
    NoticeCompliance {
        plan_no: found.plan_no,
        classes: classes.collect(),
        proofs: proofs.collect(),
        published_at: found.published_at.map(timestamp),
        first_told_at: found.first_told_at.map(timestamp),
        last_told_at: found.last_told_at.map(timestamp),
        lead_kept: found.lead_kept,
        law: found.law,
        pack_version: found.pack_version,
        told_late: count(found.told_late),
        late_joiners: count(found.late_joiners),
        not_told: count(found.not_told),
        proofs_void: count(found.proofs_void),
        archived_at: found.archived_at.map(timestamp),
        note: one.note.clone(),
    }
}

#[tonic::async_trait]
impl PlanRecords for Api {
    async fn published(
        &self,
        request: Request<PlanRecordRequest>,
    ) -> Result<Response<PublishedReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.published_of(&claims, request).await)
    }

    async fn compliance(
        &self,
        request: Request<PlanRecordRequest>,
    ) -> Result<Response<NoticeCompliance>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.compliance_of(&claims, request).await)
    }

    async fn sheet(&self, request: Request<PlanRecordRequest>) -> Result<Response<TransferSheet>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.sheet_of(&claims, request).await)
    }
}
