//! Important customers with several supplies who are down to one, or off by a fault (operations.md O23): when that is so, who is told and when,
//! and to whom silence goes. Pure.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use relight_policy::Pack;

use super::window::Instant;

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// One of several supplies is left.
    Supply,
    /// Off by a fault.
    Fault,
}

impl About {
    /// The word in the database and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            About::Supply => "supply",
            About::Fault => "fault",
        }
    }
}

/// The times of a warning, as the policy pack had them when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// It stands so long before anybody is told: a transfer opens one device and closes another within minutes.
    pub tell: TimeDelta,
    /// Silence after the notice goes to the account manager.
    pub account_manager: TimeDelta,
    /// And to the duty manager.
    pub duty_manager: TimeDelta,
}

impl Times {
    /// What `pack` says at `at`. Whom a fault switched off is told at once; a time without a rule is none.
    pub fn of(pack: &Pack, about: About, at: Instant) -> Self {
        let span = |path| pack.duration(path, at).unwrap_or_default();
        Self {
            tell: match about {
                About::Supply => span("important.settle"),
                About::Fault => TimeDelta::zero(),
            },
            account_manager: span("important.account_manager_after"),
            duty_manager: span("important.duty_manager_after"),
        }
    }
}

/// One supply of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supply {
    /// As the network is drawn, the feeder it hangs on; none: it has no supply then.
    pub normally: Option<String>,
    /// As it is switched now.
    pub now: Option<String>,
}

/// How a customer is supplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// They never had several supplies.
    NeverSeveral,
    /// By several.
    Several,
    /// One is left: of several supplies only one has any, or those that have hang on one feeder where they hung on several.
    Single,
    /// None has any.
    Off,
}

/// How somebody with these supplies stands.
pub fn stand(supplies: &[Supply]) -> Stand {
    let feeders =
        |of: fn(&Supply) -> Option<&String>| supplies.iter().filter_map(of).collect::<BTreeSet<_>>();
    let normal = supplies.iter().filter(|one| one.normally.is_some()).count();
    let now = supplies.iter().filter(|one| one.now.is_some()).count();
    let merged = feeders(|one| one.normally.as_ref()).len() > 1 && feeders(|one| one.now.as_ref()).len() == 1;
    match (normal, now) {
        (0 | 1, _) => Stand::NeverSeveral,
        (_, 0) => Stand::Off,
        (_, 1) => Stand::Single,
        _ if merged => Stand::Single,
        _ => Stand::Several,
    }
}

/// Who has to do with silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// The customer's account manager.
    AccountManager,
    /// Decides.
    DutyManager,
}

impl Rung {
    /// The word in the database, on the wire and of the alarm.
    pub fn word(self) -> &'static str {
        match self {
            Rung::AccountManager => "account_manager",
            Rung::DutyManager => "duty_manager",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Rung::AccountManager, Rung::DutyManager]
            .into_iter()
            .find(|rung| rung.word() == word)
    }
}

/// How a warning ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Several supplies again.
    Restored,
    /// None is left: an outage, of which they are told as of any.
    Off,
    /// They are no customer with several supplies any more.
    Gone,
}

impl End {
    /// The word in the database and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            End::Restored => "restored",
            End::Off => "off",
            End::Gone => "gone",
        }
    }
}

/// What a customer's stand makes of the warning that is open for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing changes.
    Stay,
    /// One begins.
    Begin,
    /// The open one ends.
    End(End),
}

/// Judges how an important customer stands; `open`: a warning is open for them. Who is not important any more hears nothing new.
pub fn judge(stand: Stand, important: bool, open: bool) -> Verdict {
    match (stand, open) {
        (Stand::Single, false) if important => Verdict::Begin,
        (Stand::Single, true) | (_, false) => Verdict::Stay,
        (Stand::Several, true) => Verdict::End(End::Restored),
        (Stand::Off, true) => Verdict::End(End::Off),
        (Stand::NeverSeveral, true) => Verdict::End(End::Gone),
    }
}

/// How far a warning is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Its times.
    pub times: Times,
    /// One supply left, or off, since.
    pub since_at: Instant,
    /// When the customer's notice was ordered.
    pub told_at: Option<Instant>,
    /// They answered, or the duty manager took their silence on, or it is over.
    pub settled: bool,
    /// Where silence is.
    pub rung: Option<Rung>,
}

