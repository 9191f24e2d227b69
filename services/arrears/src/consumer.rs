//! What notify tells: what became of messages, and whose a contact is not. Applied once, in the transaction of the reader's position.

use std::sync::Arc;

use prost::Message;
use relight_common::{
    Db, Work,
    reader::{Consumer, Outcome},
    wire,
};
use relight_proto::events::v1::{ContactNoted, Event, NoticeServed};

use crate::{
    desk::{self, House, take_result},
    domain::{NOT_ASKED, Site, message::Kind},
    error::Error,
    outside::Outside,
    store::case,
};

/// Applies the events of notify.
#[derive(Debug)]
pub struct FromNotify<O> {
    db: Db,
    house: House,
    outside: Arc<O>,
}

impl<O: Outside> FromNotify<O> {
    /// Over `db`, by the rules of `house`.
    pub fn new(db: &Db, house: House, outside: Arc<O>) -> Self {
        let db = db.clone();
        Self { db, house, outside }
    }

    /// What is known of the premises a last warning is about, at the moment it announces.
    async fn site(&self, case_id: &str) -> Result<Site, Error> {
        let case = case::get(self.db.pool(), wire::uuid("case_id", case_id)?).await?;
        Ok(match case {
            None => NOT_ASKED.clone(),
            Some(stored) => {
                let stop_at = stored.doc.state.notice().map(|notice| notice.stop_at);
                self.outside
                    .site(&stored, stop_at.unwrap_or(stored.opened_at))
                    .await
            }
        })
    }
}

impl<O: Outside> Consumer for FromNotify<O> {
    type Prepared = Site;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Site, Error> {
        match ours(event)? {
            Some((told, Kind::PreNotice)) if !told.results.is_empty() => self.site(&told.case_id).await,
            _ => Ok(NOT_ASKED.clone()),
        }
    }

    async fn apply(&self, work: &mut Work, event: &Event, site: Site) -> Result<Outcome, Error> {
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
            take_result(work, &self.house, (id, kind), became, &site).await?;
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
