//! Where a van is and where it goes. Pure: the same seed and the same calls make the same way.

use rand::{Rng, SeedableRng, rngs::StdRng};
use relight_grid::{Position, pack::Street};

const METRES_PER_DEGREE: f64 = 111_320.0;

/// A van on the streets of a town.
#[derive(Debug)]
pub struct Van {
    streets: Vec<Street>,
    random: StdRng,
    at: Position,
    heading_deg: f64,
    /// Corners ahead, the next one last.
    ahead: Vec<Position>,
    /// Stays where the way ends instead of looking for another street.
    stays: bool,
}

/// What one drive came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved {
    /// Where it is now.
    pub at: Position,
    /// Degrees clockwise from north.
    pub heading_deg: f64,
    /// Metres driven.
    pub distance_m: f64,
}

impl Van {
    /// Somewhere on a street.
    ///
    /// # Errors
    /// When there is no street to drive along.
    pub fn new(mut streets: Vec<Street>, seed: u64) -> anyhow::Result<Self> {
        streets.retain(|street| length_m(street) > 1.0);
        anyhow::ensure!(!streets.is_empty(), "the town has no streets");
        let mut random = StdRng::seed_from_u64(seed);
        let street = &streets[random.random_range(0..streets.len())];
        let corner = random.random_range(1..street.line.len());
        let at = between(street.line[corner - 1], street.line[corner], random.random());
        let ahead = street.line[corner..].iter().rev().copied().collect();
        Ok(Self {
            streets,
            random,
            at,
            heading_deg: 0.0,
            ahead,
            stays: false,
        })
    }

    /// Leaves the streets for `place`, straight, and stays there.
    pub fn go_to(&mut self, place: Position) {
        self.ahead = vec![place];
        self.stays = true;
    }

    /// Back to the streets.
    pub fn roam(&mut self) {
        self.stays = false;
        self.ahead.clear();
    }

    /// Moves on for at most `distance_m` metres.
    pub fn drive(&mut self, distance_m: f64) -> Moved {
        let mut left_m = distance_m;
        while left_m > 0.0 {
            let Some(corner) = self.next_corner() else { break };
            let to_go_m = self.at.distance_to(corner);
            if to_go_m > 0.0 {
                self.heading_deg = heading(self.at, corner);
            }
            if to_go_m > left_m {
                self.at = between(self.at, corner, left_m / to_go_m);
                left_m = 0.0;
            } else {
                left_m -= to_go_m;
                self.at = corner;
                self.ahead.pop();
            }
        }
        Moved {
            at: self.at,
            heading_deg: self.heading_deg,
            distance_m: distance_m - left_m,
        }
    }

    /// The next corner; at the end of a street, that of a street that begins or ends nearby.
    fn next_corner(&mut self) -> Option<Position> {
        if self.ahead.is_empty() && !self.stays {
            let mut nearest: Vec<&Street> = self.streets.iter().collect();
            nearest.sort_by(|a, b| end_m(self.at, a).total_cmp(&end_m(self.at, b)));
            let pick = self.random.random_range(0..nearest.len().min(4));
            let mut line = nearest[pick].line.clone();
            // The next corner is the last: a line is driven from its end to its beginning.
            if self.at.distance_to(line[0]) < self.at.distance_to(line[line.len() - 1]) {
                line.reverse();
            }
            self.ahead = line;
        }
        self.ahead.last().copied()
    }
}

fn length_m(street: &Street) -> f64 {
    street.line.windows(2).map(|two| two[0].distance_to(two[1])).sum()
}

/// Metres from `at` to the nearer end of a street.
fn end_m(at: Position, street: &Street) -> f64 {
    let line = &street.line;
    at.distance_to(line[0]).min(at.distance_to(line[line.len() - 1]))
}

trait Distance {
    /// Metres on a plane, good enough within a town.
    fn distance_to(self, other: Self) -> f64;
}

impl Distance for Position {
    fn distance_to(self, other: Self) -> f64 {
        let east = (other.lon - self.lon) * self.lat.to_radians().cos();
        east.hypot(other.lat - self.lat) * METRES_PER_DEGREE
    }
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
    use relight_grid::demo;

    fn at(lon: f64, lat: f64) -> Position {
        Position { lon, lat }
    }

    #[test]
    fn a_heading_is_clockwise_from_north() {
        assert!(heading(at(120.0, 30.0), at(120.0, 30.1)).abs() < 1e-9);
        assert!((heading(at(120.0, 30.0), at(120.1, 30.0)) - 90.0).abs() < 1e-9);
        assert!((heading(at(120.0, 30.0), at(119.9, 30.0)) - 270.0).abs() < 1e-9);
    }

    #[test]
    fn vans_start_apart_and_drive_as_far_as_they_are_told() {
        let streets = demo::town(42).streets;
        let mut vans: Vec<Van> = (0..12)
            .map(|seed| Van::new(streets.clone(), seed).unwrap())
            .collect();
        for (n, van) in vans.iter().enumerate() {
            assert!(
                vans[n + 1..]
                    .iter()
                    .all(|other| van.at.distance_to(other.at) > 1.0)
            );
        }
        for van in &mut vans {
            let moved: Vec<Moved> = (0..200).map(|_| van.drive(45.0)).collect();
            assert!(moved.iter().all(|moved| (moved.distance_m - 45.0).abs() < 1e-6));
        }
    }

    #[test]
    fn a_van_on_its_way_gets_there_and_stays_until_it_may_roam() {
        let mut van = Van::new(demo::town(42).streets, 7).unwrap();
        let work = at(van.at.lon + 0.001, van.at.lat);
        van.go_to(work);
        assert!(van.drive(10.0).distance_m > 9.9);
        let moved = van.drive(1000.0);
        assert_eq!(moved.at, work);
        assert!(moved.distance_m < 100.0);
        assert_eq!(van.drive(45.0).distance_m, 0.0);
        van.roam();
        assert!(van.drive(45.0).distance_m > 44.9);
    }
}
