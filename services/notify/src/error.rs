//! Everything that can go wrong here, and what each means on the wire.

use relight_common::{Code, Coded, Invalid};
use uuid::Uuid;

/// Failures of notify.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The common machinery, Postgres, another service, or a wrong field.
    #[error(transparent)]
    Common(#[from] relight_common::Error),
    /// The event speaks of a version of the incident that has not come here yet.
    #[error("incident {0} in version {1} is still on its way")]
    NotYet(Uuid, i64),
    /// The contact does not exist or belongs to somebody else.
    #[error("this customer has no such contact")]
    NoContact,
    /// The message does not exist, is somebody else's or of another area.
    #[error("this customer has no such message in your area")]
    NoMessage,
    /// The note that a contact is somebody else's is not there, or taken back.
    #[error("no such contact is noted as somebody else's; it may have been taken back before")]
    NoWrong,
    /// The answer does not exist or is of another area.
    #[error("there is no such answer in your area")]
    NoReply,
    /// The customer does not exist or is of another area.
    #[error("there is no such customer in your area")]
    NoCustomer,
    /// Somebody asked for another customer's messages.
    #[error("customers may ask about their own messages only")]
    NotYours,
    /// A word in the database that this release does not know.
    #[error("stored {0} is unknown to this release")]
    Stored(&'static str),
    /// The variables of a message cannot be opened: other keys, or damaged.
    #[error("the variables of message {0} cannot be opened with the contact key on file")]
    Sealed(Uuid),
    /// A template cannot be rendered.
    #[error("template {0} cannot be rendered")]
    Template(String, #[source] minijinja::Error),
}

impl Error {
    /// For `map_err`.
    pub fn db(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        move |source| Error::Common(relight_common::Error::Db(doing, source))
    }

    /// For `map_err` on gRPC calls to another service.
    pub fn peer(service: &'static str) -> impl FnOnce(tonic::Status) -> Error {
        move |status| Error::Common(relight_common::Error::peer(service)(status))
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
            Error::NotYet(..) => Code::Unavailable,
            Error::NoContact | Error::NoMessage | Error::NoWrong | Error::NoReply | Error::NoCustomer => {
                Code::NotFound
            }
            Error::NotYours => Code::PermissionDenied,
            Error::Stored(_) | Error::Sealed(_) | Error::Template(..) => Code::Internal,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Error::Common(error) => error.field(),
            _ => None,
        }
    }
}
