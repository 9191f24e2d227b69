//! The street plan: columns of avenues across rows of roads, dense in the middle, wide outside.

use super::names;
use super::random::Random;
use crate::network::Position;
use crate::pack::{AreaClass, Street};

/// Avenues from west to east.
pub(super) const COLUMNS: usize = 42;
/// Roads from south to north; every third one carries a feeder.
pub(super) const ROWS: usize = 9;

const CENTRE: Position = Position {
    lon: 120.0,
    lat: 30.0,
};
const M_PER_DEGREE_LAT: f64 = 111_320.0;
/// At 30 degrees north.
const M_PER_DEGREE_LON: f64 = 96_406.0;

/// Where streets run, in metres east and north of the centre, and what they are called.
pub(super) struct Plan {
    east_m: Vec<f64>,
    north_m: Vec<f64>,
    row_names: Vec<(String, String)>,
    column_names: Vec<(String, String)>,
}

impl Plan {
    pub(super) fn new(random: &mut Random) -> Plan {
        let mut stems = names::STREETS.to_vec();
        random.shuffle(&mut stems);
        let named =
            |stem: &(&str, &str), zh: &str, en: &str| (format!("{}{zh}", stem.0), format!("{} {en}", stem.1));
        Plan {
            east_m: spread(COLUMNS, random, |off| if off <= 8 { 160.0 } else { 420.0 }),
            north_m: spread(ROWS, random, |off| if off <= 2 { 180.0 } else { 380.0 }),
            row_names: stems[..ROWS]
                .iter()
                .map(|stem| named(stem, "路", "Road"))
                .collect(),
            column_names: stems[ROWS..ROWS + COLUMNS]
                .iter()
                .map(|stem| named(stem, "街", "Street"))
                .collect(),
        }
    }

    /// The crossing of a column and a row; between two of each when they are not whole.
    pub(super) fn at(&self, column: f64, row: f64) -> Position {
        from_centre(between(&self.east_m, column), between(&self.north_m, row))
    }

    /// Chinese and English name of the road along `row`.
    pub(super) fn row_name(&self, row: usize) -> &(String, String) {
        &self.row_names[row]
    }

    /// Chinese and English name of the avenue along `column`.
    pub(super) fn column_name(&self, column: usize) -> &(String, String) {
        &self.column_names[column]
    }

    /// How dense the town is at a column.
    pub(super) fn area_class(&self, column: usize) -> AreaClass {
        if column.abs_diff(COLUMNS / 2) <= 8 {
            AreaClass::Urban
        } else {
            AreaClass::Rural
        }
    }

    /// All streets, and the two roads into the hills.
    pub(super) fn streets(&self) -> Vec<Street> {
        let rows = (0..ROWS).map(|row| {
            let line = (0..COLUMNS)
                .map(|column| self.at(column as f64, row as f64))
                .collect();
            street(format!("R{:02}", row + 1), &self.row_names[row], line)
        });
        let columns = (0..COLUMNS).map(|column| {
            let line = (0..ROWS).map(|row| self.at(column as f64, row as f64)).collect();
            street(format!("A{:02}", column + 1), &self.column_names[column], line)
        });
        let hills = Hill::ALL.map(|hill| {
            let line = (0..=HILL_TURNS).map(|turn| self.on_hill(hill, turn)).collect();
            street(hill.id().to_owned(), &hill.name(), line)
        });
        rows.chain(columns).chain(hills).collect()
    }

    /// A turn of the road into the hills; turn 0 is its crossing in town.
    pub(super) fn on_hill(&self, hill: Hill, turn: usize) -> Position {
        let (column, row, step_m) = match hill {
            Hill::North => (4, ROWS - 1, 1_400.0),
            Hill::South => (COLUMNS - 5, 0, -1_400.0),
        };
        let sway_m = if turn % 2 == 1 { 450.0 } else { 0.0 };
        from_centre(
            self.east_m[column] + sway_m,
            self.north_m[row] + step_m * turn as f64,
        )
    }
}

/// Bends of a road into the hills.
pub(super) const HILL_TURNS: usize = 4;

/// The remote villages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hill {
    North,
    South,
}

impl Hill {
    const ALL: [Hill; 2] = [Hill::North, Hill::South];

    fn id(self) -> &'static str {
        match self {
            Hill::North => "H1",
            Hill::South => "H2",
        }
    }

    /// Chinese and English name of the road.
    pub(super) fn name(self) -> (String, String) {
        let (zh, en) = match self {
            Hill::North => ("云岭山路", "Yunling Hill Road"),
            Hill::South => ("南坞山路", "Nanwu Hill Road"),
        };
        (zh.to_owned(), en.to_owned())
    }
}

fn street(id: String, name: &(String, String), line: Vec<Position>) -> Street {
    Street {
        id,
        name_zh: name.0.clone(),
        name_en: name.1.clone(),
        line,
    }
}

/// Offsets from the middle, metres, with gaps that depend on how far off they are.
fn spread(count: usize, random: &mut Random, gap_m: impl Fn(usize) -> f64) -> Vec<f64> {
    let middle = count / 2;
    let mut offsets = vec![0.0; count];
    for off in 1..=middle {
        if middle + off < count {
            offsets[middle + off] = offsets[middle + off - 1] + gap_m(off) * random.between(0.9, 1.1);
        }
        offsets[middle - off] = offsets[middle - off + 1] - gap_m(off) * random.between(0.9, 1.1);
    }
    offsets
}

/// The offset at `at`, straight between whole places.
fn between(offsets: &[f64], at: f64) -> f64 {
    let low = (at.max(0.0) as usize).min(offsets.len() - 2);
    offsets[low] + (offsets[low + 1] - offsets[low]) * (at - low as f64)
}

/// Rounded to 6 decimals, about 0.1 m: more would only pretend.
fn from_centre(east_m: f64, north_m: f64) -> Position {
    let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
    Position {
        lon: round(CENTRE.lon + east_m / M_PER_DEGREE_LON),
        lat: round(CENTRE.lat + north_m / M_PER_DEGREE_LAT),
    }
}
