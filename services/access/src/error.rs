//! Everything that can go wrong here, and what each means on the wire. No log-in name, token or code is in any of them.

use chrono::{DateTime, Utc};
use relight_common::{Code, Coded, Invalid};

/// Failures of access.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The common machinery, Postgres, another service, or a wrong field.
    #[error(transparent)]
    Common(#[from] relight_common::Error),
    /// Not known, wrong password, or disabled: not told which.
    #[error("the log-in name or the password is wrong")]
    WrongLogIn,
    /// Too many wrong passwords.
    #[error("too many wrong passwords for this log-in name; try again after {}", .0.format("%Y-%m-%dT%H:%M:%SZ"))]
    Wait(DateTime<Utc>),
    /// Not known, wrong, used, expired: not told which.
    #[error("the account or the code is wrong, or the code has expired; ask for a new code")]
    WrongCode,
    /// No such session, or over.
    #[error("the session is not known or has ended; log in again")]
    NoSession,
    /// No such account, or none the caller may see.
    #[error("no such account in the areas you administer")]
    NoPerson,
    /// The log-in name belongs to another account.
    #[error("this log-in name is taken; choose another one")]
    LoginTaken,
    /// A right would be given or touched that the caller does not hold.
    #[error("you may give and change only rights at or below your own org path")]
    AboveYou,
    /// All hashing turns are taken.
    #[error("too many log-ins at this moment; send it again")]
    Busy,
    /// argon2 failed.
    #[error("could not hash a password: {0}")]
    Hash(argon2::password_hash::Error),
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
            Error::WrongLogIn | Error::WrongCode | Error::NoSession => Code::Unauthenticated,
            Error::Wait(_) => Code::ResourceExhausted,
            Error::NoPerson => Code::NotFound,
            Error::LoginTaken => Code::AlreadyExists,
            Error::AboveYou => Code::PermissionDenied,
            Error::Busy => Code::Unavailable,
            Error::Hash(_) => Code::Internal,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Error::Common(error) => error.field(),
            Error::LoginTaken => Some("person.login"),
            _ => None,
        }
    }
}
