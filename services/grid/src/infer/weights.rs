//! The engine's numbers as data: `weights.toml`, typed and checked before anything uses them.

use serde::{Deserialize, Serialize};

use crate::network::DeviceKind;

/// All weights; [`Weights::default`] is the embedded file, which is also their manual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Customers who call.
    pub calls: Calls,
    /// Meters.
    pub meters: Meters,
    /// Remote signals of switches.
    pub telemetry: Telemetry,
    /// How often devices fail.
    pub rates: Rates,
    /// What makes an incident.
    pub incident: Incident,
}

/// See `[calls]` in `weights.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// First parameter of the Beta distribution of the calling share.
    pub share_a: f64,
    /// Second parameter.
    pub share_b: f64,
    /// Minutes until half of the callers have called.
    pub half_min: f64,
}

/// See `[meters]` in `weights.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meters {
    /// Probability that there are no meters.
    pub none_weight: f64,
    /// Minutes that half of the last gasps lie within.
    pub half_min: f64,
    /// Probability that a ping's answer is wrong.
    pub ping_wrong: f64,
}

/// See `[telemetry]` in `weights.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Probability that a reported trip is none.
    pub trip_wrong: f64,
}

/// See `[rates]` in `weights.toml`; faults per hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Of a switch.
    pub switch: f64,
    /// Of a breaker.
    pub breaker: f64,
    /// Of a recloser.
    pub recloser: f64,
    /// Of a fuse.
    pub fuse: f64,
    /// Of a transformer.
    pub transformer: f64,
    /// Of a reactor.
    pub reactor: f64,
    /// Of a kilometre of line.
    pub line_per_km: f64,
    /// Of a kilometre of line, cleared by the next device above.
    pub line_cleared_per_km: f64,
    /// Length of a line that none is given for.
    pub line_default_km: f64,
    /// Shorter lines count as this long.
    pub line_least_km: f64,
    /// Longer lines count as this long.
    pub line_most_km: f64,
    /// Of one customer's own trouble, and of nonsense.
    pub premise: f64,
}

/// See `[incident]` in `weights.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// Minutes between reports that are explained apart.
    pub gap_min: f64,
    /// Minutes for which an incident takes in late callers.
    pub lapse_min: f64,
    /// Share of reporting loads that must be back for a restoration.
    pub restored_share: f64,
    /// Most loads below a candidate.
    pub loads_max: usize,
    /// Least probability of a listed candidate.
    pub listed_p: f64,
    /// Least move of a probability that is recorded.
    pub update_p: f64,
}

const EMBEDDED: &str = include_str!("weights.toml");

impl Default for Weights {
    fn default() -> Weights {
        Weights::parse(EMBEDDED).expect("the embedded weights are checked by a test")
    }
}

impl Weights {
    /// Reads and checks weights.
    ///
    /// # Errors
    /// The field that is missing, unknown or out of range, and what is right.
    pub fn parse(text: &str) -> Result<Weights, String> {
        let weights: Weights = toml::from_str(text).map_err(|error| error.to_string())?;
        weights.check()?;
        Ok(weights)
    }

    /// The weights as text that [`Weights::parse`] reads to the same numbers: to be kept with what was decided by them.
    pub fn text(&self) -> String {
        toml::to_string(self).expect("tables of numbers can be written")
    }

