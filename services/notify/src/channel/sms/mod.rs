//! Cuts a text into the parts a phone network carries, and reads parts back.
//!
//! Own code because the alternatives count wrongly for our purpose: one octet per septet is how SMPP carries GSM-7,
//! but the network's limit is 160 septets, not 140 octets. Pure: no I/O.
//!
//! # Source
//! 3GPP TS 23.038 (alphabets), 3GPP TS 23.040 section 9.2.3.24 (concatenation header).

mod gsm7;
mod read;

pub use read::{Fragment, Place, Unreadable, read};

/// How the characters of a text travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// GSM default alphabet with its extension table; one septet per octet on the wire.
    Gsm7,
    /// UTF-16, big endian. Written UCS-2 by the standards; phones take surrogate pairs.
    Ucs2,
}

/// The number that ties the parts of one text together on the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Six header octets: 153 septets or 67 UTF-16 units per part. What every phone understands.
    Short(u8),
    /// Seven header octets: 152 septets or 66 UTF-16 units per part.
    Long(u16),
}

/// One short message of a text, ready for the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// How the body is encoded.
    pub encoding: Encoding,
    /// Whether the octets begin with a user data header.
    pub has_header: bool,
    /// Header and body.
    pub octets: Vec<u8>,
    /// Position of this part, from 1.
    pub index: u8,
    /// Number of parts of the text.
    pub total: u8,
}

/// The text is left out: it is personal.
impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Part({} of {}, {:?}, {} octets)",
            self.index,
            self.total,
            self.encoding,
            self.octets.len()
        )
    }
}

/// Size of a text before it is sent, for template checks and cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The encoding the text needs.
    pub encoding: Encoding,
    /// Septets, or UTF-16 units.
    pub cells: usize,
    /// Short messages it takes with a [`Reference::Short`].
    pub parts: usize,
}

/// Why a text cannot be sent as SMS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// There is nothing to send.
    #[error("text: is empty; an SMS needs at least one character")]
    Empty,
    /// The header counts parts in one octet.
    #[error("text: needs {parts} parts, at most 255 are possible; shorten it")]
    TooLong {
        /// Parts the text would need.
        parts: usize,
    },
}

/// What must never be cut: the octets of one character and the room they take.
struct Unit {
    octets: Vec<u8>,
    cells: usize,
}

impl Encoding {
    /// GSM-7 when every character has a place there, else UCS-2; nothing is replaced or dropped.
    pub fn of(text: &str) -> Self {
        if text.chars().all(|c| gsm7::code(c).is_some()) {
            Encoding::Gsm7
        } else {
            Encoding::Ucs2
        }
    }

    /// Septets or UTF-16 units in a message of its own, without a header.
    pub fn whole_cells_max(self) -> usize {
        match self {
            Encoding::Gsm7 => 160,
            Encoding::Ucs2 => 70,
        }
    }

    /// Septets or UTF-16 units beside a concatenation header.
    pub fn part_cells_max(self, reference: Reference) -> usize {
        match (self, reference) {
            (Encoding::Gsm7, Reference::Short(_)) => 153,
            (Encoding::Gsm7, Reference::Long(_)) => 152,
            (Encoding::Ucs2, Reference::Short(_)) => 67,
            (Encoding::Ucs2, Reference::Long(_)) => 66,
        }
    }

    fn unit(self, c: char) -> Unit {
        let octets = match self {
            Encoding::Gsm7 => gsm7::code(c).map(gsm7::Code::octets).unwrap_or_default(),
            Encoding::Ucs2 => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .flat_map(|unit| unit.to_be_bytes())
                .collect(),
        };
        let cells = match self {
            Encoding::Gsm7 => octets.len(),
            Encoding::Ucs2 => octets.len() / 2,
        };
        Unit { octets, cells }
    }
}

/// Measures `text` without building the parts.
pub fn measure(text: &str) -> Size {
    let encoding = Encoding::of(text);
    let units: Vec<Unit> = text.chars().map(|c| encoding.unit(c)).collect();
    let cells = units.iter().map(|unit| unit.cells).sum();
    Size {
        encoding,
        cells,
        parts: bodies(encoding, &units, Reference::Short(0)).len(),
    }
}

/// Cuts `text` into its parts, tied together by `reference` when there is more than one.
///
/// # Errors
/// [`Invalid`] for an empty text and one of more than 255 parts.
pub fn segment(text: &str, reference: Reference) -> Result<Vec<Part>, Invalid> {
    let encoding = Encoding::of(text);
    let units: Vec<Unit> = text.chars().map(|c| encoding.unit(c)).collect();
    let bodies = bodies(encoding, &units, reference);
    if bodies.is_empty() {
        return Err(Invalid::Empty);
    }
    let total = u8::try_from(bodies.len()).map_err(|_| Invalid::TooLong { parts: bodies.len() })?;
    Ok((1..=total)
        .zip(bodies)
        .map(|(index, body)| part(encoding, reference, (index, total), body))
        .collect())
}

/// The bodies of the parts, each as full as it can be without cutting a unit.
fn bodies(encoding: Encoding, units: &[Unit], reference: Reference) -> Vec<Vec<u8>> {
    let cells: usize = units.iter().map(|unit| unit.cells).sum();
    let room = match cells <= encoding.whole_cells_max() {
        true => encoding.whole_cells_max(),
        false => encoding.part_cells_max(reference),
    };
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let mut left = 0;
    for unit in units {
        if unit.cells > left {
            bodies.push(Vec::new());
            left = room;
        }
        left -= unit.cells;
        if let Some(body) = bodies.last_mut() {
            body.extend_from_slice(&unit.octets);
        }
    }
    bodies
}

fn part(encoding: Encoding, reference: Reference, (index, total): (u8, u8), body: Vec<u8>) -> Part {
    let has_header = total > 1;
    let mut octets = if has_header {
        header(reference, index, total)
    } else {
        Vec::new()
    };
    octets.extend_from_slice(&body);
    Part {
        encoding,
        has_header,
        octets,
        index,
        total,
    }
}

/// The user data header: its length, then element 0x00 or 0x08 (TS 23.040 sections 9.2.3.24.1 and .8).
fn header(reference: Reference, index: u8, total: u8) -> Vec<u8> {
    match reference {
        Reference::Short(number) => vec![5, 0x00, 3, number, total, index],
        Reference::Long(number) => {
            let [high, low] = number.to_be_bytes();
            vec![6, 0x08, 4, high, low, total, index]
        }
    }
}

#[cfg(test)]
mod tests;
