//! What keeps personal data closed: HMAC of contact values, sealed variables, masked tails.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use rand::RngCore;
use relight_common::secrets::Secrets;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::{notice::Channel, words::Vars};

const NONCE_BYTES: usize = 24;

/// Seals variables and finds equal contact values.
#[derive(Clone)]
pub struct Sealer {
    aead: XChaCha20Poly1305,
    hmac: Hmac<Sha256>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// With the contact keys of `secrets`. The seal uses a key of its own, derived from the contact key.
    pub fn new(secrets: &Secrets) -> Self {
        let key = Sha256::new()
            .chain_update(b"relight notify variables")
            .chain_update(secrets.contact_key)
            .finalize();
        Self {
            aead: XChaCha20Poly1305::new(&key),
            hmac: <Hmac<Sha256> as Mac>::new_from_slice(&secrets.contact_hmac)
                .expect("HMAC takes keys of any length"),
        }
    }

    /// Equal exactly when two contact values are.
    pub fn recipient(&self, value: &str) -> [u8; 32] {
        self.hmac
            .clone()
            .chain_update(value.as_bytes())
            .finalize()
            .into_bytes()
            .into()
    }

    /// Seals the variables of `message`.
    pub fn seal(&self, message: Uuid, vars: &Vars) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let plain = serde_json::to_vec(vars).expect("a map of texts is JSON");
        let payload = Payload {
            msg: &plain,
            aad: message.as_bytes(),
        };
        let sealed = self
            .aead
            .encrypt(&XNonce::from(nonce), payload)
            .expect("variables are far shorter than the cipher's limit");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Opens what was sealed for `message`; `None` with other keys, another message, or damaged.
    pub fn open(&self, message: Uuid, sealed: &[u8]) -> Option<Vars> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_BYTES)?;
        let payload = Payload {
            msg: rest,
            aad: message.as_bytes(),
        };
        let plain = self.aead.decrypt(XNonce::from_slice(nonce), payload).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

/// What may be shown of a contact value: the last four digits, or the domain.
pub fn mask(channel: Channel, value: &str) -> String {
    match channel {
        Channel::Sms => {
            let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
            let shown = digits.len().min(4);
            format!("***{}", digits[digits.len() - shown..].iter().collect::<String>())
        }
        Channel::Email => format!("***@{}", value.rsplit_once('@').map_or("", |(_, domain)| domain)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_variables_open_only_for_their_message_and_keys() {
        let sealer = Sealer::new(&Secrets::ephemeral());
        let (id, vars) = (
            Uuid::now_v7(),
            Vars::from([("code".to_owned(), "123456".to_owned())]),
        );
        let mut sealed = sealer.seal(id, &vars);
        assert_eq!(sealer.open(id, &sealed), Some(vars));
        assert_eq!(sealer.open(Uuid::now_v7(), &sealed), None);
        assert_eq!(Sealer::new(&Secrets::ephemeral()).open(id, &sealed), None);
        assert_eq!(sealer.open(id, &[1, 2]), None);
        if let Some(last) = sealed.last_mut() {
            *last ^= 1;
        }
        assert_eq!(sealer.open(id, &sealed), None);
    }

    #[test]
    fn a_mask_shows_the_tail_only() {
        assert_eq!(mask(Channel::Sms, "+8619900000042"), "***0042");
        assert_eq!(mask(Channel::Sms, "12"), "***12");
        assert_eq!(mask(Channel::Email, "li.wei@example.org"), "***@example.org");
    }
}
