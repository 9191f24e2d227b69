//! External ids: what one may look like, and the form in which they are compared.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// The rule for all ids, so that every network can be written as a pack.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
    let ok = (1..=100).contains(&id.chars().count())
        && !id.contains(|c: char| c.is_whitespace() || c.is_control());
    if ok {
        Ok(())
    } else {
        Err(format!(
            "{id:.40?} is not an id; write 1 to 100 characters without white space"
        ))
    }
}

/// External ids are compared in this form.
pub(crate) fn fold(id: &str) -> String {
    // Nearly all ids are ASCII, and a large network folds millions.
    if id.is_ascii() {
        id.to_ascii_lowercase()
    } else {
        id.to_lowercase()
    }
}

/// Appends the folded form of an id.
pub(crate) fn fold_onto(text: &mut String, id: &str) {
    let from = text.len();
    if id.is_ascii() {
        text.push_str(id);
        text[from..].make_ascii_lowercase();
    } else {
        text.push_str(&fold(id));
    }
}

/// The order of two ids, as that of their folded forms.
pub(crate) fn compare(one: &str, other: &str) -> Ordering {
    if one.is_ascii() && other.is_ascii() {
        let (one, other) = (one.bytes(), other.bytes());
        let lower = |byte: u8| byte.to_ascii_lowercase();
        return one.map(lower).cmp(other.map(lower));
    }
    fold(one).cmp(&fold(other))
}

/// An id as a key of a map, without a folded copy of its own: a large network looks millions up.
#[derive(Debug, Clone)]
pub(crate) struct Folded<'a>(Cow<'a, str>);

impl<'a> Folded<'a> {
    pub(crate) fn new(id: &'a str) -> Folded<'a> {
        // Other letters than ASCII may change their number of bytes.
        Folded(if id.is_ascii() {
            Cow::Borrowed(id)
        } else {
            Cow::Owned(fold(id))
        })
    }

    /// A key that outlives the row it was taken from.
    pub(crate) fn owned(id: &str) -> Folded<'static> {
        Folded(Cow::Owned(Folded::new(id).0.into_owned()))
    }
}

impl PartialEq for Folded<'_> {
    fn eq(&self, other: &Folded<'_>) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Folded<'_> {}

impl Hash for Folded<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut lower = [0_u8; 64];
        for part in self.0.as_bytes().chunks(lower.len()) {
            let lower = &mut lower[..part.len()];
            lower.copy_from_slice(part);
            lower.make_ascii_lowercase();
            state.write(lower);
        }
        state.write_u8(0xff);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Among them ids whose folded forms are equal though their bytes are not even of one length.
    const IDS: [&str; 9] = [
        "F1-CB",
        "f1-cb",
        "F1-CC",
        "\u{212A}1",
        "k1",
        "Ä-7",
        "ä-7",
        "ΟΔΟΣ",
        "线路甲",
    ];

    #[test]
    fn keys_and_order_agree_with_the_folded_form() {
        for (one, other) in IDS.iter().flat_map(|one| IDS.map(|other| (*one, other))) {
            let same = fold(one) == fold(other);
            assert_eq!(Folded::new(one) == Folded::new(other), same, "{one} {other}");
            assert_eq!(compare(one, other), fold(one).cmp(&fold(other)), "{one} {other}");
        }
        let mut together = String::new();
        IDS.iter().for_each(|id| fold_onto(&mut together, id));
        assert_eq!(together, IDS.map(fold).concat());
        let kept: HashSet<Folded<'_>> = IDS.iter().map(|id| Folded::new(id)).collect();
        let folded: HashSet<String> = IDS.iter().map(|id| fold(id)).collect();
        assert_eq!(kept.len(), folded.len());
        assert!(IDS.iter().all(|id| kept.contains(&Folded::new(&fold(id)))));
    }

    #[test]
    fn an_id_longer_than_the_buffer_is_found_in_any_case() {
        let (lower, upper) = ("x".repeat(100), "X".repeat(100));
        assert!(HashSet::from([Folded::new(&lower)]).contains(&Folded::new(&upper)));
    }
}
