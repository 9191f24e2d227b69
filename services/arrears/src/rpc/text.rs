//! What a message about a case says: told to notify alone, when it writes the message.

use std::collections::HashMap;

use relight_common::{Claims, Invalid, error::refuse, wire};
use relight_proto::arrears::v1::{
    TextOfReply, TextOfRequest, TextsOfReply, TextsOfRequest, notice_text_batches_server::NoticeTextBatches,
    notice_texts_server::NoticeTexts,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Api;
use crate::{
    domain::{Instant, State, case::Case, message::Kind},
    error::Error,
    outside::Outside,
    store::{
        case::{self, Stored},
        notice,
    },
};

/// Characters of an account that a message shows.
const TAIL: usize = 4;
/// Messages asked about at one time.
const AT_ONCE: usize = 500;

impl<O: Outside> Api<O> {
    async fn text(&self, ask: &TextOfRequest) -> Result<TextOfReply, Error> {
        let (kind, id) = asked(ask)?;
        let pool = self.db.pool();
        let stored = case::get(pool, id).await?.ok_or(Error::NoCase)?;
        let number = notice::newest(pool, id).await?;
        Ok(self.told(kind, &stored, number))
    }

    /// What many messages say: two statements, however many there are.
    async fn texts(&self, asks: &[TextOfRequest]) -> Result<TextsOfReply, Error> {
        if asks.len() > AT_ONCE {
            return Err(Invalid::new("notices", "must have at most 500").into());
        }
        let asks: Vec<(&str, Kind, Uuid)> = asks
            .iter()
            .filter_map(|ask| {
                asked(ask)
                    .ok()
                    .map(|(kind, id)| (ask.notice_id.as_str(), kind, id))
            })
            .collect();
        let ids: Vec<Uuid> = asks.iter().map(|(_, _, id)| *id).collect();
        let cases = case::get_all(self.db.pool(), &ids).await?;
        let cases: HashMap<Uuid, Stored> = cases.into_iter().map(|one| (one.id, one)).collect();
        let numbers = notice::newest_of(self.db.pool(), &ids).await?;
        let texts = asks.into_iter().filter_map(|(notice, kind, id)| {
            let told = self.told(kind, cases.get(&id)?, numbers.get(&id).cloned());
            Some((notice.to_owned(), told))
        });
        Ok(TextsOfReply {
            texts: texts.collect(),
        })
    }

    fn told(&self, kind: Kind, stored: &Stored, number: Option<String>) -> TextOfReply {
        let doc = &stored.doc.0;
        let amount_cents = match kind {
            Kind::PaymentReceived => doc.debt_cents - doc.balance_cents,
            _ => doc.claimed_cents(),
        };
        // Billing may put the day off without a payment: that ends the case, and is no payment to be confirmed.
        let nothing_paid = matches!(doc.state, State::SettledBefore { .. }) && amount_cents <= 0;
        let mut told = TextOfReply {
            account_tail: tail(&stored.account),
            amount_cents,
            currency: self.currency(doc).to_owned(),
            due_on: doc.claimed_due_on().to_string(),
            hours: self.hours(doc),
            notice_number: number.unwrap_or_default(),
            stale: nothing_paid || !kind.is_true_of(&doc.state),
            ..TextOfReply::default()
        };
        if matches!(kind, Kind::Reminder | Kind::Disconnection | Kind::PreNotice) {
            told.pay_hint_zh.clone_from(&self.house.terms.pay_hint_zh);
            told.pay_hint_en.clone_from(&self.house.terms.pay_hint_en);
        }
        moments(&mut told, &doc.state);
        told
    }

    fn hours(&self, doc: &Case) -> u32 {
        let now: Instant = self.clock.now();
        let within = self.house.law.reconnect_by(doc, now) - now;
        u32::try_from(within.num_hours()).unwrap_or(0)
    }
}

fn asked(ask: &TextOfRequest) -> Result<(Kind, Uuid), Invalid> {
    let kind = Kind::parse(&ask.kind).ok_or_else(|| Invalid::new("kind", "is not known here"))?;
    Ok((kind, wire::uuid("case_id", &ask.case_id)?))
}

fn of_notify(claims: &Claims) -> Result<(), Status> {
    if claims.is_service("notify") {
        Ok(())
    } else {
        Err(Status::permission_denied("this is told to notify alone"))
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
        | State::WindowOpen { served, .. }
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
        of_notify(&wire::caller(&request)?)?;
        let told = self.text(request.get_ref()).await;
        told.map(Response::new).map_err(refuse(crate::NAME))
    }
}

#[tonic::async_trait]
impl<O: Outside> NoticeTextBatches for Api<O> {
    async fn texts_of(&self, request: Request<TextsOfRequest>) -> Result<Response<TextsOfReply>, Status> {
        of_notify(&wire::caller(&request)?)?;
        let told = self.texts(&request.get_ref().notices).await;
        told.map(Response::new).map_err(refuse(crate::NAME))
    }
}
