//! What kind of customer or supply it is, and what that asks of a disconnection (operations.md O10, O12).

use relight_policy::CustomerClass;
use serde::{Deserialize, Serialize};

/// The use of the supply, as far as disconnection is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Nothing special.
    Ordinary,
    /// An important customer of any grade.
    Important,
    /// Hospital or clinic.
    Hospital,
    /// School or kindergarten.
    School,
    /// Water, heating, telecommunication, traffic.
    PublicService,
    /// A process that is dangerous when it loses supply at once.
    Hazardous,
    /// Low income, or old and alone.
    Vulnerable,
    /// One meter for several: lift, pump, fire protection, corridor, landlord.
    Shared,
    /// Somebody's life depends on supply.
    LifeSupport,
}

/// What a disconnection of a class needs beside what everybody is owed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// The approval is a manager's.
    pub manager: bool,
    /// The notice is filed with the authority.
    pub filing: bool,
    /// Those who live there were told too.
    pub occupants: bool,
    /// The notice is served by a visit.
    pub visit: bool,
    /// The time for a safe shut-down is agreed with the customer.
    pub safe_shutdown: bool,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 9] = [
        Class::Ordinary,
        Class::Important,
        Class::Hospital,
        Class::School,
        Class::PublicService,
        Class::Hazardous,
        Class::Vulnerable,
        Class::Shared,
        Class::LifeSupport,
    ];

    /// The word in tables and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Class::Ordinary => "ordinary",
            Class::Important => "important",
            Class::Hospital => "hospital",
            Class::School => "school",
            Class::PublicService => "public_service",
            Class::Hazardous => "hazardous",
            Class::Vulnerable => "vulnerable",
            Class::Shared => "shared",
            Class::LifeSupport => "life_support",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }

    /// What disconnecting this class needs; `None`: it is never done, and nobody may override that (O12).
    pub fn needs(self) -> Option<Needs> {
        let guarded = Needs {
            manager: true,
            filing: true,
            ..Needs::default()
        };
        match self {
            Class::Ordinary => Some(Needs::default()),
            Class::Important | Class::Hospital | Class::School | Class::PublicService => Some(guarded),
            Class::Hazardous => Some(Needs {
                safe_shutdown: true,
                ..guarded
            }),
            Class::Vulnerable => Some(Needs {
                manager: true,
                visit: true,
                ..Needs::default()
            }),
            Class::Shared => Some(Needs {
                occupants: true,
                ..guarded
            }),
            Class::LifeSupport => None,
        }
    }

    /// The class as the policy packs know it.
    pub fn in_policy(self) -> CustomerClass {
        match self {
            Class::LifeSupport => CustomerClass::LifeSupport,
            Class::Ordinary | Class::Vulnerable => CustomerClass::Ordinary,
            Class::Important
            | Class::Hospital
            | Class::School
            | Class::PublicService
            | Class::Hazardous
            | Class::Shared => CustomerClass::Important,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_rule_and_reads_back() {
        let rule = |class: Class| {
            class
                .needs()
                .map(|n| [n.manager, n.filing, n.occupants, n.visit, n.safe_shutdown].map(u8::from))
        };
        let table = [
            ("ordinary", Some([0, 0, 0, 0, 0])),
            ("important", Some([1, 1, 0, 0, 0])),
            ("hospital", Some([1, 1, 0, 0, 0])),
            ("school", Some([1, 1, 0, 0, 0])),
            ("public_service", Some([1, 1, 0, 0, 0])),
            ("hazardous", Some([1, 1, 0, 0, 1])),
            ("vulnerable", Some([1, 0, 0, 1, 0])),
            ("shared", Some([1, 1, 1, 0, 0])),
            ("life_support", None),
        ];
        assert_eq!(table.len(), Class::ALL.len());
        for (word, expected) in table {
            assert_eq!(Class::parse(word).map(rule), Some(expected), "{word}");
        }
        assert_eq!(Class::parse("Ordinary"), None);
    }
}
