//! Who is otherwise than a plan knows them, after many customers changed at once.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Others, customers};
use crate::{error::Error, store::people::Affected};

impl Others {
    /// Customers who are not to this set what `known` says: who moved in, who moved out, who became special.
    ///
    /// # Errors
    /// [`Error::Common`].
    pub async fn otherwise(&self, set: Uuid, known: &[Affected]) -> Result<BTreeSet<Uuid>, Error> {
        let now = customers(&self.members(&set.to_string()).await?)?;
        Ok(differing(known, &now))
    }
}

/// Customers of whom the two lists do not say the same.
fn differing(known: &[Affected], now: &[Affected]) -> BTreeSet<Uuid> {
    let by_id = |all: &[Affected]| -> BTreeMap<Uuid, Affected> {
        all.iter().map(|one| (one.customer, *one)).collect()
    };
    let (known, now) = (by_id(known), by_id(now));
    let all = known.keys().chain(now.keys());
    all.filter(|customer| known.get(customer) != now.get(customer))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_to_be_looked_at_moved_in_or_out_or_became_special() {
        let one = |n: u128, important: bool| Affected {
            customer: Uuid::from_u128(n),
            important,
            life_support: false,
            dedicated_line: false,
            own_generation: false,
            voltage_v: Some(220),
            several_supplies: false,
        };
        let known = [one(1, false), one(2, false), one(3, false)];
        let now = [one(1, false), one(3, true), one(4, false)];
        let looked_at: Vec<u128> = differing(&known, &now).iter().map(Uuid::as_u128).collect();
        assert_eq!(looked_at, [2, 3, 4]);
        assert!(differing(&known, &known).is_empty());
    }
}
