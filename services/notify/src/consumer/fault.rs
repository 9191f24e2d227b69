//! News of faults: reports, orders on their way, estimates, supply that is back. What others know is asked here, before the
//! transaction; [`together`](super::together) writes what comes of it.

use chrono_tz::Tz;
use relight_common::{telemetry, wire};
use relight_proto::events::v1::{EtrChanged, Event, InterruptionStep, ReportAccepted, WorkOrderStep};
use uuid::Uuid;

use super::{
    Notices, Plan,
    asked::{Asked, URGE, answered},
    version_of,
};
use crate::{
    domain::{notice::Purpose, words::Facts},
    error::Error,
    people::{Member, Recipient, chosen, once},
    store::incident::Incident,
};

/// What is new, what it takes back and who is told.
#[derive(Debug)]
pub struct News {
    /// The incident, when there is one.
    pub(super) incident: Option<Uuid>,
    /// About what it is, and decides what is taken back.
    pub(super) purpose: Purpose,
    /// Subject and version: messages of the same or newer ones of the subject stay.
    pub(super) newer: (Uuid, i64),
    /// None: it only takes back.
    pub(super) telling: Option<Telling>,
    /// Trace of its event.
    pub(super) traceparent: String,
}

/// Who is told what.
#[derive(Debug)]
pub(super) struct Telling {
    pub(super) facts: Facts,
    pub(super) zone: Tz,
    pub(super) org_path: String,
    pub(super) recipients: Vec<Recipient>,
}

impl News {
    /// Nobody is told; what says so and was not sent is taken back.
    fn no_more(purpose: Purpose, incident: Uuid, newer: (Uuid, i64)) -> Plan {
        Plan::News(Box::new(Self {
            incident: Some(incident),
            purpose,
            newer,
            telling: None,
            traceparent: telemetry::traceparent(),
        }))
    }

    /// Somebody is told.
    pub(super) fn told(incident: Option<Uuid>, newer: (Uuid, i64), telling: Telling) -> Plan {
        Plan::News(Box::new(Self {
            incident,
            purpose: telling.facts.purpose(),
            newer,
            telling: Some(telling),
            traceparent: telemetry::traceparent(),
        }))
    }
}

impl Notices {
    /// To the reporter: their contacts on file, else the phone they gave. An urge has no second answer.
    pub(super) async fn accepted(
        &self,
        event: &Event,
        report: ReportAccepted,
        asked: &Asked,
    ) -> Result<Plan, Error> {
        if report.triage == URGE {
            return Ok(Plan::Nothing);
        }
        let id = wire::uuid("report_id", &report.report_id)?;
        let reporter = answered(&report)?.map(|customer| Member {
            customer,
            reporter: true,
        });
        let on_file = reporter
            .map(|one| asked.contacts(one.customer))
            .unwrap_or_default();
        let mut recipients = chosen(on_file, reporter.as_slice());
        if recipients.is_empty() {
            recipients = self.people.reporter(id).await?;
        }
        let telling = Telling {
            facts: Facts::Accepted {
                number: report.number,
            },
            zone: self.zone,
            org_path: event.org_path.clone(),
            recipients,
        };
        Ok(News::told(None, (id, 1), telling))
    }

    pub(super) async fn step(
        &self,
        event: &Event,
        step: &WorkOrderStep,
        asked: &Asked,
    ) -> Result<Plan, Error> {
        let Some(id) = wire::uuid_opt("incident_id", &step.incident_id)? else {
            return Ok(Plan::Nothing);
        };
        let newer = (wire::uuid("order_id", &step.order_id)?, version_of(event));
        if step.step != "en_route" {
            return Ok(News::no_more(Purpose::CrewEnRoute, id, newer));
        }
        let (incident, recipients) = self.everybody(id, step.incident_version, asked).await?;
        let facts = Facts::CrewEnRoute {
            number: incident.number.clone(),
            eta_at: wire::instant_opt("eta_at", step.eta_at)?,
        };
        Ok(News::told(
            Some(id),
            newer,
            self.telling(facts, incident, recipients),
        ))
    }

    pub(super) async fn etr(&self, event: &Event, etr: &EtrChanged, asked: &Asked) -> Result<Plan, Error> {
        let Some(id) = wire::uuid_opt("incident_id", &etr.incident_id)? else {
            return Ok(Plan::Nothing);
        };
        let newer = (wire::uuid("order_id", &etr.order_id)?, version_of(event));
        if etr.withdrawn {
            return Ok(News::no_more(Purpose::Etr, id, newer));
        }
        let (incident, recipients) = self.everybody(id, etr.incident_version, asked).await?;
        let facts = Facts::Etr {
            number: incident.number.clone(),
            etr_at: wire::instant("etr_at", etr.etr_at)?,
            previous_at: wire::instant_opt("previous_at", etr.previous_at)?,
        };
        Ok(News::told(
            Some(id),
            newer,
            self.telling(facts, incident, recipients),
        ))
    }

    pub(super) async fn interruption(&self, step: &InterruptionStep, asked: &Asked) -> Result<Plan, Error> {
        if step.kind != "closed" {
            return Ok(Plan::Nothing);
        }
        let Some(id) = wire::uuid_opt("incident_id", &step.incident_id)? else {
            return match wire::uuid_opt("outage_id", &step.outage_id)? {
                Some(outage) => self.outage_over(step, outage).await,
                // The end of a cut for a debt is told by `arrears.notice`, that of other switchings by who ordered them.
                None => Ok(Plan::Nothing),
            };
        };
        let step_id = wire::uuid("step_id", &step.step_id)?;
        let incident = asked.incident(id, 0)?;
        let members = self.people.step_members(step_id).await?;
        let recipients = self.people.recipients(&members).await?;
        let facts = Facts::Restored {
            number: incident.number.clone(),
            on_at: wire::instant("at", step.at)?,
            by_switching: step.by_switching,
        };
        Ok(News::told(
            Some(id),
            (step_id, 1),
            self.telling(facts, incident, recipients),
        ))
    }

    /// Who is off because of the incident, and those who reported it without being customers. Before the device is
    /// confirmed the ledger has the reporters only: a guess is told to nobody else (operations.md O18).
    async fn everybody(
        &self,
        id: Uuid,
        version: u64,
        asked: &Asked,
    ) -> Result<(Incident, Vec<Recipient>), Error> {
        let incident = asked.incident(id, version)?;
        let members = self.people.members(id, version).await?;
        let mut recipients = self.people.recipients(&members).await?;
        let strangers = self.people.strangers(id).await?;
        recipients.extend(strangers);
        Ok((incident, once(recipients)))
    }

    fn telling(&self, facts: Facts, incident: Incident, recipients: Vec<Recipient>) -> Telling {
        Telling {
            facts,
            zone: incident.zone.parse().unwrap_or(self.zone),
            org_path: incident.org_path,
            recipients,
        }
    }
}
