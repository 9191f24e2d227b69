//! Reads texts: decodes the alphabets and puts the parts of a text together.

use super::{Sms, Submitted};
use std::collections::{BTreeMap, HashMap};

const HAS_HEADER: u8 = 0x40;
const UCS2: u8 = 8;
const ESCAPE: u8 = 0x1b;

/// What ties parts together: sender, recipient, reference, number of parts.
type Key = (String, String, u16, u8);

/// Parts of texts that are not whole yet.
#[derive(Default)]
pub(super) struct Assembler {
    open: HashMap<Key, BTreeMap<u8, Submitted>>,
}

impl Assembler {
    /// Takes a part in; gives the text when it was the last one missing.
    pub(super) fn add(&mut self, submitted: Submitted) -> Option<Sms> {
        let Some((reference, total, index)) = place(&submitted) else {
            return Some(whole(vec![submitted]));
        };
        let key = (
            submitted.source.clone(),
            submitted.destination.clone(),
            reference,
            total,
        );
        let parts = self.open.entry(key.clone()).or_default();
        parts.insert(index, submitted);
        if !(1..=total).all(|index| parts.contains_key(&index)) {
            return None;
        }
        let parts = self.open.remove(&key)?;
        Some(whole(parts.into_values().collect()))
    }
}

fn whole(parts: Vec<Submitted>) -> Sms {
    let octets: Vec<u8> = parts.iter().flat_map(|part| body(part).to_vec()).collect();
    let last = &parts[parts.len() - 1];
    Sms {
        source: last.source.clone(),
        destination: last.destination.clone(),
        text: decode(last.data_coding, &octets),
        parts: u8::try_from(parts.len()).unwrap_or(u8::MAX),
        message_ids: parts.iter().map(|part| part.message_id.clone()).collect(),
        received_at: parts
            .iter()
            .map(|part| part.received_at)
            .max()
            .unwrap_or(last.received_at),
    }
}

/// Reference, number of parts and index, of a header with one of the two concatenation elements.
fn place(part: &Submitted) -> Option<(u16, u8, u8)> {
    if part.esm_class & HAS_HEADER == 0 {
        return None;
    }
    match part.octets.as_slice() {
        [5, 0, 3, number, total, index, ..] => Some((u16::from(*number), *total, *index)),
        [6, 8, 4, high, low, total, index, ..] => Some((u16::from_be_bytes([*high, *low]), *total, *index)),
        _ => None,
    }
}

fn body(part: &Submitted) -> &[u8] {
    let header = match part.octets.first() {
        Some(length) if part.esm_class & HAS_HEADER != 0 => usize::from(*length) + 1,
        _ => 0,
    };
    part.octets.get(header..).unwrap_or_default()
}

fn decode(data_coding: u8, octets: &[u8]) -> String {
    if data_coding == UCS2 {
        let units: Vec<u16> = octets
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| u16::from_be_bytes(*pair))
            .collect();
        return String::from_utf16_lossy(&units);
    }
    let mut septets = octets.iter();
    let mut text = String::new();
    while let Some(&septet) = septets.next() {
        text.push(if septet == ESCAPE {
            escaped(septets.next().copied())
        } else {
            basic(septet)
        });
    }
    text
}

/// 3GPP TS 23.038, written as what differs from ASCII.
fn basic(septet: u8) -> char {
    const LOW: [char; 32] = [
        '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', 'Δ', '_', 'Φ', 'Γ',
        'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{fffd}', 'Æ', 'æ', 'ß', 'É',
    ];
    match septet {
        0x00..=0x1f => LOW[usize::from(septet)],
        0x24 => '¤',
        0x40 => '¡',
        0x5b => 'Ä',
        0x5c => 'Ö',
        0x5d => 'Ñ',
        0x5e => 'Ü',
        0x5f => '§',
        0x60 => '¿',
        0x7b => 'ä',
        0x7c => 'ö',
        0x7d => 'ñ',
        0x7e => 'ü',
        0x7f => 'à',
        0x20..=0x7a => char::from(septet),
        0x80.. => '\u{fffd}',
    }
}

fn escaped(septet: Option<u8>) -> char {
    match septet {
        Some(0x0a) => '\u{0c}',
        Some(0x14) => '^',
        Some(0x28) => '{',
        Some(0x29) => '}',
        Some(0x2f) => '\\',
        Some(0x3c) => '[',
        Some(0x3d) => '~',
        Some(0x3e) => ']',
        Some(0x40) => '|',
        Some(0x65) => '€',
        _ => '\u{fffd}',
    }
}
