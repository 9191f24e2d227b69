//! Page cursors: the sort key of the last row, signed together with the filter of its list, so that a cursor goes with
//! the list it came from and nothing can be smuggled in by it. It is signed, not sealed: who has it can read the key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use relight_proto::common::v1::PageRequest;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::Invalid;

const MARK_BYTES: usize = 16;
const ID_BYTES: usize = 16;
const SIZE_DEFAULT: u32 = 50;
const SIZE_MAX: u32 = 500;

/// What a list is sorted by: written into a cursor and read back.
pub trait SortKey: Sized {
    /// As it stands in a cursor.
    fn to_bytes(&self) -> Vec<u8>;
    /// None when `bytes` are not such a key.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Text alone, such as an id that names its row.
impl SortKey for String {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_utf8(bytes.to_vec()).ok()
    }
}

/// A name that may come twice, and the id that decides between the two.
impl SortKey for (String, Uuid) {
    fn to_bytes(&self) -> Vec<u8> {
        [self.1.as_bytes().as_slice(), self.0.as_bytes()].concat()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, name) = bytes.split_at_checked(ID_BYTES)?;
        Some((String::from_bytes(name)?, Uuid::from_slice(id).ok()?))
    }
}

/// A running number, and the id of what it runs in.
impl SortKey for (i64, Uuid) {
    fn to_bytes(&self) -> Vec<u8> {
        [self.1.as_bytes().as_slice(), &self.0.to_be_bytes()].concat()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, n) = bytes.split_at_checked(ID_BYTES)?;
        Some((i64::from_be_bytes(n.try_into().ok()?), Uuid::from_slice(id).ok()?))
    }
}

/// An instant to the microsecond (what Postgres keeps), and the id that decides between two of the same one.
impl SortKey for (DateTime<Utc>, Uuid) {
    fn to_bytes(&self) -> Vec<u8> {
        (self.0.timestamp_micros(), self.1).to_bytes()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (micros, id) = <(i64, Uuid)>::from_bytes(bytes)?;
        Some((DateTime::from_timestamp_micros(micros)?, id))
    }
}

/// Where a page starts and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<K> {
    /// Sort key of the last row of the page before; none starts.
    pub after: Option<K>,
    /// Rows, 1 to 500.
    pub size: i64,
}

impl Page<String> {
    /// The text to continue after; empty starts, as no text sorts before it.
    pub fn after_text(&self) -> &str {
        self.after.as_deref().unwrap_or_default()
    }
}

impl Page<(DateTime<Utc>, Uuid)> {
    /// For a list with the newest first: the row to continue before. One later than anything stored, and within what
    /// Postgres can hold, starts.
    pub fn before(&self) -> (DateTime<Utc>, Uuid) {
        let end = || DateTime::from_timestamp(253_402_300_799, 0).expect("the year 9999 exists");
        self.after.unwrap_or_else(|| (end(), Uuid::max()))
    }
}

/// Signs and checks cursors.
#[derive(Clone)]
pub struct Cursors {
    key: Hmac<Sha256>,
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors")
    }
}

