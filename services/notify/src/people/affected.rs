//! Who loses supply with a set of devices, and what makes them special for a notice.

use std::collections::BTreeMap;

use relight_common::wire;
use relight_proto::registry::v1::MembersRequest;
use uuid::Uuid;

use super::{PAGE, People};
use crate::{domain::outage::Special, error::Error};

/// A customer below an outage, and what makes them special.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affected {
    /// Who.
    pub customer: Uuid,
    /// What makes them special.
    pub special: Special,
}

impl People {
    /// One page of those who lose supply with this set, each once in it, and where the next page begins (empty: there is
    /// none).
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub async fn affected(&self, set: Uuid, after: &str) -> Result<(Vec<Affected>, String), Error> {
        let request = MembersRequest {
            set_id: set.to_string(),
            after: after.to_owned(),
            limit: PAGE,
        };
        let reply = self
            .registry
            .clone()
            .members(request)
            .await
            .map_err(Error::peer("registry"))?
            .into_inner();
        let mut found: BTreeMap<Uuid, Special> = BTreeMap::new();
        for member in reply.members {
            let customer = wire::uuid("customer_id", &member.customer_id)?;
            let special = found.entry(customer).or_default();
            special.important |= member.important;
            special.life_support |= member.life_support;
            special.own_supply |= member.own_generation;
        }
        let affected = found
            .into_iter()
            .map(|(customer, special)| Affected { customer, special });
        Ok((affected.collect(), reply.next_after))
    }

    /// What makes these customers special in this set; those who are not in it are not.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub async fn special_of(&self, set: Uuid, customers: &[Uuid]) -> Result<Vec<Affected>, Error> {
        let mut found: BTreeMap<Uuid, Special> =
            customers.iter().map(|one| (*one, Special::default())).collect();
        let mut after = String::new();
        loop {
            let (page, next) = self.affected(set, &after).await?;
            for one in page {
                if let Some(special) = found.get_mut(&one.customer) {
                    special.important |= one.special.important;
                    special.life_support |= one.special.life_support;
                    special.own_supply |= one.special.own_supply;
                }
            }
            if next.is_empty() {
                let affected = found
                    .into_iter()
                    .map(|(customer, special)| Affected { customer, special });
                return Ok(affected.collect());
            }
            after = next;
        }
    }
}
