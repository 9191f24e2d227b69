//! What a message is: its purpose, its channel, its language, how long it is worth sending.

use chrono::{DateTime, TimeDelta, Utc};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$inner])* $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The word in the database and on the wire.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// Reads the word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}
pub(crate) use words;

words!(
    /// Why somebody is told something.
    Purpose {
        /// Their report is accepted.
        Accepted = "accepted",
        /// A crew is on its way.
        CrewEnRoute = "crew_en_route",
        /// When supply is expected back.
        Etr = "etr",
        /// Supply is back.
        Restored = "restored",
        /// A one-time code.
        Code = "code",
        /// An outage is planned, or comes at short notice.
        OutageNotice = "outage_notice",
        /// The day before it.
        OutageReminder = "outage_reminder",
        /// Later on the same day.
        OutageChanged = "outage_changed",
        /// It begins later, the end stays.
        OutageLateStart = "outage_late_start",
        /// It takes longer.
        OutageExtended = "outage_extended",
        /// It does not take place.
        OutageCancelled = "outage_cancelled",
        /// It is moved to another day: the notice is void.
        OutageVoid = "outage_void",
        /// They are not affected any more.
        OutageReleased = "outage_released",
        /// Supply was switched off because of danger.
        OutageSafety = "outage_safety",
        /// An important customer has one supply left.
        OutageReliability = "outage_reliability",
        /// An important customer is off by a fault.
        OutageFault = "outage_fault",
        /// They have several again.
        OutageReliabilityOver = "outage_reliability_over",
        /// A debt is reminded of.
        ArrearsReminder = "arrears_reminder",
        /// Disconnection is announced.
        ArrearsDisconnection = "arrears_disconnection",
        /// Right before it.
        ArrearsPreNotice = "arrears_pre_notice",
        /// Supply was cut.
        ArrearsDisconnected = "arrears_disconnected",
        /// It was paid.
        ArrearsPaymentReceived = "arrears_payment_received",
        /// Supply is back.
        ArrearsReconnected = "arrears_reconnected",
        /// The disconnection does not stand any more.
        ArrearsWithdrawn = "arrears_withdrawn",
        /// Supply was cut without right.
        ArrearsApology = "arrears_apology",
        /// What was understood of an answer.
        WrongPerson = "wrong_person",
        /// Is supply back?
        StillOff = "still_off",
        /// What was understood of the answer to that.
        StillOffAnswer = "still_off_answer",
    }
);

words!(
    /// How a message travels.
    Channel {
        /// Text.
        Sms = "sms",
        /// Mail.
        Email = "email",
    }
);

words!(
    /// Whose contact a message goes to (operations.md O22).
    ContactRole {
        /// The customer's own.
        Own = "customer",
        /// Of who looks after them.
        Carer = "carer",
        /// Of who manages their house.
        PropertyManager = "property_manager",
        /// Of a role this release does not know: not the customer's own.
        Other = "other",
    }
);

impl ContactRole {
    /// As the registry says it; nothing said is the customer's own.
    pub fn said(word: &str) -> Self {
        match word {
            "" => ContactRole::Own,
            word => Self::parse(word).unwrap_or(ContactRole::Other),
        }
    }

    /// Told beside the customer: of outages only, and no proof that the customer was.
    pub fn is_beside(self) -> bool {
        self != ContactRole::Own
    }
}

words!(
    /// Language of a person, as a BCP 47 tag.
    Language {
        /// Chinese, simplified.
        ZhCn = "zh-CN",
        /// English.
        En = "en",
    }
);

/// An estimate is never worth more than this.
const ETR_TTL_MAX: TimeDelta = TimeDelta::hours(24);
const CODE_TTL_MAX: TimeDelta = TimeDelta::minutes(10);
/// Notices of outages and debts travel a week at most: what is not delivered by then needs another way.
const NOTICE_TTL_MAX: TimeDelta = TimeDelta::days(7);
/// News about a debt that has no end of its own.
const DEBT_TTL: TimeDelta = TimeDelta::days(3);
/// The largest [`Purpose::rank`].
pub const RANK_MAX: i16 = 5;

