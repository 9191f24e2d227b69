//! GCJ-02, the datum of public maps in China, to and from WGS84, which is all that is stored.
//!
//! Formulas and constants are those of the open implementation "eviltransform" (github.com/googollee/eviltransform, MIT), whose
//! test points are the tests below. The way back is found by going there again and again, to less than a centimetre.

use std::f64::consts::PI;

/// Semi-major axis of the Krasovsky 1940 ellipsoid, metres, and its squared eccentricity: what GCJ-02 is offset on.
const AXIS_M: f64 = 6_378_245.0;
const ECCENTRICITY_2: f64 = 0.006_693_421_622_965_943;
/// Degrees; 1e-8 of a degree is about a millimetre.
const CLOSE_DEG: f64 = 1e-8;
const ROUNDS_MAX: usize = 30;

/// Longitude and latitude in GCJ-02 of a WGS84 place. Outside the rectangle around China both are the same.
pub fn to_gcj02((lon, lat): (f64, f64)) -> (f64, f64) {
    if !is_in_china((lon, lat)) {
        return (lon, lat);
    }
    let (dlon, dlat) = offset(lon - 105.0, lat - 35.0);
    let phi = lat.to_radians();
    let w2 = 1.0 - ECCENTRICITY_2 * phi.sin().powi(2);
    let w = w2.sqrt();
    let dlat = dlat * 180.0 / ((AXIS_M * (1.0 - ECCENTRICITY_2)) / (w2 * w) * PI);
    let dlon = dlon * 180.0 / (AXIS_M / w * phi.cos() * PI);
    (lon + dlon, lat + dlat)
}

/// Longitude and latitude in WGS84 of a GCJ-02 place.
pub fn from_gcj02((lon, lat): (f64, f64)) -> (f64, f64) {
    if !is_in_china((lon, lat)) {
        return (lon, lat);
    }
    let (mut at_lon, mut at_lat) = (lon, lat);
    for _ in 0..ROUNDS_MAX {
        let (there_lon, there_lat) = to_gcj02((at_lon, at_lat));
        let (dlon, dlat) = (lon - there_lon, lat - there_lat);
        (at_lon, at_lat) = (at_lon + dlon, at_lat + dlat);
        if dlon.abs() < CLOSE_DEG && dlat.abs() < CLOSE_DEG {
            break;
        }
    }
    (at_lon, at_lat)
}

fn is_in_china((lon, lat): (f64, f64)) -> bool {
    (72.004..=137.8347).contains(&lon) && (0.8293..=55.8271).contains(&lat)
}

/// The offset in metres, as the published formula has it; `x` and `y` in degrees from 105 E, 35 N.
fn offset(x: f64, y: f64) -> (f64, f64) {
    let both = 20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin();
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + (both + 20.0 * (x * PI).sin() + 40.0 * (x / 3.0 * PI).sin()) * 2.0 / 3.0
        + (150.0 * (x / 12.0 * PI).sin() + 300.0 * (x / 30.0 * PI).sin()) * 2.0 / 3.0;
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + (both + 20.0 * (y * PI).sin() + 40.0 * (y / 3.0 * PI).sin()) * 2.0 / 3.0
        + (160.0 * (y / 12.0 * PI).sin() + 320.0 * (y / 30.0 * PI).sin()) * 2.0 / 3.0;
    (east, north)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
        let per_degree = 111_320.0;
        let east = (a.0 - b.0) * per_degree * a.1.to_radians().cos();
        (east.powi(2) + ((a.1 - b.1) * per_degree).powi(2)).sqrt()
    }

    /// The points of eviltransform's own tests: Shanghai, Shenzhen, Beijing.
    #[test]
    fn known_places_are_where_the_source_has_them() {
        let table = [
            (
                (121.527_210_6, 31.177_427_6),
                (121.531_541_859_215, 31.175_303_983_645_97),
            ),
            (
                (113.912_316, 22.543_847),
                (113.917_176_480_836_3, 22.540_796_131_694_766),
            ),
            (
                (116.377_817, 39.911_954),
                (116.384_047_224_556_57, 39.913_345_455_360_69),
            ),
        ];
        for (wgs84, gcj02) in table {
            assert!(metres(to_gcj02(wgs84), gcj02) < 0.1, "{wgs84:?}");
            assert!(metres(from_gcj02(gcj02), wgs84) < 0.1, "{gcj02:?}");
        }
    }

    #[test]
    fn there_and_back_is_the_same_place_all_over_china() {
        for lon in (73..137).step_by(3) {
            for lat in (2..55).step_by(3) {
                let place = (f64::from(lon) + 0.37, f64::from(lat) + 0.61);
                assert!(metres(from_gcj02(to_gcj02(place)), place) < 0.01, "{place:?}");
            }
        }
    }

    #[test]
    fn elsewhere_nothing_is_moved() {
        for place in [(-0.1278, 51.5074), (151.2, -33.87), (180.0, 0.0)] {
            assert_eq!(to_gcj02(place), place);
            assert_eq!(from_gcj02(place), place);
        }
    }
}
