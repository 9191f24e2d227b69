//! All SQL of the registry; one function per command or query.

pub(crate) mod affected_set;
pub(crate) mod contact;
pub(crate) mod customer;
pub(crate) mod grid_state;
pub(crate) mod grid_version;
pub(crate) mod import;
pub(crate) mod link;
pub(crate) mod service_point;
pub(crate) mod supply;
pub(crate) mod switching;

use chrono::{DateTime, Utc};
use relight_common::{Db, Work};
use uuid::Uuid;

use crate::error::Error;

/// Opens the transaction of something `actor` does that may be repeated freely, so that no reply is remembered:
/// a view to be audited, a set whose id follows from the question, an import found again by its external ids.
pub(crate) async fn open(db: &Db, actor: &str, request_id: Uuid, at: DateTime<Utc>) -> Result<Work, Error> {
    Ok(Work::repeatable(db, actor, request_id.to_string(), at).await?)
}
