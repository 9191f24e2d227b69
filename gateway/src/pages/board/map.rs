//! The map as SVG: positions projected around their middle, a scale bar, symbols that do not lie on each other.

use serde::Serialize;

use super::view::Level;

/// Size of the drawing, units.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 700.0;
const EDGE: f64 = 60.0;
/// Incidents closer than this become one symbol, units.
const NEAR: f64 = 44.0;
/// One degree of latitude, metres.
const DEGREE_M: f64 = 111_320.0;
/// The least the drawing shows, metres: one point alone is not the world.
const SPAN_MIN_M: f64 = 500.0;

/// One thing on the map.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Degrees, WGS84.
    pub lon: f64,
    /// Degrees, WGS84.
    pub lat: f64,
    /// Its name.
    pub label: String,
    /// What it is.
    pub symbol: Symbol,
}

/// What a mark is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Symbol {
    /// A fault, or several close together.
    Incident {
        /// The worst.
        level: Level,
        /// Customers off in all of them.
        customers: u32,
        /// How many.
        count: u32,
    },
    /// A crew.
    Crew {
        /// Degrees from north, clockwise.
        heading_deg: f64,
        /// Has an order.
        busy: bool,
        /// The position is old.
        stale: bool,
    },
}

/// The drawing.
#[derive(Debug, Serialize)]
pub struct Map {
    width: f64,
    height: f64,
    incidents: Vec<Placed>,
    crews: Vec<Placed>,
    scale: Option<Scale>,
    /// Lines of a grid, one scale bar apart.
    columns: Vec<f64>,
    lines: Vec<f64>,
    /// Incidents before they were drawn together.
    incident_count: usize,
}

#[derive(Debug, Serialize)]
struct Placed {
    x: f64,
    y: f64,
    label: String,
    symbol: Symbol,
    /// The name is written beside it; only where it can be read.
    named: bool,
}

#[derive(Debug, Serialize)]
struct Scale {
    /// Units.
    length: f64,
    words: String,
}

/// From degrees to units, the same scale both ways.
struct Projection {
    lon: f64,
    lat: f64,
    lon_m: f64,
    /// Units per metre.
    scale: f64,
}

impl Projection {
    fn around(marks: &[Mark]) -> Option<Self> {
        let (west, east) = range(marks.iter().map(|mark| mark.lon))?;
        let (south, north) = range(marks.iter().map(|mark| mark.lat))?;
        let (lon, lat) = (f64::midpoint(west, east), f64::midpoint(south, north));
        let lon_m = DEGREE_M * lat.to_radians().cos().max(0.01);
        let wide_m = ((east - west) * lon_m).max(SPAN_MIN_M);
        let high_m = ((north - south) * DEGREE_M).max(SPAN_MIN_M);
        let scale = ((WIDTH - 2.0 * EDGE) / wide_m).min((HEIGHT - 2.0 * EDGE) / high_m);
        Some(Self {
            lon,
            lat,
            lon_m,
            scale,
        })
    }

    fn place(&self, mark: Mark) -> Placed {
        let x = WIDTH / 2.0 + (mark.lon - self.lon) * self.lon_m * self.scale;
        let y = HEIGHT / 2.0 - (mark.lat - self.lat) * DEGREE_M * self.scale;
        Placed {
            x: tenth(x),
            y: tenth(y),
            label: mark.label,
            symbol: mark.symbol,
            named: false,
        }
    }
}

fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn range(numbers: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    numbers.fold(None, |range, n| match range {
        None => Some((n, n)),
        Some((least, most)) => Some((least.min(n), most.max(n))),
    })
}

impl Map {
    /// Draws `marks`; what is no place on earth is left out.
    pub fn new(marks: Vec<Mark>) -> Self {
        let marks: Vec<Mark> = marks
            .into_iter()
            .filter(|mark| mark.lat.abs() <= 90.0 && mark.lon.abs() <= 180.0)
            .collect();
        let Some(projection) = Projection::around(&marks) else {
            return Self::drawn(Vec::new(), None);
        };
        let scale = scale_bar(projection.scale);
        let placed = marks.into_iter().map(|mark| projection.place(mark)).collect();
        Self::drawn(placed, Some(scale))
    }

    fn drawn(placed: Vec<Placed>, scale: Option<Scale>) -> Self {
        let (incidents, crews): (Vec<Placed>, Vec<Placed>) = placed
            .into_iter()
            .partition(|placed| matches!(placed.symbol, Symbol::Incident { .. }));
        let step = scale.as_ref().map_or(WIDTH, |scale| scale.length);
        Self {
            width: WIDTH,
            height: HEIGHT,
            incident_count: incidents.len(),
            incidents: together(incidents),
            crews: name(crews),
            columns: steps(step, WIDTH),
            lines: steps(step, HEIGHT),
            scale,
        }
    }
}

fn steps(step: f64, end: f64) -> Vec<f64> {
    let lines = (1_u32..200).map(|n| tenth(f64::from(n) * step));
    lines.take_while(|at| *at < end).collect()
}

/// Incidents that would lie on each other become one, with the worst level and everybody's customers.
fn together(mut incidents: Vec<Placed>) -> Vec<Placed> {
    incidents.sort_by_key(|placed| std::cmp::Reverse(level(placed)));
    let mut drawn: Vec<Placed> = Vec::new();
    for next in incidents {
        let near = drawn
            .iter_mut()
            .find(|there| (there.x - next.x).hypot(there.y - next.y) < NEAR);
        match near {
            Some(there) => add(&mut there.symbol, &next.symbol),
            None => drawn.push(next),
        }
    }
    // The worst is drawn last, so on top.
    drawn.reverse();
    drawn
}

