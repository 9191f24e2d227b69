//! Where a place or a customer hangs in the network, on the wire.

use relight_common::{Claims, Invalid, Role, command::Meta, error::refuse, wire};
use relight_proto::registry::v1::{
    CorrectLinkRequest, LinkCorrection, ListLinkCorrectionsReply, ListLinkCorrectionsRequest, NearestReply,
    NearestRequest, StreetsReply, StreetsRequest, links_server::Links, nearest_reply::Near,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, map, taken};
use crate::{
    domain::{fold, question::external_id},
    error::Error,
    links::{self, To},
    store::{link, service_point},
};

/// Who finds a service point by its place.
const FIND: [Role; 2] = [Role::Agent, Role::Dispatcher];
/// Who corrects a link.
const CORRECT: [Role; 3] = [Role::Crew, Role::Agent, Role::Dispatcher];
/// Who sees corrections.
const SEE: [Role; 3] = [Role::Agent, Role::Dispatcher, Role::Admin];
const NEAREST_MAX: u32 = 50;
const NEAREST_DEFAULT: u32 = 5;
const REASON_MAX: usize = 500;
/// Mean radius of the Earth, metres (IUGG R1).
const EARTH_M: f64 = 6_371_008.8;

impl Api {
    async fn nearest_of(&self, claims: &Claims, message: &NearestRequest) -> Result<NearestReply, Error> {
        let position = message
            .position
            .ok_or_else(|| Invalid::new("position", "must be given"))?;
        let place = wire::point("position", position)?;
        let limit = match message.limit {
            0 => NEAREST_DEFAULT,
            limit if limit <= NEAREST_MAX => limit,
            _ => return Err(Invalid::new("limit", "must be from 1 to 50").into()),
        };
        let org = if claims.has(&[Role::Service]) {
            vec!["%".to_owned()]
        } else {
            claims.org_patterns(&FIND)
        };
        let found = service_point::nearest(self.db.pool(), place, &org, i64::from(limit)).await?;
        let ids: Vec<Uuid> = found.iter().map(|(id, _)| *id).collect();
        let mut rows = service_point::by_ids(self.db.pool(), &ids).await?;
        rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
        let customers: Vec<Uuid> = rows.iter().map(|row| row.customer_id).collect();
        if !claims.has(&[Role::Service]) {
            self.audit_view(claims, "place", &customers).await?;
        }
        let near = rows.into_iter().zip(&found).map(|(row, (_, chord))| {
            Ok::<_, Error>(Near {
                service_point: Some(map::service_point(row)?),
                distance_m: 2.0 * (chord / 2.0).min(1.0).asin() * EARTH_M,
            })
        });
        Ok(NearestReply {
            nearest: near.collect::<Result<_, _>>()?,
        })
    }

    async fn link_corrected(
        &self,
        claims: &Claims,
        message: &CorrectLinkRequest,
    ) -> Result<LinkCorrection, Error> {
        let meta = Meta::new(&message.command_id, claims, message, self.clock.now())?;
        if let Some(reply) = self.answered(&meta).await? {
            return Ok(reply);
        }
        let id = external_id("service_point_external_id", &message.service_point_external_id)?;
        let to = match (message.transformer_id.trim(), message.bus.trim()) {
            ("", "") => return Err(Invalid::new("transformer_id", "must be given, or bus").into()),
            ("", bus) => To::Bus(external_id("bus", bus)?),
            (transformer, "") => To::Transformer(external_id("transformer_id", transformer)?),
            _ => return Err(Invalid::new("bus", "must be left out when transformer_id is given").into()),
        };
        let reason = wire::text_required("reason", &message.reason, REASON_MAX)?;
        let point = service_point::by_key(self.db.pool(), &fold(&id)).await?;
        let point = point
            .filter(|point| claims.has_at(&CORRECT, &point.org_path))
            .ok_or(Error::NoServicePoint)?;
        links::correct(&self.db, &self.holder, (meta, claims), point, (to, reason)).await
    }

    /// The answer to a command that came before: what it asked for is so by now, and would be refused.
    async fn answered(&self, meta: &Meta) -> Result<Option<LinkCorrection>, Error> {
        let mut conn = self
            .db
            .pool()
            .acquire()
            .await
            .map_err(Error::db("look a command up"))?;
        let seen = relight_common::command::seen(&mut conn, meta).await?;
        let decode = |reply: Vec<u8>| prost::Message::decode(reply.as_slice());
        seen.map(decode)
            .transpose()
            .map_err(|error| relight_common::Error::Decode("a stored reply", error).into())
    }

    async fn corrections(
        &self,
        claims: &Claims,
        message: &ListLinkCorrectionsRequest,
    ) -> Result<ListLinkCorrectionsReply, Error> {
        let org = claims.org_patterns(&SEE);
        let filter = format!("links:{}:{}", message.standing, org.join(" "));
        let page = self.cursors.page(&filter, message.page.as_ref())?;
        let rows = link::list(self.db.pool(), &org, message.standing, page.after, page.size).await?;
        let last = rows.last().map(|row| (row.at, row.id));
        let next_cursor = self.cursors.next(&filter, &page, rows.len(), last);
        Ok(ListLinkCorrectionsReply {
            corrections: rows.into_iter().map(links::view).collect(),
            next_cursor,
        })
    }
}

fn answer<T>(result: Result<T, Error>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(refuse("registry"))
}

#[tonic::async_trait]
impl Links for Api {
    async fn nearest(&self, request: Request<NearestRequest>) -> Result<Response<NearestReply>, Status> {
        let (claims, message) = taken(request)?;
        if !claims.has(&[Role::Service]) {
            claims.need(&FIND)?;
        }
        answer(self.nearest_of(&claims, &message).await)
    }

    async fn streets(&self, request: Request<StreetsRequest>) -> Result<Response<StreetsReply>, Status> {
        let (_, message) = taken(request)?;
        answer(self.streets_near(&message).await)
    }

    async fn correct_link(
        &self,
        request: Request<CorrectLinkRequest>,
    ) -> Result<Response<LinkCorrection>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&CORRECT)?;
        answer(self.link_corrected(&claims, &message).await)
    }

    async fn list_link_corrections(
        &self,
        request: Request<ListLinkCorrectionsRequest>,
    ) -> Result<Response<ListLinkCorrectionsReply>, Status> {
        let (claims, message) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.corrections(&claims, &message).await)
    }
}
