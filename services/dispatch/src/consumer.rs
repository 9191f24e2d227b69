//! What intake tells: incidents open, update, merge and withdraw orders. Beside it, what the planner and arrears tell.

mod arrears;
mod planner;

use prost::Message;
use relight_common::{
    Invalid, Work,
    reader::{Consumer, Outcome},
    wire,
};
use relight_policy::{AreaClass, Pack};
use relight_proto::{
    common::v1::{AreaClass as WireArea, Point},
    events::v1::{Event, IncidentChanged},
};

use crate::{
    desk,
    domain::{ids::IncidentId, place::Place},
    error::Error,
    store::incident::{Incident, Standing},
};

pub use self::{arrears::FromArrears, planner::FromPlanner};

/// Applies the events of intake.
#[derive(Debug, Clone)]
pub struct FromIntake {
    pack: Pack,
}

impl FromIntake {
    /// Orders get their limits from `pack`.
    pub fn new(pack: Pack) -> Self {
        Self { pack }
    }
}

impl Consumer for FromIntake {
    type Prepared = ();
    type Error = Error;

    async fn prepare(&self, _event: &Event) -> Result<(), Error> {
        Ok(())
    }

    async fn apply(&self, work: &mut Work, event: &Event, (): ()) -> Result<Outcome, Error> {
        match event.r#type.as_str() {
            "incident.changed" => {
                let told = IncidentChanged::decode(event.data.as_slice())
                    .map_err(|error| relight_common::Error::Decode("an event's payload", error))?;
                desk::take(work, &self.pack, &read(event, told)?).await?;
                Ok(Outcome::Applied)
            }
            "report.accepted" => Ok(Outcome::Applied),
            _ => Ok(Outcome::Unknown),
        }
    }
}

fn read(event: &Event, told: IncidentChanged) -> Result<Incident, Invalid> {
    Ok(Incident {
        id: IncidentId::parse(&told.incident_id)?,
        version: version(event)?,
        standing: standing(&told)?,
        accepted_at: wire::instant("accepted_at", told.accepted_at)?,
        area: area(told.area_class()),
        place: told
            .position
            .map(|point| wire::point("position", point))
            .transpose()?
            .map(|(lon, lat)| Place { lon, lat }),
        supply: supply(&told.supply_points)?,
        number: told.number,
        org_path: event.org_path.clone(),
        device_id: told.device_id,
        device_kind: told.device_kind,
        confirmed: told.confirmed,
        affected_set_id: told.affected_set_id,
        affected_count: told.affected_count,
        danger: told.danger,
        life_support: told.life_support,
        important: told.important,
        urge_count: told.urge_count,
        zone: told.zone,
    })
}

/// The supply points of a child that are read.
const SUPPLY_POINTS_MAX: usize = 50;

fn supply(points: &[Point]) -> Result<Vec<Place>, Invalid> {
    let points = points.iter().take(SUPPLY_POINTS_MAX);
    let places = points.map(|point| wire::point("supply_points", *point));
    places
        .map(|place| place.map(|(lon, lat)| Place { lon, lat }))
        .collect()
}

fn version(event: &Event) -> Result<i64, Invalid> {
    i64::try_from(event.version).map_err(|_| Invalid::new("version", "must fit in 63 bits"))
}

fn standing(told: &IncidentChanged) -> Result<Standing, Invalid> {
    match told.state.as_str() {
        "open" => Ok(Standing::Open),
        "merged" => Ok(Standing::Merged {
            into: IncidentId::from_uuid(wire::uuid("merged_into", &told.merged_into)?),
        }),
        "closed" => Ok(Standing::Closed),
        _ => Err(Invalid::new("state", "must be open, merged or closed")),
    }
}

/// An unknown area has the strictest limit.
pub(crate) fn area(area: WireArea) -> AreaClass {
    match area {
        WireArea::Unspecified | WireArea::Urban => AreaClass::Urban,
        WireArea::Rural => AreaClass::Rural,
        WireArea::Remote => AreaClass::Remote,
    }
}
