//! The map as SVG: positions projected around their middle, a scale bar, symbols and words that do not lie on each other.

mod words;

use serde::Serialize;

use self::words::{Area, Side, Spot, Wish};
use super::view::Level;

/// Size of the drawing, units: on a laptop and on a phone one is a little over half a pixel, so letters of 20 are read.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 480.0;
const EDGE: f64 = 44.0;
/// Incidents closer than this become one symbol, units.
const NEAR: f64 = 36.0;
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
    /// What is written at it: a crew's name, an incident's customers.
    words: String,
    /// Where; none where it could not be read.
    spot: Option<Spot>,
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
            words: mark.label.clone(),
            label: mark.label,
            symbol: mark.symbol,
            spot: None,
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
        let incident_count = incidents.len();
        let (mut incidents, mut crews) = (together(incidents), crews);
        lettered(&mut incidents, &mut crews, scale.as_ref());
        Self {
            width: WIDTH,
            height: HEIGHT,
            incident_count,
            incidents,
            crews,
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
    for one in &mut drawn {
        one.words = customers(&one.symbol);
    }
    drawn
}

/// "816 ×5": customers off, and in how many incidents.
fn customers(symbol: &Symbol) -> String {
    match symbol {
        Symbol::Incident {
            customers, count: 1, ..
        } => customers.to_string(),
        Symbol::Incident { customers, count, .. } => format!("{customers} ×{count}"),
        Symbol::Crew { .. } => String::new(),
    }
}

/// Words for as many symbols as there is room for: the worst incidents first, then the crews.
fn lettered(incidents: &mut [Placed], crews: &mut [Placed], scale: Option<&Scale>) {
    let wishes: Vec<Wish<'_>> = incidents.iter().rev().chain(crews.iter()).map(wish).collect();
    let drawing = Area {
        left: 0.0,
        top: 0.0,
        right: WIDTH,
        bottom: HEIGHT,
    };
    let spots = words::place(&wishes, drawing, furniture(scale));
    let symbols = incidents.iter_mut().rev().chain(crews);
    for (symbol, spot) in symbols.zip(spots) {
        symbol.spot = spot;
    }
}

fn wish(placed: &Placed) -> Wish<'_> {
    let (radius, letter, sides) = match placed.symbol {
        Symbol::Incident { .. } => (16.0, 20.0, [Side::Above, Side::Right, Side::Left, Side::Below]),
        Symbol::Crew { .. } => (14.0, 18.0, [Side::Right, Side::Left, Side::Below, Side::Above]),
    };
    Wish {
        x: placed.x,
        y: placed.y,
        radius,
        words: &placed.words,
        letter,
        sides,
    }
}

/// The scale bar at the lower left and the arrow at the upper right.
fn furniture(scale: Option<&Scale>) -> Vec<Area> {
    let bar = scale.map(|scale| Area {
        left: 12.0,
        top: HEIGHT - 60.0,
        right: 32.0 + scale.length.max(90.0),
        bottom: HEIGHT,
    });
    let arrow = Area {
        left: WIDTH - 48.0,
        top: 0.0,
        right: WIDTH,
        bottom: 70.0,
    };
    bar.into_iter().chain([arrow]).collect()
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

    fn crew(label: &str, lon: f64) -> Mark {
        Mark {
            lon,
            lat: 30.2,
            label: label.to_owned(),
            symbol: Symbol::Crew {
                heading_deg: 0.0,
                busy: false,
                stale: false,
            },
        }
    }

    #[test]
    fn words_are_written_where_they_are_read_and_the_worst_incident_comes_first() {
        let crowd = (0..30).map(|n| crew("Crew 12", 120.1 + 0.000_1 * f64::from(n)));
        let worst = incident(120.102, 30.200_9, Level::Breach, 40);
        let corners = [120.0, 120.2].map(|lon| incident(lon, 30.1, Level::None, 1));
        let map = Map::new(crowd.chain(corners).chain([worst]).collect());
        let worst = map
            .incidents
            .iter()
            .find(|placed| level(placed) == Level::Breach)
            .unwrap();
        assert_eq!((worst.words.as_str(), worst.spot.is_some()), ("40", true));
        let named = map.crews.iter().filter(|crew| crew.spot.is_some()).count();
        assert!((1..30).contains(&named), "{named} of 30 crews in one street");
    }

    #[test]
    fn no_point_and_points_off_the_earth_draw_an_empty_map() {
        let map = Map::new(vec![incident(f64::NAN, 400.0, Level::None, 1)]);
        assert!(map.incidents.is_empty() && map.scale.is_none());
        let one = Map::new(vec![incident(0.0, 90.0, Level::None, 1)]);
        assert!(one.incidents[0].x.is_finite() && one.incidents[0].y.is_finite());
    }
}