impl Cursors {
    /// With this key ([`crate::secrets::Secrets::cursor_key`]).
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: Hmac::new_from_slice(key).expect("HMAC takes keys of any length"),
        }
    }

    /// Reads a page request for the list described by `filter`. No size is 50, a larger one than 500 is 500.
    ///
    /// # Errors
    /// `page.cursor` is not one of this list.
    pub fn page<K: SortKey>(&self, filter: &str, request: Option<&PageRequest>) -> Result<Page<K>, Invalid> {
        let size = match request.map_or(0, |page| page.size) {
            0 => SIZE_DEFAULT,
            size => size.min(SIZE_MAX),
        };
        let after = match request.map_or("", |page| page.cursor.as_str()) {
            "" => None,
            cursor => Some(self.open(filter, cursor).ok_or_else(|| {
                Invalid::new(
                    "page.cursor",
                    "must be the next_cursor of the page before, with the same filter",
                )
            })?),
        };
        Ok(Page {
            after,
            size: i64::from(size),
        })
    }

    /// The cursor after a page of `rows` rows that ends with `last`: empty when the page was not full.
    pub fn next<K: SortKey>(&self, filter: &str, page: &Page<K>, rows: usize, last: Option<K>) -> String {
        let is_full = i64::try_from(rows).is_ok_and(|rows| rows >= page.size);
        last.filter(|_| is_full)
            .map(|last| self.seal(filter, &last))
            .unwrap_or_default()
    }

    /// The cursor that continues after `last` in the list described by `filter`.
    pub fn seal<K: SortKey>(&self, filter: &str, last: &K) -> String {
        let body = last.to_bytes();
        BASE64.encode([self.mark(filter, &body).as_slice(), &body].concat())
    }

    /// What a cursor of the list described by `filter` continues after; none when it is not one of that list.
    pub fn open<K: SortKey>(&self, filter: &str, cursor: &str) -> Option<K> {
        let bytes = BASE64.decode(cursor).ok()?;
        let (mark, body) = bytes.split_at_checked(MARK_BYTES)?;
        let is_ours = bool::from(mark.ct_eq(&self.mark(filter, body)));
        K::from_bytes(body).filter(|_| is_ours)
    }

    fn mark(&self, filter: &str, body: &[u8]) -> [u8; MARK_BYTES] {
        // The length keeps "ab" + "c" apart from "a" + "bc".
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(cursor: &str, size: u32) -> PageRequest {
        PageRequest {
            cursor: cursor.to_owned(),
            size,
        }
    }

    /// Walks from a full page to the one behind it, and tries the cursor where it does not belong.
    fn only_in_its_own_list<K: SortKey + Clone + PartialEq + std::fmt::Debug>(last: &K) {
        let cursors = Cursors::new(&[7; 32]);
        let first = cursors.page("text=li", Some(&ask("", 2))).unwrap();
        assert_eq!(first, Page { after: None, size: 2 });
        let next = cursors.next("text=li", &first, 2, Some(last.clone()));
        let second: Page<K> = cursors.page("text=li", Some(&ask(&next, 2))).unwrap();
        assert_eq!(second.after.as_ref(), Some(last));
        for (filter, cursor) in [
            ("text=wang", next.as_str()),
            ("text=li", "AAAA"),
            ("text=li", "%%"),
            ("text=li", "\u{1F600}"),
            ("text=li", &next[..next.len() - 2]),
        ] {
            let refused = cursors.page::<K>(filter, Some(&ask(cursor, 2))).unwrap_err();
            assert_eq!(refused.field, "page.cursor", "{filter} {cursor}");
        }
        assert_eq!(Cursors::new(&[8; 32]).open::<K>("text=li", &next), None);
        assert_eq!(cursors.next("text=li", &second, 1, Some(last.clone())), "");
    }

    #[test]
    fn a_cursor_goes_with_its_own_list_only() {
        let id = Uuid::from_u128(9);
        only_in_its_own_list(&"A-2".to_owned());
        only_in_its_own_list(&("李雷".to_owned(), id));
        only_in_its_own_list(&(i64::MIN, id));
        only_in_its_own_list(&(
            DateTime::from_timestamp(253_402_300_799, 999_999_000).unwrap(),
            id,
        ));
    }

    #[test]
    fn a_list_with_the_newest_first_starts_at_the_end_of_time() {
        let seen = (
            DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            Uuid::from_u128(9),
        );
        let page = |after| Page { after, size: 1 };
        assert_eq!(page(Some(seen)).before(), seen);
        assert!(page(None).before() > seen);
    }

    #[test]
    fn the_end_of_a_filter_is_not_the_beginning_of_a_key() {
        let cursors = Cursors::new(&[7; 32]);
        assert_ne!(cursors.mark("ab", b"c"), cursors.mark("a", b"bc"));
    }

    /// A list that changed what it sorts by: its own old cursor is refused, not read as something else.
    #[test]
    fn a_key_of_another_shape_is_refused() {
        let cursors = Cursors::new(&[7; 32]);
        let sealed = cursors.seal("a", &"short".to_owned());
        assert_eq!(cursors.open::<(String, Uuid)>("a", &sealed), None);
        assert_eq!(cursors.open::<(i64, Uuid)>("a", &sealed), None);
        let beyond = cursors.seal("a", &(i64::MAX, Uuid::nil()));
        assert_eq!(cursors.open::<(DateTime<Utc>, Uuid)>("a", &beyond), None);
    }

    #[test]
    fn a_page_that_is_not_full_is_the_last_and_sizes_are_bounded() {
        let cursors = Cursors::new(&[7; 32]);
        let page: Page<String> = cursors.page("", Some(&ask("", 100_000))).unwrap();
        assert_eq!(page.size, 500);
        assert_eq!(page.after_text(), "");
        assert_eq!(cursors.page::<String>("", None).unwrap().size, 50);
        assert_eq!(cursors.next("", &page, 499, Some("x".to_owned())), "");
        assert_eq!(cursors.next("", &page, 0, None), "");
        assert_ne!(cursors.next("", &page, 500, Some("x".to_owned())), "");
    }
}
