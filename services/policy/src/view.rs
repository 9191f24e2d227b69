//! A pack as it was at the moment that triggered a case, with the clock of the supply point.

use chrono::{DateTime, NaiveDate, Offset, SecondsFormat, TimeDelta, TimeZone, Utc};

use crate::{Answer, Case, Leaf, Pack, Quantity, Verdict, clock::Clock, finding::Finding, quantity::DayMode};

/// The rules of one case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) pack: &'a Pack,
    ruled_at: DateTime<Utc>,
    pub(crate) clock: Clock<'a>,
}

/// A rule with its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule<'a> {
    pub(crate) path: &'a str,
    pub(crate) leaf: &'a Leaf,
}

impl<'a> View<'a> {
    /// The rules as they were at the trigger: what the case says, else `trigger`, else the newest there are.
    pub(crate) fn new(pack: &'a Pack, case: &Case, trigger: Option<DateTime<Utc>>) -> Self {
        View {
            pack,
            ruled_at: case.ruled_at.or(trigger).unwrap_or(DateTime::<Utc>::MAX_UTC),
            clock: Clock {
                zone: case.zone.unwrap_or(pack.zone),
                calendar: pack.calendar.as_ref(),
            },
        }
    }

    /// The rule of exactly this path.
    pub(crate) fn one(&self, path: &str) -> Option<Rule<'a>> {
        let (path, periods) = self.pack.leaves.get_key_value(path)?;
        let leaf = periods.iter().find(|leaf| leaf.holds_at(self.ruled_at))?;
        Some(Rule { path, leaf })
    }

    /// All layers below `prefix` that hold.
    pub(crate) fn layers(&self, prefix: &str) -> Vec<Rule<'a>> {
        let below = self
            .pack
            .leaves
            .range::<str, _>((std::ops::Bound::Excluded(prefix), std::ops::Bound::Unbounded));
        below
            .take_while(|(path, _)| path.starts_with(prefix))
            .filter(|(path, _)| path.as_bytes().get(prefix.len()) == Some(&b'.'))
            .filter_map(|(path, periods)| {
                let leaf = periods.iter().find(|leaf| leaf.holds_at(self.ruled_at))?;
                Some(Rule { path, leaf })
            })
            .collect()
    }

    /// The span a rule states.
    pub(crate) fn duration(&self, path: &str) -> Option<(Rule<'a>, TimeDelta)> {
        let rule = self.one(path)?;
        match rule.leaf.quantity {
            Quantity::Duration(span) => Some((rule, span)),
            _ => None,
        }
    }

    /// The name of a rule as answers show it: `CN-SGCC planned.lead.law 7 calendar_days`.
    pub(crate) fn name(&self, rule: Rule<'_>) -> String {
        format!("{} {} {}", self.pack.id, rule.path, rule.leaf.words)
    }

    /// An instant as the supply point's clock shows it: `2026-03-08T09:00+08:00`.
    pub(crate) fn say(&self, at: DateTime<Utc>) -> String {
        // At the far ends of time there is no local time; UTC is within a day of it.
        let offset = self.clock.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        let text = match at.naive_utc().checked_add_offset(offset) {
            Some(_) => at
                .with_timezone(&offset)
                .to_rfc3339_opts(SecondsFormat::AutoSi, false),
            None => at.to_rfc3339_opts(SecondsFormat::AutoSi, false),
        };
        // Seconds are shown when there are any.
        text.replacen(":00+", "+", 1).replacen(":00-", "-", 1)
    }

    /// Puts findings together.
    pub(crate) fn answer(&self, findings: Vec<Finding<'a>>) -> Answer {
        let verdict = if findings.iter().all(Finding::is_met) {
            Verdict::Yes
        } else {
            Verdict::No
        };
        let (rule, because) = decide(findings);
        Answer {
            verdict,
            rule: rule.map(|rule| self.name(rule)),
            source: rule.map(|rule| rule.leaf.cited()),
            because,
            ..self.blank(verdict)
        }
    }

    /// An answer that so far says nothing but its verdict.
    pub(crate) fn blank(&self, verdict: Verdict) -> Answer {
        Answer {
            verdict,
            rule: None,
            source: None,
            because: String::new(),
            earliest: None,
            latest: None,
            by: None,
            changes_at: None,
            pack_version: self.version(),
            zone: self.clock.zone,
        }
    }

    fn version(&self) -> String {
        match self.pack.changed_on(self.ruled_at) {
            Some(day) => format!("{}@{day}", self.pack.id),
            None => format!("{}@none", self.pack.id),
        }
    }

    /// How far apart two moments are, as a rule of that kind counts it, and what it asks: `167.5 h of 168 h and ...`.
    pub(crate) fn compare(&self, span: &Quantity, from: DateTime<Utc>, to: DateTime<Utc>) -> String {
        let (first, last) = (self.clock.date(from), self.clock.date(to));
        let dates = (last - first).num_days();
        match *span {
            Quantity::Duration(span) => format!("{} of {}", hours(to - from), hours(span)),
            Quantity::Days(n, DayMode::Calendar) => format!("{dates} of {n} dates"),
            Quantity::Days(n, DayMode::Clear) => format!("{} of {n} clear days", (dates - 1).max(0)),
            Quantity::Days(n, DayMode::Strict) => {
                format!(
                    "{} of {} h and {dates} of {n} dates",
                    hours(to - from),
                    i64::from(n) * 24
                )
            }
            Quantity::Days(n, DayMode::Business) => self.business_days(n, first, last),
            _ => String::new(),
        }
    }

    fn business_days(&self, n: u16, first: NaiveDate, last: NaiveDate) -> String {
        let from = self.clock.counted_from(first).min(last);
        match self.clock.business_days_between(from, last) {
            Ok(found) if from == first => format!("{found} of {n} business days"),
            Ok(found) => format!(
                "{found} of {n} business days, none of them up to {from}: the calendar knows no day before and the later \
                 reading holds"
            ),
            Err(error) => error.to_string(),
        }
    }
}

/// The rule that decides and every reason: of what fails the heaviest first, of what holds the one that opened last.
fn decide<'a>(mut findings: Vec<Finding<'a>>) -> (Option<Rule<'a>>, String) {
    let failing = findings.iter().any(|finding| !finding.is_met());
    findings.retain(|finding| finding.is_met() != failing);
    findings.sort_by(|a, b| b.weight.cmp(&a.weight).then(b.opens_at.cmp(&a.opens_at)));
    let rule = findings.first().and_then(|first| first.rule);
    let reasons: Vec<_> = findings.into_iter().map(|finding| finding.because).collect();
    (rule, reasons.join("; also "))
}

/// Elapsed hours, cut after two decimals so that less than a limit never reads like the limit.
pub(crate) fn hours(span: TimeDelta) -> String {
    if span.num_minutes().abs() < 120 {
        return format!("{} min", span.num_minutes());
    }
    let hundredths = span.num_seconds() / 36;
    let (whole, part) = (hundredths / 100, hundredths.abs() % 100);
    match part {
        0 => format!("{whole} h"),
        part if part % 10 == 0 => format!("{whole}.{} h", part / 10),
        part => format!("{whole}.{part:02} h"),
    }
}
