//! What intake decides, pure: values in, values out, time is an argument.

pub mod area;
pub mod check;
pub mod danger;
pub mod facts;
pub mod fed;
pub mod group;
pub mod incident;
pub mod mind;
pub mod place;
pub mod report;
pub mod say;
pub mod signal;
pub mod trip;

relight_common::typed_id!(
    /// One report of one person.
    ReportId,
    "report_id"
);
relight_common::typed_id!(
    /// One fault and all reports of it.
    IncidentId,
    "incident_id"
);

impl From<uuid::Uuid> for ReportId {
    fn from(id: uuid::Uuid) -> Self {
        Self::from_uuid(id)
    }
}
