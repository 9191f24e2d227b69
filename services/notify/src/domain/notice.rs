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

impl Purpose {
    /// Key of its template.
    pub fn template(self) -> &'static str {
        match self {
            Purpose::Accepted => "ACCEPTED",
            Purpose::CrewEnRoute => "CREW_ENROUTE",
            Purpose::Etr => "ETR_UPDATE",
            Purpose::Restored => "RESTORED",
            Purpose::Code => "CODE",
        }
    }

    /// Who goes first when much waits: somebody sits in front of a code.
    pub fn rank(self) -> i16 {
        match self {
            Purpose::Code => 0,
            Purpose::Accepted => 1,
            Purpose::CrewEnRoute | Purpose::Etr | Purpose::Restored => 2,
        }
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
            };
        end.map_or(longest, |end| end.min(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
