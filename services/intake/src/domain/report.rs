//! A report: what people may say, within which bounds, and what triage makes of it.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::Invalid;

use super::place::Position;

pub mod closing;
mod triage;

pub use triage::{KnownOutage, Neighbours, Seen, Standing, Triage, triage};

/// How far a sender's clock may be ahead.
pub const AHEAD_MAX: TimeDelta = TimeDelta::minutes(2);
/// How late a report may be entered.
pub const LATE_MAX: TimeDelta = TimeDelta::days(7);
/// How late a report on paper may be entered.
pub const PAPER_LATE_MAX: TimeDelta = TimeDelta::days(90);

/// How a report came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Call to the hotline.
    Hotline,
    /// At a counter.
    Hall,
    /// Told to a crew.
    OnSite,
    /// Web page or app.
    Web,
    /// Text message.
    Sms,
    /// Handed over by another authority's line.
    Transfer,
    /// On paper while the system was down.
    Paper,
}

impl Channel {
    /// All channels.
    pub const ALL: [Channel; 7] = [
        Channel::Hotline,
        Channel::Hall,
        Channel::OnSite,
        Channel::Web,
        Channel::Sms,
        Channel::Transfer,
        Channel::Paper,
    ];

    /// The channel's word.
    pub fn word(self) -> &'static str {
        match self {
            Channel::Hotline => "hotline",
            Channel::Hall => "hall",
            Channel::OnSite => "on_site",
            Channel::Web => "web",
            Channel::Sms => "sms",
            Channel::Transfer => "transfer",
            Channel::Paper => "paper",
        }
    }

    /// Reads a channel's word.
    pub fn parse(word: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.word() == word)
    }
}

/// A report as somebody made it, every field within its bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Danger to people or property.
    pub danger: bool,
    /// What the danger is.
    pub danger_note: String,
    /// Account number, if given.
    pub account: Option<String>,
    /// Name of the reporter; may be empty.
    pub name: String,
    /// E.164; for a danger report whatever was typed.
    pub phone: String,
    /// Address in words; may be empty.
    pub address: String,
    /// Where the reporter says it is.
    pub position: Option<Position>,
    /// How it came in.
    pub channel: Channel,
    /// When the customer reported, for late entry.
    pub reported_at: Option<DateTime<Utc>>,
    /// Anything else.
    pub note: String,
    /// BCP 47 tag or empty.
    pub language: &'static str,
    /// What the reporter says of the neighbours.
    pub neighbours: Neighbours,
    /// Name and number are for the desk that took it only.
    pub confidential: bool,
}

impl Draft {
    /// A text by somebody whose place is known. A number is no new one: contacts on file are used.
    pub fn by_text() -> Self {
        Self {
            danger: false,
            danger_note: String::new(),
            account: None,
            name: String::new(),
            phone: String::new(),
            address: String::new(),
            position: None,
            channel: Channel::Sms,
            reported_at: None,
            note: String::new(),
            language: "",
            neighbours: Neighbours::Unknown,
            confidential: false,
        }
    }

    /// Whether anything but the account says where it is.
    pub fn has_other_place(&self) -> bool {
        !self.address.is_empty() || self.position.is_some()
    }

    /// Refuses a report by which nobody could be found; danger needs nothing.
    ///
    /// # Errors
    /// [`Invalid`] naming the field that is missing.
    pub fn check_enough(&self) -> Result<(), Invalid> {
        if self.danger || self.account.is_some() {
            return Ok(());
        }
        if self.name.is_empty() {
            return Err(Invalid::new(
                "reporter_name",
                "must be given when there is no account",
            ));
        }
        if self.phone.is_empty() {
            return Err(Invalid::new(
                "reporter_phone",
                "must be given when there is no account",
            ));
        }
        if !self.has_other_place() {
            return Err(Invalid::new(
                "address",
                "must be given when there is neither an account nor a position",
            ));
        }
        Ok(())
    }

