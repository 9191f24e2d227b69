//! Who is below a device: asked of the registry before the transaction.

use std::collections::{BTreeMap, BTreeSet};

use relight_common::{Error as Common, grpc::Outgoing, wire};
use relight_proto::registry::v1::{MembersRequest, registry_client::RegistryClient};
use uuid::Uuid;

use crate::{
    domain::record::{CustomerId, Instant},
    error::Error,
};

const PAGE: u32 = 5_000;

/// Who is in a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// They are.
    pub customers: BTreeSet<CustomerId>,
    /// At which voltage they are supplied, volts; of several supplies in the set the highest. Who is not here: not known.
    pub voltages: BTreeMap<CustomerId, i32>,
}

impl Members {
    /// One of their service points, at so many volts; 0: not known.
    pub fn add(&mut self, customer: CustomerId, voltage_v: u32) {
        self.customers.insert(customer);
        if let Some(volts) = i32::try_from(voltage_v).ok().filter(|volts| *volts > 0) {
            let known = self.voltages.entry(customer).or_insert(volts);
            *known = volts.max(*known);
        }
    }
}

/// Whoever knows the members of affected sets.
pub trait AffectedSets: Send + Sync + 'static {
    /// Who had the service points of a set at `at`. Neither sets nor the past change, so asking again gives the same.
    fn members(&self, set: Uuid, at: Instant) -> impl Future<Output = Result<Members, Error>> + Send;
}

/// The registry, asked in pages of 5,000.
#[derive(Debug, Clone)]
pub struct Registry {
    client: RegistryClient<Outgoing>,
}

impl Registry {
    /// Asks over this channel.
    pub fn new(channel: Outgoing) -> Self {
        Self {
            client: RegistryClient::new(channel),
        }
    }
}

impl AffectedSets for Registry {
    async fn members(&self, set: Uuid, at: Instant) -> Result<Members, Error> {
        let (mut all, mut after) = (Members::default(), String::new());
        loop {
            let request = MembersRequest {
                set_id: set.to_string(),
                after,
                limit: PAGE,
                at: Some(wire::timestamp(at)),
                ..MembersRequest::default()
            };
            let reply = self
                .client
                .clone()
                .members(request)
                .await
                .map_err(Common::peer("the registry"))?;
            let page = reply.into_inner();
            // Service points without a customer (not yet let) have nobody to record.
            for member in page
                .members
                .iter()
                .filter(|member| !member.customer_id.is_empty())
            {
                let id = CustomerId::parse(&member.customer_id);
                let id = id.map_err(|_| Error::Peer("the registry", "a customer id that is no UUID"))?;
                all.add(id, member.voltage_v);
            }
            if page.next_after.is_empty() {
                return Ok(all);
            }
            after = page.next_after;
        }
    }
}
