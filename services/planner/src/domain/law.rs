//! What the policy pack says of an outage. No lead time is computed here: the pack is asked, and its words are passed on.

use std::borrow::Cow;

use chrono::TimeDelta;
use chrono_tz::Tz;
use relight_policy::{
    Answer, Case, Pack, PlannedChange, PlannedStart, PlannedTalks, Question, TemporaryStart, Verdict,
};

use super::{
    facts::Coverage,
    outage::{Class, Outage, Ruled},
    said::{Said, clock},
    window::{Instant, Window},
};

/// The pack, and the zone in which it counts dates.
#[derive(Debug, Clone)]
pub struct Law<'a> {
    /// The rules.
    pub pack: Cow<'a, Pack>,
    /// Zone of the place.
    pub zone: Tz,
    /// The other zones of those affected: where a date is counted, the strictest answer holds (domain.md 5.5 no. 3).
    pub others: Vec<Tz>,
    /// The moment whose version of them holds; none: that of the question.
    pub ruled_at: Option<Instant>,
}

impl<'a> Law<'a> {
    /// What rules `outage`: the pack and the moment of its announcement, whatever this deployment has by now (domain.md 5.5
    /// no. 35); `pack` while nobody was told, and when that pack is in this release no more.
    pub fn of(pack: &'a Pack, outage: &Outage, zone: Tz, others: Vec<Tz>) -> Self {
        let stays = outage.ruled.as_ref().filter(|ruled| ruled.pack != pack.id());
        let pack = stays
            .and_then(|ruled| Pack::load(&ruled.pack).ok())
            .map_or(Cow::Borrowed(pack), Cow::Owned);
        Self {
            pack,
            zone,
            others,
            ruled_at: outage.ruled_at(),
        }
    }
}

/// Of two answers in two zones the one that allows less; of equals the one with the later first moment.
fn stricter(one: Answer, other: Answer) -> Answer {
    let rank = |answer: &Answer| {
        let verdict = match answer.verdict {
            Verdict::Yes => 0,
            Verdict::Inform => 1,
            Verdict::NewNotice => 2,
            Verdict::No => 3,
            Verdict::Forbidden => 4,
        };
        (verdict, answer.earliest.is_none(), answer.earliest)
    };
    if rank(&other) > rank(&one) { other } else { one }
}

/// What the pack answered, in both languages: its arithmetic in English, in Chinese the rule and the first moment.
pub fn said(answer: &Answer) -> Said {
    let rule = answer.rule.as_deref().unwrap_or(&answer.pack_version);
    let earliest = answer.earliest.map(|at| clock(at, answer.zone));
    let zh = match (earliest, answer.verdict) {
        (Some(at), _) => format!("按规则“{rule}”，最早为{at}"),
        (None, Verdict::Forbidden) => format!("规则“{rule}”禁止这样做"),
        (None, _) => format!("按规则“{rule}”不允许，或缺少事实而无法判断"),
    };
    Said::new(zh, answer.because.clone())
}

