//! Contact values at rest: sealed with XChaCha20-Poly1305, found by HMAC-SHA256 of their normal form.
//!
//! The seal is bound to the customer and the channel, so a sealed value moved to another row does not open.

use chacha20poly1305::{AeadInPlace, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::RngCore;
use relight_common::secrets::Secrets;
use relight_grid::pack::Channel;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::contact::Normal;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Why a sealed value stays closed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Sealed with a key this process does not have.
    #[error("contact key {0} is not loaded: give back the secrets it was sealed with")]
    OtherKey(String),
    /// Damaged, or moved from another row.
    #[error("a sealed contact is damaged")]
    Damaged,
}

/// A sealed value as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Nonce, ciphertext, tag.
    pub bytes: Vec<u8>,
    /// Id of the key.
    pub key_id: String,
}

/// Seals, opens and finds contact values.
#[derive(Clone)]
pub struct Sealer {
    aead: XChaCha20Poly1305,
    aead_id: String,
    hmac: Hmac<Sha256>,
    hmac_id: String,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer")
            .field("key", &self.aead_id)
            .field("hmac", &self.hmac_id)
            .finish_non_exhaustive()
    }
}

impl Sealer {
    /// With the contact keys of `secrets`.
    pub fn new(secrets: &Secrets) -> Self {
        Self {
            aead: XChaCha20Poly1305::new(&secrets.contact_key.into()),
            aead_id: key_id(&secrets.contact_key),
            hmac: <Hmac<Sha256> as Mac>::new_from_slice(&secrets.contact_hmac)
                .expect("HMAC takes keys of any length"),
            hmac_id: key_id(&secrets.contact_hmac),
        }
    }

    /// Seals `value` for this customer; twice the same value gives different bytes.
    pub fn seal(&self, customer: Uuid, value: &Normal) -> Sealed {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let mut text = value.as_str().as_bytes().to_vec();
        let bound = binding(customer, value.channel());
        let tag = self
            .aead
            .encrypt_in_place_detached(&XNonce::from(nonce), &bound, &mut text)
            .expect("a contact is far shorter than the cipher's limit");
        Sealed {
            bytes: [nonce.as_slice(), &text, &tag].concat(),
            key_id: self.aead_id.clone(),
        }
    }

    /// Opens what was sealed for this customer and channel.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&self, customer: Uuid, channel: Channel, sealed: &Sealed) -> Result<String, SealError> {
        if sealed.key_id != self.aead_id {
            return Err(SealError::OtherKey(sealed.key_id.clone()));
        }
        let (nonce, rest) = sealed
            .bytes
            .split_at_checked(NONCE_BYTES)
            .ok_or(SealError::Damaged)?;
        let text_bytes = rest.len().checked_sub(TAG_BYTES).ok_or(SealError::Damaged)?;
        let (text, tag) = rest.split_at(text_bytes);
        let mut text = text.to_vec();
        self.aead
            .decrypt_in_place_detached(
                XNonce::from_slice(nonce),
                &binding(customer, channel),
                &mut text,
                Tag::from_slice(tag),
            )
            .map_err(|_| SealError::Damaged)?;
        String::from_utf8(text).map_err(|_| SealError::Damaged)
    }

    /// By what a value is found; equal exactly when the normal forms are equal.
    pub fn hmac(&self, value: &Normal) -> Vec<u8> {
        let mac = self.hmac.clone().chain_update(value.as_str().as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Id of the HMAC key.
    pub fn hmac_id(&self) -> &str {
        &self.hmac_id
    }
}

/// A name for a key that does not tell the key: the first 8 bytes of a hash of it.
fn key_id(key: &[u8; 32]) -> String {
    let hash = Sha256::new()
        .chain_update(b"relight contact key")
        .chain_update(key)
        .finalize();
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn binding(customer: Uuid, channel: Channel) -> Vec<u8> {
    [customer.as_bytes().as_slice(), channel.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers and addresses from a small range, so that equal ones come up.
    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            (
                0_u32..50,
                prop::sample::select(vec!["+86 199 0000 ", "1990000", "0086-1990000"])
            )
                .prop_map(|(n, start)| format!("{start}{n:04}")),
            ("[a-cA-C]{1,3}", "[a-cA-C]{1,2}")
                .prop_map(|(local, domain)| format!("{local}@{domain}.example")),
        ]
    }

    fn keys() -> Sealer {
        Sealer::new(&Secrets::ephemeral())
    }

    proptest! {
        #[test]
        fn a_sealed_value_opens_again_and_only_where_it_belongs(value in value()) {
            let (sealer, customer) = (keys(), Uuid::now_v7());
            let normal = Normal::read("value", &value).unwrap();
            let sealed = sealer.seal(customer, &normal);
            prop_assert_eq!(sealer.open(customer, normal.channel(), &sealed).unwrap(), normal.as_str());
            prop_assert_ne!(&sealer.seal(customer, &normal), &sealed);
            let other = Uuid::now_v7();
            prop_assert!(matches!(sealer.open(other, normal.channel(), &sealed), Err(SealError::Damaged)));
            prop_assert!(matches!(keys().open(customer, normal.channel(), &sealed), Err(SealError::OtherKey(_))));
            let plain = normal.as_str().as_bytes();
            prop_assert!(!sealed.bytes.windows(plain.len()).any(|part| part == plain));
        }

        #[test]
        fn the_hmac_is_equal_exactly_when_the_normal_form_is(a in value(), b in value()) {
            let sealer = keys();
            let (a, b) = (Normal::read("value", &a).unwrap(), Normal::read("value", &b).unwrap());
            prop_assert_eq!(sealer.hmac(&a) == sealer.hmac(&b), a.as_str() == b.as_str());
            prop_assert_ne!(keys().hmac(&a), sealer.hmac(&a));
        }

        #[test]
        fn one_changed_bit_and_it_stays_closed(value in value(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let (sealer, customer) = (keys(), Uuid::now_v7());
            let normal = Normal::read("value", &value).unwrap();
            let mut sealed = sealer.seal(customer, &normal);
            let at = at.index(sealed.bytes.len());
            sealed.bytes[at] ^= 1 << bit;
            prop_assert!(sealer.open(customer, normal.channel(), &sealed).is_err());
        }

        #[test]
        fn no_text_breaks_the_reader(text in any::<String>()) {
            let _ = Normal::read("value", &text);
        }
    }

    #[test]
    fn bytes_too_short_for_a_nonce_are_damaged_not_a_panic() {
        let sealer = keys();
        for length in [0, NONCE_BYTES, NONCE_BYTES + TAG_BYTES - 1] {
            let sealed = Sealed {
                bytes: vec![0; length],
                key_id: sealer.aead_id.clone(),
            };
            assert!(matches!(
                sealer.open(Uuid::nil(), Channel::Sms, &sealed),
                Err(SealError::Damaged)
            ));
        }
    }
}
