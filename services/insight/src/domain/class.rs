//! Why somebody is off, as one word. Every record has the class of the reason that accounts for its time.

use uuid::Uuid;

/// A class of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// An incident of intake.
    Fault,
    /// A planned outage.
    Planned,
    /// A planned outage with the short lead.
    Temporary,
    /// Switched off because people were in danger.
    Safety,
    /// An unpaid bill.
    Arrears,
    /// The customer asked for it.
    CustomerRequest,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 6] = [
        Class::Fault,
        Class::Planned,
        Class::Temporary,
        Class::Safety,
        Class::Arrears,
        Class::CustomerRequest,
    ];

    /// The word it is stored and told as.
    pub fn word(self) -> &'static str {
        match self {
            Class::Fault => "FAULT",
            Class::Planned => "PLANNED",
            Class::Temporary => "TEMPORARY",
            Class::Safety => "SAFETY",
            Class::Arrears => "ARREARS",
            Class::CustomerRequest => "CUSTOMER_REQUEST",
        }
    }
}

/// The id of a reason where the wire has a place for it; the other two are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ids {
    /// Of an incident.
    pub incident: String,
    /// Of a planned outage.
    pub outage: String,
    /// Of an arrears case or a switching.
    pub basis: String,
}

impl Ids {
    /// Where `id`, a reason of this class, belongs.
    pub fn of(class: &str, id: Uuid) -> Ids {
        let (id, mut ids) = (id.to_string(), Ids::default());
        match class {
            "FAULT" => ids.incident = id,
            "PLANNED" | "TEMPORARY" | "CURTAILMENT" => ids.outage = id,
            _ => ids.basis = id,
        }
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fault_has_an_incident() {
        for class in Class::ALL {
            let ids = Ids::of(class.word(), Uuid::nil());
            let given = [&ids.incident, &ids.outage, &ids.basis].map(|id| !id.is_empty());
            assert_eq!(given.iter().filter(|given| **given).count(), 1, "{class:?}");
            assert_eq!(given[0], class == Class::Fault);
            assert_eq!(given[1], matches!(class, Class::Planned | Class::Temporary));
        }
    }
}
