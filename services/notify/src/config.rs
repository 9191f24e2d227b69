//! Settings of the notices, read whole before anything starts.

use std::path::Path;

use chrono_tz::Tz;
use relight_common::config;
use serde::Deserialize;

use crate::{
    channel::{
        smpp,
        smtp::{self, Encryption},
    },
    domain::words::House,
};

/// Name of the provider account of texts, in attempts and metrics.
pub const SMS_PROVIDER: &str = "smpp";
/// Name of the provider account of mail.
pub const MAIL_PROVIDER: &str = "smtp";

/// Section `sms`.
#[derive(Debug, Clone, Deserialize)]
pub struct Sms {
    /// `host:port`; empty: no sender runs and messages wait.
    pub address: String,
    /// Account name.
    pub system_id: String,
    /// File with the password; empty: none.
    pub password_file: String,
    /// Whom texts are from.
    pub source: String,
    /// Submits without an answer at one time.
    pub window: usize,
    /// Submits per second.
    pub per_second: u32,
}

/// Section `mail`.
#[derive(Debug, Clone, Deserialize)]
pub struct Mail {
    /// `host:port`; empty: no sender runs and messages wait.
    pub address: String,
    /// `none`, `starttls`, `tls`.
    pub security: String,
    /// Account name; empty: no log-in.
    pub username: String,
    /// File with the password.
    pub password_file: String,
    /// Whom mails are from.
    pub from: String,
    /// Mails on their way at one time.
    pub concurrency: usize,
}

/// Section `notices`.
#[derive(Debug, Clone, Deserialize)]
struct Notices {
    org_zh: String,
    org_en: String,
    phone: String,
}

/// Everything notify is told by its configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Texts.
    pub sms: Sms,
    /// Mail.
    pub mail: Mail,
    /// Who we are towards customers.
    pub house: House,
    /// Zone of places whose incident has none.
    pub zone: Tz,
}

/// Longest name of the utility in Chinese, characters; what the templates were measured with.
pub const ORG_ZH_MAX: usize = 8;
/// Longest name of the utility in English, characters.
pub const ORG_EN_MAX: usize = 24;
/// Longest enquiry number, characters.
pub const PHONE_MAX: usize = 12;

/// Reads and checks all sections.
///
/// # Errors
/// Names every key that is wrong.
pub fn load() -> anyhow::Result<Config> {
    let notices: Notices = config::section("notices")?;
    let (sms, mail): (Sms, Mail) = (config::section("sms")?, config::section("mail")?);
    let zone: String = config::section("http.zone")?;
    let mut faults = Vec::new();
    for (key, value, max) in [
        ("notices.org_zh", &notices.org_zh, ORG_ZH_MAX),
        ("notices.org_en", &notices.org_en, ORG_EN_MAX),
        ("notices.phone", &notices.phone, PHONE_MAX),
    ] {
        if !(1..=max).contains(&value.chars().count()) {
            faults.push(format!("{key} must have 1 to {max} characters"));
        }
    }
    if !(1..=10_000).contains(&sms.per_second) {
        faults.push("sms.per_second must be from 1 to 10000".to_owned());
    }
    let zone = zone.parse().unwrap_or_else(|_| {
        faults.push("http.zone must be an IANA zone such as Asia/Shanghai".to_owned());
        chrono_tz::UTC
    });
    anyhow::ensure!(
        faults.is_empty(),
        "the configuration has faults:\n  {}",
        faults.join("\n  ")
    );
    let house = House {
        org_zh: notices.org_zh,
        org_en: notices.org_en,
        phone: notices.phone,
    };
    Ok(Config {
        sms,
        mail,
        house,
        zone,
    })
}

impl Sms {
    /// Settings of the bind.
    ///
    /// # Errors
    /// When the password cannot be read.
    pub fn bind(&self) -> anyhow::Result<smpp::Config> {
        let password = password("sms.password_file", &self.password_file)?;
        let mut bind = smpp::Config::new(SMS_PROVIDER, &self.address, &self.system_id, &password);
        bind.window = self.window;
        Ok(bind)
    }
}

impl Mail {
    /// Settings of the relay.
    ///
    /// # Errors
    /// When a word is wrong or the password cannot be read.
    pub fn relay(&self) -> anyhow::Result<smtp::Config> {
        let (host, port) = self
            .address
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)))
            .ok_or_else(|| anyhow::anyhow!("mail.address must be host:port, such as 127.0.0.1:25"))?;
        let hello = self
            .from
            .trim_end_matches('>')
            .rsplit_once('@')
            .map_or("", |(_, domain)| domain);
        let mut relay = smtp::Config::new(host, port, hello);
        relay.encryption = match self.security.as_str() {
            "none" => Encryption::None,
            "starttls" => Encryption::StartTls,
            "tls" => Encryption::Implicit,
            _ => anyhow::bail!("mail.security must be none, starttls or tls"),
        };
        relay.connections = self.concurrency;
        if !self.username.is_empty() {
            relay.credentials = Some((
                self.username.clone(),
                password("mail.password_file", &self.password_file)?,
            ));
        }
        Ok(relay)
    }
}

fn password(key: &str, file: &str) -> anyhow::Result<String> {
    if file.is_empty() {
        return Ok(String::new());
    }
    let text = std::fs::read_to_string(Path::new(file))
        .map_err(|error| anyhow::anyhow!("{key}: cannot read {file}: {error}"))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_settings_are_right() {
        let config = load().unwrap();
        assert_eq!(
            (config.sms.address.as_str(), config.mail.address.as_str()),
            ("", "")
        );
        assert!(config.sms.bind().is_ok());
        let mail = Mail {
            address: "relay.example.org:25".into(),
            ..config.mail
        };
        assert_eq!(mail.relay().unwrap().hello, "example.org");
        for wrong in [
            Mail {
                address: "relay.example.org".into(),
                ..mail.clone()
            },
            Mail {
                security: "ssl".into(),
                ..mail.clone()
            },
            Mail {
                username: "u".into(),
                password_file: "/nowhere".into(),
                ..mail.clone()
            },
        ] {
            assert!(wrong.relay().is_err());
        }
    }
}
