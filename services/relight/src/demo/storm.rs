//! A storm over the town: devices fail, the customers below them lose supply, and a share of them calls the hotline,
//! most of them soon. The calls go through the gateway as an agent's entries.

use std::time::Duration;

use anyhow::Context;
use rand::{
    Rng, SeedableRng,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};
use relight_grid::{DeviceIx, DeviceKind, Pack, demo};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{client::Client, logins};

use crate::say::say;

/// Share of those without supply who call.
const CALLING: f64 = 0.2;
/// Calls of one fault fade with this mean, as a share of the storm's length.
const FADE: f64 = 0.25;
/// Faults in the storm that somebody calls dangerous (a fallen wire).
const DANGER: f64 = 0.1;

/// A storm with its calls in the order they come in.
#[derive(Debug)]
pub struct Storm {
    /// Failed devices and how many customers each put out.
    pub faults: Vec<(String, usize)>,
    /// Calls by time.
    pub calls: Vec<Call>,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Minutes after the storm began.
    pub at_min: f64,
    /// Who calls.
    pub account: String,
    /// A fallen wire was seen.
    pub danger: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    account: &'a str,
    danger: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    danger_note: Option<&'a str>,
    channel: &'a str,
}

#[derive(Deserialize)]
struct Accepted {
    number: String,
}

impl Storm {
    /// The storm of `seed` over the town of `seed`.
    ///
    /// # Errors
    /// When the town has fewer devices than faults.
    pub fn new(seed: u64, faults: usize, minutes: f64) -> anyhow::Result<Self> {
        anyhow::ensure!(
            (0.0..=600.0).contains(&minutes),
            "--minutes must be from 0 to 600"
        );
        let pack = demo::town(seed);
        let grid = pack
            .network()
            .grid(Uuid::nil())
            .map_err(|faults| anyhow::anyhow!("{faults}"))?;
        let mut random = StdRng::seed_from_u64(seed ^ 0x5707);
        let mut devices: Vec<DeviceIx> = grid
            .devices()
            .filter(|d| can_fail(grid.device_kind(*d)))
            .collect();
        devices.shuffle(&mut random);
        let mut storm = Self {
            faults: Vec::new(),
            calls: Vec::new(),
        };
        for device in devices {
            let dead = grid.dead(&[device], &[]).dead_loads;
            if storm.faults.len() < faults && (5..=400).contains(&dead.len()) {
                let accounts: Vec<&str> = dead.iter().map(|load| account_of(&pack, load.index())).collect();
                storm.strike(&mut random, grid.device_id(device), &accounts, minutes);
            }
        }
        anyhow::ensure!(
            storm.faults.len() == faults,
            "the town has only {} devices that can fail",
            storm.faults.len()
        );
        storm.calls.sort_by(|a, b| a.at_min.total_cmp(&b.at_min));
        Ok(storm)
    }

    fn strike(&mut self, random: &mut StdRng, device: &str, accounts: &[&str], minutes: f64) {
        let begin = random.random::<f64>() * minutes / 2.0;
        let callers = ((accounts.len() as f64 * CALLING).ceil() as usize).max(3);
        let danger = random.random_bool(DANGER);
        for (n, account) in accounts.choose_multiple(random, callers).enumerate() {
            let wait = -random.random::<f64>().max(1e-9).ln() * minutes * FADE;
            let at_min = (begin + wait).min(minutes);
            self.calls.push(Call {
                at_min,
                account: (*account).to_owned(),
                danger: danger && n == 0,
            });
        }
        self.faults.push((device.to_owned(), accounts.len()));
    }
}

fn can_fail(kind: DeviceKind) -> bool {
    kind.is_switching() || kind == DeviceKind::Transformer
}

/// Loads of a pack's network are its service points, in order.
fn account_of(pack: &Pack, load: usize) -> &str {
    &pack.service_points[load].account
}

/// Lets the storm break: sends each call at its time, with progress.
///
/// # Errors
/// When the gateway does not answer or refuses the agent.
pub async fn run(gateway: &str, storm: Storm) -> anyhow::Result<()> {
    let agent = logins::of("agent")?;
    let mut client = Client::sign_in(gateway, "/api/v1/sessions", &agent.login, &agent.password).await?;
    for (device, customers) in &storm.faults {
        say!("{device} fails: {customers} customers");
    }
    let begun = tokio::time::Instant::now();
    let total = storm.calls.len();
    for (n, call) in storm.calls.iter().enumerate() {
        tokio::time::sleep_until(begun + Duration::from_secs_f64(call.at_min * 60.0)).await;
        let note = call.danger.then_some("wire on the ground");
        let body = Report {
            account: &call.account,
            danger: call.danger,
            danger_note: note,
            channel: "hotline",
        };
        let accepted: Accepted = client
            .post("/api/v1/reports", Uuid::now_v7(), &body)
            .await
            .context("a call was not taken")?;
        say!("{:>4} of {total}  {}", n + 1, accepted.number);
    }
    say!("{total} calls taken; the board shows what came of them: {gateway}/board");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_the_same_for_the_same_seed_and_calls_come_in_order() {
        let (a, b) = (Storm::new(42, 6, 10.0).unwrap(), Storm::new(42, 6, 10.0).unwrap());
        assert_eq!(a.faults, b.faults);
        assert_eq!(a.faults.len(), 6);
        assert!(a.calls.windows(2).all(|pair| pair[0].at_min <= pair[1].at_min));
        assert!(a.calls.len() >= 18);
    }
}