    fn check(&self) -> Result<(), String> {
        let (calls, meters, rates, incident) = (&self.calls, &self.meters, &self.rates, &self.incident);
        for (name, value, least, most) in [
            ("calls.share_a", calls.share_a, 0.1, 100.0),
            ("calls.share_b", calls.share_b, 0.1, 100.0),
            ("calls.half_min", calls.half_min, 0.1, 600.0),
            ("meters.none_weight", meters.none_weight, 0.01, 0.99),
            ("meters.half_min", meters.half_min, 0.1, 60.0),
            ("meters.ping_wrong", meters.ping_wrong, 1e-6, 0.5),
            ("telemetry.trip_wrong", self.telemetry.trip_wrong, 1e-30, 0.1),
            ("rates.switch", rates.switch, 1e-9, 1.0),
            ("rates.breaker", rates.breaker, 1e-9, 1.0),
            ("rates.recloser", rates.recloser, 1e-9, 1.0),
            ("rates.fuse", rates.fuse, 1e-9, 1.0),
            ("rates.transformer", rates.transformer, 1e-9, 1.0),
            ("rates.reactor", rates.reactor, 1e-9, 1.0),
            ("rates.line_per_km", rates.line_per_km, 1e-9, 1.0),
            ("rates.line_cleared_per_km", rates.line_cleared_per_km, 0.0, 1.0),
            ("rates.line_default_km", rates.line_default_km, 1e-3, 100.0),
            ("rates.line_least_km", rates.line_least_km, 1e-4, 100.0),
            (
                "rates.line_most_km",
                rates.line_most_km,
                rates.line_least_km,
                1000.0,
            ),
            ("rates.premise", rates.premise, 1e-9, 1.0),
            ("incident.gap_min", incident.gap_min, 1.0, 1440.0),
            ("incident.lapse_min", incident.lapse_min, incident.gap_min, 2880.0),
            ("incident.restored_share", incident.restored_share, 0.01, 1.0),
            ("incident.loads_max", incident.loads_max as f64, 1.0, 1e7),
            ("incident.listed_p", incident.listed_p, 1e-9, 0.5),
            ("incident.update_p", incident.update_p, 1e-3, 1.0),
        ] {
            if !(least..=most).contains(&value) {
                return Err(format!(
                    "{name} is {value}; write a number from {least} to {most}"
                ));
            }
        }
        Ok(())
    }

    /// Kilometres that a line counts as.
    pub(crate) fn km(&self, length_m: Option<f64>) -> f64 {
        let rates = &self.rates;
        let km = length_m.map_or(rates.line_default_km, |metres| metres / 1000.0);
        km.clamp(rates.line_least_km, rates.line_most_km)
    }

    /// Faults per hour of a device of `kind`; the length counts for lines only.
    pub(crate) fn rate(&self, kind: DeviceKind, length_m: Option<f64>) -> f64 {
        let rates = &self.rates;
        match kind {
            DeviceKind::Line => rates.line_per_km * self.km(length_m),
            DeviceKind::Reactor => rates.reactor,
            DeviceKind::Transformer => rates.transformer,
            DeviceKind::Switch => rates.switch,
            DeviceKind::Breaker => rates.breaker,
            DeviceKind::Recloser => rates.recloser,
            DeviceKind::Fuse => rates.fuse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_weights_are_good() {
        let weights = Weights::parse(EMBEDDED).expect("the embedded weights");
        assert_eq!(
            Weights::parse(&weights.text()),
            Ok(weights),
            "also when they are kept as text"
        );
    }

    #[test]
    fn a_bad_weight_is_named_with_what_is_right() {
        for (from, to, word) in [
            ("share_a = 2.0", "share_a = -1.0", "calls.share_a is -1"),
            ("lapse_min = 240.0", "lapse_min = nan", "incident.lapse_min"),
            ("fuse = 1e-3", "fuze = 1e-3", "fuze"),
            ("premise = 1e-3", "premise = 7", "from"),
        ] {
            let bad = EMBEDDED.replacen(from, to, 1);
            assert_ne!(bad, EMBEDDED, "{from}");
            let told = Weights::parse(&bad).expect_err("bad");
            assert!(told.contains(word), "{told}");
        }
    }

    #[test]
    fn a_longer_line_fails_more_often_within_limits() {
        let weights = Weights::default();
        let rate = |m| weights.rate(DeviceKind::Line, m);
        assert!(rate(Some(500.0)) > rate(Some(50.0)));
        assert_eq!(rate(Some(0.0)), rate(Some(10.0)));
        assert_eq!(rate(Some(1e9)), rate(Some(3000.0)));
        assert!(rate(None) < weights.rate(DeviceKind::Fuse, None));
    }
}
