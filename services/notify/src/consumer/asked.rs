//! What is asked once for many events before they are planned: the contacts of reporters and the incidents.

use std::collections::{BTreeSet, HashMap};

use relight_common::wire;
use relight_proto::{
    arrears::v1::{TextOfReply, TextOfRequest},
    events::v1::{
        ArrearsNotice, EtrChanged, Event, InterruptionStep, ReportAccepted, RestorationQuestion,
        WorkOrderStep,
    },
};
use uuid::Uuid;

use super::{Notices, decode};
use crate::{
    domain::debt::Kind,
    error::Error,
    people::Recipient,
    store::incident::{self, Incident},
};

/// Triage of somebody who asked again.
pub(super) const URGE: &str = "urge";

/// The answers.
#[derive(Debug)]
pub(super) struct Asked {
    on_file: HashMap<Uuid, Vec<Recipient>>,
    incidents: HashMap<Uuid, Incident>,
    /// By notice.
    texts: HashMap<String, TextOfReply>,
}

impl Asked {
    /// Every own contact of somebody who is answered, asked or told of a debt: none of that is for who stands beside them.
    pub(super) fn contacts(&self, customer: Uuid) -> Vec<Recipient> {
        self.on_file.get(&customer).cloned().unwrap_or_default()
    }

    /// What a message about a debt says.
    pub(super) fn text(&self, notice_id: &str) -> Option<TextOfReply> {
        self.texts.get(notice_id).cloned()
    }

    /// The incident, in at least `version`.
    ///
    /// # Errors
    /// [`Error::NotYet`] while that version is on its way.
    pub(super) fn incident(&self, id: Uuid, version: u64) -> Result<Incident, Error> {
        let wanted = i64::try_from(version).unwrap_or(i64::MAX);
        let known = self.incidents.get(&id);
        known
            .filter(|incident| incident.version >= wanted)
            .cloned()
            .ok_or(Error::NotYet(id, wanted))
    }
}

impl Notices {
    pub(super) async fn ask(&self, events: &[&Event]) -> Result<Asked, Error> {
        let (mut customers, mut incidents) = (BTreeSet::new(), BTreeSet::new());
        let mut debts = Vec::new();
        for event in events {
            customers.extend(customers_of(event)?);
            incidents.extend(needed(event)?);
            debts.extend(debt_of(event)?);
        }
        let incidents: Vec<Uuid> = incidents.into_iter().collect();
        Ok(Asked {
            on_file: self.on_file(customers.into_iter().collect()).await?,
            incidents: incident::load_all(self.db.pool(), &incidents).await?,
            texts: self.people.texts_of(debts).await?,
        })
    }

    /// The own contacts of these customers, by customer.
    async fn on_file(&self, customers: Vec<Uuid>) -> Result<HashMap<Uuid, Vec<Recipient>>, Error> {
        let mut on_file: HashMap<Uuid, Vec<Recipient>> = HashMap::new();
        let reachable = self.people.reachable(&customers).await?;
        for one in reachable.into_iter().filter(|one| !one.role.is_beside()) {
            on_file
                .entry(one.customer().unwrap_or_default())
                .or_default()
                .push(one);
        }
        Ok(on_file)
    }
}

/// The customers whose contacts are needed for this event.
fn customers_of(event: &Event) -> Result<Vec<Uuid>, Error> {
    match event.r#type.as_str() {
        "report.accepted" => Ok(answered(&decode(event)?)?.into_iter().collect()),
        "arrears.notice" => {
            let notice: ArrearsNotice = decode(event)?;
            Ok(vec![wire::uuid("customer_id", &notice.customer_id)?])
        }
        "restoration.question" => {
            let question: RestorationQuestion = decode(event)?;
            let asked = question.asked.iter();
            let ids = asked.map(|one| wire::uuid("customer_id", &one.customer_id));
            Ok(ids.collect::<Result<_, _>>()?)
        }
        _ => Ok(Vec::new()),
    }
}

/// What arrears is asked to write this message.
fn debt_of(event: &Event) -> Result<Option<TextOfRequest>, Error> {
    if event.r#type != "arrears.notice" {
        return Ok(None);
    }
    let notice: ArrearsNotice = decode(event)?;
    Ok(Kind::parse(&notice.kind).map(|_| asks(&notice)))
}

/// The question about one notice.
pub(super) fn asks(notice: &ArrearsNotice) -> TextOfRequest {
    TextOfRequest {
        notice_id: notice.notice_id.clone(),
        case_id: notice.case_id.clone(),
        kind: notice.kind.clone(),
    }
}

/// The customer who is answered, when the reporter is one.
pub(super) fn answered(report: &ReportAccepted) -> Result<Option<Uuid>, Error> {
    if report.triage == URGE {
        return Ok(None);
    }
    Ok(wire::uuid_opt("customer_id", &report.customer_id)?)
}

/// The incident that has to be known to tell people of this event.
fn needed(event: &Event) -> Result<Option<Uuid>, Error> {
    let incident = match event.r#type.as_str() {
        "workorder.step" => {
            let step: WorkOrderStep = decode(event)?;
            (step.step == "en_route").then_some(step.incident_id)
        }
        "etr.changed" => {
            let etr: EtrChanged = decode(event)?;
            (!etr.withdrawn).then_some(etr.incident_id)
        }
        "restoration.question" => Some(decode::<RestorationQuestion>(event)?.incident_id),
        "interruption.step" => {
            let step: InterruptionStep = decode(event)?;
            (step.kind == "closed").then_some(step.incident_id)
        }
        _ => None,
    };
    Ok(wire::uuid_opt("incident_id", &incident.unwrap_or_default())?)
}
