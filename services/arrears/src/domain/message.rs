//! What the customer is told through notify, and when that is right. A message is never service of a notice.

use chrono::TimeDelta;

use super::{
    Event, Facts, Instant, Refusal, State,
    case::{Case, PreNotice, Reminder},
    cut::{supplied, unlocked},
    moment::fresh,
    transition::open_way,
};

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A bill is past its day.
    Reminder,
    /// A notice was served; this sums it up.
    Disconnection,
    /// Supply stops soon.
    PreNotice,
    /// Supply was stopped.
    Disconnected,
    /// All is paid.
    PaymentReceived,
    /// Supply is back.
    Reconnected,
    /// The notice is void.
    Withdrawn,
    /// Supply was off without right.
    Apology,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 8] = [
        Kind::Reminder,
        Kind::Disconnection,
        Kind::PreNotice,
        Kind::Disconnected,
        Kind::PaymentReceived,
        Kind::Reconnected,
        Kind::Withdrawn,
        Kind::Apology,
    ];

    /// The word in tables and events.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Reminder => "reminder",
            Kind::Disconnection => "disconnection",
            Kind::PreNotice => "pre_notice",
            Kind::Disconnected => "disconnected",
            Kind::PaymentReceived => "payment_received",
            Kind::Reconnected => "reconnected",
            Kind::Withdrawn => "withdrawn",
            Kind::Apology => "apology",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What the customer is told because a case went from one state to the next. A payment is confirmed to those who hold
    /// a notice; to all others billing does.
    pub fn follows(before: &State, after: &State) -> Option<Self> {
        let held_a_notice = matches!(
            before,
            State::NoticeServed { .. } | State::WindowOpen { .. } | State::PreNoticed { .. }
        );
        match (before, after) {
            (before, after) if after.is_wrongful() && !before.is_wrongful() => Some(Kind::Apology),
            (State::NoticeIssued { .. }, State::NoticeServed { .. }) => Some(Kind::Disconnection),
            (State::PreNoticed { .. } | State::WindowOpen { .. }, State::Disconnected { .. }) => {
                Some(Kind::Disconnected)
            }
            (State::Disconnected { .. }, State::Paid { .. }) => Some(Kind::PaymentReceived),
            (_, State::SettledBefore { .. }) if held_a_notice => Some(Kind::PaymentReceived),
            (_, State::Withdrawn { .. }) if held_a_notice => Some(Kind::Withdrawn),
            (State::ReconnectOrdered { .. } | State::Wrongful { .. }, State::Reconnected { .. }) => {
                Some(Kind::Reconnected)
            }
            _ => None,
        }
    }

    /// Whether it is still true of a case in this state; one that is not is not sent.
    pub fn is_true_of(self, state: &State) -> bool {
        match self {
            Kind::Reminder => state.is_before_cut(),
            Kind::Disconnection => matches!(
                state,
                State::NoticeServed { .. } | State::WindowOpen { .. } | State::PreNoticed { .. }
            ),
            Kind::PreNotice => matches!(state, State::WindowOpen { .. } | State::PreNoticed { .. }),
            Kind::Disconnected => matches!(state, State::Disconnected { .. }),
            Kind::PaymentReceived => matches!(
                state,
                State::SettledBefore { .. }
                    | State::Paid { .. }
                    | State::ReconnectOrdered { .. }
                    | State::Reconnected { .. }
                    | State::Closed { .. }
            ),
            Kind::Reconnected => matches!(state, State::Reconnected { .. } | State::Closed { .. }),
            Kind::Withdrawn => matches!(state, State::Withdrawn { .. }),
            Kind::Apology => state.is_wrongful(),
        }
    }

    /// Whether its delivery is proof of anything.
    pub fn is_proof(self) -> bool {
        matches!(self, Kind::Reminder | Kind::PreNotice)
    }

    /// What its delivery does to the case; nothing for those that only inform.
    pub fn delivered(self, channel: &str, at: Instant, record: String) -> Option<Event> {
        let channel = channel.to_owned();
        match self {
            Kind::Reminder => Some(Event::Remind(Reminder {
                at,
                channel,
                record,
                call: None,
                photo_sha256: None,
            })),
            // A mail is read some day; the last warning has to reach a person now.
            Kind::PreNotice if channel == "sms" => Some(Event::PreNotice {
                warning: PreNotice {
                    at,
                    channel,
                    record,
                    by: String::new(),
                    by_name: String::new(),
                    call: None,
                    photo_sha256: None,
                    witness: None,
                },
                safe_shutdown: None,
            }),
            _ => None,
        }
    }
}