impl Law<'_> {
    fn ask(&self, question: Question) -> Answer {
        let answer = |zone: Tz| {
            let case = Case {
                zone: Some(zone),
                ruled_at: self.ruled_at,
            };
            self.pack.ask(&question, &case)
        };
        let others = self.others.iter().map(|zone| answer(*zone));
        others.fold(answer(self.zone), stricter)
    }

    /// The law of `at`, to be kept.
    pub fn ruling(&self, at: Instant) -> Ruled {
        let case = Case {
            zone: Some(self.zone),
            ruled_at: Some(at),
        };
        let answer = self
            .pack
            .ask(&Question::PlannedStart(PlannedStart::default()), &case);
        Ruled {
            pack: self.pack.id().to_owned(),
            version: answer.pack_version,
            at,
        }
    }

    /// The moment whose rules hold for something that has to do with `at`.
    fn rules_at(&self, at: Instant) -> Instant {
        self.ruled_at.unwrap_or(at)
    }

    /// Do the notices given carry this window? Nobody announced, or somebody who must be told and was not: that fact is
    /// missing, and the pack says no.
    pub fn notice(&self, outage: &Outage, coverage: &Coverage) -> Answer {
        let published_at = outage.announced_at;
        let individual_at = published_at.and_then(|at| coverage.individual_at(at));
        // A required notice that is missing must not look like one that is not required.
        let published_at = published_at.filter(|_| individual_at.is_some());
        self.ask(match outage.class {
            Class::Planned | Class::CustomerRequest { .. } => Question::PlannedStart(PlannedStart {
                published_at,
                individual_at,
                off_at: Some(outage.window.off_at),
                now: None,
            }),
            Class::Temporary { .. } => Question::TemporaryStart(TemporaryStart {
                published_at: published_at.max(individual_at),
                off_at: Some(outage.window.off_at),
            }),
        })
    }

    /// What [`Law::notice`] answered, in both languages; in Chinese with the time there was.
    pub fn notice_said(&self, outage: &Outage, coverage: &Coverage, answer: &Answer) -> Said {
        let mut said = said(answer);
        let complete = outage
            .announced_at
            .and_then(|at| coverage.individual_at(at).max(Some(at)));
        if let Some(at) = complete {
            // Cut off, not rounded: 167.99 h are no 168 h.
            let tenths = (outage.window.off_at - at).num_minutes().div_euclid(6);
            let (hours, tenth) = (tenths.div_euclid(10), tenths.rem_euclid(10));
            let told = clock(at, answer.zone);
            said.zh = format!("告知于{told}完成，距停电{hours}.{tenth}小时；{}", said.zh);
        }
        said
    }

    /// The last second at which an individual notice carries the window of `outage`; none: not even the announcement does. More
    /// notice never turns a yes into a no, so it is halved until one second is left.
    pub fn latest_notice(&self, outage: &Outage) -> Option<Instant> {
        let published_at = outage.announced_at?;
        let carries = |after: i64| {
            let told = Coverage {
                required: 1,
                served: 1,
                individual_at: Some(published_at + TimeDelta::seconds(after)),
                ..Coverage::default()
            };
            self.notice(outage, &told).verdict == Verdict::Yes
        };
        if !carries(0) {
            return None;
        }
        let (mut good, mut bad) = (0, (outage.window.off_at - published_at).num_seconds().max(0) + 1);
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            if carries(middle) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        Some(published_at + TimeDelta::seconds(good))
    }

    /// Whether the full notice could still be given if everybody were told at `now`.
    pub fn still_plannable(&self, outage: &Outage, coverage: &Coverage, now: Instant) -> bool {
        let announced = Outage {
            announced_at: outage.announced_at.or(Some(now)),
            ..outage.clone()
        };
        let told = Coverage {
            served: coverage.required,
            individual_at: coverage
                .individual_at
                .filter(|_| coverage.is_complete())
                .or(Some(now)),
            ..*coverage
        };
        self.notice(&announced, &told).verdict == Verdict::Yes
    }

    /// How long after the announced start supply may be switched off without a late start (domain.md 5.2).
    pub fn start_within(&self, outage: &Outage) -> TimeDelta {
        self.span("planned.start_window", outage)
    }

    /// How long before the start people are reminded, and the earliest moment of the last gate.
    pub fn remind_before(&self, outage: &Outage) -> TimeDelta {
        self.span("planned.reminder_before", outage)
    }

    /// How long before the start the last gate is asked by itself, and what is not through it goes to the duty manager.
    pub fn gate_before(&self, outage: &Outage) -> TimeDelta {
        self.span("planned.gate_before", outage)
    }

    /// How long before the start the planner hears of a notice that is not out: before it would be too late.
    pub fn alarm_before(&self, outage: &Outage) -> TimeDelta {
        self.span("planned.alarm_before", outage)
    }

    /// A span the pack states, by its version of the announcement. At a time without a rule none is left: nobody can be
    /// reminded, and nothing is switched off.
    fn span(&self, path: &str, outage: &Outage) -> TimeDelta {
        let ruled_at = self.rules_at(outage.announced_at.unwrap_or(outage.window.off_at));
        self.pack.duration(path, ruled_at).unwrap_or_default()
    }

    /// Plans with the same customers closer together than this are conflicts (domain.md 5.2).
    pub fn apart(&self, start: Instant) -> TimeDelta {
        let days = self.pack.days("planned.combine_within", start);
        TimeDelta::days(days.unwrap_or_default().into())
    }

    /// Who has to be told one by one of what is announced at `at`, in the words of the pack.
    pub fn told_individually(&self, at: Instant) -> Vec<String> {
        let classes = self.pack.told_individually(at).into_iter();
        classes.map(|class| class.word().to_owned()).collect()
    }

    /// How long after the announced start it is said that nobody switched off. A pack that does not say: when the window in
    /// which it may be switched off closes.
    pub fn start_alarm(&self, outage: &Outage) -> TimeDelta {
        self.pack
            .duration("planned.start_alarm", self.rules_at(outage.starts_at()))
            .unwrap_or_else(|_| self.start_within(outage))
    }

    /// Longer by more than this than they were told, important and life-support customers are called. None: the pack
    /// does not ask for it.
    pub fn call_over(&self, start: Instant) -> Option<TimeDelta> {
        let at = self.rules_at(start);
        self.pack.duration("planned.extension_call_over", at).ok()
    }

    /// How long before the start it is said that nobody has decided yet. None: the pack does not say.
    pub fn decide_before(&self, start: Instant) -> Option<TimeDelta> {
        self.pack
            .duration("planned.decide_before", self.rules_at(start))
            .ok()
    }

    /// By when what was restored at `from` is written up. None: the pack does not say.
    pub fn archive_by(&self, from: Instant) -> Option<Instant> {
        let at = self.rules_at(from);
        self.pack.due("planned.archive_within", at, from, self.zone).ok()
    }

    /// How long before the announced end an extension is asked for at the latest. None: the pack does not say.
    pub fn ask_before(&self, start: Instant) -> Option<TimeDelta> {
        let at = self.rules_at(start);
        self.pack.duration("planned.extension_ask_before", at).ok()
    }

    /// Whether a dedicated-line customer to whom a window was proposed at `proposed_at` has had their time.
    pub fn talked_enough(&self, proposed_at: Option<Instant>, now: Instant) -> Answer {
        self.ask(Question::PlannedTalks(PlannedTalks {
            proposed_at,
            at: Some(now),
        }))
    }

    /// How long a department may have a plan without a word. None: the pack does not say.
    pub fn countersign_within(&self, at: Instant) -> Option<TimeDelta> {
        let rules_at = self.rules_at(at);
        self.pack.duration("planned.countersign_within", rules_at).ok()
    }

    /// What a change of the window needs at `now`.
    pub fn change(&self, outage: &Outage, new: Window, now: Instant) -> Answer {
        self.ask(Question::PlannedChange(PlannedChange {
            noticed_at: outage.noticed_at.or(outage.announced_at),
            off_at: Some(outage.window.off_at),
            on_at: Some(outage.window.on_at),
            new_off_at: Some(new.off_at),
            new_on_at: Some(new.on_at),
            now: Some(now),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn outage(announced_at: &str, off_at: &str) -> Outage {
        let off_at = at(off_at);
        let window = Window {
            off_at,
            on_at: off_at + TimeDelta::hours(4),
        };
        let mut one = Outage::draft("author".to_owned(), window);
        one.announced_at = Some(at(announced_at));
        one
    }

    fn law<'a>(pack: &'a Pack, zone: Tz, others: &[Tz]) -> Law<'a> {
        Law {
            pack: Cow::Borrowed(pack),
            zone,
            others: others.to_vec(),
            ruled_at: None,
        }
    }

    /// domain.md 5.5 no. 3: 168 hours are seven dates in one zone and six in the other, whose clocks go back; the later day counts.
    #[test]
    fn a_date_is_counted_in_every_zone_of_somebody_affected() {
        let pack = Pack::load("CN-SGCC").unwrap();
        let (most, few) = (chrono_tz::Asia::Shanghai, chrono_tz::America::New_York);
        let one = outage("2026-10-30T04:30:00Z", "2026-11-06T04:30:00Z");
        let verdict = |zone, others: &[Tz]| law(&pack, zone, others).notice(&one, &Coverage::default());
        assert_eq!(verdict(most, &[]).verdict, Verdict::Yes);
        for (zone, others) in [(few, vec![]), (most, vec![few]), (few, vec![most])] {
            let answer = verdict(zone, &others);
            assert_eq!(answer.verdict, Verdict::No, "{zone} {others:?}");
            assert_eq!(answer.zone, few);
        }
    }

    /// Later on the same day in one zone is another day in the other.
    #[test]
    fn a_move_past_midnight_in_one_of_the_zones_needs_a_new_notice() {
        let pack = Pack::load("CN-SGCC").unwrap();
        let (west, east) = (chrono_tz::Asia::Urumqi, chrono_tz::Asia::Shanghai);
        let one = outage("2026-03-01T01:00:00Z", "2026-03-09T15:00:00Z");
        let later = Window {
            off_at: one.window.off_at + TimeDelta::hours(2),
            on_at: one.window.on_at + TimeDelta::hours(2),
        };
        let now = at("2026-03-09T10:00:00Z");
        let verdict = |zone, others: &[Tz]| law(&pack, zone, others).change(&one, later, now).verdict;
        assert_eq!(verdict(west, &[]), Verdict::Inform);
        assert_eq!(verdict(west, &[east]), Verdict::NewNotice);
        assert_eq!(verdict(east, &[west]), Verdict::NewNotice);
    }
}
