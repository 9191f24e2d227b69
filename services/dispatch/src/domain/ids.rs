//! Ids of what dispatch owns, each a type of its own.

use relight_common::{ids::derived, typed_id};
use uuid::Uuid;

use super::order::Kind;

typed_id!(
    /// One work order.
    OrderId,
    "order_id"
);
typed_id!(
    /// One incident of intake; dispatch only refers to it.
    IncidentId,
    "incident_id"
);
typed_id!(
    /// One planned outage or arrears case; dispatch only refers to it.
    SubjectId,
    "subject_id"
);
typed_id!(
    /// One repair unit.
    UnitId,
    "unit_id"
);
typed_id!(
    /// One crew.
    CrewId,
    "crew_id"
);
typed_id!(
    /// One running or stopped clock of one order.
    ClockId,
    "clock_id"
);

impl OrderId {
    /// The order of an incident: always the same one, so an event told twice opens it once.
    pub fn of_incident(incident: IncidentId) -> Self {
        Self::from_uuid(derived(incident.uuid(), "order"))
    }

    /// The order of a subject: one per kind and `slot`, the plan or notice it carries out.
    pub fn of_errand(subject: SubjectId, kind: Kind, slot: &str) -> Self {
        Self::from_uuid(derived(subject.uuid(), &format!("order:{}:{slot}", kind.word())))
    }
}

impl ClockId {
    /// The clock `name` of an order that started with version `version` of it.
    pub fn of(order: OrderId, name: &str, version: i64) -> Self {
        Self::from_uuid(derived(order.uuid(), &format!("clock:{name}:{version}")))
    }
}

/// Uuid of an optional id, for SQL.
pub fn uuid_of(id: Option<CrewId>) -> Option<Uuid> {
    id.map(CrewId::uuid)
}
