//! What can go wrong in dispatch, one meaning each.

use relight_common::{Code, Coded, Invalid};
use relight_policy::NoRule;

use crate::domain::{
    etr,
    ids::{CrewId, OrderId, UnitId},
    order::Refusal,
    rules::Broken,
};

/// Failures of dispatch.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The common machinery.
    #[error(transparent)]
    Common(#[from] relight_common::Error),
    /// No such order.
    #[error("work order {0} does not exist")]
    NoSuchOrder(String),
    /// No such photo of that order.
    #[error("the order names no such photo")]
    NoSuchPhoto,
    /// No such crew.
    #[error("crew {0} does not exist")]
    NoSuchCrew(CrewId),
    /// No such unit.
    #[error("unit {0} does not exist")]
    NoSuchUnit(UnitId),
    /// The caller may not do this.
    #[error("{0}")]
    Denied(&'static str),
    /// The machine refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The estimate is not taken.
    #[error(transparent)]
    Estimate(#[from] etr::Refusal),
    /// The crew breaks a rule of dispatch.
    #[error("{code}: {0}", code = .0.code())]
    Rule(Broken),
    /// Another dispatcher gave the crew an order at the same moment.
    #[error("busy: the crew was given another order at this moment")]
    CrewTaken(CrewId),
    /// Another dispatcher gave the order to a crew at the same moment.
    #[error("work order {0} was given to a crew at this moment; read it again")]
    OrderTaken(OrderId),
    /// No such alarm.
    #[error("the clock {clock} of this order has no alarm {level}")]
    NoSuchAlarm {
        /// Name of the clock.
        clock: &'static str,
        /// Level asked for.
        level: &'static str,
    },
    /// The policy pack does not answer.
    #[error(transparent)]
    NoRule(#[from] NoRule),
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
            Error::NoSuchOrder(_) | Error::NoSuchPhoto | Error::NoSuchCrew(_) | Error::NoSuchUnit(_) => {
                Code::NotFound
            }
            Error::Denied(_) => Code::PermissionDenied,
            Error::Refused(refusal) if refusal.field().is_some() => Code::InvalidArgument,
            Error::Estimate(etr::Refusal::OutOfRange) => Code::InvalidArgument,
            Error::Refused(_)
            | Error::Estimate(_)
            | Error::Rule(_)
            | Error::CrewTaken(_)
            | Error::NoSuchAlarm { .. } => Code::FailedPrecondition,
            Error::OrderTaken(_) => Code::Aborted,
            Error::NoRule(_) | Error::Stored(_) => Code::Internal,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Error::Common(error) => error.field(),
            Error::Refused(refusal) => refusal.field(),
            Error::Estimate(etr::Refusal::OutOfRange) => Some("etr_at"),
            // Both are parts of a body: the one asked for by its own address is found or not before.
            Error::NoSuchUnit(_) => Some("unit_id"),
            Error::NoSuchCrew(_) => Some("crew_id"),
            _ => None,
        }
    }
}
