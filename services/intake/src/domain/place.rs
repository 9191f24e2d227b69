//! Where a report is: a service point when the account is known, the grid near a position, or nowhere yet.

use relight_policy::AreaClass;
use uuid::Uuid;

/// WGS84 degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Longitude, -180 to 180.
    pub lon: f64,
    /// Latitude, -90 to 90.
    pub lat: f64,
}

/// A service point, as far as intake needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct ServicePoint {
    /// Its id in the registry.
    pub id: Uuid,
    /// Whose it is.
    pub customer_id: Uuid,
    /// External id of its load in the grid.
    pub load_id: String,
    /// External id of the transformer that feeds it; empty when unknown.
    pub transformer_id: String,
    /// Where it is.
    pub position: Option<Position>,
    /// Rules the arrival limit; none when the registry does not know.
    pub area: Option<AreaClass>,
    /// Organisation responsible.
    pub org_path: String,
    /// IANA zone.
    pub zone: String,
    /// Important customer.
    pub important: bool,
    /// Life-support customer.
    pub life_support: bool,
}

/// What is known about the place of a report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Place {
    /// The service point's id, when the account told it.
    pub service_point_id: Option<Uuid>,
    /// The customer, when the account told it.
    pub customer_id: Option<Uuid>,
    /// External id of the load.
    pub load_id: Option<String>,
    /// External id of the transformer.
    pub transformer_id: Option<String>,
    /// Area class.
    pub area: Option<AreaClass>,
    /// Important customer.
    pub important: bool,
    /// Life-support customer.
    pub life_support: bool,
    /// Organisation responsible.
    pub org_path: String,
    /// IANA zone; empty when unknown.
    pub zone: String,
    /// Where it is, for the map.
    pub position: Option<Position>,
}

impl Place {
    /// The place of an account.
    pub fn of(point: &ServicePoint, said: Option<Position>) -> Self {
        Self {
            service_point_id: Some(point.id),
            customer_id: Some(point.customer_id),
            position: point.position.or(said),
            important: point.important,
            life_support: point.life_support,
            ..Self::near(point, said)
        }
    }

    /// The place of somebody standing near a service point that may not be theirs: its grid, not its customer.
    pub fn near(point: &ServicePoint, said: Option<Position>) -> Self {
        let known = |text: &String| (!text.is_empty()).then(|| text.clone());
        Self {
            service_point_id: None,
            customer_id: None,
            load_id: known(&point.load_id),
            transformer_id: known(&point.transformer_id),
            area: point.area,
            important: false,
            life_support: false,
            org_path: point.org_path.clone(),
            zone: point.zone.clone(),
            position: said.or(point.position),
        }
    }

    /// Whether the grid can say anything about it.
    pub fn is_on_the_grid(&self) -> bool {
        self.load_id.is_some() || self.transformer_id.is_some()
    }
}
