//! What can go wrong in the planner, one meaning each.

use relight_common::{Code, Coded, Invalid};

use crate::domain::{form, ids::OutageId, refusal::Refusal, window};

/// Failures of the planner.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The common machinery.
    #[error(transparent)]
    Common(#[from] relight_common::Error),
    /// No such outage.
    #[error("planned outage {0} does not exist")]
    NoSuchOutage(String),
    /// No such safety switch-off.
    #[error("safety switch-off {0} does not exist")]
    NoSuchSafety(uuid::Uuid),
    /// No such alarm in the caller's area.
    #[error("alarm {0} does not exist")]
    NoSuchAlarm(uuid::Uuid),
    /// No such reliability warning in the caller's area.
    #[error("reliability warning {0} does not exist")]
    NoSuchWarning(uuid::Uuid),
    /// No such photo of that outage.
    #[error("the outage names no such photo")]
    NoSuchPhoto,
    /// No such lock.
    #[error("lock {0} does not exist")]
    NoSuchLock(String),
    /// It is not affected by this outage.
    #[error("customer {0} is not affected by this outage")]
    NotAffected(uuid::Uuid),
    /// A notice board is no proof for them.
    #[error(
        "customer {0} is important, lives by the supply, or has a line or generation of their own: a notice board proves nothing for them; visit or call them, or have them sign"
    )]
    OneByOne(uuid::Uuid),
    /// Somebody changed it since the caller read it.
    #[error("planned outage {id} is at version {known}, not {expected}; read it again")]
    Changed {
        /// Which.
        id: OutageId,
        /// Its version.
        known: i64,
        /// What the caller knew.
        expected: i64,
    },
    /// The id is in use.
    #[error("id {0} is in use for another one; choose a new one")]
    IdTaken(uuid::Uuid),
    /// The machine refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A department's word is not taken.
    #[error(transparent)]
    Countersign(#[from] form::Fault),
    /// Nobody is below these devices.
    #[error("nobody loses supply when these devices open")]
    NobodyAffected,
    /// The caller may not do this.
    #[error("{0}")]
    Denied(&'static str),
    /// What is asked does not fit the state of this recipient, leader or lock.
    #[error("{0}")]
    Unfit(&'static str),
    /// A stored value this release cannot read.
    #[error("a stored {0} cannot be read")]
    Stored(&'static str),
    /// Another service answered something it must not.
    #[error("{0} answered {1}")]
    Peer(&'static str, &'static str),
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Error::Common(invalid.into())
    }
}

impl From<window::Fault> for Error {
    fn from(fault: window::Fault) -> Self {
        Invalid::new(fault.field(), fault.to_string()).into()
    }
}

impl Error {
    /// For `map_err` on statements.
    pub fn db(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        move |source| Error::Common(relight_common::Error::Db(doing, source))
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Error::Common(error) => error.code(),
            Error::NoSuchOutage(_)
            | Error::NoSuchSafety(_)
            | Error::NoSuchAlarm(_)
            | Error::NoSuchWarning(_)
            | Error::NoSuchPhoto
            | Error::NoSuchLock(_) => Code::NotFound,
            Error::NotAffected(_) | Error::OneByOne(_) | Error::NobodyAffected | Error::IdTaken(_) => {
                Code::InvalidArgument
            }
            Error::Changed { .. } => Code::Aborted,
            Error::Refused(Refusal::Window(_)) => Code::InvalidArgument,
            Error::Countersign(form::Fault::NoReason) => Code::InvalidArgument,
            Error::Refused(_) | Error::Unfit(_) | Error::Countersign(_) => Code::FailedPrecondition,
            Error::Denied(_) => Code::PermissionDenied,
            Error::Stored(_) | Error::Peer(..) => Code::Internal,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Error::Common(error) => error.field(),
            Error::NotAffected(_) | Error::OneByOne(_) => Some("customer_id"),
            Error::NobodyAffected => Some("device_ids"),
            Error::Countersign(form::Fault::NoReason) => Some("sign.reason"),
            Error::IdTaken(_) => Some("outage_id"),
            Error::Refused(Refusal::Window(fault)) => Some(fault.field()),
            _ => None,
        }
    }
}
