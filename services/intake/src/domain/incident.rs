//! One fault: its state machine, and how it follows the facts its reports add up to.

use chrono::{DateTime, Utc};
use relight_policy::AreaClass;

use super::{IncidentId, area::ArrivalLimits, facts::Facts, place::Position};

/// Where an incident is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Being worked on.
    Open,
    /// Found to be part of another one; terminal.
    Merged(IncidentId),
    /// Over, with the reason word; a call-back "still off" opens it again.
    Closed(String),
}

impl State {
    /// The word on the wire and in the table.
    pub fn word(&self) -> &'static str {
        match self {
            State::Open => "open",
            State::Merged(_) => "merged",
            State::Closed(_) => "closed",
        }
    }
}

/// Who made a guess a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmer {
    /// A person in the control room.
    Dispatcher,
    /// A crew on site.
    Crew,
    /// Meters or telemetry.
    Meter,
}

impl Confirmer {
    /// The word on the wire and in the table.
    pub fn word(self) -> &'static str {
        match self {
            Confirmer::Dispatcher => "dispatcher",
            Confirmer::Crew => "crew",
            Confirmer::Meter => "meter",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Confirmer> {
        [Confirmer::Dispatcher, Confirmer::Crew, Confirmer::Meter]
            .into_iter()
            .find(|by| by.word() == word)
    }
}

/// The device thought or known to be the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// External id.
    pub id: String,
    /// Kind word of the grid; empty when the grid was not at hand.
    pub kind: String,
}

/// What confirming brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Who.
    pub by: Confirmer,
    /// When.
    pub at: DateTime<Utc>,
}

/// Who is off because of the confirmed device: a stored set of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The set's id.
    pub set_id: String,
    /// Service points in it.
    pub count: u32,
    /// Set when it is not that of the confirmation any more.
    pub followed: Option<Followed>,
}

/// That an affected set followed the switching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The switching's moment.
    pub at: DateTime<Utc>,
    /// The set of the confirmation.
    pub confirmed_set: String,
}

/// One incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// Spoken number; empty until it is stored.
    pub number: String,
    /// Its state.
    pub state: State,
    /// Probable or confirmed device.
    pub device: Option<Device>,
    /// Set when the device is no guess any more.
    pub confirmed: Option<Confirmation>,
    /// Affected set of the confirmed device.
    pub affected: Option<Affected>,
    /// Reports linked to it.
    pub report_count: u32,
    /// How often its reporters asked again.
    pub urge_count: u32,
    /// The earliest acceptance among its reports.
    pub accepted_at: DateTime<Utc>,
    /// The latest acceptance among its reports.
    pub last_report_at: DateTime<Utc>,
    /// When supply is taken to have ended.
    pub off_at: DateTime<Utc>,
    /// Strictest area class among its reports.
    pub area: AreaClass,
    /// A report told of danger.
    pub danger: bool,
    /// A life-support customer reported or is affected.
    pub life_support: bool,
    /// An important customer reported or is affected.
    pub important: bool,
    /// Where the work probably is.
    pub position: Option<Position>,
    /// Organisation responsible.
    pub org_path: String,
    /// IANA zone of the place.
    pub zone: String,
    /// Grows with every change that is told; 0 = not stored yet.
    pub version: i64,
    /// Its people were still off after that one was restored.
    pub parent: Option<IncidentId>,
    /// The first signal, when it began with signals and not with a report: it counts as an acceptance.
    pub signal_at: Option<DateTime<Utc>>,
    /// Split off by a dispatcher: the engine leaves it alone.
    pub by_hand: bool,
}

