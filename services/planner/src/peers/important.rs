//! Important customers of an affected set.

use std::collections::BTreeMap;

use relight_common::wire;
use relight_proto::registry::v1::Member;
use uuid::Uuid;

use super::Others;
use crate::{
    desk::fault::Hit,
    domain::area::{Tongue, area},
    error::Error,
};

impl Others {
    /// The important customers of a set, with the streets of their supplies in it and how many others they keep.
    ///
    /// # Errors
    /// [`Error::Common`].
    pub async fn important(&self, set: Uuid) -> Result<Vec<Hit>, Error> {
        let members = self.members(&set.to_string()).await?;
        let mut hits = hits(&members)?;
        if hits.is_empty() {
            return Ok(hits);
        }
        let kept = self.several(&set.to_string(), &members).await?;
        for hit in &mut hits {
            let others = kept.get(&hit.customer).copied().unwrap_or_default();
            hit.kept = i32::try_from(others).unwrap_or(i32::MAX);
        }
        Ok(hits)
    }
}

fn hits(members: &[Member]) -> Result<Vec<Hit>, Error> {
    let mut points: BTreeMap<Uuid, Vec<&Member>> = BTreeMap::new();
    for member in members
        .iter()
        .filter(|member| member.important && !member.customer_id.is_empty())
    {
        let customer = wire::uuid("customer_id", &member.customer_id)?;
        points.entry(customer).or_default().push(member);
    }
    let streets = |of: &[&Member], name: fn(&Member) -> &str, tongue| {
        area(of.iter().map(|member| name(member)), tongue)
    };
    let hit = |(customer, of): (Uuid, Vec<&Member>)| Hit {
        customer,
        supplies: i32::try_from(of.len()).unwrap_or(i32::MAX),
        kept: 0,
        area: [
            streets(&of, |member| &member.address_zh, Tongue::Zh),
            streets(&of, |member| &member.address_en, Tongue::En),
        ],
    };
    Ok(points.into_iter().map(hit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_important_customer_is_one_with_all_their_streets() {
        let works = Uuid::from_u128(7).to_string();
        let point = |customer: &str, important, street: &str| Member {
            customer_id: customer.to_owned(),
            important,
            address_en: format!("1 {street}"),
            ..Member::default()
        };
        let other = Uuid::from_u128(8).to_string();
        let members = [
            point(&works, true, "Lake Road"),
            point(&works, true, "Hill Road"),
            point(&other, false, "Lake Road"),
            point("", true, "Lake Road"),
        ];
        let found = hits(&members).unwrap();
        assert_eq!((found.len(), found[0].supplies), (1, 2));
        assert!(found[0].area[1].contains("Lake Road") && found[0].area[1].contains("Hill Road"));
    }
}
