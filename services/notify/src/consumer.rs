//! From the news of the others to messages. Look-ups over the network come first ([`Consumer::prepare`]); the messages
//! are written in the transaction that stores the position, so that an event makes them once.

mod debt;
pub mod outage;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use chrono_tz::Tz;
use relight_common::{
    Clock, Db, Work,
    reader::{Consumer, Outcome},
    telemetry, wire,
};
use relight_proto::events::v1::{
    ArrearsNotice, EtrChanged, Event, IncidentChanged, InterruptionStep, OutageNotice, ReportAccepted,
    WorkOrderStep,
};
use tracing::Instrument;
use uuid::Uuid;

use self::{debt::Debtor, outage::Ordered};

use crate::{
    bells::Bells,
    domain::{
        notice::Purpose,
        quiet::{NIGHT, earliest},
        words::{Facts, House},
    },
    error::Error,
    people::{Member, People, Recipient, chosen, once},
    seal::Sealer,
    store::{
        incident::{self, Incident},
        message::{self, Notice, Row},
    },
    template::Book,
};

/// Triage of somebody who asked again.
const URGE: &str = "urge";

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
    /// An order is past "on its way": what says so and was not sent is withdrawn.
    NotEnRoute {
        /// The incident.
        incident: Uuid,
        /// The order.
        order: Uuid,
    },
    /// An estimate was withdrawn.
    NoEtr {
        /// The incident.
        incident: Uuid,
        /// The order whose estimate it was.
        order: Uuid,
    },
    /// Somebody is told something.
    Tell(Box<Telling>),
    /// A notice of an outage is ordered.
    Order(Ordered),
    /// A debtor is told.
    Debt(Box<Debtor>),
}

/// Who is told what.
#[derive(Debug)]
pub struct Telling {
    subject: Uuid,
    version: i64,
    facts: Facts,
    incident: Option<Incident>,
    /// Zone of the place, where no incident says it.
    zone: Option<Tz>,
    org_path: String,
    recipients: Vec<Recipient>,
}

impl Consumer for Notices {
    type Prepared = Plan;
    type Error = Error;

    async fn prepare(&self, event: &Event) -> Result<Plan, Error> {
        match event.r#type.as_str() {
            "report.accepted" => {
                let report: ReportAccepted = decode(event)?;
                let asked: Vec<Uuid> = answered(&report)?.into_iter().collect();
                let on_file = self.people.reachable(&asked).await?;
                self.accepted(event, report, on_file).await
            }
            "incident.changed" => incident_of(event, decode(event)?),
            "workorder.step" => self.step(event, decode(event)?).await,
            "etr.changed" => self.etr(event, decode(event)?).await,
            "interruption.step" => self.interruption(decode(event)?).await,
            "outage.notice" => self.outage_notice(&decode::<OutageNotice>(event)?),
            "arrears.notice" => {
                let notice: ArrearsNotice = decode(event)?;
                let customer = wire::uuid("customer_id", &notice.customer_id)?;
                let on_file = self.people.reachable(&[customer]).await?;
                self.arrears_notice(notice, on_file).await
            }
            "workorder.alarm" | "crew.changed" | "outage.changed" | "outage.step" | "outage.alarm"
            | "arrears.changed" | "arrears.alarm" => Ok(Plan::Nothing),
            _ => Ok(Plan::Unknown),
        }
    }

    /// A storm of reports, and a day of payments, asks the registry once for many people.
    async fn prepare_all(&self, events: &[&Event]) -> Result<Vec<Plan>, Error> {
        let on_file = self.on_file(events).await?;
        let contacts = |customer| on_file.get(&customer).cloned().unwrap_or_default();
        let mut plans = Vec::with_capacity(events.len());
        for event in events {
            let span = telemetry::consume_span(event);
            let plan = async {
                match (event.r#type.as_str(), asked_for(event)?) {
                    ("report.accepted", customer) => {
                        let on_file = customer.map(contacts).unwrap_or_default();
                        self.accepted(event, decode(event)?, on_file).await
                    }
                    ("arrears.notice", Some(customer)) => {
                        self.arrears_notice(decode(event)?, contacts(customer)).await
                    }
                    _ => self.prepare(event).await,
                }
            };
            plans.push(plan.instrument(span).await?);
        }
        Ok(plans)
    }

    async fn apply(&self, work: &mut Work, event: &Event, plan: Plan) -> Result<Outcome, Error> {
        match plan {
            Plan::Unknown => return Ok(Outcome::Unknown),
            Plan::Nothing => {}
            Plan::Incident(incident) => incident::save(work.conn(), &incident).await?,
            Plan::NotEnRoute { incident, order } => {
                let newer = (order, version_of(event));
                message::supersede(work.conn(), incident, &[Purpose::CrewEnRoute], None, newer).await?;
            }
            Plan::NoEtr { incident, order } => {
                if incident::newer_etr(work.conn(), incident, order, version_of(event)).await? {
                    let newer = (order, version_of(event));
                    message::supersede(work.conn(), incident, &[Purpose::Etr], None, newer).await?;
                }
            }
            Plan::Tell(telling) => self.tell(work, &telling).await?,
            Plan::Order(ordered) => self.order(work, event, &ordered).await?,
            Plan::Debt(debtor) => self.tell_debtor(work, event, &debtor).await?,
        }
        Ok(Outcome::Applied)
    }
}

