//! One code table: what an error means, on gRPC and (at the edge) as RFC 9457 over HTTP.

use std::{borrow::Cow, error::Error as StdError, fmt::Write as _};

pub use tonic::Code;
use tonic::{Status, metadata::MetadataValue};

use crate::ids::CommandId;

/// Metadata key that carries the faulty field's name beside `InvalidArgument`.
pub const FIELD_KEY: &str = "relight-field";

/// A field that is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {must}")]
pub struct Invalid {
    /// Name of the field as the caller wrote it.
    pub field: Cow<'static, str>,
    /// What is right, in words.
    pub must: Cow<'static, str>,
}

impl Invalid {
    /// `Invalid::new("reporter_phone", "must be a phone number such as +86 571 8888 0000")`
    pub fn new(field: impl Into<Cow<'static, str>>, must: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            must: must.into(),
        }
    }
}

/// Failures of the common machinery.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sender used one id for two commands.
    #[error("command {0} came before with another body; use a new id for a new command")]
    IdReused(CommandId),
    /// The same command is being carried out right now by another request.
    #[error("command {0} is being carried out; send it again to get its reply")]
    InFlight(CommandId),
    /// A stored message could not be decoded: our bug or damaged data.
    #[error("could not decode {0}")]
    Decode(&'static str, #[source] prost::DecodeError),
    /// The lease was lost to another holder while working under it.
    #[error("lease {0} was lost to another holder")]
    LeaseLost(String),
    /// A request to another service failed.
    #[error("could not ask {0}")]
    Peer(&'static str, #[source] Box<Status>),
    /// A field of a request is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Our bug; what it was about is not known to be done.
    #[error(
        "could not {0}: the work failed in a way nobody foresaw; send it again to learn whether it was done"
    )]
    Panicked(&'static str),
    /// Postgres.
    #[error("could not {0}")]
    Db(&'static str, #[source] sqlx::Error),
    /// Redis.
    #[error("could not {0}")]
    Redis(&'static str, #[source] redis::RedisError),
}

impl Error {
    /// For `map_err`: `.map_err(Error::db("save the order"))`.
    pub fn db(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        move |source| Error::Db(doing, source)
    }

    /// For `map_err` on gRPC calls to another service.
    pub fn peer(service: &'static str) -> impl FnOnce(Status) -> Error {
        move |status| Error::Peer(service, Box::new(status))
    }

    /// For `map_err` on Redis calls.
    pub fn redis(doing: &'static str) -> impl FnOnce(redis::RedisError) -> Error {
        move |source| Error::Redis(doing, source)
    }
}

/// An error that knows its meaning on the wire. Implementations have no catch-all: a new variant has to choose.
pub trait Coded: StdError {
    /// `Unavailable`: send again. `Aborted`: read again, then retry. `FailedPrecondition`: the state must change first.
    /// `InvalidArgument`: fix the request. `Internal`: our bug.
    fn code(&self) -> Code;

    /// The faulty field of an `InvalidArgument`.
    fn field(&self) -> Option<&str> {
        None
    }
}

impl Coded for Invalid {
    fn code(&self) -> Code {
        Code::InvalidArgument
    }
    fn field(&self) -> Option<&str> {
        Some(&self.field)
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Error::IdReused(_) | Error::Invalid(_) => Code::InvalidArgument,
            Error::InFlight(_) | Error::LeaseLost(_) | Error::Redis(..) => Code::Unavailable,
            Error::Decode(..) | Error::Panicked(_) => Code::Internal,
            Error::Peer(_, status) => match status.code() {
                Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => {
                    Code::Unavailable
                }
                other => other,
            },
            Error::Db(_, source) if is_transient(source) => Code::Unavailable,
            Error::Db(_, _) => Code::Internal,
        }
    }
    fn field(&self) -> Option<&str> {
        match self {
            Error::Invalid(invalid) => invalid.field(),
            Error::IdReused(_) => Some("command_id"),
            _ => None,
        }
    }
}

/// Whether the same statement may succeed when sent again: connection trouble, a deadlock, a serialization
/// failure, a server that is starting or stopping, too many connections.
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(db) => db.code().is_some_and(|code| {
            code.starts_with("08")
                || code.starts_with("40")
                || code.starts_with("53")
                || code.starts_with("57P")
                || code == "55P03"
        }),
        _ => false,
    }
}

/// The constraint a statement ran into, by name; stores turn names into errors.
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    match error {
        sqlx::Error::Database(db) => db.constraint(),
        _ => None,
    }
}

/// Every cause of an error in one line.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

/// Turns a failure into a reply; the only place that logs one. Our own failures are logged and told without detail.
pub fn refuse<E: Coded>(service: &'static str) -> impl FnOnce(E) -> Status {
    move |error| match error.code() {
        code @ (Code::Internal | Code::Unavailable | Code::Unknown) => {
            tracing::error!(service, error = %chain(&error), "request failed");
            Status::new(
                code,
                format!("{service} could not complete the request; send it again"),
            )
        }
        code => {
            let mut status = Status::new(code, error.to_string());
            if let Some(field) = error
                .field()
                .and_then(|field| MetadataValue::try_from(field).ok())
            {
                status.metadata_mut().insert(FIELD_KEY, field);
            }
            status
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// What is tried again, and what parks an event or is our bug.
    #[test]
    fn trouble_with_the_connection_is_tried_again_and_a_wrong_statement_is_not() {
        let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
        for error in [
            sqlx::Error::Io(reset()),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::PoolClosed,
            sqlx::Error::WorkerCrashed,
        ] {
            assert_eq!(Error::Db("x", error).code(), Code::Unavailable);
        }
        for error in [
            sqlx::Error::RowNotFound,
            sqlx::Error::ColumnNotFound("c".to_owned()),
        ] {
            assert_eq!(Error::Db("x", error).code(), Code::Internal);
        }
        for (told, code) in [
            (Code::DeadlineExceeded, Code::Unavailable),
            (Code::Unknown, Code::Unavailable),
            (Code::NotFound, Code::NotFound),
        ] {
            assert_eq!(Error::peer("x")(Status::new(told, "")).code(), code);
        }
    }
}
