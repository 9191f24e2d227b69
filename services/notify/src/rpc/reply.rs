//! Answers that no word explains, as the desk reads them.

use relight_common::{Begun, Claims, Role, Work, command::Meta, error::refuse, wire};
use relight_proto::notify::v1::{
    AcknowledgeReplyRequest, ListRepliesReply, ListRepliesRequest, Reply as WireReply,
    replies_server::Replies,
};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{Api, size};
use crate::{
    error::Error,
    store::reply::{self as store, Reply},
    wrong::SAID,
};

/// Who reads what people answer.
const DESK: [Role; 3] = [Role::Agent, Role::Dispatcher, Role::Manager];
/// Longest note, characters.
const NOTE_MAX: usize = 200;

#[tonic::async_trait]
impl Replies for Api {
    async fn list(&self, request: Request<ListRepliesRequest>) -> Result<Response<ListRepliesReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&DESK)?;
        let reply = self.replies(&claims, request.into_inner()).await;
        reply.map(Response::new).map_err(refuse("notify"))
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeReplyRequest>,
    ) -> Result<Response<WireReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&DESK)?;
        let reply = self.read_reply(&claims, request.into_inner()).await;
        reply.map(Response::new).map_err(refuse("notify"))
    }
}

impl Api {
    async fn replies(&self, claims: &Claims, request: ListRepliesRequest) -> Result<ListRepliesReply, Error> {
        let page = request.page.unwrap_or_default();
        let size = size(&page);
        let after = wire::uuid_opt("page.cursor", &page.cursor)?;
        let org = claims.org_patterns(&DESK);
        let rows = store::list(self.db.pool(), request.open, &org, after, i64::from(size)).await?;
        let is_full = rows.len() == usize::try_from(size).unwrap_or(usize::MAX);
        let next_cursor = rows
            .last()
            .filter(|_| is_full)
            .map_or(String::new(), |row| row.id.to_string());
        self.seen(claims, "replies", rows.len()).await?;
        Ok(ListRepliesReply {
            replies: rows.into_iter().map(|row| self.shown(row)).collect(),
            next_cursor,
        })
    }

    async fn read_reply(
        &self,
        claims: &Claims,
        request: AcknowledgeReplyRequest,
    ) -> Result<WireReply, Error> {
        let now = self.clock.now();
        let meta =
            Meta::new(&request.command_id, claims, &request, now).map_err(relight_common::Error::from)?;
        let id = wire::uuid("reply_id", &request.reply_id)?;
        let note = wire::text("note", &request.note, NOTE_MAX)?;
        match Work::begin::<WireReply>(&self.db, meta).await? {
            Begun::Before(reply) => Ok(reply),
            Begun::New(mut work) => {
                let by = work.actor().to_owned();
                let org = claims.org_patterns(&DESK);
                let found = store::acknowledge(work.conn(), id, &org, (&by, &note), now).await?;
                let one = found.ok_or(Error::NoReply)?;
                work.audit("reply.acknowledged", id, json!({ "customer": one.customer_id }));
                // The words are personal: they are not kept with the command.
                let reply = WireReply {
                    said: String::new(),
                    ..self.shown(one)
                };
                Ok(work.commit(reply).await?)
            }
        }
    }

    fn shown(&self, one: Reply) -> WireReply {
        let said = self
            .sealer
            .open(one.id, &one.sealed)
            .and_then(|mut vars| vars.remove(SAID));
        WireReply {
            reply_id: one.id.to_string(),
            message_id: one.message_id.to_string(),
            customer_id: one.customer_id.map_or(String::new(), |id| id.to_string()),
            purpose: one.purpose,
            from_masked: one.masked,
            said: said.unwrap_or_default(),
            received_at: Some(wire::timestamp(one.received_at)),
            acknowledged_at: one.acknowledged_at.map(wire::timestamp),
            acknowledged_by: one.acknowledged_by.unwrap_or_default(),
            note: one.note,
        }
    }
}
