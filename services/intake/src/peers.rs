//! What intake asks of others while a report is accepted, 200 ms each: whose account it is, and whether that customer
//! is known to be off. No answer in time is no obstacle.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures_util::stream;
use relight_common::{
    batch::{Batcher, Size},
    grpc::{self, Outgoing},
    wire,
};
use relight_policy::AreaClass;
use relight_proto::{
    common::v1 as common,
    insight::v1::{HistoryRequest, Interruption, WhyOffRequest, insight_client::InsightClient},
    registry::v1::{
        AffectedSet, CreateAffectedSetRequest, MembersRequest, PointsOfAccountsRequest, PointsOfSet,
        ServicePoint as Wire, accounts_client::AccountsClient, listed_sets_client::ListedSetsClient,
        registry_client::RegistryClient,
    },
};
use tonic::Status;
use uuid::Uuid;

use crate::domain::{
    IncidentId,
    place::{Position, ServicePoint},
    report::KnownOutage,
};

/// Longest wait for a triage look-up.
pub const TRIAGE: Duration = Duration::from_millis(200);
/// Longest wait when a look-up is repeated for a stored report.
pub const RETRY: Duration = Duration::from_secs(2);
/// How long an account is taken as it was.
const KEPT: Duration = Duration::from_secs(60);
/// Members of a set asked for at once.
const MEMBERS: u32 = 5_000;
/// Records of a customer, the newest first, in which one that covered an earlier moment is looked for.
const HISTORY: u32 = 100;
/// The class of a record whose reason is a fault: the engine's own business.
const FAULT: &str = "FAULT";
/// The classes of records of one customer alone, whose own relay is open by right.
const CUTS: [&str; 2] = ["ARREARS", "CUSTOMER_REQUEST"];
/// Accounts in one generation of the cache; two are kept.
const GENERATION: usize = 50_000;

/// What the registry says of an account.
#[derive(Debug, Clone, PartialEq)]
pub enum Account {
    /// It exists.
    Known(Arc<ServicePoint>),
    /// It does not.
    Unknown,
    /// Nobody answered in time.
    NoAnswer,
}

/// The other services, with a bounded memory of accounts.
#[derive(Debug)]
pub struct Peers {
    registry: RegistryClient<Outgoing>,
    /// For sets of very many service points.
    listed: ListedSetsClient<Outgoing>,
    insight: InsightClient<Outgoing>,
    off: Batcher<Uuid, Result<Option<KnownOutage>, NoAnswer>>,
    point: Batcher<String, Result<Option<Arc<ServicePoint>>, NoAnswer>>,
    accounts: Mutex<Generations>,
}

/// Customers or accounts asked for together, and how many such calls are open at a time.
const TOGETHER: Size = Size {
    most: 200,
    at_once: 2,
};

/// Most service points of one message about a set.
const LISTED_MAX: usize = 20_000;

/// Who was asked did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAnswer;

type Remembered = (Instant, Option<Arc<ServicePoint>>);

/// A bounded cache: when the young generation is full it becomes the old one, and the old one is forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<String, Remembered>,
    old: HashMap<String, Remembered>,
}

impl Generations {
    fn get(&self, account: &str) -> Option<Option<Arc<ServicePoint>>> {
        let found = self.young.get(account).or_else(|| self.old.get(account));
        found
            .filter(|(at, _)| at.elapsed() < KEPT)
            .map(|(_, point)| point.clone())
    }

    fn put(&mut self, account: &str, point: Option<Arc<ServicePoint>>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(account.to_owned(), (Instant::now(), point));
    }

    fn forget(&mut self, customer: Uuid) {
        let other = |_: &String, (_, point): &mut Remembered| {
            point.as_ref().is_some_and(|point| point.customer_id != customer)
        };
        self.young.retain(other);
        self.old.retain(other);
    }
}

