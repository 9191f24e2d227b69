//! Pages of lists by keyset cursor.

use relight_common::edge::Problem;
use relight_proto::common::v1::PageRequest;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Rows of a page when nothing is said.
const DEFAULT: u32 = 50;
const MAX: u32 = 500;

/// Where to go on, and how far.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// `next_cursor` of the page before; left out: the first page.
    #[serde(default)]
    #[param(max_length = 1000)]
    pub cursor: String,
    /// Rows, 1 to 500; left out: 50.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
}

impl PageParams {
    /// The page for a service.
    ///
    /// # Errors
    /// A problem naming `limit` or `cursor`.
    pub fn into_wire(self) -> Result<PageRequest, Problem> {
        page(self.cursor, self.limit)
    }
}

/// A page of at most `limit` rows after `cursor`.
///
/// # Errors
/// A problem naming `limit` or `cursor`.
pub fn page(cursor: String, limit: Option<u32>) -> Result<PageRequest, Problem> {
    let size = limit.unwrap_or(DEFAULT);
    if !(1..=MAX).contains(&size) {
        return Err(Problem::field("limit", "must be from 1 to 500"));
    }
    if cursor.len() > 1_000 {
        return Err(Problem::field(
            "cursor",
            "must be the next_cursor of an earlier answer",
        ));
    }
    Ok(PageRequest { cursor, size })
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Send it as `cursor` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A page as a service answered it.
    pub fn of<W: Into<T>>(rows: Vec<W>, next_cursor: String) -> Self {
        Self {
            items: rows.into_iter().map(W::into).collect(),
            next_cursor: Some(next_cursor).filter(|cursor| !cursor.is_empty()),
        }
    }
}
