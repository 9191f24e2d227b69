//! Words for the place, made from the addresses affected: streets, never house numbers or names (domain.md 5.5 no. 39).

use std::collections::BTreeMap;

/// Streets named at most; the rest is counted.
const STREETS_MAX: usize = 6;

/// A language the words are made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// House numbers come last.
    Zh,
    /// House numbers come first.
    En,
}

/// The streets of these addresses, those with most supply points first.
pub fn area<'a>(addresses: impl Iterator<Item = &'a str>, tongue: Tongue) -> String {
    let mut streets: BTreeMap<&str, usize> = BTreeMap::new();
    for address in addresses {
        let street = street(address, tongue);
        if !street.is_empty() {
            *streets.entry(street).or_default() += 1;
        }
    }
    let mut most: Vec<_> = streets.into_iter().collect();
    most.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let named: Vec<_> = most.iter().take(STREETS_MAX).map(|(street, _)| *street).collect();
    let more = most.len().saturating_sub(STREETS_MAX);
    match (tongue, more) {
        (Tongue::Zh, 0) => named.join("、"),
        (Tongue::Zh, more) => format!("{}等另{more}处", named.join("、")),
        (Tongue::En, 0) => named.join("; "),
        (Tongue::En, more) => format!("{} and {more} more", named.join("; ")),
    }
}

fn street(address: &str, tongue: Tongue) -> &str {
    let digit = |c: char| c.is_ascii_digit();
    let street = match tongue {
        Tongue::Zh => address.find(digit).map_or(address, |at| &address[..at]),
        Tongue::En => address.rfind(digit).map_or(address, |at| &address[at + 1..]),
    };
    street.trim_matches(|c: char| c.is_whitespace() || c == ',' || c == '，')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streets_are_named_once_and_house_numbers_never() {
        let zh = [
            "示例市西城区湖滨路12号301室",
            "示例市西城区湖滨路14号",
            "示例市西城区南山路3号",
        ];
        assert_eq!(
            area(zh.into_iter(), Tongue::Zh),
            "示例市西城区湖滨路、示例市西城区南山路"
        );
        let en = [
            "Flat 3, 12 Lake Road, West District",
            "14 Lake Road, West District",
        ];
        assert_eq!(area(en.into_iter(), Tongue::En), "Lake Road, West District");
    }

    #[test]
    fn many_streets_are_counted() {
        let names: Vec<String> = (0..9).map(|n| format!("{}路1号", char::from(b'a' + n))).collect();
        let words = area(names.iter().map(String::as_str), Tongue::Zh);
        assert!(words.ends_with("等另3处"), "{words}");
        assert_eq!(area(std::iter::empty(), Tongue::En), "");
    }
}