/// Whose contacts an event needs.
fn asked_for(event: &Event) -> Result<Option<Uuid>, Error> {
    match event.r#type.as_str() {
        "report.accepted" => answered(&decode(event)?),
        "arrears.notice" => {
            let notice: ArrearsNotice = decode(event)?;
            Ok(Some(wire::uuid("customer_id", &notice.customer_id)?))
        }
        _ => Ok(None),
    }
}

impl Notices {
    /// The contacts of those whose reports are answered and who are told of a debt, by customer.
    async fn on_file(&self, events: &[&Event]) -> Result<HashMap<Uuid, Vec<Recipient>>, Error> {
        let mut customers = BTreeSet::new();
        for event in events {
            customers.extend(asked_for(event)?);
        }
        let customers: Vec<Uuid> = customers.into_iter().collect();
        let mut on_file: HashMap<Uuid, Vec<Recipient>> = HashMap::new();
        for one in self.people.reachable(&customers).await? {
            on_file
                .entry(one.customer().unwrap_or_default())
                .or_default()
                .push(one);
        }
        Ok(on_file)
    }

    /// To the reporter: their contacts on file, else the phone they gave. An urge has no second answer.
    async fn accepted(
        &self,
        event: &Event,
        report: ReportAccepted,
        on_file: Vec<Recipient>,
    ) -> Result<Plan, Error> {
        if report.triage == URGE {
            return Ok(Plan::Nothing);
        }
        let id = wire::uuid("report_id", &report.report_id)?;
        let reporter = answered(&report)?.map(|customer| Member {
            customer,
            reporter: true,
        });
        let mut recipients = chosen(on_file, reporter.as_slice());
        if recipients.is_empty() {
            recipients = self.people.reporter(id).await?;
        }
        Ok(Plan::Tell(Box::new(Telling {
            subject: id,
            version: 1,
            facts: Facts::Accepted {
                number: report.number,
            },
            incident: None,
            zone: None,
            org_path: event.org_path.clone(),
            recipients,
        })))
    }

    async fn step(&self, event: &Event, step: WorkOrderStep) -> Result<Plan, Error> {
        let Some(id) = wire::uuid_opt("incident_id", &step.incident_id)? else {
            return Ok(Plan::Nothing);
        };
        if step.step != "en_route" {
            let order = wire::uuid("order_id", &step.order_id)?;
            return Ok(Plan::NotEnRoute { incident: id, order });
        }
        let (incident, recipients) = self.everybody(id, step.incident_version).await?;
        let eta_at = wire::instant_opt("eta_at", step.eta_at)?;
        Ok(Plan::Tell(Box::new(Telling {
            subject: wire::uuid("order_id", &step.order_id)?,
            version: version_of(event),
            facts: Facts::CrewEnRoute {
                number: incident.number.clone(),
                eta_at,
            },
            org_path: incident.org_path.clone(),
            incident: Some(incident),
            zone: None,
            recipients,
        })))
    }

    async fn etr(&self, event: &Event, etr: EtrChanged) -> Result<Plan, Error> {
        let Some(id) = wire::uuid_opt("incident_id", &etr.incident_id)? else {
            return Ok(Plan::Nothing);
        };
        let order = wire::uuid("order_id", &etr.order_id)?;
        if etr.withdrawn {
            return Ok(Plan::NoEtr { incident: id, order });
        }
        let (incident, recipients) = self.everybody(id, etr.incident_version).await?;
        Ok(Plan::Tell(Box::new(Telling {
            subject: order,
            version: version_of(event),
            facts: Facts::Etr {
                number: incident.number.clone(),
                etr_at: wire::instant("etr_at", etr.etr_at)?,
                previous_at: wire::instant_opt("previous_at", etr.previous_at)?,
            },
            org_path: incident.org_path.clone(),
            incident: Some(incident),
            zone: None,
            recipients,
        })))
    }

