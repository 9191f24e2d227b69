//! Everything that can go wrong here, and what each means on the wire.

use relight_common::{Code, Coded, Invalid};

use crate::domain::record::IncidentId;

/// Failures of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The common machinery, Postgres, another service, or a wrong field.
    #[error(transparent)]
    Common(#[from] relight_common::Error),
    /// The event or question refers to a version of the incident that has not come here yet.
    #[error("incident {incident} is known up to version {known} here, {wanted} is still on its way")]
    NotYet {
        /// The incident.
        incident: IncidentId,
        /// Version the ledger has applied.
        known: i64,
        /// Version asked for.
        wanted: i64,
    },
    /// The version waited for will not come until a parked event of the incident is put back.
    #[error("an event of incident {0} is parked; put it back first")]
    BehindParked(IncidentId),
    /// The affected set changed between looking its members up and applying them.
    #[error("the affected set of incident {0} changed meanwhile")]
    SetChanged(IncidentId),
    /// Another incident opened a record for the same customer at the same moment.
    #[error("customers of incident {0} were opened by another incident at the same moment")]
    Raced(IncidentId),
    /// No such incident here.
    #[error("incident {0} is not known to the ledger")]
    NoIncident(IncidentId),
    /// No such step.
    #[error("no such step of the ledger")]
    NoStep,
    /// No such reason to be off, or none the caller may see.
    #[error("nothing with the id {0} put anybody off in the areas you may see")]
    NoReason(uuid::Uuid),
    /// No such exception, or none the caller may see.
    #[error("no exception {0} in the areas you may see")]
    NoException(uuid::Uuid),
    /// Somebody else was first.
    #[error("exception {0} is settled already")]
    Settled(uuid::Uuid),
    /// Somebody asked for another customer's data.
    #[error("customers may ask about their own account only")]
    NotYours,
    /// Another service sent what it never should.
    #[error("{0} sent {1}")]
    Peer(&'static str, &'static str),
}

impl Error {
    /// For `map_err`.
    pub fn db(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        move |source| Error::Common(relight_common::Error::Db(doing, source))
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Error::Common(invalid.into())
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Error::Common(error) => error.code(),
            Error::NotYet { .. } => Code::Unavailable,
            Error::BehindParked(_) => Code::FailedPrecondition,
            Error::SetChanged(_) | Error::Raced(_) => Code::Aborted,
            Error::NoIncident(_) | Error::NoStep | Error::NoReason(_) | Error::NoException(_) => {
                Code::NotFound
            }
            Error::Settled(_) => Code::FailedPrecondition,
            Error::NotYours => Code::PermissionDenied,
            Error::Peer(..) => Code::Internal,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Error::Common(error) => error.field(),
            _ => None,
        }
    }
}
