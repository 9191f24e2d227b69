//! The stylesheet and the small scripts, embedded and cached by their content.

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};

use crate::app::App;

const FILES: [(&str, &str, &str); 4] = [
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("../../assets/style.css"),
    ),
    (
        "live.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/live.js"),
    ),
    (
        "board.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/board.js"),
    ),
    ("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// The route of the files.
pub fn routes() -> Router<App> {
    Router::new().route(
        "/assets/{version}/{name}",
        get(async |Path((_, name)): Path<(String, String)>| serve(&name)),
    )
}

/// Where a file is; changes with its content.
pub fn url(name: &str) -> String {
    let content = FILES
        .iter()
        .find(|(n, ..)| *n == name)
        .map_or("", |(_, _, content)| content);
    let hash = Sha256::digest(content.as_bytes());
    format!(
        "/assets/{:02x}{:02x}{:02x}{:02x}/{name}",
        hash[0], hash[1], hash[2], hash[3]
    )
}

/// One file.
pub fn serve(name: &str) -> Response {
    let Some((_, kind, content)) = FILES.iter().find(|(n, ..)| *n == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        ),
    ];
    (headers, *content).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The tokens of one block of the stylesheet, on top of `under`.
    fn tokens(under: &HashMap<String, f64>, block: &str) -> HashMap<String, f64> {
        let mut tokens = under.clone();
        for part in block.split("--").skip(1) {
            if let Some((name, value)) = part.split_once(": #") {
                tokens.insert(name.to_owned(), luminance(&value[..6]));
            }
        }
        tokens
    }

    /// Relative luminance of WCAG 2.2.
    fn luminance(hex: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
    }

    #[test]
    fn text_has_a_contrast_of_four_and_a_half_to_one_in_every_theme() {
        let style = FILES[0].2;
        let blocks: Vec<&str> = style
            .split('{')
            .skip(1)
            .map(|rest| rest.split('}').next().unwrap())
            .collect();
        let at = |n: usize| {
            blocks
                .iter()
                .filter(|b| b.contains("--paper: #"))
                .nth(n)
                .copied()
                .unwrap()
        };
        let light = tokens(&HashMap::new(), at(0));
        let dark = tokens(&light, at(2));
        let themes = [
            light.clone(),
            tokens(&light, at(1)),
            dark.clone(),
            tokens(&dark, at(3)),
        ];
        let pairs = [
            ("ink", "paper"),
            ("ink-2", "paper"),
            ("ink-2", "paper-2"),
            ("link", "paper"),
            ("on-brand", "brand"),
            ("on-go", "go"),
            ("stop", "stop-paper"),
            ("stop", "paper"),
            ("ink", "stop-paper"),
            ("ink", "good-paper"),
            ("breach", "paper-2"),
            ("at-risk", "paper-2"),
            ("watch", "paper-2"),
            ("on-mark", "breach"),
            ("on-mark", "info"),
            ("on-focus", "focus"),
        ];
        for (n, theme) in themes.iter().enumerate() {
            for (front, back) in pairs {
                let (a, b) = (theme[front], theme[back]);
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= 4.5, "theme {n}: {front} on {back} is {contrast:.2}");
            }
        }
    }
}
