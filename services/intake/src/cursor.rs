//! Page cursors: (accepted_at, id) of the last row, signed together with the filter of its list.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use relight_common::Invalid;
use relight_proto::common::v1::PageRequest;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

const MARK_BYTES: usize = 16;
const KEY_BYTES: usize = 8 + 16;
const SIZE_DEFAULT: u32 = 50;
const SIZE_MAX: u32 = 500;

/// Signs and checks cursors.
#[derive(Clone)]
pub(crate) struct Cursors {
    key: Hmac<Sha256>,
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors")
    }
}

/// Newest first: rows before (at, id), `size` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Acceptance of the last row of the page before; the end of time starts.
    pub before_at: DateTime<Utc>,
    /// Id of that row.
    pub before_id: Uuid,
    /// Rows, 1 to 500.
    pub size: i64,
}

impl Cursors {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self {
            key: Hmac::new_from_slice(key).expect("HMAC takes keys of any length"),
        }
    }

    /// Reads a page request for the list described by `filter`. No size is 50; more than 500 is 500.
    pub(crate) fn page(&self, filter: &str, request: Option<&PageRequest>) -> Result<Page, Invalid> {
        let size = match request.map_or(0, |page| page.size) {
            0 => SIZE_DEFAULT,
            size => size.min(SIZE_MAX),
        };
        let (before_at, before_id) = match request.map_or("", |page| page.cursor.as_str()) {
            "" => (far_future(), Uuid::max()),
            cursor => self.open(filter, cursor).ok_or_else(|| {
                Invalid::new(
                    "page.cursor",
                    "must be the next_cursor of the page before, with the same filter",
                )
            })?,
        };
        Ok(Page {
            before_at,
            before_id,
            size: i64::from(size),
        })
    }

    /// The cursor after a page: empty when it was not full.
    pub(crate) fn next(
        &self,
        filter: &str,
        page: &Page,
        rows: usize,
        last: Option<(DateTime<Utc>, Uuid)>,
    ) -> String {
        let full = i64::try_from(rows).is_ok_and(|rows| rows >= page.size);
        last.filter(|_| full)
            .map(|last| self.seal(filter, last))
            .unwrap_or_default()
    }

    fn seal(&self, filter: &str, (at, id): (DateTime<Utc>, Uuid)) -> String {
        let key = [at.timestamp_micros().to_be_bytes().as_slice(), id.as_bytes()].concat();
        BASE64.encode([self.mark(filter, &key).as_slice(), &key].concat())
    }

    fn open(&self, filter: &str, cursor: &str) -> Option<(DateTime<Utc>, Uuid)> {
        let bytes = BASE64.decode(cursor).ok()?;
        let (mark, key) = bytes.split_at_checked(MARK_BYTES)?;
        let ours = key.len() == KEY_BYTES && bool::from(mark.ct_eq(&self.mark(filter, key)));
        let (at, id) = key.split_at_checked(8).filter(|_| ours)?;
        let at = DateTime::from_timestamp_micros(i64::from_be_bytes(at.try_into().ok()?))?;
        Some((at, Uuid::from_slice(id).ok()?))
    }

    fn mark(&self, filter: &str, key: &[u8]) -> [u8; MARK_BYTES] {
        let length = (filter.len() as u64).to_be_bytes();
        let mac = self
            .key
            .clone()
            .chain_update(length)
            .chain_update(filter)
            .chain_update(key);
        let mut mark = [0; MARK_BYTES];
        mark.copy_from_slice(&mac.finalize().into_bytes()[..MARK_BYTES]);
        mark
    }
}

/// Later than anything stored, and within what Postgres can hold.
fn far_future() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_799, 0).expect("the year 9999 exists")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(cursor: &str, size: u32) -> PageRequest {
        PageRequest {
            cursor: cursor.to_owned(),
            size,
        }
    }

    #[test]
    fn a_cursor_goes_with_its_own_list_only() {
        let cursors = Cursors::new(&[7; 32]);
        let first = cursors.page("a", Some(&ask("", 2))).unwrap();
        let last = (far_future(), Uuid::from_u128(9));
        let next = cursors.next("a", &first, 2, Some(last));
        let page = cursors.page("a", Some(&ask(&next, 2))).unwrap();
        assert_eq!((page.before_at, page.before_id), last);
        for (filter, cursor) in [
            ("b", next.as_str()),
            ("a", "AAAA"),
            ("a", "%%"),
            ("a", "\u{1F600}"),
        ] {
            assert_eq!(
                cursors.page(filter, Some(&ask(cursor, 2))).unwrap_err().field,
                "page.cursor"
            );
        }
        assert!(Cursors::new(&[8; 32]).page("a", Some(&ask(&next, 2))).is_err());
    }

    #[test]
    fn a_page_that_is_not_full_is_the_last_and_sizes_are_bounded() {
        let cursors = Cursors::new(&[7; 32]);
        let page = cursors.page("", Some(&ask("", 100_000))).unwrap();
        assert_eq!(page.size, 500);
        assert_eq!(cursors.page("", None).unwrap().size, 50);
        assert_eq!(
            cursors.next("", &page, 499, Some((far_future(), Uuid::nil()))),
            ""
        );
        assert_eq!(cursors.next("", &page, 0, None), "");
    }
}
