//! From the news of the others to messages. Look-ups over the network come first ([`Consumer::prepare`]); the messages
//! are written in the transaction that stores the position, so that an event makes them once.

mod asked;
mod call;
mod debt;
mod fault;
pub mod outage;
mod question;
mod together;

use std::sync::Arc;

use chrono_tz::Tz;
use futures_util::future::try_join_all;
use relight_common::{
    Clock, Db, Work,
    reader::{Consumer, Outcome, apply_one},
    telemetry, wire,
};
use relight_proto::events::v1::{Event, IncidentChanged, OutageNotice};
use tracing::Instrument;

use self::{
    asked::Asked, call::Stranger, debt::Debtor, fault::News, outage::Ordered, question::Asking,
    together::Gathered,
};
use crate::{
    bells::Bells, domain::words::House, error::Error, people::People, seal::Sealer,
    store::incident::Incident, template::Book,
};

/// Events about which others are asked at one time.
const AT_ONCE: usize = 4;

/// Makes messages of events.
#[derive(Debug)]
pub struct Notices {
    /// For what is looked up here.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// Who is told.
    pub people: Arc<People>,
    /// Seals variables.
    pub sealer: Sealer,
    /// The templates.
    pub book: Arc<Book>,
    /// Who we are.
    pub house: House,
    /// Zone of places that have none.
    pub zone: Tz,
    /// Rung for messages that are written.
    pub bells: Arc<Bells>,
}

/// What an event asks for.
#[derive(Debug)]
pub enum Plan {
    /// A type this release does not know.
    Unknown,
    /// Nothing to do.
    Nothing,
    /// A newer version of an incident.
    Incident(Incident),
    /// News of a fault.
    News(Box<News>),
    /// A notice of an outage is ordered.
    Order(Ordered),
    /// A debtor is told.
    Debt(Box<Debtor>),
    /// Customers are asked whether supply is back.
    Question(Box<Asking>),
    /// A call reached somebody else.
    Wrong(Box<Stranger>),
}

impl Consumer for Notices {
    type Prepared = Plan;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Plan, Error> {
        let asked = self.ask(&[event]).await?;
        self.plan(event, &asked).await
    }

    /// A storm asks once for many reporters and incidents, and for the rest about a few events at one time.
    async fn prepare_all(&self, events: &[&Event]) -> Result<Vec<Plan>, Error> {
        let asked = self.ask(events).await?;
        let mut plans = Vec::with_capacity(events.len());
        for some in events.chunks(AT_ONCE) {
            let planning = some.iter().map(|event| {
                let span = telemetry::consume_span(event);
                self.plan(event, &asked).instrument(span)
            });
            plans.extend(try_join_all(planning).await?);
        }
        Ok(plans)
    }

    async fn apply(&self, work: &mut Work, event: &Event, plan: Plan) -> Result<Outcome, Error> {
        match plan {
            Plan::Unknown => return Ok(Outcome::Unknown),
            Plan::Nothing => {}
            Plan::Incident(incident) => self.write(work, Gathered::from(incident)).await?,
            Plan::News(news) => self.write(work, Gathered::from(*news)).await?,
            Plan::Order(ordered) => self.order(work, event, &ordered).await?,
            Plan::Debt(debtor) => self.tell_debtor(work, event, &debtor).await?,
            Plan::Question(asking) => self.ask_people(work, event, &asking).await?,
            Plan::Wrong(stranger) => stranger.note(work).await?,
        }
        Ok(Outcome::Applied)
    }

    /// News of faults are written together. Notices of outages and debts, and questions, have rows of their own, which no such news
    /// touches: what comes between them may be written after them.
    async fn apply_all(&self, work: &mut Work, events: Vec<(&Event, Plan)>) -> Result<(), Error> {
        let mut gathered = Gathered::default();
        for (event, plan) in events {
            match plan {
                Plan::Incident(incident) => gathered.note(incident),
                Plan::News(news) => gathered.add(*news),
                Plan::Unknown
                | Plan::Nothing
                | Plan::Order(_)
                | Plan::Debt(_)
                | Plan::Question(_)
                | Plan::Wrong(_) => {
                    apply_one(self, work, event, plan).await?;
                }
            }
        }
        self.write(work, gathered).await
    }
}

impl Notices {
    async fn plan(&self, event: &Event, asked: &Asked) -> Result<Plan, Error> {
        match event.r#type.as_str() {
            "report.accepted" => self.accepted(event, decode(event)?, asked).await,
            "incident.changed" => incident_of(event, decode(event)?),
            "workorder.step" => self.step(event, &decode(event)?, asked).await,
            "etr.changed" => self.etr(event, &decode(event)?, asked).await,
            "interruption.step" => self.interruption(&decode(event)?, asked).await,
            "outage.notice" => self.outage_notice(&decode::<OutageNotice>(event)?),
            "arrears.notice" => self.arrears_notice(decode(event)?, asked).await,
            "restoration.question" => self.question(&decode(event)?, asked),
            "contact.wrong" => self.stranger(&decode(event)?).await,
            "workorder.alarm" | "crew.changed" | "outage.changed" | "outage.step" | "outage.alarm"
            | "arrears.changed" | "arrears.alarm" => Ok(Plan::Nothing),
            _ => Ok(Plan::Unknown),
        }
    }
}

fn incident_of(event: &Event, incident: IncidentChanged) -> Result<Plan, Error> {
    Ok(Plan::Incident(Incident {
        id: wire::uuid("incident_id", &incident.incident_id)?,
        version: version_of(event),
        number: incident.number,
        zone: incident.zone,
        org_path: event.org_path.clone(),
    }))
}

fn version_of(event: &Event) -> i64 {
    i64::try_from(event.version).unwrap_or(i64::MAX)
}

fn decode<M: prost::Message + Default>(event: &Event) -> Result<M, Error> {
    M::decode(event.data.as_slice())
        .map_err(|error| Error::Common(relight_common::Error::Decode("an event", error)))
}
