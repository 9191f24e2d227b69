//! Words a column may hold.

use std::fmt;
use std::str::FromStr;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }

        impl $name {
            /// All values.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word used in files.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<$name, ()> {
                $name::ALL.iter().copied().find(|value| value.as_str() == text).ok_or(())
            }
        }

        impl Words for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];
        }
    };
}

/// A type written as one of a few words.
pub(crate) trait Words: FromStr {
    /// The words, for the message to whoever wrote another one.
    const WORDS: &'static [&'static str];
}

words! {
    /// Decides the arrival limit.
    AreaClass {
        /// 城区.
        Urban = "urban",
        /// 农村.
        Rural = "rural",
        /// 特殊边远.
        Remote = "remote",
    }
}
words! {
    /// The language a customer is written to in.
    Language {
        /// Simplified Chinese.
        ZhCn = "zh-CN",
        /// English.
        En = "en",
    }
}
words! {
    /// How much an interruption matters; 重要用户 are named by the authority.
    CustomerClass {
        /// Everybody else.
        Ordinary = "ordinary",
        /// Important customer.
        Important = "important",
    }
}
words! {
    /// What the supply is used for, as far as that asks more of a disconnection.
    UseClass {
        /// Hospital or clinic.
        Hospital = "hospital",
        /// School.
        School = "school",
        /// Kindergarten.
        Kindergarten = "kindergarten",
        /// Water supply.
        Water = "water",
        /// Heating.
        Heating = "heating",
        /// Telecommunication.
        Telecom = "telecom",
        /// Traffic: signals, railways, tunnels.
        Traffic = "traffic",
        /// A process that is dangerous when it loses supply at once.
        Hazardous = "hazardous",
        /// One meter for several: lift, pump, fire protection, corridor, landlord.
        SharedMeter = "shared_meter",
        /// Low income.
        LowIncome = "low_income",
        /// Old and alone.
        ElderlyAlone = "elderly_alone",
    }
}
words! {
    /// What can feed back from the customer's side.
    OwnGeneration {
        /// Nothing declared.
        None = "none",
        /// Photovoltaic.
        Pv = "pv",
        /// Battery.
        Storage = "storage",
        /// Engine.
        Diesel = "diesel",
        /// A second supply.
        DualSupply = "dual_supply",
    }
}
words! {
    /// Whose a contact is.
    ContactRole {
        /// The customer's own.
        Customer = "customer",
        /// Somebody who looks after the customer: hears of outages too.
        Carer = "carer",
        /// Who manages the house: hears of outages too.
        PropertyManager = "property_manager",
    }
}
words! {
    /// The way a contact is reached.
    Channel {
        /// Short message to a phone.
        Sms = "sms",
        /// E-mail.
        Email = "email",
    }
}
