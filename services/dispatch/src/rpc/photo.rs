//! Which photos the steps of orders name, and who looked at them.

use relight_common::{Claims, Work, error::refuse, wire};
use relight_proto::{
    common::v1::{ListPhotosReply, ListPhotosRequest, LookRequest, Photo},
    dispatch::v1::order_photos_server::OrderPhotos,
};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    desk,
    domain::ids::OrderId,
    error::Error,
    store::{
        photo::{self, Row},
        view,
    },
};

impl Api {
    async fn photos(&self, claims: &Claims, request: ListPhotosRequest) -> Result<ListPhotosReply, Error> {
        let rows = match request.subject_id.as_str() {
            "" => photo::newest(self.db.pool(), &desk::scope(claims)).await?,
            order => self.photos_of(claims, order).await?,
        };
        let photos = rows.into_iter().map(shown).collect();
        Ok(ListPhotosReply { photos })
    }

    async fn photos_of(&self, claims: &Claims, order: &str) -> Result<Vec<Row>, Error> {
        let id = OrderId::parse(order)?;
        let views = view::load(&mut *self.conn().await?, &[id.uuid()]).await?;
        let found = views
            .first()
            .ok_or_else(|| Error::NoSuchOrder(order.to_owned()))?;
        if !desk::may_see(claims, &found.order) {
            return Err(Error::Denied("the order belongs to another area, unit or crew"));
        }
        photo::of_order(self.db.pool(), id).await
    }

    async fn looked(&self, claims: &Claims, request: LookRequest) -> Result<Photo, Error> {
        let rows = self.photos_of(claims, &request.subject_id).await?;
        let row = rows.into_iter().find(|row| row.sha256 == request.sha256);
        let row = row.ok_or(Error::NoSuchPhoto)?;
        let mut work = Work::internal(&self.db, claims.request_id.to_string(), self.clock.now()).await?;
        let detail = json!({ "by": claims.actor, "sha256": row.sha256 });
        work.audit("order.photo_seen", row.order_id, detail);
        work.done().await?;
        Ok(shown(row))
    }
}

fn shown(row: Row) -> Photo {
    Photo {
        sha256: row.sha256,
        what: "arrival".to_owned(),
        at: Some(wire::timestamp(row.at)),
        actor: row.actor,
        subject_id: row.order_id.to_string(),
        subject_number: row.number,
    }
}

#[tonic::async_trait]
impl OrderPhotos for Api {
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
