//! Who loses supply with a set of devices, and what makes them special for a notice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use relight_common::wire;
use relight_proto::registry::v1::{Member, MembersAmongRequest, MembersRequest};
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

/// Which page of a set, and when: whoever has a service point at that moment is told, not who had it when the set was made.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The set.
    pub set: Uuid,
    /// Where it begins, as the page before said; empty: the first.
    pub after: &'a str,
    /// Only those with generation, storage or a second supply of their own.
    pub own_supply: bool,
    /// The moment.
    pub at: DateTime<Utc>,
}

impl People {
    /// One page of those who lose supply with a set, each once in it, and where the next page begins (empty: there is none).
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub async fn affected(&self, page: Page<'_>) -> Result<(Vec<Affected>, String), Error> {
        let request = MembersRequest {
            set_id: page.set.to_string(),
            after: page.after.to_owned(),
            limit: PAGE,
            at: Some(wire::timestamp(page.at)),
            own_generation: page.own_supply,
        };
        let reply = self
            .registry
            .clone()
            .members(request)
            .await
            .map_err(Error::peer("registry"))?
            .into_inner();
        let mut found = BTreeMap::new();
        note(&mut found, &reply.members)?;
        Ok((listed(found), reply.next_after))
    }

    /// What makes these customers special in this set; those who are not in it are not. At most [`PAGE`] of them: they are
    /// asked for by name, whatever the size of the set.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub async fn special_of(
        &self,
        set: Uuid,
        customers: &[Uuid],
        at: DateTime<Utc>,
    ) -> Result<Vec<Affected>, Error> {
        let members = self.among(set, customers, at).await?;
        let mut found = customers.iter().map(|one| (*one, Special::default())).collect();
        note(&mut found, &members)?;
        Ok(listed(found))
    }

    /// Marks those who are in the other set too. At most [`PAGE`] of them.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub async fn mark_both(
        &self,
        people: &mut [Affected],
        other: Uuid,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let customers: Vec<Uuid> = people.iter().map(|one| one.customer).collect();
        let members = self.among(other, &customers, at).await?;
        let both: BTreeSet<&str> = members.iter().map(|member| member.customer_id.as_str()).collect();
        for one in people {
            one.special.also = both.contains(one.customer.to_string().as_str());
        }
        Ok(())
    }

    async fn among(&self, set: Uuid, customers: &[Uuid], at: DateTime<Utc>) -> Result<Vec<Member>, Error> {
        let request = MembersAmongRequest {
            set_id: set.to_string(),
            customer_ids: customers.iter().map(Uuid::to_string).collect(),
            at: Some(wire::timestamp(at)),
        };
        let reply = self.sets.clone().among(request).await;
        Ok(reply.map_err(Error::peer("registry"))?.into_inner().members)
    }
}

/// Of several service points of a customer the strictest counts.
fn note(found: &mut BTreeMap<Uuid, Special>, members: &[Member]) -> Result<(), Error> {
    for member in members {
        let customer = wire::uuid("customer_id", &member.customer_id)?;
        let special = found.entry(customer).or_default();
        special.important |= member.important;
        special.life_support |= member.life_support;
        special.own_supply |= member.own_generation;
    }
    Ok(())
}

fn listed(found: BTreeMap<Uuid, Special>) -> Vec<Affected> {
    let affected = found
        .into_iter()
        .map(|(customer, special)| Affected { customer, special });
    affected.collect()
}
