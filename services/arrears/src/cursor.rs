//! Page cursors: the sort key of the last row, signed together with the filter of its list.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use relight_common::Invalid;
use relight_proto::common::v1::PageRequest;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

const MARK_BYTES: usize = 16;
const ID_BYTES: usize = 16;
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

impl Cursors {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self {
            key: Hmac::new_from_slice(key).expect("HMAC takes keys of any length"),
        }
    }

    /// The sort key (bytes) and id to continue after; none at the beginning.
    pub(crate) fn open(
        &self,
        filter: &str,
        page: Option<&PageRequest>,
    ) -> Result<Option<(Vec<u8>, Uuid)>, Invalid> {
        let cursor = page.map_or("", |page| page.cursor.as_str());
        if cursor.is_empty() {
            return Ok(None);
        }
        self.read(filter, cursor).map(Some).ok_or_else(|| {
            Invalid::new(
                "page.cursor",
                "must be the next_cursor of the page before, with the same filter",
            )
        })
    }

    /// The cursor after a page: empty when it was not full.
    pub(crate) fn next(&self, filter: &str, size: i64, rows: usize, last: Option<(&[u8], Uuid)>) -> String {
        let is_full = i64::try_from(rows).is_ok_and(|rows| rows >= size);
        last.filter(|_| is_full)
            .map(|(key, id)| self.seal(filter, key, id))
            .unwrap_or_default()
    }

    pub(crate) fn seal(&self, filter: &str, key: &[u8], id: Uuid) -> String {
        let body = [id.as_bytes().as_slice(), key].concat();
        BASE64.encode([self.mark(filter, &body).as_slice(), &body].concat())
    }

    pub(crate) fn read(&self, filter: &str, cursor: &str) -> Option<(Vec<u8>, Uuid)> {
        let bytes = BASE64.decode(cursor).ok()?;
        let (mark, body) = bytes.split_at_checked(MARK_BYTES)?;
        let (id, key) = body.split_at_checked(ID_BYTES)?;
        let is_ours = bool::from(mark.ct_eq(&self.mark(filter, body)));
        is_ours.then_some((key.to_vec(), Uuid::from_slice(id).ok()?))
    }

    fn mark(&self, filter: &str, body: &[u8]) -> [u8; MARK_BYTES] {
        let length = (filter.len() as u64).to_be_bytes();
        let mac = self
            .key
            .clone()
            .chain_update(length)
            .chain_update(filter)
            .chain_update(body);
        let mut mark = [0; MARK_BYTES];
        mark.copy_from_slice(&mac.finalize().into_bytes()[..MARK_BYTES]);
        mark
    }
}

/// Rows of a page: 50 when not said, 500 at most.
pub(crate) fn size(page: Option<&PageRequest>) -> i64 {
    i64::from(match page.map_or(0, |page| page.size) {
        0 => SIZE_DEFAULT,
        size => size.min(SIZE_MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_with_its_own_list_only() {
        let cursors = Cursors::new(&[7; 32]);
        let id = Uuid::from_u128(9);
        let next = cursors.next("a", 2, 2, Some((b"key", id)));
        let ask = |cursor: &str| PageRequest {
            cursor: cursor.to_owned(),
            size: 2,
        };
        assert_eq!(
            cursors.open("a", Some(&ask(&next))),
            Ok(Some((b"key".to_vec(), id)))
        );
        assert_eq!(cursors.open("a", None), Ok(None));
        for (filter, cursor) in [
            ("b", next.as_str()),
            ("a", "AAAA"),
            ("a", "%%"),
            ("a", "\u{1F600}"),
        ] {
            assert_eq!(
                cursors.open(filter, Some(&ask(cursor))).unwrap_err().field,
                "page.cursor"
            );
        }
        assert!(Cursors::new(&[8; 32]).open("a", Some(&ask(&next))).is_err());
        assert_eq!(cursors.next("a", 2, 1, Some((b"key", id))), "");
    }
}
