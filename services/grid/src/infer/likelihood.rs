//! How well "this device opened" fits what was heard below it, and what was not.
//!
//! Three things are unknown and integrated over: when it opened, which share of the customers calls, and
//! which share of the meters gets its last word through. With `k` of `n` customers having called at
//! `t_1 .. t_k`, a device opened at `tau` fits with
//! `product(r f(t_i - tau)) (1 - r F(now - tau))^(n - k)`; meters alike. Times are in hours inside densities.

use super::weights::Weights;

/// What was heard below one candidate, times as minutes since the first of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    /// Minutes of the calls, with how many customers.
    pub(crate) calls: Vec<(f64, u32)>,
    /// Minutes of the last gasps, with how many loads.
    pub(crate) gasps: Vec<(f64, u32)>,
    /// Customers below.
    pub(crate) customers: u32,
    /// Loads below.
    pub(crate) loads: u32,
    /// Loads below that had supply when asked, before anything was restored.
    pub(crate) fed: u32,
    /// Minutes from the first word to now.
    pub(crate) elapsed_min: f64,
}

/// Silence is weighed as of the last of these ages of an outage, minutes: it says more with time, ever more slowly.
pub(crate) const STAGES_MIN: [f64; 12] = [0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 25.0, 40.0, 70.0, 120.0];

/// A point of the grid over a share.
#[derive(Debug, Clone, Copy)]
struct Rate {
    r: f64,
    ln_r: f64,
    ln_weight: f64,
}

/// The grids that integrals are summed over.
#[derive(Debug, Clone)]
pub(crate) struct Likelihood {
    /// The calling share.
    shares: Vec<Rate>,
    /// The share of last gasps, without 0.
    gasps: Vec<Rate>,
    /// ln of the share that gives no last gasp, for each of `gasps`.
    mute: Vec<f64>,
    ln_no_meters: f64,
    /// (minutes the device opened before the first word, ln of the hours this point stands for).
    onsets: Vec<(f64, f64)>,
    /// For each stage, onset and calling share: ln of the share that has not called.
    silent: Vec<Vec<Vec<f64>>>,
    call_half_min: f64,
    gasp_half_min: f64,
    ln_ping_wrong: f64,
}

/// Edges of the onset intervals, minutes before the first word.
const ONSET_EDGES_MIN: [f64; 8] = [0.0, 0.2, 0.6, 1.5, 4.0, 10.0, 22.0, 45.0];

/// Points of the grid over a share: dense where it is small, because ratios matter.
const SHARES: [f64; 14] = [
    0.003, 0.01, 0.02, 0.035, 0.055, 0.08, 0.11, 0.15, 0.2, 0.27, 0.36, 0.48, 0.65, 0.9,
];

impl Likelihood {
    pub(crate) fn new(weights: &Weights) -> Likelihood {
        let (a, b) = (weights.calls.share_a, weights.calls.share_b);
        let flat_weight = 1.0 - weights.meters.none_weight;
        let edges = ONSET_EDGES_MIN.windows(2);
        let onsets: Vec<(f64, f64)> = edges
            .map(|edge| (f64::midpoint(edge[0], edge[1]), ((edge[1] - edge[0]) / 60.0).ln()))
            .collect();
        let shares = grid(|r| r.powf(a - 1.0) * (1.0 - r).powf(b - 1.0), 1.0);
        let gasps = grid(|_| 1.0, flat_weight);
        let half_min = weights.calls.half_min;
        let of_stage = |stage: f64| {
            let of_onset = |onset: &(f64, f64)| no(&shares, reached(stage + onset.0, half_min));
            onsets.iter().map(of_onset).collect()
        };
        Likelihood {
            silent: STAGES_MIN.iter().map(|&stage| of_stage(stage)).collect(),
            mute: no(&gasps, 1.0),
            shares,
            gasps,
            ln_no_meters: weights.meters.none_weight.ln(),
            onsets,
            call_half_min: half_min,
            gasp_half_min: weights.meters.half_min,
            ln_ping_wrong: weights.meters.ping_wrong.ln(),
        }
    }

    /// ln of the fit of an opened device, its own rate left out.
    pub(crate) fn opened(&self, heard: &Heard) -> f64 {
        let called: u32 = heard.calls.iter().map(|call| call.1).sum();
        let gasped: u32 = heard.gasps.iter().map(|gasp| gasp.1).sum();
        let silent = heard.customers.saturating_sub(called);
        let of_stage = &self.silent[stage(heard.elapsed_min)];
        let of_onset = self
            .onsets
            .iter()
            .zip(of_stage)
            .map(|(&(before_min, ln_width), ln_no)| {
                ln_width
                    + times(&heard.calls, before_min, self.call_half_min)
                    + times(&heard.gasps, before_min, self.gasp_half_min)
                    + counts(&self.shares, called, ln_no, silent)
            });
        // Pings alone say nothing about when it happened; then the onsets just add up to their hours.
        let meters = self.gasp_counts(gasped, heard.loads.saturating_sub(gasped));
        ln_sum(of_onset) + meters + f64::from(heard.fed) * self.ln_ping_wrong
    }

    /// ln of the density, per hour, of a caller's call so many minutes after the device opened.
    pub(crate) fn ln_call(&self, min: f64) -> f64 {
        times(&[(min, 1)], 0.0, self.call_half_min)
    }

    /// The same of a last gasp.
    pub(crate) fn ln_gasp(&self, min: f64) -> f64 {
        times(&[(min, 1)], 0.0, self.gasp_half_min)
    }

