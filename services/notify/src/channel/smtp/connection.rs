//! Settings of a relay and the opening of a connection to it.

use super::Invalid;
use crate::channel::Refusal;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use std::time::Duration;
use tokio::net::TcpStream;

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// None: for a relay on the same host.
    None,
    /// STARTTLS, required.
    StartTls,
    /// TLS from the first octet (port 465).
    Implicit,
}

/// Settings of one relay. Checked whole by [`super::Mailer::new`].
#[derive(Clone)]
pub struct Config {
    /// Host name or address of the relay.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Protection of the connection.
    pub encryption: Encryption,
    /// User and password, when the relay asks for them.
    pub credentials: Option<(String, String)>,
    /// The name we say in EHLO; a domain.
    pub hello: String,
    /// Connections at the same time; also mails at the same time.
    pub connections: usize,
    /// How long a mail waits for a free connection.
    pub queue_timeout: Duration,
    /// How long one mail may take from connect to verdict.
    pub send_timeout: Duration,
}

impl Config {
    /// A relay without encryption and with the usual limits.
    pub fn new(host: &str, port: u16, hello: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            encryption: Encryption::None,
            credentials: None,
            hello: hello.to_owned(),
            connections: 8,
            queue_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(60),
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if !is_name(&self.host) {
            return Err(Invalid::new("host", "needs a host name or an address"));
        }
        if !is_name(&self.hello) {
            return Err(Invalid::new(
                "hello",
                "needs a domain name, such as notices.example.org",
            ));
        }
        if !(1..=1_000).contains(&self.connections) {
            return Err(Invalid::new(
                "connections",
                format!("is {}; give 1 to 1000", self.connections),
            ));
        }
        if self.queue_timeout.is_zero() || self.send_timeout.is_zero() {
            return Err(Invalid::new("timeout", "is zero; give a duration above zero"));
        }
        match (self.encryption, &self.credentials) {
            (Encryption::None, Some(_)) => Err(Invalid::new(
                "credentials",
                "would travel in the clear; set encryption first",
            )),
            _ => Ok(()),
        }
    }
}

/// The password is left out.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("encryption", &self.encryption)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// Why a step with the relay failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("could not reach the relay")]
    Reach(#[source] std::io::Error),
    #[error("could not open a session with the relay")]
    Open(#[source] SmtpError),
    #[error(transparent)]
    Mail(#[from] SmtpError),
}

impl Error {
    /// The relay's reply code, when it said no.
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Error::Reach(_) => None,
            Error::Open(error) | Error::Mail(error) => error.status().map(u16::from),
        }
    }

    /// What a reply code means for the mail. A session refused (a wrong password) says nothing about the mail.
    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Error::Mail(error) if error.is_permanent() => Refusal::Permanent,
            Error::Mail(_) | Error::Open(_) | Error::Reach(_) => Refusal::Transient,
        }
    }
}

/// Opens connections as the settings say.
pub(super) struct Connector {
    pub(super) config: Config,
    tls: Option<TlsParameters>,
    hello: ClientId,
}

impl Connector {
    pub(super) fn new(config: Config) -> Result<Self, Invalid> {
        config.check()?;
        let tls = match config.encryption {
            Encryption::None => None,
            Encryption::StartTls | Encryption::Implicit => Some(
                TlsParameters::new(config.host.clone())
                    .map_err(|error| Invalid::new("host", format!("cannot be used for TLS: {error}")))?,
            ),
        };
        let hello = ClientId::Domain(config.hello.clone());
        Ok(Self { config, tls, hello })
    }

    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        self.open(self.say_hello().await?).await.map_err(Error::Open)
    }

    async fn open(&self, mut connection: AsyncSmtpConnection) -> Result<AsyncSmtpConnection, SmtpError> {
        let config = &self.config;
        if let (Encryption::StartTls, Some(tls)) = (config.encryption, &self.tls) {
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some((user, password)) = &config.credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await?;
        }
        Ok(connection)
    }

    async fn say_hello(&self) -> Result<AsyncSmtpConnection, Error> {
        let server = (self.config.host.as_str(), self.config.port);
        if self.config.encryption == Encryption::Implicit {
            let (limit, tls) = (Some(self.config.send_timeout), self.tls.clone());
            let connected = AsyncSmtpConnection::connect_tokio1(server, limit, &self.hello, tls, None).await;
            return connected.map_err(Error::Open);
        }
        let stream = TcpStream::connect(server).await.map_err(Error::Reach)?;
        // The library writes a mail's content and its last dot apart; without this every mail waits 40 ms between
        // them for an acknowledgement. Its own connect, needed for implicit TLS, cannot be told so.
        stream.set_nodelay(true).map_err(Error::Reach)?;
        let connected = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await;
        connected.map_err(Error::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_are_named() {
        let right = Config::new("127.0.0.1", 25, "notices.example.org");
        let field = |change: fn(&mut Config)| {
            let mut config = right.clone();
            change(&mut config);
            config.check().map_err(|invalid| invalid.field)
        };
        assert_eq!(field(|_| {}), Ok(()));
        assert_eq!(field(|c| c.host.clear()), Err("host"));
        assert_eq!(field(|c| c.hello = "two words".into()), Err("hello"));
        assert_eq!(field(|c| c.connections = 0), Err("connections"));
        assert_eq!(field(|c| c.send_timeout = Duration::ZERO), Err("timeout"));
        assert_eq!(
            field(|c| c.credentials = Some(("a".into(), "b".into()))),
            Err("credentials")
        );
    }
}