impl Peers {
    pub(crate) fn new(peers: &grpc::Peers) -> Self {
        let insight = InsightClient::new(peers.to("insight"));
        let ask = insight.clone();
        let accounts = AccountsClient::new(peers.to("registry"));
        Self {
            registry: RegistryClient::new(peers.to("registry")),
            listed: ListedSetsClient::new(peers.patient("registry")),
            insight,
            off: Batcher::new("ask the ledger", TOGETHER, move |customers| {
                why_off(ask.clone(), customers)
            }),
            point: Batcher::new("ask the registry", TOGETHER, move |asked| {
                points(accounts.clone(), asked)
            }),
            accounts: Mutex::default(),
        }
    }

    fn accounts(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose account this is, from memory or from the registry within `wait`. Accounts that are looked up at the same
    /// time are asked for together.
    pub async fn account(&self, account: &str, wait: Duration) -> Account {
        if let Some(known) = self.accounts().get(account) {
            return known.map_or(Account::Unknown, Account::Known);
        }
        let point = match tokio::time::timeout(wait, self.point.ask(account.to_owned())).await {
            Ok(Ok(Ok(point))) => point,
            Ok(Ok(Err(NoAnswer)) | Err(_)) | Err(_) => {
                metrics::counter!("relight_triage_no_answer_total", "peer" => "registry").increment(1);
                return Account::NoAnswer;
            }
        };
        self.accounts().put(account, point.clone());
        point.map_or(Account::Unknown, Account::Known)
    }

    /// Forgets what was remembered of a customer, and of accounts that did not exist.
    pub fn forget(&self, customer: Uuid) {
        self.accounts().forget(customer);
    }

    /// Forgets what was remembered of all accounts.
    pub fn forget_all(&self) {
        *self.accounts() = Generations::default();
    }

    /// The open record of the ledger for this customer. Customers who are looked up at the same time are asked for together.
    ///
    /// # Errors
    /// [`NoAnswer`] in time.
    pub async fn why_off(&self, customer: Uuid) -> Result<Option<KnownOutage>, NoAnswer> {
        let asked = tokio::time::timeout(TRIAGE, self.off.ask(customer)).await;
        match asked {
            Ok(Ok(Ok(known))) => Ok(known),
            Ok(Ok(Err(NoAnswer)) | Err(_)) | Err(_) => Err(ledger_is_silent()),
        }
    }

    /// The record of the ledger that covers `at` for this customer, open or closed since.
    ///
    /// # Errors
    /// [`NoAnswer`] in time.
    pub async fn why_off_at(
        &self,
        customer: Uuid,
        at: DateTime<Utc>,
    ) -> Result<Option<KnownOutage>, NoAnswer> {
        let request = HistoryRequest {
            customer_id: customer.to_string(),
            page: Some(common::PageRequest {
                cursor: String::new(),
                size: HISTORY,
            }),
        };
        let mut insight = self.insight.clone();
        let Ok(Ok(reply)) = tokio::time::timeout(TRIAGE, insight.history(request)).await else {
            return Err(ledger_is_silent());
        };
        let mut records = reply.into_inner().interruptions.into_iter();
        Ok(records.find(|record| covers(record, at)).map(known_outage))
    }

    /// Those of these customers (at most 500) who are off for a reason that is no fault and explains it at `now`, if the ledger
    /// answers in time.
    pub async fn off_for_a_reason(&self, customers: &[Uuid], now: DateTime<Utc>) -> Option<HashSet<Uuid>> {
        let request = WhyOffRequest {
            customer_ids: customers.iter().map(Uuid::to_string).collect(),
        };
        let mut insight = self.insight.clone();
        let Ok(Ok(reply)) = tokio::time::timeout(TRIAGE, insight.why_off(request)).await else {
            metrics::counter!("relight_triage_no_answer_total", "peer" => "insight").increment(1);
            return None;
        };
        let records = reply.into_inner().open.into_iter();
        let explained = records.filter(|record| record.class != FAULT);
        Some(
            explained
                .map(|record| (record.customer_id.clone(), known_outage(record)))
                .filter(|(_, known)| !known.is_over(now))
                .filter_map(|(customer, _)| customer.parse().ok())
                .filter(|customer| customers.contains(customer))
                .collect(),
        )
    }

    /// The service points of a stored set.
    ///
    /// # Errors
    /// What the registry says.
    pub async fn members(&self, set: &str) -> Result<Vec<Uuid>, Status> {
        let (mut members, mut after) = (Vec::new(), String::new());
        loop {
            let request = MembersRequest {
                set_id: set.to_owned(),
                after,
                limit: MEMBERS,
                ..MembersRequest::default()
            };
            let reply = self.registry.clone().members(request).await?.into_inner();
            let points = reply
                .members
                .iter()
                .map(|member| member.service_point_id.parse::<Uuid>());
            members.extend(points.filter_map(Result::ok));
            if reply.next_after.is_empty() {
                return Ok(members);
            }
            after = reply.next_after;
        }
    }

    /// Those of these customers (at most 500) whom a case or their own request keeps off, alone or beside another reason, if the ledger
    /// answers in time.
    pub async fn cut(&self, customers: &[Uuid]) -> Option<HashSet<Uuid>> {
        if customers.is_empty() {
            return Some(HashSet::new());
        }
        let request = WhyOffRequest {
            customer_ids: customers.iter().map(Uuid::to_string).collect(),
        };
        let mut insight = self.insight.clone();
        let Ok(Ok(reply)) = tokio::time::timeout(RETRY, insight.why_off(request)).await else {
            return None;
        };
        let of_cuts = |class: &String| CUTS.contains(&class.as_str());
        let records = reply.into_inner().open.into_iter();
        let cut = records.filter(|record| of_cuts(&record.class) || record.also.iter().any(of_cuts));
        Some(cut.filter_map(|record| record.customer_id.parse().ok()).collect())
    }

    /// The stored set of exactly these service points; `within`: those of that set.
    ///
    /// # Errors
    /// What the registry says.
    pub async fn set_of(&self, points: Vec<String>, within: Option<&str>) -> Result<AffectedSet, Status> {
        if points.len() > LISTED_MAX {
            return self.set_in_parts(points, within).await;
        }
        let request = CreateAffectedSetRequest {
            nobody: points.is_empty(),
            within_set_id: within
                .filter(|_| !points.is_empty())
                .unwrap_or_default()
                .to_owned(),
            service_point_external_ids: points,
            ..Default::default()
        };
        let reply = self.registry.clone().create_affected_set(request).await?;
        Ok(reply.into_inner())
    }

    async fn set_in_parts(
        &self,
        mut points: Vec<String>,
        within: Option<&str>,
    ) -> Result<AffectedSet, Status> {
        let mut parts = Vec::new();
        while !points.is_empty() {
            let rest = points.split_off(points.len().min(LISTED_MAX));
            parts.push(PointsOfSet {
                within_set_id: within.filter(|_| parts.is_empty()).unwrap_or_default().to_owned(),
                service_point_external_ids: std::mem::replace(&mut points, rest),
            });
        }
        let reply = self.listed.clone().create(stream::iter(parts)).await?;
        Ok(reply.into_inner())
    }

    /// The stored set of service points that lose supply when `device` opens. The same device gives the same set.
    ///
    /// # Errors
    /// What the registry says.
    pub async fn affected_set(&self, device: &str) -> Result<AffectedSet, Status> {
        let request = CreateAffectedSetRequest {
            device_ids: vec![device.to_owned()],
            ..Default::default()
        };
        let reply = self.registry.clone().create_affected_set(request).await?;
        Ok(reply.into_inner())
    }
}

fn ledger_is_silent() -> NoAnswer {
    metrics::counter!("relight_triage_no_answer_total", "peer" => "insight").increment(1);
    NoAnswer
}

fn covers(record: &Interruption, at: DateTime<Utc>) -> bool {
    let instant = |at| wire::instant_opt("at", at).ok().flatten();
    let is_over = instant(record.on_at).is_some_and(|on| on <= at);
    instant(record.off_at).is_some_and(|off| off <= at) && !is_over
}

/// What the ledger knows of each of these customers.
async fn why_off(
    mut insight: InsightClient<Outgoing>,
    customers: Vec<Uuid>,
) -> Vec<Result<Option<KnownOutage>, NoAnswer>> {
    let request = WhyOffRequest {
        customer_ids: customers.iter().map(Uuid::to_string).collect(),
    };
    let Ok(Ok(reply)) = tokio::time::timeout(TRIAGE, insight.why_off(request)).await else {
        return customers.iter().map(|_| Err(NoAnswer)).collect();
    };
    let records = reply.into_inner().open.into_iter();
    let open: HashMap<Uuid, KnownOutage> = records
        .filter_map(|record| Some((record.customer_id.parse().ok()?, known_outage(record))))
        .collect();
    customers
        .iter()
        .map(|customer| Ok(open.get(customer).cloned()))
        .collect()
}

/// Whose accounts these are.
async fn points(
    mut registry: AccountsClient<Outgoing>,
    accounts: Vec<String>,
) -> Vec<Result<Option<Arc<ServicePoint>>, NoAnswer>> {
    let request = PointsOfAccountsRequest {
        accounts: accounts.clone(),
    };
    let asked = tokio::time::timeout(RETRY, registry.points_of_accounts(request)).await;
    let found = asked
        .ok()
        .and_then(Result::ok)
        .map(|reply| reply.into_inner().points);
    let Some(found) = found.filter(|found| found.len() == accounts.len()) else {
        return accounts.iter().map(|_| Err(NoAnswer)).collect();
    };
    let points = found.iter().map(|found| found.service_point.as_ref());
    points
        .map(|point| Ok(point.and_then(service_point).map(Arc::new)))
        .collect()
}

fn known_outage(record: Interruption) -> KnownOutage {
    KnownOutage {
        incident: IncidentId::parse(&record.incident_id).ok(),
        off_at: wire::instant_opt("off_at", record.off_at).ok().flatten(),
        etr_at: wire::instant_opt("etr_at", record.etr_at).ok().flatten(),
        announced_end_at: wire::instant_opt("announced_end_at", record.announced_end_at)
            .ok()
            .flatten(),
        cause: record.cause_code,
        class: record.class,
        outage: record.outage_id,
        confirmed: record.confirmed,
    }
}

/// A service point of the wire; none when its ids are no ids.
pub(crate) fn service_point(wire: &Wire) -> Option<ServicePoint> {
    Some(ServicePoint {
        id: wire.service_point_id.parse().ok()?,
        customer_id: wire.customer_id.parse().ok()?,
        load_id: wire.external_id.clone(),
        transformer_id: wire.transformer_id.clone(),
        position: wire.position.map(|point| Position {
            lon: point.lon,
            lat: point.lat,
        }),
        area: area(wire.area_class()),
        org_path: wire.org_path.clone(),
        zone: wire.zone.clone(),
        important: wire.important,
        life_support: wire.life_support,
    })
}

fn area(area: common::AreaClass) -> Option<AreaClass> {
    match area {
        common::AreaClass::Unspecified => None,
        common::AreaClass::Urban => Some(AreaClass::Urban),
        common::AreaClass::Rural => Some(AreaClass::Rural),
        common::AreaClass::Remote => Some(AreaClass::Remote),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_accounts_is_bounded_and_forgets_a_changed_customer() {
        let mut cache = Generations::default();
        let point = |customer| ServicePoint {
            id: Uuid::nil(),
            customer_id: Uuid::from_u128(customer),
            load_id: String::new(),
            transformer_id: String::new(),
            position: None,
            area: None,
            org_path: String::new(),
            zone: String::new(),
            important: false,
            life_support: false,
        };
        cache.put("1", Some(Arc::new(point(1))));
        cache.put("2", Some(Arc::new(point(2))));
        cache.put("none", None);
        assert_eq!(cache.get("none"), Some(None));
        cache.forget(Uuid::from_u128(1));
        assert_eq!((cache.get("1"), cache.get("none")), (None, None));
        assert!(cache.get("2").is_some());
        for n in 0..3 * GENERATION {
            cache.put(&format!("A{n}"), None);
        }
        assert!(cache.young.len() + cache.old.len() <= 2 * GENERATION);
        assert!(cache.get("2").is_none());
    }
}
