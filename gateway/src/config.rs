//! Section `http` of the configuration, and what the pages say from `notices` and `areas`.

use std::collections::HashMap;

use chrono_tz::Tz;
use relight_common::{config::section, edge::Limits};
use serde::Deserialize;

use crate::api::Language;

/// Section `http`.
#[derive(Debug, Clone, Deserialize)]
pub struct Http {
    /// Largest request body, bytes.
    pub body_max: usize,
    /// Cookies are marked Secure.
    pub secure_cookies: bool,
    /// Zone of times where the place has none of its own.
    pub zone: Tz,
    /// Address people reach the pages at, without a slash at its end.
    pub site: String,
    /// Rates.
    #[serde(flatten)]
    pub limits: Limits,
}

/// Section `notices`: how the utility calls itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Notices {
    /// Chinese name.
    pub org_zh: String,
    /// English name.
    pub org_en: String,
    /// Number customers call.
    pub phone: String,
    /// The regulator's number.
    pub regulator: String,
}

/// Section `areas`: what people call the place of an org path.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Areas(HashMap<String, Area>);

/// A place's name.
#[derive(Debug, Clone, Deserialize)]
struct Area {
    zh: String,
    en: String,
}

impl Areas {
    /// The name of exactly this path; `None`: nobody gave it one.
    pub fn name(&self, language: Language, org_path: &str) -> Option<&str> {
        let area = self.0.get(org_path)?;
        Some(match language {
            Language::ZhCn => &area.zh,
            Language::En => &area.en,
        })
    }

    /// The names of the configuration.
    ///
    /// # Errors
    /// Names the area that has no name in one of the languages.
    pub fn load() -> anyhow::Result<Self> {
        Self(section("areas")?).checked()
    }

    fn checked(self) -> anyhow::Result<Self> {
        for (path, area) in &self.0 {
            let blank = area.zh.trim().is_empty() || area.en.trim().is_empty();
            anyhow::ensure!(!blank, "areas.\"{path}\" needs words for both zh and en");
        }
        Ok(self)
    }
}

/// Reads `http` and `notices`.
///
/// # Errors
/// Names the key that is wrong.
pub fn load() -> anyhow::Result<(Http, Notices)> {
    let http: Http = section("http")?;
    anyhow::ensure!(
        (1_024..=16 * 1024 * 1024).contains(&http.body_max),
        "http.body_max must be from 1024 to 16777216 bytes"
    );
    for (name, value) in [
        ("public_per_s", http.limits.public_per_s),
        ("public_burst", http.limits.public_burst),
        ("session_per_s", http.limits.session_per_s),
        ("session_burst", http.limits.session_burst),
    ] {
        anyhow::ensure!(value > 0, "http.{name} must be at least 1");
    }
    Ok((http, section("notices")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_areas_of_the_demo_have_names_in_both_languages() {
        let areas = Areas::load().unwrap();
        let table = [
            ("demo/city/east", "城东", "East city"),
            ("demo/city/west", "城西", "West city"),
            ("demo/county/north", "县北", "North county"),
            ("demo/county/south", "县南", "South county"),
        ];
        for (path, chinese, english) in table {
            assert_eq!(areas.name(Language::ZhCn, path), Some(chinese));
            assert_eq!(areas.name(Language::En, path), Some(english));
        }
        assert_eq!(areas.name(Language::En, "demo/city/west/station"), None);
    }

    #[test]
    fn an_area_without_words_in_one_language_is_named() {
        let areas: Areas = toml::from_str("\"a/b\" = { zh = \" \", en = \"B\" }").unwrap();
        let fault = areas.checked().unwrap_err().to_string();
        assert!(fault.contains("areas.\"a/b\""), "{fault}");
        assert!(toml::from_str::<Areas>("\"a/b\" = { en = \"B\" }").is_err());
    }
}
