//! All SQL of dispatch: one function per command or query, on the connection of the caller's transaction.

pub mod assignment;
pub mod clock;
pub mod crew;
pub mod crew_fact;
pub mod etr;
pub mod feed;
pub mod incident;
pub mod list;
pub mod missed;
pub mod order;
pub mod photo;
pub mod position;
pub mod step;
pub mod subject;
pub mod unit;
pub mod view;

use relight_common::error::constraint;

use crate::error::Error;

/// For `map_err`: `.map_err(db("save the order"))`.
pub(crate) fn db(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |source| Error::Common(relight_common::Error::Db(doing, source))
}

/// Whether a statement ran into this constraint.
pub(crate) fn ran_into(error: &sqlx::Error, name: &str) -> bool {
    constraint(error) == Some(name)
}

/// A count of the database as a wire number.
pub(crate) fn natural(count: impl TryInto<u32>) -> u32 {
    count.try_into().unwrap_or(0)
}
