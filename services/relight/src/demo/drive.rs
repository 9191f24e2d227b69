//! The crews' phones: each sends where it is every few seconds, moving along the streets of the town.

use std::time::Duration;

use chrono::Utc;
use rand::{Rng, SeedableRng, rngs::StdRng};
use relight_grid::{Position, demo, pack::Street};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{client::Client, logins};

/// Between two batches of fixes.
const EVERY: Duration = Duration::from_secs(5);
/// A van looking for an address, metres per second.
const SPEED_MPS: f64 = 9.0;
const METRES_PER_DEGREE: f64 = 111_320.0;

#[derive(Serialize)]
struct Fix {
    lon: f64,
    lat: f64,
    at: chrono::DateTime<Utc>,
    heading_deg: f64,
    speed_mps: f64,
    accuracy_m: f64,
}

#[derive(Serialize)]
struct Batch {
    fixes: Vec<Fix>,
}

#[derive(Deserialize)]
struct Taken {}

/// One crew on its way along a street.
struct Van {
    client: Client,
    streets: Vec<Street>,
    random: StdRng,
    at: Position,
    target: Position,
    ahead: Vec<Position>,
}

/// Drives all crews until the process is stopped.
///
/// # Errors
/// When the crew edge does not answer or refuses.
pub async fn run(mobile: &str, seed: u64) -> anyhow::Result<()> {
    let streets = demo::town(seed).streets;
    anyhow::ensure!(!streets.is_empty(), "the town has no streets");
    let mut vans = Vec::new();
    for (n, login) in logins::all()?
        .into_iter()
        .filter(|login| login.role == "crew")
        .enumerate()
    {
        let client = Client::sign_in(mobile, "/m/v1/session", &login.login, &login.password).await?;
        vans.push(Van::new(client, streets.clone(), seed + n as u64));
    }
    println!("{} crews are on the streets", vans.len());
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            _ = ticks.tick() => {}
        }
        for van in &mut vans {
            if let Err(error) = van.step().await {
                tracing::warn!(error = format!("{error:#}"), "a position was not taken");
            }
        }
    }
}

impl Van {
    fn new(client: Client, streets: Vec<Street>, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let start = random.random_range(0..streets.len());
        let mut ahead = streets[start].line.clone();
        ahead.reverse();
        let at = ahead.pop().expect("a street has two points");
        let target = ahead.pop().expect("a street has two points");
        Self {
            client,
            streets,
            random,
            at,
            target,
            ahead,
        }
    }

    /// Moves for one interval and says where it is.
    async fn step(&mut self) -> anyhow::Result<()> {
        let mut left_m = SPEED_MPS * EVERY.as_secs_f64();
        let heading_deg = heading(self.at, self.target);
        while left_m > 0.0 {
            let to_go = distance_m(self.at, self.target);
            if to_go > left_m {
                self.at = between(self.at, self.target, left_m / to_go);
                break;
            }
            left_m -= to_go.max(1.0);
            self.at = self.target;
            self.target = self.next_target();
        }
        let (lon, lat) = (self.at.lon, self.at.lat);
        let fix = Fix {
            lon,
            lat,
            at: Utc::now(),
            heading_deg,
            speed_mps: SPEED_MPS,
            accuracy_m: 8.0,
        };
        let _: Taken = self
            .client
            .post("/m/v1/positions", Uuid::now_v7(), &Batch { fixes: vec![fix] })
            .await?;
        Ok(())
    }

    /// The next corner; at the end of a street, a street that starts nearby.
    fn next_target(&mut self) -> Position {
        if let Some(next) = self.ahead.pop() {
            return next;
        }
        let mut nearest: Vec<&Street> = self.streets.iter().collect();
        nearest.sort_by(|a, b| end_m(self.at, a).total_cmp(&end_m(self.at, b)));
        let pick = self.random.random_range(0..nearest.len().min(4));
        let mut line = nearest[pick].line.clone();
        let last = line[line.len() - 1];
        if distance_m(self.at, line[0]) < distance_m(self.at, last) {
            line.reverse();
        }
        self.ahead = line;
        self.ahead.pop().expect("a street has two points")
    }
}

fn end_m(at: Position, street: &Street) -> f64 {
    let line = &street.line;
    distance_m(at, line[0]).min(distance_m(at, line[line.len() - 1]))
}

/// Metres on a plane, good enough within a town.
fn distance_m(a: Position, b: Position) -> f64 {
    let east = (b.lon - a.lon) * a.lat.to_radians().cos();
    east.hypot(b.lat - a.lat) * METRES_PER_DEGREE
}

fn between(a: Position, b: Position, share: f64) -> Position {
    Position {
        lon: a.lon + (b.lon - a.lon) * share,
        lat: a.lat + (b.lat - a.lat) * share,
    }
}

/// Degrees clockwise from north.
fn heading(a: Position, b: Position) -> f64 {
    let east = (b.lon - a.lon) * a.lat.to_radians().cos();
    east.atan2(b.lat - a.lat).to_degrees().rem_euclid(360.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_clockwise_from_north() {
        let at = |lon, lat| Position { lon, lat };
        assert!(heading(at(120.0, 30.0), at(120.0, 30.1)).abs() < 1e-9);
        assert!((heading(at(120.0, 30.0), at(120.1, 30.0)) - 90.0).abs() < 1e-9);
        assert!((heading(at(120.0, 30.0), at(119.9, 30.0)) - 270.0).abs() < 1e-9);
    }
}
