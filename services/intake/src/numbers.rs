//! Section `intake` of the configuration: numbers around the inference, as data.

use anyhow::Context;
use chrono::TimeDelta;
use relight_common::Invalid;
use relight_grid::infer::Weights;
use serde::Deserialize;

use crate::{
    check::Numbers as Checks,
    domain::{check::sample::Rules, mind::Limits},
    prune::Retention,
    rpc::BEFORE,
};

/// The section as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// File of weights instead of the built-in ones; empty: those.
    pub weights_file: String,
    /// See [`Limits::meters_open`].
    pub meters_open: u32,
    /// See [`Limits::meters_confirm`].
    pub meters_confirm: u32,
    /// See [`Limits::confirm_p`].
    pub confirm_p: f64,
    /// Minutes.
    pub window_min: u32,
    /// Hours.
    pub still_off_h: u32,
    /// Hours.
    pub memory_h: u32,
    /// Minutes.
    pub self_help_min: u32,
    /// Minutes.
    pub call_climb_min: u32,
    /// Days.
    pub evidence_days: u32,
    /// See [`Rules::percent`].
    pub check_percent: u32,
    /// See [`Rules::least`].
    pub check_least: u32,
    /// See [`Rules::most`].
    pub check_most: u32,
    /// See [`Checks::widen`].
    pub check_widen: u32,
    /// Minutes.
    pub check_ping_wait_min: u32,
    /// Minutes.
    pub check_ask_after_min: u32,
    /// Hours.
    pub check_answer_h: u32,
    /// Days.
    pub check_heard_days: u32,
    /// See [`Checks::per_day`].
    pub check_per_day: u32,
}

/// The numbers, checked.
#[derive(Debug, Clone)]
pub struct Numbers {
    /// Of the engine.
    pub weights: Weights,
    /// Around the engine.
    pub limits: Limits,
    /// Evidence of this long ago is still weighed; while incidents are open, from their beginning.
    pub memory: TimeDelta,
    /// Self-help without a result for this long is dispatched.
    pub self_help: TimeDelta,
    /// A wanted call that nobody made for this long climbs.
    pub call_climb: TimeDelta,
    /// How long decisions and their evidence are kept.
    pub retention: Retention,
    /// Who is asked after a restoration.
    pub checks: Checks,
}

impl Numbers {
    /// Checks the section and reads the weights it names.
    ///
    /// # Errors
    /// The number that is out of its range, or the fault of the weights file, and what is right.
    pub fn new(section: &Section) -> anyhow::Result<Self> {
        let weights = if section.weights_file.is_empty() {
            Weights::default()
        } else {
            let text = std::fs::read_to_string(&section.weights_file)
                .with_context(|| format!("intake.weights_file {} cannot be read", section.weights_file))?;
            Weights::parse(&text).map_err(|fault| anyhow::anyhow!("{}: {fault}", section.weights_file))?
        };
        within("intake.meters_open", section.meters_open, 1, 10_000)?;
        within("intake.meters_confirm", section.meters_confirm, 1, 10_000)?;
        within("intake.window_min", section.window_min, 0, 240)?;
        within("intake.still_off_h", section.still_off_h, 1, 168)?;
        within("intake.memory_h", section.memory_h, 1, 168)?;
        within("intake.self_help_min", section.self_help_min, 1, 60)?;
        within("intake.call_climb_min", section.call_climb_min, 1, 60)?;
        within("intake.evidence_days", section.evidence_days, 31, 36_500)?;
        if !(0.5..=1.0).contains(&section.confirm_p) {
            return Err(Invalid::new("intake.confirm_p", "must be from 0.5 to 1").into());
        }
        Ok(Self {
            weights,
            limits: Limits {
                meters_open: section.meters_open,
                meters_confirm: section.meters_confirm,
                confirm_p: section.confirm_p,
                window: TimeDelta::minutes(i64::from(section.window_min)),
                still_off: TimeDelta::hours(i64::from(section.still_off_h)),
            },
            memory: TimeDelta::hours(i64::from(section.memory_h)),
            self_help: TimeDelta::minutes(i64::from(section.self_help_min)),
            call_climb: TimeDelta::minutes(i64::from(section.call_climb_min)),
            retention: Retention {
                decisions: TimeDelta::days(i64::from(section.evidence_days)),
                // What a new engine is fed, and what a replay looks back, whichever is more.
                before: TimeDelta::hours(i64::from(section.memory_h)).max(BEFORE),
            },
            checks: checks(section)?,
        })
    }
}

fn checks(section: &Section) -> Result<Checks, Invalid> {
    within("intake.check_percent", section.check_percent, 0, 100)?;
    within("intake.check_least", section.check_least, 0, 500)?;
    within("intake.check_most", section.check_most, 0, 500)?;
    within("intake.check_widen", section.check_widen, 0, 50)?;
    within("intake.check_ping_wait_min", section.check_ping_wait_min, 1, 240)?;
    within("intake.check_ask_after_min", section.check_ask_after_min, 0, 240)?;
    within("intake.check_answer_h", section.check_answer_h, 1, 72)?;
    within("intake.check_heard_days", section.check_heard_days, 0, 400)?;
    within("intake.check_per_day", section.check_per_day, 1, 24)?;
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(Checks {
        rules: Rules {
            percent: section.check_percent,
            least: count(section.check_least),
            most: count(section.check_most),
        },
        widen: count(section.check_widen),
        ping_wait: TimeDelta::minutes(i64::from(section.check_ping_wait_min)),
        ask_after: TimeDelta::minutes(i64::from(section.check_ask_after_min)),
        answer_wait: TimeDelta::hours(i64::from(section.check_answer_h)),
        heard: TimeDelta::days(i64::from(section.check_heard_days)),
        per_day: section.check_per_day,
    })
}

fn within(name: &'static str, value: u32, least: u32, most: u32) -> Result<(), Invalid> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(Invalid::new(name, format!("must be from {least} to {most}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section() -> Section {
        relight_common::config::section("intake").expect("the default configuration")
    }

    #[test]
    fn the_defaults_are_good_and_a_bad_number_is_named() {
        assert!(Numbers::new(&section()).is_ok());
        type Change = fn(&mut Section);
        let bad: [(Change, &str); 6] = [
            (|s| s.check_most = 501, "check_most"),
            (|s| s.evidence_days = 1, "evidence_days"),
            (|s| s.confirm_p = 0.2, "confirm_p"),
            (|s| s.confirm_p = f64::NAN, "confirm_p"),
            (|s| s.memory_h = 0, "memory_h"),
            (|s| s.weights_file = "/nowhere".to_owned(), "/nowhere"),
        ];
        for (change, word) in bad {
            let mut section = section();
            change(&mut section);
            let told = format!("{:#}", Numbers::new(&section).unwrap_err());
            assert!(told.contains(word), "{told}");
        }
    }
}