impl Incident {
    /// Takes over what another one was that became part of this one.
    pub fn take_in(&mut self, gone: &Incident, limits: &ArrivalLimits) {
        self.report_count += gone.report_count;
        self.urge_count += gone.urge_count;
        self.accepted_at = self.accepted_at.min(gone.accepted_at);
        self.off_at = self.off_at.min(gone.off_at);
        self.last_report_at = self.last_report_at.max(gone.last_report_at);
        self.area = limits.stricter(self.area, gone.area);
        self.danger |= gone.danger;
        self.life_support |= gone.life_support;
        self.important |= gone.important;
        self.position = self.position.or(gone.position);
        self.signal_at = match (self.signal_at, gone.signal_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// Makes it agree with its reports. What confirming brought stays.
    pub fn set_facts(&mut self, facts: Facts, limits: &ArrivalLimits) {
        let accepted_at = self.signal_at.unwrap_or(facts.accepted_at).min(facts.accepted_at);
        // A meter's word on when supply ended stays when it is the earlier one.
        self.off_at = if self.off_at == self.accepted_at {
            accepted_at
        } else {
            self.off_at.min(accepted_at)
        };
        self.accepted_at = accepted_at;
        self.report_count = facts.report_count;
        self.last_report_at = facts.last_report_at;
        let areas = facts
            .areas
            .into_iter()
            .map(|area| area.unwrap_or(limits.strictest()));
        if let Some(area) = areas.reduce(|one, other| limits.stricter(one, other)) {
            self.area = area;
        }
        let known = self.confirmed.is_some();
        self.danger = facts.danger;
        self.life_support = facts.life_support || (known && self.life_support);
        self.important = facts.important || (known && self.important);
        self.position = self.position.or(facts.placed.map(|placed| placed.position));
    }
}

/// What can happen to a stored incident beside grouping.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Somebody who can know named the device.
    Confirm {
        /// The device.
        device: Device,
        /// Who.
        by: Confirmer,
        /// Who is off then.
        affected: Affected,
        /// Where it is, if the registry knows.
        position: Option<Position>,
        /// Whether the set has important and life-support customers.
        important: bool,
        /// See `important`.
        life_support: bool,
    },
    /// Others are off by the same fault now, since the network was switched.
    Followed {
        /// The set it had then.
        was: String,
        /// Who is off now.
        set_id: String,
        /// Service points in it.
        count: u32,
        /// When it was switched.
        at: DateTime<Utc>,
    },
    /// Somebody among those who are off depends on life-support, which was not known when the device was confirmed.
    OnLifeSupport,
    /// A dispatcher names the device of a guess; it stays a guess.
    Name {
        /// The device.
        device: Device,
        /// Where it is.
        position: Option<Position>,
    },
    /// A dispatcher found it to be part of another one.
    Merge(IncidentId),
    /// Everybody has supply again, or the order was archived.
    Close(&'static str),
    /// The call-back found somebody still off.
    Reopen,
}

/// Why an event does not apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It lives on elsewhere.
    #[error("the incident was merged into {0}; use that one")]
    Merged(IncidentId),
    /// It is over.
    #[error("the incident is closed ({0}); a new report opens a new one")]
    Closed(String),
    /// Its device is known, not guessed.
    #[error("the device of this incident is confirmed; confirm another one instead")]
    Confirmed,
    /// An incident is no part of itself.
    #[error("an incident cannot become part of itself; name another one")]
    Itself,
    /// Every report would leave it.
    #[error("these are all reports of the incident; leave at least one, or merge it into another")]
    Emptied,
    /// Reports of several incidents, or of none.
    #[error("the reports must all be of one open incident")]
    NotOne,
}

/// What `event` does to `from` at `now`. Repeating an event that led here changes nothing.
///
/// # Errors
/// [`Refusal`]; every move is written out, the rest is refused.
pub fn transition(from: Incident, event: Event, now: DateTime<Utc>) -> Result<Incident, Refusal> {
    match (&from.state, event) {
        (
            State::Open,
            Event::Confirm {
                device,
                by,
                affected,
                position,
                important,
                life_support,
            },
        ) => {
            let same = from.confirmed.is_some()
                && from.affected.as_ref() == Some(&affected)
                && from.device.as_ref().is_some_and(|known| known.id == device.id);
            if same {
                return Ok(from);
            }
            Ok(Incident {
                device: Some(device),
                confirmed: Some(Confirmation { by, at: now }),
                affected: Some(affected),
                position: position.or(from.position),
                important: from.important || important,
                life_support: from.life_support || life_support,
                ..from
            })
        }
        (
            State::Open,
            Event::Followed {
                was,
                set_id,
                count,
                at,
            },
        ) => match from.affected.clone() {
            Some(before) if before.set_id == was && from.confirmed.is_some() => {
                let confirmed_set = before.followed.map_or(before.set_id, |known| known.confirmed_set);
                let followed = Some(Followed { at, confirmed_set });
                let affected = Some(Affected {
                    set_id,
                    count,
                    followed,
                });
                Ok(Incident { affected, ..from })
            }
            // It was confirmed anew meanwhile.
            _ => Ok(from),
        },
        (State::Open, Event::OnLifeSupport) => Ok(Incident {
            life_support: true,
            ..from
        }),
        (State::Open, Event::Name { .. }) if from.confirmed.is_some() => Err(Refusal::Confirmed),
        (State::Open, Event::Name { device, position }) => Ok(Incident {
            position: position.or(from.position),
            device: Some(device),
            ..from
        }),
        (State::Open, Event::Merge(into)) if into == from.id => Err(Refusal::Itself),
        (State::Open, Event::Merge(into)) => Ok(Incident {
            state: State::Merged(into),
            ..from
        }),
        (State::Open, Event::Close(reason)) => Ok(Incident {
            state: State::Closed(reason.to_owned()),
            ..from
        }),
        (State::Closed(_), Event::Reopen) => Ok(Incident {
            state: State::Open,
            ..from
        }),

        (State::Closed(_), Event::Close(_)) | (State::Open, Event::Reopen) => Ok(from),

        (
            State::Closed(reason),
            Event::Confirm { .. }
            | Event::Followed { .. }
            | Event::OnLifeSupport
            | Event::Name { .. }
            | Event::Merge(_),
        ) => Err(Refusal::Closed(reason.clone())),
        (State::Merged(into), Event::Merge(same)) if *into == same => Ok(from),
        (State::Merged(into), _) => Err(Refusal::Merged(*into)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(state: State) -> Incident {
        let at = "2026-11-22T10:00:00Z".parse().unwrap();
        Incident {
            id: IncidentId::from_uuid(uuid::Uuid::from_u128(1)),
            number: "I-20261122-0001".to_owned(),
            state,
            device: Some(Device {
                id: "T1".to_owned(),
                kind: "transformer".to_owned(),
            }),
            confirmed: None,
            affected: None,
            report_count: 1,
            urge_count: 0,
            accepted_at: at,
            last_report_at: at,
            off_at: at,
            area: AreaClass::Urban,
            danger: false,
            life_support: false,
            important: false,
            position: None,
            org_path: "demo".to_owned(),
            zone: "Asia/Shanghai".to_owned(),
            version: 1,
            parent: None,
            signal_at: None,
            by_hand: false,
        }
    }

    fn confirm(device: &str) -> Event {
        Event::Confirm {
            device: Device {
                id: device.to_owned(),
                kind: String::new(),
            },
            by: Confirmer::Dispatcher,
            affected: Affected {
                set_id: format!("set of {device}"),
                count: 40,
                followed: None,
            },
            position: None,
            important: false,
            life_support: true,
        }
    }

    #[test]
    fn every_state_with_every_event() {
        let other = IncidentId::new();
        let closed = || State::Closed("restored".to_owned());
        let cases = [
            (State::Open, confirm("F1"), Ok(State::Open)),
            (
                State::Open,
                Event::Close("archived"),
                Ok(State::Closed("archived".to_owned())),
            ),
            (State::Open, Event::Reopen, Ok(State::Open)),
            (
                closed(),
                confirm("F1"),
                Err(Refusal::Closed("restored".to_owned())),
            ),
            // The first reason stays.
            (closed(), Event::Close("archived"), Ok(closed())),
            (closed(), Event::Reopen, Ok(State::Open)),
            (State::Merged(other), confirm("F1"), Err(Refusal::Merged(other))),
            (
                State::Merged(other),
                Event::Close("archived"),
                Err(Refusal::Merged(other)),
            ),
            (State::Merged(other), Event::Reopen, Err(Refusal::Merged(other))),
        ];
        for (state, event, right) in cases {
            let now = "2026-11-22T11:00:00Z".parse().unwrap();
            let outcome = transition(incident(state.clone()), event.clone(), now);
            assert_eq!(outcome.map(|after| after.state), right, "{state:?} {event:?}");
        }
    }

    #[test]
    fn a_crew_may_correct_the_device_and_a_repeat_changes_nothing() {
        let now = "2026-11-22T11:00:00Z".parse().unwrap();
        let first = transition(incident(State::Open), confirm("F1"), now).unwrap();
        assert!(first.life_support && first.confirmed.is_some());
        let later = now + chrono::TimeDelta::minutes(5);
        assert_eq!(transition(first.clone(), confirm("F1"), later).unwrap(), first);
        let corrected = transition(first, confirm("F2"), later).unwrap();
        assert_eq!(corrected.device.unwrap().id, "F2");
        assert_eq!(corrected.affected.unwrap().set_id, "set of F2");
    }

    #[test]
    fn an_affected_set_follows_the_switching_and_keeps_where_it_began_until_it_is_confirmed_anew() {
        let now: DateTime<Utc> = "2026-11-22T11:00:00Z".parse().unwrap();
        let follow = |was: &str, set: &str, minute| Event::Followed {
            was: was.to_owned(),
            set_id: set.to_owned(),
            count: 3,
            at: now + chrono::TimeDelta::minutes(minute),
        };
        let begin = transition(incident(State::Open), confirm("F1"), now).unwrap();
        let fed = transition(begin.clone(), follow("set of F1", "fed", 5), now).unwrap();
        let off = transition(fed.clone(), follow("fed", "off", 9), now).unwrap();
        let affected = off.affected.clone().unwrap();
        let known = affected.followed.unwrap();
        assert_eq!((affected.set_id.as_str(), affected.count), ("off", 3));
        assert_eq!(known.confirmed_set, "set of F1");
        assert_eq!(known.at, now + chrono::TimeDelta::minutes(9));
        assert_eq!(
            transition(off.clone(), follow("fed", "late", 7), now).unwrap(),
            off
        );
        let anew = transition(off, confirm("F2"), now).unwrap();
        assert_eq!(anew.affected.unwrap().followed, None);
        let guess = incident(State::Open);
        assert_eq!(
            transition(guess.clone(), follow("", "set", 1), now).unwrap(),
            guess
        );
    }
}
