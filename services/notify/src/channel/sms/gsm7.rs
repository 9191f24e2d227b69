//! The GSM default alphabet and its extension table (3GPP TS 23.038, tables 6.2.1 and 6.2.1.1).

/// Announces that the next septet is from the extension table.
pub(super) const ESCAPE: u8 = 0x1b;

/// The default alphabet in code order. Place 0x1b is the escape, not a character.
const BASIC: &str = concat!(
    "@£$¥èéùìòÇ\nØø\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ",
    " !\"#¤%&'()*+,-./",
    "0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÄÖÑÜ§",
    "¿abcdefghijklmno",
    "pqrstuvwxyzäöñüà",
);

/// The extension table.
const EXTENDED: [(char, u8); 10] = [
    ('\u{0c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

/// How one character is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Basic(u8),
    Extended(u8),
}

impl Code {
    /// One octet per septet, as SMPP carries them.
    pub(super) fn octets(self) -> Vec<u8> {
        match self {
            Code::Basic(septet) => vec![septet],
            Code::Extended(septet) => vec![ESCAPE, septet],
        }
    }
}

/// The code of `c`, or `None` when the alphabet has no place for it.
pub(super) fn code(c: char) -> Option<Code> {
    let basic = BASIC
        .chars()
        .zip(0u8..)
        .find(|&(known, septet)| known == c && septet != ESCAPE);
    let extended = || EXTENDED.iter().find(|(known, _)| *known == c);
    basic
        .map(|(_, septet)| Code::Basic(septet))
        .or_else(|| extended().map(|&(_, septet)| Code::Extended(septet)))
}

/// The character of a septet of the default alphabet.
pub(super) fn basic(septet: u8) -> Option<char> {
    if septet == ESCAPE {
        None
    } else {
        BASIC.chars().nth(usize::from(septet))
    }
}

/// The character of a septet after the escape; an unknown one is shown as the basic character (TS 23.038, 6.2.1.1).
pub(super) fn extended(septet: u8) -> Option<char> {
    EXTENDED
        .iter()
        .find(|(_, known)| *known == septet)
        .map(|(c, _)| *c)
        .or_else(|| basic(septet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_has_128_places_and_every_character_finds_its_own() {
        assert_eq!(BASIC.chars().count(), 128);
        for septet in (0..128u8).filter(|septet| *septet != ESCAPE) {
            let c = basic(septet).expect("a place of the alphabet");
            assert_eq!(code(c), Some(Code::Basic(septet)));
        }
    }

    #[test]
    fn characters_sit_where_the_standard_puts_them() {
        let table = [
            ('@', 0x00),
            ('Ç', 0x09),
            ('\n', 0x0a),
            ('\r', 0x0d),
            ('Δ', 0x10),
            ('_', 0x11),
            ('Ξ', 0x1a),
            ('É', 0x1f),
            (' ', 0x20),
            ('¤', 0x24),
            ('0', 0x30),
            ('¡', 0x40),
            ('A', 0x41),
            ('Z', 0x5a),
            ('§', 0x5f),
            ('¿', 0x60),
            ('a', 0x61),
            ('z', 0x7a),
            ('à', 0x7f),
        ];
        for (c, septet) in table {
            assert_eq!(code(c), Some(Code::Basic(septet)), "{c:?}");
        }
        assert_eq!(code('`'), None);
        assert_eq!(code('ç'), None, "only the capital is in the alphabet");
        assert_eq!(code('\u{1b}'), None, "the escape is not a character");
        assert_eq!(code('€'), Some(Code::Extended(0x65)));
    }
}
