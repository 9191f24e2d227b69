//! Which photos prove that people were told of an outage, and who looked at them.

use relight_common::{Claims, Work, wire, wire::timestamp};
use relight_proto::{
    common::v1::{ListPhotosReply, ListPhotosRequest, LookRequest, Photo},
    planner::v1::outage_photos_server::OutagePhotos,
};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{Api, answer, taken};
use crate::{
    desk::rights::SEE,
    error::Error,
    store::{
        outage::{self, Stored},
        photo::{self, Row},
    },
};

impl Api {
    async fn of_photos(&self, claims: &Claims, subject_id: &str) -> Result<Stored, Error> {
        let id = wire::uuid("subject_id", subject_id)?;
        outage::find(self.db.pool(), Some(id), "", &claims.org_patterns(&SEE)).await
    }

    async fn photos(&self, claims: &Claims, request: ListPhotosRequest) -> Result<ListPhotosReply, Error> {
        let one = self.of_photos(claims, &request.subject_id).await?;
        let rows = photo::of_outage(self.db.pool(), one.id).await?;
        let photos = rows.into_iter().map(|row| shown(&one, row)).collect();
        Ok(ListPhotosReply { photos })
    }

    async fn looked(&self, claims: &Claims, request: LookRequest) -> Result<Photo, Error> {
        let one = self.of_photos(claims, &request.subject_id).await?;
        let rows = photo::of_outage(self.db.pool(), one.id).await?;
        let row = rows.into_iter().find(|row| row.sha256 == request.sha256);
        let row = row.ok_or(Error::NoSuchPhoto)?;
        // A photo of somebody's door is personal data (operations.md O33).
        let mut work = Work::internal(&self.db, claims.request_id.to_string(), self.clock.now()).await?;
        let detail = json!({ "by": claims.actor, "sha256": row.sha256 });
        work.audit("outage.photo_seen", one.id, detail);
        work.done().await?;
        Ok(shown(&one, row))
    }
}

fn shown(one: &Stored, row: Row) -> Photo {
    Photo {
        sha256: row.sha256,
        what: "told".to_owned(),
        at: Some(timestamp(row.at)),
        actor: row.actor,
        subject_id: one.id.to_string(),
        subject_number: one.number.clone(),
    }
}

#[tonic::async_trait]
impl OutagePhotos for Api {
    async fn list(&self, request: Request<ListPhotosRequest>) -> Result<Response<ListPhotosReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.photos(&claims, request).await)
    }

    async fn look(&self, request: Request<LookRequest>) -> Result<Response<Photo>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.looked(&claims, request).await)
    }
}
