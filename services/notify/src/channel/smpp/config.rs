//! Settings of one bind.

use super::Invalid;
use std::time::Duration;

/// Settings of one SMPP bind. Checked whole by [`super::open`].
#[derive(Clone)]
pub struct Config {
    /// Name of the provider account in logs and metrics.
    pub provider: String,
    /// `host:port` of the provider.
    pub address: String,
    /// Account name, at most 15 characters.
    pub system_id: String,
    /// Password, at most 8 characters (a limit of the protocol).
    pub password: String,
    /// Kind of system, at most 12 characters; often empty.
    pub system_type: String,
    /// Submits that may be unanswered at the same time.
    pub window: usize,
    /// Receipts and messages that may be unsettled at the same time; more are answered "try again".
    pub inbound_max: usize,
    /// How long a submit waits for a bound connection and a place in the window.
    pub queue_timeout: Duration,
    /// How long an answer may take before the submit is `Unknown`; also for bind, unbind and enquire_link.
    pub response_timeout: Duration,
    /// Silence after which the peer is asked whether it is there.
    pub enquire_after: Duration,
    /// How long nothing is sent after the provider says we are too fast.
    pub throttle_pause: Duration,
    /// First pause before a new connection.
    pub reconnect_min: Duration,
    /// Longest pause before a new connection.
    pub reconnect_max: Duration,
}

impl Config {
    /// A bind with the usual settings.
    pub fn new(provider: &str, address: &str, system_id: &str, password: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            address: address.to_owned(),
            system_id: system_id.to_owned(),
            password: password.to_owned(),
            system_type: String::new(),
            window: 32,
            inbound_max: 1_000,
            queue_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(10),
            enquire_after: Duration::from_secs(30),
            throttle_pause: Duration::from_secs(2),
            reconnect_min: Duration::from_millis(500),
            reconnect_max: Duration::from_secs(60),
        }
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        text("system_id", &self.system_id, 15)?;
        text("password", &self.password, 8)?;
        text("system_type", &self.system_type, 12)?;
        within("window", self.window, 1_000)?;
        within("inbound_max", self.inbound_max, 100_000)?;
        for (field, duration) in [
            ("queue_timeout", self.queue_timeout),
            ("response_timeout", self.response_timeout),
            ("enquire_after", self.enquire_after),
            ("reconnect_min", self.reconnect_min),
        ] {
            if duration.is_zero() {
                return Err(Invalid::new(field, "is zero; give a duration above zero"));
            }
        }
        match self.reconnect_max < self.reconnect_min {
            true => Err(Invalid::new(
                "reconnect_max",
                "is below reconnect_min; give at least that",
            )),
            false => Ok(()),
        }
    }
}

fn text(field: &'static str, value: &str, max: usize) -> Result<(), Invalid> {
    let is_right = value.len() <= max && value.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if is_right {
        return Ok(());
    }
    Err(Invalid::new(
        field,
        format!("needs at most {max} printable ASCII characters"),
    ))
}

fn within(field: &'static str, value: usize, max: usize) -> Result<(), Invalid> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    Err(Invalid::new(field, format!("is {value}; give 1 to {max}")))
}

/// The password is left out.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("provider", &self.provider)
            .field("address", &self.address)
            .field("system_id", &self.system_id)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_the_protocol_cannot_carry_are_named() {
        let right = Config::new("main", "127.0.0.1:2775", "relight", "secret");
        assert_eq!(right.check(), Ok(()));
        let field = |change: fn(&mut Config)| {
            let mut config = right.clone();
            change(&mut config);
            config.check().map_err(|invalid| invalid.field)
        };
        assert_eq!(field(|c| c.password = "ninechars".into()), Err("password"));
        assert_eq!(
            field(|c| c.system_id = "sixteen-letters-".into()),
            Err("system_id")
        );
        assert_eq!(field(|c| c.system_type = "a\0b".into()), Err("system_type"));
        assert_eq!(field(|c| c.window = 0), Err("window"));
        assert_eq!(
            field(|c| c.response_timeout = Duration::ZERO),
            Err("response_timeout")
        );
        assert_eq!(field(|c| c.reconnect_max = Duration::ZERO), Err("reconnect_max"));
    }

    #[test]
    fn the_password_is_not_shown() {
        let config = Config::new("main", "127.0.0.1:2775", "relight", "hush-5");
        assert!(!format!("{config:?}").contains("hush-5"));
    }
}