impl Purpose {
    /// Key of its template; outages have others for temporary ones and important customers.
    pub fn template(self) -> &'static str {
        match self {
            Purpose::Accepted => "ACCEPTED",
            Purpose::CrewEnRoute => "CREW_ENROUTE",
            Purpose::Etr => "ETR_UPDATE",
            Purpose::Restored => "RESTORED",
            Purpose::Code => "CODE",
            Purpose::OutageNotice => "PLANNED_NOTICE",
            Purpose::OutageReminder => "PLANNED_REMIND",
            Purpose::OutageChanged => "CHANGED",
            Purpose::OutageLateStart => "LATE_START",
            Purpose::OutageExtended => "EXTENDED",
            Purpose::OutageCancelled => "CANCELLED",
            Purpose::OutageVoid => "VOID",
            Purpose::OutageReleased => "RELEASED",
            Purpose::OutageSafety => "SAFETY",
            Purpose::OutageReliability => "RELIABILITY",
            Purpose::OutageFault => "FAULT_IMPORTANT",
            Purpose::OutageReliabilityOver => "RELIABILITY_OVER",
            Purpose::ArrearsReminder => "ARREARS_REMIND",
            Purpose::ArrearsDisconnection => "DISC_NOTICE",
            Purpose::ArrearsPreNotice => "PRE30",
            Purpose::ArrearsDisconnected => "DISCONNECTED",
            Purpose::ArrearsPaymentReceived => "PAYMENT_RECEIVED",
            Purpose::ArrearsReconnected => "RECONNECTED",
            Purpose::ArrearsWithdrawn => "DEBT_WITHDRAWN",
            Purpose::ArrearsApology => "APOLOGY",
            Purpose::WrongPerson => "WRONG_PERSON",
            Purpose::StillOff => "STILL_OFF",
            Purpose::StillOffAnswer => "STILL_OFF_ANSWER",
        }
    }

    /// Who goes first when much waits: somebody sits in front of a code; a mass of notices holds nobody up.
    pub fn rank(self) -> i16 {
        match self {
            Purpose::Code => 0,
            Purpose::Accepted
            | Purpose::OutageSafety
            | Purpose::OutageReliability
            | Purpose::OutageFault
            | Purpose::ArrearsPreNotice
            | Purpose::WrongPerson
            | Purpose::StillOffAnswer => 1,
            Purpose::CrewEnRoute | Purpose::Etr | Purpose::Restored | Purpose::StillOff => 2,
            Purpose::OutageChanged
            | Purpose::OutageLateStart
            | Purpose::OutageExtended
            | Purpose::OutageCancelled
            | Purpose::OutageVoid
            | Purpose::OutageReliabilityOver
            | Purpose::ArrearsDisconnected
            | Purpose::ArrearsPaymentReceived
            | Purpose::ArrearsReconnected
            | Purpose::ArrearsWithdrawn
            | Purpose::ArrearsApology => 3,
            Purpose::OutageNotice | Purpose::OutageReleased | Purpose::ArrearsDisconnection => 4,
            Purpose::OutageReminder | Purpose::ArrearsReminder => RANK_MAX,
        }
    }

    /// How long the first channel has before the second is used; none: every channel at once, for what must be told by law,
    /// changes of the day, danger, and news of a fault that are worth little later (domain.md 4.3).
    pub fn second_round_after(self) -> Option<TimeDelta> {
        match self {
            Purpose::OutageReminder | Purpose::OutageReleased => Some(TimeDelta::hours(2)),
            Purpose::ArrearsReminder | Purpose::ArrearsWithdrawn => Some(TimeDelta::hours(12)),
            Purpose::ArrearsDisconnected
            | Purpose::ArrearsPaymentReceived
            | Purpose::ArrearsReconnected
            | Purpose::ArrearsApology => Some(TimeDelta::minutes(30)),
            Purpose::Accepted
            | Purpose::CrewEnRoute
            | Purpose::Etr
            | Purpose::Restored
            | Purpose::Code
            | Purpose::OutageNotice
            | Purpose::OutageChanged
            | Purpose::OutageLateStart
            | Purpose::OutageExtended
            | Purpose::OutageCancelled
            | Purpose::OutageVoid
            | Purpose::OutageSafety
            | Purpose::OutageReliability
            | Purpose::OutageFault
            | Purpose::OutageReliabilityOver
            | Purpose::ArrearsDisconnection
            | Purpose::ArrearsPreNotice
            | Purpose::WrongPerson
            | Purpose::StillOff
            | Purpose::StillOffAnswer => None,
        }
    }

    /// Whether it speaks of a debt: never to a contact that is somebody else's (operations.md O15).
    pub fn is_debt(self) -> bool {
        matches!(
            self,
            Purpose::ArrearsReminder
                | Purpose::ArrearsDisconnection
                | Purpose::ArrearsPreNotice
                | Purpose::ArrearsDisconnected
                | Purpose::ArrearsPaymentReceived
                | Purpose::ArrearsReconnected
                | Purpose::ArrearsWithdrawn
                | Purpose::ArrearsApology
        )
    }

    /// Until when a message that may leave at `due_at` is worth sending. `end`: what it is about ends then (the
    /// estimate itself, the life of a code).
    pub fn expires_at(self, due_at: DateTime<Utc>, end: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let longest = due_at
            + match self {
                Purpose::Accepted | Purpose::Restored => TimeDelta::hours(6),
                Purpose::CrewEnRoute => TimeDelta::hours(1),
                Purpose::Etr => ETR_TTL_MAX,
                Purpose::Code => CODE_TTL_MAX,
                Purpose::OutageNotice
                | Purpose::OutageReminder
                | Purpose::OutageChanged
                | Purpose::OutageLateStart
                | Purpose::OutageExtended
                | Purpose::OutageCancelled
                | Purpose::OutageVoid
                | Purpose::OutageReleased
                | Purpose::OutageSafety
                | Purpose::OutageReliability
                | Purpose::OutageFault
                | Purpose::OutageReliabilityOver
                | Purpose::ArrearsDisconnection
                | Purpose::ArrearsPreNotice => NOTICE_TTL_MAX,
                Purpose::ArrearsReminder
                | Purpose::ArrearsDisconnected
                | Purpose::ArrearsPaymentReceived
                | Purpose::ArrearsReconnected
                | Purpose::ArrearsWithdrawn
                | Purpose::ArrearsApology => DEBT_TTL,
                Purpose::StillOff => TimeDelta::hours(3),
                Purpose::WrongPerson | Purpose::StillOffAnswer => TimeDelta::hours(1),
            };
        end.map_or(longest, |end| end.min(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_the_customer_stands_beside_them() {
        for (word, role, beside) in [
            ("", ContactRole::Own, false),
            ("customer", ContactRole::Own, false),
            ("carer", ContactRole::Carer, true),
            ("property_manager", ContactRole::PropertyManager, true),
            ("neighbour", ContactRole::Other, true),
        ] {
            assert_eq!(
                (ContactRole::said(word), ContactRole::said(word).is_beside()),
                (role, beside),
                "{word}"
            );
        }
    }

    #[test]
    fn a_message_lives_as_long_as_its_news() {
        let due: DateTime<Utc> = "2026-11-22T02:00:00Z".parse().unwrap();
        let hours = |n| due + TimeDelta::hours(n);
        let table = [
            (Purpose::Accepted, None, hours(6)),
            (Purpose::CrewEnRoute, None, hours(1)),
            (Purpose::Etr, Some(hours(3)), hours(3)),
            (Purpose::Etr, Some(hours(300)), hours(24)),
            (Purpose::Restored, None, hours(6)),
            (Purpose::Code, Some(hours(2)), due + TimeDelta::minutes(10)),
            (Purpose::OutageNotice, Some(hours(300)), hours(168)),
            (Purpose::OutageReminder, Some(hours(20)), hours(20)),
            (Purpose::ArrearsPreNotice, Some(hours(1)), hours(1)),
            (Purpose::ArrearsReminder, None, hours(72)),
        ];
        for (purpose, end, expires_at) in table {
            assert_eq!(purpose.expires_at(due, end), expires_at, "{purpose:?}");
        }
    }

    #[test]
    fn every_word_reads_back() {
        assert!(
            Purpose::ALL
                .iter()
                .all(|one| Purpose::parse(one.word()) == Some(*one))
        );
        assert!(
            Language::ALL
                .iter()
                .all(|one| Language::parse(one.word()) == Some(*one))
        );
        assert_eq!(Channel::parse("fax"), None);
        assert!(
            Purpose::ALL
                .iter()
                .all(|one| (0..=RANK_MAX).contains(&one.rank()))
        );
    }
}
