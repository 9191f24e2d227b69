//! What notify tells: what became of messages, and whose a contact is not. Applied once, in the transaction of the reader's position.

use std::sync::Arc;

use prost::Message;
use relight_common::{
    Work,
    reader::{Consumer, Outcome},
    wire,
};
use relight_proto::events::v1::{ContactNoted, Event, NoticeServed};

use crate::{
    desk::{self, House, take_result},
    domain::{Premises, message::Kind},
    error::Error,
    outside::Outside,
};

/// Applies the events of notify.
#[derive(Debug)]
pub struct FromNotify<O> {
    house: House,
    outside: Arc<O>,
}

impl<O: Outside> FromNotify<O> {
    /// By the rules of `house`.
    pub fn new(house: House, outside: Arc<O>) -> Self {
        Self { house, outside }
    }
}

impl<O: Outside> Consumer for FromNotify<O> {
    type Prepared = Premises;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Premises, Error> {
        let Some((told, Kind::PreNotice)) = ours(event)? else {
            return Ok(Premises::Unknown);
        };
        match told.results.first() {
            Some(result) => {
                let customer = wire::uuid("customer_id", &result.customer_id)?;
                Ok(self.outside.premises(customer).await)
            }
            None => Ok(Premises::Unknown),
        }
    }

    async fn apply(&self, work: &mut Work, event: &Event, premises: Premises) -> Result<Outcome, Error> {
        match event.r#type.as_str() {
            "notice.served" => {}
            "contact.noted" => return self.noted(work, event).await,
            _ => return Ok(Outcome::Unknown),
        }
        let Some((told, kind)) = ours(event)? else {
            return Ok(Outcome::Applied);
        };
        let id = wire::uuid("notice_id", &told.notice_id)?;
        for result in &told.results {
            let at = wire::instant("at", result.at)?;
            let became = (result.channel.as_str(), result.result.as_str(), at);
            take_result(work, &self.house, (id, kind), became, premises).await?;
        }
        Ok(Outcome::Applied)
    }
}

impl<O: Outside> FromNotify<O> {
    async fn noted(&self, work: &mut Work, event: &Event) -> Result<Outcome, Error> {
        let told: ContactNoted = decode(event)?;
        let note = wire::uuid("wrong_id", &told.wrong_id)?;
        if told.withdrawn {
            desk::withdrawn(work, note).await?;
        } else {
            let customer = wire::uuid("customer_id", &told.customer_id)?;
            let contact = wire::uuid("contact_id", &told.contact_id)?;
            desk::noted(work, &self.house, (note, customer, contact)).await?;
        }
        Ok(Outcome::Applied)
    }
}

fn decode<M: Message + Default>(event: &Event) -> Result<M, Error> {
    let told = M::decode(event.data.as_slice());
    Ok(told.map_err(|error| relight_common::Error::Decode("an event's payload", error))?)
}

/// What it tells of a notice about arrears; `None` for those of planned outages and for kinds a later release orders.
fn ours(event: &Event) -> Result<Option<(NoticeServed, Kind)>, Error> {
    if event.r#type != "notice.served" {
        return Ok(None);
    }
    let told: NoticeServed = decode(event)?;
    if told.case_id.is_empty() {
        return Ok(None);
    }
    Ok(Kind::parse(&told.kind).map(|kind| (told, kind)))
}
