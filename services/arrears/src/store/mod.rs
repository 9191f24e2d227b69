//! All SQL of arrears; one function per command or query.

pub mod account;
pub mod alarm;
pub mod breach;
pub mod case;
pub mod feed;
pub mod message;
pub mod missed;
pub mod notice;
pub mod photo;
pub mod release;
pub mod stranger;
pub mod unplaced;

use crate::error::Error;

/// For `map_err`.
pub(crate) fn db(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |source| Error::Common(relight_common::Error::Db(doing, source))
}