/// Whether ordering this message makes sense at `now`.
///
/// # Errors
/// [`Refusal`]: the state does not fit, something stands in the way, or the warning would come too late.
pub fn check_order(kind: Kind, case: &Case, facts: &Facts<'_>, now: Instant) -> Result<(), Refusal> {
    match (kind, &case.state) {
        (Kind::Reminder, State::Overdue | State::Reminded { .. }) => {
            match case.stopped_by(facts.terms.minimum_debt_cents) {
                held if held.is_empty() => Ok(()),
                held => Err(Refusal::Held(held)),
            }
        }
        (Kind::PreNotice, State::WindowOpen { served, .. }) => {
            open_way(case, facts)?;
            fresh(case, facts.terms, now)?;
            supplied(facts.premises)?;
            unlocked(facts.locks)?;
            facts
                .law
                .may_cut(case, served, now, served.notice.stop_at.max(now))
        }
        _ => Err(Refusal::NotAllowed {
            state: case.state.word(),
            event: match kind {
                Kind::Reminder => "be reminded",
                _ => "be warned",
            },
        }),
    }
}

/// When the last warning is to be ordered, or tried again: from the house's lead on, every minute while it can still be in
/// time.
pub fn next_warning(case: &Case, warn_before: TimeDelta, now: Instant) -> Option<Instant> {
    let State::WindowOpen { served, .. } = &case.state else {
        return None;
    };
    let stop_at = served.notice.stop_at;
    let first = stop_at - warn_before;
    let next = if now < first {
        first
    } else {
        now + TimeDelta::minutes(1)
    };
    (next <= stop_at - TimeDelta::minutes(30)).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Locks, Premises,
        given::{TERMS, in_state, law, local},
    };

    fn ordered(kind: Kind, state: &str, at: &str) -> Result<(), Refusal> {
        ordered_there(kind, state, at, (Premises::Supplied, &Locks::Free))
    }

    fn ordered_there(
        kind: Kind,
        state: &str,
        at: &str,
        (premises, locks): (Premises, &Locks),
    ) -> Result<(), Refusal> {
        let (case, _) = in_state(state);
        let law = law();
        let facts = Facts {
            law: &law,
            terms: &TERMS,
            premises,
            locks,
            release: None,
        };
        let case = Case {
            balance_at: local(at),
            ..case
        };
        check_order(kind, &case, &facts, local(at))
    }

    #[test]
    fn a_reminder_goes_before_anything_else_a_warning_only_in_its_time() {
        assert_eq!(ordered(Kind::Reminder, "overdue", "07-02 10:00"), Ok(()));
        assert_eq!(ordered(Kind::Reminder, "reminded", "07-12 10:00"), Ok(()));
        assert!(ordered(Kind::Reminder, "approved", "08-07 10:00").is_err());
        assert!(ordered(Kind::Disconnection, "overdue", "07-02 10:00").is_err());
        // The notified stop is at 10:00: 30 minutes before is the last moment.
        assert_eq!(ordered(Kind::PreNotice, "window_open", "08-17 09:30"), Ok(()));
        assert!(ordered(Kind::PreNotice, "window_open", "08-17 09:30:01").is_err());
        assert!(ordered(Kind::PreNotice, "notice_served", "08-17 09:00").is_err());
    }

    /// What will not be cut is not announced to be; a reminder is no announcement.
    #[test]
    fn nobody_is_warned_of_a_cut_that_a_lock_or_another_outage_forbids() {
        let locked = Locks::Locked {
            reason: "event: exam".to_owned(),
            until: local("08-18 18:00"),
        };
        let warned =
            |premises, locks| ordered_there(Kind::PreNotice, "window_open", "08-17 09:25", (premises, locks));
        assert_eq!(warned(Premises::Supplied, &Locks::Free), Ok(()));
        assert!(matches!(
            warned(Premises::Supplied, &locked),
            Err(Refusal::Locked { .. })
        ));
        assert_eq!(
            warned(Premises::Supplied, &Locks::Unknown),
            Err(Refusal::LocksUnknown)
        );
        assert_eq!(warned(Premises::Off, &Locks::Free), Err(Refusal::OtherOutage));
        assert_eq!(
            warned(Premises::Unknown, &Locks::Free),
            Err(Refusal::PremisesUnknown)
        );
        let site = (Premises::Unknown, &locked);
        assert_eq!(
            ordered_there(Kind::Reminder, "overdue", "07-02 10:00", site),
            Ok(())
        );
    }

    #[test]
    fn the_warning_is_tried_every_minute_of_its_time() {
        let (case, _) = in_state("window_open");
        let next = |at: &str| next_warning(&case, TimeDelta::minutes(35), local(at));
        assert_eq!(next("08-17 09:05"), Some(local("08-17 09:25")));
        assert_eq!(next("08-17 09:25"), Some(local("08-17 09:26")));
        assert_eq!(next("08-17 09:29"), Some(local("08-17 09:30")));
        assert_eq!(next("08-17 09:30"), None);
        let (case, _) = in_state("pre_noticed");
        assert_eq!(
            next_warning(&case, TimeDelta::minutes(35), local("08-17 09:20")),
            None
        );
    }

    #[test]
    fn every_message_that_follows_a_step_is_written_out() {
        let table = [
            ("notice_issued", "notice_served", Some(Kind::Disconnection)),
            ("notice_served", "window_open", None),
            ("pre_noticed", "disconnected", Some(Kind::Disconnected)),
            ("reconnect_ordered", "reconnected", Some(Kind::Reconnected)),
            ("overdue", "reminded", None),
        ];
        for (before, after, kind) in table {
            let (before, after) = (in_state(before).0.state, in_state(after).0.state);
            assert_eq!(Kind::follows(&before, &after), kind, "{}", after.word());
        }
        let settled =
            |before: &str| Kind::follows(&in_state(before).0.state, &State::SettledBefore { stood: None });
        assert_eq!(settled("overdue"), None);
        assert_eq!(settled("window_open"), Some(Kind::PaymentReceived));
    }

    #[test]
    fn a_message_that_came_too_late_is_not_true_any_more() {
        let is_true = |kind: Kind, state: &str| kind.is_true_of(&in_state(state).0.state);
        assert!(is_true(Kind::Reminder, "reminded") && !is_true(Kind::Reminder, "disconnected"));
        assert!(is_true(Kind::PreNotice, "window_open") && !is_true(Kind::PreNotice, "disconnected"));
        assert!(!Kind::PreNotice.is_true_of(&State::SettledBefore { stood: None }));
        assert!(is_true(Kind::Disconnected, "disconnected") && !is_true(Kind::Disconnected, "reconnected"));
        assert!(is_true(Kind::PaymentReceived, "reconnect_ordered"));
    }

    #[test]
    fn a_delivered_message_is_a_reminder_or_a_warning_and_never_service() {
        for kind in Kind::ALL {
            let event = kind.delivered("sms", local("08-17 09:15"), "m".to_owned());
            assert_eq!(event.is_some(), matches!(kind, Kind::Reminder | Kind::PreNotice));
            assert!(!matches!(event, Some(Event::Serve { .. })));
            assert_eq!(Kind::parse(kind.word()), Some(kind));
        }
        assert_eq!(
            Kind::PreNotice.delivered("email", local("08-17 09:15"), String::new()),
            None
        );
    }
}