    async fn interruption(&self, step: InterruptionStep) -> Result<Plan, Error> {
        if step.kind != "closed" {
            return Ok(Plan::Nothing);
        }
        let Some(id) = wire::uuid_opt("incident_id", &step.incident_id)? else {
            return match wire::uuid_opt("outage_id", &step.outage_id)? {
                Some(outage) => self.outage_over(&step, outage).await,
                // The end of a cut for a debt is told by `arrears.notice`, that of other switchings by who ordered them.
                None => Ok(Plan::Nothing),
            };
        };
        let step_id = wire::uuid("step_id", &step.step_id)?;
        let incident = incident::load(self.db.pool(), id, 0).await?;
        let members = self.people.step_members(step_id).await?;
        Ok(Plan::Tell(Box::new(Telling {
            subject: step_id,
            version: 1,
            facts: Facts::Restored {
                number: incident.number.clone(),
                on_at: wire::instant("at", step.at)?,
            },
            org_path: incident.org_path.clone(),
            incident: Some(incident),
            zone: None,
            recipients: self.people.recipients(&members).await?,
        })))
    }

    /// Who is off because of the incident, and those who reported it without being customers. Before the device is
    /// confirmed the ledger has the reporters only: a guess is told to nobody else (operations.md O18).
    async fn everybody(&self, id: Uuid, version: u64) -> Result<(Incident, Vec<Recipient>), Error> {
        let known = i64::try_from(version).unwrap_or(i64::MAX);
        let incident = incident::load(self.db.pool(), id, known).await?;
        let members = self.people.members(id, version).await?;
        let mut recipients = self.people.recipients(&members).await?;
        let strangers = self.people.strangers(id).await?;
        recipients.extend(strangers);
        Ok((incident, once(recipients)))
    }

    async fn tell(&self, work: &mut Work, telling: &Telling) -> Result<(), Error> {
        let purpose = telling.facts.purpose();
        if let Some(incident) = &telling.incident
            && !self.withdraw_older(work, incident.id, telling).await?
        {
            return Ok(());
        }
        let now = self.clock.now();
        let zone = self.zone_of(telling);
        let notice = Notice {
            purpose,
            subject: telling.subject,
            version: telling.version,
            incident: telling.incident.as_ref().map(|incident| incident.id),
            outage: None,
            case: None,
            org_path: &telling.org_path,
            zone: zone.name(),
            template: purpose.template(),
            template_version: self.book.current(purpose.template()),
            traceparent: &telemetry::traceparent(),
            created_at: now,
        };
        let rows: Vec<Row> = telling
            .recipients
            .iter()
            .filter_map(|one| self.row(one, &telling.facts, zone))
            .collect();
        message::insert(work.conn(), &notice, &rows).await?;
        self.bells.ring(&rows);
        Ok(())
    }

    /// Newer news takes unsent older news back. False when this is itself the older.
    async fn withdraw_older(
        &self,
        work: &mut Work,
        incident: Uuid,
        telling: &Telling,
    ) -> Result<bool, Error> {
        let newer = (telling.subject, telling.version);
        match telling.facts {
            Facts::Etr { .. } => {
                if !incident::newer_etr(work.conn(), incident, telling.subject, telling.version).await? {
                    return Ok(false);
                }
                message::supersede(work.conn(), incident, &[Purpose::Etr], None, newer).await?;
            }
            Facts::Restored { .. } => {
                let back: Vec<[u8; 32]> = telling.recipients.iter().map(|one| one.key).collect();
                let older = [Purpose::CrewEnRoute, Purpose::Etr];
                message::supersede(work.conn(), incident, &older, Some(&back), newer).await?;
            }
            Facts::CrewEnRoute { .. } => {
                message::supersede(work.conn(), incident, &[Purpose::CrewEnRoute], None, newer).await?;
            }
            Facts::Accepted { .. } | Facts::Code { .. } | Facts::WrongPerson => {}
        }
        Ok(true)
    }

    /// One message; `None` when it would be worth nothing by the time it may leave.
    fn row(&self, to: &Recipient, facts: &Facts, zone: Tz) -> Option<Row> {
        let purpose = facts.purpose();
        let due_at = earliest(purpose, to.night, self.clock.now(), zone, NIGHT);
        let end = match facts {
            Facts::Etr { etr_at, .. } => Some(*etr_at),
            _ => None,
        };
        let expires_at = purpose.expires_at(due_at, end);
        let id = Uuid::now_v7();
        (due_at < expires_at).then(|| Row {
            id,
            reach: to.reach,
            channel: to.channel,
            recipient: to.key,
            masked: to.masked.clone(),
            night: to.night,
            language: to.language,
            sealed: self.sealer.seal(id, &facts.vars(&self.house, to.language, zone)),
            due_at,
            expires_at,
            held: false,
        })
    }

    fn zone_of(&self, telling: &Telling) -> Tz {
        let own = telling
            .incident
            .as_ref()
            .and_then(|incident| incident.zone.parse().ok());
        own.or(telling.zone).unwrap_or(self.zone)
    }
}

/// The customer who is answered, when the reporter is one.
fn answered(report: &ReportAccepted) -> Result<Option<Uuid>, Error> {
    if report.triage == URGE {
        return Ok(None);
    }
    Ok(wire::uuid_opt("customer_id", &report.customer_id)?)
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