    /// No last gasp at all mostly means no meters.
    fn gasp_counts(&self, gasped: u32, mute: u32) -> f64 {
        let some = counts(&self.gasps, gasped, &self.mute, mute);
        if gasped == 0 {
            ln_sum([self.ln_no_meters, some].into_iter())
        } else {
            some
        }
    }
}

/// The last stage that is reached at this age.
pub(crate) fn stage(age_min: f64) -> usize {
    let next = STAGES_MIN.iter().position(|&stage| stage > age_min);
    next.unwrap_or(STAGES_MIN.len()).saturating_sub(1)
}

/// Grid over a share with weights in proportion to `density`, adding up to `total`.
fn grid(density: impl Fn(f64) -> f64, total: f64) -> Vec<Rate> {
    let edge = |k: usize| match k {
        0 => 0.0,
        k if k == SHARES.len() => 1.0,
        k => f64::midpoint(SHARES[k - 1], SHARES[k]),
    };
    let raw: Vec<(f64, f64)> = SHARES
        .iter()
        .enumerate()
        .map(|(k, &r)| (r, density(r) * (edge(k + 1) - edge(k))))
        .collect();
    let sum: f64 = raw.iter().map(|point| point.1).sum();
    raw.into_iter()
        .map(|(r, w)| Rate {
            r,
            ln_r: r.ln(),
            ln_weight: (w / sum * total).ln(),
        })
        .collect()
}

/// ln of the share that has not spoken at each rate, when so many of those who will have.
fn no(rates: &[Rate], reached: f64) -> Vec<f64> {
    rates.iter().map(|rate| (-rate.r * reached).ln_1p()).collect()
}

/// Share of the callers that have called after `min` minutes.
fn reached(min: f64, half_min: f64) -> f64 {
    min / (min + half_min)
}

/// ln of the density of all times, per hour each.
fn times(heard: &[(f64, u32)], before_min: f64, half_min: f64) -> f64 {
    let at_once = (60.0 / half_min).ln();
    heard
        .iter()
        .map(|&(min, count)| f64::from(count) * (at_once - 2.0 * ((min + before_min) / half_min).ln_1p()))
        .sum()
}

/// ln of the sum over rates of `rate^yes (1 - rate reached)^silent`; `ln_no` is ln of what is in brackets.
fn counts(rates: &[Rate], yes: u32, ln_no: &[f64], silent: u32) -> f64 {
    let (yes, silent) = (f64::from(yes), f64::from(silent));
    let terms = rates.iter().zip(ln_no);
    ln_sum(terms.map(|(rate, ln_no)| rate.ln_weight + yes * rate.ln_r + silent * ln_no))
}

/// ln of the sum of exponentials.
pub(crate) fn ln_sum(terms: impl Iterator<Item = f64>) -> f64 {
    let mut most = f64::NEG_INFINITY;
    let mut sum = 0.0;
    for term in terms {
        if term > most {
            sum = sum * (most - term).exp() + 1.0;
            most = term;
        } else if term > f64::NEG_INFINITY {
            sum += (term - most).exp();
        }
    }
    most + f64::ln(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(times: &[f64], customers: u32, elapsed_min: f64) -> f64 {
        Likelihood::new(&Weights::default()).opened(&Heard {
            calls: times.iter().map(|&t| (t, 1)).collect(),
            customers,
            loads: customers,
            elapsed_min,
            ..Heard::default()
        })
    }

    #[test]
    fn silence_speaks_against_a_large_set_and_louder_with_time() {
        let early = called(&[0.0, 1.0, 2.0], 20, 2.0) - called(&[0.0, 1.0, 2.0], 200, 2.0);
        let late = called(&[0.0, 1.0, 2.0], 20, 60.0) - called(&[0.0, 1.0, 2.0], 200, 60.0);
        assert!(late > early && late > 3.0, "{early} {late}");
    }

    #[test]
    fn calls_close_together_fit_better_than_calls_far_apart() {
        assert!(called(&[0.0, 2.0, 4.0], 30, 100.0) > called(&[0.0, 40.0, 80.0], 30, 100.0) + 3.0);
    }

    #[test]
    fn a_meter_with_supply_costs_as_much_as_the_weights_say() {
        let model = Likelihood::new(&Weights::default());
        let heard = Heard {
            calls: vec![(0.0, 2)],
            customers: 9,
            loads: 9,
            ..Heard::default()
        };
        let fed = Heard {
            fed: 1,
            ..heard.clone()
        };
        let gap = model.opened(&heard) - model.opened(&fed);
        assert!((gap + Weights::default().meters.ping_wrong.ln()).abs() < 1e-9);
    }

    #[test]
    fn no_last_gasp_costs_little_and_some_without_the_rest_cost_more() {
        let model = Likelihood::new(&Weights::default());
        assert!(model.gasp_counts(0, 1000) > -1.0);
        assert!(model.gasp_counts(3, 7) > model.gasp_counts(3, 70) + 4.0);
    }

    #[test]
    fn ln_sum_is_exact_and_survives_extremes() {
        assert!((ln_sum([0.0, 0.0].into_iter()) - 2_f64.ln()).abs() < 1e-12);
        assert_eq!(ln_sum(std::iter::empty()), f64::NEG_INFINITY);
        assert_eq!(ln_sum([-1e9, 5.0, f64::NEG_INFINITY].into_iter()), 5.0);
    }
}
