//! Why somebody is alarmed, in both languages of the desk.

use chrono_tz::Tz;

use super::window::Instant;

/// One text for people, in Chinese and in English; both say the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Said {
    /// The same in both languages.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }
}

/// As clocks at the place show it.
pub fn clock(at: Instant, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}
