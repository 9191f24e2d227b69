//! What one restoration step ends. A partial restoration ends the records of the restored customers only.

use std::collections::BTreeSet;

use super::record::{Claim, CustomerId, Instant};

/// Who is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Everybody still off because of the incident.
    All,
    /// The members of a section.
    These(BTreeSet<CustomerId>),
}

/// Supply came back to some or all customers of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoration {
    /// Corrected time of the step.
    pub at: Instant,
    /// Who is back.
    pub who: Who,
    /// They are fed another way: the reason goes on, and may put them off again.
    pub by_switching: bool,
}

impl Restoration {
    /// Supply came back by repair, at the end of the work or of the case.
    pub fn new(at: Instant, who: Who) -> Self {
        Self {
            at,
            who,
            by_switching: false,
        }
    }

    /// These are fed another way.
    pub fn by_switching(at: Instant, these: BTreeSet<CustomerId>) -> Self {
        Self {
            at,
            who: Who::These(these),
            by_switching: true,
        }
    }
}

impl Restoration {
    /// Whether this ends the claim. Not for somebody who reported after it: they say they are still off (O18).
    pub fn ends(&self, claim: &Claim) -> bool {
        let among = match &self.who {
            Who::All => true,
            Who::These(customers) => customers.contains(&claim.customer),
        };
        among && claim.reported_at.is_none_or(|reported| reported <= self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::IncidentId;
    use chrono::{DateTime, TimeDelta};

    #[test]
    fn a_step_ends_whom_it_names_unless_they_reported_later() {
        let at = |minute| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let (named, other) = (CustomerId::new(), CustomerId::new());
        let claim = |customer, reported_at: Option<i64>| Claim {
            customer,
            incident: IncidentId::new(),
            origin: IncidentId::new(),
            off_at: at(0),
            not_before: None,
            reported_at: reported_at.map(at),
        };
        let section = Restoration::by_switching(at(30), BTreeSet::from([named]));
        let all = Restoration::new(at(30), Who::All);
        for (step, customer, reported_at, ends) in [
            (&section, named, None, true),
            (&section, named, Some(30), true),
            (&section, named, Some(31), false),
            (&section, other, None, false),
            (&all, other, None, true),
            (&all, other, Some(31), false),
        ] {
            assert_eq!(
                step.ends(&claim(customer, reported_at)),
                ends,
                "{step:?} {reported_at:?}"
            );
        }
    }
}
