//! Who is told, and how they are reached: members from the ledger, contacts from the registry, the phones of reporters
//! from intake. Contact values live in memory only.

mod affected;

pub use affected::{Affected, Page};

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use relight_common::{
    grpc::{Outgoing, Peers},
    wire,
};
use relight_proto::{
    arrears::v1::{
        TextOfReply, TextOfRequest, TextsOfRequest, notice_text_batches_client::NoticeTextBatchesClient,
        notice_texts_client::NoticeTextsClient,
    },
    common::v1::Language as WireLanguage,
    insight::v1::{LedgerMembersReply, MembersRequest, StepMembersRequest, insight_client::InsightClient},
    intake::v1::{ReporterContact, ReportersRequest, intake_client::IntakeClient},
    registry::v1::{
        AreasOfRequest, ContactsRequest, customer_areas_client::CustomerAreasClient,
        registry_client::RegistryClient, set_members_client::SetMembersClient,
    },
};
use tonic::Code;
use uuid::Uuid;

use crate::{
    domain::notice::{Channel, ContactRole, Language},
    error::Error,
    seal::{Sealer, mask},
};

/// Customers asked for in one call.
const CUSTOMERS_MAX: usize = 500;
/// Calls for contacts on their way at one time.
const CALLS: usize = 4;
/// Members in one page.
pub const PAGE: u32 = 5_000;
/// How long a contact read for sending is believed: a number reported as wrong is not used after that.
const BELIEVED: Duration = Duration::from_secs(30);

/// How a person is reached, by reference; the value is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// A contact on file.
    Contact {
        /// Whose.
        customer: Uuid,
        /// Which.
        contact: Uuid,
    },
    /// The phone given with a report.
    Reporter {
        /// The report.
        report: Uuid,
    },
}

/// Somebody to be told, on one channel.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// How they are reached.
    pub reach: Reach,
    /// The channel.
    pub channel: Channel,
    /// Their language.
    pub language: Language,
    /// HMAC of the contact value.
    pub key: [u8; 32],
    /// What may be shown of it.
    pub masked: String,
    /// Whether the night does not put their messages off.
    pub night: bool,
    /// Whose it is. A carer or property manager is told beside the customer: of outages only, and no proof that the customer was.
    pub role: ContactRole,
}

impl Recipient {
    /// Whose contact it is; `None` for the phone of a reporter.
    pub fn customer(&self) -> Option<Uuid> {
        match self.reach {
            Reach::Contact { customer, .. } => Some(customer),
            Reach::Reporter { .. } => None,
        }
    }
}

/// A contact with its value; never stored, never logged.
#[derive(Clone)]
pub struct Contact {
    /// Whose.
    pub customer: Uuid,
    /// Which.
    pub id: Uuid,
    /// The channel.
    pub channel: Channel,
    /// Their language.
    pub language: Language,
    /// Number or address.
    pub value: String,
    /// Whether it is the customer's own, or of who looks after them or manages their house.
    pub role: ContactRole,
}

/// A member of an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub customer: Uuid,
    /// Whether they reported.
    pub reporter: bool,
}

/// Asks the other services about people.
#[derive(Debug)]
pub struct People {
    registry: RegistryClient<Outgoing>,
    areas: CustomerAreasClient<Outgoing>,
    sets: SetMembersClient<Outgoing>,
    intake: IntakeClient<Outgoing>,
    insight: InsightClient<Outgoing>,
    arrears: NoticeTextsClient<Outgoing>,
    many_texts: NoticeTextBatchesClient<Outgoing>,
    sealer: Sealer,
    believed: Mutex<HashMap<Uuid, (Instant, Vec<Contact>)>>,
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Contact({})", self.id)
    }
}

/// Every contact value once per channel; reporting on one account is enough to be a reporter, and who is somebody's carer
/// and off as well is told as themselves.
pub(crate) fn once(mut recipients: Vec<Recipient>) -> Vec<Recipient> {
    recipients.sort_by_key(|one| one.role.is_beside());
    let mut by_value: BTreeMap<([u8; 32], Channel), Recipient> = BTreeMap::new();
    for recipient in recipients {
        let night = recipient.night;
        let kept = by_value
            .entry((recipient.key, recipient.channel))
            .or_insert(recipient);
        kept.night |= night;
    }
    by_value.into_values().collect()
}

/// Of every contact of `members` their own first one on each channel, and everybody beside them; the night does not put off
/// who reported.
pub(crate) fn chosen(mut reachable: Vec<Recipient>, members: &[Member]) -> Vec<Recipient> {
    let reporters = members.iter().filter(|member| member.reporter);
    let reporters: BTreeSet<Uuid> = reporters.map(|member| member.customer).collect();
    let mut has = BTreeSet::new();
    reachable.retain(|one| one.role.is_beside() || has.insert((one.customer(), one.channel)));
    for one in &mut reachable {
        let reported = |customer| reporters.contains(&customer);
        one.night = !one.role.is_beside() && one.customer().is_some_and(reported);
    }
    once(reachable)
}

