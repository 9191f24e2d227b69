//! What kind of storm.

/// The knobs of a storm; the defaults are those of the tables in `docs/inference.md`.
#[derive(Debug, Clone, PartialEq)]
pub struct StormSettings {
    /// Faults to strike.
    pub faults: u32,
    /// Hours over which they strike.
    pub hours: f64,
    /// Local hour of day at which the storm begins; people call less at night.
    pub start_hour: f64,
    /// Devices with fewer customers below are left alone.
    pub customers_min: u32,
    /// Share of affected customers who call in the end, at day.
    pub call_share: f64,
    /// How far the share differs from fault to fault: sigma of a log-normal factor.
    pub call_share_sigma: f64,
    /// Of those who would call by day, how many do at four in the morning.
    pub night_factor: f64,
    /// Minutes until half of the callers have called.
    pub call_median_min: f64,
    /// Sigma of the log-normal call delay.
    pub call_sigma: f64,
    /// Share of callers who call again while it lasts.
    pub urge_share: f64,
    /// Share of loads with a meter that talks.
    pub meter_coverage: f64,
    /// Share of their messages that are lost.
    pub meter_loss: f64,
    /// Reports of nothing (wrong account, prank) per report.
    pub nonsense_share: f64,
    /// Share of loads recorded under a wrong transformer.
    pub wrong_links: f64,
    /// Share of faults with a second one below, found when the first is repaired.
    pub nested_share: f64,
    /// Times that a part of the network is fed from another side for a while, where it has ties.
    pub switchings: u32,
    /// Share of faults that telemetry reports, of those at breakers and reclosers.
    pub scada_share: f64,
    /// Median minutes to repair.
    pub repair_median_min: f64,
}

impl Default for StormSettings {
    fn default() -> StormSettings {
        StormSettings {
            faults: 12,
            hours: 24.0,
            start_hour: 6.0,
            customers_min: 5,
            call_share: 0.15,
            call_share_sigma: 0.2,
            night_factor: 0.6,
            call_median_min: 5.0,
            call_sigma: 1.1,
            urge_share: 0.15,
            meter_coverage: 0.0,
            meter_loss: 0.15,
            nonsense_share: 0.001,
            wrong_links: 0.0,
            nested_share: 0.1,
            switchings: 2,
            scada_share: 0.0,
            repair_median_min: 100.0,
        }
    }
}

impl StormSettings {
    /// Are the values possible.
    ///
    /// # Errors
    /// The name of the first that is not, and what is right.
    pub fn check(&self) -> Result<(), String> {
        for (name, value, least, most) in [
            ("faults", f64::from(self.faults), 1.0, 100_000.0),
            ("hours", self.hours, 0.01, 10_000.0),
            ("start_hour", self.start_hour, 0.0, 24.0),
            ("call_share", self.call_share, 0.0, 1.0),
            ("call_share_sigma", self.call_share_sigma, 0.0, 2.0),
            ("night_factor", self.night_factor, 0.0, 1.0),
            ("call_median_min", self.call_median_min, 0.01, 1000.0),
            ("call_sigma", self.call_sigma, 0.0, 3.0),
            ("urge_share", self.urge_share, 0.0, 1.0),
            ("meter_coverage", self.meter_coverage, 0.0, 1.0),
            ("meter_loss", self.meter_loss, 0.0, 1.0),
            ("nonsense_share", self.nonsense_share, 0.0, 1.0),
            ("wrong_links", self.wrong_links, 0.0, 1.0),
            ("nested_share", self.nested_share, 0.0, 1.0),
            ("switchings", f64::from(self.switchings), 0.0, 1000.0),
            ("scada_share", self.scada_share, 0.0, 1.0),
            ("repair_median_min", self.repair_median_min, 1.0, 100_000.0),
        ] {
            if !(least..=most).contains(&value) {
                return Err(format!(
                    "{name} is {value}; write a number from {least} to {most}"
                ));
            }
        }
        Ok(())
    }
}
