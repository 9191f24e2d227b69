//! Everything that can go wrong here, and what each means on the wire.

use relight_common::{Code, Coded, Invalid};
use relight_grid::Faults;
use uuid::Uuid;

use crate::{domain::switching::Refusal, seal::SealError};

/// Failures of the registry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The common machinery, Postgres, or a wrong field.
    #[error(transparent)]
    Common(#[from] relight_common::Error),
    /// No such customer, or none the caller may see.
    #[error("no such customer in the areas you may see")]
    NoCustomer,
    /// No such number of this customer.
    #[error("no such telephone number of this customer")]
    NoNumber,
    /// No such contact of this customer.
    #[error("no such contact of this customer")]
    NoContact,
    /// No such service point.
    #[error("no such service point")]
    NoServicePoint,
    /// No such affected set.
    #[error("affected set {0} does not exist")]
    NoSet(Uuid),
    /// No such grid version.
    #[error("grid version {0} does not exist")]
    NoVersion(Uuid),
    /// Nothing was imported yet.
    #[error("no network has been imported yet: run `relight import`")]
    NoGrid,
    /// The contact belongs to several customers.
    #[error("several customers have this contact; search for it and choose one")]
    SharedContact,
    /// No such switching, or none the caller may see.
    #[error("no switching {0} in the areas you may see")]
    NoSwitching(Uuid),
    /// One is open already.
    #[error("another switching of {0} is under way, or its id is in use: end that one first")]
    SwitchingUnderWay(String),
    /// Somebody else was faster.
    #[error("switching {id} has version {known} by now: read it again")]
    SwitchingMoved {
        /// The switching.
        id: Uuid,
        /// Its version.
        known: u64,
    },
    /// A step that the domain refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Only the control room's seat does this.
    #[error("only the control room of that area takes a switching further")]
    SeatOnly,
    /// Those concerned are elsewhere.
    #[error("the switching concerns customers outside your areas")]
    OtherArea,
    /// An import or a correction came between.
    #[error("the network changed at this moment: send it again")]
    NetworkMoved,
    /// A contact value cannot be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The stored network cannot be read back.
    #[error("grid version {0} is damaged")]
    Damaged(Uuid, #[source] Faults),
    /// A word in the database that this release does not know.
    #[error("stored {0} is unknown to this release")]
    Stored(&'static str),
    /// A network cannot be written as bytes.
    #[error("could not write the network as a snapshot")]
    Snapshot(#[source] std::io::Error),
    /// A task of ours panicked.
    #[error("could not {0}")]
    Task(&'static str, #[source] tokio::task::JoinError),
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
            Error::NoCustomer
            | Error::NoNumber
            | Error::NoContact
            | Error::NoServicePoint
            | Error::NoSet(_)
            | Error::NoVersion(_) => Code::NotFound,
            Error::NoSwitching(_) => Code::NotFound,
            Error::NoGrid | Error::SharedContact | Error::SwitchingUnderWay(_) | Error::Refused(_) => {
                Code::FailedPrecondition
            }
            Error::SwitchingMoved { .. } | Error::NetworkMoved => Code::Aborted,
            Error::SeatOnly | Error::OtherArea => Code::PermissionDenied,
            Error::Seal(_) | Error::Damaged(..) | Error::Stored(_) | Error::Snapshot(_) | Error::Task(..) => {
                Code::Internal
            }
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Error::Common(error) => error.field(),
            _ => None,
        }
    }
}
