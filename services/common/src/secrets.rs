//! Secrets by file: token keys, the data keys of contacts, database passwords, and the CA of the services.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use rand::RngCore;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use crate::token::{self, Minter, Verifier};

/// Every role that has a certificate and a database role of its own.
pub const SERVICES: [&str; 8] = [
    "access", "registry", "intake", "dispatch", "planner", "arrears", "notify", "insight",
];
/// The edges: certificates only.
pub const EDGES: [&str; 2] = ["gateway", "mobile-api"];

/// What a process needs to know that others must not.
#[derive(Clone)]
pub struct Secrets {
    dir: Option<PathBuf>,
    /// Signs caller tokens.
    pub minter: Minter,
    /// Checks caller tokens.
    pub verifier: Verifier,
    /// AEAD key of contact values.
    pub contact_key: [u8; 32],
    /// HMAC key for exact look-up of contact values; rotates separately.
    pub contact_hmac: [u8; 32],
    /// Signs page cursors and other short-lived marks.
    pub cursor_key: [u8; 32],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl Secrets {
    /// Secrets that live as long as this process (tests).
    pub fn ephemeral() -> Self {
        let (secret, public) = token::new_key_pair();
        Self {
            dir: None,
            minter: Minter::from_text(&secret).expect("a key just made"),
            verifier: Verifier::from_text(&public).expect("a key just made"),
            contact_key: random(),
            contact_hmac: random(),
            cursor_key: random(),
        }
    }

    /// Loads the secrets in `dir`.
    ///
    /// # Errors
    /// Names the file that is missing or damaged.
    pub fn load(dir: &Path) -> io::Result<Self> {
        let damaged = |name: &str| io::Error::other(format!("{name} in {} is damaged", dir.display()));
        Ok(Self {
            minter: Minter::from_text(&read(dir, "token.secret")?).ok_or_else(|| damaged("token.secret"))?,
            verifier: Verifier::from_text(&read(dir, "token.public")?)
                .ok_or_else(|| damaged("token.public"))?,
            contact_key: key(dir, "contact.key")?,
            contact_hmac: key(dir, "contact.hmac")?,
            cursor_key: key(dir, "cursor.key")?,
            dir: Some(dir.to_owned()),
        })
    }

    /// Makes what is missing in `dir` (0700, files 0600) and leaves what is there. Returns the names made.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn make(dir: &Path) -> io::Result<Vec<String>> {
        fs::create_dir_all(dir)?;
        fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        let mut made = Vec::new();
        if !dir.join("token.secret").exists() {
            let (secret, public) = token::new_key_pair();
            put(dir, "token.secret", &secret, &mut made)?;
            put(dir, "token.public", &public, &mut made)?;
        }
        for name in ["contact.key", "contact.hmac", "cursor.key"] {
            if !dir.join(name).exists() {
                put(dir, name, &BASE64.encode(random()), &mut made)?;
            }
        }
        for service in SERVICES {
            let name = format!("db-{service}.password");
            if !dir.join(&name).exists() {
                put(dir, &name, &BASE64.encode(random()), &mut made)?;
            }
        }
        make_certificates(dir, &mut made)?;
        Ok(made)
    }

    /// The database password of a service, when one is on file.
    pub fn database_password(dir: &Path, service: &str) -> Option<String> {
        read(dir, &format!("db-{service}.password"))
            .ok()
            .map(|text| text.trim().to_owned())
    }

    /// (CA certificate, own certificate, own key) of `role` as PEM.
    ///
    /// # Errors
    /// Names the file that is missing.
    pub fn tls(&self, role: &str) -> io::Result<(String, String, String)> {
        let dir = self
            .dir
            .as_deref()
            .ok_or_else(|| io::Error::other("ephemeral secrets have no certificates"))?;
        Ok((
            read(dir, "ca.pem")?,
            read(dir, &format!("{role}.pem"))?,
            read(dir, &format!("{role}.key"))?,
        ))
    }
}

/// A CA and one certificate per role, valid for the role's name and for this host.
fn make_certificates(dir: &Path, made: &mut Vec<String>) -> io::Result<()> {
    if !dir.join("ca.pem").exists() {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let ca = ca_params()?.self_signed(&key).map_err(io::Error::other)?;
        put(dir, "ca.key", &key.serialize_pem(), made)?;
        put(dir, "ca.pem", &ca.pem(), made)?;
    }
    let ca_key = KeyPair::from_pem(&read(dir, "ca.key")?).map_err(io::Error::other)?;
    let issuer = Issuer::new(ca_params()?, ca_key);
    for role in SERVICES.iter().chain(&EDGES) {
        if dir.join(format!("{role}.pem")).exists() {
            continue;
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let names = vec![(*role).to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, *role);
        params.extended_key_usages = vec![
            rcgen::ExtendedKeyUsagePurpose::ServerAuth,
            rcgen::ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = params.signed_by(&key, &issuer).map_err(io::Error::other)?;
        put(dir, &format!("{role}.key"), &key.serialize_pem(), made)?;
        put(dir, &format!("{role}.pem"), &certificate.pem(), made)?;
    }
    Ok(())
}

fn ca_params() -> io::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
        .distinguished_name
        .push(DnType::CommonName, "Relight services CA");
    Ok(params)
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

fn read(dir: &Path, name: &str) -> io::Result<String> {
    let path = dir.join(name);
    fs::read_to_string(&path)
        .map_err(|e| io::Error::new(e.kind(), format!("cannot read {}: {e}", path.display())))
}

fn key(dir: &Path, name: &str) -> io::Result<[u8; 32]> {
    BASE64
        .decode(read(dir, name)?.trim())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| io::Error::other(format!("{name} in {} is not 32 bytes of base64", dir.display())))
}

fn put(dir: &Path, name: &str, text: &str, made: &mut Vec<String>) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(dir.join(name))?;
    file.write_all(text.as_bytes())?;
    made.push(name.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_can_be_loaded_and_is_not_made_twice() {
        let dir = std::env::temp_dir().join(format!("relight-secrets-{}", uuid::Uuid::now_v7()));
        assert!(!Secrets::make(&dir).unwrap().is_empty());
        assert!(Secrets::make(&dir).unwrap().is_empty());
        let secrets = Secrets::load(&dir).unwrap();
        assert!(secrets.tls("dispatch").unwrap().1.contains("BEGIN CERTIFICATE"));
        fs::remove_dir_all(dir).unwrap();
    }
}
