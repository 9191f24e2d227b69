//! Everything that can go wrong here, and what each means on the wire.

use relight_common::{Code, Coded, Invalid, seal::Closed};
use relight_policy::NoRule;

use crate::domain::{IncidentId, ReportId, incident::Refusal};

/// Failures of intake.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The common machinery, Postgres, or a wrong field.
    #[error(transparent)]
    Common(#[from] relight_common::Error),
    /// No such report, or none the caller may see.
    #[error("no such report among those you may see")]
    NoReport,
    /// Nobody wants such a call, or the caller may not see it.
    #[error("no call to this customer is wanted for this incident, among those you may see")]
    NoCall,
    /// No such incident, or none the caller may see.
    #[error("no such incident among those you may see")]
    NoIncident,
    /// No such decision, or about an incident the caller may not see.
    #[error(
        "no such decision about an incident you may see; an incident's decisions are listed with its evidence"
    )]
    NoDecision,
    /// There is nothing to make again.
    #[error(
        "this was not decided by the engine, or before its decisions were kept whole; there is nothing to make again"
    )]
    NotMadeByEngine,
    /// A customer reports for somebody else.
    #[error("that account is not yours; report for your own, or by name, phone and address")]
    NotOwn,
    /// The caller's role does not go with this report.
    #[error("{0}")]
    Denied(String),
    /// Urging a fault that is over.
    #[error("the fault of report {0} is over; if supply is still off, report again")]
    Over(ReportId),
    /// Self-help is not being tried.
    #[error("self-help is not being tried for report {0}; it was solved, or is a fault already")]
    NotHelping(ReportId),
    /// The incident's state does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The report's standing does not allow it.
    #[error(transparent)]
    Closing(#[from] crate::domain::report::closing::Refusal),
    /// A task of danger is settled.
    #[error(transparent)]
    Danger(#[from] crate::domain::danger::Refusal),
    /// Somebody else changed the incident meanwhile.
    #[error("incident {0} changed meanwhile; read it again")]
    Changed(IncidentId),
    /// A stored contact cannot be opened.
    #[error(transparent)]
    Seal(#[from] Closed),
    /// The policy pack has no answer.
    #[error(transparent)]
    Policy(#[from] NoRule),
    /// A word in the database that this release does not know.
    #[error("stored {0} is unknown to this release")]
    Stored(&'static str),
    /// The network that the registry sent cannot be used.
    #[error("the network of the registry cannot be used: {0}")]
    Network(String),
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
            Error::NoReport | Error::NoCall | Error::NoIncident | Error::NoDecision => Code::NotFound,
            Error::NotOwn | Error::Denied(_) => Code::PermissionDenied,
            Error::Over(_)
            | Error::NotHelping(_)
            | Error::Refused(_)
            | Error::NotMadeByEngine
            | Error::Closing(_)
            | Error::Danger(_) => Code::FailedPrecondition,
            Error::Changed(_) => Code::Aborted,
            Error::Seal(_) | Error::Policy(_) | Error::Stored(_) | Error::Network(_) => Code::Internal,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Error::Common(error) => error.field(),
            _ => None,
        }
    }
}
