//! What notify tells: the proof of individual notices. With the last of it a notice is taken at once. A number that
//! turned out to be somebody else's proves nothing, whatever it proved before (operations.md O15).

use prost::Message;
use relight_common::{
    Work,
    ids::derived,
    reader::{Consumer, Outcome},
    wire,
};
use relight_policy::Pack;
use relight_proto::events::v1::{Event, NoticeServed};
use uuid::Uuid;

use crate::{
    desk::{act::take_notice, reliability, step::save, tell},
    domain::{event::Kind, ids::OutageId, said::Said},
    error::Error,
    store::{
        outage, safety,
        told::{self, Evidence},
    },
};

/// Kind of the notices of safety switch-offs.
const SAFETY: &str = "safety";

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
        if told.outage_id.is_empty() {
            return Ok(Outcome::Applied);
        }
        let evidence = read(event, &told)?;
        if told.kind == SAFETY {
            let id = wire::uuid("outage_id", &told.outage_id)?;
            safety::told(work.conn(), id, &evidence).await?;
            return Ok(Outcome::Applied);
        }
        if matches!(
            told.kind.as_str(),
            reliability::TELLS | reliability::FAULT | reliability::ENDS
        ) {
            if told.kind != reliability::ENDS {
                let id = wire::uuid("outage_id", &told.outage_id)?;
                reliability::served(work, id, &evidence, &strangers(&told)?).await?;
            }
            return Ok(Outcome::Applied);
        }
        let Some(kind) = Kind::parse(&told.kind) else {
            return Ok(Outcome::Unknown);
        };
        let mut one = outage::lock(work.conn(), OutageId::parse(&told.outage_id)?).await?;
        told::add(work.conn(), (one.id, told.plan_no, kind), &evidence).await?;
        let strangers = strangers(&told)?;
        if !strangers.is_empty() {
            let at = work.at();
            told::void(work.conn(), (one.id, told.plan_no, kind), &strangers, at).await?;
            save(work, &mut one).await?;
            let count = strangers.len();
            let because = Said::new(
                format!("{count}条告知发到了他人的号码"),
                format!("{count} notices went to somebody else's number"),
            );
            tell::alarm(work, &one, "wrong_person", because).await?;
        }
        if kind == Kind::Notice && told.plan_no == one.life.plan_no {
            take_notice(work, &self.pack, &mut one).await?;
        }
        Ok(Outcome::Applied)
    }
}

/// (customer, channel) of the notices that reached somebody else.
fn strangers(told: &NoticeServed) -> Result<Vec<(Uuid, String)>, Error> {
    let wrong = told.results.iter().filter(|one| one.result == "wrong_person");
    wrong
        .map(|one| Ok((wire::uuid("customer_id", &one.customer_id)?, one.channel.clone())))
        .collect()
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
                call: None,
            })
        })
        .collect()
}
