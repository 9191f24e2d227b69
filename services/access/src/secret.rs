//! Passwords, tokens and codes: made, hashed and compared. Comparisons take the same time whether right or wrong.

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use rand::RngCore;
use relight_common::secrets::Secrets;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{domain::code, error::Error};

/// argon2id, 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Hashes at one time: 19 MiB and one core each.
const AT_ONCE: usize = 2;
/// Longest wait for a turn; the caller's own deadline is 2 s.
const TURN: Duration = Duration::from_millis(1_500);

/// Hashes passwords beside the runtime's threads, a few at a time.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// Compared when there is no such account, so that the answer takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    /// A hasher.
    ///
    /// # Errors
    /// [`Error::Hash`] when hashing does not work at all.
    pub async fn new() -> Result<Self, Error> {
        let nobody = hash_now(&new_token()).map_err(Error::Hash)?;
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: nobody.into(),
        })
    }

    /// The PHC string of a new password.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Hash`].
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let password = password.to_owned();
        self.beside(move || hash_now(&password))
            .await?
            .map_err(Error::Hash)
    }

    /// Whether `password` is the one behind `stored`; without one the same work is done in vain.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool, Error> {
        let (password, known) = (password.to_owned(), stored.is_some());
        let stored = stored.map_or_else(|| self.nobody.to_string(), str::to_owned);
        let matches = self.beside(move || verify_now(&password, &stored)).await?;
        Ok(matches && known)
    }

    async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let turn = tokio::time::timeout(TURN, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)?;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(|_| Error::Busy)
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("constants within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash_now(password: &str) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::generate(&mut OsRng);
    Ok(argon2().hash_password(password.as_bytes(), &salt)?.to_string())
}

/// The parameters are read from the stored string, so that they may change later.
fn verify_now(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
}

/// A new session token: 256 random bits, base64url.
pub fn new_token() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    BASE64.encode(bytes)
}

/// What is stored of a token, or of a log-in name that failed.
pub fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Derives what must be recoverable but not readable in the database.
#[derive(Clone)]
pub struct Keyed(Hmac<Sha256>);

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed")
    }
}

impl Keyed {
    /// With a key of its own, derived from the key for short-lived marks.
    pub fn new(secrets: &Secrets) -> Self {
        let mut base = key(&secrets.cursor_key);
        base.update(b"relight access v1");
        Self(key(&base.finalize().into_bytes()))
    }

    /// The code of a row. Nobody can tell it from the database alone, and it can be sent again after a crash.
    pub fn code(&self, row: Uuid) -> String {
        let mark = self.mark(b"code", row.as_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&mark[..8]);
        code::digits(bytes)
    }

    /// Stands for a password where a request is remembered: a plain hash of it could be guessed.
    pub fn blind(&self, password: &str) -> String {
        if password.is_empty() {
            String::new()
        } else {
            BASE64.encode(self.mark(b"body", password.as_bytes()))
        }
    }

    fn mark(&self, purpose: &[u8], text: &[u8]) -> [u8; 32] {
        let mac = self
            .0
            .clone()
            .chain_update(purpose)
            .chain_update([0])
            .chain_update(text);
        mac.finalize().into_bytes().into()
    }
}

fn key(bytes: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(bytes).expect("HMAC takes keys of any length")
}

/// Compares two short secrets in a time that tells nothing but their lengths.
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_nothing_else_is() {
        let passwords = Passwords::new().await.unwrap();
        let stored = passwords.hash("correct horse").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify("correct horse", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("correct horsE", Some(&stored)).await.unwrap());
        assert!(
            !passwords
                .verify("correct horse", Some("not a hash"))
                .await
                .unwrap()
        );
        assert!(!passwords.verify("correct horse", None).await.unwrap());
    }

    #[test]
    fn codes_come_from_the_row_and_the_key() {
        let (one, other) = (
            Keyed::new(&Secrets::ephemeral()),
            Keyed::new(&Secrets::ephemeral()),
        );
        let rows: Vec<Uuid> = (0..8).map(|_| Uuid::now_v7()).collect();
        let codes = |keyed: &Keyed| rows.iter().map(|row| keyed.code(*row)).collect::<Vec<_>>();
        assert_eq!(codes(&one), codes(&one));
        assert_ne!(codes(&one), codes(&other));
        assert!(same("123456", "123456") && !same("123456", "123457") && !same("123456", "12345"));
        assert_eq!(one.blind(""), "");
        assert_ne!(one.blind("a"), one.blind("b"));
    }

    #[test]
    fn tokens_have_256_bits_and_never_repeat() {
        let (a, b) = (new_token(), new_token());
        assert_eq!(BASE64.decode(&a).unwrap().len(), 32);
        assert_ne!(a, b);
    }
}
