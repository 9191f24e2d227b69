//! What intake decides, pure: values in, values out, time is an argument.

pub mod area;
pub mod group;
pub mod incident;
pub mod place;
pub mod report;

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