/// What time brings a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The customer is told.
    Tell,
    /// Silence goes there.
    Escalate(Rung),
}

impl Progress {
    /// What comes next, and when; none: time changes nothing any more.
    pub fn next(&self) -> Option<(Instant, Step)> {
        if self.settled {
            return None;
        }
        let Some(told_at) = self.told_at else {
            return Some((self.since_at + self.times.tell, Step::Tell));
        };
        match self.rung {
            None => Some((
                told_at + self.times.account_manager,
                Step::Escalate(Rung::AccountManager),
            )),
            Some(Rung::AccountManager) => Some((
                told_at + self.times.duty_manager,
                Step::Escalate(Rung::DutyManager),
            )),
            Some(Rung::DutyManager) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(normally: &str, now: &str) -> Supply {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Supply {
            normally: some(normally),
            now: some(now),
        }
    }

    #[test]
    fn one_of_several_left_is_single_and_so_are_two_on_one_feeder() {
        let table: [(&[(&str, &str)], Stand); 9] = [
            (&[], Stand::NeverSeveral),
            (&[("F1", "")], Stand::NeverSeveral),
            // The second was never connected.
            (&[("F1", "F1"), ("", "")], Stand::NeverSeveral),
            (&[("F1", "F1"), ("F2", "F2")], Stand::Several),
            // Both on one feeder as drawn: two supplies, and none is lost.
            (&[("F1", "F1"), ("F1", "F1")], Stand::Several),
            (&[("F1", "F1"), ("F1", "")], Stand::Single),
            // Fed from the other side, so that one breaker has both.
            (&[("F1", "F1"), ("F2", "F1")], Stand::Single),
            (&[("F1", "F1"), ("F2", ""), ("F3", "F3")], Stand::Several),
            (&[("F1", ""), ("F2", "")], Stand::Off),
        ];
        for (supplies, expected) in table {
            let supplies: Vec<_> = supplies.iter().map(|(was, is)| supply(was, is)).collect();
            assert_eq!(stand(&supplies), expected, "{supplies:?}");
        }
    }

    #[test]
    fn a_warning_begins_once_for_the_important_and_ends_with_what_it_is_about() {
        let table = [
            (Stand::Single, true, false, Verdict::Begin),
            (Stand::Single, false, false, Verdict::Stay),
            (Stand::Single, true, true, Verdict::Stay),
            (Stand::Single, false, true, Verdict::Stay),
            (Stand::Several, true, false, Verdict::Stay),
            (Stand::Several, true, true, Verdict::End(End::Restored)),
            (Stand::Off, true, false, Verdict::Stay),
            (Stand::Off, true, true, Verdict::End(End::Off)),
            (Stand::NeverSeveral, true, false, Verdict::Stay),
            (Stand::NeverSeveral, true, true, Verdict::End(End::Gone)),
        ];
        for (stand, important, open, expected) in table {
            assert_eq!(
                judge(stand, important, open),
                expected,
                "{stand:?} {important} {open}"
            );
        }
    }

    #[test]
    fn who_is_silent_climbs_and_who_answered_does_not() {
        let since_at: Instant = "2026-03-01T01:00:00Z".parse().unwrap();
        let pack = Pack::load("CN-SGCC").unwrap();
        assert_eq!(Times::of(&pack, About::Fault, since_at).tell, TimeDelta::zero());
        let mut one = Progress {
            times: Times::of(&pack, About::Supply, since_at),
            since_at,
            told_at: None,
            settled: false,
            rung: None,
        };
        let min = TimeDelta::minutes;
        assert_eq!(one.next(), Some((since_at + min(2), Step::Tell)));
        one.told_at = Some(since_at + min(2));
        let account = Step::Escalate(Rung::AccountManager);
        assert_eq!(one.next(), Some((since_at + min(17), account)));
        one.rung = Some(Rung::AccountManager);
        let duty = Step::Escalate(Rung::DutyManager);
        assert_eq!(one.next(), Some((since_at + min(32), duty)));
        assert_eq!(Progress { settled: true, ..one }.next(), None);
        one.rung = Some(Rung::DutyManager);
        assert_eq!(one.next(), None);
        assert_eq!(Rung::parse("duty_manager"), Some(Rung::DutyManager));
        assert_eq!(Rung::parse("boss"), None);
    }
}
