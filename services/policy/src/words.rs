//! Closed lists of words: classes, holds, kinds and channels, with the one spelling each has in packs and commands.

/// An enum whose variants have one word each.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$meant:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$meant])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word in packs, tables and commands.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// Reads the word.
            pub fn parse(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|known| known.word() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Class of a customer where switching off for arrears is concerned.
    CustomerClass {
        /// Nothing special.
        Ordinary = "ordinary",
        /// An important customer, a hospital, a school and what else has a rule of its own.
        Important = "important",
        /// Somebody's life depends on supply.
        LifeSupport = "life_support",
    }
}

words! {
    /// What stands in the way of switching off for arrears until it is lifted.
    Hold {
        /// The bill is disputed or a complaint is open.
        Dispute = "dispute",
        /// A payment plan is being kept.
        Plan = "plan",
        /// The customer is protected (vulnerable, low income alone, shared meter).
        Protected = "protected",
        /// Cuts are locked here: event, exam, weather alert.
        Lock = "lock",
        /// A payment is in flight.
        Payment = "payment",
        /// The premises are in another outage.
        Outage = "outage",
        /// Extreme weather, heat or cold alert.
        Weather = "extreme_weather",
        /// A guaranteed event is on.
        PowerGuarantee = "power_guarantee",
        /// Flood, fire or another hazard at the premises.
        Hazard = "hazard",
    }
}

words! {
    /// What somebody wants answered.
    ComplaintKind {
        /// A complaint.
        Complaint = "complaint",
        /// A report of misconduct.
        Report = "report",
        /// A suggestion.
        Suggestion = "suggestion",
        /// Any other request.
        Other = "other",
    }
}

words! {
    /// Where a complaint came in.
    Channel {
        /// The utility's service number.
        Hotline = "hotline",
        /// The complaint telephone of a supply station.
        Phone = "phone",
        /// A service hall.
        Hall = "hall",
        /// Web site or app.
        Online = "online",
        /// A letter.
        Letter = "letter",
        /// A visit.
        Visit = "visit",
        /// Handed on by the regulator.
        Regulator = "regulator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_itself() {
        for hold in Hold::ALL {
            assert_eq!(Hold::parse(hold.word()), Some(*hold));
        }
        for class in CustomerClass::ALL {
            assert_eq!(CustomerClass::parse(&class.to_string()), Some(*class));
        }
        assert_eq!(Hold::parse("Dispute"), None);
        assert_eq!(Channel::parse(""), None);
        assert_eq!(ComplaintKind::parse("report "), None);
    }
}
