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
    /// The approval says why it is done all the same: the rule is that it is not (O10).
    pub exception: bool,
}

impl Needs {
    /// Each with its word on the wire.
    fn parts(self) -> [(&'static str, bool); 6] {
        [
            ("manager", self.manager),
            ("filing", self.filing),
            ("occupants", self.occupants),
            ("visit", self.visit),
            ("safe_shutdown", self.safe_shutdown),
            ("exception", self.exception),
        ]
    }

    fn covers(self, other: Needs) -> bool {
        let mut pairs = self.parts().into_iter().zip(other.parts());
        pairs.all(|((_, has), (_, wants))| has || !wants)
    }
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

    /// The class of what registry says of a customer; `None`: it knows a use that this release does not. An important
    /// customer is at least that, a use that asks for more counts.
    pub fn of_supply(use_class: &str, important: bool, life_support: bool) -> Option<Self> {
        let used = match use_class {
            "" => Class::Ordinary,
            "hospital" => Class::Hospital,
            "school" | "kindergarten" => Class::School,
            "water" | "heating" | "telecom" | "traffic" => Class::PublicService,
            "hazardous" => Class::Hazardous,
            "low_income" | "elderly_alone" => Class::Vulnerable,
            "shared_meter" => Class::Shared,
            _ => return None,
        };
        Some(match (life_support, important) {
            (true, _) => Class::LifeSupport,
            (false, true) if !used.covers(Class::Important) => Class::Important,
            (false, _) => used,
        })
    }

    /// Whether this class asks for all that `other` asks for, so that going from that to this takes no protection away.
    pub fn covers(self, other: Class) -> bool {
        match (self.needs(), other.needs()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => own.covers(other),
        }
    }

    /// What it asks for, in words; `never` when it is not cut at all.
    pub fn asks(self) -> Vec<&'static str> {
        match self.needs() {
            None => vec!["never"],
            Some(needs) => {
                let parts = needs.parts().into_iter().filter(|(_, wants)| *wants);
                parts.map(|(word, _)| word).collect()
            }
        }
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
                exception: true,
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
        let table = [
            ("ordinary", ""),
            ("important", "manager filing"),
            ("hospital", "manager filing"),
            ("school", "manager filing"),
            ("public_service", "manager filing"),
            ("hazardous", "manager filing safe_shutdown"),
            ("vulnerable", "manager visit"),
            ("shared", "manager filing occupants exception"),
            ("life_support", "never"),
        ];
        assert_eq!(table.len(), Class::ALL.len());
        for (word, asks) in table {
            let class = Class::parse(word).expect(word);
            assert_eq!(class.asks().join(" "), asks, "{word}");
            assert!(class.covers(class) && class.covers(Class::Ordinary), "{word}");
            assert_eq!(Class::Ordinary.covers(class), word == "ordinary", "{word}");
            assert_eq!(class.covers(Class::LifeSupport), word == "life_support", "{word}");
        }
        assert!(Class::Hospital.covers(Class::Important) && Class::Important.covers(Class::School));
        assert!(Class::Shared.covers(Class::Hospital) && !Class::Hospital.covers(Class::Shared));
        assert!(!Class::Vulnerable.covers(Class::Hospital) && !Class::Hospital.covers(Class::Vulnerable));
        assert_eq!(Class::parse("Ordinary"), None);
    }

    #[test]
    fn every_use_that_registry_knows_has_its_class() {
        let table = [
            ("", Class::Ordinary),
            ("hospital", Class::Hospital),
            ("school", Class::School),
            ("kindergarten", Class::School),
            ("water", Class::PublicService),
            ("heating", Class::PublicService),
            ("telecom", Class::PublicService),
            ("traffic", Class::PublicService),
            ("hazardous", Class::Hazardous),
            ("shared_meter", Class::Shared),
            ("low_income", Class::Vulnerable),
            ("elderly_alone", Class::Vulnerable),
        ];
        for (word, class) in table {
            assert_eq!(Class::of_supply(word, false, false), Some(class), "{word}");
            assert_eq!(
                Class::of_supply(word, true, true),
                Some(Class::LifeSupport),
                "{word}"
            );
            let important = Class::of_supply(word, true, false).expect(word);
            assert!(important.covers(Class::Important), "{word}");
        }
        assert_eq!(Class::of_supply("data_centre", false, false), None);
    }
}
