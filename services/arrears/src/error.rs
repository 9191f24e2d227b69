//! What can go wrong in arrears, one meaning each.

use relight_common::{Code, Coded, Invalid};

use crate::domain::Refusal;

/// Failures of arrears.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The common machinery, Postgres, another service, or a wrong field.
    #[error(transparent)]
    Common(#[from] relight_common::Error),
    /// No such case, or none the caller may see.
    #[error("there is no such case in the areas you may see")]
    NoCase,
    /// No such notice, or none the caller may see.
    #[error("there is no such notice among those you may see")]
    NoNotice,
    /// No such alarm, or none the caller may see.
    #[error("there is no such alarm in the areas you may see")]
    NoAlarm,
    /// No such photo of that case.
    #[error("the case names no such photo")]
    NoPhoto,
    /// The caller may not do this.
    #[error("{0}")]
    Denied(&'static str),
    /// The machine refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another officer was faster.
    #[error("the case has moved on to version {version} since it was read; read it again")]
    Moved {
        /// What it is now.
        version: i64,
    },
    /// Registry's answer is not one supply with a meter that could be cut.
    #[error("registry says: {0}")]
    NoSupply(String),
    /// A stored value this release cannot read.
    #[error("a stored {0} cannot be read")]
    Stored(&'static str),
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
            Error::NoCase | Error::NoNotice | Error::NoAlarm | Error::NoPhoto => Code::NotFound,
            Error::Denied(_) => Code::PermissionDenied,
            Error::Refused(refusal) if refusal.field().is_some() => Code::InvalidArgument,
            Error::Refused(_) | Error::NoSupply(_) => Code::FailedPrecondition,
            Error::Moved { .. } => Code::Aborted,
            Error::Stored(_) => Code::Internal,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Error::Common(error) => error.field(),
            Error::Refused(refusal) => refusal.field(),
            Error::Moved { .. } => Some("expected_version"),
            _ => None,
        }
    }
}
