//! Is supply really back? After a restoration a sample of meters is pinged or customers are asked by text; here is what each
//! answer means. A person's later word replaces the earlier one; their "no" also ends with a later word of their meter that there
//! is supply.

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

/// What somebody said last, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken {
    /// Supply is back.
    pub is_back: bool,
    /// When it was said.
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
    /// What its customer said.
    pub person: Option<Spoken>,
    /// The number of its customer was asked for somebody else, whose answer says nothing of this one.
    pub same_number: bool,
}

/// What may happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Its meter answered.
    Meter(Heard),
    /// Its customer answered the text.
    Said(Spoken),
    /// Its customer reported by themselves that there is no supply.
    Reported {
        /// When.
        at: DateTime<Utc>,
    },
    /// Its customer shares a number with somebody who is asked.
    SameNumber,
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
    /// Not asked, and so not silent: the number was asked for somebody else.
    SameNumber,
}

impl Asked {
    /// What it comes to. A person outranks a meter, which may hang on another cable than the list says (O36); but "no" is over
    /// when the meter has supply after it.
    pub fn verdict(&self) -> Verdict {
        match (self.person, self.meter, self.stage) {
            (Some(spoken), ..) if spoken.is_back => Verdict::Yes,
            (Some(_), ..) if self.is_still_off() => Verdict::No,
            (Some(_), ..) => Verdict::Yes,
            (None, Some(heard), _) if heard.has_supply => Verdict::Yes,
            (None, Some(_), _) => Verdict::No,
            (None, None, _) if self.same_number => Verdict::SameNumber,
            (None, None, Stage::Settled) => Verdict::Silent,
            (None, None, _) => Verdict::Waiting,
        }
    }

    /// Its customer said that there is no supply, and neither they nor their meter said otherwise since.
    pub fn is_still_off(&self) -> bool {
        self.person.is_some_and(|spoken| {
            let since = |heard: Heard| heard.has_supply && heard.at > spoken.at;
            !spoken.is_back && !self.meter.is_some_and(since)
        })
    }

    /// Whether a word of that moment says nothing new: it was said before the last one, or is that one told again.
    pub fn knows(&self, at: DateTime<Utc>) -> bool {
        self.person.is_some_and(|spoken| at <= spoken.at)
    }
}

/// What `event` does. The same event again does nothing new: nobody is asked twice and no report comes in twice.
pub fn transition(from: Asked, event: Event) -> (Asked, Effects) {
    match event {
        Event::Meter(heard) => meter(from, heard),
        Event::Said(spoken) if from.knows(spoken.at) => (from, Effects::default()),
        Event::Said(spoken) if spoken.is_back => back(from, spoken),
        Event::Said(spoken) => still_off(from, spoken, true),
        Event::Reported { at } if from.knows(at) => (from, Effects::default()),
        Event::Reported { at } => still_off(from, Spoken { is_back: false, at }, false),
        Event::SameNumber => {
            let to = Asked {
                same_number: true,
                ..settled(from)
            };
            (to, Effects::default())
        }
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

fn back(from: Asked, spoken: Spoken) -> (Asked, Effects) {
    let effects = Effects {
        evidence: !from.person.is_some_and(|before| before.is_back),
        ..Effects::default()
    };
    (said(from, spoken), effects)
}

fn still_off(from: Asked, spoken: Spoken, by_text: bool) -> (Asked, Effects) {
    let effects = Effects {
        report: by_text && !from.is_still_off(),
        withdraw: !by_text && from.stage == Stage::Texting,
        ..Effects::default()
    };
    (said(from, spoken), effects)
}

fn said(from: Asked, spoken: Spoken) -> Asked {
    Asked {
        person: Some(spoken),
        ..settled(from)
    }
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
            same_number: false,
        }
    }

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn said(is_back: bool, at: i64) -> Event {
        Event::Said(Spoken {
            is_back,
            at: second(at),
        })
    }

    fn heard(has_supply: bool, at: i64) -> Event {
        Event::Meter(Heard {
            has_supply,
            at: second(at),
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
        use Stage::{Pinging, Texting};
        let table: [(Stage, Vec<Event>, Verdict); 18] = [
            (Pinging, vec![], Verdict::Waiting),
            (Pinging, vec![heard(true, 1)], Verdict::Yes),
            (Pinging, vec![heard(false, 1)], Verdict::No),
            (Pinging, vec![heard(false, 1), said(true, 2)], Verdict::Yes),
            (Pinging, vec![heard(true, 2), heard(false, 1)], Verdict::Yes),
            (Pinging, vec![Event::Late], Verdict::Waiting),
            (Pinging, vec![Event::Late, Event::Late], Verdict::Silent),
            (Texting, vec![Event::Late, said(false, 1)], Verdict::No),
            (Texting, vec![said(false, 1), said(true, 2)], Verdict::Yes),
            (Texting, vec![said(true, 2), said(false, 1)], Verdict::Yes),
            (Texting, vec![said(true, 1), said(false, 2)], Verdict::No),
            (Texting, vec![said(false, 1), heard(true, 2)], Verdict::Yes),
            (Texting, vec![heard(true, 1), said(false, 2)], Verdict::No),
            (Texting, vec![said(true, 1), heard(false, 2)], Verdict::Yes),
            (Texting, vec![Event::Unreached], Verdict::Silent),
            (Texting, vec![Event::SameNumber], Verdict::SameNumber),
            (Texting, vec![Event::SameNumber, heard(false, 1)], Verdict::No),
            (Texting, vec![Event::Reported { at: second(1) }], Verdict::No),
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
            (any::<bool>(), 0..20_i64).prop_map(|(is_back, at)| said(is_back, at)),
            (0..20_i64).prop_map(|at| Event::Reported { at: second(at) }),
            Just(Event::Unreached),
            Just(Event::SameNumber),
            Just(Event::Late),
        ];
        proptest::collection::vec(one, 0..20)
    }

    proptest! {
        /// Whatever comes in whatever order, doubled or late.
        #[test]
        fn nobody_is_asked_twice_a_no_is_one_report_and_the_last_word_holds(events in events(), pinging in any::<bool>()) {
            let stage = if pinging { Stage::Pinging } else { Stage::Texting };
            let (end, effects) = after(fresh(stage), &events);
            prop_assert!(effects.iter().filter(|one| one.ask).count() <= usize::from(pinging));
            let words = || events.iter().filter_map(|event| match event {
                Event::Said(spoken) => Some(spoken.at),
                Event::Reported { at } => Some(*at),
                _ => None,
            });
            prop_assert_eq!(words().max(), end.person.map(|spoken| spoken.at));
            // One more report only after they or their meter said that there is supply.
            let supply = events.iter().filter(|event| {
                matches!(event, Event::Said(Spoken { is_back: true, .. }) | Event::Meter(Heard { has_supply: true, .. }))
            });
            prop_assert!(effects.iter().filter(|one| one.report).count() <= 1 + supply.count());
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
