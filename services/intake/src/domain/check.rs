//! Is supply really back? After a restoration a sample of meters is pinged or customers are asked by text; here is what each
//! answer means. Whoever said "no" is believed over whatever comes later: another person looks then.

pub mod sample;

use chrono::{DateTime, Utc};

/// What is still waited for at one service point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The answer of its meter.
    Pinging,
    /// The answer of its customer to a text.
    Texting,
    /// Nothing.
    Settled,
}

impl Stage {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Pinging => "pinging",
            Stage::Texting => "texting",
            Stage::Settled => "settled",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Stage> {
        [Stage::Pinging, Stage::Texting, Stage::Settled]
            .into_iter()
            .find(|stage| stage.word() == word)
    }
}

/// What a meter said last, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Supply is there.
    pub has_supply: bool,
    /// By the meter's clock.
    pub at: DateTime<Utc>,
}

/// One service point that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// What is waited for.
    pub stage: Stage,
    /// Nobody is known who could be asked by text when this is false.
    pub has_customer: bool,
    /// What its meter said.
    pub meter: Option<Heard>,
    /// What its customer said: supply is there, or is not.
    pub person: Option<bool>,
}

/// What may happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Its meter answered.
    Meter(Heard),
    /// Its customer answered the text.
    Said {
        /// Supply is back.
        is_back: bool,
    },
    /// Its customer reported by themselves that there is no supply.
    Reported,
    /// There is no number to ask.
    Unreached,
    /// The time of the stage is over.
    Late,
}

/// What follows for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effects {
    /// The customer is to be asked by text.
    pub ask: bool,
    /// A text that was not sent yet is taken back.
    pub withdraw: bool,
    /// "Still off" comes in as a report.
    pub report: bool,
    /// "Back" is evidence.
    pub evidence: bool,
    /// The first word of a meter that there is no supply: its neighbours are asked too.
    pub widen: bool,
}

/// What everything said so far comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not known yet.
    Waiting,
    /// Supply is back.
    Yes,
    /// It is not.
    No,
    /// Nobody answered in time.
    Silent,
}

impl Asked {
    /// What it comes to. A person outranks a meter, which may hang on another cable than the list says (O36).
    pub fn verdict(&self) -> Verdict {
        match (self.person, self.meter, self.stage) {
            (Some(true), ..) => Verdict::Yes,
            (Some(false), ..) => Verdict::No,
            (None, Some(heard), _) if heard.has_supply => Verdict::Yes,
            (None, Some(_), _) => Verdict::No,
            (None, None, Stage::Settled) => Verdict::Silent,
            (None, None, _) => Verdict::Waiting,
        }
    }
}

/// What `event` does. The same event again does nothing new: nobody is asked twice and no report comes in twice.
pub fn transition(from: Asked, event: Event) -> (Asked, Effects) {
    match event {
        Event::Meter(heard) => meter(from, heard),
        Event::Said { is_back: true } => back(from),
        Event::Said { is_back: false } => still_off(from, true),
        Event::Reported => still_off(from, false),
        Event::Unreached => (settled(from), Effects::default()),
        Event::Late if from.stage == Stage::Pinging => ask(from, false),
        Event::Late => (settled(from), Effects::default()),
    }
}

fn settled(from: Asked) -> Asked {
    Asked {
        stage: Stage::Settled,
        ..from
    }
}

/// From its meter to its customer, if there is one.
fn ask(from: Asked, widen: bool) -> (Asked, Effects) {
    let stage = if from.has_customer {
        Stage::Texting
    } else {
        Stage::Settled
    };
    let effects = Effects {
        ask: from.has_customer,
        widen,
        ..Effects::default()
    };
    (Asked { stage, ..from }, effects)
}

/// An older word that comes late says nothing. A meter alone may be wrong: its customer is asked before anybody drives.
fn meter(from: Asked, heard: Heard) -> (Asked, Effects) {
    if from.meter.is_some_and(|known| known.at >= heard.at) {
        return (from, Effects::default());
    }
    let was_off = from.meter.is_some_and(|known| !known.has_supply);
    let to = Asked {
        meter: Some(heard),
        ..from
    };
    match (from.stage, heard.has_supply) {
        (Stage::Pinging, false) => ask(to, true),
        (Stage::Texting | Stage::Settled, false) => (
            to,
            Effects {
                widen: !was_off,
                ..Effects::default()
            },
        ),
        (stage, true) => (
            settled(to),
            Effects {
                withdraw: stage == Stage::Texting,
                ..Effects::default()
            },
        ),
    }
}

