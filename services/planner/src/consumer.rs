//! What notify tells: the proof of individual notices. With the last of it a notice is taken at once.

use prost::Message;
use relight_common::{
    Work,
    ids::derived,
    reader::{Consumer, Outcome},
    wire,
};
use relight_policy::Pack;
use relight_proto::events::v1::{Event, NoticeServed};

use crate::{
    desk::act::take_notice,
    domain::{event::Kind, ids::OutageId},
    error::Error,
    store::{
        outage,
        told::{self, Evidence},
    },
};

/// Applies the events of notify.
#[derive(Debug, Clone)]
pub struct FromNotify {
    pack: Pack,
}

impl FromNotify {
    /// The law comes from `pack`.
    pub fn new(pack: Pack) -> Self {
        Self { pack }
    }
}

impl Consumer for FromNotify {
    type Prepared = ();
    type Error = Error;

    async fn prepare(&self, _event: &Event) -> Result<(), Error> {
        Ok(())
    }

    async fn apply(&self, work: &mut Work, event: &Event, (): ()) -> Result<Outcome, Error> {
        if event.r#type != "notice.served" {
            return Ok(Outcome::Unknown);
        }
        let told = NoticeServed::decode(event.data.as_slice())
            .map_err(|error| relight_common::Error::Decode("an event's payload", error))?;
        let id = OutageId::parse(&told.outage_id)?;
        let Some(kind) = Kind::parse(&told.kind) else {
            return Ok(Outcome::Unknown);
        };
        let evidence = read(event, &told)?;
        let mut one = outage::lock(work.conn(), id).await?;
        told::add(work.conn(), (id, told.plan_no, kind), &evidence).await?;
        if kind == Kind::Notice && told.plan_no == one.life.plan_no {
            take_notice(work, &self.pack, &mut one).await?;
        }
        Ok(Outcome::Applied)
    }
}

/// Delivered is proof; sent or failed is none (domain.md 4.1, 5.5 no. 14).
fn read(event: &Event, told: &NoticeServed) -> Result<Vec<Evidence>, Error> {
    let cause = wire::uuid("id", &event.id)?;
    let delivered = told.results.iter().filter(|one| one.result == "delivered");
    delivered
        .map(|one| {
            Ok(Evidence {
                id: derived(cause, &format!("{}:{}", one.customer_id, one.channel)),
                customer: wire::uuid("customer_id", &one.customer_id)?,
                channel: one.channel.clone(),
                at: wire::instant("at", one.at)?,
                by: "service:notify".to_owned(),
                note: String::new(),
                photo: None,
            })
        })
        .collect()
}
