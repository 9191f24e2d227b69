//! What a message about a case says: told to notify alone, when it writes the message.

use relight_common::{Invalid, error::refuse, wire};
use relight_proto::arrears::v1::{TextOfReply, TextOfRequest, notice_texts_server::NoticeTexts};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    domain::{Instant, State, case::Case, message::Kind},
    error::Error,
    outside::Outside,
    store::{case, notice},
};

/// Characters of an account that a message shows.
const TAIL: usize = 4;

impl<O: Outside> Api<O> {
    async fn text(&self, ask: &TextOfRequest) -> Result<TextOfReply, Error> {
        let kind = Kind::parse(&ask.kind).ok_or_else(|| Invalid::new("kind", "is not known here"))?;
        let id = wire::uuid("case_id", &ask.case_id)?;
        let pool = self.db.pool();
        let stored = case::get(pool, id).await?.ok_or(Error::NoCase)?;
        let doc = &stored.doc.0;
        let mut told = TextOfReply {
            account_tail: tail(&stored.account),
            amount_cents: match kind {
                Kind::PaymentReceived => doc.debt_cents - doc.balance_cents,
                _ => doc.balance_cents,
            },
            currency: self.currency(doc).to_owned(),
            due_on: doc.due_on.to_string(),
            hours: self.hours(doc),
            notice_number: notice::newest(pool, id).await?.unwrap_or_default(),
            stale: !kind.is_true_of(&doc.state),
            ..TextOfReply::default()
        };
        moments(&mut told, &doc.state);
        Ok(told)
    }

    fn hours(&self, doc: &Case) -> u32 {
        let now: Instant = self.clock.now();
        let within = self.house.law.reconnect_by(doc, now) - now;
        u32::try_from(within.num_hours()).unwrap_or(0)
    }
}

fn tail(account: &str) -> String {
    let skip = account.chars().count().saturating_sub(TAIL);
    account.chars().skip(skip).collect()
}

fn moments(told: &mut TextOfReply, state: &State) {
    told.stop_at = state.notice().map(|notice| wire::timestamp(notice.stop_at));
    told.off_at = state.off_since().map(wire::timestamp);
    match state {
        State::NoticeServed { served }
        | State::WindowOpen { served }
        | State::PreNoticed { served, .. }
        | State::Disconnected { served, .. } => {
            told.served_at = Some(wire::timestamp(served.proof.served_at));
            served.proof.method.word().clone_into(&mut told.served_method);
        }
        State::ReconnectOrdered { by, .. } => told.reconnect_by = Some(wire::timestamp(*by)),
        State::Reconnected { off_at, on_at, .. } => {
            told.off_at = Some(wire::timestamp(*off_at));
            told.on_at = Some(wire::timestamp(*on_at));
        }
        State::Closed { off_at, on_at, .. } => {
            told.off_at = off_at.map(wire::timestamp);
            told.on_at = on_at.map(wire::timestamp);
        }
        _ => {}
    }
}

#[tonic::async_trait]
impl<O: Outside> NoticeTexts for Api<O> {
    async fn text_of(&self, request: Request<TextOfRequest>) -> Result<Response<TextOfReply>, Status> {
        let claims = wire::caller(&request)?;
        if !claims.is_service("notify") {
            return Err(Status::permission_denied("this is told to notify alone"));
        }
        let told = self.text(request.get_ref()).await;
        told.map(Response::new).map_err(refuse(crate::NAME))
    }
}
