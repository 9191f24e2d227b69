//! Places on the earth and how far apart they are.

/// Mean radius of the earth, metres (IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A WGS84 position, degrees.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// Longitude, -180 to 180.
    pub lon: f64,
    /// Latitude, -90 to 90.
    pub lat: f64,
}

impl Place {
    /// Great-circle distance, metres (haversine).
    pub fn distance_m(self, other: Place) -> f64 {
        let (lat1, lat2) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = ((lat2 - lat1) / 2.0).sin();
        let half_lon = ((other.lon - self.lon).to_radians() / 2.0).sin();
        let h = half_lat * half_lat + lat1.cos() * lat2.cos() * half_lon * half_lon;
        2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
    }

    /// Point on the unit sphere. Straight distances there order places exactly as great circles do, also over the
    /// date line and near the poles, which degrees do not.
    pub fn on_sphere(self) -> [f64; 3] {
        let (lat, lon) = (self.lat.to_radians(), self.lon.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    }
}

/// Straight way through the earth between two [points on the sphere](Place::on_sphere), in radii of the earth.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Chord(f64);

impl Chord {
    /// From its square, as the R-tree has it.
    pub fn of_squared(squared: f64) -> Self {
        Self(squared.sqrt())
    }

    /// Length of the great circle over it, metres: [`Place::distance_m`] without its five trigonometric functions.
    pub fn distance_m(self) -> f64 {
        2.0 * EARTH_RADIUS_M * (self.0 / 2.0).min(1.0).asin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_degree_of_latitude_is_111_km_and_longitude_shrinks_with_the_cosine() {
        let a = Place {
            lon: 120.0,
            lat: 60.0,
        };
        let north = Place {
            lon: 120.0,
            lat: 61.0,
        };
        let east = Place {
            lon: 121.0,
            lat: 60.0,
        };
        assert!((a.distance_m(north) - 111_195.0).abs() < 1.0);
        assert!((a.distance_m(east) - 55_597.0).abs() < 10.0);
        assert_eq!(a.distance_m(a), 0.0);
    }

    #[test]
    fn the_date_line_is_no_wall() {
        let west = Place {
            lon: 179.999,
            lat: 0.0,
        };
        let east = Place {
            lon: -179.999,
            lat: 0.0,
        };
        assert!(west.distance_m(east) < 250.0);
    }
}
