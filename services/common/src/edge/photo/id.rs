//! Which photo: the SHA-256 of its bytes. What it is: told by its first bytes, whatever the sender says.

use sha2::{Digest, Sha256};

use crate::error::Invalid;

/// SHA-256 of a photo, 64 lower-case hex digits; safe as a file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoId(String);

impl PhotoId {
    /// Reads it in either case.
    ///
    /// # Errors
    /// [`Invalid`] when it is no SHA-256.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(Invalid::new(
                "sha256",
                "must be the photo's SHA-256 as 64 hexadecimal digits",
            ))
        }
    }

    /// The id of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Forms of photos that are taken: what every browser shows and nothing executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

impl Form {
    /// The form these bytes begin with.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Form::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Form::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Form::WebP),
            _ => None,
        }
    }

    /// The media type a photo is shown with.
    pub fn media_type(self) -> &'static str {
        match self {
            Form::Jpeg => "image/jpeg",
            Form::Png => "image/png",
            Form::WebP => "image/webp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_hash_and_never_a_path() {
        let upper = "AB".repeat(32);
        assert_eq!(PhotoId::parse(&upper).unwrap().as_str(), "ab".repeat(32));
        for text in [
            "",
            "ab",
            "../../../../etc/passwd",
            &"g".repeat(64),
            &"é".repeat(32),
        ] {
            assert!(PhotoId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_photo_is_known_by_its_first_bytes_only() {
        assert_eq!(Form::of(b"\xff\xd8\xff\xe1EXIF"), Some(Form::Jpeg));
        assert_eq!(Form::of(b"\x89PNG\r\n\x1a\n.."), Some(Form::Png));
        assert_eq!(Form::of(b"RIFF\0\0\0\0WEBPVP8 "), Some(Form::WebP));
        for other in [
            &b"<svg onload=x>"[..],
            b"<html>",
            b"GIF89a",
            b"%PDF-1.7",
            b"\x7fELF",
            b"",
        ] {
            assert_eq!(Form::of(other), None);
        }
    }
}