fn back(from: Asked) -> (Asked, Effects) {
    let effects = Effects {
        evidence: from.person != Some(true),
        ..Effects::default()
    };
    let to = Asked {
        person: from.person.or(Some(true)),
        ..settled(from)
    };
    (to, effects)
}

fn still_off(from: Asked, by_text: bool) -> (Asked, Effects) {
    let effects = Effects {
        report: by_text && from.person != Some(false),
        withdraw: !by_text && from.stage == Stage::Texting,
        ..Effects::default()
    };
    let to = Asked {
        person: Some(false),
        ..settled(from)
    };
    (to, effects)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn fresh(stage: Stage) -> Asked {
        Asked {
            stage,
            has_customer: true,
            meter: None,
            person: None,
        }
    }

    fn heard(has_supply: bool, second: i64) -> Event {
        Event::Meter(Heard {
            has_supply,
            at: DateTime::UNIX_EPOCH + TimeDelta::seconds(second),
        })
    }

    fn after(asked: Asked, events: &[Event]) -> (Asked, Vec<Effects>) {
        let mut effects = Vec::new();
        let end = events.iter().fold(asked, |asked, event| {
            let (asked, effect) = transition(asked, *event);
            effects.push(effect);
            asked
        });
        (end, effects)
    }

    #[test]
    fn what_each_answer_means() {
        let said = |is_back| Event::Said { is_back };
        use Stage::{Pinging, Texting};
        let table: [(Stage, Vec<Event>, Verdict); 11] = [
            (Pinging, vec![], Verdict::Waiting),
            (Pinging, vec![heard(true, 1)], Verdict::Yes),
            (Pinging, vec![heard(false, 1)], Verdict::No),
            (Pinging, vec![heard(false, 1), said(true)], Verdict::Yes),
            (Pinging, vec![heard(true, 2), heard(false, 1)], Verdict::Yes),
            (Pinging, vec![Event::Late], Verdict::Waiting),
            (Pinging, vec![Event::Late, Event::Late], Verdict::Silent),
            (Texting, vec![Event::Late, said(false)], Verdict::No),
            (Texting, vec![said(false), said(true)], Verdict::No),
            (Texting, vec![Event::Unreached], Verdict::Silent),
            (Texting, vec![Event::Reported], Verdict::No),
        ];
        for (stage, events, right) in table {
            assert_eq!(after(fresh(stage), &events).0.verdict(), right, "{events:?}");
        }
    }

    #[test]
    fn a_meter_that_does_not_answer_or_says_off_leads_to_its_customer() {
        let effects = |events: &[Event]| after(fresh(Stage::Pinging), events).1;
        assert!(effects(&[Event::Late])[0].ask);
        let off = effects(&[heard(false, 1)])[0];
        assert!(off.ask && off.widen && !off.report);
        let on = effects(&[Event::Late, heard(true, 1)])[1];
        assert!(on.withdraw && !on.ask);
        let nobody = Asked {
            has_customer: false,
            ..fresh(Stage::Pinging)
        };
        let (settled, effects) = transition(nobody, Event::Late);
        assert_eq!((settled.stage, effects), (Stage::Settled, Effects::default()));
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let one = prop_oneof![
            (any::<bool>(), 0..20_i64).prop_map(|(on, at)| heard(on, at)),
            any::<bool>().prop_map(|is_back| Event::Said { is_back }),
            Just(Event::Reported),
            Just(Event::Unreached),
            Just(Event::Late),
        ];
        proptest::collection::vec(one, 0..20)
    }

    proptest! {
        /// Whatever comes in whatever order, doubled or late.
        #[test]
        fn nobody_is_asked_or_reported_twice_and_no_stays_no(events in events(), pinging in any::<bool>()) {
            let stage = if pinging { Stage::Pinging } else { Stage::Texting };
            let (end, effects) = after(fresh(stage), &events);
            prop_assert!(effects.iter().filter(|one| one.ask).count() <= usize::from(pinging));
            prop_assert!(effects.iter().filter(|one| one.report).count() <= 1);
            let said_no = events.iter().any(|event| matches!(event, Event::Said { is_back: false } | Event::Reported));
            prop_assert_eq!(said_no, end.person == Some(false));
            // All of it once more, as a reader that lost its position sends it.
            let (again, effects) = after(end, &events);
            prop_assert!(effects.iter().all(|one| !one.ask && !one.report));
            prop_assert_eq!(again.person, end.person);
        }

        #[test]
        fn what_is_settled_stays_settled(events in events()) {
            let (end, effects) = after(fresh(Stage::Settled), &events);
            prop_assert_eq!(end.stage, Stage::Settled);
            prop_assert!(effects.iter().all(|one| !one.ask && !one.withdraw));
        }
    }
}
