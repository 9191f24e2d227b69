//! Parts are cut where the networks cut them.

use super::*;
use proptest::prelude::*;

fn sizes(text: &str, reference: Reference) -> Vec<usize> {
    let body = |part: &Part| {
        part.octets.len()
            - if part.has_header {
                usize::from(part.octets[0]) + 1
            } else {
                0
            }
    };
    segment(text, reference)
        .expect("a text that fits")
        .iter()
        .map(body)
        .collect()
}

#[test]
fn parts_are_counted_as_the_networks_count_them() {
    let emoji = "\u{1f600}";
    let table = [
        ("a".repeat(160), Encoding::Gsm7, 160, 1),
        ("a".repeat(161), Encoding::Gsm7, 161, 2),
        ("a".repeat(306), Encoding::Gsm7, 306, 2),
        ("a".repeat(307), Encoding::Gsm7, 307, 3),
        ("€".repeat(80), Encoding::Gsm7, 160, 1),
        ("€".repeat(81), Encoding::Gsm7, 162, 2),
        ("停".repeat(70), Encoding::Ucs2, 70, 1),
        ("停".repeat(71), Encoding::Ucs2, 71, 2),
        ("停".repeat(134), Encoding::Ucs2, 134, 2),
        ("停".repeat(135), Encoding::Ucs2, 135, 3),
        (emoji.repeat(35), Encoding::Ucs2, 70, 1),
        (emoji.repeat(36), Encoding::Ucs2, 72, 2),
    ];
    for (text, encoding, cells, parts) in table {
        assert_eq!(
            measure(&text),
            Size {
                encoding,
                cells,
                parts
            },
            "{} characters",
            text.chars().count()
        );
        assert_eq!(segment(&text, Reference::Short(1)).expect("fits").len(), parts);
    }
}

#[test]
fn every_extension_character_counts_two() {
    for c in "|^€{}[]~\\".chars() {
        assert_eq!(measure(&c.to_string()).cells, 2, "{c:?}");
    }
}

#[test]
fn an_extension_character_is_not_cut_at_the_edge_of_a_part() {
    let text = format!("{}€{}", "a".repeat(152), "b".repeat(20));
    assert_eq!(sizes(&text, Reference::Short(1)), [152, 22]);
}

#[test]
fn a_surrogate_pair_is_not_cut_at_the_edge_of_a_part() {
    let text = format!("{}\u{1f600}{}", "停".repeat(66), "电".repeat(10));
    assert_eq!(sizes(&text, Reference::Short(1)), [132, 24]);
}

#[test]
fn a_long_reference_leaves_one_cell_less_per_part() {
    assert_eq!(sizes(&"a".repeat(161), Reference::Long(1)), [152, 9]);
    assert_eq!(sizes(&"停".repeat(71), Reference::Long(1)), [132, 10]);
}

#[test]
fn headers_have_the_octets_of_the_standard() {
    let text = "a".repeat(161);
    let short = segment(&text, Reference::Short(0xab)).expect("fits");
    assert_eq!(short[1].octets[..6], [5, 0, 3, 0xab, 2, 2]);
    let long = segment(&text, Reference::Long(0xabcd)).expect("fits");
    assert_eq!(long[0].octets[..7], [6, 8, 4, 0xab, 0xcd, 2, 1]);
}

#[test]
fn texts_that_cannot_be_sent_are_refused() {
    assert_eq!(segment("", Reference::Short(1)), Err(Invalid::Empty));
    let text = "a".repeat(153 * 255 + 1);
    assert_eq!(
        segment(&text, Reference::Short(1)),
        Err(Invalid::TooLong { parts: 256 })
    );
    assert_eq!(
        segment(&text[1..], Reference::Short(1)).map(|parts| parts.len()),
        Ok(255)
    );
}

#[test]
fn broken_octets_are_unreadable_and_not_a_panic() {
    assert_eq!(read(Encoding::Gsm7, true, &[]), Err(Unreadable::Header));
    assert_eq!(read(Encoding::Gsm7, true, &[9, 0, 3]), Err(Unreadable::Header));
    assert_eq!(read(Encoding::Ucs2, false, &[0x4f]), Err(Unreadable::Body));
    assert_eq!(read(Encoding::Ucs2, false, &[0xd8, 0x3d]), Err(Unreadable::Body));
    assert_eq!(read(Encoding::Gsm7, false, &[0x1b]), Err(Unreadable::Body));
    assert_eq!(read(Encoding::Gsm7, false, &[0x80]), Err(Unreadable::Body));
}

/// Texts rich in the characters that are hard to cut.
fn texts() -> impl Strategy<Value = String> {
    let gsm = proptest::collection::vec(
        proptest::sample::select("ab @£€{}[]~|^\\Δß\n".chars().collect::<Vec<_>>()),
        1..700,
    );
    let any = proptest::collection::vec(
        prop_oneof![4 => proptest::sample::select("停电\u{1f600}\u{1f468}a€".chars().collect::<Vec<_>>()), 1 => any::<char>()],
        1..500,
    );
    prop_oneof![gsm, any].prop_map(|chars| chars.into_iter().collect())
}

fn references() -> impl Strategy<Value = Reference> {
    prop_oneof![
        any::<u8>().prop_map(Reference::Short),
        any::<u16>().prop_map(Reference::Long)
    ]
}

proptest! {
    #[test]
    fn reassembling_gives_the_text_back_and_no_part_is_over_its_limit(text in texts(), reference in references()) {
        let parts = segment(&text, reference).expect("fits in 255 parts");
        let mut whole = String::new();
        for (index, part) in (1..).zip(&parts) {
            // 140 octets on the air: GSM-7 packs eight septets into seven octets.
            let header = if part.has_header { usize::from(part.octets[0]) + 1 } else { 0 };
            let body = part.octets.len() - header;
            let air_bits = match part.encoding {
                Encoding::Gsm7 => (header * 8).div_ceil(7) * 7 + body * 7,
                Encoding::Ucs2 => (header + body) * 8,
            };
            prop_assert!(air_bits <= 140 * 8);

            let fragment = read(part.encoding, part.has_header, &part.octets).expect("own parts are readable");
            prop_assert_eq!(fragment.place.is_some(), parts.len() > 1);
            if let Some(place) = fragment.place {
                let number = match reference { Reference::Short(n) => u16::from(n), Reference::Long(n) => n };
                prop_assert_eq!(place, Place { reference: number, total: part.total, index });
            }
            whole.push_str(&fragment.text);
        }
        prop_assert_eq!(whole, text);
    }

    #[test]
    fn reading_never_panics(octets in proptest::collection::vec(any::<u8>(), 0..200), ucs2: bool, header: bool) {
        let encoding = if ucs2 { Encoding::Ucs2 } else { Encoding::Gsm7 };
        let _ = read(encoding, header, &octets);
    }
}