impl People {
    /// Over the channels of `peers`.
    pub fn new(peers: &Peers, sealer: Sealer) -> Self {
        Self {
            registry: RegistryClient::new(peers.to("registry")),
            areas: CustomerAreasClient::new(peers.to("registry")),
            sets: SetMembersClient::new(peers.to("registry")),
            intake: IntakeClient::new(peers.to("intake")),
            insight: InsightClient::new(peers.to("insight")),
            arrears: NoticeTextsClient::new(peers.to("arrears")),
            many_texts: NoticeTextBatchesClient::new(peers.to("arrears")),
            sealer,
            believed: Mutex::default(),
        }
    }

    /// Who is off because of an incident, once the ledger has applied `version` of it.
    ///
    /// # Errors
    /// `Unavailable` until it has.
    pub async fn members(&self, incident: Uuid, version: u64) -> Result<Vec<Member>, Error> {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let request = MembersRequest {
                incident_id: incident.to_string(),
                min_incident_version: version,
                after,
                limit: PAGE,
            };
            let reply = self
                .insight
                .clone()
                .members(request)
                .await
                .map_err(Error::peer("insight"))?;
            after = push_members(&mut found, reply.into_inner())?;
            if after.is_empty() {
                return Ok(found);
            }
        }
    }

    /// Whom a step of the ledger closed.
    ///
    /// # Errors
    /// When the ledger cannot be asked.
    pub async fn step_members(&self, step: Uuid) -> Result<Vec<Member>, Error> {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let request = StepMembersRequest {
                step_id: step.to_string(),
                after,
                limit: PAGE,
            };
            let reply = self
                .insight
                .clone()
                .step_members(request)
                .await
                .map_err(Error::peer("insight"))?;
            after = push_members(&mut found, reply.into_inner())?;
            if after.is_empty() {
                return Ok(found);
            }
        }
    }

    /// One text and one mail for each of `members`, as far as they have contacts; one person once.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub async fn recipients(&self, members: &[Member]) -> Result<Vec<Recipient>, Error> {
        let customers: BTreeSet<Uuid> = members.iter().map(|m| m.customer).collect();
        let reachable = self.reachable(&customers.into_iter().collect::<Vec<_>>()).await?;
        Ok(chosen(reachable, members))
    }

    /// Every contact of these customers.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub async fn reachable(&self, customers: &[Uuid]) -> Result<Vec<Recipient>, Error> {
        let contacts = self.contacts(customers).await?;
        let found = contacts.into_iter().map(|c| Recipient {
            reach: Reach::Contact {
                customer: c.customer,
                contact: c.id,
            },
            channel: c.channel,
            language: c.language,
            key: self.sealer.recipient(&c.value),
            masked: mask(c.channel, &c.value),
            night: false,
            role: c.role,
        });
        Ok(found.collect())
    }

    /// Those who reported an incident and are no customers of ours: by the phone they gave.
    ///
    /// # Errors
    /// When intake cannot be asked.
    pub async fn strangers(&self, incident: Uuid) -> Result<Vec<Recipient>, Error> {
        let request = ReportersRequest {
            incident_id: incident.to_string(),
            report_id: String::new(),
        };
        let reporters = self.reporters(request).await?;
        let strangers = reporters.iter().filter(|r| r.customer_id.is_empty());
        strangers
            .filter_map(|r| self.by_phone(r).transpose())
            .collect::<Result<_, _>>()
            .map(once)
    }

    /// The reporter of one report, by the phone they gave with it.
    ///
    /// # Errors
    /// When intake cannot be asked.
    pub async fn reporter(&self, report: Uuid) -> Result<Vec<Recipient>, Error> {
        let request = ReportersRequest {
            incident_id: String::new(),
            report_id: report.to_string(),
        };
        let reporters = self.reporters(request).await?;
        reporters
            .iter()
            .filter_map(|r| self.by_phone(r).transpose())
            .collect()
    }

    async fn reporters(&self, request: ReportersRequest) -> Result<Vec<ReporterContact>, Error> {
        match self.intake.clone().reporters(request).await {
            Ok(reply) => Ok(reply.into_inner().reporters),
            Err(status) if status.code() == Code::NotFound => Ok(Vec::new()),
            Err(status) => Err(Error::peer("intake")(status)),
        }
    }

    fn by_phone(&self, reporter: &ReporterContact) -> Result<Option<Recipient>, Error> {
        if reporter.phone.is_empty() {
            return Ok(None);
        }
        Ok(Some(Recipient {
            reach: Reach::Reporter {
                report: wire::uuid("report_id", &reporter.report_id)?,
            },
            channel: Channel::Sms,
            language: language(reporter.language),
            key: self.sealer.recipient(&reporter.phone),
            masked: mask(Channel::Sms, &reporter.phone),
            night: true,
            role: ContactRole::Own,
        }))
    }

    /// Where in the organisation a customer is or was at home.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub async fn areas_of(&self, customer: Uuid) -> Result<Vec<String>, Error> {
        let request = AreasOfRequest {
            customer_id: customer.to_string(),
        };
        let reply = self.areas.clone().areas_of(request).await;
        Ok(reply.map_err(Error::peer("registry"))?.into_inner().org_paths)
    }

    /// What a message about a debt says now.
    ///
    /// # Errors
    /// When arrears cannot be asked.
    pub async fn text_of(&self, request: TextOfRequest) -> Result<TextOfReply, Error> {
        self.arrears
            .clone()
            .text_of(request)
            .await
            .map(tonic::Response::into_inner)
            .map_err(Error::peer("arrears"))
    }

    /// What many messages about debts say now, by notice. One that is missing is asked for alone, and says why.
    ///
    /// # Errors
    /// When arrears cannot be asked.
    pub async fn texts_of(&self, notices: Vec<TextOfRequest>) -> Result<HashMap<String, TextOfReply>, Error> {
        let mut texts = HashMap::with_capacity(notices.len());
        for some in notices.chunks(CUSTOMERS_MAX) {
            let request = TextsOfRequest {
                notices: some.to_vec(),
            };
            let reply = self.many_texts.clone().texts_of(request).await;
            texts.extend(reply.map_err(Error::peer("arrears"))?.into_inner().texts);
        }
        Ok(texts)
    }

    /// All contacts of these customers.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub async fn contacts(&self, customers: &[Uuid]) -> Result<Vec<Contact>, Error> {
        let requests: Vec<ContactsRequest> = customers
            .chunks(CUSTOMERS_MAX)
            .map(|some| ContactsRequest {
                customer_ids: some.iter().map(Uuid::to_string).collect(),
            })
            .collect();
        let registry = self.registry.clone();
        let mut replies = futures_util::stream::iter(requests)
            .map(move |request| {
                let mut registry = registry.clone();
                async move { registry.contacts(request).await.map_err(Error::peer("registry")) }
            })
            .buffered(CALLS);
        let mut found = Vec::new();
        while let Some(reply) = replies.next().await {
            for contact in reply?.into_inner().contacts {
                // A channel this release does not know is somebody else's business.
                let Some(channel) = Channel::parse(&contact.channel) else {
                    continue;
                };
                found.push(Contact {
                    customer: wire::uuid("customer_id", &contact.customer_id)?,
                    id: wire::uuid("contact_id", &contact.contact_id)?,
                    channel,
                    language: language(contact.language),
                    value: contact.value,
                    role: ContactRole::said(&contact.role),
                });
            }
        }
        Ok(found)
    }

    /// The values behind references, right before sending. One that is gone is `None`.
    ///
    /// # Errors
    /// When one of the services cannot be asked; nothing is sent then.
    pub async fn values(&self, wanted: &[Reach]) -> Result<HashMap<Reach, Option<String>>, Error> {
        let customers: BTreeSet<Uuid> = wanted
            .iter()
            .filter_map(|reach| match reach {
                Reach::Contact { customer, .. } => Some(*customer),
                Reach::Reporter { .. } => None,
            })
            .collect();
        let contacts = self.believed_contacts(&customers).await?;
        let mut values = HashMap::new();
        for reach in wanted {
            let value = match reach {
                Reach::Contact { contact, .. } => contacts.get(contact).cloned(),
                Reach::Reporter { report } => self.phone_of(*report).await?,
            };
            values.insert(*reach, value);
        }
        Ok(values)
    }

    async fn phone_of(&self, report: Uuid) -> Result<Option<String>, Error> {
        let request = ReportersRequest {
            incident_id: String::new(),
            report_id: report.to_string(),
        };
        let phones = self.reporters(request).await?.into_iter().map(|r| r.phone);
        Ok(phones.into_iter().find(|phone| !phone.is_empty()))
    }

    /// Contact values by contact id, read at most [`BELIEVED`] ago.
    async fn believed_contacts(&self, customers: &BTreeSet<Uuid>) -> Result<HashMap<Uuid, String>, Error> {
        let now = Instant::now();
        let missing: Vec<Uuid> = {
            let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
            believed.retain(|_, (read_at, _)| now.duration_since(*read_at) < BELIEVED);
            customers
                .iter()
                .filter(|one| !believed.contains_key(one))
                .copied()
                .collect()
        };
        let read = self.contacts(&missing).await?;
        let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        for customer in missing {
            believed.insert(customer, (now, Vec::new()));
        }
        for contact in read {
            believed
                .entry(contact.customer)
                .or_insert((now, Vec::new()))
                .1
                .push(contact);
        }
        let wanted = customers.iter().filter_map(|one| believed.get(one));
        Ok(wanted
            .flat_map(|(_, contacts)| contacts)
            .map(|c| (c.id, c.value.clone()))
            .collect())
    }
}

fn push_members(found: &mut Vec<Member>, reply: LedgerMembersReply) -> Result<String, Error> {
    for member in reply.members {
        let customer = wire::uuid("customer_id", &member.customer_id)?;
        found.push(Member {
            customer,
            reporter: member.reporter,
        });
    }
    Ok(reply.next_after)
}

/// The language on the wire; Chinese where none is given.
pub fn language(wire: i32) -> Language {
    match WireLanguage::try_from(wire) {
        Ok(WireLanguage::En) => Language::En,
        _ => Language::ZhCn,
    }
}
