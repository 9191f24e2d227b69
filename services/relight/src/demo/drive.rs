//! The crews' phones: each sends where it is every few seconds, moving along the streets of the town. A crew that is on
//! its way drives to its order and stays there until it is done; taking, leaving and arriving are its people's to say.

use std::time::Duration;

use chrono::{DateTime, Utc};
use relight_common::Clock;
use relight_grid::{Position, demo, pack::Street};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{client::Client, logins, van::Van};

use crate::say::say;

/// Between two batches of fixes.
const EVERY: Duration = Duration::from_secs(5);
/// A van looking for an address, metres per second.
const SPEED_MPS: f64 = 9.0;

#[derive(Serialize)]
struct Fix {
    lon: f64,
    lat: f64,
    at: DateTime<Utc>,
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

#[derive(Serialize)]
struct Sync<'a> {
    cursor: &'a str,
    device_now: DateTime<Utc>,
}

/// What a sync brings down, as far as driving needs it.
#[derive(Deserialize)]
struct Synced {
    orders: Vec<Order>,
    gone: Vec<String>,
    cursor: String,
}

#[derive(Deserialize)]
struct Order {
    order_id: String,
    state: String,
    position: Option<Place>,
}

#[derive(Deserialize)]
struct Place {
    lon: f64,
    lat: f64,
}

/// One crew's phone in its van.
struct Phone {
    client: Client,
    van: Van,
    cursor: String,
    /// The order it drives to or works at.
    order_id: Option<String>,
}

/// Drives all crews until the process is stopped.
///
/// # Errors
/// When the crew edge does not answer or refuses.
pub async fn run(mobile: &str, seed: u64, clock: &Clock) -> anyhow::Result<()> {
    let mut phones = sign_in(mobile, demo::town(seed).streets, seed).await?;
    say!("{} crews are on the streets", phones.len());
    // One wait for the whole drive: a signal in the middle of a round counts too.
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
        () = drive(&mut phones, clock) => Ok(()),
    }
}

async fn drive(phones: &mut [Phone], clock: &Clock) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        for phone in &mut *phones {
            if let Err(error) = phone.step(clock.now()).await {
                tracing::warn!(error = format!("{error:#}"), "a position was not taken");
            }
        }
    }
}

async fn sign_in(mobile: &str, streets: Vec<Street>, seed: u64) -> anyhow::Result<Vec<Phone>> {
    let mut phones = Vec::new();
    let crews = logins::all()?.into_iter().filter(|login| login.role == "crew");
    for (login, seed) in crews.zip(seed..) {
        let client = Client::sign_in(mobile, "/m/v1/session", &login.login, &login.password).await?;
        let van = Van::new(streets.clone(), seed)?;
        phones.push(Phone {
            client,
            van,
            cursor: String::new(),
            order_id: None,
        });
    }
    Ok(phones)
}

impl Phone {
    /// Fetches what changed, moves for one interval and says where it is at `now`.
    async fn step(&mut self, now: DateTime<Utc>) -> anyhow::Result<()> {
        let ask = Sync {
            cursor: &self.cursor,
            device_now: now,
        };
        let synced: Synced = self.client.post("/m/v1/sync", Uuid::now_v7(), &ask).await?;
        self.heed(synced);
        let moved = self.van.drive(SPEED_MPS * EVERY.as_secs_f64());
        let fix = Fix {
            lon: moved.at.lon,
            lat: moved.at.lat,
            at: now,
            heading_deg: moved.heading_deg,
            speed_mps: moved.distance_m / EVERY.as_secs_f64(),
            accuracy_m: 8.0,
        };
        let batch = Batch { fixes: vec![fix] };
        let _: Taken = self
            .client
            .post("/m/v1/positions", Uuid::now_v7(), &batch)
            .await?;
        Ok(())
    }

    fn heed(&mut self, synced: Synced) {
        self.cursor = synced.cursor;
        for order in synced.orders {
            match order.position.filter(|_| is_there(&order.state)) {
                Some(Place { lon, lat }) => {
                    self.van.go_to(Position { lon, lat });
                    self.order_id = Some(order.order_id);
                }
                None => self.leave(&order.order_id),
            }
        }
        for order_id in synced.gone {
            self.leave(&order_id);
        }
    }

    fn leave(&mut self, order_id: &str) {
        if self.order_id.as_deref() == Some(order_id) {
            self.order_id = None;
            self.van.roam();
        }
    }
}

/// States in which a crew is at the work or on its way there.
fn is_there(state: &str) -> bool {
    ["en_route", "arrived", "surveyed", "repairing", "restored"].contains(&state)
}
