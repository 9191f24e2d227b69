//! Which photos prove something of a case, and who looked at them.

use relight_common::{Claims, error::refuse, wire};
use relight_proto::{
    arrears::v1::case_photos_server::CasePhotos,
    common::v1::{ListPhotosReply, ListPhotosRequest, LookRequest, Photo},
};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{Api, SEE};
use crate::{
    error::Error,
    outside::Outside,
    store::photo::{self, Row},
};

impl<O: Outside> Api<O> {
    async fn photos(&self, claims: &Claims, ask: ListPhotosRequest) -> Result<ListPhotosReply, Error> {
        let pool = self.db.pool();
        let rows = match wire::uuid_opt("subject_id", &ask.subject_id)? {
            Some(case) => photo::of_case(pool, self.seen(claims, case).await?.id).await?,
            None => photo::of_cuts(pool, &claims.org_patterns(&SEE)).await?,
        };
        let photos = rows.into_iter().map(shown).collect();
        Ok(ListPhotosReply { photos })
    }

    async fn looked(&self, claims: &Claims, ask: LookRequest) -> Result<Photo, Error> {
        let case = self
            .seen(claims, wire::uuid("subject_id", &ask.subject_id)?)
            .await?;
        let rows = photo::of_case(self.db.pool(), case.id).await?;
        let row = rows.into_iter().find(|row| row.sha256 == ask.sha256);
        let row = row.ok_or(Error::NoPhoto)?;
        let detail = json!({ "sha256": row.sha256, "what": row.what });
        self.audit_view(claims, "arrears.photo_viewed", &row.number, detail)
            .await?;
        Ok(shown(row))
    }
}

fn shown(row: Row) -> Photo {
    Photo {
        sha256: row.sha256,
        what: row.what,
        at: Some(wire::timestamp(row.at)),
        actor: row.actor,
        subject_id: row.case_id.to_string(),
        subject_number: row.number,
    }
}

#[tonic::async_trait]
impl<O: Outside> CasePhotos for Api<O> {
    async fn list(&self, request: Request<ListPhotosRequest>) -> Result<Response<ListPhotosReply>, Status> {
        let claims = wire::caller(&request)?;
        let reply = self.photos(&claims, request.into_inner()).await;
        reply.map(Response::new).map_err(refuse(crate::NAME))
    }

    async fn look(&self, request: Request<LookRequest>) -> Result<Response<Photo>, Status> {
        let claims = wire::caller(&request)?;
        let reply = self.looked(&claims, request.into_inner()).await;
        reply.map(Response::new).map_err(refuse(crate::NAME))
    }
}