    /// t_accept of a report received at `now`: the moment the customer reported.
    ///
    /// # Errors
    /// [`Invalid`] when that is in the future or too long ago; a danger report is then taken as made now.
    pub fn accepted_at(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, Invalid> {
        let Some(said) = self.reported_at else {
            return Ok(now);
        };
        let late_max = if self.channel == Channel::Paper {
            PAPER_LATE_MAX
        } else {
            LATE_MAX
        };
        let wrong = if said > now + AHEAD_MAX {
            "must not be in the future".to_owned()
        } else if said < now - late_max {
            format!("must not be more than {} days ago", late_max.num_days())
        } else {
            return Ok(said.min(now));
        };
        if self.danger {
            Ok(now)
        } else {
            Err(Invalid::new("reported_at", wrong))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            danger: false,
            danger_note: String::new(),
            account: None,
            name: "Li".to_owned(),
            phone: "+8657188880000".to_owned(),
            address: "1 Lake Street".to_owned(),
            position: None,
            channel: Channel::Hotline,
            reported_at: None,
            note: String::new(),
            language: "",
            neighbours: Neighbours::Unknown,
            confidential: false,
        }
    }

    #[test]
    fn a_report_must_lead_to_somebody_unless_there_is_danger() {
        type Change = fn(&mut Draft);
        let cases: [(Change, Option<&str>); 7] = [
            (|_| {}, None),
            (|d| d.name.clear(), Some("reporter_name")),
            (|d| d.phone.clear(), Some("reporter_phone")),
            (|d| d.address.clear(), Some("address")),
            (
                |d| {
                    (
                        d.address.clear(),
                        d.position = Some(Position {
                            lon: 120.0,
                            lat: 30.0,
                        }),
                    )
                        .1
                },
                None,
            ),
            (
                |d| {
                    (
                        d.address.clear(),
                        d.phone.clear(),
                        d.account = Some("1".to_owned()),
                    )
                        .2
                },
                None,
            ),
            (
                |d| {
                    (
                        d.address.clear(),
                        d.phone.clear(),
                        d.name.clear(),
                        d.danger = true,
                    )
                        .3
                },
                None,
            ),
        ];
        for (change, field) in cases {
            let mut draft = draft();
            change(&mut draft);
            let outcome = draft
                .check_enough()
                .err()
                .map(|invalid| invalid.field.into_owned());
            assert_eq!(outcome.as_deref(), field);
        }
    }

    #[test]
    fn t_accept_is_the_moment_of_the_report_within_bounds() {
        let now: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
        let (hour, day) = (TimeDelta::hours(1), TimeDelta::days(1));
        let cases = [
            (None, Channel::Hotline, false, Some(now)),
            (Some(now - hour), Channel::Paper, false, Some(now - hour)),
            // A clock a little ahead of ours does not make a time in the future.
            (Some(now + AHEAD_MAX), Channel::Web, false, Some(now)),
            (
                Some(now + AHEAD_MAX + TimeDelta::seconds(1)),
                Channel::Web,
                false,
                None,
            ),
            (
                Some(now - LATE_MAX),
                Channel::Hotline,
                false,
                Some(now - LATE_MAX),
            ),
            (Some(now - LATE_MAX - hour), Channel::Hotline, false, None),
            (Some(now - day * 30), Channel::Paper, false, Some(now - day * 30)),
            (Some(now - day * 91), Channel::Paper, false, None),
            (Some(now + day), Channel::Web, true, Some(now)),
            (Some(DateTime::<Utc>::MAX_UTC), Channel::Web, false, None),
            (Some(DateTime::<Utc>::MIN_UTC), Channel::Paper, false, None),
        ];
        for (reported_at, channel, danger, right) in cases {
            let draft = Draft {
                reported_at,
                channel,
                danger,
                ..draft()
            };
            assert_eq!(
                draft.accepted_at(now).ok(),
                right,
                "{reported_at:?} {channel:?} {danger}"
            );
        }
    }
}
