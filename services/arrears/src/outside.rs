//! What is asked of other services, before any transaction.

use relight_common::{Code, grpc::Peers, wire};
use relight_proto::{
    insight::v1::{WhyOffRequest, insight_client::InsightClient},
    planner::v1::{Lock, LocksAtRequest, standing_locks_client::StandingLocksClient},
    registry::v1::{
        MeterSupplyRequest, SealedNumberRequest, SupplyOfReply, SupplyOfRequest,
        customer_numbers_client::CustomerNumbersClient, meter_supplies_client::MeterSuppliesClient,
        supplies_client::SuppliesClient,
    },
};
use tonic::Status;
use uuid::Uuid;

use crate::{
    domain::{Instant, Locks, Premises, Site, class::Class},
    error::Error,
    store::{account::Supply, case::Stored},
};

/// Class of a ledger record that a case itself opened.
const ARREARS: &str = "ARREARS";

/// What the others know.
pub trait Outside: Send + Sync + 'static {
    /// Where an account is supplied; `Err` in words when it cannot be cut for arrears at all.
    fn supply(&self, account: &str) -> impl Future<Output = Result<Result<Supply, String>, Error>> + Send;
    /// Whether this contact is a number of the customer.
    fn is_number(&self, customer: Uuid, contact: Uuid) -> impl Future<Output = Result<bool, Error>> + Send;
    /// Whether the customer's premises are off for another reason. No answer is an answer: unknown.
    fn premises(&self, customer: Uuid) -> impl Future<Output = Premises> + Send;
    /// Whether cuts are locked there at that moment. No answer is an answer: unknown.
    fn locks(&self, org_path: &str, at: Instant) -> impl Future<Output = Locks> + Send;
    /// Whose supply a meter measures; `None` when nobody's, or when several have that number.
    fn meter(&self, meter_no: &str) -> impl Future<Output = Result<Option<Supply>, Error>> + Send;

    /// All that is known of the premises of a case at that moment.
    fn site(&self, stored: &Stored, at: Instant) -> impl Future<Output = Site> + Send {
        async move {
            let (premises, locks) = tokio::join!(
                self.premises(stored.customer_id),
                self.locks(&stored.org_path, at)
            );
            Site { premises, locks }
        }
    }
}

/// The other services.
#[derive(Debug, Clone)]
pub struct Services {
    peers: Peers,
}

impl Services {
    /// Called as arrears.
    pub fn new(peers: &Peers) -> Self {
        Self { peers: peers.clone() }
    }
}

impl Outside for Services {
    async fn supply(&self, account: &str) -> Result<Result<Supply, String>, Error> {
        let ask = SupplyOfRequest {
            account: account.to_owned(),
        };
        let mut registry = SuppliesClient::new(self.peers.to("registry"));
        match registry.supply_of(ask).await {
            Ok(reply) => read(reply.into_inner()),
            Err(status) if status.code() == Code::NotFound => Ok(Err("the account is not known".to_owned())),
            Err(status) if status.code() == Code::InvalidArgument => Ok(Err(status.message().to_owned())),
            Err(status) => Err(relight_common::Error::peer("registry")(status).into()),
        }
    }

    async fn is_number(&self, customer: Uuid, contact: Uuid) -> Result<bool, Error> {
        let ask = SealedNumberRequest {
            customer_id: customer.to_string(),
            contact_id: contact.to_string(),
        };
        let mut registry = CustomerNumbersClient::new(self.peers.to("registry"));
        match registry.sealed(ask).await {
            Ok(_) => Ok(true),
            Err(status) if status.code() == Code::NotFound => Ok(false),
            Err(status) => Err(relight_common::Error::peer("registry")(status).into()),
        }
    }

    async fn premises(&self, customer: Uuid) -> Premises {
        let ask = WhyOffRequest {
            customer_ids: vec![customer.to_string()],
        };
        let mut ledger = InsightClient::new(self.peers.to("insight"));
        match ledger.why_off(ask).await {
            Ok(reply) if reply.get_ref().open.iter().all(|record| record.class == ARREARS) => {
                Premises::Supplied
            }
            Ok(_) => Premises::Off,
            Err(status) => {
                tracing::warn!(%status, "the ledger does not say whether the premises are off");
                Premises::Unknown
            }
        }
    }

    async fn locks(&self, org_path: &str, at: Instant) -> Locks {
        self.standing(org_path, at).await.unwrap_or_else(|status| {
            tracing::warn!(%status, "the planner does not say whether cuts are locked");
            Locks::Unknown
        })
    }

    async fn meter(&self, meter_no: &str) -> Result<Option<Supply>, Error> {
        let ask = MeterSupplyRequest {
            meter_no: meter_no.to_owned(),
        };
        let mut registry = MeterSuppliesClient::new(self.peers.to("registry"));
        match registry.of_meter(ask).await {
            Ok(reply) => Ok(read(reply.into_inner())?.ok()),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(relight_common::Error::peer("registry")(status).into()),
        }
    }
}

impl Services {
    async fn standing(&self, org_path: &str, at: Instant) -> Result<Locks, Status> {
        let ask = LocksAtRequest {
            org_path: org_path.to_owned(),
            at: Some(wire::timestamp(at)),
        };
        let mut planner = StandingLocksClient::new(self.peers.to("planner"));
        let locks = planner.at(ask).await?.into_inner().locks;
        let until = |lock: &Lock| wire::instant("until_at", lock.until_at).ok();
        // The longest one, so that nobody comes back to the next one.
        Ok(match locks.iter().max_by_key(|lock| until(lock)) {
            None => Locks::Free,
            Some(lock) => match until(lock) {
                None => Locks::Unknown,
                Some(until) => Locks::Locked {
                    reason: format!("{}: {}", lock.kind, lock.reason),
                    until,
                },
            },
        })
    }
}

fn read(reply: SupplyOfReply) -> Result<Result<Supply, String>, Error> {
    if reply.supplies != 1 {
        let told = format!(
            "the account has {} supplies; one of them is not cut by itself",
            reply.supplies
        );
        return Ok(Err(told));
    }
    if reply.meter_no.is_empty() {
        return Ok(Err("the account's meter has no number on file".to_owned()));
    }
    let Some(point) = reply.service_point else {
        return Ok(Err("the account has no supply".to_owned()));
    };
    let Some(class) = Class::of_supply(&reply.use_class, point.important, point.life_support) else {
        let told = format!(
            "the use {:?} has no rule of disconnection in this release",
            reply.use_class
        );
        return Ok(Err(told));
    };
    Ok(Ok(Supply {
        account: point.account,
        customer_id: wire::uuid("customer_id", &point.customer_id)?,
        service_point_id: wire::uuid("service_point_id", &point.service_point_id)?,
        org_path: point.org_path,
        zone: point.zone,
        meter_no: reply.meter_no,
        class,
        name: reply.customer_name,
        address_zh: point.address_zh,
        address_en: point.address_en,
    }))
}
