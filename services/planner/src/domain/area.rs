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
    let named = match tongue {
        Tongue::Zh => together_zh(&named),
        Tongue::En => together_en(&named),
    };
    match (tongue, more) {
        (_, 0) => named,
        (Tongue::Zh, more) => format!("{named}等另{more}处"),
        (Tongue::En, more) => format!("{named} and {more} more"),
    }
}

/// "Lake Road and Hill Road, West District; Mill Lane, East District": what streets share is said once.
fn together_en(streets: &[&str]) -> String {
    let mut places: Vec<(&str, Vec<&str>)> = Vec::new();
    for street in streets {
        let (name, place) = street.split_once(", ").unwrap_or((street, ""));
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, names)) => names.push(name),
            None => places.push((place, vec![name])),
        }
    }
    let said = places.iter().map(|(place, names)| {
        let names = match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => names.join(""),
        };
        if place.is_empty() {
            names
        } else {
            format!("{names}, {place}")
        }
    });
    said.collect::<Vec<_>>().join("; ")
}

/// 示例市西城区湖滨路、南山路: a district that was just named is not named again.
fn together_zh(streets: &[&str]) -> String {
    let mut said = Vec::new();
    let mut before = "";
    for street in streets {
        let district = street
            .char_indices()
            .filter(|(_, c)| matches!(c, '省' | '市' | '区' | '县' | '镇' | '乡'))
            .map(|(at, c)| &street[..at + c.len_utf8()])
            .next_back()
            .filter(|district| district.len() < street.len())
            .unwrap_or_default();
        let name = &street[district.len()..];
        said.push(if district == before { name } else { street });
        before = district;
    }
    said.join("、")
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
        assert_eq!(area(zh.into_iter(), Tongue::Zh), "示例市西城区湖滨路、南山路");
        let en = [
            "Flat 3, 12 Lake Road, West District",
            "14 Lake Road, West District",
        ];
        assert_eq!(area(en.into_iter(), Tongue::En), "Lake Road, West District");
    }

    #[test]
    fn what_streets_share_is_said_once() {
        let en = [
            "1 Lake Road, West District",
            "2 Hill Road, West District",
            "3 Mill Lane, East District",
            "4 Ash Row, West District",
            "5 Old Wharf",
        ];
        assert_eq!(
            area(en.into_iter(), Tongue::En),
            "Ash Row, Hill Road and Lake Road, West District; Mill Lane, East District; Old Wharf"
        );
        let zh = ["甲市东区一路1号", "甲市东区二路1号", "甲市西区三路1号", "市"];
        assert_eq!(
            area(zh.into_iter(), Tongue::Zh),
            "市、甲市东区一路、二路、甲市西区三路"
        );
    }

    #[test]
    fn many_streets_are_counted() {
        let names: Vec<String> = (0..9).map(|n| format!("{}路1号", char::from(b'a' + n))).collect();
        let words = area(names.iter().map(String::as_str), Tongue::Zh);
        assert!(words.ends_with("等另3处"), "{words}");
        assert_eq!(area(std::iter::empty(), Tongue::En), "");
    }
}