/// Room a name takes from the middle of its symbol to the right, units. A Chinese letter is as wide as it is high.
fn room(label: &str) -> f64 {
    let letter = |letter: char| if letter.is_ascii() { 12.5 } else { 20.0 };
    26.0 + label.chars().map(letter).sum::<f64>()
}

/// Names go where no other symbol or name is in the way; the list below the map has all of them.
fn name(mut crews: Vec<Placed>) -> Vec<Placed> {
    for index in 0..crews.len() {
        let (x, y) = (crews[index].x, crews[index].y);
        let own = room(&crews[index].label);
        let others = crews.iter().enumerate().filter(|(other, _)| *other != index);
        let in_the_way = others.into_iter().any(|(_, other)| {
            let right = if other.named { room(&other.label) } else { 0.0 };
            (y - other.y).abs() < 24.0 && other.x - x < own && x - other.x < right
        });
        crews[index].named = !in_the_way && x + own < WIDTH;
    }
    crews
}

fn level(placed: &Placed) -> Level {
    match placed.symbol {
        Symbol::Incident { level, .. } => level,
        Symbol::Crew { .. } => Level::None,
    }
}

fn add(there: &mut Symbol, more: &Symbol) {
    if let (
        Symbol::Incident { customers, count, .. },
        Symbol::Incident {
            customers: more_customers,
            count: more_count,
            ..
        },
    ) = (there, more)
    {
        *customers = customers.saturating_add(*more_customers);
        *count += more_count;
    }
}

/// A round length of about a sixth of the drawing.
fn scale_bar(units_per_m: f64) -> Scale {
    let wanted_m = WIDTH / 6.0 / units_per_m;
    let power = 10_f64.powf(wanted_m.log10().floor());
    let factor = [5.0, 2.0, 1.0]
        .into_iter()
        .find(|factor| factor * power <= wanted_m)
        .unwrap_or(1.0);
    let length_m = factor * power;
    let words = if length_m >= 1_000.0 {
        format!("{} km", length_m / 1_000.0)
    } else {
        format!("{length_m} m")
    };
    Scale {
        length: tenth(length_m * units_per_m),
        words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(lon: f64, lat: f64, level: Level, customers: u32) -> Mark {
        Mark {
            lon,
            lat,
            label: "I".to_owned(),
            symbol: Symbol::Incident {
                level,
                customers,
                count: 1,
            },
        }
    }

    #[test]
    fn north_is_up_east_is_right_and_everything_is_inside() {
        let map = Map::new(vec![
            incident(120.10, 30.20, Level::None, 1),
            incident(120.20, 30.30, Level::None, 1),
        ]);
        let find = |right: bool| {
            let found = map.incidents.iter().find(|p| (p.x > WIDTH / 2.0) == right);
            found.unwrap()
        };
        assert!(find(true).y < find(false).y);
        for placed in &map.incidents {
            assert!((0.0..=WIDTH).contains(&placed.x) && (0.0..=HEIGHT).contains(&placed.y));
        }
    }

    #[test]
    fn the_scale_bar_is_as_long_as_it_says() {
        let (west, east, lat) = (120.0, 120.1, 30.0_f64);
        let map = Map::new(vec![
            incident(west, lat, Level::None, 1),
            incident(east, lat, Level::None, 1),
        ]);
        let metres = (east - west) * DEGREE_M * lat.to_radians().cos();
        let units = (map.incidents[0].x - map.incidents[1].x).abs();
        let scale = map.scale.unwrap();
        assert_eq!(scale.words, "1 km");
        assert!(
            (scale.length - 1_000.0 * units / metres).abs() < 0.2,
            "{}",
            scale.length
        );
    }

    #[test]
    fn incidents_on_each_other_become_one_with_the_worst_level() {
        let map = Map::new(vec![
            incident(120.1, 30.2, Level::Watch, 5),
            incident(120.1001, 30.2, Level::Breach, 40),
            incident(120.9, 30.9, Level::None, 7),
        ]);
        assert_eq!((map.incidents.len(), map.incident_count), (2, 3));
        let worst = Symbol::Incident {
            level: Level::Breach,
            customers: 45,
            count: 2,
        };
        assert!(map.incidents.iter().any(|placed| placed.symbol == worst));
    }

    #[test]
    fn a_name_is_written_only_where_nothing_is_in_the_way() {
        let labelled = |label: &str, lon: f64| Mark {
            lon,
            lat: 30.0,
            label: label.to_owned(),
            symbol: Symbol::Crew {
                heading_deg: 0.0,
                busy: false,
                stale: false,
            },
        };
        let named = |label: &str, lons: [f64; 4]| -> Vec<bool> {
            let map = Map::new(lons.map(|lon| labelled(label, lon)).to_vec());
            map.crews.iter().map(|crew| crew.named).collect()
        };
        assert_eq!(
            named("Crew 12", [120.0, 120.001, 120.05, 120.1]),
            [false, true, true, false],
            "hidden by the next; free; free; no room at the edge"
        );
        let close = [120.0, 120.05, 120.066, 120.1];
        assert!(named("Crew 12", close)[1]);
        assert!(
            !named("刘洋组 Crew 12", close)[1],
            "a longer name needs more room"
        );
    }

    #[test]
    fn no_point_and_points_off_the_earth_draw_an_empty_map() {
        let map = Map::new(vec![incident(f64::NAN, 400.0, Level::None, 1)]);
        assert!(map.incidents.is_empty() && map.scale.is_none());
        let one = Map::new(vec![incident(0.0, 90.0, Level::None, 1)]);
        assert!(one.incidents[0].x.is_finite() && one.incidents[0].y.is_finite());
    }
}
