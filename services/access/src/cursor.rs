//! Page cursors: the sort key of the last row, signed together with the filter, so that a cursor goes with the list it
//! came from and nothing can be smuggled in by it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use relight_common::Invalid;
use relight_proto::common::v1::PageRequest;
use sha2::Sha256;
use subtle::ConstantTimeEq;

const MARK_BYTES: usize = 16;
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

/// Where a page starts and how long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Sort key of the last row of the page before; empty starts.
    pub(crate) after: String,
    /// Rows, 1 to 500.
    pub(crate) size: i64,
}

impl Cursors {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self {
            key: Hmac::new_from_slice(key).expect("HMAC takes keys of any length"),
        }
    }

    /// Reads a page request for the list described by `filter`. No size is 50, a larger one than 500 is 500.
    pub(crate) fn page(&self, filter: &str, request: Option<&PageRequest>) -> Result<Page, Invalid> {
        let size = match request.map_or(0, |page| page.size) {
            0 => SIZE_DEFAULT,
            size => size.min(SIZE_MAX),
        };
        let after = match request.map_or("", |page| page.cursor.as_str()) {
            "" => String::new(),
            cursor => self.open(filter, cursor).ok_or_else(|| {
                Invalid::new(
                    "page.cursor",
                    "must be the next_cursor of the page before, with the same filter",
                )
            })?,
        };
        Ok(Page {
            after,
            size: i64::from(size),
        })
    }

    /// The cursor after a page: empty when it was not full.
    pub(crate) fn next(&self, filter: &str, page: &Page, rows: usize, last: Option<&str>) -> String {
        let full = i64::try_from(rows).is_ok_and(|rows| rows >= page.size);
        last.filter(|_| full)
            .map(|last| self.seal(filter, last))
            .unwrap_or_default()
    }

    fn seal(&self, filter: &str, last: &str) -> String {
        BASE64.encode([self.mark(filter, last).as_slice(), last.as_bytes()].concat())
    }

    fn open(&self, filter: &str, cursor: &str) -> Option<String> {
        let bytes = BASE64.decode(cursor).ok()?;
        let (mark, last) = bytes.split_at_checked(MARK_BYTES)?;
        let last = String::from_utf8(last.to_vec()).ok()?;
        bool::from(mark.ct_eq(&self.mark(filter, &last))).then_some(last)
    }

    fn mark(&self, filter: &str, last: &str) -> [u8; MARK_BYTES] {
        let length = (filter.len() as u64).to_be_bytes();
        let mac = self
            .key
            .clone()
            .chain_update(length)
            .chain_update(filter)
            .chain_update(last);
        let mut mark = [0; MARK_BYTES];
        mark.copy_from_slice(&mac.finalize().into_bytes()[..MARK_BYTES]);
        mark
    }
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
        let first = cursors.page("text=li", Some(&ask("", 2))).unwrap();
        let next = cursors.next("text=li", &first, 2, Some("A-2"));
        assert_eq!(
            cursors.page("text=li", Some(&ask(&next, 2))).unwrap().after,
            "A-2"
        );
        for (filter, cursor) in [
            ("text=wang", next.as_str()),
            ("text=li", "AAAA"),
            ("text=li", "%%"),
        ] {
            assert_eq!(
                cursors.page(filter, Some(&ask(cursor, 2))).unwrap_err().field,
                "page.cursor"
            );
        }
        assert!(
            Cursors::new(&[8; 32])
                .page("text=li", Some(&ask(&next, 2)))
                .is_err()
        );
    }

    #[test]
    fn a_page_that_is_not_full_is_the_last_and_sizes_are_bounded() {
        let cursors = Cursors::new(&[7; 32]);
        let page = cursors.page("", Some(&ask("", 100_000))).unwrap();
        assert_eq!(page.size, 500);
        assert_eq!(cursors.page("", None).unwrap().size, 50);
        assert_eq!(cursors.next("", &page, 499, Some("x")), "");
        assert_eq!(cursors.next("", &page, 0, None), "");
    }
}
