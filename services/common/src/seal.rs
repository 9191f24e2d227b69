//! Small secrets at rest: personal values sealed with XChaCha20-Poly1305, bound to the row they belong to.

use chacha20poly1305::{AeadInPlace, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use rand::RngCore;
use sha2::{Digest, Sha256};

const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// A sealed value that does not open: damaged, moved from another row, or sealed with a key this process lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open: it is damaged, or its key is not loaded")]
pub struct Closed;

/// Seals and opens values with one key. Layout: key id (4 bytes), nonce (24), ciphertext, tag (16).
#[derive(Clone)]
pub struct Seal {
    aead: XChaCha20Poly1305,
    key_id: [u8; KEY_ID_BYTES],
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// With this key.
    pub fn new(key: &[u8; 32]) -> Self {
        let hash = Sha256::new()
            .chain_update(b"relight seal")
            .chain_update(key)
            .finalize();
        let mut key_id = [0; KEY_ID_BYTES];
        key_id.copy_from_slice(&hash[..KEY_ID_BYTES]);
        Self {
            aead: XChaCha20Poly1305::new(key.into()),
            key_id,
        }
    }

    /// Seals `text` for the row `bound`; the same text twice gives different bytes.
    pub fn seal(&self, bound: &[u8], text: &str) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let mut body = text.as_bytes().to_vec();
        let tag = self
            .aead
            .encrypt_in_place_detached(XNonce::from_slice(&nonce), bound, &mut body)
            .expect("a personal value is far shorter than the cipher's limit");
        [self.key_id.as_slice(), &nonce, &body, &tag].concat()
    }

    /// Opens what was sealed for the row `bound`.
    ///
    /// # Errors
    /// [`Closed`].
    pub fn open(&self, bound: &[u8], sealed: &[u8]) -> Result<String, Closed> {
        let (key_id, rest) = sealed.split_at_checked(KEY_ID_BYTES).ok_or(Closed)?;
        let (nonce, rest) = rest.split_at_checked(NONCE_BYTES).ok_or(Closed)?;
        let length = rest.len().checked_sub(TAG_BYTES).ok_or(Closed)?;
        if key_id != self.key_id {
            return Err(Closed);
        }
        let (body, tag) = rest.split_at(length);
        let mut body = body.to_vec();
        self.aead
            .decrypt_in_place_detached(XNonce::from_slice(nonce), bound, &mut body, Tag::from_slice(tag))
            .map_err(|_| Closed)?;
        String::from_utf8(body).map_err(|_| Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_in_its_own_row_with_its_own_key_only() {
        let seal = Seal::new(&[7; 32]);
        let sealed = seal.seal(b"row 1", "+8657188880000");
        assert_eq!(seal.open(b"row 1", &sealed).as_deref(), Ok("+8657188880000"));
        assert_eq!(seal.open(b"row 2", &sealed), Err(Closed));
        assert_eq!(Seal::new(&[8; 32]).open(b"row 1", &sealed), Err(Closed));
        assert_ne!(seal.seal(b"row 1", "+8657188880000"), sealed);
        for end in 0..sealed.len() {
            assert_eq!(seal.open(b"row 1", &sealed[..end]), Err(Closed), "{end} bytes");
        }
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(seal.open(b"row 1", &damaged), Err(Closed), "byte {at}");
        }
    }
}
