//! The streets around a place, from the addresses there, as far as anybody may know them: no house number, and no name that
//! fewer than three addresses share, which could be that of a house or of its people.

use std::collections::BTreeMap;

/// A name that fewer have is nobody's but theirs.
const SHARED_MIN: usize = 3;
/// More would not be read.
const NAMED_MAX: usize = 2;

/// The street of an address in Chinese, where the house number comes last: 湖滨路 of 示例市西城区湖滨路12号.
pub(crate) fn zh(address: &str) -> Option<&str> {
    let number = address.find(|c: char| c.is_ascii_digit())?;
    let before = &address[..number];
    let ends = |(at, c): (usize, char)| {
        matches!(c, '省' | '市' | '区' | '县' | '镇' | '乡').then(|| at + c.len_utf8())
    };
    let street = &before[before.char_indices().filter_map(ends).next_back().unwrap_or(0)..];
    Some(street.trim()).filter(|street| !street.is_empty())
}

/// The street of an address in English, where the house number comes first: Lake Road of 12 Lake Road, West District.
pub(crate) fn en(address: &str) -> Option<&str> {
    let number = address.rfind(|c: char| c.is_ascii_digit())?;
    let (_, after) = address[number..].split_once(' ')?;
    let street = after.split(',').next().unwrap_or(after).trim();
    Some(street).filter(|street| !street.is_empty())
}

/// Those that enough have, the most frequent first.
pub(crate) fn shared<'a>(streets: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for street in streets {
        *counts.entry(street).or_default() += 1;
    }
    let mut named: Vec<(&str, usize)> = counts
        .into_iter()
        .filter(|(_, count)| *count >= SHARED_MIN)
        .collect();
    named.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    named
        .into_iter()
        .take(NAMED_MAX)
        .map(|(street, _)| street.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_street_has_neither_number_nor_district() {
        assert_eq!(zh("示例市西城区湖滨路12号301室"), Some("湖滨路"));
        assert_eq!(zh("南山路3号"), Some("南山路"));
        assert_eq!(en("12 Lake Road, West District, Demo City"), Some("Lake Road"));
        assert_eq!(en("Flat 3, 12B Lake Road"), Some("Lake Road"));
    }

    #[test]
    fn an_address_without_a_number_may_name_its_people_and_names_no_street() {
        for address in ["王家大院", "", "示例市西城区5号"] {
            assert_eq!(zh(address), None, "{address}");
        }
        for address in ["Wang House", "", "12"] {
            assert_eq!(en(address), None, "{address}");
        }
    }

    #[test]
    fn what_fewer_than_three_have_is_not_told_and_the_most_frequent_come_first() {
        let streets = ["b", "a", "c", "b", "a", "c", "b", "a", "d", "d", "c", "b"];
        assert_eq!(shared(streets.into_iter()), ["b", "a"]);
        assert_eq!(shared(["x", "x"].into_iter()), Vec::<String>::new());
    }
}
