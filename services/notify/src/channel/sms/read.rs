//! Reads one received short message: its text and its place among the parts of a longer one.

use super::{Encoding, gsm7};

/// One part of a text, read back.
#[derive(Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The text of this part.
    pub text: String,
    /// Where it belongs, when it is one of several.
    pub place: Option<Place>,
}

/// The text is left out: it is personal.
impl std::fmt::Debug for Fragment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Fragment({} characters, {:?})",
            self.text.chars().count(),
            self.place
        )
    }
}

/// Where a part belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The number all parts of the text share.
    pub reference: u16,
    /// Number of parts.
    pub total: u8,
    /// Position of this one, from 1.
    pub index: u8,
}

/// Why received octets are not a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The header says it is longer than the message.
    #[error("the user data header is longer than the message")]
    Header,
    /// Octets that the encoding does not know.
    #[error("the octets are not valid in their encoding")]
    Body,
}

/// Reads the octets of one message.
///
/// # Errors
/// [`Unreadable`]; the octets came from a network and prove nothing.
pub fn read(encoding: Encoding, has_header: bool, octets: &[u8]) -> Result<Fragment, Unreadable> {
    let (header, body) = if has_header {
        split_header(octets)?
    } else {
        (&[][..], octets)
    };
    let text = match encoding {
        Encoding::Gsm7 => from_gsm7(body),
        Encoding::Ucs2 => from_ucs2(body),
    };
    Ok(Fragment {
        text: text.ok_or(Unreadable::Body)?,
        place: place(header),
    })
}

fn split_header(octets: &[u8]) -> Result<(&[u8], &[u8]), Unreadable> {
    let (length, rest) = octets.split_first().ok_or(Unreadable::Header)?;
    rest.split_at_checked(usize::from(*length))
        .ok_or(Unreadable::Header)
}

/// The concatenation element among the header's elements; others are skipped.
fn place(mut header: &[u8]) -> Option<Place> {
    while let [id, length, rest @ ..] = header {
        let (value, next) = rest.split_at_checked(usize::from(*length))?;
        match (id, value) {
            (0x00, &[number, total, index]) => {
                return Some(Place {
                    reference: u16::from(number),
                    total,
                    index,
                });
            }
            (0x08, &[high, low, total, index]) => {
                return Some(Place {
                    reference: u16::from_be_bytes([high, low]),
                    total,
                    index,
                });
            }
            _ => header = next,
        }
    }
    None
}

fn from_gsm7(body: &[u8]) -> Option<String> {
    let mut septets = body.iter().copied();
    let mut text = String::new();
    while let Some(septet) = septets.next() {
        text.push(match septet {
            gsm7::ESCAPE => gsm7::extended(septets.next()?)?,
            septet => gsm7::basic(septet)?,
        });
    }
    Some(text)
}

fn from_ucs2(body: &[u8]) -> Option<String> {
    let (pairs, rest) = body.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    if rest.is_empty() {
        String::from_utf16(&units).ok()
    } else {
        None
    }
}
